"""Sheets for points' binders: a QR code that opens the form, and the same questions on paper, to be read over radio.

A sheet holds a secret, which is made with it and stored nowhere: who loses one makes another, and revokes the first.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import segno
from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway import forms
from vardkase.gateway.access.away import AccessAway
from vardkase.gateway.access.dependencies import origin_of, refuse
from vardkase.gateway.access.tokens import Token, may_make, may_manage
from vardkase.gateway.desk.page import PageRoute, Place, Who, entered, not_a_form
from vardkase.gateway.desk.table import points
from vardkase.gateway.house import House, house_of
from vardkase.gateway.problems import Problem
from vardkase.gateway.reporting import pages, words
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import DAY
from vardkase_contracts.vocab import Reality

router: Final = APIRouter(route_class=PageRoute)

LASTS: Final = {"30": "en månad", "365": "ett år", "730": "två år"}
"""For how many days a link may hold."""
MOST: Final = 60
"""Sheets that are made at once."""
_LIMIT: Final = 64 << 10
_LABEL: Final = "blad"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """What a point's sheet shows."""

    point: str
    name: str
    number: int | None
    kind: str
    address: str | None
    staff: int | None
    """How many of the staff are planned."""
    qr: Markup
    link: str
    token: str
    """The id of the link's token: it is revoked by it."""
    expires: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """A point, and the links to its form that hold."""

    point: str
    name: str
    number: int | None
    links: Sequence[Token]


@router.get("/kommun/blad")
async def sheets(request: Request, who: Who, kod: str = "", reality: str = "act", klar: int = 0) -> Response:
    """The points, and the links to their forms."""
    house = house_of(request)
    place = _entered(request, who, kod, reality)
    links = [each for each in house.access.list() if each.point is not None and may_manage(each, who)]
    now = house.clock.now()
    held = [each for each in links if each.status(now) == "live" and place.reality in each.realities]
    bound: list[Bound] = []
    for point in points(house, place):
        profile = forms.register(house, place.reality, point)
        own = [each for each in held if each.point == point and _home(each.realities) == place.reality]
        bound.append(Bound(point=point, name=profile.get("name") or point, number=profile.get("no"), links=own))
    bound.sort(key=lambda each: (each.number or 1_000, each.name))
    return forms.shown(
        pages.page("bladen.html", now=now, **place.shown(), bound=bound, lasts=LASTS, ready=max(0, klar))
    )


@router.post("/kommun/blad")
async def make(request: Request, who: Who) -> Response:
    """New sheets, to be printed; each with a new link."""
    house = house_of(request)
    pairs = await forms.fields(request, house, limit=_LIMIT)
    place = _entered(request, who, forms.first(pairs, "kod"), forms.first(pairs, "reality"))
    picked = list(dict.fromkeys(value for name, value in pairs if name == "pick"))
    lasts = forms.first(pairs, "lasts")
    if not set(picked) <= set(points(house, place)) or lasts not in LASTS:
        raise not_a_form("pick")
    if not picked or len(picked) > MOST:
        raise Problem(422, "pick", f"Markera mellan 1 och {MOST} punkter.", field="pick")
    now = house.clock.now()
    made = [await _sheet(request, house, place, point, expires=now + int(lasts) * DAY) for point in picked]
    base = _base(request)
    body = pages.page("blad.html", now=now, **place.shown(), sheets=made, base=base, local=_is_local(base))
    return forms.shown(body)


@router.post("/kommun/blad/aterkalla")
async def revoke(request: Request, who: Who) -> Response:
    """A link that opens nothing any more."""
    house = house_of(request)
    pairs = await forms.fields(request, house, limit=_LIMIT)
    place = _entered(request, who, forms.first(pairs, "kod"), forms.first(pairs, "reality"))
    identity = forms.first(pairs, "id")
    token = next((each for each in house.access.list() if each.id == identity), None)
    if token is None:
        raise Problem(404, "not_found", "Det finns ingen sådan länk.")
    if token.point is None or token.area != Area("kommun", place.kommun) or not may_manage(token, who):
        refuse(request, "token.revoke", token.id, Area("kommun", place.kommun), place.reality)
    try:
        await house.access.revoke(token.id, by=who.id)
    except AccessAway as error:
        raise _away() from error
    await house.audit.act(who, "token.revoke", token.id, token.area, place.reality)
    return forms.sent_on(f"/kommun/blad?{place.query}&klar=1")


async def _sheet(request: Request, house: House, place: Place, point: str, *, expires: int) -> Sheet:
    """A sheet, and the link in it."""
    area = Area("kommun", place.kommun)
    realities = place.who.realities & {place.reality, "tst"}
    if not may_make(place.who, role="reporter", area=area, realities=realities, point=point):
        refuse(request, "token.create", point, area, place.reality)
    try:
        token, secret = await house.access.create(
            role="reporter",
            area=area,
            realities=realities,
            point=point,
            label=_LABEL,
            expires=expires,
            by=place.who.id,
        )
    except AccessAway as error:
        raise _away() from error
    await house.audit.act(place.who, "token.create", token.id, area, place.reality)
    link = f"{_base(request)}/rapportera?k={secret}"
    profile = forms.register(house, place.reality, point)
    kind = profile.get("kind", "trygghetspunkt")
    return Sheet(
        point=point,
        name=profile.get("name") or point,
        number=profile.get("no"),
        kind=words.KIND.get(kind) or kind,
        address=profile.get("address"),
        staff=profile.get("staff_required"),
        qr=qr(link),
        link=link,
        token=token.id,
        expires=expires,
    )


def qr(text: str) -> Markup:
    """A QR code as SVG, black on white, with its quiet zone."""
    made = segno.make(text, error="m", micro=False)
    return Markup(made.svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None))  # noqa: S704 -- segno's own


def _entered(request: Request, who: Who, kod: str, reality: str) -> Place:
    if not kod and who.area.level == "kommun":
        kod = who.area.code
    place = entered(request, who, kod, reality)
    if not place.reports:
        refuse(request, "token.create", place.kommun, Area("kommun", place.kommun), place.reality)
    return place


def _home(realities: frozenset[Reality]) -> Reality:
    """The world of a link: beside it, a link opens the one to try in."""
    return "act" if "act" in realities else "exe" if "exe" in realities else "tst"


def _base(request: Request) -> str:
    """How this gateway is reached, as whoever prints reaches it."""
    origin = origin_of(request)
    return f"{origin.scheme}://{origin.host}"


def _is_local(base: str) -> bool:
    """Whether an address opens on this computer alone."""
    host = urlsplit(base).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _away() -> Problem:
    return Problem(503, "access_away", "Länken kunde inte sparas.", headers={"retry-after": "5"})
