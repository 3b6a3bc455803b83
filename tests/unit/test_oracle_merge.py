"""Merge compared with its definition: identities, withdrawals, last words, and the stamps that timelines keep."""

from collections.abc import Sequence
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from oracle import adapter, make, strategies
from oracle.effort import examples
from oracle.make import Told
from oracle.merge import Given, fold
from oracle.merged import merged

QUICK = examples(60)


def agree(reports: Sequence[Given]) -> None:
    """The program's states say what the definitions say, of every point."""
    by_definition = {point_id: merged(point) for point_id, point in fold(reports).items()}
    assert by_definition == {point_id: adapter.merged(state) for point_id, state in adapter.states(reports).items()}


POINTS = (*strategies.POINTS[:2], f"{strategies.KOMMUN}-_", "2481-_", "2481-lycksele")


@QUICK
@given(strategies.stories(points=POINTS, untidy=True))
def test_any_set_of_reports_merges_as_defined(story: list[Told]) -> None:
    """Copies of an id, withdrawals, late reports, fast clocks and ties come to what the definitions say."""
    agree(make.given(story))


@QUICK
@given(strategies.seconds_apart())
def test_reports_within_the_same_bucket_merge_as_defined(story: list[Told]) -> None:
    """Of each bucket the greatest stamp stays, and what was last known, seconds apart."""
    agree(make.given(story))


@QUICK
@given(strategies.dense())
def test_long_timelines_are_thinned_as_defined(story: list[Told]) -> None:
    """Readings over more than 72 buckets leave those buckets, the one before them, and what was last known."""
    agree(make.given(story))


@examples(10)
@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 300)), min_size=66, max_size=90))
def test_the_greatest_needs_are_kept(needs: list[tuple[int, int]]) -> None:
    """Of more than 64 needs the 64 greatest stamps stay."""
    agree(make.given(Told(minute, "need", {"need_id": f"n{n}", "kind": "fuel"}) for n, minute in needs))


@QUICK
@given(strategies.stories(points=POINTS, untidy=True), st.data())
def test_order_and_repetition_do_not_matter(story: list[Told], data: st.DataObject) -> None:
    """A state's document, its version with it, is a function of the set of reports."""
    reports = make.given(story)
    again = data.draw(st.permutations([*reports, *data.draw(st.lists(st.sampled_from(reports), max_size=5))]))
    assert adapter.documents(reports) == adapter.documents(again)


@QUICK
@given(strategies.stories(points=POINTS), st.data())
def test_a_state_that_was_stored_goes_on_as_if_it_had_not_been(story: list[Told], data: st.DataObject) -> None:
    """Loading a document and merging the rest into it gives what merging everything gives."""
    one_of_each = [next(same) for _, same in groupby(sorted(make.given(story), key=_id), key=_id)]
    reports = data.draw(st.permutations(one_of_each))
    cut = data.draw(st.integers(0, len(reports)))
    assert adapter.documents(reports) == adapter.resumed(reports[:cut], reports[cut:])


def _id(report: Given) -> tuple[str, str, str]:
    return report.identity
