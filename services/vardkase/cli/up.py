"""`vardkase up`: a whole node in one command."""

import sys
import time
from typing import Annotated, Final

import typer

from vardkase.cli.whole_node import Ready, run_node
from vardkase.gateway.access.operator import FILE
from vardkase.runtime.settings import Settings, load
from vardkase_contracts.areas import Area

app: Final = typer.Typer()

HttpPort = Annotated[int | None, typer.Option(help="HTTP port; 0 for a free one. [default: 8080]")]
NatsPort = Annotated[int | None, typer.Option(help="NATS port; 0 for a free one. [default: 4222]")]
DataDirectory = Annotated[str | None, typer.Option(help="Where the node keeps its streams.")]
AreaCode = Annotated[str | None, typer.Option(help="2480, 24, norra or SE. [default: SE]")]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON when ready.")]


@app.command()
def up(
    *,
    http_port: HttpPort = None,
    nats_port: NatsPort = None,
    data_dir: DataDirectory = None,
    area: AreaCode = None,
    as_json: AsJson = False,
) -> None:
    """Runs a whole node: NATS and the services, until Ctrl-C or SIGTERM.

    Everything can be set by VARDKASE_… variables or in vardkase.toml; an option wins.
    """
    began = time.monotonic()
    settings = load(http_port=http_port, nats_port=nats_port, data_dir=data_dir, area=area)

    async def announce(ready: Ready) -> None:
        if as_json:
            sys.stdout.write(f"{ready.line()}\n")
            sys.stdout.flush()
        else:
            show(ready, settings, time.monotonic() - began)

    raise typer.Exit(run_node(settings, announce))


def show(ready: Ready, settings: Settings, seconds: float) -> None:
    """Tells a person what runs where.

    Args:
        ready: the node.
        settings: of it.
        seconds: that it took to be ready.
    """
    from rich.console import Console  # noqa: PLC0415 -- a quarter of the memory, for some lines that not all ask for
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table.grid(padding=(0, 2))
    board = () if ready.token is None else (("board", ready.http), ("token", str(settings.data_dir / FILE)))
    for name, value in (
        *board,
        ("node", f"{ready.ops}  /readyz /metrics"),
        ("NATS", ready.nats + ("" if ready.nats_creds is None else f"  with {ready.nats_creds}")),
        ("public", ready.nats_public or "not known here: NATS is not this node's own"),
        ("archive", "none" if ready.database is None else ready.database.rpartition("@")[2]),
        ("data", str(settings.data_dir)),
    ):
        table.add_row(Text(name, style="dim"), Text(value))
    console = Console(soft_wrap=True, highlight=False)
    console.print(
        Text(f"{Area.parse(ready.area).name} ({ready.area}): ready after {seconds:.1f} s", style="bold green")
    )
    console.print(table)
    console.print(Text("Ctrl-C stops everything in order.", style="dim"))
