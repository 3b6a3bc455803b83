"""The words that fields may hold: each vocabulary as a `Literal` type and as a tuple, in order of meaning.

A word is never renamed or taken away within a version; new ones may be added.
"""

from typing import Final, Literal, get_args

Reality = Literal["act", "exe", "tst"]
"""`act` skarpt, `exe` övning, `tst` prov: three worlds that never mix."""
REALITIES: Final[tuple[Reality, ...]] = get_args(Reality)

AreaLevel = Literal["kommun", "lan", "civo", "nation"]
"""Kommun, län, civilområde, the nation."""
AREA_LEVELS: Final[tuple[AreaLevel, ...]] = get_args(AreaLevel)

AlertLevel = Literal["yellow", "red", "critical"]
"""How grave an alert is, mildest first."""
ALERT_LEVELS: Final[tuple[AlertLevel, ...]] = get_args(AlertLevel)

AlertStatus = Literal["firing", "cleared"]
"""Whether an alert stands."""
ALERT_STATUSES: Final[tuple[AlertStatus, ...]] = get_args(AlertStatus)

ClearedReason = Literal["recovered", "closed", "withdrawn", "retired"]
"""Why an alert ended: the shortage did, the point closed, the report was wrong, the point is gone."""
CLEARED_REASONS: Final[tuple[ClearedReason, ...]] = get_args(ClearedReason)

PointKind = Literal[
    "trygghetspunkt", "varmestuga", "informationsplats", "samlingsplats", "evakueringslokal", "nodvatten"
]
"""What kind of place it is: trygghetspunkt, värmestuga, informationsplats, samlingsplats, evakueringslokal,
nödvattenplats."""
POINT_KINDS: Final[tuple[PointKind, ...]] = get_args(PointKind)

Lifecycle = Literal["planned", "prepared", "establishing", "open", "closing", "closed"]
"""Planerad, förberedd, under upprättande, öppen, stänger, stängd."""
LIFECYCLES: Final[tuple[Lifecycle, ...]] = get_args(Lifecycle)

Availability = Literal["normal", "limited", "full"]
"""Normal, begränsad, full."""
AVAILABILITIES: Final[tuple[Availability, ...]] = get_args(Availability)

Condition = Literal["green", "yellow", "red", "critical", "unknown", "not_applicable"]
"""How a point is: grön, gul, röd, kritisk, okänd; not applicable when it is not open."""
CONDITIONS: Final[tuple[Condition, ...]] = get_args(Condition)

Freshness = Literal["fresh", "ageing", "stale", "silent"]
"""How old the last content report is: aktuell, äldre uppgift, inaktuell, tyst."""
FRESHNESSES: Final[tuple[Freshness, ...]] = get_args(Freshness)

Link = Literal["up", "down", "unknown"]
"""Whether the point's way of reporting is alive; `unknown` where no heartbeat was ever heard."""
LINKS: Final[tuple[Link, ...]] = get_args(Link)

ServiceCode = Literal[
    "information",
    "emergency_call",
    "charging",
    "electricity",
    "heat",
    "drinking_water",
    "water_distribution",
    "hot_drink",
    "food",
    "first_aid",
    "crisis_support",
    "toilet",
    "shower",
    "rest",
    "overnight",
    "medical_device_charging",
    "children",
    "pets",
    "interpreter",
    "radio",
]
"""What a point gives its visitors (funktion)."""
SERVICE_CODES: Final[tuple[ServiceCode, ...]] = get_args(ServiceCode)

ServiceState = Literal["available", "limited", "stopped", "planned"]
"""Whether a service is given now."""
SERVICE_STATES: Final[tuple[ServiceState, ...]] = get_args(ServiceState)

BackupType = Literal["none", "inlet", "mobile", "fixed"]
"""Reservkraft: none, an inlet for a mobile unit, a mobile unit, a fixed one."""
BACKUP_TYPES: Final[tuple[BackupType, ...]] = get_args(BackupType)

PowerSource = Literal["mains", "backup", "battery", "none"]
"""What a point runs on now."""
POWER_SOURCES: Final[tuple[PowerSource, ...]] = get_args(PowerSource)

BackupState = Literal["off", "not_connected", "running", "fault"]
"""How the backup power is now."""
BACKUP_STATES: Final[tuple[BackupState, ...]] = get_args(BackupState)

WaterSource = Literal["tank", "mains"]
"""Where a point's water comes from; a tank runs out."""
WATER_SOURCES: Final[tuple[WaterSource, ...]] = get_args(WaterSource)

CommsState = Literal["up", "down"]
"""Whether a means of communication works."""
COMMS_STATES: Final[tuple[CommsState, ...]] = get_args(CommsState)

NeedDirection = Literal["need", "surplus"]
"""Behov or överskott."""
NEED_DIRECTIONS: Final[tuple[NeedDirection, ...]] = get_args(NeedDirection)

NeedKind = Literal["fuel", "power", "staff", "water", "food", "medical", "heat", "transport", "equipment", "other"]
"""What is needed, or to spare."""
NEED_KINDS: Final[tuple[NeedKind, ...]] = get_args(NeedKind)

NeedState = Literal["requested", "assigned", "under_way", "delivered", "cancelled"]
"""How far a need has come."""
NEED_STATES: Final[tuple[NeedState, ...]] = get_args(NeedState)

