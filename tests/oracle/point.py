"""Every rule about one point (or the kommun itself), asked of one instant, and what they come to at `now`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from oracle import table
from oracle.merge import Point, Said, exact, instant
from oracle.scan import NOTHING, Asked, History, Verdict, history, instants, worst
from oracle.table import HOUR, LEVELS, MINUTE
from oracle.then import Lines

_STOCKHOLM = ZoneInfo("Europe/Stockholm")
_CONDITION_RULES = frozenset(("water.low", "heat.low", "comms.112", "capacity.high", "service.stopped"))
_MUTED_BY_LOST = ("heat.low", "comms.112", "service.stopped")
_CLEAR_WHILE_LOST = ("power.endurance", "power.battery", "power.not_connected")


def first(n: int) -> frozenset[str]:
    """The n mildest levels."""
    return frozenset(LEVELS[: max(n, 0)])


def milder(levels: frozenset[str]) -> frozenset[str]:
    """Each level one step lower; of the mildest nothing is left."""
    return frozenset(LEVELS[LEVELS.index(level) - 1] for level in levels if level != LEVELS[0])


@dataclass(frozen=True)
class Judge:
    """A point judged at `now`."""

    point: Point
    now: int
    inherited: tuple[Said, ...] = ()
    """Needs of retired points that this one replaces."""
    rules: table.Table = field(default_factory=lambda: table.DEFAULT)
    """The table that is in force for it."""

    @cached_property
    def lines(self) -> Lines:
        """The point's timelines."""
        return Lines.of(self.point, self.now)

    @property
    def itself(self) -> bool:
        """Whether it is the kommun itself rather than a point."""
        return self.point.id.endswith("-_")

    def beyond(self, rule: str, passed: Callable[[Fraction], bool]) -> frozenset[str]:
        """The levels of a rule whose limit is passed."""
        levels = ((level, self.rules[rule].level(level)) for level in LEVELS)
        return frozenset(
            level
            for level, given in levels
            if given is not None and given.limit is not None and passed(exact(given.limit))
        )

    # -- the rules, each at one instant t ---------------------------------------------------------------------------

    def power_endurance(self, t: int) -> Asked:
        """On backup, running: less left than so many refill times."""
        if not self.in_use(t) or self.lines.mode(t) != "running":
            return NOTHING
        out = self.lines.runs_out_at(t)
        if out is None:
            return Asked("running", frozenset())
        lead = exact(self._profile("refill_lead_h", table.LEAD_H)) * HOUR
        holds = self.beyond("power.endurance", lambda leads: out - t < leads * lead)
        return Asked("running", milder(holds) if self._refill(t, out) else holds)

    def _refill(self, t: int, out: int) -> bool:
        """Whether a confirmed refill comes in good time."""
        fact = self._fact("refill")
        if fact is None or not fact.value or not fact.value.get("confirmed") or not fact.value.get("eta"):
            return False
        eta = instant(fact.value["eta"])
        return eta <= out - table.REFILL_MARGIN and self._from(fact.at) <= t < eta

    def power_battery(self, t: int) -> Asked:
        """On battery: less left than so many hours."""
        if not self.in_use(t) or self.lines.mode(t) != "battery":
            return NOTHING
        out = self.lines.runs_out_at(t)
        if out is None:
            return Asked("battery", frozenset())
        return Asked("battery", self.beyond("power.battery", lambda hours: out - t < hours * HOUR))

    def power_not_connected(self, t: int) -> Asked:
        """On a backup that is not connected yet."""
        if not self.in_use(t) or self.lines.mode(t) != "not_connected":
            return NOTHING
        return Asked("not_connected", frozenset(("not_connected",)))

    def power_lost(self, t: int) -> Asked:
        """Without power: as reported, or since it must have run out."""
        source = self.lines.source(t)
        if not self.in_use(t) or source is None:
            return NOTHING
        ran_out = self.ran_out(t)
        if not ran_out and self.lines.mode(t) not in ("none", "dead"):
            return Asked(source, frozenset())
        if not self.promises_power:
            return Asked(source, frozenset(("lost without promise",)))
        return Asked(source, frozenset(("lost", "ran out") if ran_out else ("lost",)))

    def ran_out(self, t: int) -> bool:
        """Whether the source in use must have run out."""
        out = self.lines.runs_out_at(t)
        return self.lines.mode(t) in ("running", "battery") and out is not None and out <= t

    @cached_property
    def promises_power(self) -> bool:
        """Whether a service that needs power is planned or given."""
        planned = self._profile("planned_services", None)
        if planned is None or table.POWERED & set(planned):
            return True
        now = (self.lines.known_value(f"services.{code}", self.now) for code in table.POWERED)
        return any(state in ("available", "limited", "planned") for state in now)

    def report_incomplete(self, t: int) -> Asked:
        """Open for long without power or staff ever reported, or on backup without an endurance."""
        if not self.lines.open(t):
            return NOTHING
        never = self.lines.known("power", t) is None or self.lines.known("staff", t) is None
        unanchored = self.lines.mode(t) == "running" and self.lines.anchor(t) is None
        names = (("never reported", never), ("no anchor", unanchored))
        return Asked("open", frozenset(name for name, holds in names if holds))

    def staff_short(self, t: int) -> Asked:
        """Fewer present than required."""
        if not self.lines.open(t):
            return NOTHING
        staff = self.lines.known_value("staff", t)
        if staff is None or not self._staff_started("staff.short", t):
            return Asked("open", frozenset())
        required = staff.get("required")
        required = self._profile("staff_required", None) if required is None else required
        present = staff["present"]
        if required is None or present >= required:
            return Asked("open", frozenset())
        if present == 0:
            return Asked("open", first(3))
        return Asked("open", first(2 if present < self._profile("staff_min", table.STAFF_MIN) else 1))

    def staff_next_shift(self, t: int) -> Asked:
        """Nobody for the next shift."""
        if not self.lines.open(t):
            return NOTHING
        at = self._uncovered(t)
        if at is None or not self._staff_started("staff.next_shift", t):
            return Asked("open", frozenset())
        left = at - t
        return Asked("open", self.beyond("staff.next_shift", lambda h: left < h * HOUR if h else left <= 0))

    def _uncovered(self, t: int) -> int | None:
        """When a shift begins that nobody is known to take, as of t."""
        fact = self._fact("next_shift")
        if fact is None or not fact.value or fact.value.get("covered") is not False or not fact.value.get("at"):
            return None
        at = instant(fact.value["at"])
        staff = self.lines.known("staff", t)
        return None if t < self._from(fact.at) or (staff is not None and staff.at >= at) else at

    def staff_unknown(self, t: int) -> bool:
        """Whether nobody can be taken to be there since the next shift began."""
        at = self._uncovered(t)
        return at is not None and at <= t

    def capacity_high(self, t: int) -> Asked:
        """Nearly full."""
        if not self.lines.open(t):
            return NOTHING
        occupancy, capacity = self.lines.known_value("occupancy", t), self.capacity(t)
        if occupancy is None or capacity is None:
            return Asked("open", frozenset())
        return Asked("open", self.beyond("capacity.high", lambda share: occupancy >= share * capacity))

    def capacity(self, t: int) -> int | None:
        """The capacity in force; None when it is not known."""
        hour = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t)).astimezone(_STOCKHOLM).hour
        night = self._capacity("capacity_night")
        if night and (hour >= table.NIGHT[0] or hour < table.NIGHT[1]):
            return night
        return self._capacity("capacity_day") or None

    def _capacity(self, aspect: str) -> int | None:
        fact = self._fact(aspect)
        reported = None if fact is None else fact.value
        return self._profile(aspect, None) if reported is None else reported

    def water_low(self, t: int) -> Asked:
        """The tank lasts for so many days."""
        if not self.lines.open(t):
            return NOTHING
        water = self.lines.known_value("water", t)
        if water is None or water.get("source") == "mains" or water.get("litres") is None:
            return Asked("open", frozenset())
        persons = max(self.lines.known_value("occupancy", t) or 10, table.WATER_LEAST_PERSONS)
        days = exact(water["litres"]) / (persons * table.WATER_L_PER_PERSON_DAY)
        return Asked("open", self.beyond("water.low", lambda limit: days < limit))

    def heat_low(self, t: int) -> Asked:
        """Colder than a planned warm place should be."""
        if not self.lines.open(t) or "heat" not in (self._profile("planned_services", None) or ()):
            return NOTHING
        heat = self.lines.known_value("heat", t)
        if heat is None:
            return Asked("open", frozenset())
        return Asked("open", self.beyond("heat.low", lambda limit: exact(heat["indoor_c"]) < limit))

    def comms_112(self, t: int) -> Asked:
        """112 cannot be called."""
        if not self.lines.open(t):
            return NOTHING
        comms = self.lines.known_value("comms", t)
        return Asked("open", frozenset(("cannot",) if comms is not None and comms["can_call_112"] is False else ()))

    def service_stopped(self, t: int) -> Asked:
        """A service that lives hang on is not given."""
        if not self.lines.open(t):
            return NOTHING
        services = ("medical_device_charging", "heat", "emergency_call")
        return Asked("open", frozenset(s for s in services if self.lines.known_value(f"services.{s}", t) == "stopped"))

    def closing_occupied(self, t: int) -> Asked:
        """People are in a place that is closed or closing."""
        if self.point.retired or self.lines.lifecycle(t) not in ("closed", "closing"):
            return NOTHING
        occupancy = self.lines.known_value("occupancy", t)
        return Asked("closing", frozenset(("occupied",) if occupancy else ()))

    def need_overdue(self, t: int) -> Asked:
        """A pressing need was not met in time."""
        if not self.itself and not self.lines.open(t):
            return NOTHING
        late = [t - instant(need["needed_by"]) for need in self.pressing if t >= instant(need["needed_by"])]
        levels = ((level, self.rules["need.overdue"].level(level)) for level in LEVELS)
        holds = (level for level, given in levels if given is not None and late and max(late) >= given.after)
        return Asked("here", frozenset(holds))

    @cached_property
    def needs(self) -> list[Said]:
        """Its own needs, and those of the points that it replaces."""
        return [*self.point.needs.values(), *self.inherited]

    @cached_property
    def pressing(self) -> list[Mapping[str, Any]]:
        """The needs that must be met by a time, as far as they count at `now`."""
        return [
            said.value
            for said in self.needs
            if said.at <= self.now + table.AHEAD
            and (said.value.get("direction") or "need") == "need"
            and said.value.get("priority") in ("urgent", "high")
            and (said.value.get("state") or "requested") in ("requested", "assigned")
            and said.value.get("needed_by") is not None
        ]

    def freshness_stale(self, t: int) -> Asked:
        """No content for long."""
        if not self.lines.open(t) or self.point.content is None:
            return NOTHING
        age = t - self.point.content
        return Asked("open", self.beyond("freshness.stale", lambda hours: age > hours * HOUR))

    # -- what they need ---------------------------------------------------------------------------------------------

    def in_use(self, t: int) -> bool:
        """Whether it is open, being set up or closing."""
        return not self.point.retired and self.lines.lifecycle(t) in table.POWER_LIFECYCLES

    def _staff_started(self, rule: str, t: int) -> bool:
        return t - self.lines.open_since(t) >= self.rules[rule].after_open

    def _profile(self, name: str, default: Any) -> Any:
        fact = self._fact("profile")
        value = None if fact is None else fact.value.get(name)
        return default if value is None else value

    def _fact(self, aspect: str) -> Said | None:
        """What was said last of an aspect without a timeline; None when that does not count yet."""
        fact = self.point.fact(aspect)
        return None if fact is None or fact.at > self.now + table.AHEAD else fact

    def _from(self, at: int) -> int:
        """When what was observed at `at` begins to count."""
        return self.now if self.now < at <= self.now + table.AHEAD else at

    @cached_property
    def asks(self) -> dict[str, Callable[[int], Asked]]:
        """The rules that look at this point."""
        if self.itself:
            return {"need.overdue": self.need_overdue}
        return {rule: getattr(self, rule.replace(".", "_")) for rule in table.POINT_RULES}

    # -- what they come to ------------------------------------------------------------------------------------------

    @cached_property
    def times(self) -> list[int]:
        """The instants that are asked about."""
        starts = [at for stamps in self.lines.stamps.values() for at, _ in stamps]
        starts += [instant(need["needed_by"]) for need in self.pressing]
        return instants(min([*starts, self.now]), self.now)

    @cached_property
    def histories(self) -> dict[str, History]:
        """Each rule at each of the times."""
        if self.point.retired:
            return {}
        found = {
            rule: history(table.rule_of(rule, self.rules[rule]), self.times, ask) for rule, ask in self.asks.items()
        }
        if "power.lost" in found:
            found |= {rule: found[rule].clear_where(found["power.lost"]) for rule in _CLEAR_WHILE_LOST}
        return found

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """The open alerts, by rule (an `area.silent` that mutes is not looked at here)."""
        return {rule: self._verdict(rule, level, line) for rule, line in self.histories.items() if (level := line.now)}

    def _verdict(self, rule: str, level: str, line: History) -> Verdict:
        lost = "power.lost" in self.histories and self.histories["power.lost"].now is not None
        return Verdict(
            level=level,
            raised_at=line.since(),
            inhibited_by=f"power.lost/{self.point.id}" if lost and rule in _MUTED_BY_LOST else None,
            derived=self._derived(rule, level, line),
        )

    def _derived(self, rule: str, level: str, line: History) -> bool:
        if rule == "power.lost":
            return self.ran_out(self.now)
        if rule == "staff.next_shift":
            return self.staff_unknown(self.now)
        anchor = self.lines.anchor(self.now)
        return rule in ("power.endurance", "power.battery") and anchor is not None and line.since(level) > anchor.at

    @property
    def is_open(self) -> bool:
        """Whether it is open now."""
        return not self.itself and self.lines.open(self.now)

    @property
    def freshness(self) -> str | None:
        """How old the last content is; None when there never was any."""
        if self.point.content is None:
            return None
        age = self.now - self.point.content
        if not self.is_open:
            return "fresh" if age <= 35 * table.DAY else "stale"
        bounds = (("fresh", 2 * HOUR), ("ageing", 4 * HOUR), ("stale", 12 * HOUR))
        return next((name for name, bound in bounds if age <= bound), "silent")

    @property
    def link(self) -> str:
        """Whether the point's way of reporting is alive."""
        if self.point.heartbeat is None:
            return "unknown"
        heard = max(self.point.heartbeat, self.point.content or self.point.heartbeat)
        return "up" if self.now - heard <= 30 * MINUTE else "down"

    @property
    def condition(self) -> str:
        """How the point is, in one word."""
        if not self.is_open:
            return "not_applicable"
        level = worst(
            verdict.level
            for rule, verdict in self.verdicts.items()
            if verdict.inhibited_by is None and (rule.startswith(("power.", "staff.")) or rule in _CONDITION_RULES)
        )
        if level is not None:
            return level
        power, staff = self.lines.value("power", self.now), self.lines.value("staff", self.now)
        unknown = (
            self.freshness == "silent"
            or power is None
            or power.get("source") is None
            or staff is None
            or staff.get("present") is None
            or self.staff_unknown(self.now)
            or self.endurance_unknown
        )
        return "unknown" if unknown else "green"

    @property
    def endurance_unknown(self) -> bool:
        """Whether it runs on something that will end, and nobody knows when."""
        return self._runs_down and self.lines.anchor(self.now) is None

    @property
    def runs_out_at(self) -> int | None:
        """When the power in use ends; None when it does not, or is not known."""
        return self.lines.runs_out_at(self.now) if self._runs_down else None

    @property
    def _runs_down(self) -> bool:
        return self.lines.mode(self.now) in ("running", "battery")

    @property
    def dark(self) -> bool:
        """Whether it has no power while it is used, as reported or derived."""
        off = self.lines.mode(self.now) in ("none", "dead", "not_connected") or self.ran_out(self.now)
        return off and self.in_use(self.now)

    @property
    def red_by_vital(self) -> bool:
        """Whether power, staff, heat or water makes it red or worse, not inhibited."""
        return any(
            verdict.level != "yellow" and verdict.inhibited_by is None
            for rule, verdict in self.verdicts.items()
            if rule.startswith(("power.", "staff.")) or rule in ("water.low", "heat.low")
        )
