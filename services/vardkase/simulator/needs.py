"""Help that a point asks for or offers: requested, assigned, under way, delivered; or nobody answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from vardkase.simulator.draw import hours, minutes, rounded_up
from vardkase.simulator.trade import Trade
from vardkase.simulator.world import World
from vardkase_contracts.instants import MINUTE
from vardkase_contracts.vocab import NeedDirection, NeedKind, NeedState, Priority

_BOUGHT: frozenset[NeedKind] = frozenset({"fuel", "food", "medical", "transport", "equipment", "heat"})
"""What has to be paid for, or driven by something that has to be filled up."""


@dataclass(kw_only=True, slots=True)
class Need:
    """One need, or surplus, as it stands."""

    id: str
    direction: NeedDirection
    kind: NeedKind
    quantity: float
    unit: str
    priority: Priority
    needed_by: int | None
    state: NeedState = "requested"

    def data(self, world: World) -> dict[str, Any]:
        """The data of its `need` report."""
        data: dict[str, Any] = {
            "need_id": self.id,
            "direction": self.direction,
            "kind": self.kind,
            "quantity": self.quantity,
            "unit": self.unit,
            "priority": self.priority,
            "state": self.state,
        }
        if self.needed_by is not None:
            data["needed_by"] = world.local.utc(self.needed_by)
        return data


class Teller(Protocol):
    """Who reports of needs: the place itself, or the krisledning."""

    def need(self, at: int, need: Need, *, by_krisledning: bool) -> None:
        """Report a need as it stands."""
        ...


class Needs:
    """The needs of one point. One of each kind at a time, so they are few."""

    __slots__ = ("_counter", "_open", "_teller", "_trade", "_world")

    def __init__(self, world: World, teller: Teller, trade: Trade | None = None) -> None:
        self._world = world
        self._trade = trade or Trade()
        self._teller = teller
        self._open: dict[tuple[NeedDirection, NeedKind], Need] = {}
        self._counter = 0

    def ask(
        self,
        at: int,
        kind: NeedKind,
        quantity: float,
        unit: str,
        priority: Priority,
        *,
        needed_by: int | None = None,
        arrives: Callable[[int], None] | None = None,
        direction: NeedDirection = "need",
    ) -> None:
        """Raise a need, unless one of its kind is open; when it is met, `arrives` is told.

        Without `arrives` the one who asks sees to how it goes on (`advance`).
        """
        if (direction, kind) in self._open:
            return
        self._counter += 1
        need = Need(
            id=f"{direction}-{kind}-{self._counter}",
            direction=direction,
            kind=kind,
            quantity=quantity,
            unit=unit,
            priority=priority,
            needed_by=needed_by,
        )
        self._open[direction, kind] = need
        self._teller.need(at, need, by_krisledning=False)
        world, settings = self._world, self._world.scenario.needs
        if arrives is not None and direction == "need" and world.rng.random() < settings.answered_share:
            world.at(
                at + minutes(settings.assigned_min.draw(world.rng)), lambda when: self._assigned(when, need, arrives)
            )

    def has(self, kind: NeedKind) -> bool:
        """Whether a need of this kind is open."""
        return ("need", kind) in self._open

    def advance(self, at: int, kind: NeedKind, state: NeedState) -> None:
        """A need has come further; delivered and cancelled end it. None open: nothing happens."""
        need = self._open.get(("need", kind))
        if need is not None:
            self._set(at, need, state)

    def end_all(self, at: int) -> None:
        """The point closes: what is open is cancelled."""
        for need in tuple(self._open.values()):
            self._set(at, need, "cancelled")

    def default_deadline(self, at: int) -> int:
        """A usual time by which something must be there."""
        return rounded_up(at + hours(self._world.scenario.needs.needed_in_h.draw(self._world.rng)), 15 * MINUTE)

    def _assigned(self, at: int, need: Need, arrives: Callable[[int], None]) -> None:
        if not self._is_open(need):
            return
        self._set(at, need, "assigned")
        world = self._world
        delay = minutes(world.scenario.needs.under_way_min.draw(world.rng))
        world.at(at + delay, lambda when: self._under_way(when, need, arrives))

    def _under_way(self, at: int, need: Need, arrives: Callable[[int], None]) -> None:
        if not self._is_open(need):
            return
        trade = self._trade
        if need.kind in _BOUGHT and not trade.works and self._world.rng.random() < trade.fails:
            # It was found, and cannot be paid for: somebody looks elsewhere.
            again = at + hours(1 + 2 * self._world.rng.random())
            self._world.at(again, lambda when: self._under_way(when, need, arrives))
            return
        self._set(at, need, "under_way")
        world = self._world
        delay = minutes(world.scenario.needs.delivered_min.draw(world.rng))
        world.at(at + delay, lambda when: self._delivered(when, need, arrives))

    def _delivered(self, at: int, need: Need, arrives: Callable[[int], None]) -> None:
        if self._is_open(need):
            self._set(at, need, "delivered")
            arrives(at)

    def _is_open(self, need: Need) -> bool:
        return self._open.get((need.direction, need.kind)) is need

    def _set(self, at: int, need: Need, state: NeedState) -> None:
        need.state = state
        if state in ("delivered", "cancelled"):
            del self._open[need.direction, need.kind]
        self._teller.need(at, need, by_krisledning=state != "delivered")
