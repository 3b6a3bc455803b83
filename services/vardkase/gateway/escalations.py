"""`GET /v1/escalations`: what nobody has acknowledged for so long that others are told of it, and who."""

from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vardkase.domain.escalation import Standing, digests, planned, served, told
from vardkase.domain.intervals import FOREVER
from vardkase_contracts.instants import iso, parse

from .access.dependencies import may_read
from .documented import ESCALATIONS
from .filters import CodeQuery, LevelQuery, RealityQuery, asked_area
from .house import House, house_of
from .negotiate import answer, etag_of
from .reads import Who, whole

router: Final = APIRouter(tags=["alerts"])


@router.get(
    "/v1/escalations",
    summary="Alerts that nobody acknowledged in time",
    responses=ESCALATIONS,
    response_class=Response,
)
async def escalations(
    request: Request, who: Who, *, reality: RealityQuery = "act", level: LevelQuery = None, code: CodeQuery = None
) -> Response:
    """One digest for each step and area whose receivers are told, of the alerts of the area that was asked for."""
    house = house_of(request)
    area = asked_area(who, level, code)
    may_read(request, area, reality, what="read.alerts")
    whole(house)
    standing = [one for alert in house.live.worlds[reality].alerts_of(area) if (one := alert.standing) is not None]
    found, due = digests(standing, house.live.policy, house.clock.now())
    below = house.below.areas()
    body = orjson.dumps(
        {
            "level": area.level,
            "code": area.code,
            "digests": [told(each) | {"here": served(each.area, house.area, below)} for each in found],
            "next_at": None if due == FOREVER else iso(due),
        }
    )
    return answer(request, body, etag_of(body))


def rungs_of(house: House, alert: Standing) -> list[dict[str, Any]]:
    """To whom an alert is escalated, and when, as long as nobody takes it in; which of them have been told already."""
    now = house.clock.now()
    return [each | {"reached": parse(each["at"]) <= now} for each in planned(alert, house.live.policy)]
