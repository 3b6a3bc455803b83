"""Which surplus for which need: the best for all together; and saying yes to it, each side of its own."""

import random
from itertools import permutations
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from gateway_kit import state_of
from vardkase.gateway.documents import Held, Point
from vardkase.gateway.matching import match
from vardkase.gateway.needed import needs_of
from vardkase.logistics.acceptance import NotOpen, accepted, report_id
from vardkase.logistics.distance import kilometres
from vardkase.logistics.transport import FARTHEST_KM, Demand, Supply, assign
from vardkase_contracts.instants import HOUR
from vardkase_contracts.report_data import NeedData

NOW = 1_795_000_000_000_000
UMEA, LYCKSELE, SKELLEFTEA = (20.26, 63.82), (18.67, 64.60), (20.95, 64.75)


def demand(name: str, at: tuple[float, float] = UMEA, quantity: float | None = 100, **more: Any) -> Demand:
    return Demand(id=name, kind="fuel", position=at, quantity=quantity, unit="l", **more)


def supply(name: str, at: tuple[float, float] = UMEA, quantity: float | None = 100, **more: Any) -> Supply:
    return Supply(id=name, **({"kind": "fuel", "position": at, "quantity": quantity, "unit": "l"} | more))


def told(pairs: list[Any]) -> list[tuple[str, str, float | None]]:
    return [(pair.demand, pair.supply, pair.quantity) for pair in pairs]


def test_the_nearest_for_each_in_turn_is_not_the_best_for_all() -> None:
    """The first need leaves the only surplus that the second can use, though it is nearer to it."""
    demands = [demand("a", LYCKSELE), demand("b", UMEA, needed_by=NOW + 2 * HOUR)]
    supplies = [supply("near", (19.9, 63.95)), supply("far", SKELLEFTEA)]
    assert told(assign(demands, supplies, NOW)) == [("a", "far", 100), ("b", "near", 100)]


def test_one_need_is_met_by_several_and_one_surplus_meets_several() -> None:
    """Quantities are divided: nobody gives more than there is, nobody gets more than was asked for."""
    pairs = assign([demand("a", quantity=250), demand("b", quantity=50)], [supply("x"), supply("y", quantity=300)], NOW)
    given_by: dict[str, float] = {}
    got: dict[str, float] = {}
    for pair in pairs:
        given_by[pair.supply] = given_by.get(pair.supply, 0) + (pair.quantity or 0)
        got[pair.demand] = got.get(pair.demand, 0) + (pair.quantity or 0)
    assert got == {"a": 250, "b": 50}
    assert given_by.get("x", 0) <= 100
    assert given_by.get("y", 0) <= 300


def test_what_comes_too_late_stands_back() -> None:
    """The surplus goes to the need that it can reach in time, though the other is nearer and as pressing."""
    late = demand("late", UMEA, needed_by=NOW)
    soon = demand("in time", SKELLEFTEA, needed_by=NOW + 9 * HOUR)
    assert told(assign([late, soon], [supply("x")], NOW)) == [("in time", "x", 100)]
    (pair,) = assign([late], [supply("x")], NOW)
    assert pair.late, "late is better than not at all, and it says so"


def test_the_most_pressing_comes_first() -> None:
    """One urgent need outweighs a few that are not."""
    needs = [demand("u", quantity=100, priority="urgent"), *(demand(f"n{n}", quantity=25) for n in range(4))]
    assert told(assign(needs, [supply("x")], NOW)) == [("u", "x", 100)]


def test_kinds_and_units_are_not_mixed_and_nothing_comes_from_too_far() -> None:
    """Water is no fuel, kilowatts are no litres, and Malmö does not help Kiruna."""
    supplies = [supply("w", kind="water"), supply("kw", unit="kW"), supply("malmö", (13.0, 55.6))]
    assert assign([demand("kiruna", (20.2, 67.85))], supplies, NOW) == []
    assert kilometres((13.0, 55.6), (20.2, 67.85)) > FARTHEST_KM


positions = st.tuples(st.floats(18.5, 21.0), st.floats(63.6, 65.0))


