"""The table of rules as data: thresholds, `for` and `keep`, with a version.

The program reads it from YAML (`default-1.yaml` beside this module, or an operator's own file); this module checks it.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from vardkase_contracts.instants import DAY, HOUR, MINUTE, SECOND
from vardkase_contracts.vocab import RULES, Rule

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

    limit: float | None = Field(default=None, ge=0)
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

    def limit(self, level: Literal["yellow", "red", "critical"]) -> float | None:
        """The level's limit; `None` when the level never holds."""
        spec: LevelSpec | None = getattr(self, level)
        return None if spec is None else spec.limit

    def held(self, level: Literal["yellow", "red", "critical"]) -> int | None:
        """The level's `for`, µs; `None` when the level never holds."""
        spec: LevelSpec | None = getattr(self, level)
        return None if spec is None else spec.held


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
            for level in (spec.yellow, spec.red, spec.critical):
                if level is None:
                    continue
                if name in ON_TIMELINES and level.held > LONGEST:
                    raise ValueError(f"{name}: a duration over 6 h is more than a timeline remembers")
                if name in _WITH_LIMITS and level.limit is None:
                    raise ValueError(f"{name}: every level needs a limit")
            if (name in ON_TIMELINES and spec.keep > LONGEST) or spec.after_open > LONGEST:
                raise ValueError(f"{name}: a duration over 6 h is more than a timeline remembers")
            if name in WITHOUT_KEEP and spec.keep:
                raise ValueError(f"{name}: keep is not possible, the rule rests on what has no timeline")
            limits = [level.limit for level in (spec.yellow, spec.red, spec.critical) if level is not None]
            in_order = sorted((each for each in limits if each is not None), reverse=name in _LESS_IS_WORSE)
            if name in _WITH_LIMITS and limits != in_order:
                raise ValueError(f"{name}: a graver level needs a graver limit")
        return self

    def __getitem__(self, name: Rule) -> RuleSpec:
        return self.rules[name]
