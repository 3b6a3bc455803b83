# ruff: noqa: N818 -- an error is named for what happened
"""The connection: made within a bounded time, kept for ever, and outspoken about what the server refuses.

nats-py tells of a refused publish or subscription on an error callback only, and lets the caller wait for its timeout.
Here the refusal ends the request that it is about.
"""

import asyncio
import json
import logging
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final, Self, cast
from urllib.parse import unquote, urlsplit

import nats.errors
from nats.aio.client import Client as Nats
from nats.aio.client import Srv
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from vardkase_contracts.client.errors import ClientError, ConnectFailed, ConnectionGone

_PING_S: Final = 5
"""How often the server is pinged; after two without an answer the connection is made anew. nats-py's own two minutes
would leave a dead link unnoticed for as long."""
_RECONNECT_WAIT_S: Final = 0.5
_CLOSE_S: Final = 5.0
_MONITOR_S: Final = 1.0
_DEAD_S: Final = 30.0
"""An attempt to reconnect fails within some seconds, and says so; after so long without one there are no more."""
_DENIED: Final = re.compile(r'permissions violation for (publish|subscription) to "([^"]*)"')
_BAD_CREDENTIALS: Final = ("authorization violation", "authentication")

_log = logging.getLogger("vardkase.client")


class Denied(ClientError):
    """The server said that this user may not publish to, or subscribe to, a subject."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"this user may not use {subject}")
        self.subject = subject


class NoAnswer(ClientError):
    """Nobody answered in time, or the connection broke while waiting."""


class NoResponders(ClientError):
    """The server said at once that nothing listens on the subject."""


class ApiError(ClientError):
    """JetStream answered with an error."""

    def __init__(self, code: int, err_code: int, description: str) -> None:
        super().__init__(f"{description} ({err_code})")
        self.code = code
        """As in HTTP: 404 is not found."""
        self.err_code = err_code
        """JetStream's own number of the error."""
        self.description = description


class _Nats(Nats):
    """nats-py's client, but that it lets a dead socket go at once.

    As it stands, after a black hole it waits for the socket to take what it had not sent, that is, for ever; and an
    attempt to connect that fails half-way leaves its socket open.
    """

    async def _attempt_reconnect(self) -> None:
        self._abort()
        await super()._attempt_reconnect()

    async def _connect_to_server(self, s: Srv) -> None:
        self._abort()
        await super()._connect_to_server(s)

    def _abort(self) -> None:
        writer: object = getattr(self._transport, "_io_writer", None)
        if isinstance(writer, asyncio.StreamWriter):
            writer.transport.abort()


def without_secrets(url: str) -> str:
    """The URL as it may be shown: scheme, host and port."""
    parts = urlsplit(url if "//" in url else f"nats://{url}")
    host = parts.hostname or "?"
    return f"{parts.scheme}://{host if parts.port is None else f'{host}:{parts.port}'}"


