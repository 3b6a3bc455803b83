"""Playing reports against a node from the command line: the connection, the pace, what is shown of it, Ctrl-C."""

import asyncio
import json
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from vardkase.cli.node import Node, connection_of, print_json
from vardkase.cli.storm import Inlet
from vardkase.cli.times import day_and_clock
from vardkase.simulator.emission import Emission
from vardkase.simulator.player import Progress as Played
from vardkase.simulator.player import play
from vardkase_contracts.instants import iso, to_datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """From when to when something is played, and how fast."""

    title: str
    """What it is, for people."""
    start: int
    """The simulated instant at which it begins, µs."""
    ends: int
    """The simulated instant at which it ends, not included, µs."""
    pace: float | None
    """Simulated seconds to a real one; None: as fast as the node takes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How far it came."""

    played: Played
    left_out: int
    """Reports that were for other areas than the node's."""
    stopped: bool
    """Whether it was ended from outside, before its end."""


async def play_to(
    node: Node,
    emissions: Iterator[Emission],
    course: Course,
    *,
    as_json: bool,
    more: Callable[[], Mapping[str, Any]] = dict,
) -> Outcome:
    """Play emissions against a node, and show how far it has come; Ctrl-C and SIGTERM end it in order.

    Args:
        node: where to.
        emissions: what, in the order of time.
        course: when, and how fast.
        as_json: progress in lines of JSON instead of a bar.
        more: what else such a line says.

    Raises:
        Failed: the node cannot be reached, or does not store the reports.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    nc = await connection_of(node, "vardkase-simulate")
    try:
        inlet = await Inlet.find(nc)
        with _Shown(course, as_json=as_json, more=more) as shown:
            played = await play(
                emissions,
                inlet.publish,
                start=course.start,
                speed=course.pace,
                until=course.ends,
                on_progress=shown.show,
                progress_every_s=1.0 if as_json else 0.25,
                stop=stop,
            )
        return Outcome(played=played, left_out=inlet.left_out, stopped=stop.is_set())
    finally:
        await nc.close()


def told(progress: Played) -> dict[str, Any]:
    """Progress for a machine."""
    return {"sent": progress.sent, "at": iso(progress.at), "behind_s": round(progress.behind_s, 3)}


class _Shown:
    """How far it has come: a bar on a terminal, lines of JSON for a machine."""

    def __init__(self, course: Course, *, as_json: bool, more: Callable[[], Mapping[str, Any]]) -> None:
        self._start = course.start
        self._as_json = as_json
        self._more = more
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[at]}  {task.fields[sent]} rapporter{task.fields[behind]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=as_json,
        )
        self._task = self._bar.add_task(
            course.title, total=max(1, course.ends - course.start), at="", sent=0, behind=""
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, progress: Played) -> None:
        """Show it."""
        if self._as_json:
            if not progress.done:
                print_json(json.dumps(told(progress) | dict(self._more())))
            return
        self._bar.update(
            self._task,
            completed=progress.at - self._start,
            at=day_and_clock(to_datetime(progress.at)),
            sent=progress.sent,
            behind=f", {progress.behind_s:.0f} s efter" if progress.behind_s >= 1 else "",
        )
