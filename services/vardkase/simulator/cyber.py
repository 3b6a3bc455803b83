"""An attack on payment and telephone systems in some län: nothing can be bought, calls do not get through.

Electricity is fine nearly everywhere. In each kommun payments fail as a whole; telephony fails part by part, and so
does broadband, in fewer of them. A few parts lose their power, too: somebody at the grid's controls is too careful.
"""

from collections.abc import Callable, Sequence

from vardkase.simulator.draw import hours, minutes
from vardkase.simulator.grid import Position, Watcher
from vardkase.simulator.hazard_parameters import Cyber
from vardkase.simulator.point import Point
from vardkase.simulator.sectors import sectors
from vardkase.simulator.world import World
from vardkase_contracts.areas import KOMMUNER


class Attack:
    """The attack, over all of a run."""

    def __init__(self, world: World, cyber: Cyber) -> None:
        self._world = world
        self._cyber = cyber

    def strikes(self, kommun: str, position: Position) -> tuple[float, float]:  # noqa: ARG002 - it follows borders
        """When it begins, and whether it strikes this kommun at all."""
        return self._cyber.begins_h, float(KOMMUNER[kommun].lan in self._cyber.lan)

    def unleash(self, start: int, points: Sequence[Point], krisledning: Watcher) -> None:
        """Enter what fails when in one kommun."""
        world, cyber = self._world, self._cyber
        rng = world.rng
        begins = start + hours(cyber.begins_h)
        if points:
            world.at(
                begins + minutes(cyber.payment_after_min.draw(rng)),
                lambda at: self._no_payments(at, points, krisledning),
            )
        for part in sectors(points, cyber.points_per_area):
            if rng.random() < cyber.mobile_share:
                telephony = rng.random() < cyber.telephony_share
                went = begins + minutes(cyber.mobile_after_min.draw(rng))
                world.at(went, lambda at, part=part, too=telephony: self._no_calls(at, part, krisledning, fixed=too))
                if rng.random() < cyber.broadband_share:
                    after = went + minutes(cyber.broadband_after_min.draw(rng))
                    world.at(after, lambda at, part=part: self._no_broadband(at, part))
            if rng.random() < cyber.power_share:
                world.at(begins + hours(cyber.power_after_h.draw(rng)), lambda at, part=part: self._no_power(at, part))

    def _no_payments(self, at: int, points: Sequence[Point], krisledning: Watcher) -> None:
        world, cyber = self._world, self._cyber
        trade = points[0].trade
        trade.works, trade.fails = False, cyber.delivery_fails_share
        for point in points:
            point.trouble(at, "payment", cyber.asked_per_h)
        krisledning.outage(at)

        def over(then: int) -> None:
            trade.works = True
            for point in points:
                point.relieve("payment")
            krisledning.repaired(then)

        self._later(at + hours(cyber.payment_h.draw(world.rng)), over)

    def _no_calls(self, at: int, part: Sequence[Point], krisledning: Watcher, *, fixed: bool) -> None:
        for point in part:
            point.trouble(at, "calls", 0.0)
            if fixed:
                point.line.set_telephony(at, works=False)
            point.network_lost(at)
        krisledning.outage(at)

        def over(then: int) -> None:
            for point in part:
                point.relieve("calls")
                point.line.set_telephony(then, works=True)
                point.network_back(then)
            krisledning.repaired(then)

        self._later(at + hours(self._cyber.mobile_h.draw(self._world.rng)), over)

    def _no_broadband(self, at: int, part: Sequence[Point]) -> None:
        for point in part:
            point.line.set_broadband(at, works=False)

        def over(then: int) -> None:
            for point in part:
                point.line.set_broadband(then, works=True)

        self._later(at + hours(self._cyber.broadband_h.draw(self._world.rng)), over)

    def _no_power(self, at: int, part: Sequence[Point]) -> None:
        for point in part:
            point.mains_lost(at)

        def over(then: int) -> None:
            for point in part:
                point.mains_back(then)

        self._later(at + hours(self._cyber.power_h.draw(self._world.rng)), over)

    def _later(self, when: int, action: Callable[[int], None]) -> None:
        self._world.at(when, action)
