"""`vardkase sweden`: all of Sweden on this computer, a storm, links that are cut; and what is left when all heals."""

import asyncio
import contextlib
import json
import logging
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import psutil
import typer
from rich.console import Console
from rich.live import Live

from vardkase.cli.node import JsonOption, print_json
from vardkase.cli.simulate import DEFAULT_SCENARIO, SCENARIO_HELP
from vardkase.cli.storm import load_scenario
from vardkase.cli.sweden_screen import FAULT, clock, draw, healed_line, report
from vardkase.rehearsal.cast import Cast, cast
from vardkase.rehearsal.rehearsal import Rehearsal, View
from vardkase.rehearsal.script import Script, over
from vardkase.rehearsal.values import Healed, Outcome
from vardkase.runtime.errors import DONE, FAILED, Failed, Refused

app: Final = typer.Typer(add_completion=False)

_REFRESH_S: Final = 0.5
_LINE_S: Final = 10.0
_JSON_S: Final = 2.0
_SERVER_BYTES: Final = 32 << 20
_WHOLE_BYTES: Final = 512 << 20
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 -- a directory of this user's own is made in it
_ROOM: Final = 2 << 30
"""Bytes that a rehearsal's streams may come to take, with much to spare."""
_FILES: Final = 8
"""Open files of this process for each server: connections, a process, and links through a proxy."""
_FILES_BESIDE: Final = 500

_T = TypeVar("_T")


