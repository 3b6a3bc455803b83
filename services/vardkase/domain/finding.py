"""What a rule finds: when each of its levels holds; and what comes of it at an instant."""

from dataclasses import dataclass, field
from typing import NamedTuple

from vardkase_contracts.vocab import AlertLevel

from .intervals import FOREVER, Intervals, containing, difference, kept, next_change, normal, union
from .stamps import Entry

#: Every level, the worst first.
WORST_FIRST: tuple[AlertLevel, ...] = ("critical", "red", "yellow")
RANK: dict[AlertLevel, int] = {"yellow": 1, "red": 2, "critical": 3}


@dataclass(slots=True, kw_only=True)
class Finding:
    """The instants at which each level's condition holds, with `for`, before `keep`; all within the scope."""

    scope: Intervals
    yellow: Intervals = field(default_factory=Intervals)
    red: Intervals = field(default_factory=Intervals)
    critical: Intervals = field(default_factory=Intervals)
    #: The entries that it rests on.
    evidence: tuple[tuple[str, Entry], ...] = ()
    #: Whether a newer report of the same aspect did not know any more.
    evidence_lost: bool = False
    #: When the reading was made that runs down by the clock, µs: levels that began later are derived.
    read_at: int | None = None
    runs_out_at: int | None = None
    #: When nothing holds ever, as far as the finding says: when that may change by the clock alone, µs.
    quiet_until: int = FOREVER

    @property
    def holds_ever(self) -> bool:
        """Whether any level ever holds."""
        return bool(self.yellow or self.red or self.critical)


def quiet(until: int = FOREVER) -> Finding:
    """What a rule finds that does not hold now; what was before is left out, and what begins at `until`, µs."""
    return Finding(scope=[], quiet_until=until)


class Verdict(NamedTuple):
    """A level that holds, and why."""

    rule: str
    level: AlertLevel
    #: Start of the unbroken stretch in which any level of the rule held, µs.
    raised_at: int
    #: The clock alone brought it here, without a report.
    derived: bool
    evidence: tuple[tuple[str, Entry], ...]
    evidence_lost: bool
    runs_out_at: int | None
    #: The key of the alert that mutes this one.
    inhibited_by: str | None


class Settled(NamedTuple):
    """A rule at an instant: its verdict, if any, and when that may change by the clock alone."""

    verdict: Verdict | None
    due: int


def open_in(finding: Finding, keep: int) -> Intervals:
    """The instants at which any level of a rule holds, the `keep` included."""
    return union(
        *(kept(condition, keep, finding.scope) for condition in (finding.yellow, finding.red, finding.critical))
    )


def settle(rule: str, finding: Finding, keep: int, now: int, *, clear_in: Intervals | None = None) -> Settled:
    """The worst level that holds now, the `keep` included, and the next instant at which another may.

    Args:
        rule: its name.
        finding: when its levels hold.
        keep: how long they go on, µs.
        now: the instant, µs.
        clear_in: instants at which another rule has cleared this one.
    """
    due = next_change(finding.scope, now)
    level: AlertLevel | None = None
    began = now
    stretches: list[Intervals] = []
    for candidate in WORST_FIRST:
        condition: Intervals = getattr(finding, candidate)
        if not condition:
            continue
        holds = difference(kept(condition, keep, finding.scope), clear_in or [])
        stretches.append(holds)
        due = min(due, next_change(holds, now))
        here = containing(holds, now)
        if level is None and here is not None:
            level, began = candidate, here[0]
    if level is None:
        return Settled(None, due)
    stretch = containing(stretches[0] if len(stretches) == 1 else normal(union(*stretches)), now)
    raised_at = stretch[0] if stretch is not None else began
    derived = finding.read_at is not None and began > finding.read_at
    verdict = Verdict(
        rule, level, raised_at, derived, finding.evidence, finding.evidence_lost, finding.runs_out_at, None
    )
    return Settled(verdict, due)
