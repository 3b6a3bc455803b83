"""Times as people in Sweden say them."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vardkase.gateway.reporting import times
from vardkase_contracts.instants import DAY, HOUR, MINUTE, from_datetime, parse

NOW = parse("2026-11-20T20:42:00Z")
"""21:42 in Sweden."""
CLOCKS = st.times().map(lambda at: at.replace(second=0, microsecond=0))
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(  # noqa: DTZ001 -- made aware below
    lambda then: from_datetime(then.replace(tzinfo=UTC))
)


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("2026-11-20T20:10:00Z", "kl 21:10"),
        ("2026-11-19T20:10:00Z", "i går kl 21:10"),
        ("2026-11-20T23:30:00Z", "i morgon kl 00:30"),
        ("2026-11-18T20:10:00Z", "18 nov kl 21:10"),
        ("2025-11-18T20:10:00Z", "18 nov 2025 kl 21:10"),
        ("2026-07-01T20:10:00Z", "1 juli kl 22:10"),
    ],
)
def test_a_time_is_told_as_the_clock_on_the_wall_shows_it(then: str, told: str) -> None:
    """A time is told as the clock on the wall in Sweden shows it, summer and winter, with the day if it is another."""
    assert times.clock(parse(then), NOW) == told


def test_ages_are_told_in_the_unit_that_says_something() -> None:
    """Ages are told in minutes, hours and days, and never as negative."""
    ages = [-MINUTE, 30_000_000, 32 * MINUTE, 190 * MINUTE, 12 * HOUR, 47 * HOUR, 3 * DAY]
    assert [times.ago(NOW - age, NOW) for age in ages] == [
        *("nyss", "nyss", "32 min sedan", "3 tim 10 min sedan", "12 tim sedan", "47 tim sedan", "3 dygn sedan"),
    ]


@pytest.mark.parametrize("text", ["21:10", "21.10", "2110", " 21:10 "])
def test_a_time_of_day_is_taken_as_people_write_it(text: str) -> None:
    """A time of day is taken with a colon, a dot, or nothing between."""
    assert times.parse_clock(text) == time(21, 10)


@pytest.mark.parametrize("text", ["", "24:00", "21:60", "kl 21", "21:1", "211", "2 110", "21:10:00"])
def test_what_is_no_time_of_day_is_not_guessed(text: str) -> None:
    """What is no time of day is not guessed at; three digits are h:mm."""
    assert times.parse_clock(text) == (time(2, 11) if text == "211" else None)


@given(CLOCKS, st.integers(0, 7), INSTANTS)
def test_the_next_time_of_day_is_ahead_and_within_the_day(at: time, days: int, after: int) -> None:
    """The next time of day lies ahead, within a day and the days that were said, and shows on the clock as said."""
    found = times.next_at(at, days, after)
    # A night when clocks change is an hour longer, or shorter.
    assert -2 * HOUR <= found - after - days * DAY <= DAY + 2 * HOUR
    assert found > after
    assert abs((times.local(found).hour - at.hour) % 24) in {0, 1, 23}


@given(CLOCKS, st.integers(0, 7), INSTANTS)
def test_the_latest_time_of_day_is_past_and_within_the_day(at: time, days: int, before: int) -> None:
    """What was seen at a time of day was seen at the latest such time, or as many days before as was said."""
    found = times.latest_at(at, days, before)
    assert -2 * HOUR <= before - found - days * DAY < DAY + 2 * HOUR
    assert found <= before
