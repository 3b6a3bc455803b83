"""Picture: an area's situation under the five headings of a Swedish situation report (2022:524 22 §).

Händelseutveckling (`events`), tillstånd (`condition`), förväntad utveckling (`forecast`), tillgängliga resurser
(`resources`), vidtagna och planerade åtgärder (`measures`). What the machine makes is an automatic picture; it is
*fastställd* only when a person has adopted it. Sub-counts add up to their parents, and every sum says how many points
it rests on: unknown is not zero.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from vardkase_contracts import vocab
from vardkase_contracts.base import (
    AlertKey,
    AreaCode,
    Count,
    EventId,
    Frozen,
    KommunCode,
    Line,
    Moment,
    Note,
    PointOrKommunRef,
    PointRef,
    RuleName,
    Sha256,
)
from vardkase_contracts.counts import (
    ActivationCounts,
    AvailabilityCounts,
    Bounded,
    ConditionCounts,
    FreshnessCounts,
    LifecycleCounts,
    PowerCounts,
    ServiceCounts,
    Sum,
)
from vardkase_contracts.orders import By

KindOfNeed = Literal[vocab.NeedKind, "unknown"]
"""A kind of need, or that the report did not say."""


class Adopted(Frozen):
    """A person made this the common picture (fastställd samlad lägesbild)."""

    at: Moment
    """When."""
    by: By
    """In what role, and for which area."""
    version: Sha256
    """The picture's version that was adopted. The same as the picture's own: nothing it counts has changed since."""
    note: Note | None = None
    """What was said of it."""
    sha256: Sha256 | None = None
    """Of the adopted picture's bytes, which can be read as long as the order is kept."""


class PictureNote(Frozen):
    """An annotation to the picture."""

    id: EventId
    """The order's."""
    at: Moment
    """When it was given."""
    by: By
    """In what role, and for which area."""
    note: Note
    """What it says."""
    request: EventId | None = None
    """The request for a report that it answers."""


class PictureRequest(Frozen):
    """A request for a report (begäran om lägesrapport), as far as this area's kommuner are asked."""

    id: EventId
    """The request."""
    by: By
    """Who asks."""
    at: Moment
    """When it was first given: what is observed from then on answers it."""
    note: Note | None
    """What was said of it."""
    areas: tuple[AreaCode, ...]
    """Who is asked."""
    questions: tuple[Line, ...]
    """What is asked, beside the usual."""
    remind_at: Moment
    """When those who have not answered are reminded: at three quarters of the time, at most 1 h before the deadline."""
    deadline: Moment
    """By when."""
    state: vocab.RequestState
    """How it stands, of this area's kommuner."""
    asked: Count
    """How many kommuner of this area are asked."""
    answered: Count
    """How many of them have answered."""
    missing: tuple[KommunCode, ...]
    """Those that have not."""


class PictureAct(Frozen):
    """Something that people did, or what became due of it."""

    at: Moment
    """When it was done, or became due."""
    kind: vocab.PictureActKind
    """Somebody adopted the picture, annotated it, or asked for reports; a request reached the time of its reminder, or
    its deadline, while some of the area had not answered."""
    by: By
    """Who acted, or had asked."""
    order: EventId
    """The order; of a request for reports, the request."""


class PictureEvent(Frozen):
    """Something that happened."""

    at: Moment
    """When it happened (observed, or judged by the clock)."""
    kind: vocab.PictureEventKind
    """A point opened or closed; an alert was raised or cleared."""
    point: PointOrKommunRef | None
    """The point; `null` when it is about an area."""
    kommun: KommunCode | None
    """The kommun; `null` when it is about a län or more."""
    key: AlertKey | None
    """The alert."""
    rule: RuleName | None
    """The alert's rule."""
    level: vocab.AlertLevel | None
    """The alert's level."""
    reason: vocab.ClearedReason | None
    """Why the alert was cleared."""


class Activation(Frozen):
    """How far the kommuner have come."""

    counts: ActivationCounts
    """How many kommuner in each state."""
    kommuner: dict[KommunCode, Literal[vocab.ActivationState, "unknown"]]
    """The state of every kommun; `unknown` where nothing was said."""


class PictureCondition(Frozen):
    """Tillstånd: how the points are."""

    lifecycle: LifecycleCounts
    """Points by lifecycle."""
    availability: AvailabilityCounts
    """Open points by availability."""
    condition: ConditionCounts
    """Points by condition."""
    freshness: FreshnessCounts
    """Points by freshness."""
    occupancy: Bounded
    """Visitors at open points."""
    capacity: Sum
    """Room at open points."""
    services: dict[vocab.ServiceCode, ServiceCounts]
    """Open points by service and its state."""
    activation: Activation
    """Kommuner by activation."""


class NextOut(Frozen):
    """A point (open, being set up or closing) that is, or will be, without power."""

    point: PointRef
    """The point."""
    name: str | None
    """Its name; `null` when it is not registered."""
    kommun: KommunCode
    """Its kommun."""
    dark: bool
    """Whether it is without power already."""
    runs_out_at: Moment | None
    """When it runs out; `null` when that is not known."""
    condition: vocab.Condition
    """How it is."""
    freshness: vocab.Freshness | None
    """How old its last content is."""
    medical_charging: bool
    """Whether it charges medical devices."""
    overnight: bool
    """Whether guests sleep there."""


