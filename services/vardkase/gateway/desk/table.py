"""The grid of a kommun's points: quick by keyboard, several at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway import forms
from vardkase.gateway.desk.heard import DAYS_BACK, FIELDS, Heard, done, sid_of
from vardkase.gateway.desk.page import PageRoute, Place, Who, entered, not_a_form
from vardkase.gateway.house import House, house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.reporting import grid, pages
from vardkase.gateway.reporting.check import answers, check
from vardkase.gateway.reporting.drafts import Draft, drafts, touched
from vardkase.gateway.reporting.grid import CELLS, SORTS, Row
from vardkase.gateway.reporting.rules import ASKABLE, DESK, table
from vardkase_contracts.areas import KOMMUNER, Area

router: Final = APIRouter(route_class=PageRoute)

MOST_POINTS: Final = 500
"""Rows of a grid; the largest kommuner have some 30 points."""
_LIMIT: Final = 1 << 20

Said = dict[str, dict[str, str]]
"""Answers, or what is wrong with them, by point and field; of the page as a whole under an empty point."""


@dataclass(kw_only=True, slots=True)
class _Answers:
    """What came from a grid."""

    sort: str
    sid: str
    heard: dict[str, str]
    picked: list[str]
    cells: Said = field(default_factory=Said)
    errors: Said = field(default_factory=Said)


@router.get("/kommun")
async def desk(
    request: Request, who: Who, kod: str = "", reality: str = "act", sort: str = "nr", klar: int = 0
) -> Response:
    """The grid; who has many kommuner is asked which."""
    house = house_of(request)
    chosen = _chosen(house, who, kod)
    if chosen is None:
        return _which(house, who)
    place = entered(request, who, chosen, reality)
    return _page(house, place, sort=_sort(sort), ready=max(0, klar))


@router.post("/kommun")
async def act(request: Request, who: Who) -> Response:
    """What was answered in the grid, or is done with the points that are marked."""
    house = house_of(request)
    pairs = await forms.fields(request, house, limit=_LIMIT)
    place = entered(request, who, forms.first(pairs, "kod"), forms.first(pairs, "reality"))
    came = _Answers(
        sort=_sort(forms.first(pairs, "sort")),
        sid=sid_of(pairs),
        heard=answers((name, value) for name, value in pairs if name in FIELDS),
        picked=[value for name, value in pairs if name == "pick"],
    )
    if wrong := check(came.heard, DESK):
        came.errors[""] = wrong
    verb, _, single = forms.first(pairs, "do").partition("/")
    made = _filled(pairs, came) if verb == "grid" else _marked(verb, [single] if single else came.picked, came)
    if not set(made) <= set(points(house, place)):
        raise not_a_form("point")
    if not came.errors:
        heard = Heard(place, came.heard, came.sid, house.clock.now())
        parcels = [forms.Parcel(heard.envelope(point), said) for point, said in made.items()]
        try:
            sent = await forms.store(request, house, who, parcels)
        except forms.Refused as refused:
            came.errors[refused.point] = dict(refused.errors)
        else:
            return forms.sent_on(f"/kommun?{place.query}&sort={came.sort}&klar={len(sent)}")
    return _page(house, place, sort=came.sort, came=came)


def points(house: House, place: Place) -> list[str]:
    """The points of a kommun: those of the reality, and those in the register of the real world."""
    area = Area("kommun", place.kommun)
    found = {each.id: each.retired for each in house.live.worlds["act"].points_of(area) if each.registered}
    found |= {each.id: each.retired for each in house.live.worlds[place.reality].points_of(area)}
    return [point for point, retired in found.items() if not retired][:MOST_POINTS]


def rows(house: House, place: Place, cells: Said | None = None, errors: Said | None = None) -> list[Row]:
    """The rows of a kommun's points.

    Args:
        house: of the gateway.
        place: the kommun and the reality.
        cells: what was answered in them.
        errors: what was wrong with it.
    """
    return [
        grid.row(
            point,
            forms.held_state(house, place.reality, point),
            forms.register(house, place.reality, point),
            given=(cells or {}).get(point),
            errors=(errors or {}).get(point),
        )
        for point in points(house, place)
    ]


def _filled(pairs: forms.Pairs, came: _Answers) -> dict[str, list[Draft]]:
    """What was answered in each row (`r.<point>.<field>`)."""
    found: dict[str, list[tuple[str, str]]] = {}
    asked: dict[str, list[str]] = {}
    for name, value in pairs:
        point, _, cell = name.removeprefix("r.").partition(".") if name.startswith("r.") else ("", "", "")
        if cell in CELLS:
            found.setdefault(point, []).append((cell, value))
        elif cell == "asked" and value in ASKABLE:
            asked.setdefault(point, []).append(value)
    made: dict[str, list[Draft]] = {}
    for point, row in found.items():
        said = answers(row)
        if not touched(said):
            continue
        came.cells[point] = said
        wrong = check(said, table(asked.get(point, ())))
        if wrong:
            came.errors[point] = wrong
        made[point] = [] if wrong else drafts(said, at=0, need_id="", needs={})
    if not made:
        came.errors.setdefault("", {})["grid"] = "Inget är ifyllt."
    return made


def _marked(verb: str, about: Sequence[str], came: _Answers) -> dict[str, list[Draft]]:
    """What a button does with points."""
    if not about:
        came.errors.setdefault("", {})["pick"] = "Markera minst en punkt först."
    return {point: [done(verb)] for point in about}


def _sort(asked: str) -> str:
    return asked if asked in SORTS else "nr"


def _chosen(house: House, who: Principal, kod: str) -> str | None:
    """The kommun: the one that was named, else the only one that there is to choose from."""
    if kod:
        return kod
    for area in (who.area, house.area):
        kommuner = area.kommuner()
        if len(kommuner) == 1:
            return kommuner[0]
    return None


def _which(house: House, who: Principal) -> Response:
    kommuner = [KOMMUNER[code] for code in who.area.kommuner() if house.area.covers(code)]
    kommuner.sort(key=lambda each: each.name)
    return forms.shown(pages.page("kommuner.html", now=house.clock.now(), kommuner=kommuner))


def _page(house: House, place: Place, *, sort: str, ready: int = 0, came: _Answers | None = None) -> Response:
    itself = forms.held_state(house, place.reality, place.itself)
    given: Mapping[str, str] = {} if came is None else came.heard
    errors: Said = {} if came is None else came.errors
    body = pages.page(
        "kommun.html",
        now=house.clock.now(),
        **place.shown(),
        rows=grid.ordered(rows(house, place, {} if came is None else came.cells, errors), sort),
        activation=itself.get("facts", {}).get("activation"),
        sort=sort,
        sorts=SORTS,
        ready=ready,
        given=given,
        errors=errors.get("", {}),
        wrong=sum(len(each) for each in errors.values()),
        picked=[] if came is None else came.picked,
        sid=forms.new_sid() if came is None else came.sid,
        days=DAYS_BACK,
    )
    return forms.shown(body, 422 if errors else 200)
