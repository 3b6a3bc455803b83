"""One subject filter of one stream: first the last value of each subject, then every change, whatever breaks meanwhile.

Each reading uses a consumer of its own, without acknowledgements, kept in the server's memory. When anything is in
doubt (the connection broke, the consumer is gone, a message is missing, silence) it is given up and a new one starts
after the last stream sequence taken: so there is neither a gap nor a twin. A store that was made anew, or put back to
an earlier state, is read from its beginning, and the feed's generation is one higher.
"""

import asyncio
import logging
import random
import time
from contextlib import suppress
from typing import Any, Final, Protocol

from vardkase_contracts.client.buffer import Received
from vardkase_contracts.client.connection import ApiError, Connection, Denied, NoAnswer, NoResponders
from vardkase_contracts.client.errors import ClientError, ReadRefused
from vardkase_contracts.client.pull import Delivery, Pace, Pull

_NOT_FOUND: Final = 404
_DELETE_S: Final = 1.0

_log = logging.getLogger("vardkase.client")


class Sink(Protocol):
    """Where a reader puts what it reads."""

    async def put(self, received: Received) -> None:
        """Take a message; waits while there is no room."""
        ...

    def changed(self) -> None:
        """The reader caught up, or started anew."""
        ...


class Reader:
    """Reads one filter of one stream into a sink, for as long as `run` runs."""

    def __init__(
        self,
        connection: Connection,
        *,
        stream: str,
        subject: str,
        sink: Sink,
        pace: Pace,
        keep_all: bool,
        only_new: bool = False,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._subject = subject
        self._sink = sink
        self._pace = pace
        self._keep_all = keep_all
        self._only_new = only_new
        self._created: str | None = None
        self._began = False
        self._position = 0
        self._boundary = 0
        self._left: int | None = None
        self._pull: Pull | None = None
        self._since = time.monotonic()
        self.caught_up = False
        """Whether all that was stored at the start has been put."""
        self.generation = 0
        """How many times the store was found to be another than before."""
        self.trouble: str | None = None
        """Why it is not reading now; None when it is."""

    @property
    def heard_at(self) -> float:
        """When the server last sent anything (monotonic seconds); the start, when it never did."""
        return self._since if self._pull is None else self._pull.heard_at

    async def run(self) -> None:
        """Read until cancelled.

        Raises:
            ReadRefused: this user may not, or (at the very start only) there is no such stream, or no answer.
            ConnectionGone: the connection is closed for good.
        """
        delay = self._pace.retry_min_s
        while True:
            await self._connected()
            before = self._position
            try:
                self.trouble = await self._read()
                if self._position > before:
                    delay = self._pace.retry_min_s
            except Denied as error:
                raise ReadRefused(self._stream, "permission", f"this user may not use {error.subject}") from error
            except (ApiError, NoResponders, NoAnswer) as error:
                self.trouble = str(error)
                self._check_start(error)
            if not self._connection.connected:
                continue
            _log.debug("%s %s: %s; again in %.1f s", self._stream, self._subject, self.trouble, delay)
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 -- so that not all come back at once
            delay = min(delay * 2, self._pace.retry_max_s)

    def _check_start(self, error: ClientError) -> None:
        if self._began:
            return
        if isinstance(error, ApiError) and error.code == _NOT_FOUND:
            raise ReadRefused(self._stream, "no_stream", "there is no such stream at this node") from error
        if isinstance(error, NoResponders):
            raise ReadRefused(self._stream, "no_stream", "the server has no JetStream for this user") from error
        if isinstance(error, ApiError) or time.monotonic() - self._since > self._pace.first_s:
            raise ReadRefused(self._stream, "server", str(error)) from error

    async def _connected(self) -> None:
        changed = asyncio.Event()
        stop_listening = self._connection.on_change(changed.set)
        try:
            while not self._connection.connected:
                if self._connection.gone is not None:
                    raise self._connection.gone
                changed.clear()
                await changed.wait()
        finally:
            stop_listening()

    async def _read(self) -> str:
        consumer = f"app-{random.getrandbits(80):020x}"
        try:
            made = await self._create(consumer)
            # Asked for after the consumer was made, so that it is the stream which the consumer reads.
            stream = await self._connection.api(f"STREAM.INFO.{self._stream}", timeout_s=self._pace.request_s)
            state: dict[str, Any] = stream["state"]
            if anew := self._made_anew(stream["created"], first=state["first_seq"], last=state["last_seq"]):
                return anew
            self._created, self._began = stream["created"], True
            self._boundary, self._left = state["last_seq"], None
            self._position = max(self._position, made["delivered"]["stream_seq"])
            if made["num_pending"] == 0 or self._only_new:
                self._catch_up()
            self._pull = Pull(
                self._connection,
                stream=self._stream,
                consumer=consumer,
                pace=self._pace,
                take=self._take,
                idle=self._on_idle,
            )
            self.trouble = None
            self._sink.changed()
            return await self._pull.run()
        finally:
            await self._delete(consumer)

    async def _create(self, consumer: str) -> dict[str, Any]:
        config: dict[str, Any] = {
            "name": consumer,
            "filter_subject": self._subject,
            "deliver_policy": "new" if self._only_new else "last_per_subject",
            "ack_policy": "none",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": int(self._pace.keep_s * 1e9),
        }
        if self._created is not None:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": self._position + 1}
        # With the filter in the call's subject, a permission can be cut to an area.
        call = f"CONSUMER.CREATE.{self._stream}.{consumer}.{self._subject}"
        body = {"stream_name": self._stream, "config": config}
        return await self._connection.api(call, body, timeout_s=self._pace.request_s)

    async def _delete(self, consumer: str) -> None:
        # A courtesy: the server forgets it by itself after a while.
        if self._connection.connected:
            with suppress(ClientError):
                call = f"CONSUMER.DELETE.{self._stream}.{consumer}"
                await self._connection.api(call, timeout_s=_DELETE_S)

    def _made_anew(self, created: str, *, first: int, last: int) -> str | None:
        """Why what was read before cannot be gone on from, if so: then everything starts again."""
        if self._created is None:
            return None
        if created != self._created:
            why = "the stream was made anew"
        elif last < self._position:
            why = f"the stream was put back to {last}, before {self._position}"
        elif self._keep_all and first > self._position + 1:
            why = f"changes {self._position + 1} to {first - 1} are no longer kept"
        else:
            return None
        _log.warning("%s %s: %s; reading the current values again", self._stream, self._subject, why)
        self._created, self._position = None, 0
        self.caught_up = False
        self.generation += 1
        self._sink.changed()
        return why

    async def _take(self, delivery: Delivery) -> None:
        await self._sink.put(
            Received(
                subject=delivery.subject,
                sequence=delivery.sequence,
                stored_at=delivery.stored_at,
                data=delivery.data,
                live=self.caught_up,
                generation=self.generation,
            )
        )
        self._position = delivery.sequence
        if self.caught_up:
            return
        if self._left is not None:
            self._left -= 1
        elif delivery.sequence > self._boundary:
            # A value stored at the start may have been replaced since: then it is among those still to come.
            self._left = delivery.pending
        if delivery.pending == 0 or (self._left is not None and self._left <= 0):
            self._position = max(self._position, self._boundary)
            self._catch_up()

    def _on_idle(self) -> None:
        # Nothing to send: what was stored at the start, and not taken, is there no more.
        if not self.caught_up:
            self._catch_up()

    def _catch_up(self) -> None:
        if not self.caught_up:
            self.caught_up = True
            self._sink.changed()
