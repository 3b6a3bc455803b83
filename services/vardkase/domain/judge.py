"""Judge: what runs short at a point, at an instant. A pure function of its state, the rules and the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from vardkase_contracts.vocab import AlertLevel, ClearedReason, Condition, Freshness, Link, Rule

from . import conditions, power
from .finding import WORST_FIRST, Finding, Settled, Verdict, open_in, settle
from .freshness import age
from .intervals import FOREVER, Intervals
from .power import Power
from .rules import Rules
from .stamps import SKEW, Entry
from .state import PointState, is_known
from .view import RUNNING_LIFECYCLES, View

#: Rules whose worst level is the condition of a point (CONTRACT §5).
CONDITION_RULES: frozenset[str] = frozenset(
    {
        "power.endurance",
        "power.battery",
        "power.lost",
        "power.not_connected",
        "staff.short",
        "staff.next_shift",
        "water.low",
        "heat.low",
        "comms.112",
        "capacity.high",
        "service.stopped",
    }
)
#: What a lost power mutes at the same point.
MUTED_BY_LOST = frozenset({"heat.low", "comms.112", "service.stopped"})
#: Lifecycles in which some rule may hold.
JUDGED = frozenset({"open", "establishing", "closing", "closed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two reporters who said different things within a quarter of an hour."""

    aspect: str
    newest: Entry
    other: Entry


class Judgement(NamedTuple):
    """A point at an instant: what the clock adds to its state."""

    at: int
    lifecycle: str | None
    #: What holds, by rule. The same object as in the judgement before while nothing has changed it.
    verdicts: Mapping[str, Verdict]
    freshness: Freshness
    link: Link
    condition: Condition
    #: When the power in use runs out, µs; `None` when it does not, or nobody knows.
    runs_out_at: int | None
    #: No power now, as far as known.
    dark: bool
    #: False on backup or battery for unknown hours.
    endurance_known: bool
    #: The capacity in force now, people.
    capacity: float | None
    #: The next instant at which any of this may change by the clock alone, µs.
    due: int

    @property
    def said(self) -> tuple[object, ...]:
        """What it says of the point: all but when it was judged, is judged next, and is in touch."""
        return (
            self.verdicts,
            self.freshness,
            self.condition,
            self.lifecycle,
            self.runs_out_at,
            self.dark,
            self.endurance_known,
            self.capacity,
        )


@dataclass(slots=True, kw_only=True)
class _Ruled:
    """What the rules say of one revision of a state; it holds from `at` until `due`."""

    revision: int
    rules: Rules
    inherited: tuple[Entry, ...]
    at: int
    due: int
    lifecycle: str | None
    verdicts: Mapping[str, Verdict]
    #: The worst level that makes the point's condition.
    worst: AlertLevel | None
    runs_out_at: int | None
    #: From when on there is no power, as far as known, µs.
    dark_from: int
    endurance_known: bool
    capacity: float | None
    #: Whether power and staff are known.
    known: bool
    #: When a shift begins that nobody covers, µs: from then on nobody can be taken to be there.
    unmanned_from: int

    def holds(self, state: PointState, rules: Rules, now: int, inherited: tuple[Entry, ...]) -> bool:
        return (
            self.revision == state.revision
            and self.at <= now < self.due
            and self.rules is rules
            and self.inherited == inherited
        )


def judge_point(
    state: PointState, rules: Rules, now: int, *, silent_area: str | None = None, inherited: tuple[Entry, ...] = ()
) -> Judgement:
    """Judge a point, or a kommun itself (whose needs may be overdue).

    What the rules say of a state is remembered with it until the state, the rules or the clock change it, so that
    signs of life, which are most of what is reported, cost little. The answer is the same as without.

    Args:
        state: what was merged.
        rules: the table in force.
        now: the instant, µs.
        silent_area: the key of the open `area.silent` of its kommun, which mutes `freshness.stale`.
        inherited: needs of retired points that this one replaces.
    """
    ruled: _Ruled | None = state.ruled
    if ruled is None or not ruled.holds(state, rules, now, inherited):
        ruled = state.ruled = _rule(state, rules, now, inherited)
    retired = state.retired
    is_open = ruled.lifecycle == "open" and not retired
    aged = age(state, now, is_open=is_open)
    due = min(aged.due, ruled.due)
    verdicts = ruled.verdicts
    if is_open and not state.is_kommun:
        stale = _stale(state, rules, now)
        due = min(due, stale.due)
        if stale.verdict is not None:
            verdicts = {**verdicts, "freshness.stale": stale.verdict._replace(inhibited_by=silent_area)}
    return Judgement(
        now,
        ruled.lifecycle,
        verdicts,
        aged.freshness,
        aged.link,
        _condition(ruled, aged.freshness, now) if is_open else "not_applicable",
        ruled.runs_out_at,
        now >= ruled.dark_from and not retired and ruled.lifecycle in RUNNING_LIFECYCLES,
        ruled.endurance_known,
        ruled.capacity,
        due,
    )


