"""Timelines: bounded, and a function of the set of stamps."""

import random
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from vardkase.domain.stamps import Entry, Stamp
from vardkase.domain.timeline import BUCKET, BUCKETS, Timeline
from vardkase_contracts.instants import HOUR, SECOND

#: 2026-11-20T08:00:00Z, the start of a bucket.
START = 1_795_161_600 * SECOND


def entry(time: int, seq: int = 0, report: str = "r") -> Entry:
    return Stamp(time, seq, report, "urn:tp:kommun:2480", "observed", False), f"{time}/{seq}/{report}"


def made(entries: Iterable[Entry]) -> Timeline:
    timeline = Timeline()
    for stamp, value in entries:
        timeline.add(stamp, value)
    return timeline


def defined(entries: Iterable[Entry]) -> list[Entry]:
    """By the words of CONTRACT §4, from the whole set at once."""
    greatest: dict[int, Entry] = {}
    for each in sorted(entries):
        greatest[each[0].time // BUCKET] = each
    newest = max(greatest)
    window = [each for bucket, each in greatest.items() if bucket > newest - BUCKETS]
    before = [each for bucket, each in greatest.items() if bucket <= newest - BUCKETS]
    return sorted(window + ([max(before)] if before else []))


#: Near the bounds of buckets and of the window of six hours, and anywhere.
TIMES = st.one_of(
    st.builds(
        lambda bucket, off: START + bucket * BUCKET + off,
        st.sampled_from((-145, -73, -72, -71, -1, 0, 1, 70, 71, 72, 73)),
        st.sampled_from((-1, 0, 1, BUCKET - 1)),
    ),
    st.integers(START - 9 * HOUR, START + 9 * HOUR),
)
ENTRIES = st.lists(
    st.builds(entry, TIMES, st.integers(0, 2), st.sampled_from("abc")),
    min_size=1,
    max_size=60,
    unique_by=lambda e: e[0],
)


@settings(max_examples=150, deadline=None)
@given(ENTRIES, st.randoms(use_true_random=False))
def test_it_holds_what_the_contract_says_in_any_order(entries: list[Entry], chance: random.Random) -> None:
    """Whatever the order and repetition, it is the greatest stamp of each bucket and the greatest before them."""
    again = entries + entries[: len(entries) // 2]
    chance.shuffle(again)
    assert list(made(again)) == defined(entries)


@settings(max_examples=100, deadline=None)
@given(ENTRIES)
def test_adding_tells_whether_anything_changed(entries: list[Entry]) -> None:
    """`add` answers true exactly when the timeline is another one afterwards."""
    timeline = Timeline()
    for stamp, value in [*entries, *entries]:
        before = list(timeline)
        assert timeline.add(stamp, value) == (list(timeline) != before)


def test_a_sensor_that_reports_every_ten_seconds_stays_bounded() -> None:
    """Ten hours of readings every 10 s leave 73 stamps: 72 buckets and the one before."""
    timeline = made(entry(START + second * SECOND, report=f"r{second}") for second in range(0, 36_000, 10))
    assert len(list(timeline)) == BUCKETS + 1


def test_the_window_is_the_newest_bucket_and_the_71_before() -> None:
    """A stamp 71 buckets behind the newest has a place of its own; of those before only the greatest stays."""
    oldest, before, first, newest = (entry(START + bucket * BUCKET) for bucket in (-1, 0, 1, 72))
    assert list(made([newest, first, before, oldest])) == [before, first, newest]


def test_the_greatest_before_the_window_is_kept_for_since_when() -> None:
    """What held before six hours of readings is still known: the last stamp before the window."""
    entries = [entry(START - 40 * HOUR), entry(START - 30 * HOUR), entry(START)]
    assert list(made(entries)) == entries[1:]


def test_seq_and_then_id_decide_at_the_same_time() -> None:
    """Of stamps at the same time the greater seq wins, then the greater id."""
    assert list(made([entry(START, 1, "a"), entry(START, 0, "c"), entry(START, 1, "b")])) == [entry(START, 1, "b")]
