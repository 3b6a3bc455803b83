"""The line to one pull consumer: overlapping requests, deliveries in the consumer's order, a bounded buffer.

Two requests are under way at a time, each with an inbox of its own, so that it is known exactly how much each may
still bring; the server spreads messages over them, and the consumer's own numbering puts them in order again. It never
asks for more than it has room for, in messages and in bytes.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from vardkase.runtime.jetstream.api import PREFIX
from vardkase.runtime.jetstream.delivery import Delivery, delivery, position

REQUEST_BYTES: Final = 8 << 20
"""The most bytes that one request brings; more than a server's largest message."""
_SLOTS: Final = 2
_EXPIRES: Final = 30.0
"""Seconds that a request lives without being filled; then it is made anew."""
_NANOSECONDS: Final = 1_000_000_000
_OVER: Final = {"404", "408"}
"""A request ended as agreed: nothing there now, or its time ran out."""
_FULL: Final = ("Message Size Exceeds MaxBytes", "Batch Completed")
"""409 with these words: the request's bytes are used up."""


@dataclass(slots=True)
class _Slot:
    inbox: str
    subscription: Subscription | None = None
    left: int = 0
    """Messages that its request may still bring."""
    brought: int = 0


class PullLine:
    """One binding to a pull consumer. What breaks it is told in `trouble`; it does not mend itself.

    Args:
        nc: a connection.
        stream: the stream's name.
        consumer: the consumer's name; its delivery sequence must start at 1 (new, or just reset).
        buffer: the most messages asked for and not yet taken.
        buffer_bytes: the most bytes of them, `REQUEST_BYTES` more at most.
        heartbeat: seconds between the server's signs of life when there is nothing to send.
        generation: what its deliveries are marked with.
        known: whether a sequence was delivered before and is only to be told of (`repeated`), not queued.
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
        self._nc = nc
        self._subject = f"{PREFIX}.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._buffer = buffer
        self._buffer_bytes = buffer_bytes
        self._heartbeat = heartbeat
        self._generation = generation
        self._known = known
        self._repeated = repeated
        inbox = nc.new_inbox()
        self._slots = [_Slot(f"{inbox}.{n}") for n in range(_SLOTS)]
        self._queue: deque[Delivery] = deque()
        self._early: dict[int, Delivery] = {}
        self._bytes = 0
        self._next = 1
        self._sent = 0
        self._suspected: int | None = None
        self._closed = False
        self.arrived = asyncio.Event()
        """Set while something waits to be taken, or `trouble` does."""
        self.trouble: str | None = None
        """Why this line brings nothing any more."""
        self.heard = time.monotonic()
        """When the server was last heard on this line (monotonic seconds)."""
        self.pending = 0
        """How many messages the consumer had left at the last delivery."""

    def __len__(self) -> int:
        """How many messages wait to be taken."""
        return len(self._queue)

    @property
    def received(self) -> int:
        """How many deliveries came, repeated ones included."""
        return self._next - 1

    async def open(self) -> None:
        """Subscribe, and ask for the first messages."""
        for slot in self._slots:
            slot.subscription = await self._nc.subscribe(
                slot.inbox,
                cb=partial(self._on_message, slot),
                pending_msgs_limit=2 * self._buffer + 1000,
                pending_bytes_limit=0,
            )
        await self.fill()

    async def close(self) -> None:
        """Ask for nothing more. What waits is dropped."""
        self._closed = True
        self._queue.clear()
        self._early.clear()
        for slot in self._slots:
            if slot.subscription is not None and not self._nc.is_closed and not self._nc.is_draining:
                await slot.subscription.unsubscribe()
            slot.subscription = None

    def take(self, most: int) -> list[Delivery]:
        """Up to `most` deliveries, in order; empty when none waits."""
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        self._bytes -= sum(_size(one) for one in taken)
        if not self._queue and self.trouble is None:
            self.arrived.clear()
        return taken

    async def fill(self) -> None:
        """Ask for as much as there is room for, when it is worth a request."""
        for slot in self._slots:
            if slot.left or self.trouble is not None or self._closed:
                continue
            live = [other for other in self._slots if other.left]
            room = self._buffer - len(self._queue) - len(self._early) - sum(other.left for other in live)
            room_bytes = self._buffer_bytes - self._bytes - REQUEST_BYTES * len(live)
            if room <= 0 or room_bytes <= 0 or (live and room < self._buffer // 4):
                return
            slot.left, slot.brought = max(1, min(room, self._buffer // 2)), 0
            request = {
                "batch": slot.left,
                "max_bytes": REQUEST_BYTES,
                "expires": int(_EXPIRES * _NANOSECONDS),
                "idle_heartbeat": int(self._heartbeat * _NANOSECONDS),
            }
            try:
                await self._nc.publish(self._subject, json.dumps(request).encode(), reply=slot.inbox)
            except (nats.errors.OutboundBufferLimitError, nats.errors.ConnectionDrainingError) as error:
                self._fail(str(error))

    def lost(self) -> bool:
        """Whether a delivery did not arrive: true when the same one was missing when this was last asked, too."""
        missing = self._next if self._early or self._sent >= self._next else None
        lost = missing is not None and missing == self._suspected
        self._suspected = missing
        return lost

    def _fail(self, reason: str) -> None:
        if self.trouble is None:
            self.trouble = reason
        self.arrived.set()

    async def _on_message(self, slot: _Slot, msg: Msg) -> None:
        if self._closed:
            return
        self.heard = time.monotonic()
        at = position(msg.reply)
        if at is None:
            self._on_status(slot, msg)
        else:
            slot.left = max(0, slot.left - 1)
            slot.brought += 1
            self.pending = at.pending
            self._order(at.consumer, delivery(msg, at, generation=self._generation))
        if not slot.left:
            await self.fill()

    def _order(self, number: int, one: Delivery) -> None:
        if number != self._next:
            if number > self._next:
                self._early[number] = one
                self._bytes += _size(one)
            return
        self._bytes += _size(one)
        self._queue_up(one)
        while self._early and (following := self._early.pop(self._next, None)) is not None:
            self._queue_up(following)

    def _queue_up(self, one: Delivery) -> None:
        self._next += 1
        if self._known(one.sequence):
            self._bytes -= _size(one)
            self._repeated(one)
        else:
            self._queue.append(one)
            self.arrived.set()

    def _on_status(self, slot: _Slot, msg: Msg) -> None:
        headers = msg.headers or {}
        status, description = headers.get("Status", ""), headers.get("Description", "").strip()
        if status == "100":
            self._sent = max(self._sent, int(headers.get("Nats-Last-Consumer", "0")))
        elif status in _OVER:
            slot.left = 0
        elif status == "409" and description in _FULL:
            if not slot.brought:
                self._fail(f"a message is longer than {REQUEST_BYTES} bytes")
            slot.left = 0
        elif status == "503":
            self._fail("there is no such consumer, or JetStream is not ready")
        else:
            self._fail(f"{status} {description}".strip())


def _size(one: Delivery) -> int:
    return len(one.data) + len(one.subject) + 200
