"""The line to one pull consumer: overlapping requests, deliveries in the consumer's order, a bounded buffer.

Every request names a number of messages and of bytes, and the server tells when it is over and what of it is left; so
it is known exactly what may still come, and no more is asked for than there is room for.
"""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.aio.subscription import Subscription

from vardkase.runtime.jetstream.api import PREFIX, ApiError, NoAnswer, call
from vardkase.runtime.jetstream.connection import ours
from vardkase.runtime.jetstream.delivery import Delivery, position
from vardkase.runtime.jetstream.headers import read

REQUEST_BYTES: Final = 8 << 20
"""The most bytes that one request brings; more than a server's largest message."""
_LIVE: Final = 3
"""The most requests under way."""
_EXPIRES: Final = 30.0
"""Seconds that a request lives without being filled; then it is made anew."""
_NANOSECONDS: Final = 1_000_000_000
_ENDED: Final = {"Request Timeout", "No Messages", "Batch Completed", "Message Size Exceeds MaxBytes"}
"""The server's words for a request that ended as agreed. With `max_bytes`, one that was filled is told of too."""


class PullLine:
    """One binding to a pull consumer. What breaks it is told in `trouble`; it does not mend itself.

    Args:
        nc: a connection that `connect` made.
        stream: the stream's name.
        consumer: the consumer's name; its delivery sequence must start at 1 (new, or just reset).
        buffer: the most messages asked for and not yet taken.
        buffer_bytes: the most bytes of them, `REQUEST_BYTES` more at most.
        heartbeat: seconds between the server's signs of life when there is nothing to send.
        generation: what its deliveries are marked with.
        known: whether a sequence was handed out before and is only to be told of (`repeated`), not queued. What this
            line queued before it knows itself: the server repeats what it had sent to a link that was gone.
        repeated: what is called with such a delivery.
    """

    def __init__(
        self,
        nc: Client,
        *,
        stream: str,
        consumer: str,
        buffer: int,
        buffer_bytes: int = 32 << 20,
        heartbeat: float = 2.0,
        generation: int = 0,
        known: Callable[[int], bool] = lambda _: False,
        repeated: Callable[[Delivery], None] = lambda _: None,
    ) -> None:
        self._nc = ours(nc)
        self._name = f"{stream}.{consumer}"
        self._subject = f"{PREFIX}.CONSUMER.MSG.NEXT.{self._name}"
        self._buffer = buffer
        self._buffer_bytes = buffer_bytes
        self._heartbeat = heartbeat
        self._generation = generation
        self._known = known
        self._repeated = repeated
        self._inbox = nc.new_inbox()
        self._subscription: Subscription | None = None
        self._requests = 0
        self._live: set[str] = set()
        self._coming = 0
        self._queue: deque[Delivery] = deque()
        self._bytes = 0
        self._next = 1
        self._last = 0
        self._sent = 0
        self._suspected = 0
        self._closed = False
        self._filling: asyncio.Task[None] | None = None
        self.arrived = asyncio.Event()
        """Set while something waits to be taken, or `trouble` does."""
        self.trouble: str | None = None
        """Why this line brings nothing any more."""
        self.heard = time.monotonic()
        """When the server was last heard on this line (monotonic seconds)."""
        self.answered = False
        """Whether the server was heard on this line at all."""
        self.delivered = 0.0
        """When the last delivery came (monotonic seconds; 0: none yet)."""
        self.pending = 0
        """How many messages the consumer had left at the last delivery."""

    def __len__(self) -> int:
        """How many messages wait to be taken."""
        return len(self._queue)

    @property
    def asking(self) -> bool:
        """Whether the server owes a sign of life: while there is no room for more, nothing is asked of it."""
        return bool(self._live)

    @property
    def received(self) -> int:
        """How many deliveries came, repeated ones included."""
        return self._next - 1

    async def open(self) -> None:
        """Subscribe, and ask for the first messages."""
        self._subscription = await self._nc.listen(f"{self._inbox}.*", self._on_message)
        await self.fill()

    async def close(self) -> None:
        """Ask for nothing more. What waits is dropped."""
        self._closed = True
        self._queue.clear()
        subscription, self._subscription = self._subscription, None
        if subscription is not None and not self._nc.is_closed and not self._nc.is_draining:
            await subscription.unsubscribe()

    async def remove(self) -> None:
        """Close it, and remove its consumer, as far as the server can be reached; else the server does so itself."""
        with contextlib.suppress(nats.errors.Error, NoAnswer, ApiError):
            await self.close()
            if self._nc.is_connected:
                await call(self._nc, f"CONSUMER.DELETE.{self._name}", within=1)

    def take(self, most: int) -> list[Delivery]:
        """Up to `most` deliveries, in order; empty when none waits."""
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        self._bytes -= sum(_size(one) for one in taken)
        if not self._queue and self.trouble is None:
            self.arrived.clear()
        return taken

    async def fill(self) -> None:
        """Ask for as much as there is room for, when it is worth a request."""
        while count := self._wanted():
            if not self._live:
                self.heard = time.monotonic()  # until now nothing was asked, and nothing to be heard
            self._requests += 1
            inbox = f"{self._inbox}.{self._requests}"
            self._live.add(inbox)
            self._coming += count
            request = {
                "batch": count,
                "max_bytes": REQUEST_BYTES,
                "expires": int(_EXPIRES * _NANOSECONDS),
                "idle_heartbeat": int(self._heartbeat * _NANOSECONDS),
            }
            try:
                await self._nc.publish(self._subject, json.dumps(request).encode(), reply=inbox)
            except (nats.errors.OutboundBufferLimitError, nats.errors.ConnectionDrainingError) as error:
                self._fail(str(error))

    def _wanted(self) -> int:
        """How many messages to ask for now; 0 when a request is not worth it."""
        if len(self._live) >= _LIVE or self.trouble is not None or self._closed:
            return 0
        room = self._buffer - len(self._queue) - self._coming
        worth = max(1, self._buffer // 4) if self._live else 1
        if room < worth or self._bytes + REQUEST_BYTES * len(self._live) >= self._buffer_bytes:
            return 0
        return max(room // 2, min(room, worth))  # of unlike size, so that they do not all end at once

    def _fill_soon(self) -> None:
        """`fill`, from where nothing may wait."""
        if (self._filling is None or self._filling.done()) and self._wanted():
            self._filling = asyncio.create_task(self._fill_or_fail(), name="fill")

    async def _fill_or_fail(self) -> None:
        try:
            await self.fill()
        except nats.errors.Error as error:
            self._fail(str(error))

    def lost(self) -> bool:
        """Whether the server says it sent what did not arrive: true when it said so when this was last asked, too."""
        missing = self._next if self._sent >= self._next else 0
        lost = bool(missing) and missing == self._suspected
        self._suspected = missing
        return lost

    def _fail(self, reason: str) -> None:
        if self.trouble is None:
            self.trouble = reason
        self.arrived.set()

    def _on_message(self, subject: bytes, reply: bytes, head: bytes, data: bytes) -> None:
        if self._closed or self.trouble is not None:
            return
        self.heard, self.answered = time.monotonic(), True
        at = position(reply)
        if at is None:
            self._on_status(subject.decode("utf-8", "replace"), read(head))
        elif at.consumer != self._next:
            self._fail(f"delivery {at.consumer} came instead of {self._next}")
        else:
            self._next += 1
            self._coming -= 1
            self.pending, self.delivered = at.pending, self.heard
            one = Delivery(
                subject.decode("utf-8", "replace"),
                data,
                head,
                at.stream,
                at.stored_at,
                at.pending,
                reply.decode("utf-8", "replace"),
                self._generation,
            )
            if at.stream <= self._last or self._known(at.stream):
                self._repeated(one)
            else:
                self._last = at.stream
                self._queue.append(one)
                self._bytes += _size(one)
                self.arrived.set()
        if self._coming <= 0:
            self._coming = 0
            self._live.clear()
        if len(self._live) < _LIVE:
            self._fill_soon()

    def _on_status(self, inbox: str, headers: Mapping[str, str]) -> None:
        status, words = headers.get("Status", ""), headers.get("Description", "").strip()
        if status == "100":
            self._sent = max(self._sent, int(headers.get("Nats-Last-Consumer", "0")))
        elif words in _ENDED:
            if inbox in self._live:
                self._live.remove(inbox)
                self._coming -= int(headers.get("Nats-Pending-Messages", "0"))
            if headers.get("Nats-Pending-Bytes") == str(REQUEST_BYTES) and words.startswith("Message Size"):
                self._fail(f"a message is longer than {REQUEST_BYTES} bytes")
        elif status == "503":
            self._fail("there is no such consumer, or JetStream is not ready")
        else:
            self._fail(f"{status} {words}".strip())


def _size(one: Delivery) -> int:
    return len(one.data) + len(one.subject) + 200
