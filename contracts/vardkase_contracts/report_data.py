"""What the reports say: the `data` of each kind.

A field left out says nothing. `null` says "unknown now". A section of `resources` is replaced as a whole: what is
absent in it is unknown. Fields that are not listed are ignored and counted, never refused; a *word* that is not in a
closed vocabulary is refused, since it would be silently lost. The bounds are this project's own: far beyond what a
point can hold, so that only mistakes are refused.
"""

from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from vardkase_contracts import vocab
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.base import (
    NOT_BLANK,
    UNIQUE_ITEMS,
    Address,
    Code,
    Counterpart,
    EventId,
    Hours,
    Incoming,
    KommunCode,
    Line,
    Litres,
    Moment,
    Name,
    Note,
    People,
    PointRef,
    PublicText,
    Unique,
    default,
)

DEFAULT_STAFF_MIN: Final = 2
"""How many must be there for a point to be run safely, unless its register says otherwise (ours)."""
DEFAULT_REFILL_LEAD_H: Final = 4.0
"""Hours from asking for fuel to having it, unless the register says otherwise (ours)."""


LANGUAGE: Final = r"^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$"
"""A language's tag (BCP 47), such as `sv`, `en`, `zh-Hans`."""


def _known_kommun(code: str) -> str:
    if code not in KOMMUNER:
        raise PydanticCustomError("unknown_kommun", "There is no kommun with this code")
    return code


_LeadHours = Annotated[float, Field(gt=0, le=720)]


class Position(Incoming):
    """A place on earth (WGS 84)."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    """Longitude in degrees; in Sweden 10 to 25."""
    lat: Annotated[float, Field(ge=-90, le=90)]
    """Latitude in degrees; in Sweden 55 to 70."""


class RegisterData(Incoming):
    """A point's profile, replaced as a whole."""

    name: Name
    """What the point is called. Public once published."""
    kind: vocab.PointKind
    """What kind of place it is."""
    position: Position
    """Where it is."""
    publish: Annotated[vocab.Publish, default("hidden", vocab.Publish)] = "hidden"
    """What the public may see: nothing (`hidden`, the default: places may be undecided), that it exists (`listed`),
    its status too (`live`)."""
    no: Annotated[int, Field(ge=1, le=999)] | None = None
    """A number to say over radio, 1-999."""
    address: Address | None = None
    """Where to go. Public once published."""
    org_unit: Line | None = None
    """The part of the kommun that runs it, such as a stadsdel."""
    serves: (
        Annotated[
            tuple[Annotated[KommunCode, AfterValidator(_known_kommun)], ...],
            Field(max_length=290, json_schema_extra=UNIQUE_ITEMS),
            Unique,
        ]
        | None
    ) = None
    """Codes of other kommuner whose people it is meant for too."""
    local_label: Line | None = None
    """What such a place is called locally, such as "krispunkt"."""
    service_level: Annotated[int, Field(ge=1, le=3)] | None = None
    """How much it is made for, 1-3 (1 least)."""
    mobility: vocab.Mobility | None = None
    """Whether it stays in its place."""
    planned_services: (
        Annotated[
            tuple[vocab.ServiceCode, ...],
            Field(max_length=len(vocab.SERVICE_CODES), json_schema_extra=UNIQUE_ITEMS),
            Unique,
        ]
        | None
    ) = None
    """What it is meant to give. Left out: not known, and rules take it to promise power."""
    accessibility: Annotated[tuple[Code, ...], Field(max_length=40, json_schema_extra=UNIQUE_ITEMS), Unique] | None = (
        None
    )
    """Codes of what makes it accessible, an open vocabulary: `wheelchair`, `step_free`, `accessible_toilet`,
    `hearing_loop`, `parking` and others."""
    capacity_day: People | None = None
    """How many it is planned to hold by day."""
    capacity_night: People | None = None
    """How many it is planned to hold from 22 to 07."""
    staff_required: People | None = None
    """How many staff it is planned with."""
    staff_min: Annotated[People, default(DEFAULT_STAFF_MIN, People)] = DEFAULT_STAFF_MIN
    """How many staff it cannot do without."""
    backup_type: vocab.BackupType | None = None
    """What backup power it has."""
    refill_lead_h: Annotated[_LeadHours, default(DEFAULT_REFILL_LEAD_H, _LeadHours)] = DEFAULT_REFILL_LEAD_H
    """Hours from asking for fuel to having it, more than 0, at most 720."""
    fuel_priority: Annotated[int, Field(ge=1, le=9_999)] | None = None
    """Its place in the order for fuel, 1 first [Energimyndigheten]."""


