"""The log of one reality as its lane reads it: a consumer for each part, read in turn.

What is fresh does not wait behind a backlog: when both wait, they are taken by turns, a batch each.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from nats.aio.client import Client

from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.reader import PullReader, ReaderHealth
from vardkase.runtime.setting_groups import ReaderSettings
from vardkase_contracts import streams
from vardkase_contracts.vocab import Reality

from .parts import Part, durable

_LONG: Final = 60.0
"""Seconds that one wait for a part's reports lasts; then it is waited anew."""


class Taken(NamedTuple):
    """A batch of one part of the log, in order."""

    part: str
    batch: list[Delivery]


class _Inlet:
    """One part: its reader, and the batch that was read ahead, if others are read too."""

    def __init__(self, part: Part, reader: PullReader, arrived: asyncio.Event) -> None:
        self.part = part
        self.reader = reader
        self.ready: list[Delivery] | None = None
        self._arrived = arrived
        self._room = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    @property
    def reads_ahead(self) -> bool:
        """Whether it reads a batch ahead."""
        return self._pump is not None

    @property
    def has_something(self) -> bool:
        """Whether there is a batch to take, or an error to be raised."""
        return self.ready is not None or (self._pump is not None and self._pump.done())

    def read_ahead(self) -> None:
        """Begin to read a batch ahead."""
        self._pump = asyncio.create_task(self._run(), name=f"reading part {self.part.name or 'own'}")

    def take(self) -> list[Delivery]:
        """The batch that was read ahead; empty when there is none.

        Raises:
            Exception: what reading ended by.
        """
        if self._pump is not None and self._pump.done():
            self._pump.result()
        batch, self.ready = self.ready, None
        self._room.set()
        return batch or []

    async def stop(self) -> None:
        """Read no more; the batch that was read ahead is left to the next reader."""
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.cancel()
            await asyncio.wait({pump})
            if not pump.cancelled():
                pump.exception()  # whoever takes was told, or is being stopped
        self.ready = None
        await self.reader.stop()

    async def _run(self) -> None:
        try:
            while True:
                batch = await self.reader.take(_LONG)
                if batch:
                    self.ready = batch
                    self._room.clear()
                    self._arrived.set()
                    await self._room.wait()
        finally:
            self._arrived.set()  # so that its end is noticed


class Inlets:
    """The readers of one reality's log.

    Args:
        reality: whose.
        nc: a connection.
        settings: of each reader.
        position: the sequence up to which the effects of a part are durable.
    """

    def __init__(self, reality: Reality, nc: Client, settings: ReaderSettings, position: Callable[[str], int]) -> None:
        self._reality: Reality = reality
        self._nc = nc
        self._settings = settings
        self._position = position
        self._inlets: dict[str, _Inlet] = {}
        self._turns: deque[str] = deque()
        self._arrived = asyncio.Event()
        self._was_behind = False
        self._remade = 0

    @property
    def parts(self) -> Mapping[str, Part]:
        """The parts that are read, by name."""
        return {name: inlet.part for name, inlet in self._inlets.items()}

    @property
    def remade(self) -> int:
        """How often a consumer had to be made again. A counter."""
        return self._remade + sum(inlet.reader.remade for inlet in self._inlets.values())

    def health(self) -> Mapping[str, ReaderHealth]:
        """How each part's reader is."""
        return {name: inlet.reader.health() for name, inlet in self._inlets.items()}

    async def start(self, parts: Mapping[str, Part], within: float) -> None:
        """Begin to read these parts; no more, and none of them otherwise, than they say.

        A part that is read as it should be goes on undisturbed. What was read ahead of one that is no more is left.

        Args:
            parts: by name.
            within: seconds for which a server that does not answer is asked again.

        Raises:
            NotOurs, ApiError, NoAnswer: as `PullReader.start`.
        """
        await self.leave(parts)
        added = [part for name, part in parts.items() if name not in self._inlets]
        for part in added:
            reader = self._reader(part)
            await reader.start(within)
            self._inlets[part.name] = _Inlet(part, reader, self._arrived)
        self._turns = deque(self._inlets)
        for inlet in self._inlets.values():
            if len(self._inlets) > 1 and not inlet.reads_ahead:
                inlet.read_ahead()

    async def leave(self, parts: Mapping[str, Part]) -> None:
        """Read no more of the parts that are not among these; the others go on undisturbed."""
        for name, inlet in list(self._inlets.items()):
            if parts.get(name) != inlet.part:
                del self._inlets[name]
                self._remade += inlet.reader.remade
                await inlet.stop()
        self._turns = deque(self._inlets)

    async def stop(self) -> None:
        """Read no more."""
        await asyncio.gather(*(inlet.stop() for inlet in self._inlets.values()))

    async def take(self, wait: float, behind: AbstractSet[str]) -> Taken | None:
        """The next batch.

        Args:
            wait: seconds to wait for one.
            behind: parts with a backlog: what others have comes in between.

        Returns:
            None when nothing came in time.

        Raises:
            Exception: what reading a part ended by.
        """
        if len(self._inlets) == 1:
            ((name, only),) = self._inlets.items()
            if not only.reads_ahead:
                batch = await only.reader.take(wait)
                return Taken(name, batch) if batch else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                while (found := self._next(behind)) is None:
                    self._arrived.clear()
                    await self._arrived.wait()
                return found
        return None

    async def ack(self, part: str, delivery: Delivery) -> None:
        """Acknowledge a report, and all before it in its part; of a part that is no more, nothing is to be said."""
        inlet = self._inlets.get(part)
        if inlet is not None:
            await inlet.reader.ack(delivery)

    def _next(self, behind: AbstractSet[str]) -> Taken | None:
        """What is taken now, of what was read ahead."""
        ready = [name for name in self._turns if self._inlets[name].has_something]
        if not ready:
            return None
        fresh = [name for name in ready if name not in behind]
        late = [name for name in ready if name in behind]
        chosen = fresh[0] if fresh and (self._was_behind or not late) else late[0]
        self._was_behind = chosen in behind
        self._turns.remove(chosen)
        self._turns.append(chosen)
        return Taken(chosen, self._inlets[chosen].take())

    def _reader(self, part: Part) -> PullReader:
        group = self._settings
        return PullReader(
            self._nc,
            stream=streams.REPORTS,
            durable=durable(self._reality, part.name),
            filters=part.filters(self._reality),
            batch=group.batch,
            buffer=group.buffer,
            heartbeat=group.heartbeat,
            check=group.check,
            stall_after=group.stuck,
            resume_after=lambda: self._position(part.name),
        )
