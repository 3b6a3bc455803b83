"""What stands between the server and whoever iterates: bounded, and with a stated policy when the latter is slow."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

WhenSlow = Literal["coalesce", "wait"]
"""What happens when whoever iterates is slower than the changes.

`coalesce`: of what waits, a newer value of the same subject takes the older one's place: only the latest counts.
`wait`: every change is kept and comes in order; the server holds the rest until there is room.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A message as it came, not yet decoded."""

    subject: str
    sequence: int
    """In the stream."""
    stored_at: datetime
    """When the server stored it (aware, UTC)."""
    data: bytes
    live: bool
    """Whether it came after what was stored at the start (a change)."""
    generation: int
    """Which making of the store it comes from."""


class Buffer:
    """Holds at most `limit` messages; a full one makes its writers wait."""

    def __init__(self, *, limit: int, when_slow: WhenSlow) -> None:
        self._limit = limit
        self._coalesce = when_slow == "coalesce"
        self._held: OrderedDict[tuple[str, int], Received] = OrderedDict()
        self._room = asyncio.Event()
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._held)

    async def put(self, received: Received) -> None:
        """Take a message in, when there is room for it (one that replaces another needs none)."""
        while not self._put_now(received):
            self._room.clear()
            await self._room.wait()

    def take_now(self) -> Received | None:
        """The oldest message, or None when there is none."""
        if not self._held:
            return None
        _, received = self._held.popitem(last=False)
        self._room.set()
        return received

    async def news(self) -> None:
        """Wait until there is a message, or somebody woke the reader with `wake`."""
        if not self._held:
            self._news.clear()
            await self._news.wait()

    def wake(self) -> None:
        """End a wait for news: something else happened."""
        self._news.set()

    def _put_now(self, received: Received) -> bool:
        key = (received.subject, 0 if self._coalesce else received.sequence)
        waiting = self._held.get(key)
        if waiting is not None:
            # What it replaces was part of the current set, which is not whole without it.
            self._held[key] = replace(received, live=received.live and waiting.live)
            return True
        if len(self._held) >= self._limit:
            return False
        self._held[key] = received
        self._news.set()
        return True