def _rule(state: PointState, rules: Rules, now: int, inherited: tuple[Entry, ...]) -> _Ruled:
    """Everything that follows from the state and the rules, and goes on until a known instant."""
    view = View(state, now)
    lifecycle = view.lifecycle
    due = min(conditions.capacity_changes_at(view), _first_ahead(state, now))
    verdicts: dict[str, Verdict] = {}
    supply = Power(view)
    if not state.retired and (state.is_kommun or lifecycle in JUDGED):
        due = min(due, _judge(view, supply, rules, inherited, verdicts))
        if "power.lost" in verdicts:
            for rule in MUTED_BY_LOST & verdicts.keys():
                verdicts[rule] = verdicts[rule]._replace(inhibited_by=f"power.lost/{state.id}")
    uncovered = conditions.uncovered_shift(view)
    unmanned_from = FOREVER if uncovered is None else uncovered[1]
    dark_from = supply.dark_from
    due = min(due, *(instant for instant in (unmanned_from, dark_from) if instant > now), FOREVER)
    return _Ruled(
        revision=state.revision,
        rules=rules,
        inherited=inherited,
        at=now,
        due=due,
        lifecycle=lifecycle,
        verdicts=verdicts,
        worst=_worst(verdicts),
        runs_out_at=supply.runs_out_at,
        dark_from=dark_from,
        endurance_known=supply.endurance_known,
        capacity=conditions.capacity_in_force(view),
        known=_is_known_now(view, "power") and _is_known_now(view, "staff"),
        unmanned_from=unmanned_from,
    )


def _judge(view: View, supply: Power, rules: Rules, inherited: tuple[Entry, ...], verdicts: dict[str, Verdict]) -> int:
    """Every rule that looks at the point in its lifecycle; the verdicts that hold, and when one may change."""
    due = FOREVER
    state = view.state
    lifecycle = view.lifecycle

    def settled(name: Rule, finding: Finding, clear_in: Intervals | None = None) -> None:
        nonlocal due
        if not finding.holds_ever:
            boundaries = (boundary for span in finding.scope for boundary in span if boundary > view.now)
            due = min(due, finding.quiet_until, *boundaries)
            return
        outcome = settle(name, finding, rules[name].keep, view.now, clear_in=clear_in)
        due = min(due, outcome.due)
        if outcome.verdict is not None:
            verdicts[name] = outcome.verdict

    needs = [*state.needs.values(), *inherited]
    if needs:
        settled("need.overdue", conditions.overdue(view, rules["need.overdue"], needs))
    if state.is_kommun:
        return due
    if lifecycle in RUNNING_LIFECYCLES and supply.may_run_short:
        others: list[tuple[Rule, Finding]] = [
            ("power.endurance", power.endurance(supply, rules["power.endurance"])),
            ("power.battery", power.battery(supply, rules["power.battery"])),
            ("power.not_connected", power.not_connected(supply, rules["power.not_connected"])),
        ]
        none_holds = not any(finding.holds_ever for _, finding in others)
        lost = power.lost(supply, rules["power.lost"], at_a_glance=none_holds)
        settled("power.lost", lost)
        # One power alert at a time: while it is open, the others are clear.
        dark = open_in(lost, rules["power.lost"].keep)
        for name, finding in others:
            settled(name, finding, dark)
    if lifecycle in conditions.OPEN:
        settled("report.incomplete", conditions.incomplete(supply, rules["report.incomplete"]))
        settled("staff.short", conditions.staff_short(view, rules["staff.short"]))
        settled("staff.next_shift", conditions.next_shift(view, rules["staff.next_shift"]))
        settled("capacity.high", conditions.capacity_high(view, rules["capacity.high"]))
        settled("water.low", conditions.water_low(view, rules["water.low"]))
        settled("heat.low", conditions.heat_low(view, rules["heat.low"]))
        settled("comms.112", conditions.comms_112(view, rules["comms.112"]))
        settled("service.stopped", conditions.service_stopped(view, rules["service.stopped"]))
    if lifecycle in conditions.EMPTYING:
        settled("closing.occupied", conditions.closing_occupied(view, rules["closing.occupied"]))
    return due


