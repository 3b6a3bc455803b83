"""Alerts as they are now, and where else one could go."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase.domain.cap import MEDIA_TYPE as CAP
from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.vocab import ALERT_LEVELS, AlertLevel

from .access.dependencies import may_read, may_read_point
from .capped import message_named, newest_message, wants_cap
from .documented import ALERT, ALERTS
from .documents import AlertHeld
from .escalations import rungs_of
from .filters import LIMIT, CodeQuery, CursorQuery, LevelQuery, LimitQuery, RealityQuery, asked_area, next_link, page_of
from .house import house_of
from .nearest import nearest, start_of
from .negotiate import answer, etag_of, pack_ahead
from .reads import Who, not_here, whole

router: Final = APIRouter(tags=["alerts"])

_GRAVEST_FIRST: Final = {level: str(place) for place, level in enumerate(reversed(ALERT_LEVELS))}

_BY_ACCEPT: Final = {"vary": "accept, accept-encoding, authorization, cookie"}

RuleName = Annotated[str, Query(pattern=r"^[a-z]+\.[a-z0-9_]+$", max_length=64)]


@router.get("/v1/alerts", summary="Alerts of an area", responses=ALERTS, response_class=Response)
async def alerts(
    request: Request,
    who: Who,
    *,
    reality: RealityQuery = "act",
    level: LevelQuery = None,
    code: CodeQuery = None,
    status: Annotated[
        Literal["firing", "cleared", "all"], Query(description="Cleared ones: of the last 24 h.")
    ] = "firing",
    rule: Annotated[list[RuleName], Query(description="Any of these.")] = [],  # noqa: B006 -- read alone
    alert_level: Annotated[list[AlertLevel], Query(description="Any of these.")] = [],  # noqa: B006
    point: Annotated[str | None, Query(description="Only of this point.", max_length=45)] = None,
    inhibited: Annotated[bool | None, Query(description="Only those that another mutes, or only the others.")] = None,
    limit: LimitQuery = LIMIT,
    cursor: CursorQuery = None,
) -> Response:
    """The gravest first, then those that have stood longest; each as the stream has it, and with `escalation`.

    `escalation` says who is told unless somebody takes it in, and when: those whose time is not ahead have been. It is
    left out where nobody is.
    """
    house = house_of(request)
    area = asked_area(who, level, code)
    may_read(request, area, reality, what="read.alerts")
    whole(house)
    rules, levels = frozenset(rule), frozenset(alert_level)
    found = [
        alert
        for alert in house.live.worlds[reality].alerts_of(area)
        if (status == "all" or alert.firing == (status == "firing"))
        and (not rules or alert.rule in rules)
        and (not levels or alert.level in levels)
        and (point is None or alert.point == point)
        and (inhibited is None or alert.inhibited == inhibited)
    ]
    found.sort(key=_order)
    page = page_of(found, _order, limit=limit, cursor=cursor)
    link = next_link(request, page.cursor)
    body = _listed((alert.served.data for alert in page.items), page.matched, page.cursor)
    etag = etag_of(body)
    await pack_ahead(request, body, etag)
    return answer(request, body, etag, headers=link, keep=True)


@router.get(
    "/v1/alerts/{key:path}",
    summary="An alert, and where else one could go",
    responses=ALERT,
    response_class=Response,
)
async def alert(
    request: Request,
    who: Who,
    key: Annotated[
        str, Path(description="`<rule>/<point or area>`, such as `power.endurance/2480-x`.", max_length=120)
    ],
    *,
    reality: RealityQuery = "act",
    message: Annotated[
        str | None,
        Query(
            description="A CAP message of the alert, of now or of before, by its identifier: always answered as CAP.",
            max_length=200,
        ),
    ] = None,
) -> Response:
    """An alert as the stream has it, with `nearest`: an open, fresh point with room and over 12 h of power, or null.

    With `Accept: application/cap+xml` its newest message of CAP 1.2.
    """
    house = house_of(request)
    world = house.live.worlds[reality]
    place = key.partition("/")[2]
    # Asked before it is looked for: a stranger hears the same of one that stands and of one that does not.
    if place in KOMMUNER or "-" not in place:
        area = _area(place)
        may_read(request, area or who.area, reality, what="read.alert", on=place if area is not None else None)
    else:
        may_read_point(request, place, reality, what="read.alert")
    if message is not None:
        made = await message_named(house, reality, key, message)
        if made is None:
            raise not_here(house, "no change of this alert has a message of this name here")
        return answer(request, made, etag_of(made), media_type=CAP)
    found = world.alerts.get(key)
    if found is None:
        raise not_here(house, "no such alert stands, or was cleared lately, in this reality at this node")
    if wants_cap(request):
        made = await newest_message(house, found)
        return answer(request, made, etag_of(made), media_type=CAP, headers=_BY_ACCEPT)
    about = None if found.point is None else house.live.profile(reality, found.point)
    start = start_of(about, found.kommun)
    there: dict[str, Any] | None = None
    if found.firing and start is not None and who.point is None:  # it tells of other points
        there = nearest(world.points_of(who.area), start, house.clock.now(), but=found.point)
    rungs = [] if found.standing is None else rungs_of(house, found.standing)
    body = b'%s,"nearest":%s,"escalation":%s}' % (found.held.data[:-1], orjson.dumps(there), orjson.dumps(rungs))
    return answer(request, body, etag_of(body), headers=_BY_ACCEPT)


def _area(code: str) -> Area | None:
    try:
        return Area.parse(code)
    except ValueError:
        return None


def _order(alert: AlertHeld) -> str:
    return f"{_GRAVEST_FIRST[alert.level]} {alert.raised_at} {alert.key}"


def _listed(documents: Iterable[bytes], matched: int, cursor: str | None) -> bytes:
    more = orjson.dumps({"numberMatched": matched, "cursor": cursor})
    return b'{"alerts":[%s],%s' % (b",".join(documents), more[1:])
