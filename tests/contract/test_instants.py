from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vardkase_contracts.instants import HOUR, SECOND, from_datetime, iso, parse, to_datetime

INSTANTS = st.integers(min_value=-(10**15), max_value=4 * 10**15)


@given(INSTANTS)
def test_round_trip(instant: int) -> None:
    """An instant survives text and datetime to the microsecond."""
    assert instant == parse(iso(instant)) == from_datetime(to_datetime(instant))


@given(INSTANTS, INSTANTS)
def test_text_of_whole_seconds_sorts_like_time(one: int, other: int) -> None:
    """Texts of whole seconds after the year 1000 sort as the instants do."""
    one, other = one // SECOND * SECOND, other // SECOND * SECOND
    assert (one < other) == (iso(one) < iso(other))


def test_text() -> None:
    """A fraction stands only where there is one; offsets become UTC."""
    assert iso(parse("2026-11-20T03:40:00+01:00")) == "2026-11-20T02:40:00Z"
    assert iso(parse("2026-11-20T02:40:00.5Z")) == "2026-11-20T02:40:00.500000Z"
    assert iso(parse("2026-11-20T02:40:00.123456789Z")) == "2026-11-20T02:40:00.123456Z"
    assert iso(parse("2026-11-20t02:40:00z")) == "2026-11-20T02:40:00Z"
    assert from_datetime(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == from_datetime(
        datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert parse("1970-01-01T01:00:00Z") == HOUR


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-20",
        "2026-11-20T02:40",
        "2026-11-20T02:40Z",
        "2026-11-20T02:40:00",
        "2026-11-20 02:40:00Z",
        "2026-W47-5T02:40:00Z",
        "20261120T024000Z",
        "1763606400",
        "2026-02-30T00:00:00Z",
        "2026-11-20T24:00:01Z",
        "2026-11-20T02:40:60Z",
        "2026-11-20T02:40:00+0100",
        "2026-11-20T02:40:00Z\n",
        "٢٠٢٦-11-20T02:40:00Z",
    ],
)
def test_no_instant(text: str) -> None:
    """What is not RFC 3339 with an offset is refused."""
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


def test_naive_is_no_instant() -> None:
    """A datetime without an offset is refused."""
    with pytest.raises(ValueError, match="offset"):
        from_datetime(datetime(2026, 11, 20))  # noqa: DTZ001 -- the fault
