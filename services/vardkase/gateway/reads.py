"""Pictures and points: as they are now, or (`?at=`) as they were."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from vardkase_contracts.vocab import AreaLevel

from .access.dependencies import may_read, may_read_point, principal
from .documented import PICTURE, POINT, POINTS
from .filters import CodeQuery, LevelQuery, RealityQuery, area_of, asked_area
from .history import at
from .history.when import When, asked_when
from .house import House, house_of
from .nearest import nearest, start_of
from .negotiate import answer
from .points import PointsQuery, answer_point, answer_points, points_query
from .principal import Principal
from .problems import Problem

router: Final = APIRouter()

Who = Annotated[Principal, Depends(principal)]
At = Annotated[When | None, Depends(asked_when)]
CodePath = Annotated[str, Path(description="`2480`, `24`, `norra` or `SE`.", max_length=16)]
PointPath = Annotated[
    str,
    Path(description="`<kommun>-<slug>`; `<kommun>-_`: the kommun itself.", pattern=r"^[0-9]{4}-(_|[a-z0-9-]{1,40})$"),
]


@router.get(
    "/v1/pictures/{level}/{code}",
    tags=["pictures"],
    summary="An area's picture",
    responses=PICTURE,
    response_class=Response,
)
async def picture(
    request: Request, who: Who, level: AreaLevel, code: CodePath, when: At, reality: RealityQuery = "act"
) -> Response:
    """The picture as the node published it last, byte for byte; of another time, from the archive."""
    house = house_of(request)
    area = area_of(level, code, status=404)
    may_read(request, area, reality)
    if when is not None:
        return await at.picture(request, who, area, reality, when)
    held = house.live.worlds[reality].pictures.get(area)
    if held is None:
        raise not_here(house, "there is no picture of this area in this reality at this node")
    return answer(request, held.data, held.etag, keep=True)


@router.get("/v1/points", tags=["points"], summary="Points as GeoJSON", responses=POINTS, response_class=Response)
async def points(
    request: Request,
    who: Who,
    query: Annotated[PointsQuery, Depends(points_query)],
    when: At,
    *,
    reality: RealityQuery = "act",
    level: LevelQuery = None,
    code: CodeQuery = None,
) -> Response:
    """Points of an area, by their ids: a feature each, its properties the point's state without its timelines."""
    house = house_of(request)
    area = asked_area(who, level, code)
    may_read(request, area, reality, what="read.points")
    if when is not None:
        return await at.points(request, who, area, reality, when, query)
    whole(house)
    return await answer_points(request, house.live.worlds[reality].points_of(area), query)


@router.get(
    "/v1/points/{point}",
    tags=["points"],
    summary="A point's state as GeoJSON",
    responses=POINT,
    response_class=Response,
)
async def point(request: Request, who: Who, point: PointPath, when: At, reality: RealityQuery = "act") -> Response:
    """A point as a feature; as it is now with `nearest`, where else its visitors could go, when it has alerts."""
    house = house_of(request)
    may_read_point(request, point, reality)
    if when is not None:
        return await at.point(request, who, point, reality, when)
    world = house.live.worlds[reality]
    found = world.points.get(point)
    if found is None:
        raise not_here(house, "nothing is known of this point in this reality at this node")
    start = start_of(found, found.kommun)
    bound = who.point is not None  # where else there is room is not for who reports of one point
    if bound or start is None or not any(alert.firing for alert in world.alerts_about(point)):
        return answer_point(request, found)
    there = nearest(world.points_of(who.area), start, house.clock.now(), but=point)
    return answer_point(request, found, {"nearest": there})


def not_here(house: House, detail: str) -> Problem:
    """404; but 503 while it is still being read what there is."""
    if house.live.whole:
        return Problem(404, "not_found", detail)
    return starting()


def whole(house: House) -> None:
    """A list is all of it, or none: not what has been read so far.

    Raises:
        Problem: 503.
    """
    if not house.live.whole:
        raise starting()


def starting() -> Problem:
    """503: it is still being read what there is."""
    return Problem(503, "starting", "the gateway is still reading what there is", headers={"retry-after": "1"})