@app.command()
def sweden(
    *,
    minutes: Annotated[float, typer.Option(min=0.2, max=1440, help="How long the storm lasts.")] = 5.0,
    lan: Annotated[str, typer.Option(metavar="CODES", help="Län whose nodes have their services too: 24,03.")] = "06",
    kommuner: Annotated[
        int | None,
        typer.Option(min=1, max=49, help="Only so many kommuner, of each of these län, and nobody else."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Which of all runs of the storm, and which faults when.")] = 1,
    scenario: Annotated[str, typer.Option(help=SCENARIO_HELP)] = DEFAULT_SCENARIO,
    points: Annotated[int | None, typer.Option(min=1, max=20_000, help="How many points, instead of its own.")] = None,
    hours: Annotated[
        float, typer.Option(min=1, max=500, help="How much of the storm is played in these minutes.")
    ] = 8.0,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="An empty one, which is kept. [a temporary one in memory, kept when it fails]"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Rehearses with all of Sweden: a NATS server for each kommun, each län and the nation, on this computer.

    A storm is played; links are cut, and servers killed, by plan. It ends with a report: what was sent, what came to
    each level, what was lost or doubled, how fast it healed, whether an alert was missed. Exit code 1 when any was.
    """
    taking_part = cast([each.strip() for each in lan.split(",") if each.strip()], kommuner)
    if hours * 60 <= minutes:
        raise Refused("--hours: expected more than --minutes: the storm goes faster than real time")
    storm = load_scenario(scenario, points)
    storm = storm if kommuner is None else over(storm, taking_part)
    _check_room(taking_part)
    with _directory(data_dir) as folder:
        script = Script(cast=taking_part, scenario=storm, seed=seed, length=minutes * 60, hours=hours, directory=folder)
        shown = _Shown(Console(), as_json=as_json)
        rehearsal = Rehearsal(script, shown.healed)
        with _logs(folder / "rehearsal.log"):
            outcome = _run(shown.during(rehearsal))
        shown.over(outcome)
        if data_dir is None and outcome.passed:
            shutil.rmtree(folder, ignore_errors=True)
        elif not as_json:
            shown.console.print(f"Allt ligger kvar i {folder}", soft_wrap=True)
    raise typer.Exit(DONE if outcome.passed else FAILED)


class _Shown:
    """What is shown of a rehearsal: a live map on a terminal, else lines; JSON for machines."""

    def __init__(self, console: Console, *, as_json: bool) -> None:
        self.console = console
        self._as_json = as_json
        self._on_screen = console.is_terminal and not as_json
        self._live: Live | None = None

    async def during(self, rehearsal: Rehearsal) -> Outcome:
        """Rehearse, and show it."""
        showing = asyncio.create_task(self._show(rehearsal))
        try:
            return await rehearsal.run()
        finally:
            showing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await showing

    def healed(self, healed: Healed) -> None:
        """One fault is over."""
        if self._as_json:
            told = {"fault": healed.fault.kind, "at": healed.began, "waiting": healed.waiting}
            told |= {"restarted_s": healed.restarted, "converged_s": healed.converged}
            print_json(json.dumps({"healed": told}))
        else:
            (self._live.console if self._live is not None else self.console).print(healed_line(healed), soft_wrap=True)

    def over(self, outcome: Outcome) -> None:
        """All is over."""
        if self._as_json:
            print_json(json.dumps({"report": outcome.as_json()}, ensure_ascii=False))
        else:
            self.console.print(report(outcome))

    async def _show(self, rehearsal: Rehearsal) -> None:
        if not self._on_screen:
            while True:
                self._tell(rehearsal.view())
                await asyncio.sleep(_JSON_S if self._as_json else _LINE_S)
        with Live(console=self.console, auto_refresh=False, transient=True) as live:
            self._live = live
            try:
                while True:
                    live.update(draw(rehearsal.view(), rehearsal.script.cast), refresh=True)
                    await asyncio.sleep(_REFRESH_S)
            finally:
                self._live = None

    def _tell(self, view: View) -> None:
        up = sum(each is not None and each.up for each in view.links.values())
        if self._as_json:
            told = {"phase": view.phase, "running": view.running, "elapsed_s": round(view.elapsed, 1)}
            told |= {"sent": view.sent, "merged": view.merged, "links_up": up, "links": len(view.links)}
            told |= {"fault": None if view.fault is None else view.fault.kind, "down": len(view.down)}
            print_json(json.dumps(told))
            return
        fault = "" if view.fault is None else f"; {FAULT[view.fault.kind]}"
        self.console.print(
            f"{clock(view)}  {view.running} noder, länkar {up}/{len(view.links)}, sända {view.sent}, "
            f"hos nationen {view.merged}{fault}",
            soft_wrap=True,
        )


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run it to its end; SIGTERM and SIGINT end it in order."""

    async def guarded() -> _T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            raise Failed("interrupted") from None

    factory = None
    if sys.platform != "win32":
        import uvloop  # noqa: PLC0415 -- not on every platform

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(guarded())


def _check_room(taking_part: Cast) -> None:
    """See that there are memory and open files enough, before anything is started.

    Raises:
        Failed: there are not.
    """
    servers = len(taking_part.areas)
    needed = servers * _SERVER_BYTES + len(taking_part.whole) * _WHOLE_BYTES
    free = psutil.virtual_memory().available
    if free < needed:
        raise Failed(f"{servers} servers need some {needed >> 30} GiB of memory; {free >> 30} GiB are free")
    files = servers * _FILES + _FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        if hard != resource.RLIM_INFINITY and hard < files:
            raise Failed(f"{servers} servers need {files} open files; {hard} are allowed (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def _in_memory() -> Path | None:
    """A file system in memory with room, if there is one: else one disk is asked to sync for three hundred servers."""
    try:
        return _MEMORY if shutil.disk_usage(_MEMORY).free >= _ROOM and os.access(_MEMORY, os.W_OK) else None
    except OSError:
        return None


@contextlib.contextmanager
def _directory(given: Path | None) -> Generator[Path]:
    """An empty directory of absolute path: the given one, else a temporary one, which nobody removes."""
    if given is None:
        yield Path(tempfile.mkdtemp(prefix="vardkase-sweden-", dir=_in_memory()))
        return
    try:
        given.mkdir(parents=True, exist_ok=True)
        if any(given.iterdir()):
            raise Refused(f"--data-dir: {given} is not empty; a rehearsal begins with nothing")
    except OSError as error:
        raise Refused(f"--data-dir: {given}: {error.strerror}") from None
    yield given.resolve()


@contextlib.contextmanager
def _logs(path: Path) -> Generator[None]:
    """Put what this process logs, three hundred nodes' links, into a file."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
        handler.close()
