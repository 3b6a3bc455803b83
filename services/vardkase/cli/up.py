"""`vardkase up`: a whole node in one command."""

import asyncio
import json
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

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


Announce = Callable[[Ready], None]


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

    def announce(told: Ready) -> None:
        if as_json:
            sys.stdout.write(f"{json.dumps(asdict(told))}\n")
            sys.stdout.flush()
        else:
            _tell(told, loaded, time.monotonic() - began)

    raise typer.Exit(run_node(loaded, announce))


def run_node(settings: "Settings", announce: Announce, *beside: Callable[[Ready], Awaitable[None]]) -> int:
    """Runs a node in this process until SIGTERM, SIGINT or SIGHUP. Its exit code.

    Args:
        settings: of the node.
        announce: called once, when the node is ready.
        beside: what runs beside the node from when it is ready until it stops (`demo`: the simulator). Its end is no
            end of the node.

    Raises:
        Ended: it cannot be started, in one line.
    """
    from vardkase.runtime import logs  # noqa: PLC0415

    writer = logs.configure(settings, "node")
    try:
        return asyncio.run(_run(settings, announce, beside))
    finally:
        logging.getLogger().removeHandler(writer)
        writer.close()


async def _run(settings: "Settings", announce: Announce, beside: tuple[Callable[[Ready], Awaitable[None]], ...]) -> int:
    from vardkase.runtime.datadir import DataDir  # noqa: PLC0415
    from vardkase.runtime.sockets import listen  # noqa: PLC0415

    stop, hurry = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        if stop.is_set():
            hurry.set()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, signalled)
    directory = DataDir.open(settings)
    try:
        with listen(settings.http_host, settings.http_port) as bound:
            pass
    finally:
        directory.close()
    raise NotImplementedError
