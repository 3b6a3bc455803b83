"""What really feeds a point: mains, a generator with its tank, a battery, or nothing. Reports are only told of it."""

from collections.abc import Callable
from typing import Final, Literal

from vardkase.simulator.draw import hours
from vardkase.simulator.parameters import Connect
from vardkase.simulator.truth import DarkCause, Reach
from vardkase.simulator.world import World
from vardkase_contracts.instants import HOUR
from vardkase_contracts.vocab import BackupType

Mode = Literal["mains", "running", "battery", "not_connected", "fault", "empty", "none"]
"""Mains; generator running, not there yet, broken, out of fuel; battery; nothing."""

_CAUSES: Final[dict[Mode, DarkCause]] = {
    "not_connected": "not_connected",
    "fault": "fault",
    "empty": "ran_dry",
    "none": "no_backup",
}
_RESTART_H: Final = (0.2, 0.7)
"""From fuel to light again, in hours."""


class Supply:
    """A point's power. It is in use (engaged) from when the point is being set up until it is closed."""

    __slots__ = (
        "_backup",
        "_battery_until",
        "_changed",
        "_engaged",
        "_fuel",
        "_mains",
        "_read",
        "_spent",
        "_turn",
        "_world",
        "burn",
        "mode",
        "reaches",
        "tank",
        "told_burn",
    )

    def __init__(self, world: World, backup: BackupType, changed: Callable[[int], None]) -> None:
        power, rng = world.scenario.power, world.rng
        self._world = world
        self._backup: BackupType = backup
        self._changed = changed
        self._mains = True
        self._engaged = False
        self._turn = 0
        self._battery_until: int | None = None
        self._spent = False
        self._read = 0
        self.mode: Mode = "mains"
        self.reaches: list[Reach] = []
        """How long it would have lasted, each time that it changed."""
        self.told_burn = round(power.burn_l_per_h.draw(rng))
        self.burn = self.told_burn * (1 + power.burn_error * (2 * rng.random() - 1))
        self.tank = 0.0 if backup == "none" else power.tank_h[backup].draw(rng) * self.told_burn
        self._fuel = self.tank * power.level.draw(rng)

    @property
    def powered(self) -> bool:
        """Whether there is power in the building."""
        return self.mode in ("mains", "running", "battery")

    @property
    def has_mains(self) -> bool:
        """Whether the grid works here."""
        return self._mains

    @property
    def cause(self) -> DarkCause:
        """Why there is no power, where there is none."""
        if self.mode == "none" and self._spent:
            return "battery_empty"
        return _CAUSES.get(self.mode, "no_backup")

    def fuel(self, at: int) -> float:
        """Litres in the tank."""
        if self.mode != "running":
            return self._fuel
        return max(0.0, self._fuel - self.burn * (at - self._read) / HOUR)

    def battery_h(self, at: int) -> float:
        """Hours left in the battery."""
        return 0.0 if self._battery_until is None else max(0.0, (self._battery_until - at) / HOUR)

    def engage(self, at: int) -> None:
        """The point comes into use."""
        self._engaged = True
        if self._mains:
            self._switch(at, "mains")
        else:
            self._fail_over(at)

    def release(self, at: int) -> None:
        """The point is out of use: a generator is stopped, and what is in its tank stays."""
        self._keep_fuel(at)
        self._engaged = False
        self._turn += 1
        self.mode = "mains" if self._mains else "none"
        if self.reaches and self.reaches[-1].until is not None:
            self.reaches.append(Reach(since=at, until=None))

    def mains_lost(self, at: int) -> None:
        """The grid fails."""
        self._mains = False
        if self._engaged:
            self._fail_over(at)
        else:
            self.mode = "none"

    def mains_back(self, at: int) -> None:
        """The grid works again."""
        self._mains = True
        if self._engaged:
            self._switch(at, "mains")
        else:
            self.mode = "mains"

    def refuel(self, at: int) -> None:
        """Fuel comes: a generator that stood still for want of it starts again."""
        world = self._world
        self._keep_fuel(at)
        self._fuel = max(self._fuel, self.tank * world.scenario.refill.level.draw(world.rng))
        if self.mode == "running":
            self._run_until_dry(at)
        elif self.mode == "empty":
            low, high = _RESTART_H
            self._after(at, low + (high - low) * world.rng.random(), self._start)

    def _fail_over(self, at: int) -> None:
        power, rng = self._world.scenario.power, self._world.rng
        match self._backup:
            case "fixed":
                if rng.random() < power.start_share:
                    self._start(at)
                else:
                    self._break(at)
            case "mobile":
                self._wait_for_unit(at, power.mobile)
            case "inlet":
                self._wait_for_unit(at, power.inlet)
            case "none":
                if rng.random() < power.battery_share and not self._spent:
                    left = power.battery_h.draw(rng)
                    self._battery_until = at + hours(left)
                    self._switch(at, "battery")
                    self._after(at, left, self._battery_ends)
                else:
                    self._switch(at, "none")

    def _wait_for_unit(self, at: int, connect: Connect) -> None:
        rng = self._world.rng
        if rng.random() < connect.ready_share:
            self._start(at)
            return
        self._switch(at, "not_connected")
        if rng.random() < connect.comes_share:
            self._after(at, connect.comes_h.draw(rng), self._start)

    def _start(self, at: int) -> None:
        power, rng = self._world.scenario.power, self._world.rng
        self._read = at
        self._switch(at, "running")
        self._run_until_dry(at)
        if power.faults_per_h > 0:
            self._after(at, min(rng.expovariate(power.faults_per_h), 10_000), self._break)

    def _run_until_dry(self, at: int) -> None:
        self.reaches.append(Reach(since=at, until=at + hours(self._fuel / self.burn)))
        self._after(at, self._fuel / self.burn, self._dry)

    def _dry(self, at: int) -> None:
        # A refill on the way moves this on: what was entered for the fuel before it comes too early.
        if self.fuel(at) <= self.burn / 60:
            self._fuel = 0.0
            self._switch(at, "empty")

    def _break(self, at: int) -> None:
        power, rng = self._world.scenario.power, self._world.rng
        self._switch(at, "fault")
        if rng.random() < power.repaired_share:
            self._after(at, power.repaired_h.draw(rng), self._start)

    def _battery_ends(self, at: int) -> None:
        self._spent = True
        self._switch(at, "none")

    def _keep_fuel(self, at: int) -> None:
        self._fuel = self.fuel(at)
        self._read = at

    def _switch(self, at: int, mode: Mode) -> None:
        self._keep_fuel(at)
        self._turn += 1
        self.mode = mode
        if mode == "battery":
            self.reaches.append(Reach(since=at, until=self._battery_until))
        elif mode != "running" and self.reaches and self.reaches[-1].until is not None:
            self.reaches.append(Reach(since=at, until=None))
        self._changed(at)

    def _after(self, at: int, delay_h: float, action: Callable[[int], None]) -> None:
        turn = self._turn

        def unless_changed(when: int) -> None:
            if self._turn == turn:
                action(when)

        self._world.at(at + hours(delay_h), unless_changed)
