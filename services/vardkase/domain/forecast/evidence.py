"""What a forecast looks at, taken out of a state: small, and a function of the state alone."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from vardkase.domain.conditions import is_night
from vardkase.domain.power import Mode, mode_of
from vardkase.domain.stamps import SKEW
from vardkase.domain.state import PointState, endurance_h
from vardkase.domain.view import View

from .trend import Reading

#: Later than any stamp counts: evidence is taken of all there is, and cut at the instant that is asked about.
_EVER = 1 << 60


class PowerReading(NamedTuple):
    """One reading of the power whose source is known."""

    at: int
    mode: Mode
    source: str
    fuel_l: float | None
    hours: float | None
    """`endurance_h` on backup, `battery_h` (or `endurance_h`) on battery."""
    endurance_h: float | None
    """What the rules make of it: the least known way to tell."""
    fuel_l_per_h: float | None


class Evidence(NamedTuple):
    """The readings of a point in ascending order, and what they are measured against."""

    id: str
    lifecycle: str | None
    retired: bool
    power: tuple[PowerReading, ...]
    occupancy: tuple[Reading, ...]
    water: tuple[tuple[int, float | None], ...]
    """Litres; None: from the mains."""
    heat: tuple[Reading, ...]
    capacity_day: float | None
    capacity_night: float | None

    def capacity(self, now: int) -> float | None:
        """How many it takes in at an instant; None: not known."""
        night = self.capacity_night if is_night(now) else None
        return self.capacity_day if night is None else night

    def until(self, now: int) -> "Evidence":
        """What of it counts at an instant: nothing of later, but for clocks that go a little fast."""
        limit = now + SKEW
        if all(not row or row[-1][0] <= limit for row in (self.power, self.occupancy, self.water, self.heat)):
            return self
        return self._replace(
            power=tuple(each for each in self.power if each.at <= limit),
            occupancy=tuple(each for each in self.occupancy if each[0] <= limit),
            water=tuple(each for each in self.water if each[0] <= limit),
            heat=tuple(each for each in self.heat if each[0] <= limit),
        )


def gather(state: PointState) -> Evidence:
    """The evidence in a state. The same for the same set of reports, in whatever order they came."""
    view = View(state, _EVER)
    return Evidence(
        id=state.id,
        lifecycle=state.lifecycle,
        retired=state.retired,
        power=tuple(_power(stamp.time, value) for stamp, value in view.known_entries("power")),
        occupancy=tuple((stamp.time, float(value)) for stamp, value in view.known_entries("occupancy")),
        water=tuple(
            (stamp.time, None if value.get("source") == "mains" else float(value["litres"]))
            for stamp, value in view.known_entries("water")
        ),
        heat=tuple((stamp.time, float(value["indoor_c"])) for stamp, value in view.known_entries("heat")),
        capacity_day=_capacity(state, "capacity_day"),
        capacity_night=_capacity(state, "capacity_night"),
    )


def _power(at: int, power: Mapping[str, Any]) -> PowerReading:
    source: str = power["source"]
    hours = power.get("endurance_h")
    if source == "battery":
        hours = power.get("battery_h", hours)
    return PowerReading(
        at=at,
        mode=mode_of(power),
        source=source,
        fuel_l=power.get("fuel_l"),
        hours=hours,
        endurance_h=endurance_h(power),
        fuel_l_per_h=power.get("fuel_l_per_h") or None,
    )


def _capacity(state: PointState, aspect: str) -> float | None:
    """What a status says wins over the register; 0 is unknown (docs/rules.md)."""
    value = state.value(aspect)
    if value is None:
        value = state.profile.get(aspect)
    return value or None
