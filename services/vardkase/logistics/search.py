"""The search for a good fuel round: the better of simple orders, mended step by step, and ruined and rebuilt. Pure.

Begun from the best of nearest-first, earliest-deadline-first and cheapest insertion, so it is never worse than those.
Then places are moved, exchanged and orders turned round while that is better; then a part of the plan is taken out and
put in again where it is cheapest (large neighbourhood search: Shaw, CP 1998; Pisinger and Ropke, Computers & Operations
Research 34, 2007). It ends after so many looks at an order, not after so much time: the same task has the same answer
on every computer.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from .fuel import Cost, Place, Task

Plan = list[list[Place]]

LOOKS: Final = 15_000
"""Looks at the order of one truck before the search ends."""
_IDLE: Final = 150
"""It ends after so many rebuildings in a row that brought nothing."""
_SEED: Final = 20171
"""Of the choices of what is taken out: any would do, and it is always the same."""


class _Spent(Exception):  # noqa: N818 -- what it is
    """No more looks are left."""


class _Search:
    def __init__(self, task: Task, looks: int) -> None:
        self.task = task
        self.left = looks
        self._known: dict[tuple[int, tuple[str, ...]], Cost] = {}

    def cost(self, truck: int, order: Sequence[Place]) -> Cost:
        key = truck, tuple(place.id for place in order)
        found = self._known.get(key)
        if found is None:
            if self.left <= 0:
                raise _Spent
            self.left -= 1
            found = self._known[key] = self.task.cost_of(self.task.trucks[truck], order)
        return found


def plan(task: Task, looks: int = LOOKS) -> Plan:
    """A good order for each truck, in the order of the trucks.

    Args:
        task: the round.
        looks: how much is tried.
    """
    if not task.trucks or not task.places:
        return [[] for _ in task.trucks]
    task = replace(task, places=sorted(task.places, key=lambda place: place.id))
    search = _Search(task, looks)
    starts = (nearest_first(task), earliest_first(task))
    best = min(starts, key=task.total)
    try:
        inserted = _inserted(search, [[] for _ in task.trucks], _by_deadline(task.places))
        best = min((best, inserted), key=task.total)
        best = _mended(search, best)
        best = _rebuilt(search, best)
    except _Spent as spent:
        kept = spent.args[0] if spent.args else None
        best = best if kept is None else min((best, kept), key=task.total)
    return _trimmed(task, best)


def nearest_first(task: Task) -> Plan:
    """Each truck in turn goes to the nearest place that is left: what one would do without thinking."""
    return _dispatched(task, lambda metres, place: (metres, place.dry_at, place.id))


def earliest_first(task: Task) -> Plan:
    """Whoever runs dry first is next, for the truck that is there first."""
    return _dispatched(task, lambda metres, place: (place.dry_at, metres, place.id))


def _dispatched(task: Task, key: Callable[[int, Place], tuple[object, ...]]) -> Plan:
    """Always the truck that is free first goes on, to the first by a key of those that it can come to."""
    orders: Plan = [[] for _ in task.trucks]
    free = {number: (max(task.now, truck.free_at), truck.position) for number, truck in enumerate(task.trucks)}
    waiting = list(task.places)
    while waiting and free:
        number = min(free, key=lambda each: (free[each][0], each))
        truck, here = task.trucks[number], free[number][1]
        for place in sorted(waiting, key=lambda each: key(task.metres(here, each.position), each)):
            stops = task.stops(truck, [*orders[number], place])
            if len(stops) == len(orders[number]) + 1:
                orders[number].append(place)
                waiting.remove(place)
                free[number] = stops[-1].arrives_at + truck.stop_us, place.position
                break
        else:
            del free[number]
    return orders


def _by_deadline(places: Sequence[Place]) -> list[Place]:
    return sorted(places, key=lambda place: (place.dry_at, -place.weight, place.id))


def _inserted(search: _Search, orders: Plan, places: Sequence[Place]) -> Plan:
    """Places put in, one after another, where each is cheapest, or left out where that is."""
    orders = [list(order) for order in orders]
    for place in places:
        best: tuple[Cost, int, int] | None = None
        without = search.task.left(place)
        for number, order in enumerate(orders):
            before = search.cost(number, order)
            for at in range(len(order) + 1):
                tried = search.cost(number, [*order[:at], place, *order[at:]])
                more = Cost(*(new - old for new, old in zip(tried, before, strict=True)))
                if best is None or (more, number, at) < best:
                    best = more, number, at
        if best is not None and best[0] < without:
            orders[best[1]].insert(best[2], place)
    return orders


def _mended(search: _Search, orders: Plan) -> Plan:
    """Moved, exchanged and turned round, as long as that is better."""
    current = [list(order) for order in orders]
    better = True
    while better:
        better = False
        for changed in _neighbours(search.task, current):
            try:
                gain = _gain(search, current, changed)
            except _Spent:
                raise _Spent(current) from None
            if gain:
                for number, order in changed.items():
                    current[number] = order
                better = True
                break
    return current


def _gain(search: _Search, current: Plan, changed: dict[int, list[Place]]) -> bool:
    """Whether a change makes the whole plan better. What is in no order any more, or newly in one, counts too."""
    old = [place for number in changed for place in current[number]]
    new = [place for order in changed.values() for place in order]
    kept = {place.id for place in new}
    had = {place.id for place in old}
    before = sum((search.cost(number, current[number]) for number in changed), start=Cost(0, 0, 0))
    after = sum((search.cost(number, order) for number, order in changed.items()), start=Cost(0, 0, 0))
    for place in old:
        if place.id not in kept:
            after += search.task.left(place)
    for place in new:
        if place.id not in had:
            before += search.task.left(place)
    return after < before


def _neighbours(task: Task, current: Plan) -> Iterator[dict[int, list[Place]]]:
    """Plans that differ a little: as the orders of the trucks that change."""
    yield from _newly_served(task, current)
    yield from _moved(current)
    yield from _turned(current)
    yield from _exchanged(current)


def _newly_served(task: Task, current: Plan) -> Iterator[dict[int, list[Place]]]:
    served = {place.id for order in current for place in order}
    for place in task.places:
        if place.id not in served:
            for number, order in enumerate(current):
                for at in range(len(order) + 1):
                    yield {number: [*order[:at], place, *order[at:]]}


def _moved(current: Plan) -> Iterator[dict[int, list[Place]]]:
    """One place left out, or elsewhere."""
    for number, order in enumerate(current):
        for at, place in enumerate(order):
            without = [*order[:at], *order[at + 1 :]]
            yield {number: without}
            for other, theirs in enumerate(current):
                if other == number:
                    for to in (to for to in range(len(order)) if to != at):
                        yield {number: [*without[:to], place, *without[to:]]}
                else:
                    for to in range(len(theirs) + 1):
                        yield {number: without, other: [*theirs[:to], place, *theirs[to:]]}


def _turned(current: Plan) -> Iterator[dict[int, list[Place]]]:
    """A part of an order the other way round."""
    for number, order in enumerate(current):
        for at in range(len(order)):
            for end in range(at + 2, len(order) + 1):
                yield {number: [*order[:at], *reversed(order[at:end]), *order[end:]]}


def _exchanged(current: Plan) -> Iterator[dict[int, list[Place]]]:
    """Two places of two trucks."""
    for number, order in enumerate(current):
        for at, place in enumerate(order):
            for other in range(number + 1, len(current)):
                theirs = current[other]
                for to, their in enumerate(theirs):
                    yield {
                        number: [*order[:at], their, *order[at + 1 :]],
                        other: [*theirs[:to], place, *theirs[to + 1 :]],
                    }


def _rebuilt(search: _Search, orders: Plan) -> Plan:
    """A part of the plan taken out and put in again where it is cheapest; kept when it is better."""
    task, rng = search.task, random.Random(_SEED)  # noqa: S311 -- no secret: the same choices each time
    best, cost, idle = orders, task.total(orders), 0
    try:
        while idle < _IDLE:
            idle += 1
            out = _chosen(task, best, rng)
            kept = [[place for place in order if place.id not in out] for order in best]
            inside = {place.id for order in kept for place in order}
            back = [place for place in task.places if place.id not in inside]
            rng.shuffle(back)
            if rng.random() < 0.5:
                back = _by_deadline(back)
            tried = _mended(search, _inserted(search, kept, back))
            new = task.total(tried)
            if new < cost:
                best, cost, idle = tried, new, 0
    except _Spent:
        raise _Spent(best) from None
    return best


def _chosen(task: Task, orders: Plan, rng: random.Random) -> set[str]:
    """What is taken out: places near to one another, or any."""
    places = [place for order in orders for place in order]
    if not places:
        return set()
    count = rng.randint(1, max(1, min(12, len(places) // 2 + 1)))
    if rng.random() < 0.5:
        middle = rng.choice(places)
        places.sort(key=lambda place: (task.metres(middle.position, place.position), place.id))
        return {place.id for place in places[:count]}
    return {place.id for place in rng.sample(places, min(count, len(places)))}


def _trimmed(task: Task, orders: Plan) -> Plan:
    """Without what a truck cannot come to anyway."""
    return [[stop.place for stop in task.stops(truck, order)] for truck, order in zip(task.trucks, orders, strict=True)]
