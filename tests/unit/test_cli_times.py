from datetime import UTC, datetime

import pytest

from vardkase.cli.times import day_and_clock, parse_coming, parse_past, span
from vardkase.runtime.errors import Refused

NOW = datetime(2026, 11, 20, 2, 40, tzinfo=UTC)  # 03:40 in Sweden


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (41 * 60, "41 min"),
        (3600, "1 h"),
        (3 * 3600 + 20 * 60, "3 h 20 min"),
        (86_400, "1 d"),
        (2 * 86_400 + 4 * 3600, "2 d 4 h"),
    ],
)
def test_a_span_has_at_most_two_units(seconds: float, text: str) -> None:
    """How long something lasted, as short as it can be said."""
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("20m", "2026-11-20T02:20:00+00:00"),
        ("-2h", "2026-11-20T00:40:00+00:00"),
        ("03:40", "2026-11-20T02:40:00+00:00"),
        ("3.15", "2026-11-20T02:15:00+00:00"),
        ("23:30", "2026-11-19T22:30:00+00:00"),
        ("2026-11-20T03:00:00+01:00", "2026-11-20T02:00:00+00:00"),
    ],
)
def test_a_time_that_has_been(text: str, iso: str) -> None:
    """How long ago, or the last time it was that o'clock in Sweden."""
    assert parse_past(text, option="--observed", now=NOW).isoformat() == iso


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2h", "2026-11-20T04:40:00+00:00"),
        ("07:30", "2026-11-20T06:30:00+00:00"),
        ("03:40", "2026-11-21T02:40:00+00:00"),
    ],
)
def test_a_time_to_come(text: str, iso: str) -> None:
    """For how long, or the next time it is that o'clock in Sweden."""
    assert parse_coming(text, option="--until", now=NOW).isoformat() == iso


def test_the_clock_of_a_day_when_it_is_moved() -> None:
    """On the day that summer time ends, 12:00 the day before is 25 hours before 12:00."""
    noon = datetime(2026, 10, 25, 10, 30, tzinfo=UTC)  # 11:30, winter time since 03:00
    assert parse_past("12:00", option="--observed", now=noon).isoformat() == "2026-10-24T10:00:00+00:00"


def test_a_text_that_is_no_time_names_its_option() -> None:
    """The line says which option, and what it takes."""
    with pytest.raises(Refused, match=r"--observed: expected a time"):
        parse_past("förut", option="--observed", now=NOW)


def test_dates_are_swedish() -> None:
    """A date and what o'clock it is in Sweden."""
    assert day_and_clock(NOW) == "20 nov 03:40"
