"""What the form and the desk share: what was sent, what is known of a point, and how reports are stored."""

import asyncio
import base64
import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway.access.dependencies import may_report
from vardkase.gateway.house import House
from vardkase.gateway.live import Change
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase.gateway.reporting import readings
from vardkase.gateway.reporting.drafts import Draft
from vardkase.gateway.reporting.events import Envelope, form_field
from vardkase.gateway.writing import bodies
from vardkase.gateway.writing.items import Item, report_item
from vardkase.gateway.writing.sender import Sent
from vardkase.runtime.jetstream.api import MESSAGE_NOT_FOUND, ApiError, NoAnswer, call
from vardkase_contracts import ids, streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.client import new_id
from vardkase_contracts.vocab import Reality

SID: Final = re.compile(r"[A-Za-z0-9_-]{8,40}")
"""A form's own id."""
HTML: Final = "text/html; charset=utf-8"
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 10_000
_STATE_S: Final = 2.0
"""Seconds to ask for one state."""
_SEEN_S: Final = 1.5
"""Seconds to wait at most until what was stored is seen in the state: then the next page shows it."""

Pairs = list[tuple[str, str]]


def shown(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A page. It is for the one who asked, and now."""
    return Response(body, status, {"cache-control": "no-store", **(headers or {})}, HTML)


def sent_on(to: str, headers: Mapping[str, str] | None = None) -> Response:
    """To another page of ours, after something was done."""
    return Response(None, 303, {"location": to, "cache-control": "no-store", **(headers or {})})


async def fields(request: Request, house: House, *, limit: int = 1 << 20) -> Pairs:
    """What a form sent, as names and values.

    Raises:
        Problem: 408, 413, 415, 422, 503.
    """
    bodies.media_type(request, (_FORM,))
    raw = await body(request, house, limit=limit)
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(422, "not_a_form", "Formuläret kunde inte läsas.") from None


async def body(request: Request, house: House, *, limit: int) -> bytes:
    """What was sent, by somebody who has shown who they are.

    Raises:
        Problem: 408, 413, 503.
    """
    with house.writing.bodies.room(request) as room:
        return await bodies.read(request, room, limit=limit, within=house.settings.web.body_patience)


def first(pairs: Pairs, name: str) -> str:
    """The first value of a name; empty when there is none."""
    return next((value for each, value in pairs if each == name), "")


def new_sid() -> str:
    """A form's id, where a page is made here."""
    return f"s{new_id()}"


async def whole_state(house: House, reality: Reality, point: str) -> dict[str, Any]:
    """A point's state with its timelines, as STATE has it; empty when nothing is known of it.

    Raises:
        Problem: 503, it cannot be asked for now.
    """
    kommun, slug = ids.split_point_id(point)
    subject = subjects.state(reality, kommun, slug)
    try:
        answer = await call(house.bus, f"STREAM.MSG.GET.{streams.STATE}", {"last_by_subj": subject}, within=_STATE_S)
    except ApiError as error:
        if error.err_code == MESSAGE_NOT_FOUND:
            return {}
        raise _away() from error
    except NoAnswer as error:
        raise _away() from error
    data = base64.b64decode(answer["message"].get("data", ""))
    state: dict[str, Any] = orjson.loads(data) if data else {}
    return {} if state.get("cut") else state


def held_state(house: House, reality: Reality, point: str) -> dict[str, Any]:
    """A point's state without its timelines, as it is held; empty when nothing is known of it."""
    held = house.live.worlds[reality].points.get(point)
    state: dict[str, Any] = {} if held is None else held.document
    return {} if state.get("cut") else state


def register(house: House, reality: Reality, point: str) -> Mapping[str, Any]:
    """A point's profile: an exercise reads the register of the real world where it has none of its own."""
    own = readings.profile(held_state(house, reality, point))
    return own or readings.profile(held_state(house, "act", point))


class Refused(Exception):  # noqa: N818 -- what happened
    """The answers make no report that a node takes: what is wrong, by field, of which point."""

    def __init__(self, point: str, errors: Mapping[str, str]) -> None:
        super().__init__("refused")
        self.point = point
        self.errors = errors


class Parcel(NamedTuple):
    """Reports of one point, that are sent together."""

    envelope: Envelope
    drafts: Sequence[Draft]


async def store(request: Request, house: House, who: Principal, parcels: Sequence[Parcel]) -> list[Sent]:
    """Store the reports of a form, all of them or none; when this returns they are on disk, and the audit says so.

    It then waits a moment until the states show them.

    Args:
        request: what came.
        house: of the gateway.
        who: reports.
        parcels: what is said of each point, in one reality.

    Raises:
        Refused: one of them would be refused.
        Problem: 403; 503, and the same may be sent again.
    """
    items = [_item(request, envelope, draft) for envelope, drafts in parcels for draft in drafts]
    seen = _Seen(house, parcels)
    try:
        sent = await house.writing.send(items)
        for each in sent:
            house.writing.counts.report(parcels[0].envelope.reality, "known" if each.duplicate else "stored")
        await _told(house, who, parcels)
        if not all(each.duplicate for each in sent):
            await seen.wait()
    finally:
        seen.stop()
    return sent


async def store_one(request: Request, house: House, who: Principal, envelope: Envelope, draft: Draft) -> Sent:
    """Store one report that a button made.

    Raises:
        Problem: 403, 422, 503.
    """
    try:
        (sent,) = await store(request, house, who, [Parcel(envelope, [draft])])
    except Refused as refused:
        raise Problem(422, "answers", " ".join(refused.errors.values())) from refused
    return sent


def _item(request: Request, envelope: Envelope, draft: Draft) -> Item:
    may_report(request, envelope.point, envelope.reality, draft.kind)
    try:
        return report_item(envelope.event(draft), once=True)
    except Problem as problem:
        name = form_field(problem.field)
        said = "Värdet är orimligt." if problem.code == "range" else "Svaret kunde inte tas emot."
        raise Refused(envelope.point, {name or "": said}) from problem


async def _told(house: House, who: Principal, parcels: Sequence[Parcel]) -> None:
    """Tell the audit: the point, or of several the kommun."""
    first = parcels[0].envelope
    kommun = first.point[:4]
    on = first.point if len(parcels) == 1 else kommun
    await house.audit.act(who, "report.submit", on, Area("kommun", kommun), first.reality)


class _Seen:
    """Waits a moment until the states of points have changed. Nothing hangs on it but what the next page shows."""

    def __init__(self, house: House, parcels: Sequence[Parcel]) -> None:
        self._waiting = {parcel.envelope.point for parcel in parcels}
        self._reality = parcels[0].envelope.reality
        self._all = asyncio.Event()
        self.stop = house.live.listen(self._changed)

    async def wait(self) -> None:
        """Until all have changed, or it takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SEEN_S):
                await self._all.wait()

    def _changed(self, change: Change) -> None:
        if change.kind == "state" and change.reality == self._reality:
            self._waiting.discard(change.key)
            if not self._waiting:
                self._all.set()


def _away() -> Problem:
    return Problem(503, "bus_away", "The node's bus does not answer", headers={"retry-after": "2"})
