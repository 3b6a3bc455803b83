"""The time of a process. The domain has no clock; whoever calls it asks here.

Time never goes back within a process, whatever is done to the computer's clock: judging is a function of the instant,
and an earlier instant than the last would take back what was just said.
"""

import time
from dataclasses import dataclass
from typing import Final, Protocol

from vardkase.runtime.settings import Settings
from vardkase_contracts.instants import iso

_SLEW: Final = 2
"""While the computer's clock is behind, time goes at one part in so many of real time until the two meet: it neither
goes back nor stands still, since endurance must run down whatever happens."""


class Clock(Protocol):
    """What time it is."""

    def now(self) -> int:
        """µs since the epoch, UTC; never less than the time before. For one thread."""
        ...

    @property
    def stepped(self) -> int:
        """How far the computer's clock has been moved since this clock was made, in µs; back is negative."""
        ...


class SystemClock:
    """The computer's clock, made never to go back."""

    def __init__(self) -> None:
        self._monotonic = _monotonic()
        self._now = _wall()
        self._offset = self._now - self._monotonic
        self._stepped = 0

    def now(self) -> int:
        """µs since the epoch, UTC."""
        monotonic, wall = _monotonic(), _wall()
        passed = monotonic - self._monotonic
        self._stepped = wall - monotonic - self._offset
        slowest = self._now + passed // _SLEW
        if wall >= slowest:
            self._now, self._monotonic = wall, monotonic
        elif passed >= _SLEW:  # less would be lost in the division
            self._now, self._monotonic = slowest, monotonic
        return self._now

    @property
    def stepped(self) -> int:
        """How far the computer's clock had been moved when the time was last asked for, in µs."""
        return self._stepped


class DrivenClock:
    """A clock that starts at a given instant and goes at a given speed until it meets real time, which it then follows.

    Args:
        start: the instant it starts at, µs since the epoch.
        speed: how many times faster than real time; 0 stands still.
        anchor: the real instant at which it started, µs; None is now. Clocks with one anchor show one time.
    """

    def __init__(self, *, start: int, speed: float = 1.0, anchor: int | None = None) -> None:
        self._real = SystemClock()
        self._start = start
        self._speed = speed
        self._anchor = self._real.now() if anchor is None else anchor
        self._before = start <= self._anchor
        self._met = False
        self._now = start

    def now(self) -> int:
        """µs since the epoch, UTC."""
        real = self._real.now()
        driven = self._start + round(max(0, real - self._anchor) * self._speed)
        if not self._met:
            self._met = driven >= real if self._before else driven <= real
        self._now = max(self._now, real if self._met else driven)
        return self._now

    @property
    def stepped(self) -> int:
        """How far the computer's clock had been moved when the time was last asked for, in µs."""
        return self._real.stepped


@dataclass(frozen=True, kw_only=True, slots=True)
class DrivenTime:
    """The time of nodes whose clock is driven: from `start` at `speed`, until it meets real time."""

    start: int
    """The instant that it starts at, µs."""
    speed: float
    """Times faster than real time; more than 1."""
    anchor: int
    """The real instant at which it started, µs."""

    @property
    def meets(self) -> int:
        """The instant at which it meets real time, µs: from then on the two are one."""
        return self.anchor + round((self.anchor - self.start) / (self.speed - 1))

    def now(self) -> int:
        """What the time is at the nodes, µs."""
        real = _wall()
        driven = self.start + round(max(0, real - self.anchor) * self.speed)
        return min(driven, real) if self.start <= self.anchor else max(driven, real)

    def settings(self) -> dict[str, str]:
        """What a node is set to, to have this time."""
        return {
            "clock_start": iso(self.start),
            "clock_speed": f"{self.speed:f}",
            "clock_anchor": iso(self.anchor),
        }


def make_clock(settings: Settings) -> Clock:
    """The clock that the settings ask for."""
    if settings.clock_start is None:
        return SystemClock()
    return DrivenClock(start=settings.clock_start, speed=settings.clock_speed, anchor=settings.clock_anchor)


def _wall() -> int:
    return time.time_ns() // 1000


def _monotonic() -> int:
    return time.monotonic_ns() // 1000
