"""District heating that gives less and less in the cold: plants of some län fail slowly, and are mended after days.

A plant serves a kommun. It gives its full share of the warmth that is needed, then less by the hour, down to a lowest;
there it stays until it is mended. Parts of the net that lie far out feel it later. Boilers of a house's own go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vardkase.simulator.draw import hours
from vardkase.simulator.grid import Position, Watcher
from vardkase.simulator.hazard_parameters import Cold
from vardkase.simulator.point import Point
from vardkase.simulator.sectors import sectors
from vardkase.simulator.world import World
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import MINUTE

_STEP = 20 * MINUTE
"""How often it is worked out how much warmth comes; a house notices no less."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """How much of the warmth that is needed a part of a net gives, over time."""

    since: int
    """When it begins to give less, µs."""
    lowest_at: int
    """When it is down, µs."""
    lowest: float
    """What it gives then, 0 to 1."""
    mended_at: int
    """When it begins to give more, µs."""
    over: int
    """When it gives all again, µs."""

    def share(self, at: int) -> float:
        """What it gives at an instant, 0 to 1."""
        if at <= self.since or at >= self.over:
            return 1.0
        if at < self.lowest_at:
            return 1 - (1 - self.lowest) * (at - self.since) / (self.lowest_at - self.since)
        if at < self.mended_at:
            return self.lowest
        return self.lowest + (1 - self.lowest) * (at - self.mended_at) / (self.over - self.mended_at)


class FailingHeat:
    """The failure, over all of a run."""

    def __init__(self, world: World, cold: Cold) -> None:
        self._world = world
        self._cold = cold
        rng = world.rng
        self._plants = {
            kommun.code: cold.begins_h + cold.plant_after_h.draw(rng)
            for kommun in KOMMUNER.values()
            if kommun.lan in cold.lan and rng.random() < cold.plants_share
        }

    def strikes(self, kommun: str, position: Position) -> tuple[float, float]:  # noqa: ARG002 - it follows nets
        """When the plant of a kommun begins to fail, and whether it does."""
        return self._plants.get(kommun, self._cold.begins_h), float(kommun in self._plants)

    def unleash(self, start: int, points: Sequence[Point], krisledning: Watcher) -> None:
        """Enter what the plant of one kommun gives, part by part of its net."""
        if not points:
            return
        world, cold = self._world, self._cold
        rng = world.rng
        since = start + hours(self._plants[points[0].site.kommun])
        down = hours(cold.decline_h.draw(rng))
        lowest = cold.lowest.draw(rng)
        mended = down + hours(cold.repair_h.draw(rng))
        over = mended + hours(cold.recover_h.draw(rng))
        for part in sectors(points, cold.points_per_area):
            began = since + hours(cold.part_after_h.draw(rng))
            course = Course(
                since=began, lowest_at=began + down, lowest=lowest, mended_at=began + mended, over=began + over
            )
            net = Net(world, cold, course, part, krisledning)
            world.at(began, net.step)


class Net:
    """A part of a net of district heating, and the points that it warms."""

    __slots__ = ("_cold", "_course", "_failing", "_points", "_watcher", "_world")

    def __init__(self, world: World, cold: Cold, course: Course, points: Sequence[Point], watcher: Watcher) -> None:
        self._world = world
        self._cold = cold
        self._course = course
        self._points = points
        self._watcher = watcher
        self._failing = False

    def step(self, at: int) -> None:
        """Give what it gives now, and look again a little later, until it is over."""
        share = self._course.share(at)
        for point in self._points:
            point.warmed(at, share)
        if not self._failing and share < self._cold.noticed_below and at < self._course.mended_at:
            self._failing = True
            for point in self._points:
                point.trouble(at, "heat", 0.0)
            self._watcher.outage(at)
        elif self._failing and at >= self._course.over:
            self._failing = False
            for point in self._points:
                point.relieve("heat")
            self._watcher.repaired(at)
        if at < self._course.over:
            self._world.at(min(at + _STEP, self._course.over), self.step)
