"""`vardkase simulate`: play a storm against a node."""

import asyncio
import json
import signal
import time
from datetime import UTC, datetime
from typing import Annotated, Final, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from vardkase.cli.node import CredsOption, JsonOption, NatsOption, Node, find_node, print_json, run
from vardkase.cli.storm import Inlet, load_scenario
from vardkase.cli.times import day_and_clock, parse_past
from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.jetstream.connection import ConnectFailed, Connection, connect
from vardkase.simulator.player import Progress as Played
from vardkase.simulator.player import play
from vardkase.simulator.simulation import Simulation
from vardkase_contracts import vocab
from vardkase_contracts.instants import HOUR, from_datetime, iso, to_datetime

app: Final = typer.Typer(add_completion=False)

DEFAULT_SCENARIO: Final = "storm-gotaland"
_CONNECT_S: Final = 3.0


@app.command()
def simulate(
    scenario: Annotated[str, typer.Argument(help="A shipped scenario, or a file.")] = DEFAULT_SCENARIO,
    *,
    seed: Annotated[int, typer.Option(help="Which of all its possible runs.")] = 1,
    speed: Annotated[
        float, typer.Option(min=0, max=1_000_000, help="Times faster than real time; 0: as fast as the node takes it.")
    ] = 1.0,
    points: Annotated[int | None, typer.Option(min=1, max=100_000, help="How many points, instead of its own.")] = None,
    until: Annotated[float | None, typer.Option(min=0, metavar="HOURS", help="End it after so long in it.")] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When it begins: RFC 3339, 03:40 or 20m (ago). [now at speed 1; faster: so that it ends now]",
        ),
    ] = None,
    reality: Annotated[vocab.Reality | None, typer.Option(help="Where its reports go. [the scenario's]")] = None,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plays a simulated storm: thousands of points report as they would, mistakes and silence included.

    The same scenario, seed and start give the same reports. Ctrl-C ends it.
    """
    storm = load_scenario(scenario, points)
    hours = storm.duration_h if until is None else min(until, storm.duration_h)
    pace = None if speed == 0 else speed
    now = time.time_ns() // 1000
    if start is not None:
        begins = from_datetime(parse_past(start, option="--start", now=datetime.now(UTC)))
    elif pace == 1.0:
        begins = now
    else:
        begins = now - round(hours * HOUR * (1 - 1 / pace if pace else 1))
    if begins > now:
        raise Refused("--start: expected a time that has been: reports from the future are dated back")
    simulation = Simulation(storm, seed, begins, reality=reality)
    ends = begins + round(hours * HOUR)
    done = run(_simulate(find_node(nats, creds), simulation, ends, pace, title=storm.title, as_json=as_json))
    if as_json:
        print_json(json.dumps({**_told(done[0]), "left_out": done[1], "done": True}))
    else:
        left_out = f", {done[1]} för andra områden utelämnades" if done[1] else ""
        typer.echo(f"{done[0].sent - done[1]} rapporter skickade till och med {iso(done[0].at)}{left_out}")


async def _simulate(
    node: Node, simulation: Simulation, ends: int, pace: float | None, *, title: str, as_json: bool
) -> tuple[Played, int]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    nc = await _connect(node)
    try:
        inlet = await Inlet.find(nc)
        with _Shown(simulation.start, ends, title, as_json=as_json) as shown:
            done = await play(
                simulation,
                inlet.publish,
                start=simulation.start,
                speed=pace,
                until=ends,
                on_progress=shown.show,
                progress_every_s=1.0 if as_json else 0.25,
                stop=stop,
            )
        return done, inlet.left_out
    finally:
        await nc.close()


async def _connect(node: Node) -> Connection:
    try:
        return await connect(node.nats, name="vardkase-simulate", creds=node.creds, within=_CONNECT_S)
    except ConnectFailed as error:
        raise Failed(f"{error}; is the node running?") from None


def _told(progress: Played) -> dict[str, object]:
    return {"sent": progress.sent, "at": iso(progress.at), "behind_s": round(progress.behind_s, 3)}


class _Shown:
    """How far it has come: a bar on a terminal, lines of JSON for a machine."""

    def __init__(self, start: int, ends: int, title: str, *, as_json: bool) -> None:
        self._start = start
        self._as_json = as_json
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[at]}  {task.fields[sent]} rapporter{task.fields[behind]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=as_json,
        )
        self._task = self._bar.add_task(title, total=max(1, ends - start), at="", sent=0, behind="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, progress: Played) -> None:
        """Show it."""
        if self._as_json:
            if not progress.done:
                print_json(json.dumps(_told(progress)))
            return
        self._bar.update(
            self._task,
            completed=progress.at - self._start,
            at=day_and_clock(to_datetime(progress.at)),
            sent=progress.sent,
            behind=f", {progress.behind_s:.0f} s efter" if progress.behind_s >= 1 else "",
        )
