"""Orders: acts of people, and overrides of rules. CloudEvents, `type` = `se.trygghetspunkt.order.<kind>.v1`.

They travel up and down between nodes, so that an act at one level is known at the others. A level never changes
another's reports: it reads, acknowledges, asks and annotates.
"""

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import ConfigDict, Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from vardkase_contracts import vocab
from vardkase_contracts.base import (
    UNIQUE_ITEMS,
    AlertKey,
    AreaCode,
    Code,
    EventId,
    IncidentId,
    Incoming,
    Json,
    KommunCode,
    Line,
    Moment,
    Name,
    Note,
    PointOrKommunRef,
    PointRef,
    RuleName,
    Sha256,
    Unique,
)

ORDER_SOURCE: Final = r"^urn:tp:(?:kommun:[0-9]{4}|lan:[0-9]{2}|civo:[a-z]{1,20}|nation:SE)(?::[A-Za-z0-9._-]{1,64})?$"
"""The source of an order."""

Snapshot = Annotated[str, Field(min_length=12, max_length=60_000, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]
"""A picture's bytes, zlib in base64: what is in an order stays within the 64 KiB of an event."""
Areas = Annotated[tuple[AreaCode, ...], Field(min_length=1, max_length=400, json_schema_extra=UNIQUE_ITEMS), Unique]
"""Codes of areas, 1-400."""


class By(Incoming):
    """Who acts: a role, never a name."""

    role: vocab.Role
    """In what role."""
    level: vocab.AreaLevel
    """For which kind of area."""
    code: AreaCode
    """For which area."""


class Signed(Incoming):
    """What all orders say."""

    by: By
    """Who acts."""


class OrderData(Signed):
    """What all orders say, and may say."""

    note: Note | None = None
    """Why, or what more there is to say. Restricted."""


class AckData(OrderData):
    """An alert was taken in (kvitterad)."""

    key: AlertKey
    """The alert."""
    level: vocab.AlertLevel
    """The level that was taken in; a worse one breaks the ack."""
    until: Moment | None = None
    """Until when it holds; 4 h unless given, never past `runs_out_at`."""


class Matcher(Incoming):
    """Which alerts: those that match all that is given; something must be."""

    rule: RuleName | None = None
    """Of this rule."""
    point: PointOrKommunRef | None = None
    """Of this point."""
    area: AreaCode | None = None
    """In this area."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.rule is None and self.point is None and self.area is None:
            raise PydanticCustomError("matcher_empty", "At least one of rule, point and area should be given")
        return self


class _Period(OrderData):
    """An order that holds for a time."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    from_: Annotated[Moment, Field(alias="from")]
    """From when it holds."""


class SilenceData(_Period):
    """Alerts are not notified of for a time; they stay visible."""

    id: EventId | None = None
    """The silence: the same again, ordered for the same area, changes or ends it. The order's own id unless given."""
    matcher: Matcher
    """Which alerts, of those in the area that the order is about."""
    until: Moment
    """Until when it holds; at most 30 days after it was ordered. Not after `from`: never (any more)."""


class IncidentData(_Period):
    """An incident and the areas that are in it: their silence is an alert too."""

    id: IncidentId
    """The incident; the same again changes it."""
    name: Name
    """What it is called."""
    areas: Areas
    """The areas that are in it."""
    until: Moment | None = None
    """Until when; not yet known when left out."""


class ReportRequestData(OrderData):
    """Begäran om lägesrapport."""

    id: EventId | None = None
    """The request: the same again, ordered for the same area, changes or ends it. The order's own id unless given."""
    areas: Areas
    """Who is asked: every kommun of these."""
    questions: Annotated[tuple[Line, ...], Field(max_length=50)] = ()
    """What is asked, beside the usual. Who is asked one answers with a `note` that names the request."""
    deadline: Moment
    """By when; at most 30 days after it was ordered."""
    withdrawn: bool = False
    """Nobody needs to answer it any more."""


class NoteData(Signed):
    """An annotation to the area's picture."""

    note: Note
    """The annotation. Restricted."""
    request: EventId | None = None
    """The request for a report that this answers."""
    answers: Annotated[tuple[Note, ...], Field(max_length=50)] = ()
    """The answers to its questions, in their order; an empty one where there is none. Restricted."""


class AdoptData(OrderData):
    """A picture is adopted: fastställd samlad lägesbild."""

    level: vocab.AreaLevel
    """Which kind of area."""
    code: AreaCode
    """Which area."""
    version: Sha256
    """Which version of its picture."""
    sha256: Sha256 | None = None
    """Of the adopted picture's bytes."""
    snapshot: Snapshot | None = None
    """The adopted picture itself: its bytes as they were published, zlib (RFC 1950) in base64. With `sha256`."""


class Identity(Incoming):
    """A report's identity."""

    reality: vocab.Reality
    """Skarpt läge, övning or prov."""
    kommun: KommunCode
    """The kommun that owns it."""
    id: EventId
    """Its id."""


class RedactData(OrderData):
    """A report must not be shown any more, such as one that names a person."""

    identity: Identity
    """Which report."""
    reason: Note
    """Why."""


class RulesData(OrderData):
    """Rules are overridden for a point, a kommun, a län, a civilområde or the nation."""

    scope: Annotated[AreaCode | PointRef, Field(union_mode="left_to_right")]
    """For what: a point's id, or an area's code; in the area that the order is about."""
    override: (
        Annotated[dict[RuleName, Annotated[dict[Code, Json], Field(max_length=100)] | None], Field(max_length=100)]
        | None
    )
    """By rule, its settings that are other than the table's. It takes the place of the scope's last one as a whole;
    `null`, or no rule in it, takes that away."""


class ExercisePlan(Incoming):
    """What is going to be played: enough to see that two nodes play the same."""

    scenario: Sha256
    """Of the scenario's file."""
    injects: Annotated[int, Field(ge=0, le=100_000)]
    """How many injects it has."""


class ExerciseData(_Period):
    """An exercise (övning): where, from when until when, and whether it goes on."""

    id: IncidentId
    """The exercise; the same again changes it. One that was aborted somewhere never goes on there."""
    name: Name
    """What it is called."""
    areas: Areas
    """The areas that the order speaks of: those that take part, or those in which it is aborted."""
    until: Moment | None = None
    """Until when; not yet known when left out."""
    state: vocab.ExerciseState
    """Whether it goes on."""
    plan: ExercisePlan | None = None
    """What is going to be played."""


class OrderBase(Incoming):
    """The envelope that all orders share (CloudEvents 1.0)."""

    kind: ClassVar[vocab.OrderKind]
    """The kind of order."""

    specversion: Literal["1.0"]
    """The version of CloudEvents."""
    id: EventId
    """Unique within the source: 1-64 of A-Z, a-z, 0-9, _ and -."""
    source: Annotated[str, Field(pattern=ORDER_SOURCE, max_length=96)]
    """Who orders: `urn:tp:<level>:<code>[:<role or name of system>]`."""
    subject: AreaCode
    """The code of the area that the order is about."""
    time: Moment
    """When it was given."""
    datacontenttype: Literal["application/json"] | None = None
    """What `data` is: JSON."""
    reality: vocab.Reality
    """Skarpt läge, övning or prov: the same as the subject's."""


class AckOrder(OrderBase):
    """Acknowledges an alert."""

    kind: ClassVar[vocab.OrderKind] = "ack"
    type: Literal["se.trygghetspunkt.order.ack.v1"]
    """The kind of order, and its version."""
    data: AckData
    """Which, at what level, until when."""


class SilenceOrder(OrderBase):
    """Silences alerts for a time."""

    kind: ClassVar[vocab.OrderKind] = "silence"
    type: Literal["se.trygghetspunkt.order.silence.v1"]
    """The kind of order, and its version."""
    data: SilenceData
    """Which, from when, until when."""


class IncidentOrder(OrderBase):
    """Opens, changes or ends an incident."""

    kind: ClassVar[vocab.OrderKind] = "incident"
    type: Literal["se.trygghetspunkt.order.incident.v1"]
    """The kind of order, and its version."""
    data: IncidentData
    """What it is called, where, from when, until when."""


class ReportRequestOrder(OrderBase):
    """Asks for reports."""

    kind: ClassVar[vocab.OrderKind] = "report_request"
    type: Literal["se.trygghetspunkt.order.report_request.v1"]
    """The kind of order, and its version."""
    data: ReportRequestData
    """Of whom, what, by when."""


class NoteOrder(OrderBase):
    """Annotates a picture."""

    kind: ClassVar[vocab.OrderKind] = "note"
    type: Literal["se.trygghetspunkt.order.note.v1"]
    """The kind of order, and its version."""
    data: NoteData
    """The annotation."""


class AdoptOrder(OrderBase):
    """Adopts a picture."""

    kind: ClassVar[vocab.OrderKind] = "adopt"
    type: Literal["se.trygghetspunkt.order.adopt.v1"]
    """The kind of order, and its version."""
    data: AdoptData
    """Which."""


class RedactOrder(OrderBase):
    """Redacts a report."""

    kind: ClassVar[vocab.OrderKind] = "redact"
    type: Literal["se.trygghetspunkt.order.redact.v1"]
    """The kind of order, and its version."""
    data: RedactData
    """Which, and why."""


class RulesOrder(OrderBase):
    """Overrides rules."""

    kind: ClassVar[vocab.OrderKind] = "rules"
    type: Literal["se.trygghetspunkt.order.rules.v1"]
    """The kind of order, and its version."""
    data: RulesData
    """For what, and how."""


class ExerciseOrder(OrderBase):
    """Begins, changes, ends or aborts an exercise. An order of övning, whatever world is looked at."""

    kind: ClassVar[vocab.OrderKind] = "exercise"
    type: Literal["se.trygghetspunkt.order.exercise.v1"]
    """The kind of order, and its version."""
    reality: Literal["exe"]  # pyright: ignore[reportIncompatibleVariableOverride] -- frozen, so never another
    """Övning: there is no other."""
    data: ExerciseData
    """What it is called, where, from when until when, and whether it goes on."""


Order = Annotated[
    AckOrder
    | SilenceOrder
    | IncidentOrder
    | ReportRequestOrder
    | NoteOrder
    | AdoptOrder
    | RedactOrder
    | RulesOrder
    | ExerciseOrder,
    Field(discriminator="type"),
]
"""An order of any kind, told apart by `type`."""

ORDER: Final[TypeAdapter[Order]] = TypeAdapter(Order, config=ConfigDict(hide_input_in_errors=True))
"""Decodes orders: `ORDER.validate_json(raw)`."""


def order_type(kind: vocab.OrderKind) -> str:
    """The CloudEvents `type` of a kind of order."""
    return f"se.trygghetspunkt.order.{kind}.v1"
