"""A durable reader of a stream: low latency, bounded, and alive after whatever happens to server, link or consumer.

"Connected" is no sign of health: after a server came back with an empty store, or a consumer was deleted, the link is
up and nothing ever arrives. So the reader listens for the server's heartbeats, asks now and then whether its consumer
exists and advances, and binds to it anew when something is wrong.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import nats.errors
from nats.aio.client import Client

from vardkase.runtime.jetstream.acks import Acks
from vardkase.runtime.jetstream.api import CONSUMER_NOT_FOUND, STREAM_NOT_FOUND, ApiError, NoAnswer
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.durable import Durable, NotOurs
from vardkase.runtime.jetstream.pull import PullLine

_MISSED: Final = 2.5
"""Heartbeats that may be missed before the line counts as dead."""
_LONGEST: Final = 30.0
"""Seconds that a new line may be silent at the most before another is made."""
_BACKOFF: Final = (0.05, 2.0)
"""Seconds between two attempts to bind: the first, and the longest."""
_GLANCE: Final = 0.1
"""Seconds between two glances at the line."""
_STARTING: Final = 503
"""JetStream's code while it is not ready yet."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderHealth:
    """How a reader is. Readiness follows this, not the connection."""

    exists: bool
    """Whether the consumer was there when last asked."""
    advancing: bool
    """Whether the server is heard, and what waits is being acknowledged."""
    lag: int
    """Messages of the stream that are not yet acknowledged, as last known."""
    last_heard: float
    """When the server last said anything about this consumer (monotonic seconds)."""
    reason: str
    """What is wrong; empty when nothing is."""


