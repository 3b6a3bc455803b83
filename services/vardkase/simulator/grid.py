"""The storm and what it does: where the front is, which grid areas fail, when power and mobile networks come back.

The front is a line across the axis and moves along it. A grid area is a part of a kommun that loses power as one.
"""

import math
from collections.abc import Iterable
from typing import Protocol

from vardkase.simulator.draw import hours, minutes
from vardkase.simulator.parameters import Storm
from vardkase.simulator.sites import KM_PER_DEGREE
from vardkase.simulator.world import World

Position = tuple[float, float]
"""Longitude, latitude in degrees."""


class Front:
    """Where and when the storm strikes. Distances on a plane round the axis: right to a few per cent in Sweden."""

    def __init__(self, storm: Storm) -> None:
        self._storm = storm
        self._origin = storm.axis_from
        latitude = (storm.axis_from[1] + storm.axis_to[1]) / 2
        self._km_per_lon = KM_PER_DEGREE * math.cos(math.radians(latitude))
        east, north = self._km(storm.axis_to)
        self._length = math.hypot(east, north) or 1.0
        self._direction = (east / self._length, north / self._length)

    def _km(self, position: Position) -> tuple[float, float]:
        lon, lat = self._origin
        return (position[0] - lon) * self._km_per_lon, (position[1] - lat) * KM_PER_DEGREE

    def strikes(self, position: Position) -> tuple[float, float]:
        """When the front reaches a place, in hours from the start of the run, and how hard: 0 to 1.

        It is hardest on the axis and abates to the sides and beyond the axis' end.
        """
        east, north = self._km(position)
        x, y = self._direction
        along, across = east * x + north * y, north * x - east * y
        beyond = max(0.0, along - self._length, -along)
        force = math.exp(-(across**2 + beyond**2) / (2 * self._storm.width_km**2))
        return max(0.0, self._storm.arrives_h + along / self._storm.speed_kmh), force


class Fed(Protocol):
    """What a grid area feeds: it is told when power and network go and come."""

    def mains_lost(self, at: int) -> None:
        """The mains are gone."""
        ...

    def mains_back(self, at: int) -> None:
        """The mains are back."""
        ...

    def network_lost(self, at: int) -> None:
        """The mobile network is gone."""
        ...

    def network_back(self, at: int) -> None:
        """The mobile network is back."""
        ...


class Watcher(Protocol):
    """Who hears of outages in a kommun: its krisledning."""

    def outage(self, at: int) -> None:
        """A grid area has failed."""
        ...

    def repaired(self, at: int) -> None:
        """A grid area works again."""
        ...


class GridArea:
    """A part of a kommun that loses power, and later its mobile network, as one."""

    __slots__ = ("_fed", "_network", "_storm", "_watcher", "_world", "works")

    def __init__(self, world: World, storm: Storm, fed: Iterable[Fed], watcher: Watcher) -> None:
        self._world = world
        self._storm = storm
        self._fed = tuple(fed)
        self._watcher = watcher
        self._network = True
        self.works = True

    def fail(self, at: int) -> None:
        """The storm takes it: enters when the network dies and when it is repaired."""
        world, storm, networks = self._world, self._storm, self._world.scenario.networks
        rng = world.rng
        self.works = False
        quick = rng.random() < storm.quick_repair_share
        world.at(at + hours((storm.quick_repair_h if quick else storm.repair_h).draw(rng)), self._repair)
        if rng.random() < networks.dies_share:
            world.at(at + hours(networks.dies_after_h.draw(rng)), self._network_dies)
        for point in self._fed:
            point.mains_lost(at)
        self._watcher.outage(at)

    def _repair(self, at: int) -> None:
        self.works = True
        if not self._network:
            world = self._world
            world.at(at + minutes(world.scenario.networks.back_after_min.draw(world.rng)), self._network_returns)
        for point in self._fed:
            point.mains_back(at)
        self._watcher.repaired(at)

    def _network_dies(self, at: int) -> None:
        if not self.works:
            self._network = False
            for point in self._fed:
                point.network_lost(at)

    def _network_returns(self, at: int) -> None:
        self._network = True
        for point in self._fed:
            point.network_back(at)
