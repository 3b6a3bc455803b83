"""`GET /v1/short`: what runs short of power in an area, all of it: a picture names the first 20 alone."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vardkase_contracts.instants import iso

from .access.dependencies import may_read
from .documented import SHORT
from .documents import Point
from .filters import LIMIT, CodeQuery, LevelQuery, LimitQuery, RealityQuery, asked_area
from .house import house_of
from .negotiate import answer, etag_of
from .reads import Who, whole

router: Final = APIRouter(tags=["points"])

_UNKNOWN: Final = b'"endurance_known":false'
"""As it stands in a state. In a text that somebody wrote its quotes would be escaped."""
_GIVEN: Final = frozenset({"available", "limited"})
_DARK, _NOT_KNOWN, _TIMED = range(3)


class Short(NamedTuple):
    """A point that is, or will be, without power; in the order of CONTRACT §5: dark, unknown endurance, by time."""

    rank: int
    runs_out_at: str
    id: str
    point: Point
    state: dict[str, Any]

    def told(self) -> dict[str, Any]:
        """As JSON: as in a picture's `forecast.next`, and where it is."""
        facts: dict[str, Any] = self.state["facts"] if not self.state.get("cut") else {}
        services = facts.get("services", {})
        profile = _value(facts.get("profile")) or {}
        charging = _value(services.get("medical_device_charging"))
        planned = profile.get("planned_services") or ()
        return {
            "point": self.id,
            "name": self.point.name,
            "kommun": self.point.kommun,
            "lan": self.point.lan,
            "position": None
            if self.point.position is None
            else {"lon": self.point.position[0], "lat": self.point.position[1]},
            "lifecycle": self.point.lifecycle,
            "condition": self.point.condition,
            "freshness": self.point.freshness,
            "dark": self.point.dark,
            "endurance_known": self.state["endurance_known"],
            "runs_out_at": self.point.runs_out_at,
            "refill": _value(facts.get("refill")),
            "medical_charging": charging in _GIVEN or (charging is None and "medical_device_charging" in planned),
            "overnight": _value(services.get("overnight")) in _GIVEN,
        }


@router.get("/v1/short", summary="What runs short of power", responses=SHORT, response_class=Response)
async def short(
    request: Request,
    who: Who,
    *,
    reality: RealityQuery = "act",
    level: LevelQuery = None,
    code: CodeQuery = None,
    limit: LimitQuery = LIMIT,
) -> Response:
    """Points that are, or will be, without power: dark first, then of unknown endurance, then by when it runs out."""
    house = house_of(request)
    area = asked_area(who, level, code)
    may_read(request, area, reality, what="read.points")
    whole(house)
    found = sorted(running_short(house.live.worlds[reality].points_of(area)), key=lambda each: each[:3])
    ranks = [each.rank for each in found]
    body = orjson.dumps(
        {
            "level": area.level,
            "code": area.code,
            "reality": reality,
            "as_of": iso(house.clock.now()),
            "dark": ranks.count(_DARK),
            "endurance_unknown": ranks.count(_NOT_KNOWN),
            "timed": ranks.count(_TIMED),
            "points": [each.told() for each in found[:limit]],
        }
    )
    return answer(request, body, etag_of(body))


def running_short(points: Iterable[Point]) -> Iterator[Short]:
    """Those of some points that are, or will be, without power. Only these are decoded."""
    for point in points:
        if point.retired:
            continue
        if not point.dark and point.runs_out_at is None and _UNKNOWN not in point.held.data:
            continue
        state = point.document
        if point.dark:
            yield Short(_DARK, point.runs_out_at or "", point.id, point, state)
        elif not state["endurance_known"]:
            yield Short(_NOT_KNOWN, "", point.id, point, state)
        elif point.runs_out_at is not None:
            yield Short(_TIMED, point.runs_out_at, point.id, point, state)


def _value(fact: Any) -> Any:
    return None if fact is None else fact["value"]