class PullReader:
    """Reads the messages of a stream in order, from where the last one left off.

    Every message comes at least once to a reader that acknowledges, and once to each `PullReader` object, in the order
    of the stream.

    Args:
        nc: a connection (see `connect`: another client can be killed by a hostile message).
        stream: the stream's name.
        durable: the consumer's name; one reader at a time.
        filters: the subjects to read; they must not overlap.
        batch: the most messages of one `take`.
        buffer: the most messages that wait here; no more are asked for.
        heartbeat: seconds between the server's signs of life; 2.5 missed and the reader binds anew.
        resume_after: the last stream sequence whose effects are durable (0: none): asked when the consumer is not
            there and must be made (again), and at the start of a reader that is not `trusting`.
        check: seconds between two looks at the consumer.
        stall_after: seconds without an acknowledgement, with messages waiting, after which it does not advance.
        buffer_bytes: the most bytes that wait here, 8 MiB more at most.
        trusting: whether at the start the server is believed about what was acknowledged; else `resume_after` is. Not
            to be used where the stream replaces values: see `_after`.
    """

    def __init__(
        self,
        nc: Client,
        *,
        stream: str,
        durable: str,
        filters: Sequence[str],
        batch: int = 500,
        buffer: int = 2000,
        heartbeat: float = 2.0,
        resume_after: Callable[[], int],
        check: float = 5.0,
        stall_after: float = 10.0,
        buffer_bytes: int = 32 << 20,
        trusting: bool = True,
    ) -> None:
        self._nc = nc
        self._stream = stream
        self._durable = durable
        self._batch = batch
        self._buffer = max(buffer, batch)
        self._heartbeat = heartbeat
        self._resume_after = resume_after
        self._check = check
        self._stall_after = stall_after
        self._buffer_bytes = buffer_bytes
        self._trusting = trusting
        self._consumer = Durable(nc, stream=stream, name=durable, filters=filters, most=max(20_000, 4 * self._buffer))
        self._line: PullLine | None = None
        self._bound = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._born: str | None = None
        self._reborn = 0
        self._generation = 0
        self._taken = 0
        self._acks = Acks(nc)
        self._exists = False
        self._lag = 0
        self._heard = self._looked = 0.0
        self._reason = "not started"
        self._reconnects = 0
        self._patience = _MISSED * heartbeat
        self.remade = 0
        """How often the consumer had to be made again since this reader started. A counter."""

    @property
    def born(self) -> str | None:
        """When the stream that is being read was made, as the server tells it: another of its name has another."""
        return self._born

    async def start(self, within: float = 0.0) -> None:
        """Make the consumer if it is missing, and begin to read; what a killed predecessor had taken comes again.

        Args:
            within: seconds for which a server that does not answer is asked again: it may be busy, or starting.

        Raises:
            NotOurs: there is a consumer of this name of another kind.
            ApiError: the server refuses (the stream is not there).
            NoAnswer: the server does not answer.
        """
        pause, until = _BACKOFF[0], time.monotonic() + within
        while True:
            try:
                await self._bind()
                break
            except (NoAnswer, ApiError) as error:
                passing = isinstance(error, NoAnswer) or error.code == _STARTING
                if not passing or time.monotonic() + pause > until:
                    raise
                _log.warning("the reader of %s cannot start: %s; trying again", self._stream, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _BACKOFF[1])
        self._watcher = asyncio.create_task(self._watch(), name=f"reader of {self._stream}")

    async def stop(self) -> None:
        """Stop reading. The consumer stays; what was not acknowledged comes to the next reader."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            while not watcher.done():  # `asyncio.wait_for` of Python 3.11 can swallow a cancellation
                watcher.cancel()
                await asyncio.wait({watcher}, timeout=_GLANCE)
        await self._unbind("stopped")
        if self._nc.is_connected:
            with contextlib.suppress(nats.errors.Error, asyncio.TimeoutError):
                await self._nc.flush(timeout=1)  # the last acknowledgements

    async def take(self, wait: float) -> list[Delivery]:
        """Up to `batch` messages, in order.

        Args:
            wait: seconds to wait for the first; the rest is what has arrived by then.

        Returns:
            Empty when nothing came in time.

        Raises:
            RuntimeError: the reader is not started.
            nats.errors.ConnectionClosedError: the connection was closed for good.
        """
        if self._nc.is_closed:
            raise nats.errors.ConnectionClosedError
        if self._watcher is None:
            raise RuntimeError(f"the reader of {self._stream} is not started")
        if self._watcher.done():
            self._watcher.result()  # what it died of: a fault of ours
        deadline = time.monotonic() + wait
        while True:
            line = self._line
            if line is not None and len(line):
                taken = line.take(self._batch)
                self._taken = taken[-1].sequence
                await line.fill()
                return taken
            event = self._bound if line is None else line.arrived
            if line is not None and line.trouble is not None:
                event = self._bound
                event.clear()  # until it is bound anew
            left = deadline - time.monotonic()
            if left <= 0:
                return []
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await event.wait()

    async def ack(self, delivery: Delivery) -> None:
        """Acknowledge this message and all before it: their effects are durable.

        After the reader bound anew, the server no longer takes the old reply of a message: it sends the message again
        (to this object, which does not hand it out twice), and that one is acknowledged instead.
        """
        if delivery.generation < self._reborn:
            return  # of a stream that is no more
        await self._acks.done(delivery, current=delivery.generation == self._generation)

    def health(self) -> ReaderHealth:
        """How the reader is now."""
        now = time.monotonic()
        line = self._line
        heard = self._heard if line is None else max(self._heard, line.heard)
        reason = self._reason
        if not reason and (line is None or line.asking) and now - heard > _MISSED * self._heartbeat:
            reason = f"nothing heard for {now - heard:.1f} s"
        lag = self._waiting()
        if not reason and lag and now - self._acks.moved > self._stall_after:
            reason = f"{lag} messages wait and none was acknowledged for {now - self._acks.moved:.0f} s"
        return ReaderHealth(exists=self._exists, advancing=not reason, lag=lag, last_heard=heard, reason=reason)

    def _waiting(self) -> int:
        """How many messages are not acknowledged, as last told: by a delivery, or by the consumer when asked."""
        line = self._line
        lag = self._lag if line is None or line.delivered < self._looked else line.pending + len(line)
        return max(lag, 1) if self._taken > self._acks.upto else lag

    async def _watch(self) -> None:
        pause = _BACKOFF[0]
        checked = time.monotonic()
        while True:
            try:
                trouble = self._trouble()
                if trouble is None and time.monotonic() - checked >= self._check:
                    with contextlib.suppress(NoAnswer):  # if it lasts, the heartbeats tell
                        await self._look()
                    checked = time.monotonic()
                if trouble is not None:
                    _log.warning("reading %s as %s: %s; binding anew", self._stream, self._durable, trouble)
                    await self._unbind(trouble)
                    await self._bind()
                    checked = time.monotonic()
                pause = _BACKOFF[0]
                await self._until_trouble(self._heartbeat / 2)
            except nats.errors.ConnectionClosedError:
                await self._unbind("the connection is closed")
                return
            except (NoAnswer, ApiError, NotOurs, nats.errors.Error) as error:
                await self._unbind(str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _BACKOFF[1])

    def _trouble(self) -> str | None:
        line = self._line
        if line is None:
            return self._reason or "not bound"
        if line.trouble is not None:
            return line.trouble
        if self._nc.stats["reconnects"] != self._reconnects:
            return "the connection was lost"
        if line.lost():
            return "a message did not arrive"
        if line.answered:
            self._patience = _MISSED * self._heartbeat
        silent = time.monotonic() - line.heard if line.asking else 0.0
        if silent <= self._patience:
            return None
        # A server that is flooded is late with everything. Each binding asks it for as much again, and it keeps what it
        # has not sent: so the next line is given more time, until one is heard.
        self._patience = min(2 * self._patience, max(_LONGEST, self._patience))
        return f"nothing heard for {silent:.1f} s"

    async def _until_trouble(self, wait: float) -> None:
        """Sleep, but see within a moment that the line broke or the connection was made anew (nats-py tells nobody)."""
        until = time.monotonic() + wait
        while (now := time.monotonic()) < until:
            line = self._line
            if line is None or line.trouble is not None or self._nc.stats["reconnects"] != self._reconnects:
                return
            if not self._waiting():
                self._acks.moved = now
            await self._acks.owed()
            await asyncio.sleep(min(until - now, _GLANCE))

    async def _look(self) -> None:
        """See that the consumer exists, and repeat an acknowledgement that was lost on the way."""
        info = await self._consumer.info(self._heartbeat)
        self._seen(info)
        floor = info["ack_floor"]["stream_seq"]
        if floor < self._acks.upto and info["num_ack_pending"]:
            await self._acks.again()

    def _seen(self, info: dict[str, Any]) -> None:
        self._exists = True
        self._heard = self._looked = time.monotonic()
        self._lag = info["num_pending"] + info["num_ack_pending"]

    async def _unbind(self, reason: str) -> None:
        self._reason = reason
        self._bound.clear()
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(nats.errors.Error):
                await line.close()

    async def _bind(self) -> None:
        """Make the consumer if it is missing, reset it, and open a new line to it."""
        self._reconnects = self._nc.stats["reconnects"]
        try:
            stream = await self._consumer.stream()
            info = await self._consumer.find() or await self._make(stream)
        except ApiError as error:
            if error.err_code in {CONSUMER_NOT_FOUND, STREAM_NOT_FOUND}:
                self._exists = False
            raise
        self._rewind(stream, info)
        info = await self._consumer.reset(self._after(info))
        self._seen(info)
        self._generation += 1
        self._acks.rebound()
        line = PullLine(
            self._nc,
            stream=self._stream,
            consumer=self._durable,
            buffer=self._buffer,
            buffer_bytes=self._buffer_bytes,
            heartbeat=self._heartbeat,
            generation=self._generation,
            known=lambda sequence: sequence <= self._taken,
            repeated=lambda one: self._acks.repeated(one, self._taken),
        )
        try:
            await line.open()
        except BaseException:
            await line.close()
            raise
        self._line, self._reason = line, ""
        self._bound.set()

    async def _make(self, stream: dict[str, Any]) -> dict[str, Any]:
        """The consumer made, after what is durable; all is new in a stream that is another one, or an older copy."""
        after = self._resume_after()
        if after > stream["state"]["last_seq"] or self._born not in {None, stream["created"]}:
            after = 0
        if self._generation:
            self.remade += 1
            _log.warning("the consumer %s of %s was gone; made again from %d", self._durable, self._stream, after + 1)
        return await self._consumer.make(after)

    def _after(self, info: dict[str, Any]) -> int:
        """After which message the server is to go on.

        What was acknowledged is for the reader to say. nats-server takes a delivered message that is removed, such as
        one that the next value of its subject replaces, for acknowledged; and with "all" so is everything before it,
        though it may still wait here, and is dropped with the line when that breaks.
        """
        floor: int = info["ack_floor"]["stream_seq"]
        if not self._generation:
            self._acks.upto = floor if self._trusting else min(floor, self._resume_after())
        acked = self._acks.upto
        if acked < floor:
            _log.info("reading %s again after %d; the server took %d for acknowledged", self._stream, acked, floor)
        return min(floor, acked)

    def _rewind(self, stream: dict[str, Any], info: dict[str, Any]) -> None:
        """Forget what was read of a stream that is no more, or that was put back to an older copy."""
        last = stream["state"]["last_seq"]
        if self._born not in {None, stream["created"]} or last < self._taken:
            _log.warning("the stream %s was recreated or put back; reading on from what it has", self._stream)
            self._reborn = self._generation + 1
            self._taken = self._acks.upto = min(info["ack_floor"]["stream_seq"], last)
        self._born = stream["created"]
