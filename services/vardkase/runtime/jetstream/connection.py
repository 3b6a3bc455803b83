# ruff: noqa: SLF001 -- it mends nats-py from within; its version is held below the next major one
"""A connection that neither a hostile message nor a black hole can kill.

nats-py 2.16 alone does not do for whoever reads what strangers publish. Seen on 2.15.1, each from one stored message:
a subject that is not UTF-8, or headers cut short, end its reading task for good while it says "connected"; a subject
with a vertical tab or a form feed makes it reconnect for ever. After a black hole it waits, without bound, for what it
had not sent. What the server ends a connection for (a message too long with its headers, too many connections) ends it
for good. And on Python 3.11 a cancelled attempt to reconnect can live on (`asyncio.wait_for` returns a result instead
of being cancelled): two of them then fight over one connection, or one outlives the closing and no process ends. On
uvloop what is written to a connection that was lost raises a RuntimeError, which nats-py takes for the end of the loop:
what sends, or makes the connection anew, then ends without a word.
"""

import asyncio
import contextlib
import json
import logging
import re
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, cast
from urllib.parse import urlsplit

import nats.errors
from nats.aio.client import DEFAULT_BUFFER_SIZE, Client, Srv
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.protocol.parser import (
    AWAITING_CONTROL_LINE,
    AWAITING_MSG_PAYLOAD,
    PERMISSIONS_ERR,
    STALE_CONNECTION,
    Parser,
)

from vardkase.runtime.jetstream.headers import read
from vardkase.runtime.jetstream.transport import Transport

_LONGEST_LINE: Final = 64 * 1024
"""The server's longest protocol line is 4 KiB, and a delivery's reply subject comes on top of it; INFO is longer."""
_CRLF: Final = b"\r\n"
_TCP: Final = ("nats", "tls")
_SAME_ERROR_EVERY: Final = 10.0
"""Seconds: while a server is away nats-py tells the same error several times a second."""
_DENIED: Final = re.compile(r'permissions violation for (publish|subscription) to "([^"]*)"', re.IGNORECASE)
_MOST_DENIED: Final = 100

_CHUNK: Final = 128 * 1024
"""Bytes that are handed to the socket's queue at once, roughly."""

_log = logging.getLogger(__name__)

Handler = Callable[[bytes, bytes, bytes, bytes], None]
"""Takes a message as it stands on the wire: subject, reply, headers, payload. Must neither block nor wait."""


class ConnectFailed(Exception):  # noqa: N818 -- what happened
    """No connection in the time given: one line that names the server and what was wrong."""


class _TolerantParser(Parser):
    """nats-py's parser, but splitting lines where the server does: at a space, and at nothing else."""

    nc: "Connection"

    async def parse(self, data: bytes = b"") -> None:
        """Hand on what is complete, keep the rest.

        Raises:
            nats.errors.ProtocolError: what came is not the protocol.
        """
        buffer = self.buf
        buffer.extend(data)
        while buffer and buffer is self.buf:
            if self.state == AWAITING_CONTROL_LINE:
                end = buffer.find(_CRLF)
                if end < 0:
                    if len(buffer) > _LONGEST_LINE:
                        raise nats.errors.ProtocolError
                    return
                line = bytes(buffer[:end])
                del buffer[: end + 2]
                if line.startswith((b"MSG ", b"HMSG ")):
                    self._begin(line)
                else:
                    await self._operation(line)
            else:
                if len(buffer) < self.needed + 2:
                    return
                split = self.header_needed
                headers = bytes(buffer[:split])
                payload = bytes(buffer[split : self.needed])
                del buffer[: self.needed + 2]
                self.state, self.header_needed = AWAITING_CONTROL_LINE, 0
                arg = self.msg_arg
                handler = self.nc.handlers.get(arg["sid"])
                if handler is None:
                    await self.nc._process_msg(arg["sid"], arg["subject"], arg["reply"], payload, headers)
                else:
                    self.nc.stats["in_msgs"] += 1
                    self.nc.stats["in_bytes"] += len(payload)
                    try:
                        handler(arg["subject"], arg["reply"], headers, payload)
                    except Exception as error:  # noqa: BLE001 -- told, as nats-py tells that of a callback
                        await self.nc.tell(error)

    def _begin(self, line: bytes) -> None:
        """`MSG <subject> <sid> [reply] <size>`, `HMSG <subject> <sid> [reply] <headers' size> <size>`."""
        parts = line.split(b" ")
        sizes = 2 if parts[0] == b"HMSG" else 1
        try:
            self.msg_arg["subject"], self.msg_arg["sid"] = parts[1], int(parts[2])
            self.msg_arg["reply"] = parts[3] if len(parts) == 4 + sizes else b""
            self.header_needed = int(parts[-2]) if sizes == 2 else 0
            self.needed = int(parts[-1])
        except (IndexError, ValueError) as error:
            raise nats.errors.ProtocolError from error
        if len(parts) not in {3 + sizes, 4 + sizes} or not 0 <= self.header_needed <= self.needed:
            raise nats.errors.ProtocolError
        self.state = AWAITING_MSG_PAYLOAD

    async def _operation(self, line: bytes) -> None:
        name, _, rest = line.strip().partition(b" ")
        match name.upper():
            case b"PING":
                await self.nc._process_ping()
            case b"PONG":
                await self.nc._process_pong()
            case b"-ERR":
                await self.nc._process_err(rest.decode("utf-8", "replace").lower())
            case b"INFO":
                await self.nc._process_info(json.loads(rest))
            case b"+OK":
                pass
            case _:
                raise nats.errors.ProtocolError


