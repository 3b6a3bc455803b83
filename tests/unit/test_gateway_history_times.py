"""The node's time and that of things stored: one, unless the node's clock is driven."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.effort import examples
from vardkase.gateway.history.times import Times
from vardkase.gateway.history.when import When, asked_when, instant
from vardkase.gateway.problems import Problem
from vardkase.runtime.settings import Settings
from vardkase_contracts.instants import DAY, HOUR, iso, parse

ANCHOR = parse("2026-11-20T12:00:00Z")


class Still:
    """A clock that shows what it is told to."""

    stepped = 0

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now


def driven(start: int, speed: float) -> Times:
    """The times of a node whose clock is driven."""
    settings = Settings(clock_start=iso(start), clock_speed=speed, clock_anchor=iso(ANCHOR))  # type: ignore[arg-type]
    return Times(settings, Still(start), Still(ANCHOR))


def test_there_is_one_time_as_a_rule() -> None:
    """Without a driven clock both are the same."""
    times = Times(Settings(), Still(5), Still(7))
    assert (times.stored(123), times.shown(123), times.now(), times.real_now()) == (123, 123, 5, 7)


@examples(100)
@given(st.sampled_from((1.1, 2.0, 60.0, 600.0)), st.sampled_from((HOUR, DAY, 20 * DAY)), st.integers(0, 40 * DAY))
def test_a_driven_clock_is_followed_until_it_meets_real_time(speed: float, back: int, after: int) -> None:
    """What was stored is shown at the time that the node's clock showed, and asked for by it; later, both are one."""
    times = driven(ANCHOR - back, speed)
    stored = ANCHOR + after
    shown = times.shown(stored)
    assert shown <= stored
    assert abs(times.stored(shown) - stored) <= 1
    assert times.shown(times.stored(shown)) == shown
    if after > back / (speed - 1) + 1:
        assert shown == stored
    assert times.stored(ANCHOR - back) == ANCHOR


def test_before_the_clock_began_nothing_was_stored() -> None:
    """An instant before the node's first lies before all that was stored."""
    assert driven(ANCHOR - DAY, 600.0).stored(ANCHOR - 2 * DAY) < ANCHOR


def test_times_in_a_query_are_rfc_3339() -> None:
    """With an offset, in any of its forms; a `+` may come as a blank."""
    expected = parse("2026-11-20T02:40:00Z")
    for text in (
        "2026-11-20T02:40:00Z",
        "2026-11-20T03:40:00+01:00",
        "2026-11-20T03:40:00 01:00",
        "2026-11-20t02:40:00z",
    ):
        assert instant("at", text) == expected
    for text in ("", "now", "2026-11-20", "2026-11-20T02:40Z", "2026-13-20T02:40:00Z", "1999-01-01T00:00:00Z", "-1"):
        with pytest.raises(Problem) as error:
            instant("at", text)
        assert (error.value.status, error.value.field) == (400, "at")


def test_what_goes_together_is_said() -> None:
    """`basis` and `known` without `at` mean nothing; `known` goes with what is observed alone."""
    assert asyncio.run(asked_when(None, None, None)) is None
    assert asyncio.run(asked_when("2026-11-20T02:40:00Z", None, None)) == When(
        parse("2026-11-20T02:40:00Z"), "known", None
    )
    for given_ in ((None, "known", None), (None, None, "2026-11-20T02:40:00Z")):
        with pytest.raises(Problem):
            asyncio.run(asked_when(*given_))  # type: ignore[arg-type]
    with pytest.raises(Problem):
        asyncio.run(asked_when("2026-11-20T02:40:00Z", "known", "2026-11-20T02:40:00Z"))
