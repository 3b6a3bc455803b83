"""A whole node in this process and its children: what `up` and `demo` run."""

import asyncio
import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from vardkase.cli.front import GATEWAY, Front
from vardkase.cli.retention_timer import timer_of
from vardkase.cli.run import TOGETHER
from vardkase.federation import linkage, topology
from vardkase.federation.links import Links
from vardkase.federation.member import Member
from vardkase.gateway.access.operator import Operator
from vardkase.notifier.hooks import hooks_of
from vardkase.runtime import logs
from vardkase.runtime.beside import Beside
from vardkase.runtime.datadir import STARTED, DataDir
from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.connection import ConnectFailed, Connection, connect
from vardkase.runtime.nats_config import Links as ServerLinks
from vardkase.runtime.nats_refusals import Refusals
from vardkase.runtime.nats_server import EmbeddedNats
from vardkase.runtime.postgres import EmbeddedPostgres
from vardkase.runtime.settings import Settings, environment
from vardkase.runtime.supervisor import Standing, Supervisor, command
from vardkase.runtime.watchdog import Watchdog
from vardkase_contracts.areas import Area

SERVICES: Final = ("intake", "aggregator")
"""The services of a node."""
ARCHIVER: Final = "archiver"
"""The service that a node with an archive has besides, and is ready without."""
NOTIFIER: Final = "notifier"
"""The service that a node with receivers of alerts has besides, and is ready without."""
_SHARE_OF_FREE: Final = 0.5
"""Of the free room on the disk, what the streams may take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """What a node that is ready tells of itself."""

    area: str
    http: str
    """Where people and apps ask: the gateway, or the node itself when it has none."""
    ops: str
    """Where the node itself answers `/healthz`, `/readyz` and `/metrics`."""
    nats: str
    """Where reports are sent and pictures are read; without a password."""
    nats_creds: str | None
    """A credentials file for it, if it needs one."""
    nats_public: str | None
    """What everyone may read."""
    database: str | None = None
    """The archive, with the password of the node's own; None: there is none."""
    token: str | None = None
    """The operator's, which opens everything in the area; None: there is no gateway."""

    def line(self) -> str:
        """The ready line: JSON without its newline."""
        return json.dumps({"ready": True} | asdict(self))


WhenReady = Callable[[Ready], Awaitable[None]]


def run_node(settings: Settings, when_ready: WhenReady) -> int:
    """Runs a node until SIGTERM, SIGINT or SIGHUP. Its exit code.

    Args:
        settings: of the node.
        when_ready: runs when the node is ready, and is cancelled when it stops (`demo`: tells of it, plays a storm).
            Its end is no end of the node; its error is.

    Raises:
        Ended: it cannot be started, in one line.
    """
    writer = logs.configure(settings, "node")
    try:
        directory = DataDir.open(settings)
        try:
            return asyncio.run(_run(settings, directory, when_ready))
        finally:
            directory.close()
    finally:
        logging.getLogger().removeHandler(writer)
        writer.close()


async def _run(settings: Settings, directory: DataDir, when_ready: WhenReady) -> int:
    stop, hurry = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        if stop.is_set():
            hurry.set()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup asks not to be stopped with the terminal
            loop.add_signal_handler(number, signalled)

    archive = _Archive(settings)
    front = Front.of(settings)
    operator = Operator(settings.data_dir, Area.parse(settings.area)) if settings.gateway else None
    nats = _Nats(settings, operator)

    def variables() -> dict[str, Any]:
        return nats.variables() | archive.variables()

    timer = timer_of(settings, lambda: environment(settings, **variables()))
    beside = (*archive.services, *((NOTIFIER,) if _notifies(settings) else ()))
    running = _processes(settings, front, beside)
    supervisor = Supervisor(
        settings,
        services=tuple(running),
        command=lambda name: command(*running[name]),
        bus=nats.bus,
        beside=archive.beside,
        optional=beside,
        ask=None if nats.bus is None else nats.bus.illness,
        standing=(*nats.standing, *timer),
        variables=variables,
        prepare=nats.make_streams,
        bound=front.ops,
        handed=front.handed(_process_of(GATEWAY, running), lambda: None if nats.bus is None else nats.bus.public_url),
        lease=directory.lease,
    )
    services = {child.name: f"http://127.0.0.1:{child.port}" for child in supervisor.children}
    http = front.url or supervisor.http
    started = {"pid": os.getpid(), "http": http, "ops": supervisor.http, "services": services}
    directory.tell(json.dumps(started), where=STARTED)

    async def ready() -> None:
        told = Ready(
            area=settings.area,
            http=http,
            ops=supervisor.http,
            nats=nats.url,
            nats_creds=None if settings.nats_creds is None else str(settings.nats_creds),
            nats_public=None if nats.bus is None else nats.bus.public_url,
            database=archive.url,
            token=None if operator is None else operator.text,
        )
        directory.tell(told.line())
        await when_ready(told)

    watchdog = Watchdog(stall=settings.health.stall, beat=settings.health.beat)  # its end ends all that it started
    watchdog.start()
    try:
        return await supervisor.run(stop=stop, hurry=hurry, ready=ready)
    finally:
        watchdog.stop()
        front.close()


def _notifies(settings: Settings) -> bool:
    """Whether there are receivers of alerts to tell.

    Raises:
        Refused: one is set wrong. The node does not wait for its notifier, so this is where it is told.
    """
    return bool(hooks_of(settings)) or settings.alertmanager_url is not None


