"""`GET /v1/scorecards/{kommun}` and `/kommun/aterkoppling`: how a kommun's reports came, and what would help."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase.archive.advice import advice, reason, span
from vardkase.archive.replay import canonical
from vardkase.archive.scorecard import DEFAULT, LONGEST
from vardkase.gateway import forms
from vardkase.gateway.access.dependencies import may_read
from vardkase.gateway.desk.page import PageRoute, Who, entered
from vardkase.gateway.filters import RealityQuery
from vardkase.gateway.history.asks import Ask
from vardkase.gateway.history.at import answered, archive_of
from vardkase.gateway.history.pool import Archive
from vardkase.gateway.history.when import instant
from vardkase.gateway.house import house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase.gateway.reads import Who as Known
from vardkase.gateway.reporting import pages
from vardkase_contracts.areas import KOMMUNER, NATION, Area
from vardkase_contracts.instants import DAY, iso
from vardkase_contracts.vocab import Reality

from .documented import SCORECARD
from .printed import WORDS

router: Final = APIRouter(tags=["shift"])
page_router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

_DAYS: Final = (1, 7, 31, 92)
"""Lengths of time that the page offers, in days."""
_BAND: Final = {
    "1m": "inom 1 min",
    "5m": "inom 5 min",
    "15m": "inom 15 min",
    "1h": "inom 1 timme",
    "4h": "inom 4 timmar",
    "more": "senare",
}


@router.get(
    "/v1/scorecards/{kommun}",
    summary="How a kommun's reports came",
    responses=SCORECARD,
    response_class=Response,
)
async def scorecard(
    request: Request,
    who: Known,
    kommun: Annotated[str, Path(description="The kommun's code.", pattern=r"^[0-9]{4}$")],
    *,
    since: Annotated[
        str | None,
        Query(description="RFC 3339; at most 92 days ago. Unless given: the last 7 days.", max_length=40),
    ] = None,
    reality: RealityQuery = "act",
) -> Response:
    """Lateness, what was refused, silences of open points, differing copies, points in no register, and advice."""
    there = kommun in KOMMUNER
    may_read(request, Area("kommun", kommun) if there else NATION, reality, what="read.scorecard")
    if not there:
        raise Problem(404, "not_found", "There is no such kommun", field="kommun")
    archive = archive_of(house_of(request))
    now = archive.times.now()
    began = now - DEFAULT if since is None else instant("since", since)
    if began > now:
        raise Problem(400, "in_future", f"It is {iso(now)}: that is to come", field="since")
    if began < now - LONGEST:
        raise Problem(400, "too_long_ago", f"expected a time of the last {LONGEST // DAY} days", field="since")
    card = await _card(archive, who, kommun, reality, began)
    return await answered(request, canonical(card), {})


@page_router.get("/kommun/aterkoppling")
async def feedback(request: Request, who: Who, kod: str = "", reality: str = "act", dagar: int = 7) -> Response:
    """The same as a page."""
    house = house_of(request)
    if not kod and who.area.level == "kommun":
        kod = who.area.code
    place = entered(request, who, kod, reality)
    days = dagar if dagar in _DAYS else _DAYS[1]
    now = house.clock.now()
    card = await _card(archive_of(house), who, place.kommun, place.reality, now - days * DAY)
    shown = {"bands": _BAND, "days": days, "offered": _DAYS, "span": span, "reason": reason, "say": WORDS}
    return forms.shown(pages.page("aterkoppling.html", now=now, **place.shown(), card=card, **shown))


async def _card(archive: Archive, who: Principal, kommun: str, reality: Reality, began: int) -> dict[str, Any]:
    """A scorecard, in the node's time.

    Raises:
        Problem: 429, 503.
    """
    by = archive.settled()
    ask = Ask(
        what="scorecard",
        reality=reality,
        area=kommun,
        at=by,
        basis="known",
        by=by,
        since=archive.times.stored(began),
    )
    card: dict[str, Any] = orjson.loads((await archive.ask(ask, who.id)).body)
    card |= {"since": iso(began), "until": iso(archive.times.shown(by))}
    return {**card, "advice": [word._asdict() for word in advice(card)]}
