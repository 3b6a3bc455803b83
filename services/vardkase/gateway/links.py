"""`GET /v1/links`: how the node's links to its children and its parent are. What is told of them is in a bucket.

A picture says how old the word of each point is; this says whether more can come. It is no part of a picture: nodes
with the same reports have the same pictures, and not the same links.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from fastapi import APIRouter
from nats.aio.client import Client
from starlette.requests import Request
from starlette.responses import Response

from vardkase.federation.topology import LINKS as BUCKET
from vardkase.runtime.clock import SystemClock
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.follow import Follower
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import SECOND, parse

from .access.dependencies import may_read
from .documented import LINKS
from .filters import CodeQuery, LevelQuery, RealityQuery, asked_area
from .house import house_of
from .negotiate import answer, etag_of
from .reads import Who

log: Final = logging.getLogger(__name__)
router: Final = APIRouter(tags=["links"])

_OLD: Final = 30.0
"""Seconds after which what was told says nothing of now: the program that tells it is away."""
_PASSED: Final = ("node", "since", "last_seen", "stalled", "foreign", "detail")


class Told:
    """What the node tells of its links, followed.

    Args:
        settings: `reader`.
        tasks: where the following runs.
    """

    def __init__(self, settings: Settings, tasks: Tasks) -> None:
        self._tasks = tasks
        self._clock = SystemClock()  # links are told in real time, whatever the node's clock says
        self._last: Mapping[str, Any] | None = None
        self._follower = Follower(f"KV_{BUCKET}", [f"$KV.{BUCKET}.>"], settings, take=self._take, reset=self._forget)

    def start(self, nc: Client) -> None:
        """Begin to follow."""
        self._tasks.spawn(self._follower.run(nc), name="follow links", finite=True)

    def _take(self, deliveries: Sequence[Delivery]) -> None:
        try:
            told = orjson.loads(deliveries[-1].data)
            list(_links(told, known=False))
            parse(told["as_of"])
        except (ValueError, TypeError, LookupError) as error:
            log.error("what is told of the links cannot be read: %r", error)  # noqa: TRY400 -- one line says it
            return
        self._last = told

    def _forget(self) -> None:
        self._last = None

    def of(self, area: Area, node: str) -> dict[str, Any]:
        """The links that concern an area: to nodes of what lies in it, and of what it lies in.

        Args:
            area: whose.
            node: what this node is called.
        """
        told = self._last
        if told is None:
            return {"node": node, "as_of": None, "children": [], "parent": None}
        known = self._clock.now() - parse(told["as_of"]) < _OLD * SECOND
        own = Area.parse(told["area"])
        children: list[dict[str, Any]] = []
        parent = None
        for to, link in _links(told, known=known):
            if to == "parent":
                parent = link
            elif _concerns(area, Area(link["level"], link["code"])):
                children.append(link)
        shown = parent if _holds(area, own) else None
        return {"node": told["node"], "as_of": told["as_of"], "children": children, "parent": shown}


def _links(told: Mapping[str, Any], *, known: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """The links as they are answered; of what was told long ago it is not known how it is."""
    for each in told["links"]:
        area = Area.parse(each["area"])
        link = {name: each[name] for name in _PASSED}
        link |= {"level": area.level, "code": area.code, "name": area.name}
        link |= {name: each[name] if known else None for name in ("up", "lag_messages", "lag_s")}
        yield each["to"], link


def _concerns(area: Area, child: Area) -> bool:
    return _holds(area, child) or _holds(child, area)


def _holds(outer: Area, inner: Area) -> bool:
    return set(inner.kommuner()) <= set(outer.kommuner())


@router.get("/v1/links", summary="How the node's links are", responses=LINKS, response_class=Response)
async def links(
    request: Request, who: Who, *, reality: RealityQuery = "act", level: LevelQuery = None, code: CodeQuery = None
) -> Response:
    """Links to the nodes that an area's reports come by, and to the parent. The same for all realities."""
    house = house_of(request)
    area = asked_area(who, level, code)
    may_read(request, area, reality, what="read.links")
    told = house.links.of(area, house.settings.node)
    body = orjson.dumps({"level": area.level, "code": area.code, **told})
    return answer(request, body, etag_of(body))
