"""A point at the desk: all questions, what it has said, what its reporters differ about, and what was wrong."""

from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway import forms
from vardkase.gateway.access.dependencies import may_report
from vardkase.gateway.desk.heard import DAYS_BACK, FIELDS, Heard, done, itself, sid_of
from vardkase.gateway.desk.page import PageRoute, Place, Who, entered, kommun_of
from vardkase.gateway.house import House, house_of
from vardkase.gateway.problems import Problem
from vardkase.gateway.reporting import grid, pages, view
from vardkase.gateway.reporting.check import answers, check
from vardkase.gateway.reporting.drafts import UNCHANGED, Draft, drafts, touched
from vardkase.gateway.reporting.readings import open_needs
from vardkase.gateway.reporting.rules import ASKABLE, DESK, table
from vardkase_contracts import vocab

router: Final = APIRouter(route_class=PageRoute)

_LIMIT: Final = 256 << 10


@router.get("/kommun/punkt/{point}")
async def one(request: Request, who: Who, point: str, reality: str = "act", klar: int = 0) -> Response:
    """The point's page."""
    place = entered(request, who, kommun_of(point), reality)
    return await _page(house_of(request), place, point, ready=max(0, klar))


@router.post("/kommun/punkt/{point}")
async def report(request: Request, who: Who, point: str) -> Response:
    """A report on behalf of a point."""
    house = house_of(request)
    pairs = await forms.fields(request, house, limit=_LIMIT)
    place = entered(request, who, kommun_of(point), forms.first(pairs, "reality"))
    given = answers((name, value) for name, value in pairs if name != "asked")
    asked = [value for name, value in pairs if name == "asked" and value in ASKABLE]
    heard, errors = {name: given[name] for name in given if name in FIELDS}, {}
    said = {name: given[name] for name in given if name not in FIELDS}
    made: list[Draft] = []
    sid = sid_of(pairs)
    if not (errors := check(heard, DESK)):
        own = Heard(place, heard, sid, house.clock.now())
        made, errors = await _made(house, place, point, said, asked, at=own.at)
        if made:
            try:
                await forms.store(request, house, who, [forms.Parcel(own.envelope(point), made)])
            except forms.Refused as refused:
                errors = dict(refused.errors)
    if errors:
        return await _page(house, place, point, given=given, errors=errors, asked=asked, sid=sid)
    return forms.sent_on(f"/kommun/punkt/{point}?reality={place.reality}&klar={len(made)}")


@router.get("/kommun/punkt/{point}/aterkalla")
async def ask_withdraw(request: Request, who: Who, point: str, rapport: str = "", reality: str = "act") -> Response:
    """Asks whether a report is to be withdrawn, and why."""
    house = house_of(request)
    place = entered(request, who, kommun_of(point), reality)
    may_report(request, point, place.reality, "withdraw")
    now = house.clock.now()
    state = await forms.whole_state(house, place.reality, point)
    known = [*grid.reports(state, now), *(said for each in grid.conflicts(state, now) for said in each.said)]
    found = next((each for each in known if each.report == rapport), None)
    if found is None:
        raise Problem(404, "not_found", "Rapporten räknas inte längre.")
    name = forms.register(house, place.reality, point).get("name") or point
    context = place.shown() | {"point": point, "name": name, "said": found, "sid": forms.new_sid()}
    return forms.shown(pages.page("aterkalla.html", now=now, **context))


@router.post("/kommun/punkt/{point}/aterkalla")
async def withdraw(request: Request, who: Who, point: str) -> Response:
    """Withdraws a report: the state is made anew without it."""
    house = house_of(request)
    pairs = await forms.fields(request, house, limit=_LIMIT)
    place = entered(request, who, kommun_of(point), forms.first(pairs, "reality"))
    given = answers(pairs)
    reports = [given.get("rapport", "")]
    data = {"report_ids": reports} | ({"reason": given["skal"]} if "skal" in given else {})
    draft = Draft(key="withdraw", kind="withdraw", data=data, said={"rapport": reports[0]})
    own = itself(place, sid_of(pairs), house.clock.now())
    await forms.store_one(request, house, who, own.envelope(point), draft)
    return forms.sent_on(f"/kommun/punkt/{point}?reality={place.reality}&klar=1")


async def _made(
    house: House, place: Place, point: str, said: Mapping[str, str], asked: Sequence[str], *, at: int
) -> tuple[list[Draft], dict[str, str]]:
    """The reports that the answers make, or what is wrong with them."""
    do = said.get("do", "")
    if do in {UNCHANGED, *vocab.CONTACT_RESULTS}:
        if touched(said):
            return [], {"": "Du har svarat på frågor. Skicka svaren, eller ta bort dem först."}
        return [done(do)], {}
    if errors := check(said, table(asked)):
        return [], errors
    needs = {}
    if any(name.startswith("needs.") for name in said):
        needs = dict(open_needs(await forms.whole_state(house, place.reality, point)))
    made = drafts(said, at=at, need_id=f"desk-{said.get('sid', '')[-12:]}", needs=needs)
    return (made, {}) if made else ([], {"": "Inget är ifyllt."})


async def _page(
    house: House,
    place: Place,
    point: str,
    *,
    ready: int = 0,
    given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    asked: Sequence[str] | None = None,
    sid: str | None = None,
) -> Response:
    now = house.clock.now()
    state = await forms.whole_state(house, place.reality, point)
    profile = forms.register(house, place.reality, point)
    if not state and not profile:
        raise Problem(404, "not_found", "Ingenting är känt om den punkten i det här läget.")
    body = pages.page(
        "punkt.html",
        now=now,
        **place.shown(),
        f=view.form(
            point, state, profile, sid=sid or forms.new_sid(), now=now, given=given, errors=errors, asked=asked
        ),
        row=grid.row(point, state, profile),
        reports=grid.reports(state, now),
        conflicts=grid.conflicts(state, now),
        ready=ready,
        days=DAYS_BACK,
        address=profile.get("address"),
        note=((state.get("facts", {}).get("note") or {}).get("value")),
    )
    return forms.shown(body, 422 if errors else 200)
