"""`vardkase demo`: a node on a driven clock, a simulated storm, and what it shows."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from vardkase.cli.commentary import Commentary
from vardkase.cli.node import JsonOption, Node, client_of, parse_area, print_json, together
from vardkase.cli.screen import draw
from vardkase.cli.simulate import DEFAULT_SCENARIO, SCENARIO_HELP
from vardkase.cli.storm import Inlet, Paused, load_scenario
from vardkase.cli.summary import show_summary
from vardkase.cli.tally import Summary, Tally
from vardkase.cli.watching import Watching, watching
from vardkase.cli.whole_node import Ready, run_node
from vardkase.runtime import settings as runtime_settings
from vardkase.runtime.clock import DrivenTime
from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.jetstream.connection import ConnectFailed, connect
from vardkase.simulator.player import play
from vardkase.simulator.scenario import Scenario
from vardkase.simulator.simulation import Simulation
from vardkase_contracts.areas import NATION_CODE, Area
from vardkase_contracts.client import Client
from vardkase_contracts.instants import HOUR

app: Final = typer.Typer(add_completion=False)

_REFRESH_S: Final = 0.25
_LINES: Final = 6
_LINES_A_SECOND: Final = 4.0
_BEGIN_S: Final = 15.0


@app.command()
def demo(
    *,
    scenario: Annotated[str, typer.Option(help=SCENARIO_HELP)] = DEFAULT_SCENARIO,
    seed: Annotated[int, typer.Option(help="Which of all its possible runs.")] = 1,
    points: Annotated[int | None, typer.Option(min=1, max=100_000, help="How many points, instead of its own.")] = None,
    hours: Annotated[
        float | None,
        typer.Option(min=0.1, max=500, help="How far back the node's clock starts. [the scenario's length]"),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=1.1, max=100_000, help="Times faster than real time, until it has caught up.")
    ] = 600.0,
    duration: Annotated[
        float | None, typer.Option(min=1, metavar="SECONDS", help="End it after so long. [when it is interrupted]")
    ] = None,
    http_port: Annotated[int, typer.Option(help="HTTP port; 0 for a free one.")] = 0,
    nats_port: Annotated[int, typer.Option(help="NATS port; 0 for a free one.")] = 0,
    data_dir: Annotated[Path | None, typer.Option(help="An empty directory. [a temporary one]")] = None,
    area: Annotated[str, typer.Option(help="2480, 24, norra or SE.")] = NATION_CODE,
    as_json: JsonOption = False,
) -> None:
    """Runs a node with a simulated storm: days in minutes, until the clock has caught up with real time.

    On a terminal it shows the picture and a running commentary; Ctrl-C ends it with a summary.
    """
    where = parse_area(area)
    storm = load_scenario(scenario, points)
    length = storm.duration_h if hours is None else hours
    console = Console()
    on_screen = console.is_terminal and not as_json
    with _directory(data_dir) as folder:
        anchor = time.time_ns() // 1000
        driven = DrivenTime(start=anchor - round(length * HOUR), speed=speed, anchor=anchor)
        settings = runtime_settings.load(
            area=where.code,
            http_port=http_port,
            nats_port=nats_port,
            data_dir=str(folder),
            **driven.settings(),
        )
        if settings.nats_url is not None:
            raise Refused(
                "VARDKASE_NATS_URL: demo runs a NATS of its own, so that its storm reaches no other: unset it"
            )
        shown = Demo(storm, seed, driven, where, console, on_screen=on_screen, as_json=as_json, duration_s=duration)
        with _logs_aside(folder / "demo.log") if on_screen else contextlib.nullcontext():
            code = run_node(settings, shown.run)
    summary = shown.summary()
    if as_json:
        print_json(json.dumps({"summary": summary.as_json()}, ensure_ascii=False))
    else:
        show_summary(console, summary)
    raise typer.Exit(code)


class Demo:
    """What runs beside the node: the storm, the counting, and what is shown of it."""

    def __init__(
        self,
        storm: Scenario,
        seed: int,
        driven: DrivenTime,
        area: Area,
        console: Console,
        *,
        on_screen: bool,
        as_json: bool,
        duration_s: float | None,
    ) -> None:
        self._storm = storm
        self._seed = seed
        self._driven = driven
        self._area = area
        self._console = console
        self._on_screen = on_screen
        self._as_json = as_json
        self._duration_s = duration_s
        self._tally = Tally()
        self._commentary = Commentary()
        self._lines: deque[Text] = deque(maxlen=_LINES)
        self._simulation: Simulation | None = None
        self._inlet: Inlet | None = None
        self._sent = 0
        self._printed_at = 0.0
        self._unprinted = 0
        self._where = ""

    async def run(self, told: Ready) -> None:
        """Play the storm and show it, until cancelled.

        Raises:
            Failed: the node cannot be reached, or takes no reports.
        """
        self._announce(told)
        node = Node(nats=told.nats, creds=told.nats_creds, area=told.area)
        try:
            nc = await connect(told.nats, name="vardkase-demo", creds=told.nats_creds, within=_BEGIN_S)
        except ConnectFailed as error:
            raise Failed(str(error)) from None
        try:
            self._inlet = await Inlet.find(nc)
            self._simulation = await asyncio.to_thread(Simulation, self._storm, self._seed, self._driven.now())
            async with client_of(node) as client, watching(client, self._area, self._storm.reality) as found:
                await found.begin()
                await together(
                    self._play(self._simulation, self._inlet),
                    self._count(client),
                    found.follow(),
                    self._show(found),
                    self._end(),
                )
        finally:
            await nc.close()

    def summary(self) -> Summary:
        """What came of it."""
        began, truth = (None, {}) if self._simulation is None else (self._simulation.start, self._simulation.truth)
        hours = 0.0 if began is None else max(0, self._driven.now() - began) / HOUR
        left_out = 0 if self._inlet is None else self._inlet.left_out
        return self._tally.summary(reports=self._sent - left_out, hours=hours, truth=truth)

    def _announce(self, told: Ready) -> None:
        if self._as_json:
            print_json(told.line())
        elif not self._on_screen:
            self._console.print(f"{self._storm.title}. NATS: {told.nats}  HTTP: {told.http}", soft_wrap=True)
            if told.token is not None:
                self._console.print(f"Token: {told.token}", soft_wrap=True)
        elif told.token is not None:
            self._where = f" · {told.http} · {told.token}"

    async def _play(self, simulation: Simulation, inlet: Inlet) -> None:
        async def publish(messages: list[tuple[str, bytes]]) -> None:
            await inlet.publish(messages)
            self._sent += len(messages)

        paused, driven = Paused(simulation), self._driven
        await play(paused.until(driven.meets), publish, start=driven.now(), speed=driven.speed)
        await play(paused.until(None), publish, start=driven.now(), speed=1.0)
        await asyncio.Event().wait()  # the storm is over; the node goes on

    async def _count(self, client: Client) -> None:
        async with client.alerts(self._area, reality=self._storm.reality) as alerts:
            async for alert in alerts:
                self._tally.take(alert)
                line = self._commentary.line(alert)
                if line is not None:
                    self._tell(line)

    def _tell(self, line: Text) -> None:
        self._lines.append(line)
        if self._on_screen or self._as_json:
            return
        if time.monotonic() - self._printed_at < 1 / _LINES_A_SECOND:
            self._unprinted += 1
            return
        if self._unprinted:
            line = line + Text(f"  (och {self._unprinted} till)", style="dim")
        self._printed_at, self._unprinted = time.monotonic(), 0
        self._console.print(line, soft_wrap=True)

    async def _show(self, found: Watching) -> None:
        if not self._on_screen:
            await asyncio.Event().wait()
            return
        with Live(console=self._console, screen=True, auto_refresh=False) as live:
            while True:
                width, height = self._console.size
                picture = draw(found.view(), width=width, height=height - _LINES - 2)
                told = Panel(
                    Group(*self._lines),
                    title=f"Händelser{self._where}",
                    title_align="left",
                    height=_LINES + 2,
                    padding=(0, 1),
                )
                live.update(Group(picture, told), refresh=True)
                await asyncio.sleep(_REFRESH_S)

    async def _end(self) -> None:
        if self._duration_s is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(self._duration_s)
            signal.raise_signal(signal.SIGTERM)  # the node stops in order, as if it had been told from outside
            await asyncio.Event().wait()


@contextlib.contextmanager
def _directory(given: Path | None) -> Generator[Path]:
    if given is None:
        with tempfile.TemporaryDirectory(prefix="vardkase-demo-", ignore_cleanup_errors=True) as made:
            yield Path(made)
        return
    try:
        if given.exists() and any(given.iterdir()):
            raise Refused(f"--data-dir: {given} is not empty; a demo begins with nothing")
    except OSError as error:
        raise Refused(f"--data-dir: {given}: {error.strerror}") from None
    yield given


@contextlib.contextmanager
def _logs_aside(path: Path) -> Generator[None]:
    """Send what is logged to a file while the terminal shows the picture: stderr, the services' too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with path.open("ab") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
