"""Instants of the node's clock as instants of real time: receivers have no other."""

import time

from vardkase.runtime.clock import Clock


class WallTime:
    """Real time, as receivers know it, of what the node's clock says.

    With the computer's own clock the two are one. A driven clock goes at another speed and may be years away: what it
    says is told by how far it is from now.

    Args:
        clock: the node's.
        speed: how many times faster than real time it goes; 0: it stands still. 1 and not `driven`: real time.
        driven: whether it is a driven clock.
    """

    def __init__(self, clock: Clock, *, speed: float, driven: bool) -> None:
        self._clock = clock
        self._speed = speed
        self._driven = driven

    def now(self) -> int:
        """Real time, µs."""
        return time.time_ns() // 1000

    def of(self, instant: int) -> int:
        """The real time of an instant of the node's clock, both in µs."""
        if not self._driven:
            return instant
        away = instant - self._clock.now()
        return self.now() + (round(away / self._speed) if self._speed else 0)
