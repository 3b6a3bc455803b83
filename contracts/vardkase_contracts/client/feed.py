"""A feed: the values as they are now, then every change, as typed models."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Generic, NamedTuple, Self, TypeVar

from pydantic import ValidationError

from vardkase_contracts.client.buffer import Buffer, Received, WhenSlow
from vardkase_contracts.client.connection import Connection
from vardkase_contracts.client.errors import InvalidValue
from vardkase_contracts.client.pull import Pace
from vardkase_contracts.client.reader import Reader

_CLOSE_S = 5.0

T = TypeVar("T")

_log = logging.getLogger("vardkase.client")


class Source(NamedTuple):
    """What is read: a filter of subjects in a stream."""

    stream: str
    subject: str


def log_invalid(error: InvalidValue) -> None:
    """Tell of a value that could not be read in the log, as an error, and go on: the default."""
    _log.error("%s", error)


class Feed(Generic[T]):
    """An async iterator of models: first the current value of each subject, then each change, without end.

    It survives a lost connection, a restarted server and a deleted consumer without gap or twin. Use it as a context
    manager, or call `aclose`, so that it stops reading.

    Two ways to use it. Either iterate at once, and look at `live` to tell current values from changes; or

        async with client.alerts("24") as alerts:
            now = {alert.key: alert for alert in await alerts.current()}
            async for alert in alerts:
                ...

    Iterating raises `ReadRefused` when the server does not allow it, `ConnectionGone` when the connection is closed
    for good; a connection that is merely lost is waited for (`connected`, `heard_s_ago` and `trouble` tell).
    """

    def __init__(
        self,
        connection: Connection,
        sources: Sequence[Source],
        *,
        decode: Callable[[bytes], T],
        when_slow: WhenSlow,
        only_new: bool = False,
        limit: int = 1000,
        on_invalid: Callable[[InvalidValue], None] = log_invalid,
        pace: Pace | None = None,
    ) -> None:
        self._connection = connection
        self._decode = decode
        self._on_invalid = on_invalid
        self._buffer = Buffer(limit=limit, when_slow=when_slow)
        self._readers = [
            Reader(
                connection,
                stream=source.stream,
                subject=source.subject,
                sink=self,
                pace=pace or Pace(),
                keep_all=when_slow == "wait",
                only_new=only_new,
            )
            for source in sources
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._error: BaseException | None = None
        self._closed = False
        self._last: Received | None = None
        self.invalid = 0
        """How many values could not be read; each was given to `on_invalid`."""

    @property
    def live(self) -> bool:
        """Whether the value that came last is a change; False for one that was stored before the feed began.

        False again while the values of a store that was made anew are read.
        """
        return self._last is not None and self._last.live

    @property
    def generation(self) -> int:
        """How many times the store was made anew, or changes were no longer kept, since the feed began.

        When it grows, all current values come again: what is held of earlier ones can be dropped.
        """
        return sum(reader.generation for reader in self._readers)

    @property
    def sequence(self) -> int:
        """The place in its stream of the value that came last; 0 before the first."""
        return 0 if self._last is None else self._last.sequence

    @property
    def subject(self) -> str | None:
        """The subject of the value that came last."""
        return None if self._last is None else self._last.subject

    @property
    def stored_at(self) -> datetime | None:
        """When the server stored the value that came last (aware, UTC)."""
        return None if self._last is None else self._last.stored_at

    @property
    def closed(self) -> bool:
        """Whether it has stopped reading, for good."""
        return self._closed

    @property
    def connected(self) -> bool:
        """Whether the server is being read from, as far as is known."""
        return self._connection.connected and not any(reader.trouble for reader in self._readers)

    @property
    def heard_s_ago(self) -> float:
        """Seconds since the server last sent anything, if only that it has nothing to send: how old the picture is."""
        return time.monotonic() - min(reader.heard_at for reader in self._readers)

    @property
    def trouble(self) -> str | None:
        """Why nothing is read now; None when all is well."""
        own = next((reader.trouble for reader in self._readers if reader.trouble), None)
        return self._connection.trouble or own

    async def current(self) -> list[T]:
        """All values as they are now, the latest of each subject; afterwards, iterating gives what changes.

        Waits until the server has sent them all, for as long as that takes: bound it with `asyncio.timeout`. Called
        again, it gives what has changed since.

        Raises:
            ReadRefused: the server does not allow it, or has no such stream.
            ConnectionGone: the connection is closed for good.
        """
        self._start()
        latest: dict[str, Received] = {}
        while True:
            while (received := self._buffer.take_now()) is not None:
                latest[received.subject] = received
            if self._error is not None:
                raise self._error
            if all(reader.caught_up for reader in self._readers) or self._closed:
                break
            await self._buffer.news()
        decoded = (self._value(received) for received in latest.values())
        return [value for value in decoded if value is not None]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        self._start()
        while True:
            while (received := self._buffer.take_now()) is not None:
                if (value := self._value(received)) is not None:
                    return value
            if self._error is not None:
                raise self._error
            if self._closed:
                raise StopAsyncIteration
            await self._buffer.news()

    async def aclose(self) -> None:
        """Stop reading. Iterating ends; what waits unread is given first."""
        self._closed = True
        self._buffer.wake()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_S)

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def put(self, received: Received) -> None:
        """For its readers: take a message, when there is room."""
        await self._buffer.put(received)

    def changed(self) -> None:
        """For its readers: one of them caught up, or started anew."""
        self._buffer.wake()

    def _value(self, received: Received) -> T | None:
        self._last = received
        try:
            return self._decode(received.data)
        except ValidationError as error:
            self.invalid += 1
            first = error.errors(include_url=False, include_input=False)[0]
            detail = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            self._on_invalid(InvalidValue(received.subject, received.sequence, detail))
            return None

    def _start(self) -> None:
        if self._tasks or self._closed:
            return
        for reader in self._readers:
            task = asyncio.create_task(reader.run(), name="vardkase-feed")
            task.add_done_callback(self._on_done)
            self._tasks.append(task)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and self._error is None:
            self._error = task.exception()
        self._buffer.wake()
