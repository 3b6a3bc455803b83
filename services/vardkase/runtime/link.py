"""The connections to NATS: one way to make them, with every error told and none that ends silently."""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, cast

from faststream.nats import NatsBroker, NatsRouter
from nats.errors import ConnectionClosedError, ConnectionReconnectingError, Error
from pydantic import SecretStr

from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings

log: Final = logging.getLogger(__name__)

FASTSTREAM_LOG: Final = logging.getLogger(f"{__name__}.faststream")
"""FastStream's own has a handler and a format of its own. What it tells below a warning, we tell."""
FASTSTREAM_LOG.setLevel(logging.WARNING)

NODE: Final = "node"
"""The account of the node: restricted."""
PUBLIC: Final = "public"
"""The account of what everyone may see."""


class Link:
    """One connection's state, seen through the callbacks of the client.

    Args:
        settings: group `link`.
        metrics: where state and errors are counted.
        account: `NODE` or `PUBLIC`.
        name: what the server calls the connection.
    """

    def __init__(self, settings: Settings, metrics: Metrics, *, account: str, name: str) -> None:
        self._settings = settings.link
        self._metrics = metrics
        self._account = account
        self._name = name
        self._ever = False
        self._down_since: float | None = None
        self._last_error = ""
        self.client = Connection()
        """The connection."""

    async def connect(self, url: SecretStr, creds: Path | None = None) -> Connection:
        """Connects, however long it takes; from then on the connection is made anew for ever, until it is closed.

        A server that is away, or that does not know the user yet, is asked again and again: `check` tells how it goes.
        """
        await self.client.connect(
            servers(url),
            name=self._name,
            user_credentials=creds,
            error_cb=self._error,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
            connect_timeout=cast("int", self._settings.connect_timeout),
            reconnect_time_wait=cast("int", self._settings.reconnect_wait),
            max_reconnect_attempts=-1,  # a finite number ends in an event loop that spins
            ping_interval=cast("int", self._settings.ping_interval),
            max_outstanding_pings=self._settings.max_pings,
            drain_timeout=cast("int", self._settings.drain_timeout),
            pending_size=self._settings.pending_bytes,
            flush_timeout=self._settings.request_timeout,
            inbox_prefix=self._settings.inbox_prefix,
        )
        self._ever = True
        self._last_error = ""
        self._metrics.nats_connected.labels(self._account).set(1)
        return self.client

    async def close(self) -> None:
        """Closes it, in bounded time, in whatever state it is; never raises."""
        try:
            async with asyncio.timeout(self._settings.drain_timeout):
                await self.client.close()
        except (OSError, RuntimeError, Error) as error:  # a transport that is gone already says so in several ways
            log.warning("the connection to NATS did not close in order", extra={"error": str(error)})

    def check(self) -> Check:
        """Whether it is connected now. Says nothing of consumers."""
        if self._ever and self.client.is_connected:
            self._down_since = None
            return Check(name=f"nats {self._account}", ok=True, detail="connected")
        detail = "connecting" if not self._ever else "connection lost"
        return Check(
            name=f"nats {self._account}",
            ok=False,
            detail=f"{detail}: {self._last_error}" if self._last_error else detail,
        )

    async def watch(self, given_up: Callable[[str], None]) -> None:
        """Tells when a connection that was up has been down for longer than it may (`link.give_up`). Runs for ever."""
        while True:
            await asyncio.sleep(min(1.0, self._settings.give_up / 4))
            ok = self.check().ok
            self._metrics.nats_connected.labels(self._account).set(int(ok))
            if ok or not self._ever:
                continue
            now = time.monotonic()
            if self._down_since is None:
                self._down_since = now
            elif now - self._down_since >= self._settings.give_up:
                given_up(f"the connection to NATS ({self._account}) has been down for {self._settings.give_up:g} s")

    async def _error(self, error: Exception) -> None:
        self._last_error = str(error) or type(error).__name__
        self._metrics.nats_errors.labels(self._account, type(error).__name__).inc()
        await self.client.tell(error)

    async def _disconnected(self) -> None:
        self._metrics.nats_connected.labels(self._account).set(0)
        if not self.client.is_closed:  # closing it ourselves is no news
            log.warning("disconnected from NATS", extra={"account": self._account})

    async def _reconnected(self) -> None:
        self._last_error = ""
        self._metrics.nats_connected.labels(self._account).set(1)
        self._metrics.nats_reconnects.labels(self._account).inc()
        log.info("connected to NATS again", extra={"account": self._account})


class Broker(NatsBroker):
    """FastStream's broker over a `Link`.

    FastStream's own connection is nats-py's, with an error callback that raises on some errors, which ends the
    reconnecting without a word.

    Args:
        settings: which server, and how.
        link: the connection.
        routers: per-message handlers.
    """

    def __init__(self, settings: Settings, link: Link, *, routers: tuple[NatsRouter, ...] = ()) -> None:
        if settings.nats_url is None:
            raise ValueError("a service needs nats_url")
        super().__init__(
            servers(settings.nats_url),
            logger=FASTSTREAM_LOG,
            graceful_timeout=settings.health.stop_timeout,
            routers=routers,
        )
        self._url = settings.nats_url
        self._creds = settings.nats_creds
        self._link = link

    async def _connect(self) -> Connection:
        connection = await self._link.connect(self._url, self._creds)
        self.config.connect(connection)
        return connection

    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        """Finishes what handlers have in hand, sends what waits, closes."""
        try:
            await super().stop(exc_type, exc_val, exc_tb)
        except (ConnectionReconnectingError, ConnectionClosedError):
            # Nothing can be sent now. What was not acknowledged comes again.
            log.warning("stopped while NATS was away")
        await self._link.close()


async def connect_public(settings: Settings, link: Link) -> Connection:
    """A connection to the public account, as its only writer; see `Link.connect`.

    Args:
        settings: `nats_public_url`, `nats_public_creds`.
        link: its state; `Link(…, account=PUBLIC, …)`.

    Raises:
        ValueError: no `nats_public_url` is set.
    """
    if settings.nats_public_url is None:
        raise ValueError("nothing can be made public without nats_public_url")
    return await link.connect(settings.nats_public_url, settings.nats_public_creds)


def servers(url: SecretStr) -> list[str]:
    """The servers of a URL, or of several with commas between."""
    return [part.strip() for part in url.get_secret_value().split(",")]
