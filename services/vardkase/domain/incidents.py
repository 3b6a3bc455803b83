"""Incidents: while one lasts, its kommuner are expected to be heard. A function of the set of orders.

An incident is what the latest order with its id says, from that order's time on.
"""

from bisect import insort
from collections.abc import Iterator
from typing import NamedTuple

from vardkase_contracts.areas import Area
from vardkase_contracts.instants import from_datetime
from vardkase_contracts.orders import IncidentOrder

from .due import DueTimes
from .intervals import FOREVER

#: So many incidents are kept, those last changed (ours).
KEPT = 1_000
#: Of one incident so many orders (ours): one dated ahead by a wrong clock must not hide those before it.
ORDERS_KEPT = 8


class _Incident(NamedTuple):
    """An incident as one order says. Ordered by the order's time and id; two of those by what they say."""

    time: int
    id: str
    since: int
    until: int
    kommuner: tuple[str, ...]


class _Stretch(NamedTuple):
    """An incident in force, from and until; and since when its kommuner are expected to be heard."""

    start: int
    end: int
    since: int


class Incidents:
    """The incidents of one reality."""

    def __init__(self) -> None:
        #: How many incidents were left out, since there are too many.
        self.left_out = 0
        self._orders: dict[str, list[_Incident]] = {}
        #: The incidents by the times of their last orders: which to leave out is found without looking at all.
        self._ages = DueTimes()
        self._stretches: dict[str, dict[str, list[_Stretch]]] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def take(self, order: IncidentOrder) -> frozenset[str]:
        """Fold an order in; the kommuner whose incidents may now be others."""
        data = order.data
        incident = _Incident(
            from_datetime(order.time),
            order.id,
            from_datetime(data.from_),
            FOREVER if data.until is None else from_datetime(data.until),
            tuple(sorted({kommun for code in data.areas for kommun in Area.parse(code).kommuner()})),
        )
        orders = self._orders.setdefault(data.id, [])
        if incident in orders:
            return frozenset()
        insort(orders, incident)
        changed = self._lay_out(data.id)
        del orders[:-ORDERS_KEPT]
        self._ages.set(data.id, orders[-1].time)
        if len(self._orders) > KEPT:
            (oldest,) = self._ages.take(FOREVER, 1)
            changed |= self._clear(oldest)
            del self._orders[oldest]
            self.left_out += 1
        return changed

    def _clear(self, name: str) -> frozenset[str]:
        kommuner = frozenset(kommun for each in self._orders[name] for kommun in each.kommuner)
        for kommun in kommuner:
            self._stretches.get(kommun, {}).pop(name, None)
        return kommuner

    def _lay_out(self, name: str) -> frozenset[str]:
        """From when until when each order of an incident is in force: until the next, and not before it was given."""
        kommuner = self._clear(name)
        orders = self._orders[name]
        for place, each in enumerate(orders):
            replaced = orders[place + 1].time if place + 1 < len(orders) else FOREVER
            stretch = _Stretch(max(each.since, each.time), min(each.until, replaced), each.since)
            for kommun in each.kommuner if stretch.start < stretch.end else ():
                self._stretches.setdefault(kommun, {}).setdefault(name, []).append(stretch)
        return kommuner

    def forget(self, now: int) -> None:
        """Drop what is over (`now` in µs); that it is, is kept, for what may come late."""
        for kommun, named in list(self._stretches.items()):
            for name, stretches in list(named.items()):
                coming = [each for each in stretches if each.end > now]
                if coming:
                    named[name] = coming
                else:
                    del named[name]
            if not named:
                del self._stretches[kommun]

    def since(self, kommun: str, now: int) -> int | None:
        """Since when the kommun has been in an incident that is in force, µs; `None` when it is in none."""
        return min(
            (each.since for each in self._of(kommun) if each.start <= now < each.end),
            default=None,
        )

    def _of(self, kommun: str) -> Iterator[_Stretch]:
        for stretches in self._stretches.get(kommun, {}).values():
            yield from stretches

    def boundaries(self, now: int) -> Iterator[int]:
        """The instants ahead at which an incident begins, ends or is changed, µs."""
        for kommun in self._stretches:
            for stretch in self._of(kommun):
                for boundary in (stretch.start, stretch.end):
                    if now < boundary < FOREVER:
                        yield boundary

    def kommuner(self) -> set[str]:
        """The kommuner that are, will be or lately were in an incident."""
        return set(self._stretches)
