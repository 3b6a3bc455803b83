"""Building events: a valid report or order from what a program has at hand, with an id of its own."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from vardkase_contracts import ids, subjects, vocab
from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.client.errors import InvalidEvent
from vardkase_contracts.orders import ORDER, Order, OrderBase, order_type
from vardkase_contracts.refusals import explain
from vardkase_contracts.reports import MAX_BYTES, REPORT, Report, ReportBase, report_type

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_BITS: Final = 130
_WHOLE: Final = "(the event)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """An event as it is sent."""

    subject: str
    """The NATS subject."""
    id: str
    """The event's id."""
    message_id: str
    """Makes a quick repeat harmless (`Nats-Msg-Id`)."""
    payload: bytes
    """Its JSON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedReport(Encoded):
    """A report as it is sent."""

    reality: vocab.Reality
    """Its world."""
    kommun: str
    """The kommun that owns it."""
    slug: str
    """The point's slug, or `_`."""
    kind: vocab.ReportKind
    """Its kind."""


def new_id() -> str:
    """A fresh id of 26 characters, a ULID: ids made later sort later (by the millisecond), and none comes twice."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(_ULID_BITS - 5, -1, -5))


def new_report(
    kind: vocab.ReportKind,
    point: str,
    data: Mapping[str, Any] | BaseModel | None = None,
    *,
    reality: vocab.Reality = "act",
    observed_at: datetime | None = None,
    reporter: str | None = None,
    seq: int | None = None,
    quality: vocab.Quality | None = None,
    role: vocab.Role | None = None,
    incident: str | None = None,
    channel: vocab.Channel | None = None,
    id: str | None = None,  # noqa: A002 -- the field's name
) -> Report:
    """A report that every node accepts.

    Args:
        kind: `status`, `resources`, `need`, `confirm` and so on.
        point: `2480-umedalen-skola`; a kommun's code alone, or `2480-_`, for the kommun itself.
        data: the fields of the kind, as in JSON (times as text or aware datetimes). A field that is None says
            "unknown now"; one left out says nothing.
        reality: `act` (skarpt läge), `exe` (övning) or `tst` (prov).
        observed_at: when it was seen, aware; now unless given.
        reporter: tells one reporter of the kommun from another. A system or a post, never a person's name.
        seq: a counter per point and reporter, to order reports of the same time.
        quality: how well it is known; `observed` unless given.
        role: in what role somebody reports.
        incident: the incident that it belongs to.
        channel: by what means it came in.
        id: one of the caller's own, to make a repeat harmless; a fresh one unless given.

    Raises:
        InvalidEvent: it would be refused; the error names the field.
    """
    if point in KOMMUNER:
        point = f"{point}-{ids.KOMMUN_ITSELF}"
    try:
        kommun, _ = ids.split_point_id(point)
    except ValueError as error:
        raise InvalidEvent("subject", f"{error}; got {point!r}") from None
    if observed_at is not None and observed_at.tzinfo is None:
        raise InvalidEvent("time", "a time without an offset could be any; give an aware datetime")
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": new_id() if id is None else id,
        "source": ids.kommun_source(kommun, reporter),
        "type": report_type(kind),
        "subject": point,
        "time": (observed_at or datetime.now(UTC)).isoformat(),
        "datacontenttype": "application/json",
        "reality": reality,
        "seq": seq,
        "quality": quality,
        "role": role,
        "incident": incident,
        "channel": channel,
    }
    event = {name: value for name, value in event.items() if value is not None}
    event["data"] = _plain(data)
    return decode_report(to_json(event))


def new_order(
    kind: vocab.OrderKind,
    area: str,
    data: Mapping[str, Any] | BaseModel | None = None,
    *,
    role: vocab.Role,
    acting_for: str,
    note: str | None = None,
    reality: vocab.Reality = "act",
    given_at: datetime | None = None,
    system: str | None = None,
    id: str | None = None,  # noqa: A002 -- the field's name
) -> Order:
    """An order that every node accepts.

    Args:
        kind: `ack`, `silence`, `incident`, `report_request`, `note`, `adopt`, `redact` or `rules`.
        area: the code of the area that it is about; of an ack, the alert's.
        data: the fields of the kind, but `by` and `note`.
        role: in what role somebody acts. Never a name.
        acting_for: the code of the area that they act for: 2480, 24, norra or SE.
        note: why, or what more there is to say. Restricted.
        reality: `act` (skarpt läge), `exe` (övning) or `tst` (prov).
        given_at: when, aware; now unless given.
        system: by which system or post, where one is to be told from another.
        id: one of the caller's own, to make a repeat harmless; a fresh one unless given.

    Raises:
        InvalidEvent: it would be refused; the error names the field.
    """
    actor, about = _area("by.code", acting_for), _area("subject", area)
    if given_at is not None and given_at.tzinfo is None:
        raise InvalidEvent("time", "a time without an offset could be any; give an aware datetime")
    said = {"by": {"role": role, "level": actor.level, "code": actor.code}} | _plain(data)
    event = {
        "specversion": "1.0",
        "id": new_id() if id is None else id,
        "source": f"urn:tp:{actor.level}:{actor.code}" + ("" if system is None else f":{system}"),
        "type": order_type(kind),
        "subject": about.code,
        "time": (given_at or datetime.now(UTC)).isoformat(),
        "datacontenttype": "application/json",
        "reality": reality,
        "data": said if note is None else said | {"note": note},
    }
    return decode_order(to_json(event))


def to_json(event: Mapping[str, Any]) -> bytes:
    """The event's JSON; aware datetimes in RFC 3339.

    Raises:
        InvalidEvent: it holds what JSON cannot.
    """
    try:
        return json.dumps(event, default=_time, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise InvalidEvent("data", str(error)) from error


def decode_report(raw: bytes) -> Report:
    """A report from its JSON, checked as intake checks it.

    Raises:
        InvalidEvent: it would be refused; the error names the field.
    """
    if len(raw) > MAX_BYTES:
        raise InvalidEvent(_WHOLE, f"{len(raw)} bytes; at most {MAX_BYTES}")
    try:
        report = REPORT.validate_json(raw)
    except ValidationError as error:
        refusal = explain(raw, error)
        raise InvalidEvent(refusal.field or _WHOLE, refusal.detail) from None
    if report.kommun not in KOMMUNER:
        raise InvalidEvent("subject", f"there is no kommun with the code {report.kommun}")
    if not f"{report.source}:".startswith(f"{ids.kommun_source(report.kommun)}:"):
        raise InvalidEvent("source", f"{report.source} is not of the kommun {report.kommun}, whose point it is about")
    return report


def decode_order(raw: bytes) -> Order:
    """An order from its JSON.

    Raises:
        InvalidEvent: it would be refused; the error names the field.
    """
    if len(raw) > MAX_BYTES:
        raise InvalidEvent(_WHOLE, f"{len(raw)} bytes; at most {MAX_BYTES}")
    try:
        order = ORDER.validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = [str(part) for part in first["loc"] if not str(part).startswith("se.trygghetspunkt.")]
        raise InvalidEvent(".".join(path) or _WHOLE, first["msg"]) from None
    _area("subject", order.subject)
    return order


def encode_report(event: ReportBase | Mapping[str, Any] | bytes) -> EncodedReport:
    """A report as it is sent: the fields that were given, and no others. Bytes are sent unchanged.

    Raises:
        InvalidEvent: it would be refused; the error names the field.
    """
    raw = _raw(event)
    report = decode_report(raw)
    return EncodedReport(
        subject=subjects.report(report.reality, report.kommun, report.slug, report.kind),
        id=report.id,
        message_id=f"{report.reality}.{report.kommun}.{report.id}",
        payload=raw,
        reality=report.reality,
        kommun=report.kommun,
        slug=report.slug,
        kind=report.kind,
    )


def encode_order(event: OrderBase | Mapping[str, Any] | bytes) -> Encoded:
    """An order as it is sent: the fields that were given, and no others. Bytes are sent unchanged.

    Raises:
        InvalidEvent: it would be refused; the error names the field.
    """
    raw = _raw(event)
    order = decode_order(raw)
    return Encoded(
        subject=subjects.order(order.reality, Area.parse(order.subject), order.kind),
        id=order.id,
        message_id=f"{order.reality}.{order.source}.{order.id}",
        payload=raw,
    )


def _raw(event: BaseModel | Mapping[str, Any] | bytes) -> bytes:
    match event:
        case bytes():
            return event
        case BaseModel():
            return event.model_dump_json(exclude_unset=True).encode()
        case _:
            return to_json(event)


def _plain(data: Mapping[str, Any] | BaseModel | None) -> dict[str, Any]:
    if isinstance(data, BaseModel):
        return data.model_dump(mode="json", exclude_unset=True)
    return dict(data or {})


def _area(field: str, code: str) -> Area:
    try:
        return Area.parse(code)
    except ValueError as error:
        raise InvalidEvent(field, str(error)) from None


def _time(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
