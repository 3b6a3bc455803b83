"""`POST /v1/fuel-round`: in which order trucks should go to the points of an area, so that the fewest run dry."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway.access.bodies import read
from vardkase.gateway.access.dependencies import may_read, principal
from vardkase.gateway.documented import answers, inlined, problem
from vardkase.gateway.filters import asked_area
from vardkase.gateway.foresight.routes import foresee, in_use
from vardkase.gateway.house import house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.reads import whole
from vardkase_contracts.instants import HOUR

from .asked import RoundAsked
from .told import planned
from .wanting import wanting

router: Final = APIRouter(tags=["fuel round"])

_COST: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["dry_points", "dry_weight", "dry_weighted_hours", "km"],
    "properties": {
        "dry_points": {"type": "integer", "description": "Points that run dry before fuel comes, or are dry."},
        "dry_weight": {"type": "integer", "description": "Their weight together: what is made least first."},
        "dry_weighted_hours": {"type": "number", "description": "Hours times weight: what is made least then."},
        "km": {"type": "number", "description": "What is driven: what is made least last."},
    },
}
_ROUND: Final[dict[str, Any]] = {
    "type": "object",
    "title": "FuelRound",
    "description": "A fuel round: a proposal. Nothing of it is stored.",
    "required": [
        "as_of", "until", "road_factor", "points", "trucks", "dry", "unserved", "left_out", "cost", "compared",
    ],
    "properties": {
        "as_of": {"type": "string", "format": "date-time"},
        "until": {"type": "string", "format": "date-time"},
        "road_factor": {"type": "number", "description": "Distances are as the crow flies, times this."},
        "points": {"type": "integer", "description": "Points that want fuel before the end."},
        "trucks": {"type": "array", "items": {"type": "object", "description": "Its stops, in order."}},
        "dry": {"type": "array", "items": {"type": "object", "description": "Who runs dry anyway, from when to when."}},
        "unserved": {"type": "array", "items": {"type": "string"}},
        "left_out": {"type": "array", "items": {"type": "object", "description": "Who is not in it, and why."}},
        "cost": _COST,
        "compared": {
            "type": "object",
            "description": "What simple orders would have cost: the plan is never worse.",
            "properties": {"nearest_first": _COST, "earliest_first": _COST},
        },
    },
}  # fmt: skip
_CONTENT: Final = problem(400)["content"]
_ANSWERS: Final = {
    **answers(_ROUND, 400, 401, 403, 408, 413, 429, 503),
    415: {"description": "Another media type, or a compressed body.", "content": _CONTENT},
    422: {"description": "The body is not as it must be; `field` names what.", "content": _CONTENT},
}
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": inlined(RoundAsked.model_json_schema())}},
    }
}


@router.post(
    "/v1/fuel-round", summary="Plan a fuel round", responses=_ANSWERS, response_class=Response, openapi_extra=_BODY
)
async def fuel_round(request: Request, who: Annotated[Principal, Depends(principal)]) -> Response:
    """Ordered stops for each truck, made of what is known now. It decides nothing, and stores nothing."""
    house = house_of(request)
    asked, _ = await read(request, RoundAsked)
    area = asked_area(who, None, asked.code)
    may_read(request, area, asked.reality, what="read.points")
    whole(house)
    now = house.clock.now()
    points = [point for point in house.live.worlds[asked.reality].points_of(area) if in_use(point)]
    foreseen = await foresee(house, asked.reality, area, points, now)
    power = {each.point.id: each.forecast for each in foreseen if each.forecast.what == "power"}
    pairs = [(point, power.get(point.id)) for point in points]
    until = now + round(asked.hours * HOUR)
    told = await house.solver.solve("fuel_round", lambda: planned(asked, wanting(pairs, now, until), now))
    body = orjson.dumps({"level": area.level, "code": area.code, "reality": asked.reality, **told})
    return Response(body, 200, {"cache-control": "no-store"}, "application/json")
