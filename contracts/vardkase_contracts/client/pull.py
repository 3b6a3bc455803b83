"""Messages of one JetStream consumer, in order and without a gap, until something ends that."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import nats.errors
from nats.aio.msg import Msg

from vardkase_contracts.client.connection import Connection

_HEARTBEAT: Final = "100"
_REQUEST_OVER: Final = ("404", "408")
_NO_RESPONDERS: Final = "503"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How a feed reads. The defaults suit a feed over any link; tests make them small."""

    batch: int = 200
    """How many messages the server may send ahead (at least 2)."""
    heartbeat_s: float = 2.0
    """How often the server says that it is there when it has nothing to send."""
    silent_beats: int = 3
    """After how many missed heartbeats the reading starts anew."""
    expires_s: float = 30.0
    """How long a request for messages stands at the server; at least two heartbeats."""
    request_s: float = 5.0
    """How long the server may take to answer."""
    first_s: float = 10.0
    """How long to go on trying at the very start before it is an error. Later: for ever."""
    retry_min_s: float = 0.1
    """The wait after the first failure; doubled after each one more."""
    retry_max_s: float = 3.0
    """The longest wait."""
    keep_s: float = 60.0
    """How long the server keeps a consumer that nobody reads from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One message as the consumer delivers it."""

    subject: str
    data: bytes
    sequence: int
    """In the stream."""
    pending: int
    """How many more the consumer has to deliver, at that moment."""
    stored_at: datetime
    """When the server stored it (aware, UTC)."""


class Pull:
    """Reads one consumer: asks ahead, notices gaps and silence, and says why it ended.

    `take` is awaited for each message; while it waits nothing more is asked for, so a slow taker slows the server.
    `idle` is called when the server has nothing (more) to send.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        stream: str,
        consumer: str,
        pace: Pace,
        take: Callable[[Delivery], Awaitable[None]],
        idle: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._next = connection.api_subject(f"CONSUMER.MSG.NEXT.{stream}.{consumer}")
        self._pace = pace
        self._take = take
        self._idle = idle
        self._inbox = connection.new_inbox()
        self._asked = 0
        self._delivered = 0
        self._taking = False
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.heard_at = time.monotonic()
        """When the server last sent anything (monotonic seconds)."""

    async def run(self) -> str:
        """Read until it ends: the consumer is gone, a message is missing, silence, or the connection is lost.

        Returns:
            Why it ended; everything taken before that stands.

        Raises:
            Denied: this user may not read.
        """
        try:
            subscription = await self._connection.subscribe(
                self._inbox, self._on_message, limit=4 * self._pace.batch + 64
            )
        except nats.errors.Error as error:
            return str(error)
        try:
            with self._connection.refusal(self._next) as refused:
                await self._ask()
                return await self._watch(refused)
        except nats.errors.Error as error:
            return str(error)
        finally:
            with suppress(nats.errors.Error):  # closed already: there is nothing to unsubscribe from
                await subscription.unsubscribe()

    async def _watch(self, refused: asyncio.Future[None]) -> str:
        while not self._ended.done():
            await asyncio.wait(
                {self._ended, refused}, timeout=self._pace.heartbeat_s, return_when=asyncio.FIRST_COMPLETED
            )
            if refused.done():
                refused.result()
                self._end("the connection was lost")
            quiet = time.monotonic() - self.heard_at
            if not self._taking and quiet > self._pace.silent_beats * self._pace.heartbeat_s:
                self._end(f"nothing heard for {quiet:.1f} s")
        return self._ended.result()

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    async def _ask(self) -> None:
        if self._asked > self._pace.batch // 2 or self._ended.done():
            return
        more = self._pace.batch - self._asked
        self._asked += more
        body = {
            "batch": more,
            "expires": int(self._pace.expires_s * 1e9),
            "idle_heartbeat": int(self._pace.heartbeat_s * 1e9),
        }
        await self._connection.publish(self._next, json.dumps(body).encode(), reply=self._inbox)

    async def _on_message(self, message: Msg) -> None:
        self.heard_at = time.monotonic()
        if self._ended.done():
            return
        try:
            if message.subject == self._inbox:
                await self._on_status(message)
            else:
                await self._on_delivery(message)
        except Exception as error:  # noqa: BLE001 -- whatever it is: nats-py would only log it, and the reading would stand still
            self._fail(error)

    async def _on_status(self, message: Msg) -> None:
        headers = message.headers or {}
        status = headers.get("Status")
        if status == _HEARTBEAT:
            if int(headers.get("Nats-Last-Consumer", self._delivered)) != self._delivered:
                self._end("a message was lost on the way")
            else:
                self._idle()
        elif status in _REQUEST_OVER:
            self._asked -= min(self._asked, int(headers.get("Nats-Pending-Messages", self._asked)))
            self._idle()
            await self._ask()
        elif status == _NO_RESPONDERS:
            self._end("the consumer is gone")
        else:
            self._end(f"{status} {headers.get('Description', '')}".strip())

    async def _on_delivery(self, message: Msg) -> None:
        metadata = message.metadata
        if metadata.sequence.consumer != self._delivered + 1:
            self._end("a message was lost on the way")
            return
        self._delivered += 1
        self._asked -= 1
        self._taking = True
        try:
            await self._take(
                Delivery(
                    subject=message.subject,
                    data=message.data,
                    sequence=metadata.sequence.stream,
                    pending=metadata.num_pending,
                    stored_at=metadata.timestamp,
                )
            )
        finally:
            self._taking = False
            self.heard_at = time.monotonic()
        await self._ask()

    def _fail(self, error: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)