def _stale(state: PointState, rules: Rules, now: int) -> Settled:
    """`freshness.stale` of an open point: the one rule that hangs on the last content report alone."""
    spec = rules["freshness.stale"]
    begins = conditions.stale_from(state, spec)
    if now < begins:
        return Settled(None, begins)
    return settle("freshness.stale", conditions.stale(View(state, now), spec), spec.keep, now)


def _worst(verdicts: Mapping[str, Verdict]) -> AlertLevel | None:
    held: set[AlertLevel] = {
        verdict.level for rule, verdict in verdicts.items() if rule in CONDITION_RULES and verdict.inhibited_by is None
    }
    return next((level for level in WORST_FIRST if level in held), None)


def _condition(ruled: _Ruled, freshness: Freshness, now: int) -> Condition:
    """The condition of an open point."""
    if ruled.worst is not None:
        return ruled.worst
    if freshness == "silent" or not ruled.endurance_known:
        return "unknown"
    return "green" if ruled.known and now < ruled.unmanned_from else "unknown"


def _is_known_now(view: View, aspect: str) -> bool:
    newest = view.newest(aspect)
    return newest is not None and is_known(aspect, newest[1])


def _first_ahead(state: PointState, now: int) -> int:
    """When the first stamp that does not count yet begins to: a state may be judged at an instant before its end."""
    ahead = FOREVER
    if state.latest <= now + SKEW:
        return ahead
    for timeline in state.timelines.values():
        for stamp, _ in reversed(timeline.entries):
            if stamp.time <= now + SKEW:
                break
            ahead = min(ahead, stamp.time - SKEW)
    for entries in (state.facts, state.needs):
        for stamp, _ in entries.values():
            if stamp.time > now + SKEW:
                ahead = min(ahead, stamp.time - SKEW)
    return ahead


def cleared_reason(rule: str, state: PointState, *, withdrawn: bool) -> ClearedReason:
    """Why a point's alert does not hold any more.

    Args:
        rule: the alert's rule.
        state: the point.
        withdrawn: whether reports of it were withdrawn just now.
    """
    if state.retired:
        return "retired"
    if withdrawn:
        return "withdrawn"
    if state.is_kommun:
        return "recovered"
    if rule.startswith("power."):
        looked_at = RUNNING_LIFECYCLES
    else:
        looked_at = conditions.EMPTYING if rule == "closing.occupied" else conditions.OPEN
    return "recovered" if state.lifecycle in looked_at else "closed"


#: Two reporters contradict each other when they are at most this far apart (CONTRACT §4).
CONFLICT_WITHIN = 15 * 60 * 1_000_000

#: What is compared of a section.
_COMPARED: dict[str, tuple[str, ...]] = {
    "power": ("source", "backup_state"),
    "staff": ("present",),
    "comms": ("can_call_112",),
}


def conflicts(state: PointState) -> list[Conflict]:
    """Where two reporters of the point differ, each by its newest word."""
    found: list[Conflict] = []
    for aspect, other in sorted(state.others.items()):
        newest = state.newest(aspect)
        if newest is None or newest[0].time - other[0].time > CONFLICT_WITHIN:
            continue
        if _compared(aspect, newest[1]) != _compared(aspect, other[1]):
            found.append(Conflict(aspect=aspect, newest=newest, other=other))
    return found


def _compared(aspect: str, value: Any) -> Any:
    parts = _COMPARED.get(aspect)
    if parts is None:
        return value
    section: dict[str, Any] = value or {}
    return tuple(section.get(part) for part in parts)
