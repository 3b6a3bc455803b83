"""`/overlamning`: the handover report of an area, to be printed. It needs no JavaScript."""

from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vardkase.archive.handover import DEFAULT, SHIFT, Cutoff, Frame, compose
from vardkase.gateway import forms
from vardkase.gateway.access.dependencies import may_read
from vardkase.gateway.desk.page import PageRoute, Who
from vardkase.gateway.filters import area_of
from vardkase.gateway.history.asks import Ask
from vardkase.gateway.history.pool import Archive
from vardkase.gateway.house import House, house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase.gateway.reads import whole
from vardkase.gateway.reporting import pages
from vardkase_contracts import vocab
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import parse
from vardkase_contracts.vocab import Reality

from .live import now_of
from .printed import WORDS
from .since import OLDEST, since

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

_HOURS: Final = (4, 6, 8, 12, 24)
"""Lengths of the next shift that are offered."""
_NO_ARCHIVE: Final = "noden har inget arkiv"
_AWAY: Final = "arkivet går inte att läsa just nu"
_WHY: Final = {
    "history_behind": "arkivet hinner inte med just nu",
    "history_busy": "för många frågar arkivet just nu",
    "history_too_long": "det tog för lång tid att läsa arkivet: välj ett mindre område",
    "history_too_large": "det var för mycket för arkivet: välj ett mindre område",
}
_SINCE: Final = (
    "Tiden går inte att läsa. Skriv 06:00, 12h eller 2026-11-20 06:00: en tid som har varit, högst 31 dygn bort."
)


@router.get("/overlamning")
async def handover(
    request: Request,
    who: Who,
    *,
    omrade: str = "",
    sedan: str = "",
    timmar: int = SHIFT,
    reality: Reality = "act",
) -> Response:
    """What whoever takes over must know: the area's, since the last cut-off, and what runs out in the next shift."""
    house = house_of(request)
    area = area_of(None, omrade, status=404) if omrade else who.area
    may_read(request, area, reality, what="read.handover")
    whole(house)
    hours = timmar if timmar in _HOURS else SHIFT
    now = house.clock.now()
    given = since(sedan, now) if sedan else None
    wrong = _SINCE if sedan and given is None else ""
    report = await _made(house, who, area, reality, given, hours)
    body = pages.page(
        "overlamning.html",
        now=now,
        report=report,
        reality=reality,
        realities=[each for each in vocab.REALITIES if each in who.realities],
        area=area,
        given={"sedan": sedan, "timmar": hours},
        hours=_HOURS,
        wrong=wrong,
        say=WORDS,
    )
    return forms.shown(body, 400 if wrong else 200)


async def _made(
    house: House, who: Principal, area: Area, reality: Reality, given: int | None, hours: int
) -> dict[str, Any]:
    """The report; without its past while the archive is away."""
    past: dict[str, Any] | None = None
    why: str | None = None if house.archive is not None else _NO_ARCHIVE
    now = house.clock.now()
    cutoff = Cutoff(now - DEFAULT, "default") if given is None else Cutoff(given, "given")
    if house.archive is not None:
        try:
            if given is None:
                cutoff = await _cutoff(house.archive, who, area, reality, now) or cutoff
            past = await _past(house.archive, who, Frame(area, reality, now, cutoff))
        except Problem as problem:
            if not problem.code.startswith("history_") or problem.status != 503:
                raise
            why = _WHY.get(problem.code, _AWAY)
    world = house.live.worlds[reality]
    held = world.pictures.get(area)
    live = now_of(
        None if held is None else orjson.loads(held.data),
        (alert.document for alert in list(world.alerts_of(area)) if alert.firing),
        world.states_of(area),
        now,
    )
    return compose(Frame(area, reality, now, cutoff, hours), live, past, why)


async def _cutoff(archive: Archive, who: Principal, area: Area, reality: Reality, now: int) -> Cutoff | None:
    """When the area's picture was adopted last; None: never, or too long ago."""
    by = archive.settled()
    ask = Ask(what="adopted", reality=reality, area=area.code, at=by, basis="known", by=by)
    adopted = orjson.loads((await archive.ask(ask, who.id)).body)
    if adopted is None:
        return None
    at = parse(adopted["at"])
    return Cutoff(at, "adopted", adopted) if now - OLDEST <= at <= now else None


async def _past(archive: Archive, who: Principal, frame: Frame) -> dict[str, Any]:
    ask = Ask(
        what="handover",
        reality=frame.reality,
        area=frame.area.code,
        at=frame.cutoff.at,
        basis="known",
        by=archive.settled(),
        since=archive.times.stored(frame.cutoff.at),
        now=frame.now,
    )
    return orjson.loads((await archive.ask(ask, who.id)).body)
