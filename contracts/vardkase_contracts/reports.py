"""Reports: CloudEvents 1.0, structured JSON, `type` = `se.trygghetspunkt.<kind>.v1`.

`REPORT.validate_json(raw)` decodes one; what was wrong with a refused one, `refusals.explain` tells.
"""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from vardkase_contracts import ids, vocab
from vardkase_contracts.base import (
    EventId,
    IncidentId,
    Incoming,
    KommunRef,
    Moment,
    PointOrKommunRef,
    PointRef,
    Seq,
    Source,
    default,
)
from vardkase_contracts.report_data import (
    ActivationData,
    Comms,
    ConfirmData,
    ContactData,
    HeartbeatData,
    Heat,
    NeedData,
    NextShift,
    Position,
    Power,
    Refill,
    RegisterData,
    ResourcesData,
    RetireData,
    ServiceReport,
    Services,
    Staff,
    StatusData,
    Water,
    WithdrawData,
)

__all__ = [
    "MAX_BYTES",
    "REPORT",
    "REPORT_TYPES",
    "ActivationData",
    "ActivationReport",
    "Comms",
    "ConfirmData",
    "ConfirmReport",
    "ContactData",
    "ContactReport",
    "HeartbeatData",
    "HeartbeatReport",
    "Heat",
    "NeedData",
    "NeedReport",
    "NextShift",
    "Position",
    "Power",
    "Refill",
    "RegisterData",
    "RegisterReport",
    "Report",
    "ReportBase",
    "ResourcesData",
    "ResourcesReport",
    "RetireData",
    "RetireReport",
    "ServiceReport",
    "Services",
    "Staff",
    "StatusData",
    "StatusReport",
    "Water",
    "WithdrawData",
    "WithdrawReport",
    "extras",
    "report_type",
]

MAX_BYTES: Final = 64 * 1024
"""The longest report, in bytes; a longer one is refused as `too_large` before it is read."""


def report_type(kind: vocab.ReportKind) -> str:
    """The CloudEvents `type` of a kind of report."""
    return f"se.trygghetspunkt.{kind}.v1"


REFILED_FROM: Final = rf"^exe\.{ids.KOMMUN}\.[A-Za-z0-9_-]{{1,64}}$"
"""The identity of a report of an exercise."""

REPORT_TYPES: Final[dict[str, vocab.ReportKind]] = {report_type(kind): kind for kind in vocab.REPORT_KINDS}
"""The kind of each `type`."""


_SOURCE_KOMMUN: Final = slice(len("urn:tp:kommun:"), len("urn:tp:kommun:") + 4)


class ReportBase(Incoming):
    """The envelope that all reports share (CloudEvents 1.0)."""

    kind: ClassVar[vocab.ReportKind]
    """The kind of report."""

    specversion: Literal["1.0"]
    """The version of CloudEvents."""
    id: EventId
    """With reality and kommun the report's identity: 1-64 of A-Z, a-z, 0-9, _ and -."""
    source: Source
    """Who reports: `urn:tp:kommun:<code>[:<reporter>]`. Never a person's name."""
    subject: PointOrKommunRef
    """The point, `<kommun>-<slug>`, or `<kommun>-_` for the kommun itself where the kind allows it."""
    time: Moment
    """When it was observed (not when it was sent)."""
    datacontenttype: (
        Annotated[str, Field(pattern=r"^application/json(?: *; *charset=[A-Za-z0-9-]+)?$", max_length=64)] | None
    ) = None
    """What `data` is: JSON."""
    reality: vocab.Reality
    """Skarpt läge, övning or prov: the same as the subject's, so that a signed exercise cannot be replayed as real."""
    seq: Seq | None = None
    """Rises by report, per point and source; orders reports observed at the same time."""
    quality: Annotated[vocab.Quality, default("observed", vocab.Quality)] = "observed"
    """How the content is known."""
    role: vocab.Role | None = None
    """In what role the reporter reports."""
    incident: IncidentId | None = None
    """The incident that it belongs to."""
    channel: vocab.Channel | None = None
    """By what means it came in."""
    refiled_from: Annotated[str, Field(pattern=REFILED_FROM)] | None = None
    """The report of an exercise that a person has filed again as this one: `exe.<kommun>.<id>`, its identity."""

    @property
    def kommun(self) -> str:
        """The code of the kommun that owns the report."""
        return self.subject[:4]

    @property
    def slug(self) -> str:
        """The point's slug, or `_` for the kommun itself."""
        return self.subject[5:]

    @property
    def source_kommun(self) -> str:
        """The code of the kommun whose reporter this is; it must be `kommun`."""
        return self.source[_SOURCE_KOMMUN]