class Connection:
    """One connection to a node, re-made whenever it breaks; requests end with an answer, a refusal or in time."""

    def __init__(self, *, domain: str | None = None) -> None:
        self._nats = _Nats()
        self._prefix = "$JS.API" if domain is None else f"$JS.{domain}.API"
        self._url = "?"
        self._inbox = "_INBOX"
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._listeners: set[Callable[[], None]] = set()
        self._inbox_denied = False
        self._turned_down: asyncio.Future[str] | None = None
        self._closing = False
        self._attempted_at = time.monotonic()
        self._monitor: asyncio.Task[None] | None = None
        self.up = asyncio.Event()
        """Set while connected."""
        self.gone: ConnectionGone | None = None
        """Set when the connection will not come back."""
        self.changed_at = time.monotonic()
        """When it was last made, or lost (monotonic seconds)."""
        self.trouble: str | None = None
        """What went wrong last; None when connected."""

    @classmethod
    async def open(
        cls,
        url: str | Sequence[str],
        *,
        creds: str | None = None,
        nkey_seed: str | None = None,
        user: str | None = None,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        inbox_prefix: str = "_INBOX",
        name: str = "vardkase-client",
        domain: str | None = None,
        timeout_s: float = 10.0,
    ) -> Self:
        """Connect, trying until it works or the time is out. See `vardkase_contracts.client.connect`.

        Raises:
            ConnectFailed: not in `timeout_s`, or the credentials are no good.
        """
        servers = [url] if isinstance(url, str) else list(url)
        shown = ", ".join(map(without_secrets, servers))
        if (creds is not None or nkey_seed is not None) and find_spec("nkeys") is None:
            raise ConnectFailed(shown, "credentials with keys need the package nkeys (nats-py[nkeys])")
        if user is None and len(servers) == 1 and "@" in servers[0] and urlsplit(servers[0]).password is None:
            # nats-py takes a name without a password for a token; the public account's user has an empty password.
            user, password = unquote(urlsplit(servers[0]).username or ""), ""
        self = cls(domain=domain)
        self._url, self._inbox = shown, inbox_prefix
        self._turned_down = asyncio.get_running_loop().create_future()
        dial = asyncio.ensure_future(
            self._nats.connect(
                servers,
                name=name,
                user=user,
                password=password,
                user_credentials=creds,
                nkeys_seed_str=nkey_seed,
                tls=tls,
                inbox_prefix=inbox_prefix,
                ping_interval=_PING_S,
                max_outstanding_pings=2,
                max_reconnect_attempts=-1,  # nats-py's event loop stands still once they are used up
                reconnect_time_wait=cast("int", _RECONNECT_WAIT_S),  # an int by name only: it is slept for
                error_cb=self._on_error,
                disconnected_cb=self._on_disconnected,
                reconnected_cb=self._on_reconnected,
                closed_cb=self._on_closed,
            )
        )
        try:
            await asyncio.wait({dial, self._turned_down}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if self._turned_down.done():
                raise ConnectFailed(shown, self._turned_down.result())
            if not dial.done():
                raise ConnectFailed(shown, f"{self.trouble or 'no answer'} (for {timeout_s:g} s)")
            dial.result()
        except (OSError, nats.errors.Error, ValueError) as error:
            raise ConnectFailed(shown, str(error) or type(error).__name__) from error
        finally:
            if not dial.done():
                dial.cancel()
                await asyncio.wait({dial})
            if not self._nats.is_connected:
                await self.close()
        self._on_up()
        self._monitor = asyncio.create_task(self._watch(), name="vardkase-connection")
        return self

    async def close(self) -> None:
        """Close for good. Again: nothing."""
        self._closing = True
        self._gone("by this program")
        if self._monitor is not None:
            self._monitor.cancel()
            await asyncio.wait({self._monitor})
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._nats.close()
        except TimeoutError:
            _log.warning("the connection to %s did not close in %g s", self._url, _CLOSE_S)

    @property
    def connected(self) -> bool:
        """Whether it stands now, as far as is known (a silent link is found out within 15 s)."""
        return self.up.is_set()

    @property
    def max_payload(self) -> int:
        """The largest message that the server takes, in bytes."""
        return self._nats.max_payload

    def new_inbox(self) -> str:
        """A subject of its own to be answered on."""
        return self._nats.new_inbox()

    async def subscribe(self, subject: str, taker: Callable[[Msg], Awaitable[None]], *, limit: int) -> Subscription:
        """Give each message to `taker`, one at a time; more than `limit` waiting ones are dropped.

        Raises:
            nats.errors.Error: the connection is closed.
        """
        return await self._nats.subscribe(  # pyright: ignore[reportUnknownMemberType] -- nats-py's Future has no type
            subject, cb=taker, pending_msgs_limit=limit
        )

    async def publish(self, subject: str, payload: bytes, *, reply: str) -> None:
        """Send without waiting for an answer.

        Raises:
            nats.errors.Error: the connection is closed, or has been down for long.
        """
        await self._nats.publish(subject, payload, reply=reply)

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever the connection is lost, made again or gone for good; returns what stops it."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def request(
        self, subject: str, payload: bytes = b"", *, headers: dict[str, str] | None = None, timeout_s: float
    ) -> Msg:
        """The answer to a message.

        Raises:
            Denied: the server says that this user may not.
            NoResponders: nothing listens there.
            NoAnswer: not in time, or the connection broke meanwhile; the message may have arrived.
            ConnectionGone: closed for good.
        """
        if self.gone is not None:
            raise self.gone
        if self._inbox_denied:
            raise Denied(f"{self._inbox}.> (the inbox prefix)")
        with self.refusal(subject) as refused:
            asked = asyncio.ensure_future(self._nats.request(subject, payload, timeout=timeout_s, headers=headers))
            try:
                await asyncio.wait({asked, refused}, return_when=asyncio.FIRST_COMPLETED)
                if asked.done():
                    return asked.result()
                refused.result()
                raise NoAnswer("the connection broke")
            except nats.errors.NoRespondersError as error:
                raise NoResponders(f"nothing listens on {subject}") from error
            except TimeoutError as error:
                raise NoAnswer(f"no answer in {timeout_s:g} s") from error
            except nats.errors.Error as error:
                raise self.gone or NoAnswer(str(error)) from error
            finally:
                asked.cancel()

    @contextmanager
    def refusal(self, subject: str) -> Generator[asyncio.Future[None]]:
        """While in use: a future that fails with `Denied` when the server refuses the subject to this user.

        It ends without an error when the connection is lost: nobody will answer any more.
        """
        refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(subject.lower(), set())
        waiting.add(refused)
        try:
            yield refused
        finally:
            waiting.discard(refused)
            if not waiting:
                self._waiting.pop(subject.lower(), None)
            if refused.done() and not refused.cancelled():
                refused.exception()  # asked for, so that asyncio does not complain of an error nobody saw
            refused.cancel()

    async def api(self, call: str, body: object = None, *, timeout_s: float) -> dict[str, Any]:
        """What JetStream answers to an API call, such as `STREAM.INFO.STATE`.

        Raises:
            ApiError: JetStream says no.
            Denied, NoResponders, NoAnswer, ConnectionGone: as `request`; NoResponders means no JetStream here.
        """
        payload = b"" if body is None else json.dumps(body).encode()
        answer = json.loads((await self.request(self.api_subject(call), payload, timeout_s=timeout_s)).data)
        if error := answer.get("error"):
            raise ApiError(error.get("code", 0), error.get("err_code", 0), error.get("description", "unknown"))
        return answer

    def api_subject(self, call: str) -> str:
        """The subject of an API call, in this connection's JetStream domain."""
        return f"{self._prefix}.{call}"

    async def _watch(self) -> None:
        """nats-py's reconnecting can end by itself (an error from the server at the wrong moment), telling nobody."""
        while self.gone is None:
            await asyncio.sleep(_MONITOR_S)
            if self._nats.is_closed:
                await self._on_closed()
            elif not self.connected and time.monotonic() - self._attempted_at > _DEAD_S:
                self._gone("reconnecting has ended by itself")

    def _gone(self, detail: str) -> None:
        if self.gone is None:
            self.gone = ConnectionGone(detail)
            self._on_down(detail)

    def _on_up(self) -> None:
        self.trouble = None
        self.changed_at = time.monotonic()
        self.up.set()
        self._tell()

    def _on_down(self, detail: str) -> None:
        self.up.clear()
        self.trouble = detail
        self.changed_at = time.monotonic()
        for refusals in self._waiting.values():
            for refused in refusals:
                if not refused.done():
                    refused.set_result(None)
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    async def _on_error(self, error: Exception) -> None:
        text = str(error) or type(error).__name__
        self._attempted_at = time.monotonic()
        if denied := _DENIED.search(text.lower()):
            self._on_denied(kind=denied[1], subject=denied[2])
        elif self._turned_down is not None and not self._turned_down.done() and not self.connected:
            self.trouble = text
            if any(sign in text.lower() for sign in _BAD_CREDENTIALS):
                self._turned_down.set_result(text)
        else:
            self.trouble = None if self.connected else text
            _log.debug("%s: %s", self._url, text)

    def _on_denied(self, *, kind: str, subject: str) -> None:
        # nats-py lowers the server's text; subjects of ours are unique even so.
        if kind == "subscription" and subject.startswith(f"{self._inbox.lower()}."):
            self._inbox_denied = True
            for waited, refusals in self._waiting.items():
                self._refuse(refusals, Denied(f"{self._inbox}.> (the inbox prefix); refused with it: {waited}"))
        self._refuse(self._waiting.get(subject, set()), Denied(subject))

    @staticmethod
    def _refuse(refusals: set[asyncio.Future[None]], error: Denied) -> None:
        for refused in refusals:
            if not refused.done():
                refused.set_exception(error)

    async def _on_disconnected(self) -> None:
        if not self._closing:
            _log.info("%s: connection lost", self._url)
            self._attempted_at = time.monotonic()
            self._on_down(self.trouble or "connection lost")

    async def _on_reconnected(self) -> None:
        _log.info("%s: connected again", self._url)
        self._on_up()

    async def _on_closed(self) -> None:
        if not self._closing and self.gone is None:
            error = self._nats.last_error
            self._gone(str(error) if error is not None else "by the server")
