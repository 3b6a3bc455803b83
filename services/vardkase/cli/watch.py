"""`vardkase watch`: the picture of an area, live on the terminal."""

import asyncio
import sys
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.live import Live

from vardkase.cli.node import (
    AreaArgument,
    CredsOption,
    JsonOption,
    NatsOption,
    Node,
    RealityOption,
    client_of,
    find_node,
    parse_area,
    print_json,
    run,
    together,
)
from vardkase.cli.screen import draw
from vardkase.cli.watching import Watching, watching
from vardkase.cli.watching_exercises import follow_exercises
from vardkase.runtime.errors import Failed
from vardkase_contracts import vocab
from vardkase_contracts.areas import NATION_CODE, Area

app: Final = typer.Typer(add_completion=False)

REFRESH_S: Final = 0.25
"""The screen is drawn at most this often."""
IDLE_S: Final = 1.0
"""And at least this often, since ages grow."""
_BEGIN_S: Final = 15.0
_PLAIN_HEIGHT: Final = 48


@app.command()
def watch(
    area: AreaArgument = None,
    *,
    reality: RealityOption = "act",
    once: Annotated[bool, typer.Option("--once", help="Show it once, and end.")] = False,
    interval: Annotated[
        float, typer.Option(min=0.25, max=86_400, metavar="SECONDS", help="Without a terminal: how often to print it.")
    ] = 10.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows the picture of an area, live: what is open, what runs out next, alerts, and how complete it is.

    Without a terminal it prints the picture now and then; with --json every picture, as it comes.
    """
    node = find_node(nats, creds)
    where = parse_area(area or node.area or NATION_CODE)
    try:
        run(_watch(node, where, reality, once=once, interval_s=interval, as_json=as_json))
    except KeyboardInterrupt:
        return  # the way to end it


async def _watch(
    node: Node, area: Area, reality: vocab.Reality, *, once: bool, interval_s: float, as_json: bool
) -> None:
    console = Console()
    async with client_of(node) as client, watching(client, area, reality) as found:
        try:
            async with asyncio.timeout(_BEGIN_S):
                await found.begin()
        except TimeoutError:
            raise Failed(f"the node at {node.nats} gives no picture: nothing came in {_BEGIN_S:g} s") from None
        if not as_json:
            await follow_exercises(node, found, once=True)
        if once:
            _show_once(console, found, as_json=as_json)
            return
        if as_json:
            await together(found.follow(), _print_changes(found))
        elif console.is_terminal:
            await together(found.follow(), show(console, found), follow_exercises(node, found))
        else:
            printing = _print_now_and_then(console, found, interval_s)
            await together(found.follow(), printing, follow_exercises(node, found))


async def show(console: Console, found: Watching) -> None:
    """Draw the picture on the whole terminal, for as long as it is not cancelled."""
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            found.changed.clear()
            width, height = console.size
            live.update(draw(found.view(), width=width, height=height), refresh=True)
            await asyncio.sleep(REFRESH_S)
            try:
                async with asyncio.timeout(IDLE_S - REFRESH_S):
                    await found.changed.wait()
            except TimeoutError:
                continue


def _show_once(console: Console, found: Watching, *, as_json: bool) -> None:
    if found.picture is None:
        raise Failed(f"there is no picture of {found.area.name} ({found.reality}) at this node")
    if as_json:
        print_json(found.picture.model_dump_json())
    else:
        _print(console, found)


def _print(console: Console, found: Watching) -> None:
    console.print(draw(found.view(), width=console.width, height=_PLAIN_HEIGHT))


async def _print_changes(found: Watching) -> None:
    printed = None
    while True:
        found.changed.clear()
        if found.picture is not None and found.picture != printed:
            printed = found.picture
            print_json(printed.model_dump_json())
        await asyncio.sleep(REFRESH_S)
        await found.changed.wait()


async def _print_now_and_then(console: Console, found: Watching, interval_s: float) -> None:
    while True:
        _print(console, found)
        sys.stdout.flush()
        await asyncio.sleep(interval_s)
