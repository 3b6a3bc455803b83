"""The kommuner's own systems: they register the points before the storm, and retire some. Always as `act`."""

from collections.abc import Mapping
from typing import Any

from vardkase.simulator.draw import minutes, seconds
from vardkase.simulator.reporter import Reporter
from vardkase.simulator.sites import Site
from vardkase.simulator.world import World
from vardkase_contracts.instants import MINUTE, SECOND
from vardkase_contracts.subjects import report
from vardkase_contracts.vocab import Reality, ReportKind

_EACH: int = SECOND * 3 // 20
"""Between two registers of one kommun."""
_WORLD: Reality = "act"
"""Registers are kept here; exercises read them here (CONTRACT §1)."""


class Registrar:
    """One kommun's register."""

    __slots__ = ("_reporter", "_retired", "_sites", "_world")

    def __init__(self, world: World, kommun: str, sites: list[Site], retired: Mapping[str, str]) -> None:
        """A register of `sites`; of `retired`, id → the id of what replaces it."""
        self._world = world
        self._sites = sites
        self._retired = retired
        self._reporter = Reporter(world, kommun=kommun, name=None, role="krisledning", channel="form", time="utc")

    def register_all(self, at: int) -> None:
        """Send all of it, and some time later what it says of lifecycles and of points that are gone."""
        world, settings = self._world, self._world.scenario.register_
        rng = world.rng
        when = at
        for site in self._sites:
            if not site.registered:
                continue
            self._send(when, when, site, "register", site.profile())
            when += _EACH
            if rng.random() < settings.initial_status_share:
                world.at(when + rng.randint(1, 20) * MINUTE, lambda then, site=site: self._initial(then, site))
            if site.id in self._retired:
                world.at(when + rng.randint(10, 50) * MINUTE, lambda then, site=site: self._retire(then, site))

    def republish(self, at: int, site: Site) -> None:
        """The point is made public, with its status."""
        if site.registered and site.publish != "live":
            self._send(at, at + seconds(self._world.rng.randint(5, 120)), site, "register", site.profile("live"))

    def schedule(self, start: int) -> None:
        """Enter when it is sent: each kommun at a time of its own."""
        world, settings = self._world, self._world.scenario.register_
        world.at(start + minutes(settings.begin_min + settings.spread_min * world.rng.random()), self.register_all)

    def _initial(self, at: int, site: Site) -> None:
        world = self._world
        lifecycle = "prepared" if world.rng.random() < 0.5 else "planned"
        event = self._reporter.event(at, "status", site.id, {"lifecycle": lifecycle})
        world.send(at, report(world.reality, site.kommun, site.slug, "status"), event)

    def _retire(self, at: int, site: Site) -> None:
        data = {"reason": "Lokalen är såld", "replaced_by": self._retired[site.id]}
        self._send(at, at, site, "retire", data)

    def _send(self, observed: int, at: int, site: Site, kind: ReportKind, data: dict[str, Any]) -> None:
        event = self._reporter.event(observed, kind, site.id, data, reality=_WORLD)
        self._world.send(at, report(_WORLD, site.kommun, site.slug, kind), event)
