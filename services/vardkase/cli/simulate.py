"""`vardkase simulate`: play a scenario, or a dataset of real shelters, against a node."""

import json
import time
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from vardkase.cli.dataset import Wanted, play_dataset
from vardkase.cli.node import CredsOption, JsonOption, NatsOption, Node, find_node, print_json, run
from vardkase.cli.playing import Course, play_to, told
from vardkase.cli.storm import load_scenario
from vardkase.cli.times import parse_length, parse_past
from vardkase.runtime.errors import Refused
from vardkase.simulator.scenario import Scenario, shipped_scenarios
from vardkase.simulator.shelters.dataset import shipped_datasets
from vardkase.simulator.simulation import Simulation
from vardkase_contracts import vocab
from vardkase_contracts.instants import HOUR, from_datetime, iso

app: Final = typer.Typer(add_completion=False)

DEFAULT_SCENARIO: Final = "storm-gotaland"
SCENARIO_HELP: Final = f"A shipped scenario ({', '.join(shipped_scenarios())}), or a file."
_DATASET_HELP: Final = (
    f"Real shelters instead: a shipped dataset ({', '.join(shipped_datasets())}), or a file of changes."
)


@app.command()
def simulate(
    name: Annotated[str | None, typer.Argument(metavar="SCENARIO", help=SCENARIO_HELP)] = None,
    *,
    scenario: Annotated[str | None, typer.Option(help="The same as SCENARIO.")] = None,
    dataset: Annotated[str | None, typer.Option(metavar="FILE", help=_DATASET_HELP)] = None,
    seed: Annotated[int | None, typer.Option(help="Which of all a scenario's possible runs. Without: 1.")] = None,
    speed: Annotated[
        float, typer.Option(min=0, max=1_000_000, help="Times faster than real time; 0: as fast as the node takes it.")
    ] = 1.0,
    points: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="How many points, instead of the scenario's own.")
    ] = None,
    until: Annotated[float | None, typer.Option(min=0, metavar="HOURS", help="End it after so long in it.")] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When it begins: RFC 3339, 03:40 or 20m (ago). Without: now at speed 1; faster: so that it ends now.",
        ),
    ] = None,
    skip_gaps: Annotated[
        str | None,
        typer.Option(metavar="LENGTH", help="Of a dataset: times in which nothing changes are cut to so much: 6h."),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Of a dataset: go on from the `at` that was told; with the same --start."),
    ] = None,
    reality: Annotated[
        vocab.Reality | None,
        typer.Option(help="Where its reports go. Without: as the scenario says; of a dataset, tst."),
    ] = None,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plays a scenario: thousands of points report as they would, mistakes and silence included. Or a real dataset.

    The same scenario, seed and start give the same reports, and so do the same dataset and start: told twice, they
    count once. Ctrl-C ends it.
    """
    pace = None if speed == 0 else speed
    now = datetime.now(UTC)
    begins = None if start is None else from_datetime(parse_past(start, option="--start", now=now))
    if dataset is None:
        _refuse("goes with --dataset alone", **{"--skip-gaps": skip_gaps, "--resume": resume})
        if name is not None and scenario is not None:
            raise Refused("--scenario: the scenario is given twice")
        story = load_scenario(name or scenario or DEFAULT_SCENARIO, points)
        simulation, course = _prepared(story, 1 if seed is None else seed, pace, begins, until, reality)
        _play(find_node(nats, creds), simulation, course, as_json=as_json)
        return
    _refuse(
        "does not go with --dataset",
        **{"SCENARIO": name, "--scenario": scenario, "--seed": seed, "--points": points},
    )
    if resume is not None and begins is None:
        raise Refused("--resume: give the same --start, too")
    wanted = Wanted(
        dataset=dataset,
        pace=pace,
        start=begins,
        resume=None if resume is None else from_datetime(parse_past(resume, option="--resume", now=now)),
        until_h=until,
        longest_gap=None if skip_gaps is None else parse_length(skip_gaps, option="--skip-gaps"),
        reality=reality or "tst",
    )
    play_dataset(find_node(nats, creds), wanted, as_json=as_json)


def _refuse(why: str, **options: object) -> None:
    """Refuse options that do not go with what is played."""
    for option, value in options.items():
        if value is not None:
            raise Refused(f"{option}: {why}")


def _prepared(
    story: Scenario,
    seed: int,
    pace: float | None,
    begins: int | None,
    until: float | None,
    reality: vocab.Reality | None,
) -> tuple[Simulation, Course]:
    hours = story.duration_h if until is None else min(until, story.duration_h)
    now = time.time_ns() // 1000
    if begins is None:
        begins = now if pace == 1.0 else now - round(hours * HOUR * (1 - 1 / pace if pace else 1))
    if begins > now:
        raise Refused("--start: expected a time that has been: reports from the future are dated back")
    simulation = Simulation(story, seed, begins, reality=reality)
    course = Course(title=story.title, start=simulation.start, ends=begins + round(hours * HOUR), pace=pace)
    return simulation, course


def _play(node: Node, simulation: Simulation, course: Course, *, as_json: bool) -> None:
    outcome = run(play_to(node, simulation, course, as_json=as_json))
    played = outcome.played
    if as_json:
        print_json(json.dumps({**told(played), "left_out": outcome.left_out, "done": True}))
    else:
        left_out = f", {outcome.left_out} för andra områden utelämnades" if outcome.left_out else ""
        typer.echo(f"{played.sent - outcome.left_out} rapporter skickade till och med {iso(played.at)}{left_out}")
