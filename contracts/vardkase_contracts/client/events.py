"""Building events: a valid report or order from what a program has at hand, with an id of its own."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from vardkase_contracts import ids, vocab
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.client.errors import InvalidEvent
from vardkase_contracts.refusals import explain
from vardkase_contracts.reports import MAX_BYTES, REPORT, Report, ReportBase, report_type

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_BITS: Final = 130


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """A report as it is sent."""

    reality: vocab.Reality
    kommun: str
    slug: str
    kind: vocab.ReportKind
    id: str
    payload: bytes


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
    if observed_at is not None and observed_at.tzinfo is None:
        raise InvalidEvent("time", "a time without an offset could be any; give an aware datetime")
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": new_id() if id is None else id,
        "source": ids.kommun_source(point[:4], reporter),
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
    event["data"] = data.model_dump(mode="json", exclude_unset=True) if isinstance(data, BaseModel) else data or {}
    return decode_report(to_json(event))


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
        raise InvalidEvent("(the event)", f"{len(raw)} bytes; at most {MAX_BYTES}")
    try:
        report = REPORT.validate_json(raw)
    except ValidationError as error:
        refusal = explain(raw, error)
        raise InvalidEvent(refusal.field or "(the event)", refusal.detail) from None
    if report.kommun not in KOMMUNER:
        raise InvalidEvent("subject", f"there is no kommun with the code {report.kommun}")
    if not f"{report.source}:".startswith(f"{ids.kommun_source(report.kommun)}:"):
        raise InvalidEvent("source", f"{report.source} is not of the kommun {report.kommun}, whose point it is about")
    return report


def encode_report(event: ReportBase | Mapping[str, Any] | bytes) -> Encoded:
    """A report as it is sent: the fields that were given, and no others. Bytes are sent unchanged.

    Raises:
        InvalidEvent: it would be refused; the error names the field.
    """
    match event:
        case bytes():
            raw = event
        case ReportBase():
            raw = event.model_dump_json(exclude_unset=True).encode()
        case _:
            raw = to_json(event)
    report = decode_report(raw)
    return Encoded(
        reality=report.reality, kommun=report.kommun, slug=report.slug, kind=report.kind, id=report.id, payload=raw
    )


def _time(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
