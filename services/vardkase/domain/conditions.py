"""The rules about staff, room, water, heat, communication, services, needs and silence of a point (docs/rules.md)."""

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from vardkase_contracts.instants import HOUR, to_datetime

from .finding import Finding, quiet
from .intervals import FOREVER, Intervals, containing, difference, held_for, intersection, next_change, normal, union
from .power import LEVELS, Power, held
from .rules import RuleSpec
from .stamps import Entry
from .state import SERVICE, PointState
from .view import Step, View, spans, where

OPEN = frozenset({"open"})
EMPTYING = frozenset({"closed", "closing"})
#: Services that people's health hangs on.
VITAL = tuple(SERVICE + code for code in ("medical_device_charging", "heat", "emergency_call"))
LITRES_A_DAY = 3.0
#: A point keeps water for at least this many people.
FEWEST = 10
STOCKHOLM = ZoneInfo("Europe/Stockholm")
NIGHT_FROM_H, NIGHT_TO_H = 22, 7
#: How far back and ahead of now nights are looked at: a level that began earlier says that it began here.
NIGHTS_BACK, NIGHTS_AHEAD = 8, 2


def _none(values: list[Any] | None, holds: Callable[[Any], bool]) -> bool:
    """Whether none of the recent values meets a condition, as far as is seen at a glance."""
    return values is not None and not any(holds(value) for value in values)


def _with_evidence(finding: Finding, view: View, aspect: str) -> Finding:
    """The finding with what it rests on, when it says anything."""
    known = view.last_known(aspect)
    if known is not None and finding.holds_ever:
        newest = view.newest(aspect)
        finding.evidence += ((aspect, known),)
        finding.evidence_lost = finding.evidence_lost or (newest is not None and newest[0] != known[0])
    return finding


def _first_known(view: View, aspect: str) -> int:
    """When an aspect was first known, as far as is remembered, µs; `FOREVER` when it never was."""
    entries = view.known_entries(aspect)
    return view.at(entries[0]) if entries else FOREVER


def incomplete(power: Power, spec: RuleSpec) -> Finding:
    """`report.incomplete`: open for long without power or staff ever reported, or on backup for unknown hours."""
    view = power.view
    current = power.current
    if current is not None and view.last_known("staff") is not None:
        blind_now = current.mode == "running" and current.runs_out_at is None
        if not blind_now:
            return quiet()
    scope = view.scope(OPEN)
    finding = Finding(scope=scope)
    told = max(_first_known(view, "power"), _first_known(view, "staff"))
    finding.yellow = held(intersection(scope, [(-FOREVER, told)]), spec, "yellow")
    blind = intersection(
        normal(
            (each.start, each.end) for each in power.readings if each.mode == "running" and each.runs_out_at is None
        ),
        scope,
    )
    if blind:
        finding.yellow = union(finding.yellow, held(blind, spec, "yellow"))
        finding.red = held(blind, spec, "red")
        if current is not None:
            finding.evidence = (("power", current.entry),)
    return finding


def _staffed(view: View, spec: RuleSpec) -> Intervals:
    """When rules about staff look: some time after opening, so that a point can be manned."""
    return held_for(view.scope(OPEN), spec.after_open)


def _by_limit(finding: Finding, spec: RuleSpec, beyond: Callable[[float | None], Intervals]) -> None:
    """The levels of a rule by its limits. A milder limit is passed before a graver one: no yellow, nothing worse."""
    finding.yellow = beyond(spec.limit("yellow"))
    if finding.yellow or spec.yellow is None:
        finding.red, finding.critical = beyond(spec.limit("red")), beyond(spec.limit("critical"))


def staff_short(view: View, spec: RuleSpec) -> Finding:
    """`staff.short`: fewer present than required."""
    planned = view.profile.get("staff_required")
    least = view.profile.get("staff_min", 2)

    def too_few(staff: Any) -> bool:
        required = staff.get("required", planned)
        return required is not None and staff["present"] < required

    if _none(view.recent("staff", spec.keep), too_few):
        return quiet()
    scope = _staffed(view, spec)
    finding = Finding(scope=scope)

    def short(below: Callable[[int], bool]) -> Intervals:
        def holds(staff: Any) -> bool:
            return too_few(staff) and below(staff["present"])

        return intersection(where(view.steps("staff"), holds), scope)

    anyhow = short(lambda _: True)
    if not anyhow:
        return _with_evidence(finding, view, "staff")
    finding.yellow = held(anyhow, spec, "yellow")
    finding.red = held(short(lambda present: present < least), spec, "red")
    finding.critical = held(short(lambda present: present == 0), spec, "critical")
    return _with_evidence(finding, view, "staff")


def uncovered_shift(view: View) -> tuple[Entry, int] | None:
    """The report of a next shift that nobody covers, and when that begins, µs.

    `None` when it is covered, not known, or when staff was counted at its start or later.
    """
    shift = view.fact("next_shift")
    if shift is None or shift[1] is None or shift[1].get("covered") is not False:
        return None
    begins = view.instant(shift[1].get("at"))
    if begins is None:
        return None
    counted = view.last_known("staff")
    if counted is not None and counted[0].time >= begins:
        return None
    return shift, begins