def _processes(settings: Settings, front: Front, beside: Sequence[str]) -> dict[str, Sequence[str]]:
    """The node's processes, and the services in each. What depends on others outside always has its own."""
    live = (*SERVICES, *front.services)
    together = settings.together
    if together is None:
        together = Area.parse(settings.area).level == "kommun"
    found: dict[str, Sequence[str]] = {TOGETHER: live} if together else {each: (each,) for each in live}
    return found | {each: (each,) for each in beside}


def _process_of(service: str, running: Mapping[str, Sequence[str]]) -> str | None:
    return next((name for name, services in running.items() if service in services), None)


class _Archive:
    """The node's archive: in a PostgreSQL of its own, or the one that is set; or none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own: EmbeddedPostgres | None = None
        if settings.archive and settings.database_url is None:
            self._own = EmbeddedPostgres(settings)
            self._own.prepare()
        self.services = (ARCHIVER,) if settings.archive else ()
        self.beside = () if self._own is None else (Beside("postgres", self._own, settings.supervisor),)

    @property
    def url(self) -> str | None:
        """Where it is reached: the node's own with its password, another without one."""
        if self._own is not None:
            return self._own.url.get_secret_value()
        if not self._settings.archive or self._settings.database_url is None:
            return None
        parts = urlsplit(self._settings.database_url.get_secret_value())
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def variables(self) -> dict[str, Any]:
        """What the services are given besides the settings."""
        return {} if self._own is None else {"database_url": self._own.url}


class _Nats:
    """The node's NATS: a server of its own, or the one that is set.

    Args:
        settings: of the node.
        operator: whose token the gateways are to know; None: there is no gateway.

    Raises:
        Refused: the federation's file is none, or has no node of this area; copies are asked of a server of its own.
    """

    def __init__(self, settings: Settings, operator: Operator | None) -> None:
        if settings.nats_url is None and settings.nats_replicas > 1:
            raise Refused("VARDKASE_NATS_REPLICAS: expected 1, or the URL of a cluster (VARDKASE_NATS_URL)")
        self._settings = settings
        self._area = Area.parse(settings.area)
        self._operator = operator
        self._anchor = settings.clock_anchor or time.time_ns() // 1000
        self._member = None if settings.federation is None else Member(settings)
        self.bus = EmbeddedNats(settings, links=self._starting) if settings.nats_url is None else None
        self.links = None if self._member is None else Links(self._member, self.bus, self._connected, settings.links)
        """To other nodes; None: the node is alone."""
        watched = () if self.bus is None else (Refusals(self.bus.log_file),)
        self.standing: Sequence[Standing] = (*watched, *(() if self.links is None else (self.links,)))
        """What the supervisor's own process does for it."""

    def _starting(self) -> ServerLinks:
        """What the server has for its links when it starts."""
        return ServerLinks() if self.links is None else self.links.starting()

    @property
    def url(self) -> str:
        """Where it is reached, without a password."""
        if self._settings.nats_url is None:
            return self._own.url
        parts = [urlsplit(each.strip()) for each in self._settings.nats_url.get_secret_value().split(",")]
        return ",".join(part._replace(netloc=part.netloc.rpartition("@")[2]).geturl() for part in parts)

    @property
    def _own(self) -> EmbeddedNats:
        if self.bus is None:
            raise RuntimeError("the node has no NATS server of its own")
        return self.bus

    def variables(self) -> dict[str, Any]:
        """What the services are given besides the settings."""
        given: dict[str, Any] = {}
        if self._settings.clock_start is not None:
            given["clock_anchor"] = self._anchor  # one time for all of them, also after a restart
        if self.bus is not None:
            given |= {"nats_url": self.bus.url, "nats_public_url": self.bus.projector_url}
        return given

    async def make_streams(self) -> None:
        """Sees to it that the node's streams are there, and the operator's token in theirs.

        Raises:
            Failed: they cannot be made, in one line.
        """
        settings, area = self._settings, self._area
        links, member = self.links, self._member
        room = topology.ROOM + (0 if member is None else linkage.rooms(member.plan, member.name))
        share = min(1.0, _SHARE_OF_FREE * shutil.disk_usage(settings.data_dir).free / room)
        public = settings.nats_public_url if self.bus is None else self.bus.projector_url
        replicas = settings.nats_replicas

        async def of_the_node(nc: Connection) -> None:
            if links is None:
                await topology.ensure(nc, area, share=share, replicas=replicas)
            else:
                await links.prepare(nc, share)
            if self._operator is not None:
                await self._operator.see(nc)

        work: list[Coroutine[Any, Any, None]] = [self._with(self._node_url, settings.nats_creds, of_the_node)]
        if public is not None:
            creds = settings.nats_public_creds
            work.append(
                self._with(public, creds, lambda nc: topology.ensure_public(nc, area, share=share, replicas=replicas))
            )
        await asyncio.gather(*work)

    async def _with(
        self, url: SecretStr, creds: Path | None, work: Callable[[Connection], Coroutine[Any, Any, None]]
    ) -> None:
        try:
            nc = await self._connect(url, creds)
            try:
                await work(nc)
            finally:
                await nc.close()
        except (ConnectFailed, ApiError, NoAnswer) as error:
            raise Failed(str(error)) from None

    @property
    def _node_url(self) -> SecretStr:
        return self._settings.nats_url or SecretStr(self._own.url)

    async def _connected(self) -> Connection:
        """A connection to the node's account.

        Raises:
            ConnectFailed: there is none in time.
        """
        return await self._connect(self._node_url, self._settings.nats_creds)

    async def _connect(self, url: SecretStr, creds: Path | None) -> Connection:
        link = self._settings.link
        return await connect(
            url.get_secret_value(),
            name=f"supervisor {self._settings.node}",
            creds=None if creds is None else str(creds),
            inbox_prefix=link.inbox_prefix,
            connect_timeout=link.connect_timeout,
        )
