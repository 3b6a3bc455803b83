"""Time within a process: it goes on, and never back."""

import itertools

import pytest

from vardkase.runtime import clock
from vardkase.runtime.clock import DrivenClock, SystemClock, make_clock
from vardkase.runtime.settings import Settings
from vardkase_contracts.instants import HOUR, MINUTE, SECOND, parse

NOON = parse("2026-11-20T12:00:00Z")


class Computer:
    """The computer's two clocks, in the test's hand."""

    def __init__(self) -> None:
        self.wall = NOON
        self.monotonic = 5 * SECOND

    def go(self, microseconds: int) -> None:
        """Time passes."""
        self.wall += microseconds
        self.monotonic += microseconds

    def step(self, microseconds: int) -> None:
        """Somebody sets the clock."""
        self.wall += microseconds


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Computer:
    computer = Computer()
    monkeypatch.setattr(clock, "_wall", lambda: computer.wall)
    monkeypatch.setattr(clock, "_monotonic", lambda: computer.monotonic)
    return computer


def test_the_system_clock_tells_the_computers_time(computer: Computer) -> None:
    """Undisturbed, it is the computer's clock."""
    system = SystemClock()
    computer.go(90 * SECOND)
    assert system.now() == NOON + 90 * SECOND
    assert system.stepped == 0


def test_a_step_forward_is_followed_and_told(computer: Computer) -> None:
    """A clock that was behind and is set right is believed."""
    system = SystemClock()
    computer.step(HOUR)
    assert system.now() == NOON + HOUR
    assert system.stepped == HOUR


def test_a_step_back_never_takes_time_back_nor_stops_it(computer: Computer) -> None:
    """After a step back time goes on, slower, until the computer's clock has caught up; then it is followed again."""
    system = SystemClock()
    before = system.now()
    computer.step(-10 * MINUTE)
    seen = [system.now()]
    for _ in range(25):
        computer.go(MINUTE)
        seen.append(system.now())
    assert seen[0] == before
    assert seen[10] == before + 5 * MINUTE
    assert all(earlier < later for earlier, later in itertools.pairwise(seen))
    assert seen[19] > computer.wall - 6 * MINUTE
    assert seen[-1] == computer.wall
    assert system.stepped == -10 * MINUTE


def test_asking_often_does_not_stop_a_slow_clock(computer: Computer) -> None:
    """Steps of a single microsecond are not lost in rounding."""
    system = SystemClock()
    computer.step(-MINUTE)
    before = system.now()
    for _ in range(1000):
        computer.go(1)
        system.now()
    assert system.now() == before + 500


def test_a_driven_clock_starts_where_it_is_told_and_runs_at_its_speed(computer: Computer) -> None:
    """It shows the given instant at first, and then so many times real time."""
    driven = DrivenClock(start=NOON - 10 * HOUR, speed=60)
    assert driven.now() == NOON - 10 * HOUR
    computer.go(MINUTE)
    assert driven.now() == NOON - 9 * HOUR


def test_a_driven_clock_follows_real_time_once_they_have_met(computer: Computer) -> None:
    """It catches up with real time and never overtakes it."""
    driven = DrivenClock(start=NOON - HOUR, speed=61)
    computer.go(MINUTE)
    assert driven.now() == computer.wall
    computer.go(HOUR)
    assert driven.now() == computer.wall


def test_a_driven_clock_from_the_future_waits_for_real_time(computer: Computer) -> None:
    """A clock that begins ahead and goes slower is met by real time, and then follows it."""
    driven = DrivenClock(start=NOON + HOUR, speed=0)
    computer.go(HOUR - 1)
    assert driven.now() == NOON + HOUR
    computer.go(1 + MINUTE)
    assert driven.now() == computer.wall


def test_a_driven_clock_may_stand_still(computer: Computer) -> None:
    """At speed 0 it is one instant, for comparing what is judged."""
    driven = DrivenClock(start=NOON - HOUR, speed=0)
    computer.go(10 * HOUR)
    assert driven.now() == NOON - HOUR


def test_clocks_with_one_anchor_show_one_time(computer: Computer) -> None:
    """A process that is started again goes on where the others are."""
    first = DrivenClock(start=NOON - 10 * HOUR, speed=2, anchor=NOON)
    computer.go(HOUR)
    again = DrivenClock(start=NOON - 10 * HOUR, speed=2, anchor=NOON)
    assert first.now() == again.now() == NOON - 8 * HOUR


def test_a_driven_clock_never_goes_back(computer: Computer) -> None:
    """Setting the computer's clock back does not set a driven one back."""
    driven = DrivenClock(start=NOON - HOUR, speed=10)
    computer.go(MINUTE)
    before = driven.now()
    computer.step(-10 * MINUTE)
    assert driven.now() >= before
    computer.go(MINUTE)
    assert driven.now() > before
    assert driven.stepped == -10 * MINUTE


def test_the_settings_choose_the_clock(computer: Computer) -> None:
    """Without a start it is the computer's clock."""
    assert isinstance(make_clock(Settings()), SystemClock)
    driven = make_clock(Settings.model_validate({"clock_start": "2026-11-20T01:00:00Z", "clock_speed": 2.0}))
    assert driven.now() == parse("2026-11-20T01:00:00Z")
    computer.go(HOUR)
    assert driven.now() == parse("2026-11-20T03:00:00Z")
