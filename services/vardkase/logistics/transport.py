"""Which surplus for which need: a transport problem, solved as a whole for each kind. Pure.

Of each need a share is met, by one surplus or by several; no surplus gives more than it has. The answer is the one with
the greatest sum over the needs of weight times share met, where a share that comes too late counts half, and the way a
little. It is a linear programme, solved by HiGHS (Huangfu and Hall, Mathematical Programming Computation 10, 2018; by
way of `scipy.optimize.linprog`). Where a quantity is not known on either side it is the whole or nothing: of what the
programme left, each need has one surplus, by the assignment of the greatest sum (`linear_sum_assignment`: Crouse, IEEE
Transactions on Aerospace and Electronic Systems 52, 2016).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, Final

from vardkase_contracts.instants import HOUR

from .distance import ROAD_FACTOR, Position, drive, kilometres

MOST_DEMANDS: Final = 500
"""Most needs of a kind that are looked at: the first."""
MOST_SUPPLIES: Final = 2_000
"""Most offers of a kind that are looked at: the first."""
NEAREST: Final = 15
"""Of each need so many offers are looked at, the nearest."""
FARTHEST_KM: Final = 600.0
"""No offer farther away is proposed, as the crow flies (ours): a day's drive."""
KM_H: Final = 50.0
"""How fast it is brought (ours)."""
LOADING: Final = HOUR
"""How long it takes to get away (ours)."""
TIME_LIMIT: Final = 5.0
"""Seconds that one kind may take."""
WEIGHTS: Final[Mapping[str | None, float]] = {"urgent": 64.0, "high": 16.0, "normal": 4.0, "low": 1.0, None: 1.0}
"""An urgent need counts as much as four high ones (ours)."""
LATE: Final = 0.5
"""What comes too late counts so much of what comes in time (ours)."""
_WAY: Final = 0.2
"""What the farthest way costs of a need's weight (ours): the most pressing has the nearest, and no distance leaves a
need unmet that could be met, nor outweighs that something comes too late."""
_FIRST: Final = 1e-3
"""Of two that are equal the one that stands first counts so much more: it has the nearer."""
_LITTLE: Final = 1e-6