def next_shift(view: View, spec: RuleSpec) -> Finding:
    """`staff.next_shift`: the next shift is near, and not covered; critical and derived once it has begun."""
    uncovered = uncovered_shift(view)
    if uncovered is None:
        return quiet()
    scope = _staffed(view, spec)
    shift, begins = uncovered
    reported = view.at(shift)

    def within(hours: float | None) -> Intervals:
        if hours is None:
            return []
        start = begins - round(hours * HOUR)
        return intersection(normal([(max(reported, start + 1 if hours else start), FOREVER)]), scope)

    yellow, red, critical = (within(spec.limit(level)) for level in LEVELS)
    finding = Finding(scope=scope, yellow=yellow, red=red, critical=critical, evidence=(("next_shift", shift),))
    if view.now >= begins:
        finding.read_at = -1  # whatever was said, it is the clock that says so now
    return finding


def capacity_by_day(view: View) -> float | None:
    """The capacity by day: the last one reported, else the register's. 0 is unknown."""
    return _capacity(view, "capacity_day")


def _capacity(view: View, aspect: str) -> float | None:
    reported = view.fact(aspect)
    value = reported[1] if reported is not None else None
    return (value if value is not None else view.profile.get(aspect)) or None


def is_night(instant: int) -> bool:
    """Whether the night's capacity is in force: 22 to 07 in Sweden."""
    return containing(nights(instant), instant) is not None


def capacity_in_force(view: View) -> float | None:
    """The capacity now: the night's by night, if given, else the day's."""
    night = _capacity(view, "capacity_night")
    return night if night is not None and is_night(view.now) else _capacity(view, "capacity_day")


def capacity_changes_at(view: View) -> int:
    """When another capacity comes into force by the clock alone, µs; `FOREVER` where the night has none of its own."""
    night = _capacity(view, "capacity_night")
    if night is None or night == _capacity(view, "capacity_day"):
        return FOREVER
    return next_change(nights(view.now), view.now)