class ServiceReport(Incoming):
    """How one service is."""

    state: vocab.ServiceState | None
    """Whether it is given now; `null`: unknown now."""


class Services(Incoming):
    """Services by code. A code that is not known here is an extra field: ignored and counted."""

    information: ServiceReport | None = None
    """Information."""
    emergency_call: ServiceReport | None = None
    """Calling 112."""
    charging: ServiceReport | None = None
    """Charging telephones."""
    electricity: ServiceReport | None = None
    """Electricity for visitors."""
    heat: ServiceReport | None = None
    """A warm place: at least 18 °C, preferably 20 [Energimyndigheten]."""
    drinking_water: ServiceReport | None = None
    """Water to drink."""
    water_distribution: ServiceReport | None = None
    """Water to take home: 3 to 5 litres per person and day [Roslagsvatten]."""
    hot_drink: ServiceReport | None = None
    """Something hot to drink."""
    food: ServiceReport | None = None
    """Food."""
    first_aid: ServiceReport | None = None
    """Simple first aid."""
    crisis_support: ServiceReport | None = None
    """Krisstöd."""
    toilet: ServiceReport | None = None
    """Toilets."""
    shower: ServiceReport | None = None
    """Showers."""
    rest: ServiceReport | None = None
    """Somewhere to rest."""
    overnight: ServiceReport | None = None
    """Somewhere to sleep."""
    medical_device_charging: ServiceReport | None = None
    """Power for medical devices, such as for oxygen."""
    children: ServiceReport | None = None
    """Something for children."""
    pets: ServiceReport | None = None
    """Pets may come too."""
    interpreter: ServiceReport | None = None
    """Interpreting."""
    radio: ServiceReport | None = None
    """A radio to listen to."""


class StatusData(Incoming):
    """How a point is towards its visitors."""

    lifecycle: vocab.Lifecycle | None = None
    """Whether it is open. Public."""
    availability: vocab.Availability | None = None
    """Whether it can take more. Public."""
    occupancy: People | None = None
    """How many visitors are there now. Restricted."""
    capacity_day: People | None = None
    """How many it can hold now by day; goes before the register's."""
    capacity_night: People | None = None
    """How many it can hold now from 22 to 07; goes before the register's."""
    services: Services | None = None
    """What it gives now, by service; `null`: every service is unknown now. Public."""
    message: (
        Annotated[
            dict[Annotated[str, Field(pattern=LANGUAGE)], PublicText],
            Field(max_length=24),
        ]
        | None
    ) = None
    """Text for the public by language (BCP 47: `sv`, `en`), each at most 500 characters; at most 24 languages."""
    note: Note | None = None
    """Text for the staff. Restricted."""
    opens_at: Moment | None = None
    """When it opens. Public."""
    closes_at: Moment | None = None
    """When it closes. Public."""

    def service_states(self) -> dict[vocab.ServiceCode, vocab.ServiceState | None]:
        """What the report says of services, by code: only those it mentions; `None` is "unknown now".

        `services: null` says so of every service.
        """
        if "services" not in self.model_fields_set:
            return {}
        services = self.services
        if services is None:
            return dict.fromkeys(vocab.SERVICE_CODES)
        given = services.model_fields_set
        said: dict[vocab.ServiceCode, vocab.ServiceState | None] = {}
        for code in vocab.SERVICE_CODES:
            if code in given:
                one: ServiceReport | None = getattr(services, code)
                said[code] = None if one is None else one.state
        return said


class Power(Incoming):
    """A reading of the power."""

    source: vocab.PowerSource | None = None
    """What the point runs on."""
    backup_state: vocab.BackupState | None = None
    """How the backup power is."""
    endurance_h: Hours | None = None
    """Hours that it will last, as read or judged on the spot."""
    fuel_l: Litres | None = None
    """Litres of fuel left."""
    fuel_l_per_h: Annotated[float, Field(ge=0, le=10_000)] | None = None
    """Litres of fuel used per hour; 0 is taken as unknown."""
    battery_h: Hours | None = None
    """Hours that the battery will last."""


class Refill(Incoming):
    """A refill of fuel that is on its way."""

    eta: Moment | None = None
    """When it is expected."""
    confirmed: bool | None = None
    """Whether the one who delivers has confirmed it."""


