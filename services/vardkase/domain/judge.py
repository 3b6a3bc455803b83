"""Judge: what runs short at a point, at an instant. A pure function of its state, the rules and the time."""

from dataclasses import dataclass
from typing import Any

from vardkase_contracts.vocab import AlertLevel, ClearedReason, Condition, Freshness, Link, Rule

from . import conditions, power
from .finding import WORST_FIRST, Finding, Verdict, open_in, settle
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A point at an instant: what the clock adds to its state."""

    at: int
    lifecycle: str | None
    verdicts: dict[str, Verdict]
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


def judge_point(
    state: PointState, rules: Rules, now: int, *, silent_area: str | None = None, inherited: tuple[Entry, ...] = ()
) -> Judgement:
    """Judge a point, or a kommun itself (whose needs may be overdue).

    Args:
        state: what was merged.
        rules: the table in force.
        now: the instant, µs.
        silent_area: the key of the open `area.silent` of its kommun, which mutes `freshness.stale`.
        inherited: needs of retired points that this one replaces.
    """
    view = View(state, now)
    lifecycle = view.lifecycle
    aged = age(state, now, is_open=lifecycle == "open" and not state.retired)
    due = aged.due
    verdicts: dict[str, Verdict] = {}
    supply = Power(view)
    capacity = conditions.capacity_in_force(view)
    if not state.retired and (state.is_kommun or lifecycle in JUDGED):
        due = min(due, _judge(view, supply, rules, inherited, verdicts))
        _inhibit(state, verdicts, silent_area)
    return Judgement(
        at=now,
        lifecycle=lifecycle,
        verdicts=verdicts,
        freshness=aged.freshness,
        link=aged.link,
        condition=_condition(view, supply, verdicts, aged.freshness),
        runs_out_at=supply.runs_out_at,
        dark=supply.dark(now) and lifecycle in RUNNING_LIFECYCLES and not state.retired,
        endurance_known=supply.endurance_known,
        capacity=capacity,
        due=min(due, conditions.capacity_changes_at(view), _first_ahead(state, now)),
    )


def _judge(view: View, supply: Power, rules: Rules, inherited: tuple[Entry, ...], verdicts: dict[str, Verdict]) -> int:
    """Every rule in turn; the verdicts that hold, and when the first of them may change."""
    due = FOREVER
    state = view.state

    def settled(name: Rule, finding: Finding, clear_in: Intervals | None = None) -> None:
        nonlocal due
        if not finding.holds_ever:
            due = min(due, *(boundary for span in finding.scope for boundary in span if boundary > view.now), FOREVER)
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
    if any(reading.mode != "mains" for reading in supply.readings):
        lost = power.lost(supply, rules["power.lost"])
        settled("power.lost", lost)
        # One power alert at a time: while it is open, the others are clear.
        dark = open_in(lost, rules["power.lost"].keep)
        settled("power.endurance", power.endurance(supply, rules["power.endurance"]), dark)
        settled("power.battery", power.battery(supply, rules["power.battery"]), dark)
        settled("power.not_connected", power.not_connected(supply, rules["power.not_connected"]), dark)
    settled("report.incomplete", conditions.incomplete(supply, rules["report.incomplete"]))
    settled("staff.short", conditions.staff_short(view, rules["staff.short"]))
    settled("staff.next_shift", conditions.next_shift(view, rules["staff.next_shift"]))
    settled("capacity.high", conditions.capacity_high(view, rules["capacity.high"]))
    settled("water.low", conditions.water_low(view, rules["water.low"]))
    settled("heat.low", conditions.heat_low(view, rules["heat.low"]))
    settled("comms.112", conditions.comms_112(view, rules["comms.112"]))
    settled("service.stopped", conditions.service_stopped(view, rules["service.stopped"]))
    settled("closing.occupied", conditions.closing_occupied(view, rules["closing.occupied"]))
    settled("freshness.stale", conditions.stale(view, rules["freshness.stale"]))
    return due


def _inhibit(state: PointState, verdicts: dict[str, Verdict], silent_area: str | None) -> None:
    if "power.lost" in verdicts:
        for rule in MUTED_BY_LOST & verdicts.keys():
            verdicts[rule] = verdicts[rule]._replace(inhibited_by=f"power.lost/{state.id}")
    if silent_area is not None and "freshness.stale" in verdicts:
        verdicts["freshness.stale"] = verdicts["freshness.stale"]._replace(inhibited_by=silent_area)


def _condition(view: View, supply: Power, verdicts: dict[str, Verdict], freshness: Freshness) -> Condition:
    state = view.state
    if view.lifecycle != "open" or state.retired:
        return "not_applicable"
    held: set[AlertLevel] = {
        verdict.level for rule, verdict in verdicts.items() if rule in CONDITION_RULES and verdict.inhibited_by is None
    }
    worst: AlertLevel | None = next((level for level in WORST_FIRST if level in held), None)
    if worst is not None:
        return worst
    if freshness == "silent" or not supply.endurance_known:
        return "unknown"
    known = _is_known_now(view, "power") and _is_known_now(view, "staff") and not _unmanned(view)
    return "green" if known else "unknown"


def _is_known_now(view: View, aspect: str) -> bool:
    newest = view.newest(aspect)
    return newest is not None and is_known(aspect, newest[1])


def _unmanned(view: View) -> bool:
    """Whether the last shift known of is over, and nobody has said who came."""
    uncovered = conditions.uncovered_shift(view)
    return uncovered is not None and view.now >= uncovered[1]


def _first_ahead(state: PointState, now: int) -> int:
    """When the first stamp that does not count yet begins to: a state may be judged at an instant before its end."""
    ahead = FOREVER
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
