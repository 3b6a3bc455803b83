"""`/rapportera`: the reporting form of one point, opened by a link or a QR code, with and without JavaScript."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from vardkase.domain.exercises import ABORTED_SV
from vardkase.gateway import forms
from vardkase.gateway.access.dependencies import by_address, form_principal, log_in, log_out, may_read_point, renew
from vardkase.gateway.exercises import ABORTED, WHAT_TO_DO
from vardkase.gateway.house import House, house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase.gateway.reporting import pages, view
from vardkase.gateway.reporting.check import answers, check
from vardkase.gateway.reporting.drafts import UNCHANGED, Draft, confirm, drafts, touched
from vardkase.gateway.reporting.events import Envelope
from vardkase.gateway.reporting.readings import open_needs
from vardkase.gateway.reporting.rules import ASKABLE, table
from vardkase_contracts.instants import DAY
from vardkase_contracts.vocab import Reality

router: Final = APIRouter(include_in_schema=False)

OLDEST: Final = 30 * DAY
"""How old a report from an outbox may be, µs."""
_AGE: Final = re.compile(r"[0-9]{1,12}")
_LIMIT: Final = 256 << 10
"""Bytes of one form."""
_FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
_WORKER: Final = {
    "cache-control": "no-cache",
    "service-worker-allowed": "/rapportera",
    # What a worker may fetch is said where it comes from, and not by the pages that it looks after.
    "content-security-policy": "default-src 'none'; connect-src 'self'; script-src 'self'",
}

_CLOSED: Final = (
    "Formuläret är inte öppet",
    "Öppna det med länken eller QR-koden på punktens blad. Det som väntar skickas när formuläret är öppet igen.",
)
_NOT_VALID: Final = (
    "Länken gäller inte",
    "Den har slutat gälla, eller är inte hel. Be kommunens krisledning om ett nytt blad, och ring in läget så länge.",
)
_ENDED: Final = Problem(401, "session_ended", "Formuläret är inte öppet.", headers={"www-authenticate": "Cookie"})


@router.get("/rapportera")
async def form(request: Request, k: str = "", lage: str = "", klar: str = "") -> Response:
    """The form; with `k`, a link's secret, a session is opened first."""
    house = house_of(request)
    try:
        if k:
            _, cookie = await log_in(request, k, "form")
            return forms.sent_on("/rapportera", {"set-cookie": cookie})
        who = await form_principal(request)
        if who is None or who.point is None:
            return _unopened(request, house)
        reality = _reality(who, lage)
        may_read_point(request, who.point, reality)
        return await _page(request, house, who, reality, thanks=bool(klar))
    except Problem as problem:
        return _trouble(house, problem)


@router.post("/rapportera")
async def report(request: Request) -> Response:
    """What was answered. Who asks for JSON is the page's own outbox."""
    house = house_of(request)
    json = request.headers.get("accept", "").startswith("application/json")
    try:
        who = await form_principal(request)
        if who is None or who.point is None:
            return _ENDED.response() if json else _unopened(request, house)
        sent = _read(house, who, await forms.fields(request, house, limit=_LIMIT))
        return await _stored(request, house, who, sent, json=json)
    except Problem as problem:
        if json:
            raise
        return _trouble(house, problem)


@router.post("/rapportera/stang")
async def close(request: Request) -> Response:
    """End the session, on a telephone that somebody else will use."""
    house = house_of(request)
    try:
        who = await form_principal(request)
        cookie = None if who is None else await log_out(request, who, "form")
    except Problem as problem:
        return _trouble(house, problem)
    headers = {"clear-site-data": '"cache"'} | ({} if cookie is None else {"set-cookie": cookie})
    return _message(house, *_CLOSED, headers=headers)


@router.get("/rapportera/tid")
async def time(request: Request, _: Annotated[None, Depends(by_address)]) -> Response:
    """What time it is, in ms since the epoch: telephones' clocks are wrong."""
    now = house_of(request).clock.now() // 1000
    return Response(b'{"now":%d}' % now, 200, {"cache-control": "no-store"}, "application/json")


@router.get("/rapportera/sw.js")
async def worker(_: Annotated[None, Depends(by_address)]) -> Response:
    """The service worker, which may look after the form."""
    data, media_type = pages.FILES["sw.js"]
    return Response(data, 200, _WORKER, media_type)


@router.get("/rapportera/static/{version}/{name}")
async def static(version: str, name: str, _: Annotated[None, Depends(by_address)]) -> Response:
    """A file of the pages; under its version it never changes."""
    found = pages.FILES.get(name)
    if found is None or version != pages.VERSION:
        raise Problem(404, "not_found", "There is no such file")
    return Response(found[0], 200, _FOREVER, found[1])


# -- within ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sent:
    """What a form sent."""

    sid: str
    reality: Reality
    at: int
    """When it was answered, µs."""
    given: dict[str, str]
    asked: Sequence[str]