class Staff(Incoming):
    """A count of the staff."""

    present: People | None = None
    """How many are there."""
    required: People | None = None
    """How many are required now; goes before the register's."""


class NextShift(Incoming):
    """The next change of staff."""

    at: Moment | None = None
    """When it is."""
    covered: bool | None = None
    """Whether there is staff for it."""


class Water(Incoming):
    """A reading of the drinking water."""

    litres: Litres | None = None
    """Litres left in the tank."""
    source: vocab.WaterSource | None = None
    """Where it comes from."""


class Heat(Incoming):
    """A reading of the heat."""

    indoor_c: Annotated[float, Field(ge=-60, le=60)] | None = None
    """Degrees Celsius indoors, where visitors are."""


class Comms(Incoming):
    """What works of communications."""

    mobile: vocab.CommsState | None = None
    """Mobile telephony."""
    fixed: vocab.CommsState | None = None
    """Fixed telephony."""
    internet: vocab.CommsState | None = None
    """Internet."""
    rakel: vocab.CommsState | None = None
    """Rakel, the radio system of the authorities."""
    satellite: vocab.CommsState | None = None
    """Telephony or data by satellite."""
    can_call_112: bool | None = None
    """Whether 112 can be called from the point, by whatever means."""


class ResourcesData(Incoming):
    """What a point lives on. Restricted. Each section is replaced as a whole."""

    power: Power | None = None
    """Power; the endurance runs down from the report's time."""
    refill: Refill | None = None
    """The next refill of fuel."""
    staff: Staff | None = None
    """Staff now."""
    next_shift: NextShift | None = None
    """The next change of staff."""
    water: Water | None = None
    """Drinking water."""
    heat: Heat | None = None
    """Heat."""
    comms: Comms | None = None
    """Communications."""


class NeedData(Incoming):
    """Something that is needed, or to spare, replaced as a whole by its `need_id`."""

    need_id: EventId
    """Tells the needs of a point apart: 1-64 of A-Z, a-z, 0-9, _ and -."""
    direction: Annotated[vocab.NeedDirection, default("need", vocab.NeedDirection)] = "need"
    """Behov (`need`, the default) or överskott."""
    kind: vocab.NeedKind | None = None
    """What is needed."""
    quantity: Annotated[float, Field(ge=0, le=1_000_000_000)] | None = None
    """How much, in `unit`."""
    unit: Annotated[str, Field(min_length=1, max_length=32, pattern=NOT_BLANK)] | None = None
    """What `quantity` is counted in, such as `l`, `kW`, `persons`; at most 32 characters."""
    priority: vocab.Priority | None = None
    """How pressing it is."""
    needed_by: Moment | None = None
    """When it must be there."""
    state: Annotated[vocab.NeedState, default("requested", vocab.NeedState)] = "requested"
    """How far it has come."""
    note: Note | None = None
    """More about it. Restricted."""
    counterpart: Counterpart | None = None
    """With whom it is agreed, as this side sees it: the other says so too, or has not yet."""
    part_of: EventId | None = None
    """The need, or surplus, that this is a part of: where only a part was agreed, the rest stays under its own id."""


class ConfirmData(Incoming):
    """Nothing: the content is unchanged. Never moves a reading's time."""


class HeartbeatData(Incoming):
    """The link is alive; says nothing of content."""

    outbox_depth: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """How many reports wait to be sent."""


class ContactData(Incoming):
    """Somebody tried to reach the point, or the kommun."""

    result: vocab.ContactResult
    """Whether it was reached."""


class ActivationData(Incoming):
    """Whether the kommun sets its points up."""

    state: vocab.ActivationState | None
    """How far the kommun has come; `null`: unknown now."""


class WithdrawData(Incoming):
    """Earlier reports of the same kommun were wrong. A withdraw cannot be withdrawn."""

    report_ids: Annotated[
        tuple[EventId, ...], Field(min_length=1, max_length=500, json_schema_extra=UNIQUE_ITEMS), Unique
    ]
    """The ids of those reports, 1-500."""
    reason: Note | None = None
    """Why. Restricted."""


class RetireData(Incoming):
    """The point is gone for good; its id is never used again."""

    reason: Note | None = None
    """Why. Restricted."""
    replaced_by: PointRef | None = None
    """The point that its needs move to."""