class RegisterReport(ReportBase):
    """A point's profile: what it is and what it is planned for."""

    kind: ClassVar[vocab.ReportKind] = "register"
    type: Literal["se.trygghetspunkt.register.v1"]
    """The kind of report, and its version."""
    subject: PointRef
    """The point."""
    data: RegisterData
    """The profile."""


class StatusReport(ReportBase):
    """How a point is towards its visitors."""

    kind: ClassVar[vocab.ReportKind] = "status"
    type: Literal["se.trygghetspunkt.status.v1"]
    """The kind of report, and its version."""
    subject: PointRef
    """The point."""
    data: StatusData
    """What is said."""


class ResourcesReport(ReportBase):
    """What a point lives on: power, staff, water, heat, communications."""

    kind: ClassVar[vocab.ReportKind] = "resources"
    type: Literal["se.trygghetspunkt.resources.v1"]
    """The kind of report, and its version."""
    subject: PointRef
    """The point."""
    data: ResourcesData
    """The sections that are said."""


class NeedReport(ReportBase):
    """Something that a point, or the kommun, needs or has to spare."""

    kind: ClassVar[vocab.ReportKind] = "need"
    type: Literal["se.trygghetspunkt.need.v1"]
    """The kind of report, and its version."""
    data: NeedData
    """The need."""


class ConfirmReport(ReportBase):
    """The content of earlier reports is unchanged."""

    kind: ClassVar[vocab.ReportKind] = "confirm"
    type: Literal["se.trygghetspunkt.confirm.v1"]
    """The kind of report, and its version."""
    subject: PointRef
    """The point."""
    data: ConfirmData
    """Empty."""


class HeartbeatReport(ReportBase):
    """The link of a point, or of the kommun, is alive."""

    kind: ClassVar[vocab.ReportKind] = "heartbeat"
    type: Literal["se.trygghetspunkt.heartbeat.v1"]
    """The kind of report, and its version."""
    data: HeartbeatData
    """How much waits to be sent."""


class ContactReport(ReportBase):
    """Somebody tried to reach a point, or the kommun."""

    kind: ClassVar[vocab.ReportKind] = "contact"
    type: Literal["se.trygghetspunkt.contact.v1"]
    """The kind of report, and its version."""
    data: ContactData
    """What became of it."""


class ActivationReport(ReportBase):
    """Whether a kommun sets its points up."""

    kind: ClassVar[vocab.ReportKind] = "activation"
    type: Literal["se.trygghetspunkt.activation.v1"]
    """The kind of report, and its version."""
    subject: KommunRef
    """The kommun itself."""
    data: ActivationData
    """How far it has come."""


class WithdrawReport(ReportBase):
    """Earlier reports of the kommun were wrong."""

    kind: ClassVar[vocab.ReportKind] = "withdraw"
    type: Literal["se.trygghetspunkt.withdraw.v1"]
    """The kind of report, and its version."""
    data: WithdrawData
    """Which, and why."""


class RetireReport(ReportBase):
    """A point is gone."""

    kind: ClassVar[vocab.ReportKind] = "retire"
    type: Literal["se.trygghetspunkt.retire.v1"]
    """The kind of report, and its version."""
    subject: PointRef
    """The point."""
    data: RetireData
    """Why, and what comes instead."""


Report = Annotated[
    RegisterReport
    | StatusReport
    | ResourcesReport
    | NeedReport
    | ConfirmReport
    | HeartbeatReport
    | ContactReport
    | ActivationReport
    | WithdrawReport
    | RetireReport,
    Field(discriminator="type"),
]
"""A report of any kind, told apart by `type`."""

REPORT: Final[TypeAdapter[Report]] = TypeAdapter(Report, config=ConfigDict(hide_input_in_errors=True))
"""Decodes reports: `REPORT.validate_json(raw)`."""


_PARTS: Final[dict[type[Incoming], tuple[str, ...]]] = {
    RegisterData: ("position",),
    StatusData: ("services",),
    Services: vocab.SERVICE_CODES,
    ResourcesData: ("power", "refill", "staff", "next_shift", "water", "heat", "comms"),
    NeedData: ("counterpart",),
}
"""The fields that hold parts with fields of their own."""


def extras(report: Report) -> int:
    """How many fields of the report are not in the contract: they were ignored."""
    return len(report.__pydantic_extra__) + _extras(report.data)


def _extras(part: Incoming) -> int:
    count = len(part.__pydantic_extra__)
    for name in _PARTS.get(type(part), ()):
        inner = getattr(part, name)
        if inner is not None:
            count += _extras(inner)
    return count
