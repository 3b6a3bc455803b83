"""Power: where it comes from, how long it lasts, and the four rules about it (docs/rules.md)."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from vardkase_contracts.instants import HOUR

from .finding import Finding, quiet
from .intervals import FOREVER, Interval, Intervals, difference, held_for, intersection, normal, union
from .rules import RuleSpec
from .stamps import Entry
from .state import SERVICE, endurance_h, is_known
from .view import RUNNING_LIFECYCLES, View

Mode = Literal["mains", "none", "battery", "running", "dead", "not_connected"]

#: Services that stop when the power does; a point that promises none of them is only yellow without power (ours).
POWERED = frozenset(
    {"electricity", "charging", "medical_device_charging", "heat", "hot_drink", "emergency_call", "radio"}
)
PROMISING = frozenset({"available", "limited", "planned"})
#: A refill helps when it comes at least this long before the fuel is out (CONTRACT §5).
REFILL_MARGIN = HOUR
DEFAULT_LEAD_H = 4.0


def mode_of(power: Mapping[str, Any]) -> Mode:
    """What a reading with a known source says of the power."""
    source: str = power["source"]
    if source == "mains":
        return "mains"
    if source == "none":
        return "none"
    if source == "battery":
        return "battery"
    match power.get("backup_state"):
        case "not_connected":
            return "not_connected"
        case "off" | "fault":
            return "dead"
        case _:
            return "running"


class Reading(NamedTuple):
    """The power from an instant on, until the next reading."""

    start: int
    end: int
    source: str
    mode: Mode
    #: When the source in use runs out, by the newest reading of it that knew; `None` when none did.
    runs_out_at: int | None
    #: When that reading was made.
    read_at: int
    entry: Entry


class Power:
    """The power of a point as it looks at an instant."""

    __slots__ = ("_readings", "current", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        self._readings: list[Reading] | None = None
        entry = view.last_known("power")
        #: The power now, as last known.
        self.current: Reading | None = None
        if entry is not None:
            if entry[1]["source"] == "mains":
                self.current = Reading(view.at(entry), FOREVER, "mains", "mains", None, 0, entry)
            else:
                self.current = self.readings[-1]

    @property
    def may_run_short(self) -> bool:
        """Whether any rule about power may hold: on mains none does, whatever was before."""
        return self.current is not None and self.current.mode != "mains"

    @property
    def unsure(self) -> bool:
        """Whether the newest report did not know the source."""
        newest = self.view.newest("power")
        return newest is not None and not is_known("power", newest[1])

    @property
    def readings(self) -> list[Reading]:
        """The power in time, as far as is remembered."""
        if self._readings is None:
            self._readings = self._read(self.view)
        return self._readings

    @staticmethod
    def _read(view: View) -> list[Reading]:
        readings: list[Reading] = []
        source: str | None = None
        runs_out_at: int | None = None
        read_at = 0
        anchor: Entry | None = None
        for entry in view.known_entries("power"):
            stamp, power = entry
            if power["source"] != source:
                source, runs_out_at, anchor = power["source"], None, None
            hours = endurance_h(power)
            if hours is not None:
                runs_out_at, read_at, anchor = stamp.time + round(hours * HOUR), stamp.time, entry
            at = view.at(entry)
            if readings and readings[-1].start == at:
                readings.pop()
            if readings:
                readings[-1] = readings[-1]._replace(end=at)
            readings.append(
                Reading(at, FOREVER, power["source"], mode_of(power), runs_out_at, read_at, anchor or entry)
            )
        return readings

    @property
    def runs_out_at(self) -> int | None:
        """When the source in use runs out, µs; `None` when it does not, or nobody knows."""
        current = self.current
        return current.runs_out_at if current is not None and current.mode in {"running", "battery"} else None

    @property
    def endurance_known(self) -> bool:
        """False on backup or battery when nobody knows how long it lasts."""
        current = self.current
        return current is None or current.mode not in {"running", "battery"} or current.runs_out_at is not None

    @property
    def dark_from(self) -> int:
        """When the power in use is gone, as far as known, µs: now for none or a dead generator, else when it runs out.

        `FOREVER` when it does not run out, or nobody knows.
        """
        current = self.current
        if current is None:
            return FOREVER
        if current.mode in {"none", "dead", "not_connected"}:
            return current.start
        out = self.runs_out_at
        return FOREVER if out is None else out

    def had(self, source: str, back: int) -> bool:
        """Whether there was power from the source in use at every instant of the last `back` µs that it was in use."""
        now = self.view.now
        for each in reversed(self.readings):
            if each.source != source or each.end <= now - back:
                break
            out = each.runs_out_at is not None and each.runs_out_at < min(each.end, now + 1)
            if each.mode in {"none", "dead"} or (out and each.mode in {"running", "battery"}):
                return False
        return True

    def short_from(self, mode: Mode, spec: RuleSpec, unit: int) -> int:
        """When less is left than the mildest limit of a rule, in a mode, µs: now when it may have been so recently.

        `FOREVER` in another mode, where the rule does not look, or when nobody knows how long it lasts.
        """
        limit, now = spec.mildest, self.view.now
        if self.current is None or self.current.mode != mode or limit is None:
            return FOREVER
        margin = round(limit * unit)
        for each in reversed(self.readings):
            if each.end <= now - spec.keep:
                break
            out = each.runs_out_at
            if each.mode == mode and out is not None and out - margin < min(each.end, now + 1):
                return now
        return FOREVER if self.current.runs_out_at is None else self.current.runs_out_at - margin + 1

    def when(self, *modes: Mode) -> Intervals:
        """When the power was in one of these modes, while the point was running."""
        in_mode = normal((each.start, each.end) for each in self.readings if each.mode in modes)
        return intersection(in_mode, self.view.scope(RUNNING_LIFECYCLES))

    def left_below(self, mode: Mode, limit: float | None, unit: int) -> Intervals:
        """When less than `limit` units were left, in a mode."""
        if limit is None:
            return []
        margin = round(limit * unit)
        below: list[Interval] = [
            (max(each.start, each.runs_out_at - margin + 1), each.end)
            for each in self.readings
            if each.mode == mode and each.runs_out_at is not None
        ]
        return intersection(normal(below), self.view.scope(RUNNING_LIFECYCLES))

    def ran_out(self) -> Intervals:
        """When the source in use had run out by the clock."""
        out = normal(
            (max(each.start, each.runs_out_at), each.end)
            for each in self.readings
            if each.mode in {"running", "battery"} and each.runs_out_at is not None
        )
        return intersection(out, self.view.scope(RUNNING_LIFECYCLES))

    def finding(self, scope: Intervals, *, runs_down: bool) -> Finding:
        """An empty finding with the evidence of power."""
        current = self.current
        if current is None:
            return Finding(scope=scope)
        evidence: tuple[tuple[str, Entry], ...] = (("power", current.entry),)
        newest = self.view.newest("power")
        lost = self.unsure
        if runs_down and current.runs_out_at is not None and newest is not None:
            lost = lost or newest[0] > current.entry[0]
        return Finding(
            scope=scope,
            evidence=evidence,
            evidence_lost=lost,
            read_at=current.read_at if runs_down and current.runs_out_at is not None else None,
            runs_out_at=current.runs_out_at if runs_down else None,
        )


def endurance(power: Power, spec: RuleSpec) -> Finding:
    """`power.endurance`: on backup that runs, less than so many times the refill's lead is left."""
    lead = round(power.view.profile.get("refill_lead_h", DEFAULT_LEAD_H) * HOUR)
    begins = power.short_from("running", spec, lead)
    if begins > power.view.now:
        return quiet(begins)
    finding = power.finding(power.when("running"), runs_down=True)
    yellow, red, critical = (power.left_below("running", spec.limit(level), lead) for level in LEVELS)
    help_is_near = _refill(power)
    if help_is_near:
        red_or_worse = union(red, critical)
        finding.critical = difference(critical, help_is_near)
        finding.red = union(difference(red_or_worse, help_is_near), intersection(critical, help_is_near))
        finding.yellow = union(difference(yellow, help_is_near), intersection(red_or_worse, help_is_near))
        refill = power.view.fact("refill")
        if refill is not None:
            finding.evidence += (("refill", refill),)
    else:
        finding.yellow, finding.red, finding.critical = yellow, red, critical
    return finding


