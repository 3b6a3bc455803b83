"""Writing for as long as it takes: a full stream, a full disk or a server that is away lose nothing, they only wait.

Whoever writes so acknowledges nothing meanwhile, and tells in its readiness why it waits.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from nats.aio.client import Client

from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.errors import WriteConflict, WriteRefused
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.setting_groups import WriterSettings

log: Final = logging.getLogger(__name__)
_T = TypeVar("_T")

_BYTES_AT_ONCE: Final = 3 << 20
"""The most bytes of one write."""


class PatientWriter:
    """Writes to one stream until it is stored.

    Args:
        nc: a connection.
        stream: the stream's name.
        settings: batch size, timeouts and back-off.
        metrics: counts retries.
    """

    def __init__(self, nc: Client, stream: str, settings: WriterSettings, metrics: Metrics) -> None:
        # Room for whole writes: each is one atomic batch. Endless patience: who gives up does not know what is stored.
        self._writer = StreamWriter(
            nc,
            stream,
            timeout=settings.timeout,
            patience=math.inf,
            batch=settings.batch,
            batch_bytes=2 * _BYTES_AT_ONCE,
            tell=lambda _: metrics.write_retries.labels(stream, "no answer").inc(),
        )
        self._stream = stream
        self._settings = settings
        self._metrics = metrics
        self._full = ""

    @property
    def trouble(self) -> str:
        """Why nothing can be written now; empty when all is well."""
        return self._full or self._writer.trouble

    async def write(self, messages: Iterable[Outgoing]) -> list[int]:
        """Store the messages, in order; the sequence of each.

        Raises:
            WriteConflict: an `expected` does not hold.
            WriteRefused: for good, such as for want of permission.
        """
        stored: list[int] = []
        for some in self._cut(messages):
            stored += await self._until_stored(lambda some=some: self._writer.write(some))
        return stored

    async def write_once(self, messages: Iterable[Outgoing]) -> list[int | None]:
        """Store those that the stream does not know by their `message_id`, in order; `None` for a repeat.

        Raises:
            WriteRefused: for good, such as for want of permission.
        """
        stored: list[int | None] = []
        for some in self._cut(messages):
            stored += await self._until_stored(lambda some=some: self._writer.write_once(some))
        return stored

    async def _until_stored(self, write: Callable[[], Awaitable[_T]]) -> _T:
        pause = self._settings.backoff_min
        while True:
            try:
                with self._metrics.write_seconds.labels(self._stream).time():
                    stored = await write()
            except WriteConflict:
                self._metrics.write_conflicts.labels(self._stream).inc()
                raise
            except WriteRefused as error:
                if not error.full:
                    raise
                self._full = f"{self._stream} is full: {error}"
            else:
                self._full = ""
                return stored
            log.error("cannot write: %s; trying again", self._full, extra={"stream": self._stream})
            self._metrics.write_retries.labels(self._stream, "full").inc()
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._settings.backoff_max)

    def _cut(self, messages: Iterable[Outgoing]) -> Iterator[Sequence[Outgoing]]:
        some: list[Outgoing] = []
        size = 0
        for message in messages:
            if some and (len(some) == self._settings.batch or size + len(message.data) > _BYTES_AT_ONCE):
                yield some
                some, size = [], 0
            some.append(message)
            size += len(message.data)
        if some:
            yield some