Priority = Literal["low", "normal", "high", "urgent"]
"""How pressing a need is."""
PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)

Role = Literal["tib", "site_lead", "krisledning", "stab", "sensor"]
"""Who reports or acts: tjänsteman i beredskap, platsansvarig, krisledning, stab, a sensor. Never a name."""
ROLES: Final[tuple[Role, ...]] = get_args(Role)

AccessRole = Literal["reader", "reporter", "kommun", "lan", "nation", "admin"]
"""What a token opens at a node's gateway: reading, reporting, the work of a level's staff, all of it in an area."""
ACCESS_ROLES: Final[tuple[AccessRole, ...]] = get_args(AccessRole)

AuditRole = Literal[
    "tib",
    "site_lead",
    "krisledning",
    "stab",
    "sensor",
    "reader",
    "reporter",
    "kommun",
    "lan",
    "nation",
    "admin",
]
"""In what role somebody read or acted: a `Role`, or what their token opens (`AccessRole`)."""
AUDIT_ROLES: Final[tuple[AuditRole, ...]] = get_args(AuditRole)

Quality = Literal["observed", "estimated", "provisional", "relayed"]
"""How a report's content is known."""
QUALITIES: Final[tuple[Quality, ...]] = get_args(Quality)

Channel = Literal["app", "form", "phone", "rakel", "sms", "sensor"]
"""By what means a report came in."""
CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)

ReportKind = Literal[
    "register",
    "status",
    "resources",
    "need",
    "confirm",
    "heartbeat",
    "contact",
    "activation",
    "withdraw",
    "retire",
]
"""The kinds of reports."""
REPORT_KINDS: Final[tuple[ReportKind, ...]] = get_args(ReportKind)

OrderKind = Literal["ack", "silence", "incident", "report_request", "note", "adopt", "redact", "rules", "exercise"]
"""The kinds of orders: acts of people, and overrides of rules."""
ORDER_KINDS: Final[tuple[OrderKind, ...]] = get_args(OrderKind)

ExerciseState = Literal["running", "stopped", "aborted"]
"""What an exercise is ordered to be: it goes on, it has ended as planned, it was broken off for real (skarpt läge)."""
EXERCISE_STATES: Final[tuple[ExerciseState, ...]] = get_args(ExerciseState)

RefusalReason = Literal[
    "not_json",
    "not_cloudevent",
    "schema",
    "range",
    "subject_mismatch",
    "unknown_kommun",
    "kommun_not_in_lan",
    "too_large",
    "signature",
]
"""Why a report was refused."""
REFUSAL_REASONS: Final[tuple[RefusalReason, ...]] = get_args(RefusalReason)

Publish = Literal["hidden", "listed", "live"]
"""What the public may see of a point: nothing, that it exists, its live status."""
PUBLISHES: Final[tuple[Publish, ...]] = get_args(Publish)

Mobility = Literal["fixed", "mobile"]
"""Whether a point stays in its place."""
MOBILITIES: Final[tuple[Mobility, ...]] = get_args(Mobility)

ContactResult = Literal["reached", "failed"]
"""What became of an attempt to reach a point."""
CONTACT_RESULTS: Final[tuple[ContactResult, ...]] = get_args(ContactResult)

ActivationState = Literal["none_needed", "assessing", "activating", "active"]
"""Whether a kommun sets its points up; `none_needed` is an answer too."""
ACTIVATION_STATES: Final[tuple[ActivationState, ...]] = get_args(ActivationState)

PublicStatus = Literal["planned", "opening", "open", "closed", "unconfirmed"]
"""What the public is told of a point's lifecycle."""
PUBLIC_STATUSES: Final[tuple[PublicStatus, ...]] = get_args(PublicStatus)

Crowding = Literal["low", "medium", "high", "full", "unknown"]
"""Occupancy of capacity in bands: below 50 %, below 80 %, below 100 %, full."""
CROWDINGS: Final[tuple[Crowding, ...]] = get_args(Crowding)

PictureEventKind = Literal["opened", "closed", "raised", "cleared"]
"""What happened, in a picture's course of events (händelseutveckling)."""
PICTURE_EVENT_KINDS: Final[tuple[PictureEventKind, ...]] = get_args(PictureEventKind)

PictureActKind = Literal["adopted", "noted", "requested", "reminded", "overdue"]
"""What people did, and what of it became due, in a picture."""
PICTURE_ACT_KINDS: Final[tuple[PictureActKind, ...]] = get_args(PictureActKind)

RequestState = Literal["open", "reminded", "overdue", "answered", "withdrawn"]
"""How a request for a report stands: not answered by all yet, soon due, past its deadline; answered by all; ended."""
REQUEST_STATES: Final[tuple[RequestState, ...]] = get_args(RequestState)

Rule = Literal[
    "power.endurance",
    "power.battery",
    "power.lost",
    "power.not_connected",
    "report.incomplete",
    "staff.short",
    "staff.next_shift",
    "capacity.high",
    "water.low",
    "heat.low",
    "comms.112",
    "service.stopped",
    "closing.occupied",
    "need.overdue",
    "freshness.stale",
    "area.silent",
    "area.red_share",
]
"""The rules of `rules_version` `default-1`."""
RULES: Final[tuple[Rule, ...]] = get_args(Rule)
