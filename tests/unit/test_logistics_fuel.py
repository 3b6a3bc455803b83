"""The fuel round: never worse than simple orders, mostly the best there is, and always the same."""

import random
from itertools import permutations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from vardkase.logistics.fuel import Cost, Depot, Place, Task, Truck, lasts_until, weight_of
from vardkase.logistics.search import earliest_first, nearest_first, plan
from vardkase_contracts.instants import HOUR, MINUTE

NOW = 1_795_000_000_000_000
UMEA = (20.26, 63.82)


def place(name: str, lon: float, lat: float, hours: float, *, litres: float = 100, weight: int = 1) -> Place:
    """A point that runs dry after so many hours."""
    return Place(
        id=name, position=(lon, lat), dry_at=NOW + round(hours * HOUR), litres=litres, weight=weight, l_per_h=10
    )


def truck(name: str = "A", *, litres: float = 1000, at: tuple[float, float] = UMEA, stop: int = 20) -> Truck:
    """A truck that sets off now."""
    return Truck(name=name, position=at, litres=litres, capacity_l=1000, stop_us=stop * MINUTE)


def task(places: list[Place], trucks: list[Truck], depots: list[Depot] | None = None) -> Task:
    """A round of a day."""
    return Task(now=NOW, until=NOW + 24 * HOUR, places=places, trucks=trucks, depots=depots or [])


def drawn(rng: random.Random, points: int, trucks: int, *, depot: bool = True) -> Task:
    """A round in a län: points some 60 km around, deadlines within the day."""
    places = [
        place(
            f"p{n}",
            UMEA[0] + rng.uniform(-1.2, 1.2),
            UMEA[1] + rng.uniform(-0.6, 0.6),
            rng.uniform(0.2, 9),
            litres=rng.choice([60, 150, 400]),
            weight=rng.choice([1, 1, 2, 4, 6]),
        )
        for n in range(points)
    ]
    own = [truck(f"t{n}", litres=rng.choice([300, 1000]), stop=rng.choice([20, 45])) for n in range(trucks)]
    return task(places, own, [Depot(name="d", position=UMEA)] if depot else [])


def best_of_all(round_: Task) -> Cost:
    """By trying every order, every division and every leaving out."""
    names = range(len(round_.trucks) + 1)
    found: Cost | None = None
    for owners in product(names, repeat=len(round_.places)):
        cost = Cost(0, 0, 0)
        for number in names:
            own = [place for place, owner in zip(round_.places, owners, strict=True) if owner == number]
            if number == len(round_.trucks):
                for each in own:
                    cost += round_.left(each)
            elif own:
                cost += min(round_.cost_of(round_.trucks[number], order) for order in permutations(own))
        found = cost if found is None else min(found, cost)
    assert found is not None
    return found


def test_who_runs_dry_first_is_not_always_next() -> None:
    """One that is lost anyway waits: two others, on the way, are kept from it."""
    far = place("far", 24.0, 65.8, 0.5)
    near = [place("one", 20.3, 63.83, 1.0), place("two", 20.4, 63.85, 1.5)]
    round_ = task([far, *near], [truck()])
    (order,) = plan(round_)
    assert [each.id for each in order] == ["one", "two", "far"]
    stops = round_.stops(round_.trucks[0], order)
    assert [stop.dry for stop in stops] == [False, False, True]


def test_the_heavy_one_is_saved() -> None:
    """When one of two must run dry it is the one of less weight: devices for the sick are on the other."""
    places = [place("gym", 20.9, 63.8, 1.2, weight=1), place("sick", 19.6, 63.8, 1.2, weight=4)]
    (order,) = plan(task(places, [truck()]))
    assert order[0].id == "sick"


def test_an_empty_truck_is_filled_on_the_way() -> None:
    """It goes by the depot when it has not enough, and what that takes stands in the times."""
    round_ = task([place("one", 20.3, 63.83, 5, litres=400)], [truck(litres=50)], [Depot(name="Depån", position=UMEA)])
    (stop,) = round_.stops(round_.trucks[0], round_.places)
    assert (stop.depot, stop.litres) == ("Depån", 400)
    assert stop.arrives_at > NOW + 30 * MINUTE
    assert lasts_until(stop) == stop.place.dry_at + 40 * HOUR


def test_without_a_depot_what_is_left_is_given() -> None:
    """The last litres go out, and where none are left nobody comes."""
    places = [place(f"p{n}", 20.3 + n / 100, 63.83, 5, litres=400) for n in range(4)]
    round_ = task(places, [truck(litres=1000)])
    (order,) = plan(round_)
    assert sorted(stop.litres for stop in round_.stops(round_.trucks[0], order)) == [200, 400, 400]


def test_weights_are_those_that_are_told() -> None:
    """Devices for the sick weigh more than overnight guests, and a first priority adds as much."""
    assert weight_of(medical=False, overnight=False, fuel_priority=None) == 1
    assert weight_of(medical=True, overnight=True, fuel_priority=1) == 9
    assert weight_of(medical=False, overnight=False, fuel_priority=7) == 1


def test_nothing_to_do_is_a_plan_too() -> None:
    """No trucks, or no points."""
    assert plan(task([place("one", 20.3, 63.8, 1)], [])) == []
    assert plan(task([], [truck()])) == [[]]


@given(st.integers(0, 10_000), st.integers(1, 14), st.integers(1, 3), st.booleans())
@settings(max_examples=20, deadline=None)
def test_it_is_never_worse_than_what_one_would_do_without_thinking(
    seed: int,
    points: int,
    trucks: int,
    depot: bool,  # noqa: FBT001 -- drawn
) -> None:
    """Not than nearest first, and not than earliest deadline first; nobody is visited twice, nobody gets more."""
    round_ = drawn(random.Random(seed), points, trucks, depot=depot)
    found = plan(round_, looks=1200)
    cost = round_.total(found)
    assert cost <= round_.total(nearest_first(round_))
    assert cost <= round_.total(earliest_first(round_))
    served = [each.id for order in found for each in order]
    assert len(served) == len(set(served))
    for own, order in zip(round_.trucks, found, strict=True):
        stops = round_.stops(own, order)
        assert [stop.place for stop in stops] == order, "a stop that nobody comes to is in no order"
        assert all(0 < stop.litres <= stop.place.litres for stop in stops)
        assert all(NOW <= stop.arrives_at <= round_.until for stop in stops)
        if not depot:
            assert sum(stop.litres for stop in stops) <= own.litres


@given(st.integers(0, 1000))
@settings(max_examples=4, deadline=None)
def test_the_same_task_has_the_same_answer(seed: int) -> None:
    """Also when the points are told in another order."""
    one = drawn(random.Random(seed), 8, 2)
    again = task(sorted(one.places, key=lambda each: each.litres), list(one.trucks), list(one.depots))
    assert plan(one, looks=800) == plan(again, looks=800)


def test_small_rounds_are_mostly_the_best_there_is() -> None:
    """Of 20 rounds of up to five points and two trucks nearly all are; none is worse in points that run dry."""
    rng = random.Random(7)
    rounds = [drawn(rng, rng.randint(3, 5), rng.randint(1, 2)) for _ in range(20)]
    found = [(round_.total(plan(round_)), best_of_all(round_)) for round_ in rounds]
    assert all(cost >= best for cost, best in found)
    assert sum(cost == best for cost, best in found) >= 19
    assert all(cost.dry == best.dry for cost, best in found)
