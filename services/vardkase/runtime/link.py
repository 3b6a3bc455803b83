"""The connections to NATS: one way to make them, with every error told and none that ends silently."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from faststream.nats import NatsBroker
from faststream.nats.broker import NatsRouter
from faststream.nats.security import NatsCredentials
from nats.aio.client import Client
from nats.errors import ConnectionClosedError, ConnectionReconnectingError
from pydantic import SecretStr

from vardkase.runtime.health import Check
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings

log: Final = logging.getLogger(__name__)

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
        self.client: Client | None = None
        """The connection, once there is one."""

    def options(self) -> dict[str, Any]:
        """What `nats.connect` and `NatsBroker` take."""
        return {
            "name": self._name,
            "error_cb": self._error,
            "disconnected_cb": self._disconnected,
            "reconnected_cb": self._reconnected,
            "closed_cb": self._closed,
            "connect_timeout": self._settings.connect_timeout,
            "reconnect_time_wait": self._settings.reconnect_wait,
            "max_reconnect_attempts": -1,  # a finite number ends in an event loop that spins
            "ping_interval": self._settings.ping_interval,
            "max_outstanding_pings": self._settings.max_pings,
            "drain_timeout": self._settings.drain_timeout,
            "pending_size": self._settings.pending_bytes,
            "inbox_prefix": self._settings.inbox_prefix,
        }

    def connected(self, client: Client) -> None:
        """The first connection is there."""
        self.client = client
        self._ever = True
        self._metrics.nats_connected.labels(self._account).set(1)

    def check(self) -> Check:
        """Whether it is connected now. Says nothing of consumers."""
        if self.client is not None and self.client.is_connected:
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
        log.warning("NATS tells an error", extra={"account": self._account, "error": self._last_error})

    async def _disconnected(self) -> None:
        self._metrics.nats_connected.labels(self._account).set(0)
        log.warning("disconnected from NATS", extra={"account": self._account})

    async def _reconnected(self) -> None:
        self._last_error = ""
        self._metrics.nats_connected.labels(self._account).set(1)
        self._metrics.nats_reconnects.labels(self._account).inc()
        log.info("connected to NATS again", extra={"account": self._account})

    async def _closed(self) -> None:
        log.info("the connection to NATS is closed", extra={"account": self._account})


class Broker(NatsBroker):
    """FastStream's broker over a `Link`, that also stops when NATS is away.

    Args:
        settings: which server, and how.
        link: the state of the connection.
        routers: per-message handlers.
    """

    def __init__(self, settings: Settings, link: Link, *, routers: tuple[NatsRouter, ...] = ()) -> None:
        if settings.nats_url is None:
            raise ValueError("a service needs nats_url")
        super().__init__(
            servers(settings.nats_url),
            **link.options(),
            security=None if settings.nats_creds is None else NatsCredentials(settings.nats_creds),
            logger=logging.getLogger("faststream"),
            graceful_timeout=settings.health.stop_timeout,
            routers=routers,
        )
        self._link = link

    async def start(self) -> None:
        """Connects, however long it takes, and starts the handlers."""
        self._link.connected(await self.connect())
        await super().start()

    async def stop(self, *error: Any) -> None:
        """Finishes what handlers have in hand, sends what waits, closes."""
        client = self._link.client
        try:
            await super().stop(*error)
        except (ConnectionReconnectingError, ConnectionClosedError):
            # Nothing can be sent now. What was not acknowledged comes again.
            log.warning("stopped while NATS was away")
        if client is not None and not client.is_closed:
            await client.close()


async def connect_public(settings: Settings, link: Link) -> Client:
    """A connection to the public account, as its only writer.

    Waits until there is one: a server that is away, or that does not know the user yet, is asked again and again;
    `link.check()` tells how it goes.

    Args:
        settings: `nats_public_url`, `nats_public_creds`.
        link: its state; `Link(…, account=PUBLIC, …)`.

    Raises:
        ValueError: no `nats_public_url` is set.
    """
    if settings.nats_public_url is None:
        raise ValueError("nothing can be made public without nats_public_url")
    client = Client()
    await client.connect(
        servers(settings.nats_public_url), user_credentials=settings.nats_public_creds, **link.options()
    )
    link.connected(client)
    return client


def servers(url: SecretStr) -> list[str]:
    """The servers of a URL, or of several with commas between."""
    return [part.strip() for part in url.get_secret_value().split(",")]
