"""Intervals do what sets of instants do, instant by instant."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from vardkase.domain.intervals import (
    FOREVER,
    Intervals,
    complement,
    containing,
    difference,
    held_for,
    intersection,
    kept,
    next_change,
    normal,
    union,
)

LAST = 30
RAW = st.lists(st.tuples(st.integers(0, LAST), st.integers(0, LAST)), max_size=6)
SETS = RAW.map(normal)
DURATIONS = st.integers(0, 12)


def instants(intervals: Intervals) -> set[int]:
    """The whole instants of a set, one by one."""
    return {at for start, end in intervals for at in range(max(start, 0), min(end, LAST + 1))}


def is_normal(intervals: Intervals) -> bool:
    """Sorted, none empty, none touching."""
    flat = [bound for interval in intervals for bound in interval]
    return all(one < other for one, other in pairwise(flat))


@settings(deadline=None)
@given(RAW)
def test_normal_keeps_the_instants(raw: Intervals) -> None:
    """Whatever the intervals given, the normal form holds the same instants, sorted and apart."""
    found = normal(raw)
    assert is_normal(found)
    assert instants(found) == {at for start, end in raw for at in range(start, end)}


@settings(deadline=None)
@given(SETS, SETS)
def test_union_intersection_and_difference_are_those_of_sets(one: Intervals, other: Intervals) -> None:
    """Sets of instants are united, cut and taken from each other as sets are."""
    for found, expected in (
        (union(one, other), instants(one) | instants(other)),
        (intersection(one, other), instants(one) & instants(other)),
        (difference(one, other), instants(one) - instants(other)),
    ):
        assert is_normal(found)
        assert instants(found) == expected


@settings(deadline=None)
@given(SETS)
def test_the_complement_is_all_else_for_ever(one: Intervals) -> None:
    """The complement of a complement is the set, and the two share nothing."""
    other = complement(one)
    assert complement(other) == one
    assert not intersection(one, other)
    assert union(one, other) == [(-FOREVER, FOREVER)]


@settings(deadline=None)
@given(SETS, DURATIONS)
def test_held_for_is_for(one: Intervals, duration: int) -> None:
    """An instant is held for a duration when all instants of that duration before it are in the set, too."""
    expected = {at for at in instants(one) if set(range(at - duration, at + 1)) <= instants(one)}
    assert instants(held_for(one, duration)) == expected
    assert is_normal(held_for(one, duration))


@settings(deadline=None)
@given(SETS, DURATIONS, SETS)
def test_kept_is_keep_firing_for_within_the_scope(raw: Intervals, duration: int, scope: Intervals) -> None:
    """A set goes on for a duration after each instant of it, but not past the end of its stretch of the scope."""
    one = intersection(raw, scope)
    expected = {
        later
        for at in instants(one)
        for later in range(at, at + duration + 1)
        if set(range(at, later + 1)) <= instants(scope)
    }
    found = kept(one, duration, scope)
    assert is_normal(found)
    assert instants(found) == expected


@settings(deadline=None)
@given(SETS, st.integers(0, LAST))
def test_containing_is_the_stretch_around_an_instant(one: Intervals, instant: int) -> None:
    """The interval that contains an instant is found exactly when the instant is in the set."""
    found = containing(one, instant)
    assert (found is not None) == (instant in instants(one))
    assert found is None or (found in one and found[0] <= instant < found[1])


@settings(deadline=None)
@given(SETS, st.integers(-1, LAST))
def test_next_change_is_the_first_instant_that_differs(one: Intervals, instant: int) -> None:
    """Up to the next change, and not longer, the set says the same as now; after the last nothing changes."""
    inside = instants(one)
    expected = next((at for at in range(instant + 1, LAST + 2) if (at in inside) != (at - 1 in inside)), FOREVER)
    assert next_change(one, instant) == expected
