"""Plays a simulation: publishes its reports at a pace, or as fast as they are taken. The only part that knows a clock.

Nothing is skipped and nothing is queued: one batch is out at a time, so a slow taker slows the run, and the progress
says how far behind the pace it is.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

from vardkase.simulator.emission import Emission
from vardkase_contracts.instants import SECOND

Publish = Callable[[list[tuple[str, bytes]]], Awaitable[None]]
"""Takes messages, each a subject and its bytes, in order; returns when they are safe. An error of it ends the play."""

BATCH_MAX: Final = 1_000
"""The most messages in a batch: as many as NATS takes in an atomic one."""
_TICK_S: Final = 0.02
"""At a pace, messages of so long are collected before they are published: fewer batches, and nobody sees it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a play has come."""

    sent: int
    """Messages published."""
    at: int
    """Simulated time: an instant in microseconds."""
    behind_s: float
    """How far it is behind its pace, in real seconds; 0 when it has none."""
    done: bool
    """Whether it is over."""


async def play(
    emissions: Iterator[Emission],
    publish: Publish,
    *,
    start: int,
    speed: float | None = None,
    until: int | None = None,
    batch: int = 500,
    on_progress: Callable[[Progress], None] | None = None,
    progress_every_s: float = 1.0,
    stop: asyncio.Event | None = None,
) -> Progress:
    """Publish emissions in order, until there are no more.

    Args:
        emissions: what to publish, in order of `at`.
        publish: takes the messages.
        start: the simulated instant at which real time begins to count (`Simulation.start`).
        speed: simulated seconds to a real one; without it as fast as `publish` takes them.
        until: the simulated instant at which to end, not included.
        batch: the most messages to give to `publish` at once, 1 to 1,000.
        on_progress: told now and then, and at the end.
        progress_every_s: how often, in real seconds.
        stop: when it is set the play ends after the batch that is out.

    Returns:
        How far it came.

    Raises:
        ValueError: `speed`, `batch` or `progress_every_s` is out of bounds.
    """
    if speed is not None and not (math.isfinite(speed) and speed > 0):
        raise ValueError("speed: more than 0, or none at all")
    if not 1 <= batch <= BATCH_MAX:
        raise ValueError(f"batch: 1 to {BATCH_MAX}")
    if not progress_every_s > 0:
        raise ValueError("progress_every_s: more than 0")
    pace = _Pace(start, speed)
    report = _Reporting(on_progress, progress_every_s)
    source = _Source(emissions, until)
    sent, at = 0, start
    while source.next_at is not None and not (stop is not None and stop.is_set()):
        messages = source.take(pace.reached(), batch)
        if messages:
            await publish(messages)
            sent += len(messages)
            at = source.taken_at
        else:
            at = max(at, min(pace.simulated(), source.next_at))
        report.now_and_then(sent=sent, at=at, behind_s=pace.behind_s(source.next_at))
        await asyncio.sleep(0 if len(messages) == batch else pace.wait_s(source.next_at, progress_every_s))
    return report.finally_(sent=sent, at=at, behind_s=pace.behind_s(source.next_at))


class _Pace:
    """Real time against simulated time."""

    def __init__(self, start: int, speed: float | None) -> None:
        self._start = start
        self._speed = speed
        self._began = _clock()

    def simulated(self) -> int:
        """Where simulated time should be now."""
        if self._speed is None:
            return self._start
        return self._start + round((_clock() - self._began) * self._speed * SECOND)

    def reached(self) -> int | None:
        """What may be published: up to this instant; None: everything."""
        return None if self._speed is None else self.simulated()

    def behind_s(self, next_at: int | None) -> float:
        if self._speed is None or next_at is None:
            return 0.0
        return max(0.0, (self.simulated() - next_at) / SECOND / self._speed)

    def wait_s(self, next_at: int | None, most: float) -> float:
        """How long to wait for what comes next."""
        if self._speed is None or next_at is None:
            return 0.0
        return min(most, max(_TICK_S, (next_at - self.simulated()) / SECOND / self._speed))


class _Source:
    """Emissions, one of them looked at ahead."""

    def __init__(self, emissions: Iterator[Emission], until: int | None) -> None:
        self._emissions = emissions
        self._until = until
        self._ahead: Emission | None = None
        self.taken_at = 0
        self._look()

    @property
    def next_at(self) -> int | None:
        """When the next one is sent; None: there are no more."""
        return None if self._ahead is None else self._ahead.at

    def take(self, reached: int | None, most: int) -> list[tuple[str, bytes]]:
        """What is due, at most so many."""
        messages: list[tuple[str, bytes]] = []
        while self._ahead is not None and len(messages) < most and (reached is None or self._ahead.at <= reached):
            messages.append((self._ahead.subject, self._ahead.payload))
            self.taken_at = self._ahead.at
            self._look()
        return messages

    def _look(self) -> None:
        found = next(self._emissions, None)
        past = found is not None and self._until is not None and found.at >= self._until
        self._ahead = None if past else found


class _Reporting:
    """Tells how far it has come, not too often."""

    def __init__(self, tell: Callable[[Progress], None] | None, every_s: float) -> None:
        self._tell = tell
        self._every_s = every_s
        self._told = _clock()

    def now_and_then(self, *, sent: int, at: int, behind_s: float) -> None:
        if self._tell is not None and _clock() - self._told >= self._every_s:
            self._told = _clock()
            self._tell(Progress(sent=sent, at=at, behind_s=behind_s, done=False))

    def finally_(self, *, sent: int, at: int, behind_s: float) -> Progress:
        progress = Progress(sent=sent, at=at, behind_s=behind_s, done=True)
        if self._tell is not None:
            self._tell(progress)
        return progress


def _clock() -> float:
    return asyncio.get_running_loop().time()
