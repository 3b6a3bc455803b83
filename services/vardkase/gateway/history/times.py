"""The node's time and the time at which things were stored: two only where the node's clock is driven.

What is stored carries the server's own time. A node whose clock is driven (a demonstration, a test) asks about instants
of that clock.
"""

from vardkase.runtime.clock import Clock
from vardkase.runtime.settings import Settings


class Times:
    """Translates between the two.

    Args:
        settings: `clock_start`, `clock_speed` and `clock_anchor`.
        clock: the node's.
        real: the time of things stored.
    """

    def __init__(self, settings: Settings, clock: Clock, real: Clock) -> None:
        self._start = settings.clock_start
        self._anchor = settings.clock_anchor
        self._speed = settings.clock_speed
        self._clock = clock
        self._real = real

    def now(self) -> int:
        """The node's time, µs."""
        return self._clock.now()

    def real_now(self) -> int:
        """The time of things stored, µs."""
        return self._real.now()

    def stored(self, instant: int) -> int:
        """When what was stored at an instant of the node's time was stored, µs."""
        if self._start is None or self._anchor is None:
            return instant
        if self._speed == 0:
            return self._real.now()
        driven = self._anchor + round((instant - self._start) / self._speed)
        return max(driven, instant) if self._start <= self._anchor else min(driven, instant)

    def shown(self, stored: int) -> int:
        """The instant of the node's time at which something was stored, µs."""
        if self._start is None or self._anchor is None:
            return stored
        driven = self._start + round((stored - self._anchor) * self._speed)
        return min(driven, stored) if self._start <= self._anchor else max(driven, stored)