@given(st.lists(positions, min_size=1, max_size=6), st.lists(positions, min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_of_equal_needs_it_is_the_assignment_of_least_way(one: list[Any], other: list[Any]) -> None:
    """Where each surplus meets one need, as many are met as can be, by scipy's own assignment and by trying all."""
    demands = [demand(f"d{n}", at, quantity=None) for n, at in enumerate(one)]
    supplies = [supply(f"s{n}", at, quantity=None) for n, at in enumerate(other)]
    pairs = assign(demands, supplies, NOW)
    assert len(pairs) == min(len(one), len(other))
    way = sum(pair.km for pair in pairs)
    rows, columns = linear_sum_assignment([[kilometres(a, b) for b in other] for a in one])
    least = sum(kilometres(one[row], other[column]) for row, column in zip(rows, columns, strict=True))
    few, many = sorted((one, other), key=len)
    tried = min(
        sum(kilometres(a, b) for a, b in zip(few, chosen, strict=True)) for chosen in permutations(many, len(few))
    )
    assert least == pytest.approx(tried, abs=1e-6)
    assert way == pytest.approx(least, abs=5), "the first of equal needs may have the nearer: a thousandth"


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_it_is_the_same_in_any_order_and_never_too_much(seed: int) -> None:
    """Surplus in another order, the same proposals; and no sum is more than what was said."""
    rng = random.Random(seed)

    def drawn() -> dict[str, Any]:
        return {
            "at": (rng.uniform(18, 21), rng.uniform(63.5, 65)),
            "quantity": rng.choice([None, 1e-3, 5, 80.5, 1e6]),
        }

    demands = [demand(f"d{n}", **drawn(), priority=rng.choice(["urgent", "low", None])) for n in range(8)]
    supplies = [supply(f"s{n}", **drawn()) for n in range(8)]
    pairs = assign(demands, supplies, NOW)
    rng.shuffle(supplies)
    assert assign(demands, supplies, NOW) == pairs
    for own, attribute in ((demands, "demand"), (supplies, "supply")):
        for each in own:
            mine = [pair for pair in pairs if getattr(pair, attribute) == each.id]
            if each.quantity is not None:
                assert sum(pair.quantity or 0 for pair in mine) <= each.quantity * (1 + 1e-6)
            unknown = [pair for pair in mine if pair.quantity is None]
            assert not unknown or len(mine) == 1, "what is not known is the whole or nothing"


# -- saying yes --------------------------------------------------------------------------------------------------------

NEED = {"need_id": "n1", "direction": "need", "kind": "fuel", "quantity": 200.0, "unit": "l", "state": "requested"}


def test_all_of_it_is_assigned_and_names_the_other() -> None:
    """One report: the same need, assigned, with its counterpart; a contract that every node takes."""
    (data,) = accepted(NEED, ("2401-b", "s1"))
    assert data == NEED | {"state": "assigned", "counterpart": {"point": "2401-b", "need_id": "s1"}}
    assert NeedData.model_validate(data).counterpart is not None


def test_of_a_part_the_rest_stays_asked_for() -> None:
    """Two reports: the rest under its own id, and the part under one of its own, always the same one."""
    rest, part = accepted(NEED, ("2401-b", "s1"), 150)
    assert (rest["need_id"], rest["quantity"], rest["state"]) == ("n1", 50, "requested")
    assert (part["part_of"], part["quantity"], part["state"]) == ("n1", 150, "assigned")
    assert part["need_id"].startswith("n1-")
    assert accepted(NEED, ("2401-b", "s1"), 150) == [rest, part]
    assert report_id("2480-a", "r", ("2401-b", "s1"), 150, 0) != report_id("2480-a", "r", ("2401-b", "s1"), 150, 1)


@pytest.mark.parametrize(("state", "quantity"), [("assigned", None), ("delivered", None), ("requested", 201)])
def test_what_is_not_open_cannot_be_agreed_to(state: str, quantity: float | None) -> None:
    """Somebody was quicker, it is over, or there is not so much."""
    with pytest.raises(NotOpen):
        accepted(NEED | {"state": state}, ("2401-b", "s1"), quantity)


def point(name: str, *needs: dict[str, Any]) -> Point:
    document = state_of(name)
    fact = document["facts"]["power"]
    document["facts"]["needs"] = {each["need_id"]: fact | {"value": each} for each in needs}
    return Point(document, Held(1, 0, orjson.dumps(document), ""))


def proposals(*points: Point) -> list[tuple[str, str, float | None, tuple[str, ...]]]:
    needs = sorted(needs_of(points, NOW), key=lambda each: each.order)
    return [(each.need.need_id, each.surplus.need_id, each.quantity, each.accepted) for each in match(needs, NOW)]


def test_a_proposal_waits_for_the_other_side_and_ends_when_both_agree() -> None:
    """Proposed; then one has said yes, and nothing else is proposed of it; then it is no proposal any more."""
    surplus = NEED | {"need_id": "s1", "direction": "surplus", "quantity": 500.0}
    assert proposals(point("2480-a", NEED), point("2401-b", surplus)) == [("n1", "s1", 200, ())]
    (yes,) = accepted(NEED, ("2401-b", "s1"))
    other = NEED | {"need_id": "n2", "quantity": 400.0}
    half = proposals(point("2480-a", yes), point("2401-b", surplus), point("2480-c", other))
    assert half == [("n1", "s1", 200, ("need",)), ("n2", "s1", 300, ())]
    rest, part = accepted(surplus, ("2480-a", "n1"), 200)
    both = proposals(point("2480-a", yes), point("2401-b", rest, part), point("2480-c", other))
    assert both == [("n2", "s1", 300, ())]
    first = proposals(point("2480-a", NEED), point("2401-b", rest, part))
    assert first == [("n1", part["need_id"], 200, ("surplus",))]
