"""A one-line report at the desk: what was understood is shown before anything is sent."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway import forms, lines
from vardkase.gateway.access.dependencies import may_report
from vardkase.gateway.desk.page import PageRoute, Place, Who, entered, not_a_form
from vardkase.gateway.house import House, house_of
from vardkase.gateway.lines import Understood
from vardkase.gateway.reporting import pages
from vardkase_contracts.oneline import LONGEST, LineError, normal
from vardkase_contracts.oneline.reports import LineChannel

router: Final = APIRouter(route_class=PageRoute)

_LIMIT: Final = 16 << 10
_CHANNELS: Final[dict[str, LineChannel]] = {"sms": "sms", "rakel": "rakel", "phone": "phone"}


@router.get("/kommun/rad")
async def ask(request: Request, who: Who, kod: str, reality: str = "act") -> Response:
    """Asks for a line."""
    place = entered(request, who, kod, reality)
    may_report(request, place.itself, place.reality, "confirm")
    return _page(house_of(request), place)


@router.post("/kommun/rad")
async def understood(request: Request, who: Who) -> Response:
    """Says what a line means (`do` = `tolka`), or sends what was shown (`skicka`)."""
    house = house_of(request)
    pairs = await forms.fields(request, house, limit=_LIMIT)
    place = entered(request, who, forms.first(pairs, "kod"), forms.first(pairs, "reality"))
    may_report(request, place.itself, place.reality, "confirm")
    channel = _CHANNELS.get(forms.first(pairs, "channel"))
    if channel is None:
        raise not_a_form("channel")
    text = forms.first(pairs, "rad")
    found = lines.understand(request, house, who, text, channel)
    if isinstance(found, LineError):
        return _page(house, place, text=text[: LONGEST + 1], channel=channel, error=found)
    if forms.first(pairs, "do") != "skicka":
        return _page(house, place, text=text, channel=channel, found=found)
    sent = await lines.store(house, who, [found])
    there = f"kod={found.line.kommun}&reality={found.line.reality}"
    return forms.sent_on(f"/kommun?{there}&klar={len(sent)}")


def _page(
    house: House,
    place: Place,
    *,
    text: str = "",
    channel: LineChannel = "sms",
    error: LineError | None = None,
    found: Understood | None = None,
) -> Response:
    body = pages.page(
        "rad.html",
        now=house.clock.now(),
        **place.shown(),
        text=text,
        channel=channel,
        error=error,
        found=found,
        normal=None if found is None else normal(found.line),
        longest=LONGEST,
    )
    return forms.shown(body, 422 if error else 200)
