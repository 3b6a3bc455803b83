"""The register from a file: first what it would change, then, when somebody has looked, the reports.

Nothing is kept between the two: the page carries the file, and what would be sent is worked out anew. If it is no
longer what was shown (somebody else has changed the register meanwhile), it is shown again instead.
"""

import asyncio
import base64
import binascii
import contextlib
import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway import forms
from vardkase.gateway.access.dependencies import may_report, refuse
from vardkase.gateway.desk.page import PageRoute, Place, Who, entered, not_a_form
from vardkase.gateway.documents import Point
from vardkase.gateway.house import House, house_of
from vardkase.gateway.problems import Problem
from vardkase.gateway.reporting import pages
from vardkase.gateway.writing import bodies
from vardkase.gateway.writing.items import Item, report_item
from vardkase_contracts import ids, instants, vocab
from vardkase_contracts.areas import Area
from vardkase_contracts.reports import report_type

if TYPE_CHECKING:
    from vardkase.registry.candidates import Candidates
    from vardkase.registry.fields import Columns
    from vardkase.registry.known import Known
    from vardkase.registry.plan import Plan, Step
    from vardkase.registry.table import Table

router: Final = APIRouter(route_class=PageRoute)

LARGEST: Final = 700_000
"""Bytes of a file: a kommun's register has some thousands. It is carried in a page, a third longer."""
MOST: Final = 1_000
"""Reports of one import: they are stored as one whole."""
_BODY: Final = 1 << 20
_MULTIPART: Final = "multipart/form-data"
_TICK: Final = instants.SECOND // 1000
SYSTEMS: Final = {
    "": "känns igen på siffrorna",
    "EPSG:3006": "SWEREF 99 TM",
    "EPSG:4326": "WGS 84 (grader)",
    "EPSG:3007": "SWEREF 99 12 00",
    "EPSG:3008": "SWEREF 99 13 30",
    "EPSG:3009": "SWEREF 99 15 00",
    "EPSG:3010": "SWEREF 99 16 30",
    "EPSG:3011": "SWEREF 99 18 00",
    "EPSG:3012": "SWEREF 99 14 15",
    "EPSG:3013": "SWEREF 99 15 45",
    "EPSG:3014": "SWEREF 99 17 15",
    "EPSG:3015": "SWEREF 99 18 45",
    "EPSG:3016": "SWEREF 99 20 15",
    "EPSG:3017": "SWEREF 99 21 45",
    "EPSG:3018": "SWEREF 99 23 15",
}
"""Coordinate systems: a local zone cannot be told from another by its numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """What is to be imported, and how."""

    name: str
    """The file's."""
    raw: bytes
    crs: str
    maps: Mapping[str, str]
    """Fields by column, where somebody said so."""
    skip_bad: bool
    plan: str
    """The plan that was shown; empty the first time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What an import would do."""

    read: "Table"
    columns: "Columns"
    found: "Candidates"
    plan: "Plan"

    def digest(self, reality: vocab.Reality) -> str:
        """Names what would be sent."""
        said = orjson.dumps([step.report_id(reality) for step in self.plan.to_send])
        return hashlib.sha256(said).hexdigest()[:32]


@router.get("/kommun/register")
async def ask(request: Request, who: Who, kod: str = "", reality: str = "act", klar: int = -1) -> Response:
    """Asks for a file."""
    house = house_of(request)
    place = _entered(request, who, kod, reality)
    return _page(house, place, ready=klar)


@router.post("/kommun/register")
async def look(request: Request, who: Who) -> Response:
    """What a file would change; with `send`, it is changed, if that is still what was shown."""
    house = house_of(request)
    pairs, file = await _body(request, house)
    place = _entered(request, who, forms.first(pairs, "kod"), forms.first(pairs, "reality"))
    asked = _asked(pairs, file)
    if not asked.raw:
        return _page(house, place, trouble="Välj en fil först.")
    looked = await asyncio.to_thread(_looked, _states(house, place), place, asked)
    if isinstance(looked, str):
        return _page(house, place, asked=asked, trouble=looked)
    made = looked.plan
    shown = looked.digest(place.reality)
    if forms.first(pairs, "do") != "send" or shown != asked.plan or not made.to_send:
        changed = bool(asked.plan) and shown != asked.plan and forms.first(pairs, "do") == "send"
        return _page(house, place, asked=asked, looked=looked, digest=shown, changed=changed)
    if made.errors and not asked.skip_bad:
        return _page(
            house, place, asked=asked, looked=looked, digest=shown, trouble="Rätta felen, eller hoppa över dem."
        )
    sent = await _send(request, house, place, made.to_send)
    return forms.sent_on(f"/kommun/register?{place.query}&klar={sent}")


async def _body(request: Request, house: House) -> tuple[forms.Pairs, tuple[str, bytes] | None]:
    """The fields and the file that came: a file the first time, then a field that carries it."""
    kind = bodies.media_type(request, (_MULTIPART, "application/x-www-form-urlencoded"))
    if kind != _MULTIPART:
        return await forms.fields(request, house, limit=2 * _BODY), None
    raw = await forms.body(request, house, limit=_BODY)
    try:
        parser = MultiPartParser(request.headers, _once(raw), max_files=1, max_fields=50, max_part_size=64 << 10)
        form = await parser.parse()
    except MultiPartException:
        raise not_a_form("file") from None
    async with contextlib.AsyncExitStack() as open_files:
        open_files.push_async_callback(form.close)
        pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        uploads = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        file = (uploads[0].filename or "fil", await uploads[0].read(LARGEST + 1)) if uploads else None
    if file is not None and len(file[1]) > LARGEST:
        raise Problem(413, "too_large", "Filen är för stor. Dela den, eller importera den från kommandoraden.")
    return pairs, file