class Forecast(Frozen):
    """Förväntad utveckling: where the power will run out if nothing is done."""

    dark: Count
    """Points (open, being set up or closing) without power."""
    endurance_unknown: Count
    """Such points on backup or battery of unknown endurance."""
    out_within: dict[Literal["6h", "12h", "24h"], Count]
    """Points that run out within so many hours from `as_of`; those that have run out are `dark`."""
    next: Annotated[tuple[NextOut, ...], Field(max_length=20)]
    """The 20 nearest: dark first, then unknown endurance, then by `runs_out_at`."""


class StaffSum(Frozen):
    """Staff at open points."""

    present: Count
    """How many are there, of what is known."""
    points: Count
    """How many points that rests on."""
    required: Count
    """How many are required, of what is known."""
    short: Count
    """How many are missing, point by point."""
    of: Count
    """How many open points there are."""


class Surplus(Frozen):
    """What points have to spare of one kind."""

    count: Count
    """How many offers."""
    quantities: dict[str, float]
    """The sum of what was said, by unit; of more than 16 units those of the most offers."""


class PictureResources(Frozen):
    """Tillgängliga resurser: what there is."""

    free_capacity: Sum
    """Room left at open points."""
    staff: StaffSum
    """Staff at open points."""
    power: PowerCounts
    """Open points by what they run on."""
    surplus: dict[KindOfNeed, Surplus]
    """What is offered, by kind."""


class Measures(Frozen):
    """Vidtagna och planerade åtgärder: what is asked for and how far it has come."""

    needs: dict[KindOfNeed, dict[vocab.NeedState, Count]]
    """Needs by kind and state."""
    overdue: Count
    """High or urgent needs that nobody is under way with, past the time they were needed."""


class KommunCoverage(Frozen):
    """How many kommuner the picture rests on."""

    total: Count
    """Kommuner in the area."""
    with_points: Count
    """Those with points."""
    reporting: Count
    """Those heard of."""
    silent: Count
    """Those that `area.silent` is open for."""


class Coverage(Frozen):
    """How complete and how old the picture is: on time + stale + silent = expected."""

    expected: Count
    """Points that are registered and not retired."""
    reporting: Count
    """On time or stale."""
    on_time: Count
    """Fresh or ageing."""
    stale: Count
    """Stale."""
    silent: Count
    """Silent, or never heard."""
    unregistered: Count
    """Points that report and were never registered; not among the expected."""
    oldest: Moment | None
    """The oldest last content among the open, registered points."""
    kommuner: KommunCoverage
    """How many kommuner it rests on."""
    incident_silent: tuple[KommunCode, ...]
    """Kommuner of an incident in force that have said nothing."""


AlertCounts = dict[RuleName, dict[vocab.AlertLevel, Count]]
"""Open alerts by rule and level."""


class AreaSummary(Frozen):
    """A child area in short."""

    level: vocab.AreaLevel
    """Which kind of area."""
    code: AreaCode
    """Its code."""
    name: str
    """Its name."""
    civo: AreaCode | None = None
    """A län's civilområde, in the nation's picture."""
    lifecycle: LifecycleCounts
    """Points by lifecycle."""
    condition: ConditionCounts
    """Points by condition."""
    freshness: FreshnessCounts
    """Points by freshness."""
    coverage: Coverage
    """How complete it is."""
    alerts: AlertCounts
    """Open alerts."""


class Picture(Frozen):
    """An area's picture. Restricted."""

    reality: vocab.Reality
    """Skarpt läge, övning or prov."""
    level: vocab.AreaLevel
    """Which kind of area."""
    code: AreaCode
    """Its code."""
    name: str
    """Its name in Swedish."""
    as_of: Moment
    """When it was judged."""
    version: Sha256
    """Of everything at `as_of` but `events` and what people did (`adopted`, `notes`, `requests`, `acts`)."""
    adopted: Adopted | None
    """The last time a person adopted it; `null`: an automatic picture."""
    events: Annotated[tuple[PictureEvent, ...], Field(max_length=50)]
    """Händelseutveckling, newest first: since the last adopted picture, else 24 h; at most 50."""
    condition: PictureCondition
    """Tillstånd."""
    forecast: Forecast
    """Förväntad utveckling."""
    resources: PictureResources
    """Tillgängliga resurser."""
    measures: Measures
    """Vidtagna och planerade åtgärder."""
    coverage: Coverage
    """How complete and how old it is."""
    alerts: AlertCounts
    """Open alerts by rule and level."""
    areas: tuple[AreaSummary, ...]
    """Its children: a län's kommuner; of a civilområde and the nation, the län."""
    acts: Annotated[tuple[PictureAct, ...], Field(max_length=50)] = ()
    """What people did, newest first: as far back as `events`; at most 50."""
    notes: Annotated[tuple[PictureNote, ...], Field(max_length=10)] = ()
    """Annotations of the last 7 days, newest first; at most 10."""
    requests: Annotated[tuple[PictureRequest, ...], Field(max_length=10)] = ()
    """Requests for reports that ask kommuner of this area: those that wait first; at most 10, and none long over."""


PICTURE: Final[TypeAdapter[Picture]] = TypeAdapter(Picture)
"""Decodes pictures."""
