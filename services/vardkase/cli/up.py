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
    from vardkase.federation import topology  # noqa: PLC0415
    from vardkase.runtime.datadir import DataDir  # noqa: PLC0415
    from vardkase.runtime.jetstream.connection import ConnectFailed, connect  # noqa: PLC0415
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
        bus = _embedded(settings)
        urls = _Urls(settings, bus)

        async def prepare() -> None:
            try:
                nc = await connect(urls.node, name=f"supervisor {settings.node}", creds=urls.creds)
            except ConnectFailed as error:
                raise Failed(str(error)) from None
            try:
                await topology.ensure(nc, settings)
            finally:
                await nc.close()

        anchor = settings.clock_anchor or time.time_ns() // 1000
        supervisor = Supervisor(
            settings,
            services=SERVICES,
            bus=bus,
            variables=lambda: urls.variables() | ({} if settings.clock_start is None else {"clock_anchor": anchor}),
            prepare=prepare,
            bound=listen(settings.http_host, settings.http_port),
            lease=directory.lease,
        )

        async def ready() -> None:
            told = Ready(
                area=settings.area,
                http=supervisor.http,
                nats=urls.node,
                nats_creds=urls.creds,
                nats_public=urls.public,
            )
            directory.tell(json.dumps(asdict(told)))
            await when_ready(told)

        return await supervisor.run(stop=stop, hurry=hurry, ready=ready)
    finally:
        directory.close()
