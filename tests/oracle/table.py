"""The default rules (`rules_version` `default-1`), as a table written down from the contract by hand."""

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


def _levels(*after: int, keep: int = 5 * MINUTE) -> Rule:
    """A rule whose conditions bear their levels' names."""
    return Rule(
        clauses=tuple(Clause(name=level, level=level, after=d) for level, d in zip(LEVELS, after, strict=False)),
        keep=keep,
    )


POINT_RULES: Final[dict[str, Rule]] = {
    "power.endurance": _levels(0, 0, 0),
    "power.battery": _levels(0, 0, 0),
    "power.not_connected": _levels(0, 1 * HOUR, 3 * HOUR),
    "power.lost": Rule(
        clauses=(
            Clause(name="lost without promise", level="yellow"),
            Clause(name="lost", level="red"),
            Clause(name="lost", level="critical", after=30 * MINUTE),
            Clause(name="ran out", level="critical"),
        ),
    ),
    "report.incomplete": Rule(
        clauses=(
            Clause(name="never reported", level="yellow", after=60 * MINUTE),
            Clause(name="no anchor", level="yellow", after=60 * MINUTE),
            Clause(name="no anchor", level="red", after=4 * HOUR),
        ),
        keep=0,
    ),
    "staff.short": _levels(0, 0, 0),
    "staff.next_shift": _levels(0, 0, 0, keep=0),
    "capacity.high": _levels(0, 0),
    "water.low": _levels(0, 0, 0),
    "heat.low": _levels(0, 0, 0),
    "comms.112": Rule(
        clauses=(
            Clause(name="cannot", level="red", after=15 * MINUTE),
            Clause(name="cannot", level="critical", after=60 * MINUTE),
        ),
    ),
    "service.stopped": Rule(
        clauses=tuple(
            Clause(name=service, level=level, after=after)
            for service in ("medical_device_charging", "heat", "emergency_call")
            for level, after in (("yellow", 0), ("red", 60 * MINUTE))
        ),
    ),
    "closing.occupied": Rule(
        clauses=(
            Clause(name="occupied", level="yellow"),
            Clause(name="occupied", level="red", after=60 * MINUTE),
        ),
    ),
    "need.overdue": _levels(0, 0, keep=0),
    "freshness.stale": _levels(0, keep=0),
}
SILENCE: Final = _levels(0, 0, 0, keep=0)
"""`area.silent`."""

LEAD_H: Final = 4
STAFF_MIN: Final = 2
ENDURANCE_LEADS: Final = (3, 2, 1)
BATTERY_H: Final = (4, 2, 1)
REFILL_MARGIN: Final = 1 * HOUR
STAFF_GRACE: Final = 30 * MINUTE
NEXT_SHIFT: Final = (12 * HOUR, 4 * HOUR, 0)
CAPACITY_PERCENT: Final = (80, 95)
NIGHT: Final = (22, 7)
"""The hours, Europe/Stockholm, from and to which the night's capacity is in force."""
WATER_L_PER_PERSON_DAY: Final = 3
WATER_LEAST_PERSONS: Final = 10
HEAT_C: Final = (20, 18, 15)
OVERDUE: Final = (0, 2 * HOUR)
STALE: Final = 4 * HOUR
SILENT: Final = (150 * MINUTE, 6 * HOUR, 12 * HOUR)
SILENT_HEARTBEAT: Final = 30 * MINUTE
RED_SHARE_PERCENT: Final = (10, 25, 50)
RED_SHARE_OPEN: Final = 4
RED_SHARE_RED: Final = 2

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
