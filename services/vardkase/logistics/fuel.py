"""The fuel round: what trucks, depots and points are, what a plan costs, and how a truck's stops come to pass. Pure.

A plan gives each truck points in an order. What it costs is compared part by part: the weight of the points that run
dry before fuel comes, then for how long points are dry, then how far is driven.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from vardkase_contracts.instants import HOUR, MINUTE

from .distance import ROAD_FACTOR, Position, drive, kilometres

MOST_POINTS: Final = 150
"""Most points of a round."""
MOST_TRUCKS: Final = 20
MOST_DEPOTS: Final = 50


class Cost(NamedTuple):
    """What a plan costs; the lesser is better, part by part."""

    dry: int
    """The weight of the points that run dry before fuel comes, or are dry already."""
    dry_us: int
    """For how long, by weight (µs), up to the end of the plan."""
    metres: int
    """How far is driven."""

    def __add__(self, other: object) -> "Cost":
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(self.dry + other.dry, self.dry_us + other.dry_us, self.metres + other.metres)


NOTHING: Final = Cost(0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A point that wants fuel."""

    id: str
    position: Position
    dry_at: int
    """When it runs dry (µs); at or before the beginning: it is dry."""
    litres: float
    """How much it takes."""
    weight: int = 1
    """How grave it is that it runs dry."""
    l_per_h: float | None = None
    """What it uses; None: not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Truck:
    """Something that brings fuel."""

    name: str
    position: Position
    litres: float
    """What it has now."""
    capacity_l: float
    """What it takes at a depot."""
    km_h: float = 50.0
    stop_us: int = 20 * MINUTE
    """How long it stands at a point."""
    free_at: int = 0
    """When it can set off (µs); the beginning, when that is later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Depot:
    """Where trucks are filled."""

    name: str
    position: Position
    fill_us: int = 30 * MINUTE


class Stop(NamedTuple):
    """A truck at a place."""

    place: Place
    arrives_at: int
    litres: float
    depot: str | None
    """Where it was filled on the way there; None: it had enough."""
    metres: int
    """Driven since the stop before."""

    @property
    def dry(self) -> bool:
        """Whether it had run dry by then."""
        return self.arrives_at > self.place.dry_at


@dataclass(frozen=True, kw_only=True)
class Task:
    """A round to be planned: everything that a plan is held against."""

    now: int
    until: int
    """The end of the plan (µs): nobody arrives later."""
    places: Sequence[Place]
    trucks: Sequence[Truck]
    depots: Sequence[Depot] = ()
    road_factor: float = ROAD_FACTOR
    _metres: dict[tuple[Position, Position], int] = field(default_factory=dict, repr=False, compare=False)

    def metres(self, one: Position, other: Position) -> int:
        """How far it is by road, as far as that is known from the way of the crow."""
        key = one, other
        found = self._metres.get(key)
        if found is None:
            found = self._metres[key] = round(kilometres(one, other) * self.road_factor * 1000)
        return found

    def stops(self, truck: Truck, order: Sequence[Place]) -> list[Stop]:
        """What comes of a truck's order: a place that it cannot come to before the end, or has no fuel for, is left."""
        found: list[Stop] = []
        at, here, load = max(self.now, truck.free_at), truck.position, truck.litres
        for place in order:
            depot, metres, arrives_at, left = self._way(truck, place, at, here, load)
            if left <= 0 or arrives_at > self.until:
                continue
            litres = min(left, place.litres)
            found.append(Stop(place, arrives_at, litres, None if depot is None else depot.name, metres))
            at, here, load = arrives_at + truck.stop_us, place.position, left - litres
        return found

    def _way(
        self, truck: Truck, place: Place, at: int, here: Position, load: float
    ) -> tuple[Depot | None, int, int, float]:
        """By way of a depot when there is not enough left: the nearest on the way. Then when it is there, with what."""
        direct = self.metres(here, place.position)
        enough = load >= place.litres or not self.depots or load >= truck.capacity_l
        if enough:
            return None, direct, at + drive(direct / 1000, truck.km_h), load
        depot = min(
            self.depots,
            key=lambda each: (
                self.metres(here, each.position) + self.metres(each.position, place.position),
                each.name,
            ),
        )
        metres = self.metres(here, depot.position) + self.metres(depot.position, place.position)
        return depot, metres, at + drive(metres / 1000, truck.km_h) + depot.fill_us, truck.capacity_l

    def cost_of(self, truck: Truck, order: Sequence[Place]) -> Cost:
        """What a truck's order costs; what it leaves out costs as if nobody came."""
        stops = self.stops(truck, order)
        cost = NOTHING
        for stop in stops:
            late = max(0, stop.arrives_at - max(stop.place.dry_at, self.now))
            cost += Cost(stop.place.weight if stop.dry else 0, stop.place.weight * late, stop.metres)
        if len(stops) < len(order):
            served = {stop.place.id for stop in stops}
            for place in order:
                if place.id not in served:
                    cost += self.left(place)
        return cost

    def left(self, place: Place) -> Cost:
        """What it costs when nobody comes to a place."""
        if place.dry_at >= self.until:
            return NOTHING
        return Cost(place.weight, place.weight * (self.until - max(place.dry_at, self.now)), 0)

    def total(self, orders: Sequence[Sequence[Place]]) -> Cost:
        """What a whole plan costs: an order for each truck, in the order of the trucks."""
        served = {place.id for order in orders for place in order}
        cost = NOTHING
        for truck, order in zip(self.trucks, orders, strict=True):
            cost += self.cost_of(truck, order)
        for place in self.places:
            if place.id not in served:
                cost += self.left(place)
        return cost


def weight_of(*, medical: bool, overnight: bool, fuel_priority: int | None) -> int:
    """How grave it is that a point runs dry (ours): one, more for the sick, for who sleeps there, for its priority."""
    first: Mapping[int | None, int] = {1: 3, 2: 2, 3: 1}
    return 1 + 3 * medical + 2 * overnight + first.get(fuel_priority, 0)


def lasts_until(stop: Stop) -> int | None:
    """How long what was brought lasts (µs), with what was left; None: not known."""
    rate = stop.place.l_per_h
    if not rate:
        return None
    return max(stop.place.dry_at, stop.arrives_at) + round(min(stop.litres / rate, 24 * 365) * HOUR)
