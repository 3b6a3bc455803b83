"""`GET /v1/forecasts`, `GET /v1/points/{point}/forecast`: what runs out or fills up, when, and why we think so."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase.domain.forecast.limits import cold_limits
from vardkase.domain.forecast.points import Forecast
from vardkase.domain.forecast.saying import statement
from vardkase.gateway.access.dependencies import may_read, may_read_point
from vardkase.gateway.documents import Point
from vardkase.gateway.filters import (
    LIMIT,
    CodeQuery,
    CursorQuery,
    LevelQuery,
    LimitQuery,
    RealityQuery,
    asked_area,
    next_link,
    page_of,
)
from vardkase.gateway.house import House, house_of
from vardkase.gateway.negotiate import answer, etag_of, pack_ahead
from vardkase.gateway.reads import PointPath, Who, not_here, starting, whole
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, iso
from vardkase_contracts.vocab import Reality

from .documented import AREA, POINT
from .readings import IN_USE, Kept

router: Final = APIRouter(tags=["forecasts"])

What = Literal["power", "water", "heat", "capacity"]
Status = Literal["foreseen", "passed", "not_foreseen", "too_few", "not_known"]
WITHIN: Final = (6, 12, 24)
"""Hours within which is counted what runs out."""
_BREATH: Final = 200
"""So many points are worked out at once, beside the event loop."""


class Foreseen(NamedTuple):
    """A forecast, and whose it is."""

    point: Point
    forecast: Forecast

    @property
    def order(self) -> str:
        """By when; then what nobody can say."""
        at = self.forecast.at
        return f"{'9999' if at is None else iso(at)} {self.forecast.what} {self.point.id}"

    def told(self, now: int) -> dict[str, Any]:
        """As JSON."""
        point = self.point
        return {
            "point": point.id,
            "name": point.name,
            "kommun": point.kommun,
            "lan": point.lan,
            "position": None if point.position is None else {"lon": point.position[0], "lat": point.position[1]},
            "condition": point.condition,
            "freshness": point.freshness,
            **told(self.forecast, now),
        }


@router.get("/v1/forecasts", summary="What runs out or fills up, and when", responses=AREA, response_class=Response)
async def forecasts(
    request: Request,
    who: Who,
    *,
    reality: RealityQuery = "act",
    level: LevelQuery = None,
    code: CodeQuery = None,
    what: Annotated[list[What], Query(description="Any of these.")] = [],  # noqa: B006 -- read alone
    status: Annotated[list[Status], Query(description="Any of these.")] = [],  # noqa: B006
    limit: LimitQuery = LIMIT,
    cursor: CursorQuery = None,
) -> Response:
    """Of the points in use of an area, by when; last those of which nobody can say. Counts are of the whole area."""
    house = house_of(request)
    area = asked_area(who, level, code)
    may_read(request, area, reality, what="read.points")
    whole(house)
    now = house.clock.now()
    points = [point for point in house.live.worlds[reality].points_of(area) if in_use(point)]
    everything = await foresee(house, reality, area, points, now)
    kinds, states = frozenset(what), frozenset(status)
    found = [
        each
        for each in everything
        if (not kinds or each.forecast.what in kinds) and (not states or each.forecast.status in states)
    ]
    found.sort(key=_order)
    page = page_of(found, _order, limit=limit, cursor=cursor)
    body = orjson.dumps(
        {
            "level": area.level,
            "code": area.code,
            "reality": reality,
            "as_of": iso(now),
            "points": len(points),
            "counts": {each: _counts([one.forecast for one in everything], each, now) for each in _WHATS},
            "forecasts": [each.told(now) for each in page.items],
            "numberMatched": page.matched,
            "cursor": page.cursor,
        }
    )
    etag = etag_of(body)
    await pack_ahead(request, body, etag)
    return answer(request, body, etag, headers=next_link(request, page.cursor), keep=True)


@router.get(
    "/v1/points/{point}/forecast",
    summary="What runs out or fills up at a point, and when",
    responses=POINT,
    response_class=Response,
)
async def forecast(request: Request, who: Who, point: PointPath, reality: RealityQuery = "act") -> Response:  # noqa: ARG001 -- asked who it is
    """What is foreseen of a point, each with what it rests on; of one that is not in use, nothing."""
    house = house_of(request)
    may_read_point(request, point, reality)
    held = house.live.worlds[reality].points.get(point)
    if held is None:
        raise not_here(house, "nothing is known of this point in this reality at this node")
    now = house.clock.now()
    own = [held] if in_use(held) else []
    found = await foresee(house, reality, Area("kommun", held.kommun), own, now)
    body = orjson.dumps(
        {
            "point": point,
            "reality": reality,
            "as_of": iso(now),
            "forecasts": [told(each.forecast, now) for each in found],
        }
    )
    return answer(request, body, etag_of(body))


def in_use(point: Point) -> bool:
    """Whether anything is foreseen of a point."""
    return point.lifecycle in IN_USE and not point.retired and not point.is_kommun


async def foresee(house: House, reality: Reality, area: Area, points: Sequence[Point], now: int) -> list[Foreseen]:
    """What is foreseen of points that lie in an area.

    Args:
        house: what is held, and the bus.
        reality: the world.
        area: the area.
        points: those that are asked about, in use.
        now: the instant (µs).

    Raises:
        Problem: 400, they are too many; 503, among others while it is not known yet by which limits they are judged.
    """
    if not house.given.whole:
        raise starting()
    readings = await house.readings.of(house.bus, house.live, reality, area, points)
    found: list[Foreseen] = []
    for begin in range(0, len(points), _BREATH):
        tables = house.given.tables(reality, now)
        part = [(point, cold_limits(tables.of_point(point.id))) for point in points[begin : begin + _BREATH]]
        found += await asyncio.to_thread(_concluded, part, readings, now)
    return found


def told(found: Forecast, now: int) -> dict[str, Any]:
    """A forecast as JSON, with what it rests on."""
    return {**found.told(), "statement": statement(found, now)}


def _concluded(
    points: Iterable[tuple[Point, Sequence[float]]], readings: Mapping[str, Kept], now: int
) -> list[Foreseen]:
    found: list[Foreseen] = []
    for point, cold in points:
        kept = readings.get(point.id)
        if kept is not None:
            found += [Foreseen(point, each) for each in kept.foreseen(now, cold)]
    return found


_WHATS: Final[tuple[What, ...]] = ("power", "water", "heat", "capacity")


def _counts(found: Sequence[Forecast], what: What, now: int) -> dict[str, Any]:
    """Of one thing: at how many points it comes to it, and at how many nobody can say."""
    own = [each for each in found if each.what == what]
    timed = [each for each in own if each.at is not None and each.status == "foreseen"]
    return {
        "passed": sum(each.status == "passed" for each in own),
        "not_foreseen": sum(each.status == "not_foreseen" for each in own),
        "too_few": sum(each.status == "too_few" for each in own),
        "not_known": sum(each.status == "not_known" for each in own),
        "within": {f"{hours}h": _within(timed, now + hours * HOUR) for hours in WITHIN},
    }


def _within(timed: Sequence[Forecast], limit: int) -> dict[str, int]:
    """Of what has not come to it yet: how many will by a time, and between what that lies."""
    return {
        "expected": sum((each.at or limit) <= limit for each in timed),
        "at_least": sum(_latest(each) <= limit for each in timed),
        "at_most": sum((each.earliest or each.at or limit) <= limit for each in timed),
        "reported": sum(each.reported_at is not None and each.reported_at <= limit for each in timed),
    }


def _latest(found: Forecast) -> float:
    """Without an interval the time itself; with an open one, never."""
    if found.latest is not None:
        return found.latest
    return float("inf") if found.earliest is not None or found.at is None else found.at


def _order(found: Foreseen) -> str:
    return found.order
