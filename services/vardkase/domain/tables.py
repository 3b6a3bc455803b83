"""Which table of rules judges what: the node's own, with the overrides that are in force for a point or an area.

A function of the set of orders and of the instant: of each scope the latest order given by then is its override. Few
tables are different from each other; those that are equal are one.
"""

import json
from bisect import insort
from typing import NamedTuple
from weakref import WeakValueDictionary

from vardkase_contracts.areas import Area
from vardkase_contracts.instants import from_datetime
from vardkase_contracts.orders import RulesOrder
from vardkase_contracts.vocab import Rule

from .intervals import FOREVER
from .overrides import Override, Resolved, canonical, parse, resolve, with_overrides
from .places import around, is_point
from .rules import Rules, RuleSpec

#: Of one scope so many orders are kept (ours): one dated ahead by a wrong clock must not hide those before it.
ORDERS_KEPT = 8
#: Points of one kommun that may have overrides (ours): the latest given are kept.
POINTS_KEPT = 500


class _Given(NamedTuple):
    """An order, folded. Ordered by time, then id; two of one time and id by what they say."""

    time: int
    id: str
    said: str
    override: Override


def _in_order(given: _Given) -> tuple[int, str, str]:
    return given.time, given.id, given.said


class Tables:
    """The tables of one reality."""

    def __init__(self, base: Rules) -> None:
        #: The node's own.
        self.base = base
        #: How many scopes were left out, since their kommun has too many.
        self.left_out = 0
        #: When `advance` may change something next, µs.
        self.due = FOREVER
        self._given: dict[str, list[_Given]] = {}
        #: The points with overrides, by kommun.
        self._points: dict[str, set[str]] = {}
        self._in_force: dict[str, Override] = {}
        self._tables: dict[str, Rules] = {}
        self._equal: WeakValueDictionary[str, Rules] = WeakValueDictionary()

    def take(self, order: RulesOrder) -> None:
        """Fold an order in; it is in force from the next `advance` at its time or later.

        Raises:
            BadOverride: it cannot be in force.
        """
        scope = order.data.scope
        override = parse(order.data.override, self.base, of_point=is_point(scope))
        given = _Given(from_datetime(order.time), order.id, json.dumps(override, sort_keys=True), override)
        orders = self._given.setdefault(scope, [])
        if given in orders:
            return
        insort(orders, given, key=_in_order)
        del orders[:-ORDERS_KEPT]
        self.due = -FOREVER
        if is_point(scope):
            self._keep_some(scope[:4], scope)

    def _keep_some(self, kommun: str, scope: str) -> None:
        points = self._points.setdefault(kommun, set())
        points.add(scope)
        if len(points) > POINTS_KEPT:
            oldest = min(points, key=lambda point: _in_order(self._given[point][-1]))
            points.discard(oldest)
            del self._given[oldest]
            self.left_out += 1

    @property
    def kept(self) -> int:
        """How many scopes have orders, those that took an override away included."""
        return len(self._given)

    @property
    def different(self) -> int:
        """How many different tables judge, the node's own included."""
        return 1 + len({id(table) for table in self._tables.values()} - {id(self.base)})

    def advance(self, now: int) -> list[str]:
        """Put in force what was ordered by `now` (µs); the scopes whose override has changed."""
        in_force: dict[str, Override] = {}
        for scope, orders in self._given.items():
            latest = next((each.override for each in reversed(orders) if each.time <= now), None)
            if latest:
                in_force[scope] = latest
        before, self._in_force = self._in_force, in_force
        changed = [scope for scope in {*before, *in_force} if before.get(scope) != in_force.get(scope)]
        if changed:
            self._tables.clear()
        # Another clock may have given an order a time ahead of ours.
        ahead = (each.time for orders in self._given.values() for each in orders if each.time > now)
        self.due = min(ahead, default=FOREVER)
        return sorted(changed)

    def of_point(self, point: str) -> Rules:
        """The table for a point, or for a kommun itself, by its id."""
        if not self._in_force:
            return self.base
        return self._table(point if point in self._in_force else point[:4])

    def of_area(self, area: Area) -> Rules:
        """The table for the alerts of an area."""
        return self._table(area.code) if self._in_force else self.base

    def _table(self, place: str) -> Rules:
        table = self._tables.get(place)
        if table is None:
            table = self._tables[place] = self._made(place)
        return table

    def _made(self, place: str) -> Rules:
        specs: dict[Rule, RuleSpec] = {rule: each.spec for rule, each in self.explain(place).items()}
        said = canonical(self.base, specs)
        if not said:
            return self.base
        table = self._equal.get(said)
        if table is None:
            table = self._equal[said] = with_overrides(self.base, specs)
        return table

    def explain(self, place: str) -> dict[Rule, Resolved]:
        """What overrides change of the table for a point's id or an area's code, and whose they are."""
        widest_first = reversed(around(place))
        return resolve(self.base, [(each, self._in_force[each]) for each in widest_first if each in self._in_force])
