"""Clients that send a load: each message until the stream has acknowledged it, as a careful reporter does."""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from typing import Final

import nats.errors

from faults.load import Told
from vardkase.runtime.jetstream.connection import Connection

_TIMEOUT: Final = 2.0
"""Seconds that a client waits for the stream's answer before it sends again."""
_PAUSE: Final = 0.05


class Reporters:
    """Sends messages, several at once, at a rate.

    Args:
        nc: their connection.
        told: what they send.
        rate: messages a second in all; None is as fast as they are taken.
        unpaced: so many of them are sent first, as fast as they are taken.
        at_once: how many of them there are.
    """

    def __init__(
        self,
        nc: Connection,
        told: Iterable[Told],
        *,
        rate: float | None = None,
        unpaced: int = 0,
        at_once: int = 32,
    ) -> None:
        self._nc = nc
        self._told = self._counted(iter(told))
        self.rate = rate
        """Messages a second; may be changed while they send."""
        self._unpaced = unpaced
        self._at_once = at_once
        self._due = 0.0
        self._given = 0
        self._enough = False
        self._goal = 0
        self._reached = asyncio.Event()
        self.acknowledged: list[Told] = []
        """What the stream said it has, in that order; a message that was sent twice stands there twice."""
        self.refused: dict[str, int] = {}
        """Answers that said no, by their words; the message was sent again."""
        self.again = 0
        """How often a message was sent again, since no answer came."""

    async def run(self) -> None:
        """Send all of it."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(self._one())

    async def reached(self, count: int) -> None:
        """Wait until so many messages were acknowledged. For one at a time."""
        if len(self.acknowledged) < count:
            self._goal = count
            self._reached.clear()
            await self._reached.wait()

    def enough(self) -> None:
        """Send nothing new: `run` ends when what is under way is acknowledged."""
        self._enough = True

    def _counted(self, told: Iterator[Told]) -> Iterator[Told]:
        for each in told:
            if self._enough:
                return
            self._given += 1
            yield each

    async def _one(self) -> None:
        for each in self._told:
            if self.rate is not None and self._given > self._unpaced:
                # Since the last one, not since the beginning: after a standstill there is no burst.
                self._due = max(self._due, time.monotonic()) + 1 / self.rate
                await asyncio.sleep(max(0.0, self._due - time.monotonic()))
            while not await self._sent(each):  # noqa: ASYNC110 -- it is no condition that is waited for
                await asyncio.sleep(_PAUSE)

    async def _sent(self, told: Told) -> bool:
        """One attempt; whether it was acknowledged."""
        try:
            answer = json.loads((await self._nc.request(told.subject, told.data, timeout=_TIMEOUT)).data)
        except (TimeoutError, nats.errors.Error):
            self.again += 1
            return False
        if "error" in answer:
            words = answer["error"]["description"]
            self.refused[words] = self.refused.get(words, 0) + 1
            return False
        self.acknowledged.append(told)
        if len(self.acknowledged) >= self._goal:
            self._reached.set()
        return True
