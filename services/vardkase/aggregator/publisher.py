"""What a judgement changed, made durable: alerts first, then public, states last (ADR 6).

Alerts and states are written with the expected last sequence of their subject, so a second writer is refused: it ends
and reads everything anew. What is refused for want of room, or not confirmed, is written again for as long as it takes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import orjson
from nats.aio.client import Client

from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.errors import WriteRefused, WriteTimeout
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.refusals import RejectedEvent
from vardkase_contracts.vocab import Reality

from .world import Effects

_T = TypeVar("_T")

log = logging.getLogger(__name__)

#: Most messages of one write: each is an atomic batch of its own, so that what is stored is always known.
_AT_ONCE = 400
_BYTES_AT_ONCE = 3 << 20


class Publisher:
    """Writes the effects of one reality."""

    def __init__(
        self, reality: Reality, nc: Client, public_nc: Client | None, settings: Settings, metrics: Metrics
    ) -> None:
        """Write over `nc`; to the public account over `public_nc`, or nothing public when there is none."""
        self._reality: Reality = reality
        self._settings = settings.writer
        self._metrics = metrics
        self._alerts = self._writer(nc, streams.ALERTS)
        self._states = self._writer(nc, streams.STATE)
        self._pictures = self._writer(nc, streams.PICTURES)
        self._rejected = self._writer(nc, streams.REJECTED)
        self._public = None if public_nc is None else self._writer(public_nc, streams.PUBLIC)
        #: The last sequence of every subject in ALERTS (by key) and STATE (by point).
        self.alert_sequences: dict[str, int] = {}
        self.state_sequences: dict[str, int] = {}
        #: Why nothing can be written now; empty when all is well.
        self.trouble = ""

    def _writer(self, nc: Client, stream: str) -> StreamWriter:
        return StreamWriter(nc, stream, timeout=self._settings.timeout, patience=6 * self._settings.timeout)

    async def publish(self, effects: Effects) -> None:
        """Make the effects durable, in order.

        Raises:
            WriteConflict: somebody else writes the same subjects.
        """
        await self._compare_and_set(
            self._alerts,
            streams.ALERTS,
            self.alert_sequences,
            [(key, subjects.alert(self._reality, key), orjson.dumps(doc)) for key, doc in effects.alerts.items()],
        )
        if self._public is not None and effects.public:
            public = self._public
            messages = [
                Outgoing(subject=subjects.public(point[:4], point[5:]), data=orjson.dumps(doc))
                for point, doc in effects.public.items()
            ]
            for some in _by_size(messages):
                await self._until_stored(streams.PUBLIC, lambda some=some: public.write(some))
        await self._compare_and_set(
            self._states,
            streams.STATE,
            self.state_sequences,
            [
                (point, subjects.state(self._reality, point[:4], point[5:]), orjson.dumps(doc))
                for point, doc in effects.states.items()
            ],
        )

    async def pictures(self, messages: Sequence[Outgoing]) -> None:
        """Publish pictures: made anew from the states at start, so nothing waits for them."""
        for some in _by_size(messages):
            await self._until_stored(streams.PICTURES, lambda some=some: self._pictures.write(some))

    async def reject(self, events: Sequence[tuple[str, str, RejectedEvent]]) -> None:
        """Tell of refused messages, once each: subject, message id, event."""
        messages = [
            Outgoing(subject=subject, message_id=message_id, data=event.model_dump_json(exclude_none=True).encode())
            for subject, message_id, event in events
        ]
        for some in _by_size(messages):
            await self._until_stored(streams.REJECTED, lambda some=some: self._rejected.write_once(some))

    async def _compare_and_set(
        self, writer: StreamWriter, stream: str, last: dict[str, int], items: list[tuple[str, str, bytes]]
    ) -> None:
        names = iter([name for name, _, _ in items])
        messages = [Outgoing(subject=subject, data=data, expected=last.get(name, 0)) for name, subject, data in items]
        for some in _by_size(messages):
            for sequence in await self._until_stored(stream, lambda some=some: writer.write(some)):
                last[next(names)] = sequence

    async def _until_stored(self, stream: str, write: Callable[[], Awaitable[_T]]) -> _T:
        """Write again for as long as the server has no room or does not answer: nothing is acknowledged meanwhile."""
        pause = self._settings.backoff_min
        while True:
            try:
                with self._metrics.write_seconds.labels(stream).time():
                    stored = await write()
            except WriteTimeout as error:
                reason, self.trouble = "timeout", str(error)
            except WriteRefused as error:
                if not error.full:
                    raise
                reason, self.trouble = "full", f"{stream} is full: {error}"
            else:
                self.trouble = ""
                return stored
            log.error("cannot write: %s; trying again", self.trouble, extra={"stream": stream})
            self._metrics.write_retries.labels(stream, reason).inc()
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._settings.backoff_max)


def _by_size(messages: Iterable[Outgoing]) -> Iterator[list[Outgoing]]:
    some: list[Outgoing] = []
    size = 0
    for message in messages:
        if some and (len(some) == _AT_ONCE or size + len(message.data) > _BYTES_AT_ONCE):
            yield some
            some, size = [], 0
        some.append(message)
        size += len(message.data)
    if some:
        yield some
