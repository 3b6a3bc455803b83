"""The table of rules as data: thresholds, `for` and `keep`, with a version.

The program reads it from YAML (`default-1.yaml` beside this module, or an operator's own file); this module checks it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from vardkase_contracts.instants import DAY, HOUR, MINUTE, SECOND
from vardkase_contracts.vocab import ALERT_LEVELS, RULES, AlertLevel, Rule

#: Rules that rest on timelines, which remember six hours: no duration of theirs may be longer (CONTRACT §4).
ON_TIMELINES = frozenset(
    {
        "power.lost",
        "power.not_connected",
        "report.incomplete",
        "staff.short",
        "capacity.high",
        "water.low",
        "heat.low",
        "comms.112",
        "service.stopped",
        "closing.occupied",
        "power.endurance",
        "power.battery",
    }
)
#: Rules that rest on what has no timeline: nothing says what held five minutes ago, so nothing can be kept.
WITHOUT_KEEP = frozenset(
    {"report.incomplete", "staff.next_shift", "need.overdue", "freshness.stale", "area.silent", "area.red_share"}
)
LONGEST = 6 * HOUR
#: No limit is greater (ours): beyond it instants could not be reckoned with any more.
GREATEST = 1_000_000

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


def duration(value: Any) -> int:
    """`90s`, `30m`, `2h`, `1d` as µs.

    Raises:
        ValueError: for anything else.
    """
    match = re.fullmatch(r"(\d{1,6})\s*([smhd])", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a duration is a number and a unit: "90s", "30m", "2h", "1d"')
    return int(match[1]) * _UNITS[match[2]]


Duration = Annotated[int, BeforeValidator(duration)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


class LevelSpec(_Strict):
    """When a level holds: beyond a limit (in the rule's unit), for a time."""

    limit: float | None = Field(default=None, ge=0, le=GREATEST)
    held: Duration = Field(default=0, alias="for", validate_default=False)


class RuleSpec(_Strict):
    """One rule: a level that is left out never holds."""

    yellow: LevelSpec | None = None
    red: LevelSpec | None = None
    critical: LevelSpec | None = None
    keep: Duration = Field(default=0, validate_default=False)
    after_open: Duration = Field(default=0, validate_default=False)
    """How long after opening the rule starts (staff)."""
    after_heartbeats: Duration = Field(default=0, validate_default=False)
    """`area.silent`: yellow this long after heartbeats stop."""
    min_open: int = Field(default=0, ge=0)
    """`area.red_share`: fewer open points than this are not judged."""
    min_red: int = Field(default=0, ge=0)
    """`area.red_share`: fewer red ones than this are not a share."""

    def level(self, level: AlertLevel) -> LevelSpec | None:
        """When the level holds; `None` when it never does."""
        spec: LevelSpec | None = getattr(self, level)
        return spec

    def limit(self, level: AlertLevel) -> float | None:
        """The level's limit; `None` when the level never holds."""
        spec = self.level(level)
        return None if spec is None else spec.limit

    def held(self, level: AlertLevel) -> int | None:
        """The level's `for`, µs; `None` when the level never holds."""
        spec = self.level(level)
        return None if spec is None else spec.held

    @property
    def mildest(self) -> float | None:
        """The limit that is passed first: of the mildest level that the rule has; `None` without any."""
        return next((each.limit for each in (self.yellow, self.red, self.critical) if each is not None), None)


#: Rules of which a smaller number is worse; of the other limits a greater one is.
_LESS_IS_WORSE = frozenset({"power.endurance", "power.battery", "staff.next_shift", "water.low", "heat.low"})
#: Rules whose levels are limits: without one the level would mean nothing.
_WITH_LIMITS = frozenset(
    {
        "power.endurance",
        "power.battery",
        "staff.next_shift",
        "capacity.high",
        "water.low",
        "heat.low",
        "freshness.stale",
        "area.red_share",
    }
)
#: What a rule looks at beside its levels and `keep`. Any other setting would have no effect.
_LOOKED_AT: Mapping[str, frozenset[str]] = {
    "staff.short": frozenset({"after_open"}),
    "staff.next_shift": frozenset({"after_open"}),
    "area.silent": frozenset({"after_heartbeats"}),
    "area.red_share": frozenset({"min_open", "min_red"}),
}
_BESIDE = ("after_open", "after_heartbeats", "min_open", "min_red")
#: The levels that a rule can have, where these are not all three.
_LEVELS_OF: Mapping[str, tuple[AlertLevel, ...]] = {
    "report.incomplete": ("yellow", "red"),
    "need.overdue": ("yellow", "red"),
    "freshness.stale": ("yellow",),
}


class Fault(NamedTuple):
    """What is wrong with a rule's settings."""

    #: The setting, dotted: `yellow.limit`; empty when it is several together.
    setting: str
    #: One line.
    detail: str
    #: Whether a value is out of bounds, rather than not one that can be set.
    out_of_range: bool = False


_TOO_LONG = "a duration over 6 h is more than a timeline remembers"


def fault_of(name: Rule, spec: RuleSpec) -> Fault | None:
    """Why a rule cannot be judged by these settings, or why one of them would have no effect; `None`: all is well."""
    return next(_faults(name, spec), None)


def _faults(name: Rule, spec: RuleSpec) -> Iterator[Fault]:
    limits: list[float] = []
    for level in ALERT_LEVELS:
        given = spec.level(level)
        if given is not None:
            yield from _level_faults(name, level, given)
            limits += [] if given.limit is None else [given.limit]
    if name in WITHOUT_KEEP and spec.keep:
        yield Fault("keep", "keep is not possible, the rule rests on what has no timeline")
    for setting in ("keep", "after_open"):
        if getattr(spec, setting) > LONGEST:
            yield Fault(setting, _TOO_LONG, out_of_range=True)
    for setting in _BESIDE:
        if getattr(spec, setting) and setting not in _LOOKED_AT.get(name, ()):
            yield Fault(setting, "the rule does not look at this: it has no effect")
    if limits != sorted(limits, reverse=name in _LESS_IS_WORSE):
        yield Fault("", "a graver level needs a graver limit")


def _level_faults(name: Rule, level: AlertLevel, given: LevelSpec) -> Iterator[Fault]:
    if level not in _LEVELS_OF.get(name, ALERT_LEVELS):
        yield Fault(level, f"the rule has no level {level}")
    elif name in _WITH_LIMITS:
        if given.limit is None:
            yield Fault(f"{level}.limit", "every level needs a limit")
        if given.held:
            yield Fault(f"{level}.for", "its levels are limits, not durations: this has no effect")
    elif given.limit is not None:
        yield Fault(f"{level}.limit", "its levels are durations, not limits: this has no effect")
    elif name in ON_TIMELINES and given.held > LONGEST:
        yield Fault(f"{level}.for", _TOO_LONG, out_of_range=True)


class Rules(_Strict):
    """A whole table, every rule in it, and its version."""

    version: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")
    rules: dict[Rule, RuleSpec]

    @model_validator(mode="after")
    def _complete(self) -> "Rules":
        missing = [name for name in RULES if name not in self.rules]
        if missing:
            raise ValueError(f"rules are missing: {', '.join(missing)}")
        for name, spec in self.rules.items():
            fault = fault_of(name, spec)
            if fault is not None:
                raise ValueError(f"{name}: {fault.detail}")
        return self

    def __getitem__(self, name: Rule) -> RuleSpec:
        return self.rules[name]
