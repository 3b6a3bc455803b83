"""`vardkase up`: a whole node in one command."""

import asyncio
import json
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vardkase.runtime.errors import Failed

if TYPE_CHECKING:
    from vardkase.runtime.settings import Settings

app: Final = typer.Typer()

SERVICES: Final = ("intake", "aggregator")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """What a node that is ready tells of itself; as JSON, the ready line."""

    ready: bool = True
    area: str
    http: str
    """Where the node answers."""
    nats: str
    """Where reports are sent and pictures are read."""
    nats_creds: str | None
    """A credentials file for it, if it needs one."""
    nats_public: str | None
    """What everyone may read."""
    database: str | None = None
    token: str | None = None


WhenReady = Callable[[Ready], Awaitable[None]]


@app.command()
def up(
    *,
    http_port: Annotated[int | None, typer.Option(help="HTTP port; 0 for a free one. [default: 8080]")] = None,
    nats_port: Annotated[int | None, typer.Option(help="NATS port; 0 for a free one. [default: 4222]")] = None,
    data_dir: Annotated[str | None, typer.Option(help="Where the node keeps its streams.")] = None,
    area: Annotated[str | None, typer.Option(help="2480, 24, norra or SE. [default: SE]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON when ready.")] = False,
) -> None:
    """Runs a whole node: NATS and the services, until Ctrl-C or SIGTERM.

    Everything can be set by VARDKASE_… variables or in vardkase.toml; an option wins.
    """
    from vardkase.runtime import settings  # noqa: PLC0415 -- what a command needs is imported when it runs

    loaded = settings.load(http_port=http_port, nats_port=nats_port, data_dir=data_dir, area=area)
    began = time.monotonic()

    async def announce(told: Ready) -> None:
        if as_json:
            sys.stdout.write(f"{json.dumps(asdict(told))}\n")
            sys.stdout.flush()
        else:
            _tell(told, loaded, time.monotonic() - began)

    raise typer.Exit(run_node(loaded, announce))


def run_node(settings: "Settings", when_ready: WhenReady) -> int:
    """Runs a node in this process until SIGTERM, SIGINT or SIGHUP. Its exit code.

    Args:
        settings: of the node.
        when_ready: runs when the node is ready, and is cancelled when it stops (`demo`: tells of it, plays a storm).
            Its end is no end of the node; its error is.

    Raises:
        Ended: it cannot be started, in one line.
    """
    from vardkase.runtime import logs  # noqa: PLC0415

    writer = logs.configure(settings, "node")
    try:
        return asyncio.run(_run(settings, when_ready))
    finally:
        logging.getLogger().removeHandler(writer)
        writer.close()


def _tell(told: Ready, settings: "Settings", seconds: float) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from vardkase_contracts.areas import Area  # noqa: PLC0415

    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("HTTP", f"{told.http}  /readyz /metrics"),
        ("NATS", told.nats + ("" if told.nats_creds is None else f"  with {told.nats_creds}")),
        ("public", told.nats_public or "no public account is set"),
        ("data", str(settings.data_dir)),
    ):
        table.add_row(Text(name, style="dim"), Text(value))
    console = Console(soft_wrap=True)
    console.print(
        Text(f"{Area.parse(told.area).name} ({told.area}) is ready after {seconds:.1f} s", style="bold green")
    )
    console.print(table)
    console.print(Text("Ctrl-C stops everything in order.", style="dim"))


async def _run(settings: "Settings", when_ready: WhenReady) -> int:
    from vardkase.runtime.datadir import DataDir  # noqa: PLC0415
    from vardkase.runtime.sockets import listen  # noqa: PLC0415
    from vardkase.runtime.supervisor import Supervisor  # noqa: PLC0415

    stop, hurry = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        if stop.is_set():
            hurry.set()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup asks not to be stopped with the terminal
            loop.add_signal_handler(number, signalled)

    directory = DataDir.open(settings)
    try:
        nats = _Nats(settings)
        supervisor = Supervisor(
            settings,
            services=SERVICES,
            bus=nats.bus,
            variables=nats.variables,
            prepare=nats.make_streams,
            bound=listen(settings.http_host, settings.http_port),
            lease=directory.lease,
        )

        async def ready() -> None:
            told = Ready(
                area=settings.area,
                http=supervisor.http,
                nats=nats.url,
                nats_creds=None if settings.nats_creds is None else str(settings.nats_creds),
                nats_public=None if nats.bus is None else nats.bus.public_url,
            )
            directory.tell(json.dumps(asdict(told)))
            await when_ready(told)

        return await supervisor.run(stop=stop, hurry=hurry, ready=ready)
    finally:
        directory.close()


class _Nats:
    """The node's NATS: its own, or the one that is set."""

    def __init__(self, settings: "Settings") -> None:
        from vardkase.runtime.nats_server import EmbeddedNats  # noqa: PLC0415

        self._settings = settings
        self._anchor = settings.clock_anchor or time.time_ns() // 1000
        self.bus = EmbeddedNats(settings) if settings.nats_url is None else None

    @property
    def url(self) -> str:
        """Where it is reached, without a password."""
        if self.bus is not None:
            return self.bus.url
        return ",".join(
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
            for parts in map(urlsplit, servers(_given(self._settings.nats_url)))
        )

    def variables(self) -> dict[str, Any]:
        """What the services are given besides the settings."""
        given: dict[str, Any] = {}
        if self._settings.clock_start is not None:
            given["clock_anchor"] = self._anchor  # one time for all of them, also after a restart
        if self.bus is not None:
            given |= {"nats_url": self.bus.url, "nats_public_url": self.bus.projector_url}
        return given

    async def make_streams(self) -> None:
        """Sees to it that the node's streams are there.

        Raises:
            Failed: they cannot be made, in one line.
        """
        from vardkase.federation import topology  # noqa: PLC0415

        settings, area = self._settings, Area.parse(self._settings.area)
        free = shutil.disk_usage(settings.data_dir).free
        share = min(1.0, _ROOM_OF_FREE * free / topology.ROOM)
        node = settings.nats_url if self.bus is None else SecretStr(self.bus.url)
        public = settings.nats_public_url if self.bus is None else self.bus.projector_url
        await self._with(_given(node), settings.nats_creds, lambda nc: topology.ensure(nc, area, share=share))
        if public is not None:
            creds = settings.nats_public_creds
            await self._with(public, creds, lambda nc: topology.ensure_public(nc, area, share=share))

    async def _with(
        self, url: SecretStr, creds: Path | None, work: Callable[["Connection"], Coroutine[Any, Any, None]]
    ) -> None:
        from vardkase.runtime.jetstream.api import ApiError, NoAnswer  # noqa: PLC0415
        from vardkase.runtime.jetstream.connection import ConnectFailed, connect  # noqa: PLC0415

        link = self._settings.link
        try:
            nc = await connect(
                url.get_secret_value(),
                name=f"supervisor {self._settings.node}",
                creds=None if creds is None else str(creds),
                inbox_prefix=link.inbox_prefix,
                connect_timeout=link.connect_timeout,
            )
            try:
                await work(nc)
            finally:
                await nc.close()
        except (ConnectFailed, ApiError, NoAnswer) as error:
            raise Failed(str(error)) from None


def _given(url: SecretStr | None) -> SecretStr:
    if url is None:
        raise ValueError("a node without a NATS server of its own needs nats_url")
    return url
