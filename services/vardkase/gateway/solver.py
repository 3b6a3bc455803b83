"""Where problems are solved that take a while: beside the event loop, one at a time, few waiting."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram

from vardkase.gateway.problems import Problem
from vardkase.logistics.transport import Unsolved
from vardkase.runtime.metrics import WIDE

WAITING: Final = 8
"""Most that wait, the one that is solved included."""
PATIENCE: Final = 20.0
"""Seconds that one waits for its turn."""

T = TypeVar("T")


class Solver:
    """Solves one problem at a time in a thread. Each is bounded by its own size, and by the time that it takes.

    Args:
        registry: where its metrics are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0
        self.problems: Final = Counter(
            "vardkase_solver_problems",
            "Proposals and rounds that were asked for",
            ["what", "outcome"],
            registry=registry,
        )
        self.seconds: Final = Histogram(
            "vardkase_solver_seconds", "Time to solve one, waiting left out", ["what"], buckets=WIDE, registry=registry
        )

    async def solve(self, what: str, work: Callable[[], T]) -> T:
        """The answer.

        Args:
            what: `match` or `fuel_round`.
            work: what answers; it touches nothing that the event loop changes.

        Raises:
            Problem: 503; too many ask, or it took too long.
        """
        if self._waiting >= WAITING:
            raise self._turned_away(what)
        self._waiting += 1
        try:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._turn.acquire()
            except TimeoutError:
                raise self._turned_away(what) from None
            try:
                return await self._solved(what, work)
            finally:
                self._turn.release()
        finally:
            self._waiting -= 1

    async def _solved(self, what: str, work: Callable[[], T]) -> T:
        began = time.monotonic()
        running = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            answer = await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait({running})  # a thread cannot be stopped: the next one waits until it is done
            raise
        except Unsolved as error:
            self.problems.labels(what, "too_long").inc()
            detail = f"no answer was found in time ({error}): ask about a smaller area, or one kind"
            raise Problem(503, "too_long", detail, headers={"retry-after": "60"}) from None
        self.seconds.labels(what).observe(time.monotonic() - began)
        self.problems.labels(what, "solved").inc()
        return answer

    def _turned_away(self, what: str) -> Problem:
        self.problems.labels(what, "turned_away").inc()
        detail = "too many ask for proposals at once"
        return Problem(503, "busy", detail, headers={"retry-after": "5"})