LEVELS: tuple[Literal["yellow", "red", "critical"], ...] = ("yellow", "red", "critical")


def _refill(power: Power) -> Intervals:
    """When a confirmed refill, in time, lowers the level by a step."""
    refill = power.view.fact("refill")
    if refill is None or refill[1] is None:
        return []
    eta = power.view.instant(refill[1].get("eta"))
    if not refill[1].get("confirmed") or eta is None:
        return []
    in_time = normal(
        (each.start, each.end)
        for each in power.readings
        if each.runs_out_at is not None and eta <= each.runs_out_at - REFILL_MARGIN
    )
    return intersection(in_time, normal([(power.view.at(refill), eta)]))


def battery(power: Power, spec: RuleSpec) -> Finding:
    """`power.battery`: on battery, less than so many hours are left."""
    begins = power.short_from("battery", spec, HOUR)
    if begins > power.view.now:
        return quiet(begins)
    finding = power.finding(power.when("battery"), runs_down=True)
    finding.yellow, finding.red, finding.critical = (
        power.left_below("battery", spec.limit(level), HOUR) for level in LEVELS
    )
    return finding


def not_connected(power: Power, spec: RuleSpec) -> Finding:
    """`power.not_connected`: the mobile unit that the point waits for is not there."""
    if power.current is None or power.current.mode != "not_connected":
        return quiet()
    scope = power.when("not_connected")
    finding = power.finding(scope, runs_down=False)
    finding.yellow, finding.red, finding.critical = (held(scope, spec, level) for level in LEVELS)
    return finding