class Unsolved(Exception):  # noqa: N818 -- what it is
    """It took too long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """A need."""

    id: str
    kind: str
    position: Position
    quantity: float | None = None
    """None: it was not said."""
    unit: str | None = None
    priority: str | None = None
    needed_by: int | None = None
    """µs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """A surplus."""

    id: str
    kind: str
    position: Position
    quantity: float | None = None
    unit: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """So much of a surplus for a need."""

    demand: str
    supply: str
    quantity: float | None
    """None: one of the two does not say."""
    km: float
    """As the crow flies."""
    arrives_at: int
    """When it could be there if it leaves as soon as it can (µs)."""
    late: bool
    """Whether that is later than it is needed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    demand: Demand
    supply: Supply
    km: float
    arrives_at: int
    before: float
    """How early its need stands among the others: 1 the first, 0 after the last."""

    @property
    def late(self) -> bool:
        return self.demand.needed_by is not None and self.arrives_at > self.demand.needed_by

    @property
    def divisible(self) -> bool:
        return self.demand.quantity is not None and self.supply.quantity is not None

    @property
    def takes(self) -> float:
        """What share of the surplus the whole need is."""
        return (self.demand.quantity or 1.0) / (self.supply.quantity or 1.0) if self.divisible else 1.0

    @property
    def worth(self) -> float:
        weight = WEIGHTS.get(self.demand.priority, 1.0) * (1 + _FIRST * self.before)
        return weight * (LATE if self.late else 1.0) * (1 - _WAY * self.km / FARTHEST_KM)


def assign(
    demands: Iterable[Demand], supplies: Iterable[Supply], now: int, *, road_factor: float = ROAD_FACTOR
) -> list[Pair]:
    """The pairs, by the needs' order and then by distance; the same whatever order the surplus comes in.

    Args:
        demands: the most pressing first: of too many, the first are looked at.
        supplies: what there is.
        now: the instant (µs).
        road_factor: how much longer a road is than the way of the crow.

    Raises:
        Unsolved: it took longer than `TIME_LIMIT`.
    """
    wanted: dict[str, list[Demand]] = defaultdict(list)
    for demand in demands:
        if demand.quantity != 0 and len(wanted[demand.kind]) < MOST_DEMANDS:
            wanted[demand.kind].append(demand)
    there: dict[str, list[Supply]] = defaultdict(list)
    for supply in sorted(supplies, key=lambda each: each.id):
        if supply.quantity != 0 and len(there[supply.kind]) < MOST_SUPPLIES:
            there[supply.kind].append(supply)
    order = {demand.id: place for place, demand in enumerate(each for own in wanted.values() for each in own)}
    found: list[Pair] = []
    for kind in sorted(wanted.keys() & there.keys()):
        ways = _ways(wanted[kind], there[kind], now, road_factor)
        if ways:
            found += _solved(ways)
    return sorted(found, key=lambda pair: (order[pair.demand], pair.km, pair.supply))


def _ways(demands: Sequence[Demand], supplies: Sequence[Supply], now: int, road_factor: float) -> list[_Way]:
    """Who could bring what to whom."""
    found: list[_Way] = []
    for place, demand in enumerate(demands):
        start, before = now + LOADING, 1 - place / len(demands)
        near = [
            (kilometres(demand.position, supply.position), supply.id, supply)
            for supply in supplies
            if demand.unit is None or supply.unit is None or demand.unit == supply.unit
        ]
        found += [
            _Way(demand=demand, supply=supply, km=km, arrives_at=start + drive(km * road_factor, KM_H), before=before)
            for km, _, supply in nsmallest(NEAREST, near)
            if km <= FARTHEST_KM
        ]
    return found


def _solved(ways: Sequence[_Way]) -> list[Pair]:
    """First what is known in quantity, then what is not, of the needs and offers that are left untouched."""
    found = _divided([way for way in ways if way.divisible])
    met, used = {pair.demand for pair in found}, {pair.supply for pair in found}
    return found + _whole([way for way in ways if way.demand.id not in met and way.supply.id not in used])


def _divided(ways: Sequence[_Way]) -> list[Pair]:
    if not ways:
        return []
    import numpy  # noqa: ICN001, PLC0415 -- scipy is loaded when it is needed: most who read needs ask for no pairs
    from scipy.optimize import linprog  # noqa: PLC0415
    from scipy.sparse import coo_array  # noqa: PLC0415

    demands = {id_: row for row, id_ in enumerate(sorted({way.demand.id for way in ways}))}
    supplies = {id_: len(demands) + row for row, id_ in enumerate(sorted({way.supply.id for way in ways}))}
    rows = [demands[way.demand.id] for way in ways] + [supplies[way.supply.id] for way in ways]
    columns = [*range(len(ways)), *range(len(ways))]
    # In shares of what is there: litres and blankets, grams and tonnes are then numbers of one size.
    values = [1.0] * len(ways) + [way.takes for way in ways]
    matrix = coo_array((values, (rows, columns)), shape=(len(demands) + len(supplies), len(ways)))
    answer: Any = linprog(
        numpy.array([-way.worth for way in ways]),
        A_ub=matrix.tocsc(),
        b_ub=numpy.ones(len(demands) + len(supplies)),
        bounds=numpy.array([(0.0, min(1.0, 1.0 / way.takes)) for way in ways]),
        method="highs-ds",
        options={"time_limit": TIME_LIMIT},
    )
    if answer.status != 0:
        raise Unsolved(str(answer.message))
    return _cut([(way, float(share)) for way, share in zip(ways, answer.x, strict=True)])


def _cut(shares: Sequence[tuple[_Way, float]]) -> list[Pair]:
    """Quantities of shares. What the solver lets pass for equal may be more than a small offer has: it is cut."""
    left: dict[tuple[str, str], float] = {}
    found: list[Pair] = []
    for way, share in sorted(shares, key=lambda each: (-each[0].worth, each[0].demand.id, each[0].supply.id)):
        wanted, there = way.demand.quantity or 0.0, way.supply.quantity or 0.0
        sides = ("need", way.demand.id), ("surplus", way.supply.id)
        quantity = min(share * wanted, left.get(sides[0], wanted), left.get(sides[1], there))
        if quantity <= _LITTLE * min(wanted, there):
            continue
        quantity = min(float(f"{quantity:.9g}"), left.get(sides[0], wanted), left.get(sides[1], there))
        left[sides[0]] = left.get(sides[0], wanted) - quantity
        left[sides[1]] = left.get(sides[1], there) - quantity
        found.append(_pair(way, quantity))
    return found


def _whole(ways: Sequence[_Way]) -> list[Pair]:
    if not ways:
        return []
    import numpy  # noqa: ICN001, PLC0415
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415

    demands = sorted({way.demand.id for way in ways})
    supplies = sorted({way.supply.id for way in ways})
    row_of = {id_: row for row, id_ in enumerate(demands)}
    column_of = {id_: column for column, id_ in enumerate(supplies)}
    worth = numpy.zeros((len(demands), len(supplies)))
    way_of: dict[tuple[int, int], _Way] = {}
    for way in ways:
        place = row_of[way.demand.id], column_of[way.supply.id]
        way_of[place] = way
        worth[place] = way.worth
    rows, columns = linear_sum_assignment(worth, maximize=True)
    places = zip(rows.tolist(), columns.tolist(), strict=True)
    return [_pair(way_of[place], None) for place in places if place in way_of]


def _pair(way: _Way, quantity: float | None) -> Pair:
    return Pair(
        demand=way.demand.id,
        supply=way.supply.id,
        quantity=quantity,
        km=way.km,
        arrives_at=way.arrives_at,
        late=way.late,
    )