async def _once(raw: bytes) -> AsyncGenerator[bytes, None]:
    yield raw


def _asked(pairs: forms.Pairs, file: tuple[str, bytes] | None) -> _Asked:
    """What the fields ask for.

    Raises:
        Problem: 422.
    """
    if file is not None:
        name, raw = file
    else:
        name = forms.first(pairs, "name")
        try:
            raw = base64.b64decode(forms.first(pairs, "file"), validate=True)
        except (ValueError, binascii.Error):
            raise not_a_form("file") from None
    crs = forms.first(pairs, "crs")
    if crs not in SYSTEMS or len(raw) > LARGEST:
        raise not_a_form("crs")
    maps = {key.removeprefix("map."): value for key, value in pairs if key.startswith("map.") and value}
    return _Asked(
        name=name[:120],
        raw=raw,
        crs=crs,
        maps=maps,
        skip_bad=forms.first(pairs, "skip") == "yes",
        plan=forms.first(pairs, "plan"),
    )


def _states(house: House, place: Place) -> list[Point]:
    """What the node knows of the kommun's points: an exercise reads the register of the real world, and its own."""
    area = Area("kommun", place.kommun)
    worlds: dict[vocab.Reality, None] = dict.fromkeys(("act", place.reality))
    return [point for world in worlds for point in house.live.worlds[world].points_of(area)]


def _looked(states: Sequence[Point], place: Place, asked: _Asked) -> Looked | str:
    """What an import would do, or why the file cannot be used. In a thread: a large file takes a while."""
    # Few import a register, and the libraries of coordinates weigh 40 MB.
    from vardkase.registry import fields, table  # noqa: PLC0415
    from vardkase.registry.candidates import candidates  # noqa: PLC0415
    from vardkase.registry.known import known  # noqa: PLC0415
    from vardkase.registry.plan import plan  # noqa: PLC0415
    from vardkase.registry.problems import BadFile  # noqa: PLC0415

    try:
        read = table.read(asked.raw)
        columns = fields.recognise(read.headers, asked.maps)
        found = candidates(read, columns, constants={}, kommun=place.kommun, crs=asked.crs or None)
    except BadFile as error:
        return f"Filen kan inte användas: {error}"
    held: dict[str, Known] = {}
    for point in states:
        document = point.document
        each = None if document.get("cut") else known(document)
        if each is not None and (each.profile is not None or each.retired or each.id not in held):
            held[each.id] = each
    made = plan(found.found, found.problems, held, taken=frozenset({place.kommun}))
    if len(made.to_send) > MOST:
        return f"Filen ändrar {len(made.to_send)} punkter. Högst {MOST} kan skickas på en gång: dela den."
    return Looked(read=read, columns=columns, found=found, plan=made)


async def _send(request: Request, house: House, place: Place, steps: "Sequence[Step]") -> int:
    """Report each step's register; all of them or none."""
    items: list[Item] = []
    for step in steps:
        may_report(request, step.point, place.reality, "register")
        items.append(report_item(_event(house, place, step), once=True))
    sent = await house.writing.send(items)
    for each in sent:
        house.writing.counts.report(place.reality, "known" if each.duplicate else "stored")
    await house.audit.act(place.who, "report.submit", place.kommun, Area("kommun", place.kommun), place.reality)
    return len(sent)


def _event(house: House, place: Place, step: "Step") -> bytes:
    """The register report of a step. It is later than what it replaces, also where two clocks disagree."""
    now = house.clock.now()
    if step.known is not None and step.known.observed_at is not None:
        now = max(now, step.known.observed_at + _TICK)
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": step.report_id(place.reality),
            "source": ids.kommun_source(place.kommun),
            "type": report_type("register"),
            "subject": step.point,
            "time": instants.iso(now),
            "datacontenttype": "application/json",
            "reality": place.reality,
            "role": "krisledning",
            "channel": "form",
            "data": dict(step.profile),
        }
    )


def _entered(request: Request, who: Who, kod: str, reality: str) -> Place:
    if not kod and who.area.level == "kommun":
        kod = who.area.code
    place = entered(request, who, kod, reality)
    if not place.reports:
        refuse(request, "report.register", place.kommun, Area("kommun", place.kommun), place.reality)
    return place


def _page(
    house: House,
    place: Place,
    *,
    asked: _Asked | None = None,
    looked: Looked | None = None,
    digest: str = "",
    trouble: str = "",
    changed: bool = False,
    ready: int = -1,
) -> Response:
    body = pages.page(
        "register.html",
        now=house.clock.now(),
        **place.shown(),
        systems=SYSTEMS,
        asked=asked,
        carried="" if asked is None or looked is None else base64.b64encode(asked.raw).decode(),
        looked=looked,
        digest=digest,
        trouble=trouble,
        changed=changed,
        ready=ready,
        labels=_labels() if looked is not None else {},
    )
    return forms.shown(body, 422 if trouble else 200)


def _labels() -> Mapping[str, str]:
    """A register's fields in Swedish."""
    from vardkase.registry.fields import LABEL  # noqa: PLC0415 -- see `_looked`

    return LABEL
