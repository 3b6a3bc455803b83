"""What warms a point: a net of district heating or a boiler of its own, and for some a heater that burns fuel.

Only scenarios about the cold have nets and heaters; in others a house is warm as long as it has power for its boiler.
"""

from typing import Final

from vardkase.simulator.draw import hours, rounded_up
from vardkase.simulator.house import House
from vardkase.simulator.needs import Needs
from vardkase.simulator.world import World
from vardkase_contracts.instants import HOUR, MINUTE

_ENOUGH_C: Final = 20.5
"""So warm that a heater is turned off [at least 18 °C, preferably 20: Energimyndigheten]."""


class Heating:
    """The heating of one point."""

    __slots__ = (
        "_burn",
        "_full_h",
        "_gives",
        "_house",
        "_left_h",
        "_looked",
        "_needs",
        "_net",
        "_powered",
        "_running",
        "_turn",
        "_world",
        "district",
    )

    def __init__(self, world: World, house: House, needs: Needs) -> None:
        cold, rng = world.scenario.cold, world.rng
        self._world = world
        self._house = house
        self._needs = needs
        self._powered = True
        self._net = 1.0
        self._running = False
        self._looked = 0
        self._turn = 0
        self.district = cold is not None and rng.random() < cold.district_share
        self._gives = self._burn = self._full_h = 0.0
        if cold is not None and rng.random() < cold.heater_share:
            self._gives = cold.heater_gives.draw(rng)
            self._burn = round(cold.heater_l_per_h.draw(rng), 1)
            self._full_h = cold.heater_tank_h.draw(rng)
        self._left_h = self._full_h

    @property
    def share(self) -> float:
        """How much of the warmth that the house needs it gets, 0 to 1."""
        if not self._powered:
            return 0.0
        return min(1.0, (self._net if self.district else 1.0) + (self._gives if self._running else 0.0))

    @property
    def secure(self) -> bool:
        """Whether it does without the net: by a boiler of its own, or for a while by a heater."""
        return not self.district or self._full_h > 0

    def is_hopeless(self, degrees: float) -> bool:
        """Whether a house as cold as this is given up."""
        cold = self._world.scenario.cold
        return cold is not None and degrees < cold.given_up_below_c

    def set_power(self, at: int, *, powered: bool) -> None:
        """Whether there is power for it."""
        self._powered = powered
        self._apply(at)

    def set_net(self, at: int, share: float) -> None:
        """How much the net gives of what is needed."""
        self._net = share
        self._apply(at)

    def look(self, at: int) -> None:
        """Somebody looks after it: the heater is started in the cold and turned off in warmth; fuel is asked for."""
        cold = self._world.scenario.cold
        if cold is None or self._full_h <= 0:
            return
        self._burnt(at)
        indoor = self._house.indoor(at)
        if self._running and indoor >= _ENOUGH_C:
            self._stop(at)
        elif not self._running and indoor < cold.heater_below_c and self._left_h > 0:
            self._start(at)
        cold_and_empty = self._left_h <= 0 and indoor < cold.heater_below_c
        if (self._running or cold_and_empty) and self._left_h < cold.heater_asks_below_h:
            self._ask(at)

    def release(self, at: int) -> None:
        """The point closes."""
        self._burnt(at)
        self._stop(at)

    def _start(self, at: int) -> None:
        self._running = True
        self._looked = at
        self._turn += 1
        turn = self._turn

        def dry(when: int) -> None:
            if self._turn == turn:
                self._burnt(when)
                self._left_h = 0.0
                self._stop(when)

        self._world.at(at + max(MINUTE, hours(self._left_h)), dry)
        self._apply(at)

    def _stop(self, at: int) -> None:
        if self._running:
            self._running = False
            self._turn += 1
            self._apply(at)

    def _burnt(self, at: int) -> None:
        if self._running:
            self._left_h = max(0.0, self._left_h - (at - self._looked) / HOUR)
        self._looked = at

    def _ask(self, at: int) -> None:
        """Ask for fuel by when it ends, an hour from now at the earliest."""
        if not self._needs.has("fuel"):
            deadline = rounded_up(at + max(HOUR, hours(self._left_h)), 15 * MINUTE)
            litres = float(max(10, round(self._burn * (self._full_h - self._left_h) / 5) * 5))
            priority = "urgent" if self._left_h < 1 else "high"
            self._needs.ask(at, "fuel", litres, "l", priority, needed_by=deadline, arrives=self._filled)

    def _filled(self, at: int) -> None:
        self._burnt(at)
        self._left_h = self._full_h
        if self._running:
            self._start(at)

    def _apply(self, at: int) -> None:
        self._house.heat(at, share=self.share)
