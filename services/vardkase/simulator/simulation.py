"""A run of a scenario: the reports of a simulated storm, in the order they are sent, decided by its seed alone."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Self

from vardkase.simulator.draw import hours
from vardkase.simulator.emission import Emission
from vardkase.simulator.grid import Front, GridArea
from vardkase.simulator.krisledning import Krisledning
from vardkase.simulator.mistakes import Mistakes
from vardkase.simulator.point import Point
from vardkase.simulator.registrar import Registrar
from vardkase.simulator.scenario import Scenario
from vardkase.simulator.sites import Site, make_sites
from vardkase.simulator.truth import PointTruth, Spell
from vardkase.simulator.world import World
from vardkase_contracts.instants import from_datetime
from vardkase_contracts.vocab import Reality

_FELT = 0.05
"""The storm's force below which it breaks nothing."""


class Simulation(Iterator[Emission]):
    """The reports of one run, once, in the order of `at`.

    The same scenario, seed, start and reality give the same emissions, to the byte. There is no I/O and no clock in
    it. It keeps what is to come for each point, so its memory follows the number of points, not the length of the run
    (but for `truth`, which grows with what happens).
    """

    def __init__(
        self, scenario: Scenario, seed: int, start: int | None = None, *, reality: Reality | None = None
    ) -> None:
        """A run that has not begun.

        Args:
            scenario: what happens.
            seed: which of all its possible runs.
            start: the instant at which it begins, in microseconds; without it the scenario's own `starts`.
            reality: where its reports go; without it the scenario's own.
        """
        self.scenario = scenario
        self.start = from_datetime(scenario.starts) if start is None else start
        self.end = self.start + hours(scenario.duration_h)
        where = reality or scenario.reality
        world = World(scenario, seed=seed, start=self.start, end=self.end, reality=where)
        self._world = world
        self._truth: dict[str, PointTruth] = {}
        self._cut_off: dict[str, list[Spell]] = {}
        world.listen(Mistakes(world).after)
        front = Front(scenario.storm)
        self._sites = _forget_some(make_sites(scenario, world.rng), front, world)
        retired = _retire_some(self._sites, world)
        for kommun, sites in self._sites.items():
            self._settle(kommun, sites, front, retired)
        self._emissions = world.run()

    @property
    def now(self) -> int:
        """How far simulated time has come: an instant in microseconds."""
        return self._world.now

    @property
    def sites(self) -> Mapping[str, list[Site]]:
        """The points of each kommun as they were planned, by the kommun's code."""
        return MappingProxyType(self._sites)

    @property
    def truth(self) -> Mapping[str, PointTruth]:
        """What has really happened so far at the points in the storm's way, by point id."""
        return MappingProxyType(self._truth)

    @property
    def cut_off(self) -> Mapping[str, list[Spell]]:
        """When nothing got out of a kommun, neither from its krisledning nor from its points, by the kommun's code."""
        return MappingProxyType(self._cut_off)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Emission:
        return next(self._emissions)

    def _settle(self, kommun: str, sites: list[Site], front: Front, retired: Mapping[str, str]) -> None:
        world = self._world
        rng, storm = world.rng, world.scenario.storm
        registrar = Registrar(world, kommun, sites, retired)
        registrar.schedule(self.start)
        krisledning = Krisledning(world, kommun, registrar)
        self._cut_off[kommun] = krisledning.cut_off
        strikes, force = front.strikes(_middle(sites))
        krisledning.plan(self.start, self.start + hours(strikes), force)
        if force < _FELT:
            return
        kept = [site for site in sites if site.id not in retired]
        points = [Point(world, site, krisledning, self._truth_of(site)) for site in kept]
        krisledning.take(points)
        for part in _grid_areas(points, storm.points_per_grid_area):
            hit_at, hit_force = front.strikes(_middle([point.site for point in part]))
            if rng.random() < storm.outage_share * hit_force:
                area = GridArea(world, part, krisledning)
                world.at(self.start + hours(hit_at + storm.passage_h.draw(rng)), area.fail)

    def _truth_of(self, site: Site) -> PointTruth:
        return self._truth.setdefault(site.id, PointTruth(id=site.id))


def _forget_some(sites: dict[str, list[Site]], front: Front, world: World) -> dict[str, list[Site]]:
    """Some points in the storm's way are never registered; they open all the same."""
    hit = [site for kommun in sites.values() for site in kommun if front.strikes(site.position)[1] > 0.5]
    count = min(world.scenario.register_.unregistered, len(hit))
    forgotten = {site.id for site in world.rng.sample(hit, count)}
    return {
        kommun: [replace(site, registered=False) if site.id in forgotten else site for site in own]
        for kommun, own in sites.items()
    }


def _retire_some(sites: dict[str, list[Site]], world: World) -> dict[str, str]:
    """Some registered points turn out to be gone: id → the id of the next point, which replaces it."""
    pairs = [
        (site.id, heir.id)
        for own in sites.values()
        for site, heir in zip(own[::2], own[1::2], strict=False)
        if site.registered and heir.registered
    ]
    return dict(world.rng.sample(pairs, min(world.scenario.register_.retired, len(pairs))))


def _middle(sites: list[Site]) -> tuple[float, float]:
    return (
        sum(site.position[0] for site in sites) / len(sites),
        sum(site.position[1] for site in sites) / len(sites),
    )


def _grid_areas(points: list[Point], size: int) -> Iterator[list[Point]]:
    """Parts of a kommun: sectors round its middle, as equal as can be."""
    if not points:
        return
    lon, lat = _middle([point.site for point in points])
    turned = sorted(points, key=lambda p: (math.atan2(p.site.position[1] - lat, p.site.position[0] - lon), p.site.id))
    count = max(1, round(len(turned) / size))
    for part in range(count):
        yield turned[part * len(turned) // count : (part + 1) * len(turned) // count]
