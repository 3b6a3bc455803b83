"""The staff that is really at a point: shifts, who takes the next one, who goes home."""

from collections.abc import Callable

from vardkase.simulator.draw import hours, rounded_up
from vardkase.simulator.truth import PointTruth, Spell, end
from vardkase.simulator.world import World
from vardkase_contracts.instants import HOUR


class Team:
    """How many are at a point, and whether somebody comes after them."""

    __slots__ = ("_changed", "_truth", "_turn", "_world", "covered", "present", "required", "shift_at")

    def __init__(self, world: World, required: int, truth: PointTruth, changed: Callable[[int], None]) -> None:
        self._world = world
        self._truth = truth
        self._changed = changed
        self._turn = 0
        self.required = required
        self.present = 0
        self.covered = False
        self.shift_at: int | None = None

    def arrive(self, at: int) -> None:
        """The first shift comes, not always all of it."""
        rng, staff = self._world.rng, self._world.scenario.staff
        short = rng.random() < staff.short_at_start_share
        self.present = max(1, self.required - rng.randint(1, 2)) if short else self.required
        self._next_shift(at)
        self._next_leave(at)
        self._changed(at)

    def leave(self, at: int) -> None:
        """The point closes: all go home."""
        self._turn += 1
        self.present = 0
        self.shift_at = None
        end(self._truth.unstaffed, at)

    def join(self, at: int, more: int) -> None:
        """Somebody comes to help."""
        self._set(at, self.present + more)

    def _next_shift(self, at: int) -> None:
        rng, staff = self._world.rng, self._world.scenario.staff
        # Shifts change on the hour.
        self.shift_at = rounded_up(at + hours(staff.shift_h.draw(rng)), HOUR)
        self.covered = rng.random() < staff.covered_share
        if not self.covered and rng.random() < staff.found_later_share:
            self._unless_gone(at + hours((0.2 + 0.75 * rng.random()) * (self.shift_at - at) / HOUR), self._found)
        self._unless_gone(self.shift_at, self._shift_changes)

    def _found(self, at: int) -> None:
        self.covered = True
        self._changed(at)

    def _shift_changes(self, at: int) -> None:
        rng, staff = self._world.rng, self._world.scenario.staff
        self._turn += 1
        if self.covered:
            present = self.required - (rng.random() < staff.short_at_start_share)
        elif rng.random() < staff.stays_share:
            present = max(1, self.present // 2)
        else:
            present = 0
            self._unless_gone(at + hours(staff.relief_h.draw(rng)), self._relieved)
        if present > 0:
            self._next_shift(at)
            self._next_leave(at)
        self._set(at, present)

    def _relieved(self, at: int) -> None:
        rng = self._world.rng
        self._next_shift(at)
        self._next_leave(at)
        self._set(at, max(1, self.required - rng.randint(0, 1)))

    def _next_leave(self, at: int) -> None:
        rate = self._world.scenario.staff.leaves_per_h
        if rate > 0:
            self._unless_gone(at + hours(min(self._world.rng.expovariate(rate), 1_000)), self._one_leaves)

    def _one_leaves(self, at: int) -> None:
        self._next_leave(at)
        if self.present > 1:
            self._set(at, self.present - 1)

    def _set(self, at: int, present: int) -> None:
        if self.present > 0 and present == 0:
            self._truth.unstaffed.append(Spell(since=at))
        elif present > 0:
            end(self._truth.unstaffed, at)
        self.present = present
        self._changed(at)

    def _unless_gone(self, when: int, action: Callable[[int], None]) -> None:
        turn = self._turn

        def go(at: int) -> None:
            if self._turn == turn:
                action(at)

        self._world.at(when, go)
