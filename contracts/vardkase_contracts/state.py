"""State: what is known of a point, merged from all its reports, and what the clock makes of it.

Everything that was said stands under `facts`, `last`, `timelines` and `others`; `version` covers those four, and is
the same at every node that holds the same reports. The rest is judged at `as_of`.
"""

from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import Field, JsonValue, TypeAdapter

from vardkase_contracts import report_data as d
from vardkase_contracts import vocab
from vardkase_contracts.base import (
    AlertKey,
    EventId,
    Frozen,
    KommunCode,
    LanCode,
    Moment,
    Note,
    PointOrKommunRef,
    Seq,
    Sha256,
    Source,
)

_Value = TypeVar("_Value")

_NAMES: Final[tuple[tuple[Any, str], ...]] = (
    (vocab.Lifecycle, "Lifecycle"),
    (vocab.Availability, "Availability"),
    (vocab.ActivationState, "Activation"),
    (vocab.ServiceState, "Service"),
    (vocab.ContactResult, "Contact"),
    (dict[str, str], "Texts"),
    (int, "Number"),
    (JsonValue, "Any"),
    (Moment, "Moment"),
    (Note, "Note"),
)
"""Types without a name of their own, and what a fact of theirs is called by."""


class Fact(Frozen, Generic[_Value]):
    """The latest that was said of one aspect, and who said it when."""

    value: _Value | None
    """What was said; `null`: unknown since then."""
    observed_at: Moment
    """The report's effective time."""
    seq: Seq
    """The report's `seq`; 0 where it had none."""
    report: EventId
    """The report's id."""
    source: Source
    """The report's source."""
    quality: vocab.Quality = "observed"
    """How it is known; left out when observed."""
    clock_adjusted: Literal[True] | None = None
    """The reporter's clock was ahead, so the time is when the report came in; left out otherwise."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """What a fact is called in the schemas: `PowerFact`, `LifecycleFact`."""
        (value,) = params
        return f"{next((name for known, name in _NAMES if known == value), None) or value.__name__}Fact"


class Facts(Frozen):
    """The aspects that something was said of; the others are left out."""

    profile: Fact[d.RegisterData] | None = None
    """The register."""
    retire: Fact[d.RetireData] | None = None
    """That the point is gone."""
    lifecycle: Fact[vocab.Lifecycle] | None = None
    """Whether it is open."""
    availability: Fact[vocab.Availability] | None = None
    """Whether it can take more."""
    occupancy: Fact[int] | None = None
    """Visitors."""
    capacity_day: Fact[int] | None = None
    """Capacity by day, as a status says."""
    capacity_night: Fact[int] | None = None
    """Capacity by night, as a status says."""
    message: Fact[dict[str, str]] | None = None
    """The public message by language."""
    note: Fact[Note] | None = None
    """The note to staff."""
    opens_at: Fact[Moment] | None = None
    """When it opens."""
    closes_at: Fact[Moment] | None = None
    """When it closes."""
    power: Fact[d.Power] | None = None
    """Power."""
    refill: Fact[d.Refill] | None = None
    """The next refill."""
    staff: Fact[d.Staff] | None = None
    """Staff."""
    next_shift: Fact[d.NextShift] | None = None
    """The next shift."""
    water: Fact[d.Water] | None = None
    """Water."""
    heat: Fact[d.Heat] | None = None
    """Heat."""
    comms: Fact[d.Comms] | None = None
    """Communications."""
    activation: Fact[vocab.ActivationState] | None = None
    """Whether the kommun sets its points up (of a kommun itself only)."""
    services: dict[vocab.ServiceCode, Fact[vocab.ServiceState]] = Field(default_factory=dict)
    """Each service that something was said of."""
    needs: dict[EventId, Fact[d.NeedData]] = Field(default_factory=dict)
    """Needs and surplus by `need_id`; the 64 greatest."""


class Last(Frozen):
    """When the point was last heard of."""

    content: Moment | None
    """The last report with content."""
    confirmed: Moment | None
    """The last `confirm`."""
    heartbeat: Moment | None
    """The last heartbeat."""
    reached: Moment | None
    """The last attempt that reached it."""
    contact: Fact[vocab.ContactResult] | None
    """The last attempt to reach it."""


ReportStamp = tuple[Moment, Seq, EventId, Source, vocab.Quality, bool]
"""A report in a timeline: its effective time, `seq` or 0, id, source, quality, whether its clock was ahead."""
ValueStamp = tuple[Annotated[int, Field(ge=0)], JsonValue]
"""A value in a timeline: the report's place in `reports`, and the value."""


class Timelines(Frozen):
    """What rules look back on: of every 5 minutes the last value, for 6 hours, and the last before those."""

    reports: tuple[ReportStamp, ...]
    """The reports that the values came with."""
    aspects: dict[str, Annotated[tuple[ValueStamp, ...], Field(max_length=73)]]
    """Values by aspect (`power`, `services.heat`), oldest first."""
    known: dict[str, ValueStamp]
    """The last value that is known, of aspects whose timeline has lost it; `power.endurance`: the last power whose
    endurance is known."""


class Conflict(Frozen):
    """Two reporters of one point differ within 15 minutes."""

    aspect: str
    """What they differ about."""
    values: tuple[Fact[JsonValue], Fact[JsonValue]]
    """What they say."""


class OpenAlert(Frozen):
    """An open alert of the point."""

    key: AlertKey
    """`<rule>/<point>`."""
    level: vocab.AlertLevel
    """How grave it is."""
    inhibited_by: AlertKey | None
    """The alert that mutes it."""


class State(Frozen):
    """A point's state; of a kommun itself too (`<kommun>-_`). Restricted."""

    id: PointOrKommunRef
    """The point."""
    reality: vocab.Reality
    """Skarpt läge, övning or prov."""
    kommun: KommunCode
    """Its kommun."""
    lan: LanCode
    """Its län."""
    registered: bool
    """Whether a register was ever reported."""
    retired: bool
    """Whether it is gone."""
    facts: Facts
    """What was said, aspect by aspect."""
    last: Last
    """When it was last heard of."""
    timelines: Timelines
    """What rules look back on."""
    others: dict[str, Fact[JsonValue]]
    """By aspect, the latest by another reporter than the newest one's."""
    version: Sha256
    """SHA-256 of the canonical JSON of `facts`, `last`, `timelines` and `others`."""
    as_of: Moment
    """When what follows was judged."""
    freshness: vocab.Freshness | None
    """How old the last content is; `null` without any."""
    link: vocab.Link
    """Whether its way of reporting is alive."""
    condition: vocab.Condition
    """How it is."""
    runs_out_at: Moment | None
    """When its power runs out, computed from the last reading."""
    dark: bool
    """Whether it has no power, reported or since it ran out."""
    endurance_known: bool
    """Whether `runs_out_at` rests on a reading."""
    conflict: tuple[Conflict, ...]
    """What its reporters differ about."""
    alerts: tuple[OpenAlert, ...]
    """Its open alerts."""
    cut: bool = False
    """Whether `facts`, `timelines` and `others` were left out, since they are longer than the node's NATS server takes;
    `version` is that of the whole."""


STATE: Final[TypeAdapter[State]] = TypeAdapter(State)
"""Decodes states."""