def nights(now: int) -> Intervals:
    """The nights around now, by the clock of Sweden."""
    return _nights(now // HOUR)


@lru_cache(maxsize=64)
def _nights(hour: int) -> Intervals:
    """The nights around an hour, counted in UTC: Sweden's date changes with an hour, never within one."""
    today = to_datetime(hour * HOUR).astimezone(STOCKHOLM).replace(minute=0, second=0, microsecond=0)
    result: list[tuple[int, int]] = []
    for offset in range(-NIGHTS_BACK, NIGHTS_AHEAD + 1):
        evening = (today + timedelta(days=offset)).replace(hour=NIGHT_FROM_H)
        morning = (evening + timedelta(days=1)).replace(hour=NIGHT_TO_H)
        result.append((_instant(evening), _instant(morning)))
    return normal(result)


def _instant(local: Any) -> int:
    return int(local.timestamp()) * (HOUR // 3600)


def capacity_high(view: View, spec: RuleSpec) -> Finding:
    """`capacity.high`: a large share of the capacity in force is taken."""
    by_day, by_night = _capacity(view, "capacity_day"), _capacity(view, "capacity_night")
    least = min((each for each in (by_day, by_night) if each is not None), default=None)
    mildest = spec.mildest
    if (
        least is None
        or mildest is None
        or _none(view.recent("occupancy", spec.keep), lambda occupancy: occupancy / least >= mildest)
    ):
        return quiet()
    scope = view.scope(OPEN)
    finding = Finding(scope=scope)
    steps = view.steps("occupancy")

    def full(share: float | None) -> Intervals:
        if share is None or not steps:
            return []
        day = _at_least(steps, share, by_day)
        if by_night is None:
            return intersection(day, scope)
        night = _at_least(steps, share, by_night)
        if day == night:
            return intersection(day, scope)
        dark = nights(view.now)
        return intersection(union(intersection(night, dark), difference(day, dark)), scope)

    _by_limit(finding, spec, full)
    return _with_evidence(finding, view, "occupancy")


def _at_least(steps: list[Step], share: float, capacity: float | None) -> Intervals:
    return [] if capacity is None else where(steps, lambda occupancy: occupancy / capacity >= share)


def water_low(view: View, spec: RuleSpec) -> Finding:
    """`water.low`: the tank lasts less than so many days, for those who are there."""
    if _enough_water(view, spec):
        return quiet()
    scope = view.scope(OPEN)
    finding = Finding(scope=scope)
    water = view.steps("water")
    occupancy = view.steps("occupancy")

    def low(days: float | None) -> Intervals:
        if days is None:
            return []
        result: list[tuple[int, int]] = []
        for start, end, reading in spans(water):
            if reading.get("source") == "mains":
                continue
            for since, until, people in spans([(-FOREVER, 0), *occupancy]):
                if reading["litres"] < days * max(people, FEWEST) * LITRES_A_DAY:
                    result.append((max(start, since), min(end, until)))
        return intersection(normal(result), scope)

    _by_limit(finding, spec, low)
    return _with_evidence(finding, view, "water")


def _enough_water(view: View, spec: RuleSpec) -> bool:
    """Whether there was water enough all of the last minutes, as far as is seen at a glance."""
    mildest, people = spec.mildest, view.recent("occupancy", spec.keep)
    if mildest is None:
        return True
    if people is None:
        return False
    enough = mildest * max([FEWEST, *people]) * LITRES_A_DAY
    recent = view.recent("water", spec.keep)
    return _none(recent, lambda water: water.get("source") != "mains" and water["litres"] < enough)


def heat_low(view: View, spec: RuleSpec) -> Finding:
    """`heat.low`: a point that promises heat is cold."""
    mildest = spec.mildest
    if (
        mildest is None
        or "heat" not in view.profile.get("planned_services", ())
        or _none(view.recent("heat", spec.keep), lambda heat: heat["indoor_c"] < mildest)
    ):
        return quiet()
    scope = view.scope(OPEN)
    finding = Finding(scope=scope)
    steps = view.steps("heat")

    def below(limit: float | None) -> Intervals:
        return [] if limit is None else intersection(where(steps, lambda heat: heat["indoor_c"] < limit), scope)

    _by_limit(finding, spec, below)
    return _with_evidence(finding, view, "heat")


def comms_112(view: View, spec: RuleSpec) -> Finding:
    """`comms.112`: nobody at the point can call for help."""
    if _none(view.recent("comms", spec.keep), lambda comms: comms["can_call_112"] is False):
        return quiet()
    scope = view.scope(OPEN)
    finding = Finding(scope=scope)
    cut = intersection(where(view.steps("comms"), lambda comms: comms["can_call_112"] is False), scope)
    finding.yellow, finding.red, finding.critical = (held(cut, spec, level) for level in LEVELS)
    return _with_evidence(finding, view, "comms")


def service_stopped(view: View, spec: RuleSpec) -> Finding:
    """`service.stopped`: one that health hangs on is stopped; the worst of them."""
    if all(_none(view.recent(aspect, spec.keep), lambda state: state == "stopped") for aspect in VITAL):
        return quiet()
    scope = view.scope(OPEN)
    finding = Finding(scope=scope)
    for aspect in VITAL:
        stopped = intersection(where(view.steps(aspect), lambda state: state == "stopped"), scope)
        if not stopped:
            continue
        finding.yellow = union(finding.yellow, held(stopped, spec, "yellow"))
        finding.red = union(finding.red, held(stopped, spec, "red"))
        finding.critical = union(finding.critical, held(stopped, spec, "critical"))
        _with_evidence(finding, view, aspect)
    return finding


def closing_occupied(view: View, spec: RuleSpec) -> Finding:
    """`closing.occupied`: the point closes, or is closed, and people are still there."""
    if _none(view.recent("occupancy", spec.keep), lambda occupancy: occupancy > 0):
        return quiet()
    scope = view.scope(EMPTYING)
    finding = Finding(scope=scope)
    peopled = intersection(where(view.steps("occupancy"), lambda occupancy: occupancy > 0), scope)
    finding.yellow, finding.red, finding.critical = (held(peopled, spec, level) for level in LEVELS)
    return _with_evidence(finding, view, "occupancy")


def overdue(view: View, spec: RuleSpec, needs: list[Entry]) -> Finding:
    """`need.overdue`: something urgent was asked for, nobody is under way, and the time is past; the worst of them."""
    scope: Intervals = [(-FOREVER, FOREVER)] if view.state.is_kommun else view.scope(OPEN)
    finding = Finding(scope=scope)
    for entry in needs:
        due_at = overdue_from(view, entry)
        if due_at is None:
            continue
        finding.yellow = union(finding.yellow, _late(due_at, spec.held("yellow"), scope))
        finding.red = union(finding.red, _late(due_at, spec.held("red"), scope))
        finding.evidence += (("need", entry),)
    return finding


def _late(due_at: int, duration: int | None, scope: Intervals) -> Intervals:
    """Levels count from when the need was due, not from when the point opened."""
    return [] if duration is None else intersection([(due_at + duration, FOREVER)], scope)


def overdue_from(view: View, entry: Entry) -> int | None:
    """When a need becomes overdue, µs; `None` for a surplus, one that is met or not urgent, or that has no time."""
    need = entry[1]
    if not view.counts(entry) or need.get("direction") != "need" or need.get("priority") not in {"urgent", "high"}:
        return None
    if need.get("state") not in {"requested", "assigned"}:
        return None
    return view.instant(need.get("needed_by"))


def stale_from(state: PointState, spec: RuleSpec) -> int:
    """When an open point's last content report is too old, µs; `FOREVER` for one that never gave any."""
    limit = spec.limit("yellow")
    return FOREVER if limit is None or state.content is None else state.content + round(limit * HOUR) + 1


def stale(view: View, spec: RuleSpec) -> Finding:
    """`freshness.stale`: an open point has not reported for so many hours."""
    scope = view.scope(OPEN)
    finding = Finding(scope=scope)
    finding.yellow = intersection(normal([(stale_from(view.state, spec), FOREVER)]), scope)
    return finding
