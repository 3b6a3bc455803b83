"""Following a stream from its last values on: without a gap, without a twin, and knowing when it was made anew.

Each reading has a consumer of its own, without acknowledgements, in the server's memory, so any number of processes
read side by side and leave nothing behind. When anything is in doubt (the link, the consumer, a missing message,
silence) it is given up, and the next begins after the last message taken.
"""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import uuid4

import nats.errors
from nats.aio.client import Client

from vardkase.runtime.backoff import Backoff
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.pull import PullLine
from vardkase.runtime.settings import Settings

log: Final = logging.getLogger(__name__)

_MISSED: Final = 3.0
"""Heartbeats that may be missed before the line counts as dead."""
_UNUSED_NS: Final = 30_000_000_000
"""A consumer that nobody asks any more is removed by the server after so long."""
_GLANCE: Final = 0.25
"""Seconds between two looks at a line that brings nothing."""
_BACKOFF: Final = (0.1, 3.0)
"""Seconds before the reading is begun anew: the first wait, and the longest."""


class Follower:
    """Reads one stream for ever: the last value of each subject (or all there is), then all that comes.

    Args:
        stream: its name.
        filters: subjects; they must not overlap.
        settings: how to read (`reader`).
        take: is given what came, in the order of the stream. Must not wait; what it raises is a fault of ours.
        reset: called before anything of another stream of this name, or of one that was put back, is given.
        every: begin with all that the stream holds, and not with the last value of each subject.
    """

    def __init__(
        self,
        stream: str,
        filters: Sequence[str],
        settings: Settings,
        *,
        take: Callable[[Sequence[Delivery]], None],
        reset: Callable[[], None],
        every: bool = False,
    ) -> None:
        self.stream = stream
        self._every = every
        self._filters = list(filters)
        self._settings = settings.reader
        self._take = take
        self._reset = reset
        self._boundary = 0
        self._line: PullLine | None = None
        self._since = time.monotonic()
        self._trouble = "not started"
        self.born: str | None = None
        """When the stream was made, as the server tells it; None before it was asked."""
        self.mark = ""
        """Names the stream as it was made: another one of its name has another. The same in every process."""
        self.last = 0
        """The last sequence taken; 0: none yet."""
        self.whole = asyncio.Event()
        """Set once all that was there when the stream was first read, or was made anew, has been given."""

    @property
    def heard_s_ago(self) -> float:
        """Seconds since the server said anything about this stream: how old what was taken can be."""
        line = self._line
        return time.monotonic() - (self._since if line is None or not line.answered else max(self._since, line.heard))

    @property
    def ok(self) -> bool:
        """Whether it has caught up and is being read: what is changed is known here a moment later."""
        return not self._trouble and self.whole.is_set()

    def check(self) -> Check:
        """`ok`, and what is wrong."""
        trouble = self._trouble or ("" if self.whole.is_set() else "catching up")
        return Check(name=f"follows {self.stream}", ok=not trouble, detail=trouble or f"at {self.last}")

    async def run(self, nc: Client) -> None:
        """Follow until cancelled, or until the connection is closed for good."""
        backoff = Backoff(least=_BACKOFF[0], most=_BACKOFF[1])
        while True:
            before = self.last
            try:
                trouble = await self._read(nc)
            except nats.errors.ConnectionClosedError:
                self._trouble = "the connection is closed"
                return
            except (ApiError, NoAnswer, nats.errors.Error, TimeoutError) as error:
                trouble = str(error) or type(error).__name__
            if self._trouble != trouble:
                log.warning("following %s: %s; beginning anew after %d", self.stream, trouble, self.last)
            self._trouble = trouble
            if self.last > before:
                backoff.reset()
            await asyncio.sleep(backoff.next())

    async def _read(self, nc: Client) -> str:
        """One reading, to its end: why it ended."""
        reconnects = nc.stats["reconnects"]
        name = f"follow-{uuid4().hex}"
        self._look(await call(nc, f"STREAM.INFO.{self.stream}"))
        made = await call(nc, f"CONSUMER.CREATE.{self.stream}.{name}", self._wanted(name))
        line = PullLine(
            nc, stream=self.stream, consumer=name, buffer=self._settings.buffer, heartbeat=self._settings.heartbeat
        )
        try:
            # Asked for again, since it may have been made anew before the consumer was made.
            info = await call(nc, f"STREAM.INFO.{self.stream}")
            if not self._look(info):
                return "the stream was made anew"
            self._boundary = info["state"]["last_seq"]
            if not made["num_pending"]:
                self.whole.set()
            await line.open()
            self._line, self._trouble, self._since = line, "", time.monotonic()
            return await self._pass_on(nc, name, line, reconnects)
        finally:
            self._line = None
            await line.remove()

    def _wanted(self, name: str) -> dict[str, Any]:
        config: dict[str, Any] = {
            "name": name,
            "filter_subjects": self._filters,
            "deliver_policy": "all" if self._every else "last_per_subject",
            "ack_policy": "none",
            "replay_policy": "instant",
            "max_deliver": 1,
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": _UNUSED_NS,
        }
        if self.whole.is_set():
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": self.last + 1}
        return {"stream_name": self.stream, "config": config, "action": "create"}

    def _look(self, info: dict[str, Any]) -> bool:
        """Whether it is the stream that was read until now; another one is begun with."""
        born, last = info["created"], info["state"]["last_seq"]
        same = self.born == born and last >= self.last
        if self.born is not None and not same:
            log.warning("the stream %s was made anew, or put back: reading it from its beginning", self.stream)
            self.last = 0
            self.whole.clear()
            self._reset()
        if not same:
            self.born = born
            self.mark = hashlib.sha256(f"{self.stream} {born}".encode()).hexdigest()[:8]
        return same

    async def _pass_on(self, nc: Client, name: str, line: PullLine, reconnects: int) -> str:
        while True:
            if taken := line.take(self._settings.batch):
                self._take(taken)
                self.last = taken[-1].sequence
                if not taken[-1].pending or self.last >= self._boundary:
                    self.whole.set()
                await line.fill()
                await asyncio.sleep(0)  # a long catching up must not keep the loop to itself
                continue
            if line.trouble is not None:
                return line.trouble
            if nc.is_closed:
                raise nats.errors.ConnectionClosedError
            if nc.stats["reconnects"] != reconnects:
                return "the connection was lost"
            silent = time.monotonic() - line.heard
            if line.asking and silent > _MISSED * self._settings.heartbeat:
                return f"nothing heard for {silent:.1f} s"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.heartbeat):
                    await self._something(nc, line, reconnects)
                continue
            if line.lost():
                return "a message did not arrive"
            if not self.whole.is_set() and await self._nothing_left(nc, name, line):
                self.whole.set()

    async def _something(self, nc: Client, line: PullLine, reconnects: int) -> None:
        """Wait until something came, or the connection was made anew meanwhile (nats-py tells nobody)."""
        while not line.arrived.is_set() and nc.stats["reconnects"] == reconnects and not nc.is_closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GLANCE):
                    await line.arrived.wait()

    async def _nothing_left(self, nc: Client, name: str, line: PullLine) -> bool:
        """Whether all is given: what was left when the consumer was made may have been replaced or removed."""
        info = await call(nc, f"CONSUMER.INFO.{self.stream}.{name}")
        return not info["num_pending"] and info["delivered"]["consumer_seq"] == line.received and not len(line)
