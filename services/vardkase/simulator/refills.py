"""Fuel for one point: asked for in time or not, promised, and it comes on time, late or never."""

from typing import Protocol

from vardkase.simulator.draw import hours, minutes, rounded_up, seconds
from vardkase.simulator.needs import Needs
from vardkase.simulator.sites import Site
from vardkase.simulator.supply import Supply
from vardkase.simulator.trade import Trade
from vardkase.simulator.world import Action, World
from vardkase_contracts.instants import MINUTE

_MARGIN_H = 1.0
"""Fuel is wanted this long before it runs out: what the rules ask of a refill that they trust."""


class RefillTeller(Protocol):
    """Who reports that fuel is on its way."""

    def refill(self, at: int, eta: int, *, confirmed: bool) -> None:
        """Report a refill that is expected."""
        ...


class Refills:
    """The refills of one point, one at a time."""

    __slots__ = ("_asks", "_lead_h", "_needs", "_supply", "_teller", "_trade", "_turn", "_world")

    def __init__(
        self,
        world: World,
        site: Site,
        supply: Supply,
        needs: Needs,
        teller: RefillTeller,
        trade: Trade | None = None,
    ) -> None:
        self._world = world
        self._trade = trade or Trade()
        self._supply = supply
        self._needs = needs
        self._teller = teller
        self._lead_h = site.refill_lead_h
        self._asks = world.rng.random() < world.scenario.refill.asked_share
        self._turn = 0

    def look(self, at: int) -> None:
        """Ask for fuel if there is little left by what the site lead believes; in the dark everybody asks."""
        supply = self._supply
        asks = supply.mode == "empty" or (supply.mode == "running" and self._asks)
        if not asks or self._needs.has("fuel"):
            return
        left_h = supply.fuel(at) / supply.told_burn
        if left_h < self._world.scenario.refill.asked_below_leads * self._lead_h:
            deadline = rounded_up(at + max(30 * MINUTE, hours(max(0.0, left_h - _MARGIN_H))), 15 * MINUTE)
            wanted = max(20, round((supply.tank - supply.fuel(at)) / 10) * 10)
            priority = "urgent" if left_h < self._lead_h else "high"
            self._needs.ask(at, "fuel", wanted, "l", priority, needed_by=deadline)
            self._turn += 1
            self._promise(at)

    def stop(self) -> None:
        """The point closes: what is on its way goes elsewhere."""
        self._turn += 1

    def _promise(self, at: int) -> None:
        """Somebody says when fuel will come; and it does, late or not, or has to be promised anew."""
        settings, rng = self._world.scenario.refill, self._world.rng
        eta = rounded_up(at + hours(settings.eta_h.draw(rng)), 10 * MINUTE)
        answered = at + minutes(0.4 * rng.random() * (eta - at) / MINUTE)
        confirmed = rng.random() < settings.confirmed_share
        told = rng.random() < settings.told_share
        self._while_wanted(answered, lambda when: self._answer(when, eta if told else None, confirmed=confirmed))
        outcome = rng.random()
        if outcome >= settings.on_time_share + settings.late_share:
            self._while_wanted(eta + hours(1 + 3 * rng.random()), self._promise)
            return
        late = outcome >= settings.on_time_share
        arrival = eta + hours(settings.late_h.draw(rng)) if late else max(answered, eta - seconds(rng.randint(0, 1800)))
        self._while_wanted(max(answered, arrival - seconds(rng.randint(0, 3600))), self._set_off)
        self._while_wanted(arrival, self._arrive)

    def _answer(self, at: int, eta: int | None, *, confirmed: bool) -> None:
        self._needs.advance(at, "fuel", "assigned")
        if eta is not None:
            self._teller.refill(at, eta, confirmed=confirmed)

    def _set_off(self, at: int) -> None:
        self._needs.advance(at, "fuel", "under_way")

    def _arrive(self, at: int) -> None:
        trade, rng = self._trade, self._world.rng
        if not trade.works and rng.random() < trade.fails:
            # The lorry stands at a pump that takes no payment.
            self._while_wanted(at + hours(1 + 3 * rng.random()), self._promise)
            return
        self._supply.refuel(at)
        self._needs.advance(at, "fuel", "delivered")

    def _while_wanted(self, when: int, action: Action) -> None:
        turn = self._turn

        def go(at: int) -> None:
            if self._turn == turn and self._needs.has("fuel"):
                action(at)

        self._world.at(when, go)
