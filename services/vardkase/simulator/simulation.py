"""A run of a scenario: the reports of a simulated crisis, in the order they are sent, decided by its seed alone."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Self

from vardkase.simulator.draw import hours
from vardkase.simulator.emission import Emission
from vardkase.simulator.hazard import FELT, Hazard, hazard_of
from vardkase.simulator.krisledning import Krisledning
from vardkase.simulator.mistakes import Mistakes
from vardkase.simulator.point import Point
from vardkase.simulator.registrar import Registrar
from vardkase.simulator.scenario import Scenario
from vardkase.simulator.sectors import middle
from vardkase.simulator.sites import Site, make_sites
from vardkase.simulator.truth import PointTruth, Spell
from vardkase.simulator.world import World
from vardkase_contracts.instants import from_datetime
from vardkase_contracts.vocab import Reality


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
        hazard = hazard_of(world)
        self._sites = _forget_some(make_sites(scenario, world.rng), hazard, world)
        retired = _retire_some(self._sites, world)
        for kommun, sites in self._sites.items():
            self._settle(kommun, sites, hazard, retired)
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
        """What has really happened so far at the points in its way, by point id."""
        return MappingProxyType(self._truth)

    @property
    def cut_off(self) -> Mapping[str, list[Spell]]:
        """When nothing got out of a kommun, neither from its krisledning nor from its points, by the kommun's code."""
        return MappingProxyType(self._cut_off)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Emission:
        return next(self._emissions)

    def _settle(self, kommun: str, sites: list[Site], hazard: Hazard, retired: Mapping[str, str]) -> None:
        world = self._world
        registrar = Registrar(world, kommun, sites, retired)
        registrar.schedule(self.start)
        krisledning = Krisledning(world, kommun, registrar)
        self._cut_off[kommun] = krisledning.cut_off
        strikes, force = hazard.strikes(kommun, middle(sites))
        krisledning.plan(self.start, self.start + hours(strikes), force)
        if force < FELT:
            return
        kept = [site for site in sites if site.id not in retired]
        points = [Point(world, site, krisledning, self._truth_of(site)) for site in kept]
        krisledning.take(points)
        hazard.unleash(self.start, points, krisledning)

    def _truth_of(self, site: Site) -> PointTruth:
        return self._truth.setdefault(site.id, PointTruth(id=site.id))


def _forget_some(sites: dict[str, list[Site]], hazard: Hazard, world: World) -> dict[str, list[Site]]:
    """Some points in its way are never registered; they open all the same."""
    hit = [site for own in sites.values() for site in own if hazard.strikes(site.kommun, site.position)[1] > 0.5]
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
