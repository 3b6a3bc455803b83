"""Refusals: why a report was not accepted, in words for machines and for people, and the event that says so.

Nothing here repeats what the report held: a refusal is read by more people than the report.
"""

import base64
import hashlib
import json
import re
from typing import Annotated, Final, Literal, NamedTuple, NoReturn

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from vardkase_contracts import ids, orders, reports, vocab
from vardkase_contracts.base import NOT_BLANK, PRINTABLE, EventId, Frozen, Incoming, Line, Moment
from vardkase_contracts.instants import RFC3339, to_datetime
from vardkase_contracts.report_data import LANGUAGE
from vardkase_contracts.subjects import ReportSubject

_TYPES: Final = "se.trygghetspunkt."
"""What the types of events begin with; pydantic puts the type before the path of a field."""
_ENVELOPE: Final = frozenset({"specversion", "id", "source", "type"})
"""What CloudEvents requires of every event."""
_RANGE: Final = frozenset(
    {
        "finite_number",
        "greater_than",
        "greater_than_equal",
        "int_parsing_size",
        "less_than",
        "less_than_equal",
        "string_too_long",
        "string_too_short",
        "too_long",
        "too_short",
    }
)
"""Pydantic's errors for what is of the right type and out of bounds."""
LANGUAGE_FORM: Final = "Each text should stand under the tag of its language, such as sv or en"
_TIME: Final = "Should be a time in RFC 3339 with seconds and an offset"
_OBJECT: Final = "Should be an object"
_DETAILS: Final = {
    "missing": "The field is required",
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
    "union_tag_not_found": "The field is required",
    "union_tag_invalid": "Should be the type of an event that is taken in here: se.trygghetspunkt.….v1",
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "timezone_aware": _TIME,
}
"""Our words where pydantic's would be unclear, or would repeat what the report held."""
_FORMS: Final = {
    f"^{ids.EVENT_ID}$": "Should be 1-64 of A-Z, a-z, 0-9, _ and -",
    f"^{ids.SOURCE}$": "Should be urn:tp:kommun:<code>, or with :<reporter> after it",
    f"^{ids.INCIDENT}$": "Should be 1-64 of A-Z, a-z, 0-9, ., _ and -",
    f"^{ids.KOMMUN}-{ids.SLUG}$": "Should be a point's id: <kommun>-<slug>",
    f"^{ids.KOMMUN}-_$": "Should be the kommun itself: <kommun>-_",
    f"^{ids.KOMMUN}-(?:_|{ids.SLUG})$": "Should be a point's id, <kommun>-<slug>, or <kommun>-_ for the kommun itself",
    PRINTABLE: "Should hold no control characters",
    NOT_BLANK: "Should be one line that is not blank, without control characters",
    LANGUAGE: LANGUAGE_FORM,
    RFC3339: _TIME,
}
"""What a text should look like, by its pattern."""
_RANKS: Final[dict[vocab.RefusalReason, int]] = {"not_cloudevent": 0, "schema": 1, "unknown_kommun": 2, "range": 3}
"""The gravest comes first."""
_LANGUAGE: Final = re.compile(LANGUAGE)


def _names_of(part: type[BaseModel]) -> set[str]:
    names = {field.alias or name for name, field in part.model_fields.items()}
    for subclass in part.__subclasses__():
        names |= _names_of(subclass)
    return names


_NAMES: Final = frozenset(_names_of(reports.ReportBase) | _names_of(orders.OrderBase) | _names_of(Incoming))
"""Every field's name in a report or an order; other names were chosen by the sender."""


class Refusal(NamedTuple):
    """Why a report was refused."""

    reason: vocab.RefusalReason
    """For machines."""
    field: str | None
    """The field at fault, dotted: `data.power.fuel_l`; `None` when it is the message as a whole."""
    detail: str
    """One line for people. Never what the report held."""


def explain(raw: bytes, error: ValidationError) -> Refusal:
    """Why `REPORT.validate_json(raw)` refused a report: the gravest fault, and of those the first. Orders too.

    Args:
        raw: the message's bytes.
        error: what was raised for them.
    """
    faults = error.errors(include_url=False, include_context=True, include_input=False)
    first = faults[0]
    if first["type"] == "json_invalid":
        return Refusal("not_json", None, first["msg"])
    if not _is_json(raw):
        return Refusal("not_json", None, "Invalid JSON: NaN and Infinity are no numbers")
    return min(map(_one, faults), key=lambda refusal: _RANKS[refusal.reason])


