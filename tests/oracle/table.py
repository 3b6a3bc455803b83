"""The default rules (`rules_version` `default-1`), as a table written down from the contract by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

LEVELS: Final = ("yellow", "red", "critical")
"""Mildest first."""

AHEAD: Final = 2 * MINUTE
"""How far ahead a time may be: of `Tp-Received` (else it is adjusted), of `now` (else the stamp does not count yet)."""
BUCKET: Final = 5 * MINUTE
"""The width of a timeline's buckets, aligned to UTC."""
BUCKETS: Final = 72
"""How many buckets a timeline spans, the newest included."""
NEEDS: Final = 64
"""How many needs of a point are kept, the greatest stamps first."""
LONGEST_H: Final = 8_760
"""The longest endurance that is reckoned with: a longer one is this."""
CONFLICT: Final = 15 * MINUTE
"""How far apart two reporters may be who contradict each other."""


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One way to a level: the condition `name` must have held for `after` microseconds."""

    name: str
    level: str
    after: int = 0


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule: its ways to each level, and for how long a level goes on when its condition has ended."""

    clauses: tuple[Clause, ...]
    keep: int = 5 * MINUTE


@dataclass(frozen=True, kw_only=True)
class Level:
    """When a level holds: beyond a limit, or after so many microseconds."""

    limit: float | None = None
    after: int = 0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a table says of a rule. A level that is None never holds."""

    yellow: Level | None = None
    red: Level | None = None
    critical: Level | None = None
    keep: int = 5 * MINUTE
    after_open: int = 0
    after_heartbeats: int = 0
    min_open: int = 0
    min_red: int = 0

    def level(self, name: str) -> Level | None:
        """A level by its name."""
        return getattr(self, name)


Table = Mapping[str, Settings]
"""What a table says of each rule."""


def _limits(*limits: float, **more: int) -> Settings:
    return Settings(**dict(zip(LEVELS, (Level(limit=each) for each in limits), strict=False)), **more)


def _after(*durations: int | None, **more: int) -> Settings:
    levels = (None if each is None else Level(after=each) for each in durations)
    return Settings(**dict(zip(LEVELS, levels, strict=False)), **more)


DEFAULT: Final[Table] = {
    "power.endurance": _limits(3, 2, 1),
    "power.battery": _limits(4, 2, 1),
    "power.not_connected": _after(0, 1 * HOUR, 3 * HOUR),
    "power.lost": _after(0, 0, 30 * MINUTE),
    "report.incomplete": _after(60 * MINUTE, 4 * HOUR, keep=0),
    "staff.short": _after(0, 0, 0, after_open=30 * MINUTE),
    "staff.next_shift": _limits(12, 4, 0, keep=0, after_open=30 * MINUTE),
    "capacity.high": _limits(0.8, 0.95),
    "water.low": _limits(2, 1, 0.25),
    "heat.low": _limits(20, 18, 15),
    "comms.112": _after(None, 15 * MINUTE, 60 * MINUTE),
    "service.stopped": _after(0, 60 * MINUTE),
    "closing.occupied": _after(0, 60 * MINUTE),
    "need.overdue": _after(0, 2 * HOUR, keep=0),
    "freshness.stale": _limits(4, keep=0),
    "area.silent": _after(150 * MINUTE, 6 * HOUR, 12 * HOUR, keep=0, after_heartbeats=30 * MINUTE),
    "area.red_share": _limits(0.1, 0.25, 0.5, keep=0, min_open=4, min_red=2),
}
"""The table of the contract."""
POINT_RULES: Final = tuple(rule for rule in DEFAULT if not rule.startswith("area."))
"""The rules about points."""

_CONDITIONS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "power.not_connected": {"not_connected": LEVELS},
    "power.lost": {"lost without promise": ("yellow",), "lost": ("red", "critical"), "ran out": ("critical",)},
    "report.incomplete": {"never reported": ("yellow",), "no anchor": ("yellow", "red")},
    "comms.112": {"cannot": LEVELS},
    "service.stopped": dict.fromkeys(("medical_device_charging", "heat", "emergency_call"), LEVELS),
    "closing.occupied": {"occupied": LEVELS},
    "staff.short": {level: (level,) for level in LEVELS},
}
"""Of rules whose conditions must have held for a time: which levels each condition leads to."""
_AT_ONCE: Final = frozenset(("ran out",))
"""Conditions that nobody waits for."""


def rule_of(name: str, settings: Settings) -> Rule:
    """The ways to each level of a rule, by its settings."""
    conditions = _CONDITIONS.get(name)
    if conditions is None:  # the levels' own conditions, asked of each instant by their limits
        return Rule(clauses=tuple(Clause(name=level, level=level) for level in LEVELS), keep=settings.keep)
    clauses = tuple(
        Clause(name=condition, level=level, after=0 if condition in _AT_ONCE else given.after)
        for condition, levels in conditions.items()
        for level in levels
        if (given := settings.level(level)) is not None
    )
    return Rule(clauses=clauses, keep=settings.keep)


LEAD_H: Final = 4
STAFF_MIN: Final = 2
REFILL_MARGIN: Final = 1 * HOUR
NIGHT: Final = (22, 7)
"""The hours, Europe/Stockholm, from and to which the night's capacity is in force."""
WATER_L_PER_PERSON_DAY: Final = 3
WATER_LEAST_PERSONS: Final = 10
HEARTBEATS_CAME: Final = 30 * MINUTE
"""Heartbeats were coming when a kommun fell silent if the last was at most so much older than the last thing heard."""

POWERED: Final = frozenset(
    ("electricity", "charging", "medical_device_charging", "heat", "hot_drink", "emergency_call", "radio")
)
"""The services that need power."""
POWER_LIFECYCLES: Final = frozenset(("open", "establishing", "closing"))
CONTENT: Final = frozenset(("register", "status", "resources", "need", "confirm", "retire"))
"""The kinds of report that say something of content (freshness)."""
SERVICES: Final = frozenset(
    (
        *("information", "emergency_call", "charging", "electricity", "heat", "drinking_water", "water_distribution"),
        *("hot_drink", "food", "first_aid", "crisis_support", "toilet", "shower", "rest", "overnight"),
        *("medical_device_charging", "children", "pets", "interpreter", "radio"),
    )
)
"""Every service there is: what `services: null` speaks of."""