def _read(house: House, who: Principal, pairs: forms.Pairs) -> _Sent:
    """What was sent, if it is for this session.

    Raises:
        Problem: 403, 409, 422.
    """
    if forms.first(pairs, "point") != who.point:
        detail = "Formuläret hör till en annan punkt än den som är öppen. Öppna punktens egen länk."
        raise Problem(409, "other_point", detail, field="point")
    wanted = forms.first(pairs, "reality")
    reality: Reality | None = next((each for each in who.realities if each == wanted), None)
    if reality is None:
        raise Problem(403, "reality_not_open", "Länken gäller inte för detta läge.", field="reality")
    sid, age = forms.first(pairs, "sid"), forms.first(pairs, "age") or "0"
    if not forms.SID.fullmatch(sid) or not _AGE.fullmatch(age):
        raise Problem(422, "not_a_form", "Formuläret kunde inte läsas.", field="sid")
    if int(age) * 1000 > OLDEST:
        raise Problem(422, "too_old", "Rapporten är för gammal för att skickas.", field="age")
    return _Sent(
        sid=sid,
        reality=reality,
        at=house.clock.now() - int(age) * 1000,
        given=answers((name, value) for name, value in pairs if name != "asked"),
        asked=[value for name, value in pairs if name == "asked" and value in ASKABLE],
    )


async def _stored(request: Request, house: House, who: Principal, sent: _Sent, *, json: bool) -> Response:
    point = who.point or ""
    said, errors = await _drafts(house, point, sent)
    envelope = Envelope(
        point=point,
        reality=sent.reality,
        sid=sent.sid,
        at=sent.at,
        reporter=f"form-{who.id}",
        role="site_lead",
        channel="form",
        quality="estimated" if sent.given.get("quality") == "estimated" else "observed",
    )
    stored = []
    if not errors:
        try:
            stored = await forms.store(request, house, who, [forms.Parcel(envelope, said)])
        except forms.Refused as refused:
            errors = dict(refused.errors)
    if errors and json:
        raise Problem(422, "answers", "Något behöver rättas.", errors=errors)
    if errors:
        return await _page(request, house, who, sent.reality, again=sent, errors=errors)
    if not json:
        return forms.sent_on(f"/rapportera?klar=1{'&lage=prov' if sent.reality == 'tst' else ''}")
    duplicate = all(each.duplicate for each in stored)
    body = {
        "stored": True,
        "duplicate": duplicate,
        "reports": [each.id for each in stored],
        "now": house.clock.now() // 1000,
    }
    headers = {"cache-control": "no-store"}
    return Response(orjson.dumps(body), 200 if duplicate else 202, headers, "application/json")


async def _drafts(house: House, point: str, sent: _Sent) -> tuple[list[Draft], dict[str, str]]:
    """The reports that the answers make, and what is wrong with them."""
    if sent.given.get("do") == UNCHANGED:
        if touched(sent.given):
            return [], {"": "Du har både svarat på frågor och valt Oförändrat. Skicka svaren i stället."}
        return [confirm()], {}
    errors = check(sent.given, table(sent.asked))
    if errors:
        return [], errors
    needs = {}
    if any(name.startswith("needs.") for name in sent.given):
        needs = dict(open_needs(await forms.whole_state(house, sent.reality, point)))
    made = drafts(sent.given, at=sent.at, need_id=f"form-{sent.sid[-12:]}", needs=needs)
    if not made:
        return [], {"": "Du har inte svarat på något. Tryck Oförändrat om allt är som förut."}
    return made, {}


async def _page(
    request: Request,
    house: House,
    who: Principal,
    reality: Reality,
    *,
    thanks: bool = False,
    again: _Sent | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    point, now = who.point or "", house.clock.now()
    shown = view.form(
        point,
        await forms.whole_state(house, reality, point),
        forms.register(house, reality, point),
        sid=forms.new_sid() if again is None else again.sid,
        now=now,
        given=None if again is None else again.given,
        errors=errors,
        asked=None if again is None else again.asked,
    )
    body = pages.page(
        "rapportera.html",
        now=now,
        f=shown,
        reality=reality,
        exercise=house.exercises.shown(point[:4], reality),
        home=_reality(who, ""),
        thanks=thanks,
        may_try="tst" in who.realities,
        worker=f"/rapportera/sw.js?v={pages.VERSION}",
    )
    cookie = await renew(request, who)
    return forms.shown(body, 422 if errors else 200, {} if cookie is None else {"set-cookie": cookie})


def _reality(who: Principal, asked: str) -> Reality:
    """The world of a link, or the one to try in."""
    if asked == "prov" and "tst" in who.realities:
        return "tst"
    return "act" if "act" in who.realities else "exe" if "exe" in who.realities else "tst"


def _unopened(request: Request, house: House) -> Response:
    """Nobody has opened the form; or from another site's page, and then the browser keeps the new cookie back once."""
    if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        return forms.shown(pages.page("vidare.html", now=house.clock.now(), to="/rapportera"))
    return _message(house, *_CLOSED, status=401)


def _trouble(house: House, problem: Problem) -> Response:
    """What went wrong, as a page."""
    if problem.status == 401:
        return _message(house, *_NOT_VALID, status=401, headers=problem.headers)
    known = {
        409: ("Fel punkt", problem.detail),
        429: ("För många försök", "Vänta en liten stund och försök igen."),
        503: ("Det går inte att ta emot just nu", "Försök igen om en stund. Ring eller använd Rakel om det brådskar."),
    }
    title, text = known.get(problem.status, ("Det gick inte", "Inget är skickat. Gå tillbaka och försök igen."))
    if problem.code == ABORTED:
        title, text = ABORTED_SV, f"{WHAT_TO_DO} Öppna punktens skarpa länk, eller ring kommunens krisledning."
    return _message(house, title, text, status=problem.status, headers=problem.headers)


def _message(
    house: House, title: str, text: str, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return forms.shown(pages.page("besked.html", now=house.clock.now(), heading=title, text=text), status, headers)
