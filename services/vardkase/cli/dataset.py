"""`vardkase simulate --dataset`: a dataset looked through, and then played."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import dropwhile
from typing import Final

import typer
from rich.console import Console

from vardkase.cli.node import Node, print_json, run
from vardkase.cli.playing import Course, Outcome, play_to, told
from vardkase.runtime.errors import Failed, Refused
from vardkase.simulator.emission import Emission
from vardkase.simulator.shelters.dataset import Dataset
from vardkase.simulator.shelters.records import DatasetError
from vardkase.simulator.shelters.replay import Replay, Survey, survey
from vardkase_contracts.instants import HOUR, SECOND, iso, parse
from vardkase_contracts.vocab import Reality

_EARLIEST: Final = parse("2000-01-01T00:00:00Z")
"""The first time that a report may have (CONTRACT §3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What of a dataset is to be played, how."""

    dataset: str
    """A shipped one, or a file."""
    pace: float | None
    """Times faster than real time; None: as fast as the node takes it."""
    start: int | None
    """When it begins, µs; None: now, or so that it ends now."""
    resume: int | None
    """From when on it is sent, µs: it has been played until there."""
    until_h: float | None
    """How long of it, in hours."""
    longest_gap: int | None
    """What longer gaps are cut to, µs."""
    reality: Reality


def play_dataset(node: Node, wanted: Wanted, *, as_json: bool) -> None:
    """Play a dataset against a node. Nothing is sent of one that has a fault anywhere.

    Raises:
        Refused: the dataset cannot be used, or the times do not go together.
        Failed: the node cannot be reached, does not store the reports, or the file changed meanwhile.
    """
    try:
        dataset = Dataset.find(wanted.dataset)
        with Console(stderr=True, quiet=as_json).status(f"Läser {dataset.name} …"):
            found = survey(dataset, longest_gap=wanted.longest_gap)
    except DatasetError as error:
        raise Refused(str(error)) from None
    course = _course(wanted, found)
    begins = course.start
    resume = begins if wanted.resume is None else wanted.resume
    if not begins <= resume < course.ends:
        raise Refused(f"--resume: expected a time in it, {iso(begins)} to {iso(course.ends)}")
    replay = Replay(dataset, start=begins, reality=wanted.reality, longest_gap=wanted.longest_gap)
    head = {
        "dataset": dataset.name,
        "reality": wanted.reality,
        "start": iso(begins),
        "ends": iso(course.ends),
        "changes": found.changes,
        "shelters": found.shelters,
    }
    if as_json:
        print_json(json.dumps(head))
    else:
        typer.echo(
            f"{found.changes} ändringar av {found.shelters} platser spelas som {wanted.reality}, "
            f"--start {iso(begins)} till {iso(course.ends)}",
            err=True,
        )
    rest = dropwhile(lambda emission: emission.at < resume, replay)
    outcome = _play(
        node,
        rest,
        replay,
        Course(title=dataset.name, start=resume, ends=course.ends, pace=course.pace),
        as_json=as_json,
    )
    _tell(outcome, replay, begins, as_json=as_json)


def _course(wanted: Wanted, found: Survey) -> Course:
    """When it begins and ends: by default it begins now at real speed, and else ends now."""
    length = found.length + SECOND
    if wanted.until_h is not None:
        length = min(length, max(SECOND, round(wanted.until_h * HOUR)))
    now, pace = time.time_ns() // 1000 // SECOND * SECOND, wanted.pace
    begins = wanted.start
    if begins is None:
        ahead = 1.0 if pace is None else 1 - 1 / pace
        begins = now if pace is not None and pace <= 1 else now - round(length * ahead / SECOND) * SECOND
    if begins > now:
        raise Refused("--start: expected a time that has been: reports from the future are dated back")
    if begins < _EARLIEST:
        raise Refused(
            f"--start: it would begin {iso(begins)}, before {iso(_EARLIEST)}: give a later one, or --skip-gaps"
        )
    return Course(title=wanted.dataset, start=begins, ends=begins + length, pace=pace)


def _play(node: Node, rest: Iterator[Emission], replay: Replay, course: Course, *, as_json: bool) -> Outcome:
    try:
        return run(play_to(node, rest, course, as_json=as_json, more=lambda: {"changes": replay.counts.changes}))
    except DatasetError as error:
        raise Failed(f"{error} (the file has changed since it was looked through)") from None


def _tell(outcome: Outcome, replay: Replay, begins: int, *, as_json: bool) -> None:
    played = outcome.played
    if as_json:
        last = told(played) | asdict(replay.counts)
        print_json(json.dumps(last | {"left_out": outcome.left_out, "start": iso(begins), "done": not outcome.stopped}))
        return
    counts = replay.counts
    left_out = f", {outcome.left_out} för andra områden utelämnades" if outcome.left_out else ""
    typer.echo(
        f"{played.sent - outcome.left_out} rapporter skickade till och med {iso(played.at)}{left_out}. "
        f"{counts.gone} gånger försvann en plats ur källan: det är tystnad, inte stängt."
    )
    if outcome.stopped:
        typer.echo(f"Avbrutet. Fortsätt med --start {iso(begins)} --resume {iso(played.at)}")