class Connection(Client):
    """nats-py's client, mended where it breaks. Made by `connect`."""

    def __init__(self) -> None:
        super().__init__()
        self._ps = _TolerantParser(self)
        self._ending = False
        self._ended = False
        self._told: dict[str, float] = {}
        self.handlers: dict[int, Handler] = {}
        """Of the subscriptions made by `listen`, by their number."""
        self.denied: dict[str, float] = {}
        """Subjects that the server said this user may not publish to, and when last (monotonic seconds)."""

    async def listen(self, subject: str, handler: Handler) -> Subscription:
        """Subscribe, each message handed on as it is read, with neither a queue nor a task between: half the cost.

        What the handler raises is told, and the next message comes all the same.
        """
        subscription = await self.subscribe(subject, cb=_nobody)
        self.handlers[subscription._id] = handler
        return subscription

    def _remove_sub(self, sid: int, max_msgs: int = 0) -> None:
        self.handlers.pop(sid, None)
        super()._remove_sub(sid, max_msgs)

    async def publish_all(self, messages: Iterable[tuple[str, bytes, bytes]]) -> None:
        """Publish messages, each a subject, its headers as they stand on the wire, and a payload; in order.

        The same as `publish` for each of them, at a fraction of the cost.

        Raises:
            nats.errors.BadSubjectError: a subject is empty or holds a blank. Nothing after it is sent.
            nats.errors.MaxPayloadError: one is longer than the server takes. Nothing after it is sent.
            nats.errors.ConnectionClosedError, ConnectionDrainingError: nothing can be sent any more.
            nats.errors.OutboundBufferLimitError: not connected, and what waits to be sent is full.
        """
        parts: list[bytes] = []
        size = 0
        for subject, headers, data in messages:
            if len(subject.split()) != 1 or subject.strip() != subject:
                raise nats.errors.BadSubjectError
            total = len(headers) + len(data)
            if total > self.max_payload:
                raise nats.errors.MaxPayloadError
            parts += (f"HPUB {subject} {len(headers)} {total}\r\n".encode(), headers, data, _CRLF)
            size += total
            self.stats["out_msgs"] += 1
            self.stats["out_bytes"] += len(data)
            if size >= _CHUNK:
                await self._send_all(b"".join(parts))
                parts, size = [], 0
        if parts:
            await self._send_all(b"".join(parts))

    async def _send_all(self, commands: bytes) -> None:
        if self.is_closed:
            raise nats.errors.ConnectionClosedError
        if self.is_draining_pubs:
            raise nats.errors.ConnectionDrainingError
        if not self.is_connected and len(commands) + self._pending_data_size > self._max_pending_size:
            raise nats.errors.OutboundBufferLimitError
        await self._send_command(commands)
        if self._flush_queue is not None and self._flush_queue.empty():
            await self._flush_pending()

    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        return read(headers) or None

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Msg:
        return Msg(
            _client=self,
            subject=subject.decode("utf-8", "replace"),
            reply=reply.decode("utf-8", "replace"),
            data=data,
            headers=headers,
            _sid=sid,
        )

    async def _process_err(self, err_msg: str) -> None:
        """What the server ends a connection for is told, and the connection made anew; nats-py would end for good."""
        if STALE_CONNECTION in err_msg or PERMISSIONS_ERR in err_msg:
            await super()._process_err(err_msg)
            return
        self._err = nats.errors.Error(f"the server ended the connection: {err_msg}")
        await self._error_cb(self._err)
        await self._process_op_err(self._err)

    async def _attempt_reconnect(self) -> None:
        self._drop_socket()
        self._end_requests()
        await super()._attempt_reconnect()

    def _end_requests(self) -> None:
        """What was asked before the connection was lost is not answered any more: nobody need wait for it."""
        for answer in list(self._resp_map.values()):
            if not answer.done():
                answer.set_exception(nats.errors.TimeoutError())
                answer.exception()  # who asked may have gone

    def _drop_socket(self) -> None:
        """Drop the old socket at once, with what waits in it: it could arrive after it was sent anew elsewhere."""
        stream = getattr(self._transport, "_io_writer", None)
        if not isinstance(stream, asyncio.StreamWriter) or stream.transport.is_closing():
            return
        sock = stream.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.transport.abort()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed for good. An attempt to reconnect that was under way cannot undo it."""
        return self._ended or self._status == Client.CLOSED

    async def _close(self, status: int, do_cbs: bool = True) -> None:  # noqa: FBT001, FBT002 -- nats-py's
        self._ending = self._ending or status == Client.CLOSED
        if isinstance(self._transport, Transport) and self._transport.is_closing:
            self._pending, self._pending_data_size = [], 0  # nobody is there to take it
        await super()._close(status, do_cbs)
        self._ended = self._ending

    async def _process_connect_init(self) -> None:
        await super()._process_connect_init()
        stream = getattr(self._transport, "_io_writer", None)
        if isinstance(stream, asyncio.StreamWriter) and stream.get_extra_info("sslcontext") is not None:
            # nats-py does not tell its reader that it is above TLS: asyncio would warn at the end of each connection.
            cast("Any", stream.transport.get_protocol())._over_ssl = True

    async def _connect_to_server(self, s: Srv) -> None:
        """Only for the one task that is to reconnect: Python 3.11 can lose the cancelling of the one before it."""
        self._only_one()
        self._drop_socket()  # of an attempt that failed half-way
        if s.uri.scheme in _TCP:
            s.last_attempt = time.monotonic()
            transport = self._transport if isinstance(self._transport, Transport) else Transport()
            self._transport = transport
            await transport.connect(
                s.uri, buffer_size=DEFAULT_BUFFER_SIZE, connect_timeout=self.options["connect_timeout"]
            )
        else:
            await super()._connect_to_server(s)
        self._only_one()

    def _only_one(self) -> None:
        newest = self._reconnection_task
        stale = newest is not None and not newest.done() and newest is not asyncio.current_task()
        if self._ending or stale:
            raise asyncio.CancelledError

    async def tell(self, error: Exception) -> None:
        """nats-py's error callback: into the log, the same words at most every 10 s."""
        text = str(error) or type(error).__name__
        now = time.monotonic()
        if (denied := _DENIED.search(text)) is not None and denied[1].lower() == "publish":
            if len(self.denied) >= _MOST_DENIED:
                self.denied.clear()
            self.denied[denied[2].lower()] = now
        if now - self._told.get(text, -_SAME_ERROR_EVERY) >= _SAME_ERROR_EVERY:
            if len(self._told) >= _MOST_DENIED:
                self._told.clear()
            self._told[text] = now
            _log.warning("NATS: %s", text)


