"""What strikes: a storm, an attack, a heating that fails. Each says where and when, and does it to points."""

from collections.abc import Sequence
from typing import Protocol

from vardkase.simulator.cold import FailingHeat
from vardkase.simulator.cyber import Attack
from vardkase.simulator.draw import hours
from vardkase.simulator.grid import Front, GridArea, Position
from vardkase.simulator.krisledning import Krisledning
from vardkase.simulator.parameters import Storm
from vardkase.simulator.point import Point
from vardkase.simulator.sectors import middle, sectors
from vardkase.simulator.world import World

FELT = 0.05
"""The force below which nothing breaks."""


class Hazard(Protocol):
    """One kind of it, over all of a run."""

    def strikes(self, kommun: str, position: Position) -> tuple[float, float]:
        """When it reaches a place in a kommun, in hours from the start of the run, and how hard: 0 to 1."""
        ...

    def unleash(self, start: int, points: Sequence[Point], krisledning: Krisledning) -> None:
        """Enter all that it does to the points of one kommun that it reaches, in a run that begins at `start`."""
        ...


class StormHazard:
    """A front that takes down the grid, area by area."""

    def __init__(self, world: World, storm: Storm) -> None:
        self._world = world
        self._storm = storm
        self._front = Front(storm)

    def strikes(self, kommun: str, position: Position) -> tuple[float, float]:  # noqa: ARG002 - it knows no borders
        """When the front reaches a place, and how hard."""
        return self._front.strikes(position)

    def unleash(self, start: int, points: Sequence[Point], krisledning: Krisledning) -> None:
        """Enter which grid areas fail."""
        world, storm = self._world, self._storm
        for part in sectors(points, storm.points_per_grid_area):
            hit_at, force = self._front.strikes(middle([point.site for point in part]))
            if world.rng.random() < storm.outage_share * force:
                area = GridArea(world, storm, part, krisledning)
                world.at(start + hours(hit_at + storm.passage_h.draw(world.rng)), area.fail)


def hazard_of(world: World) -> Hazard:
    """The hazard of a run's scenario, which has exactly one."""
    scenario = world.scenario
    if scenario.cyber is not None:
        return Attack(world, scenario.cyber)
    if scenario.cold is not None:
        return FailingHeat(world, scenario.cold)
    if scenario.storm is None:
        raise ValueError("a scenario without a hazard")
    return StormHazard(world, scenario.storm)
