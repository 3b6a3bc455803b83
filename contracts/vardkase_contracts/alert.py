"""Alert: every change of one, with what it rests on."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter

from vardkase_contracts import vocab
from vardkase_contracts.base import AlertKey, AreaCode, EventId, Frozen, Moment, Note, PointOrKommunRef, RuleName


class AlertPoint(Frozen):
    """The point that an alert is about."""

    id: PointOrKommunRef
    """Its id; `<kommun>-_` for the kommun itself."""
    name: str | None
    """Its name; `null` when it is not registered."""


class AlertArea(Frozen):
    """The area that an alert is about, or that its point lies in."""

    level: vocab.AreaLevel
    """Which kind of area."""
    code: AreaCode
    """Its code."""
    name: str
    """Its name in Swedish."""


class Evidence(Frozen):
    """A reading that an alert rests on."""

    aspect: str
    """What was read, such as `power`."""
    value: JsonValue
    """What it said."""
    observed_at: Moment | None
    """When it was observed; `null` where nothing was ever said."""
    report: EventId | None
    """The report's id; `null` where nothing was ever said."""


class AlertText(Frozen):
    """The alert in words."""

    sv: str
    """In Swedish."""
    en: str
    """In English."""


class AlertAck(Frozen):
    """Somebody took the alert in (kvitterade). It quiets its own area only."""

    level: vocab.AreaLevel
    """The kind of area of the one who did."""
    code: AreaCode
    """Its code."""
    role: vocab.Role
    """In what role."""
    at: Moment
    """When."""
    until: Moment
    """Until when it holds, at most."""
    note: Note | None
    """What was said."""


class AlertSilence(Frozen):
    """A silence in force: nobody of that area is notified of the alert, however grave it is. It stays visible."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    id: EventId
    """The silence."""
    level: vocab.AreaLevel
    """The kind of area of the one whose it is."""
    code: AreaCode
    """Its code."""
    role: vocab.Role
    """In what role."""
    from_: Annotated[Moment, Field(alias="from")]
    """From when."""
    until: Moment
    """Until when it holds, at most."""
    note: Note | None
    """Why."""
    ends_soon: bool = False
    """It ends soon, and what it silences lasts: in the last quarter of its time, at most 30 min before its end."""


class AlertStanding(Frozen):
    """How long an alert has stood, as it was told: what escalation counts from."""

    since: dict[vocab.AlertLevel, Moment]
    """Of each level up to its own since when, without a break, it has been told as at least so grave."""
    quieted: dict[str, Moment]
    """Until when it was quiet last: by the code of the area whose acknowledgement or silence ended, and by `muted`
    where another alert muted it."""


class Alert(Frozen):
    """An alert as it is after a change. Restricted."""

    key: AlertKey
    """`<rule>/<point or area>`: the same at every node."""
    alert_id: Annotated[str, Field(min_length=1, max_length=128)]
    """Given when it is first published; a re-raised alert has a new one."""
    reality: vocab.Reality
    """Skarpt läge, övning or prov."""
    rule: RuleName
    """Its rule."""
    rules_version: Annotated[str, Field(min_length=1, max_length=128)]
    """The rules that it was judged by: a table's version, with `+` and a hash when overrides change it here."""
    level: vocab.AlertLevel
    """How grave it is, or was when it was cleared."""
    status: vocab.AlertStatus
    """Whether it stands."""
    cleared_reason: vocab.ClearedReason | None
    """Why it ended."""
    raised_at: Moment
    """Since when it has held, by the reports and the clock."""
    changed_at: Moment
    """When this change came about."""
    point: AlertPoint | None
    """The point; `null` when it is about an area."""
    area: AlertArea
    """The area."""
    evidence: tuple[Evidence, ...]
    """What it rests on."""
    evidence_lost: bool
    """Whether what it rests on has since become unknown."""
    runs_out_at: Moment | None
    """When the power runs out, where it is about that."""
    derived: bool
    """Whether it follows from the clock rather than from a report."""
    text: AlertText
    """The alert in words."""
    acks: tuple[AlertAck, ...]
    """Who took it in."""
    inhibited_by: AlertKey | None
    """The alert that mutes it; it stays visible."""
    silences: tuple[AlertSilence, ...] = ()
    """The silences in force, of each area the one that lasts longest; of a cleared alert, those when it ended."""
    standing: AlertStanding | None = None
    """How long it has stood; `null` in what was published before this was told."""


ALERT: Final[TypeAdapter[Alert]] = TypeAdapter(Alert)
"""Decodes alerts."""