async def _nobody(_: Msg) -> None:
    """What a subscription of `listen` has for a callback: its messages go elsewhere."""


def ours(nc: Client) -> Connection:
    """The same connection, as what it must be here.

    Raises:
        TypeError: it is another client's: `connect` makes ours.
    """
    if not isinstance(nc, Connection):
        raise TypeError(f"expected a connection of {__name__}, not {type(nc).__name__}")
    return nc


async def connect(
    url: str,
    *,
    name: str,
    user: str | None = None,
    password: str | None = None,
    creds: str | None = None,
    inbox_prefix: str = "_INBOX",
    within: float = 10.0,
    connect_timeout: float = 2.0,
    reconnect_wait: float = 0.25,
    ping_interval: float = 5.0,
    max_pings: int = 2,
    pending_bytes: int = 8 << 20,
) -> Connection:
    """Connect to a server. The connection is made anew for ever until it is closed.

    Args:
        url: one URL or several with commas between; it may hold user and password.
        name: what the server's monitoring calls the connection.
        user: with `password`, instead of the URL's.
        password: see `user`.
        creds: the path of a credentials file.
        inbox_prefix: where answers are sent.
        within: seconds that all attempts together may take.
        connect_timeout: seconds that one attempt may take.
        reconnect_wait: seconds between two attempts.
        ping_interval: seconds between two pings; `max_pings` unanswered, and the link counts as dead.
        max_pings: see `ping_interval`.
        pending_bytes: bytes that may wait to be sent; beyond them a sender waits.

    Raises:
        ConnectFailed: not in time.
    """
    connection = Connection()
    servers = [part.strip() for part in url.split(",")]
    dial = connection.connect(
        servers,
        name=name,
        user=user,
        password=password,
        user_credentials=creds,
        inbox_prefix=inbox_prefix,
        error_cb=connection.tell,
        max_reconnect_attempts=-1,  # nats-py's event loop stands still once they are used up
        connect_timeout=cast("int", connect_timeout),
        reconnect_time_wait=cast("int", reconnect_wait),
        ping_interval=cast("int", ping_interval),
        max_outstanding_pings=max_pings,
        pending_size=pending_bytes,
        flush_timeout=within,
    )
    try:
        async with asyncio.timeout(within):
            await dial
    except TimeoutError:
        connection._drop_socket()
        detail: Any = connection.last_error or "no answer"
        raise ConnectFailed(f"no NATS server at {_shown(servers)} for {within:g} s: {detail}") from None
    except (OSError, nats.errors.Error, ValueError) as error:
        connection._drop_socket()
        raise ConnectFailed(f"cannot connect to NATS at {_shown(servers)}: {error}") from error
    return connection


def _shown(servers: list[str]) -> str:
    """The URLs without what they hold of users and passwords."""
    parts = [urlsplit(server if "//" in server else f"nats://{server}") for server in servers]
    return ", ".join(f"{part.scheme}://{part.hostname}:{part.port or 4222}" for part in parts)
