"""Exercises as orders tell of them: a function of the set, and an abort that nothing takes back."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oracle import adapter
from vardkase.domain.exercises import ABORT_HOLDS, ABORT_SHOWN, KEPT, Exercises
from vardkase.domain.order_check import refusal_of
from vardkase_contracts.client import new_order
from vardkase_contracts.instants import HOUR, MINUTE, iso, parse, to_datetime
from vardkase_contracts.orders import ExerciseOrder

NOON = parse("2026-10-14T12:00:00Z")


def order(
    at: int, state: str, areas: list[str], about: str = "24", name: str = "ovning-a", **more: Any
) -> ExerciseOrder:
    """An order about an exercise that begins at noon, given so many minutes after it."""
    data = {"id": name, "name": f"Övning {name}", "areas": areas, "from": iso(NOON), "state": state, **more}
    given_at = to_datetime(NOON + at * MINUTE)
    identity = f"o-{name}-{at}-{state}-{'-'.join(areas)}"
    made = new_order(
        "exercise", about, data, role="stab", acting_for=about, reality="exe", given_at=given_at, id=identity
    )
    assert isinstance(made, ExerciseOrder)
    return made


def folded(*orders: ExerciseOrder) -> Exercises:
    """What they make."""
    found = Exercises()
    for each in orders:
        found.take(each)
    return found


def test_runs_where_it_was_ordered_until_its_end() -> None:
    """An exercise goes on in its areas, from its beginning until its end, and nowhere else."""
    found = folded(order(-5, "running", ["2480", "2482"], until=iso(NOON + 4 * HOUR)))
    assert not found.standing("2480", NOON - MINUTE).running
    assert [each.name for each in found.standing("2480", NOON).running] == ["Övning ovning-a"]
    assert found.standing("2482", NOON + HOUR).running
    assert not found.standing("2409", NOON + HOUR).running
    assert not found.standing("2480", NOON + 4 * HOUR).running
    assert found.standing("2480", NOON + 4 * HOUR).aborted is None


def test_one_kommun_aborts_and_the_rest_goes_on() -> None:
    """A kommun that aborts is out of it for good; the others go on."""
    found = folded(
        order(0, "running", ["24"]),
        order(30, "aborted", ["2480"], about="2480"),
        order(40, "running", ["24"], until=iso(NOON + 5 * HOUR)),
    )
    umea = found.standing("2480", NOON + HOUR)
    assert (umea.running, umea.aborted and umea.aborted.at) == ((), NOON + 30 * MINUTE)
    assert found.standing("2482", NOON + HOUR).running
    (told,) = found.listed(["2480", "2482"], NOON + HOUR)
    assert (told["state"], told["running"]) == ("running", ["2482"])
    assert told["aborted"] == [{"kommun": "2480", "at": "2026-10-14T12:30:00Z"}]


def test_abort_before_its_beginning_is_known() -> None:
    """An abort that arrives before the order to begin counts all the same."""
    found = folded(order(10, "aborted", ["2480"], about="2480"))
    assert found.standing("2480", NOON + 11 * MINUTE).aborted is not None
    found.take(order(0, "running", ["24"]))
    assert found.standing("2480", NOON + 11 * MINUTE).running == ()
    assert found.standing("2482", NOON + 11 * MINUTE).running


def test_abort_holds_until_another_exercise_begins() -> None:
    """Exercise reports are taken again when another exercise has begun since, or after thirty days."""
    found = folded(order(0, "running", ["24"]), order(30, "aborted", ["24"]))
    assert found.standing("2480", NOON + 5 * ABORT_SHOWN).aborted is not None
    assert found.standing("2480", NOON + ABORT_HOLDS + HOUR).aborted is None
    old = order(-60, "running", ["24"], name="ovning-b")
    found.take(old)
    assert found.standing("2480", NOON + HOUR).aborted is not None, "one that began before tells nothing new"
    found.take(order(120, "running", ["24"], name="ovning-c", **{"from": iso(NOON + 2 * HOUR)}))
    later = found.standing("2480", NOON + 3 * HOUR)
    assert later.aborted is None
    assert "ovning-c" in [each.id for each in later.running]


def test_what_is_over_is_told_for_a_day() -> None:
    """Who comes to the next shift is told that an exercise has ended; the day after not any more."""
    found = folded(order(0, "running", ["24"]), order(60, "stopped", ["24"]))
    (told,) = found.listed(["2480"], NOON + 2 * HOUR)
    assert told["state"] == "stopped"
    assert found.listed(["0180"], NOON + 2 * HOUR) == []
    assert found.listed(["2480"], NOON + HOUR + ABORT_SHOWN) == []


def test_reaches_no_further_than_its_area() -> None:
    """A kommun's order does not abort its neighbour's exercise."""
    refusal = refusal_of(order(0, "aborted", ["2482"], about="2480"), adapter.rules())
    assert refusal is not None
    assert (refusal.reason, refusal.field) == ("subject_mismatch", "data.areas")
    assert refusal_of(order(0, "aborted", ["2480"], about="24"), adapter.rules()) is None


def test_exercises_are_bounded() -> None:
    """Those last changed are kept, and an abort for as long as its exercise is, whatever is said after it."""
    found = folded(order(0, "aborted", ["2480"], about="24"))
    for minute in range(1, 30):
        found.take(order(minute, "running", ["24"]))
    assert "ovning-a" not in {each.id for each in found.standing("2480", NOON + HOUR).running}
    for number in range(KEPT + 3):
        found.take(order(60, "running", ["24"], name=f"ovning-{number}"))
    assert (len(found), found.left_out) == (KEPT, 4)


_ORDERS = st.lists(
    st.tuples(
        st.integers(-60, 240),
        st.sampled_from(["running", "stopped", "aborted"]),
        st.sampled_from([("24", ["24"]), ("24", ["2480", "2482"]), ("2480", ["2480"]), ("2482", ["2482"])]),
        st.sampled_from(["ovning-a", "ovning-b"]),
    ),
    max_size=7,
)


@given(_ORDERS, st.integers(0, 300), st.randoms(use_true_random=False))
def test_any_order_and_repetition(
    drawn: list[tuple[int, str, tuple[str, list[str]], str]], minutes: int, shuffler: random.Random
) -> None:
    """The same orders in any order, and twice, tell the same; and what was aborted runs nowhere again."""
    orders = [order(at, state, areas, about, name) for at, state, (about, areas), name in drawn]
    again = [*orders, *orders[:3]]
    shuffler.shuffle(again)
    one, other = folded(*orders), folded(*again)
    now = NOON + minutes * MINUTE
    for kommun in ("2480", "2482", "2409"):
        assert one.standing(kommun, now) == other.standing(kommun, now)
    assert one.listed(["2480", "2482"], now) == other.listed(["2480", "2482"], now)
    aborted = {
        each.data.id
        for each in orders
        if each.data.state == "aborted" and set(each.data.areas) & {"24", "2480"} and each.time <= to_datetime(now)
    }
    assert not aborted & {each.id for each in one.standing("2480", now).running}