def mismatch(subject: ReportSubject, report: reports.Report) -> Refusal | None:
    """What in a report says otherwise than the subject that it was sent to; `None` when they agree."""
    if report.reality != subject.reality:
        return Refusal("subject_mismatch", "reality", "Should be the reality of the subject that it was sent to")
    if report.kind != subject.kind:
        return Refusal("subject_mismatch", "type", "Should be of the kind of the subject that it was sent to")
    if report.subject != subject.point:
        return Refusal("subject_mismatch", "subject", "Should be the point of the subject that it was sent to")
    if report.source_kommun != subject.kommun:
        return Refusal("subject_mismatch", "source", "Should be of the kommun of the subject that it was sent to")
    return None


def _one(error: ErrorDetails) -> Refusal:
    kind = error["type"]
    detail = _detail(error)
    location = error["loc"]
    parts = location[1:] if location and str(location[0]).startswith(_TYPES) else location
    if not parts:
        return Refusal("not_cloudevent", "type" if kind.startswith("union_tag") else None, detail)
    field = _dotted(parts)
    if parts[0] in _ENVELOPE:
        return Refusal("not_cloudevent", field, detail)
    if kind == "unknown_kommun":
        return Refusal("unknown_kommun", field, detail)
    return Refusal("range" if kind in _RANGE else "schema", field, detail)


def _dotted(parts: tuple[int | str, ...]) -> str:
    """The field's path, up to where the sender chose the name (in a field that we do not know)."""
    known: list[str] = []
    for part in parts:
        is_language = known[-1:] == ["message"] and _LANGUAGE.match(str(part))
        if not (isinstance(part, int) or part in _NAMES or is_language):
            break
        known.append(str(part))
    return ".".join(known)


def _detail(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind == "string_pattern_mismatch":
        return _FORMS.get(error.get("ctx", {}).get("pattern", ""), error["msg"])
    return _DETAILS.get(kind, error["msg"])[:300]


def _is_json(raw: bytes) -> bool:
    """Whether what pydantic could read is JSON by the letter: it also reads NaN and Infinity."""

    def refuse(_constant: str) -> NoReturn:
        raise ValueError

    try:
        json.loads(raw, parse_constant=refuse)
    except ValueError:
        return False
    return True


LONGEST_KEPT: Final = 640 * 1024
"""How much of a refused message is carried, in bytes: as base64 it must fit in one NATS message of 1 MiB."""


class RejectedData(Frozen):
    """A refused report and why."""

    reason: vocab.RefusalReason
    """Why, for machines."""
    field: Annotated[str, Field(max_length=400)] | None = None
    """The field at fault, dotted; absent when it is the message as a whole."""
    detail: Annotated[str, Field(max_length=400)]
    """Why, in one line for people."""
    bytes: Annotated[str, Field(max_length=1_500_000, json_schema_extra={"contentEncoding": "base64"})]
    """The message as it came, base64; cut short when it was too large to carry."""
    origin: Line
    """`<node>/<INTAKE sequence>`: where it came in."""
    received: Moment
    """When it came in."""


class RejectedEvent(Frozen):
    """CloudEvent: a report was refused. The raw message stays in INTAKE."""

    specversion: Literal["1.0"] = "1.0"
    """The version of CloudEvents."""
    type: Literal["se.trygghetspunkt.rejected.v1"] = "se.trygghetspunkt.rejected.v1"
    """The kind of event, and its version."""
    id: EventId
    """Unique within the source."""
    source: Annotated[str, Field(min_length=1, max_length=120)]
    """The node that refused it."""
    subject: Annotated[str, Field(max_length=255)] | None = None
    """The NATS subject that it was sent to."""
    time: Moment
    """When it was refused."""
    datacontenttype: Literal["application/json"] = "application/json"
    """What `data` is: JSON."""
    reality: vocab.Reality | None = None
    """The subject's, when that is one."""
    data: RejectedData
    """The report, and why."""


REJECTED: Final[TypeAdapter[RejectedEvent]] = TypeAdapter(RejectedEvent)
"""Decodes refusals."""


def rejected(
    refusal: Refusal, raw: bytes, *, subject: str, node: str, origin: str, received: int, reality: vocab.Reality | None
) -> RejectedEvent:
    """The event that tells of a refused message; the same for the same message.

    Args:
        refusal: why.
        raw: the message as it came.
        subject: the NATS subject that it was sent to.
        node: the node that refused it.
        origin: where it stands: the node, or its stream, and the sequence.
        received: when it came in, µs.
        reality: the subject's, when that is one.
    """
    return RejectedEvent(
        id=hashlib.sha256(f"{node} {origin} {subject}".encode()).hexdigest()[:32],
        source=f"urn:tp:node:{node}",
        subject=subject[:255],
        time=to_datetime(received),
        reality=reality,
        data=RejectedData(
            reason=refusal.reason,
            field=refusal.field,
            detail=refusal.detail,
            bytes=base64.b64encode(raw[:LONGEST_KEPT]).decode(),
            origin=origin,
            received=to_datetime(received),
        ),
    )
