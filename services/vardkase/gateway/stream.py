"""`GET /v1/stream`: server-sent events of pictures, alerts and states."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Annotated, Final, Literal

import orjson
from fastapi import APIRouter, Depends, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase_contracts.areas import Area

from .access.dependencies import may_read, principal
from .client import Client, Question
from .documented import STREAM
from .documents import Held, around
from .filters import CodeQuery, LevelQuery, RealityQuery, asked_area
from .frames import ORDER, Position, Resume, deflated, event, pieces
from .house import House, house_of
from .live import Change
from .missed import UNREADABLE, missed_alerts
from .principal import Principal
from .problems import Problem
from .reads import whole
from .sse import EventStream, cutter, packs

log: Final = logging.getLogger(__name__)
router: Final = APIRouter()

_RETRY_MS: Final = 2_000
"""How soon a browser comes back after a break."""
_CATCH_UP: Final = 2.0
"""Seconds that a client waits who has heard more than this gateway, by another one."""
_LOOKS: Final = 40
"""How often it is looked in that time."""


@router.get("/v1/stream", tags=["stream"], summary="Server-sent events", responses=STREAM, response_class=Response)
async def stream(
    request: Request,
    who: Annotated[Principal, Depends(principal)],
    *,
    reality: RealityQuery = "act",
    level: LevelQuery = None,
    area: CodeQuery = None,
    kinds: Annotated[str, Query(pattern=r"^(picture|alert|state)(,(picture|alert|state)){0,2}$")] = "picture,alert",
    pictures: Annotated[Literal["own", "all"], Query(description="`all`: of the areas in it, too.")] = "own",
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """First what is, then what changes; after a break with `Last-Event-ID` what was missed, without a gap."""
    house = house_of(request)
    where = asked_area(who, level, area)
    may_read(request, where, reality, what="read.stream")
    asked = set(kinds.split(","))
    question = Question(
        reality, where, pictures if "picture" in asked else "none", alerts="alert" in asked, states="state" in asked
    )
    whole(house)
    if not house.hub.has_room(who):
        raise Problem(503, "full", "as many streams are open as are foreseen", headers={"retry-after": "5"})
    return EventStream(
        request,
        _told(request, house, question, who, last_event_id or None),
        stalled=house.settings.web.stalled,
    )


async def _told(
    request: Request, house: House, question: Question, who: Principal, last: str | None
) -> AsyncGenerator[bytes, None]:
    """What a client is told, from what it has on."""
    packed = packs(request)
    pack: Callable[[bytes], bytes] = deflated if packed else bytes
    since = await _resumed(house, last)
    client = house.hub.join(question, who, packed=packed, cut=cutter(request, "slow stream"))
    try:
        begin = _begin(house, client, since, again=last is not None)
        async with contextlib.aclosing(begin):
            async for piece in begin:
                yield pack(piece)
        while parts := await client.next():
            for part in parts:
                yield part
    except UNREADABLE as error:
        log.warning("a stream cannot be resumed now, and ends: %s", error)
    finally:
        house.hub.leave(client)


def _begin(house: House, client: Client, since: Position | None, *, again: bool) -> AsyncGenerator[bytes, None]:
    """What is, or what was missed, up to the position from which on the hub tells.

    It is collected at once, not when it is sent: what comes in between is told by the hub, and would come twice.
    """
    question = client.question
    held = _held(house, question, alerts=question.alerts and since is None)
    if since is None:
        house.counts.began.labels("reset" if again else "anew").inc()
        return _pieces(house, client, Position(0, 0, 0), held, reset=again)
    newer = [change for change in held if change.held.sequence > getattr(since, change.kind)]
    recent = house.hub.recent.since(since.alert) if question.alerts else []
    house.counts.began.labels("log" if recent is None else "memory").inc()
    if recent is None:
        return _pieces(house, client, since, newer, from_log=True)
    return _pieces(house, client, since, [*filter(question.wants, recent), *newer])


async def _pieces(
    house: House,
    client: Client,
    since: Position,
    changes: Sequence[Change],
    *,
    reset: bool = False,
    from_log: bool = False,
) -> AsyncGenerator[bytes, None]:
    question, epoch, position = client.question, house.live.epoch, client.position
    yield b"retry: %d\n\n" % _RETRY_MS
    if reset:
        yield event("reset", b"{}")
    if from_log:
        async with contextlib.aclosing(missed_alerts(house, question, since, upto=position.alert)) as missed:
            async for piece in missed:
                yield piece
        since = since.moved("alert", max(since.alert, position.alert))
    for piece, _ in pieces(changes, epoch, since):
        yield piece
    yield event("live", orjson.dumps({"reality": question.reality, "area": question.area.code}), position.id(epoch))


async def _resumed(house: House, last: str | None) -> Position | None:
    """What a client has that gave its last id; None: it begins anew."""
    resume = None if last is None else Resume.parse(last)
    if resume is None or resume.epoch != house.live.epoch or not await _reached(house, resume.position):
        return None
    return resume.position


async def _reached(house: House, position: Position) -> bool:
    """Whether what the client has is known here, too: it may have heard it by another gateway, a moment ago."""
    for _ in range(_LOOKS):
        if all(have >= had for have, had in zip(house.hub.position, position, strict=True)):
            return True
        await asyncio.sleep(_CATCH_UP / _LOOKS)
    return False


def _held(house: House, question: Question, *, alerts: bool) -> list[Change]:
    """What is held of what was asked for: of each kind in the order of its sequences."""
    world, found = house.live.worlds[question.reality], list[Change]()
    if alerts:
        found += (
            Change(question.reality, "alert", each.key, each.areas, each.served)
            for each in world.alerts_of(question.area)
            if each.firing
        )
    if question.pictures != "none":
        inside = world.pictures.items() if question.pictures == "all" else _own(world.pictures, question.area)
        found += (
            change
            for area, held in inside
            if question.wants(change := Change(question.reality, "picture", "", around(area), held))
        )
    if question.states:
        states, areas = world.states_of(question.area), (question.area,)
        found += (Change(question.reality, "state", each.id, areas, each.held) for each in states)
    found.sort(key=lambda change: (ORDER.index(change.kind), change.held.sequence))
    return found


def _own(pictures: dict[Area, Held], area: Area) -> list[tuple[Area, Held]]:
    held = pictures.get(area)
    return [] if held is None else [(area, held)]