def lost(power: Power, spec: RuleSpec, *, at_a_glance: bool = False) -> Finding:
    """`power.lost`: no power, or run out by the clock. The scope is one stretch of the source that is in use now.

    With `at_a_glance`, what was before may be left out: where nobody asks when it was that it held.
    """
    current = power.current
    now = power.view.now
    if current is None or (at_a_glance and power.had(current.source, spec.keep)):
        return quiet() if power.runs_out_at is None else quiet(power.runs_out_at)
    ran_out = power.ran_out()
    by_clock = power.runs_out_at is not None and power.runs_out_at <= now
    scope: Intervals = []
    for each in reversed(power.readings):
        if each.source != current.source:
            break
        scope.append((each.start, each.end))
    scope = intersection(normal(scope), power.view.scope(RUNNING_LIFECYCLES))
    gone = intersection(union(power.when("none", "dead"), ran_out), scope)
    finding = power.finding(scope, runs_down=by_clock)
    if by_clock:
        finding.read_at = -1  # whatever it said, it is the clock that says so now
    if promises_power(power.view):
        finding.red = held(gone, spec, "red")
        finding.critical = union(held(gone, spec, "critical"), intersection(ran_out, scope)) if spec.critical else []
    else:
        finding.yellow = held(gone, spec, "yellow")
    return finding


def held(condition: Intervals, spec: RuleSpec, level: Literal["yellow", "red", "critical"]) -> Intervals:
    """When the condition had held for as long as the level asks; never for a level that the rule does not have."""
    duration = spec.held(level)
    return [] if duration is None else held_for(condition, duration)


def promises_power(view: View) -> bool:
    """Whether a service that needs power is promised; a point that does not say what it plans is taken to promise."""
    planned = view.profile.get("planned_services")
    if planned is None or not POWERED.isdisjoint(planned):
        return True
    for code in POWERED:
        entry = view.last_known(SERVICE + code)
        if entry is not None and entry[1] in PROMISING:
            return True
    return False
