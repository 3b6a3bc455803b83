"""`vardkase exercise`: begin an exercise and play its scenario, inject by hand, stop, abort, evaluate, file again."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from pydantic import ValidationError

from vardkase.cli.exercise_node import (
    Begun,
    NodePost,
    begun,
    load,
    own_areas,
    own_kommuner,
    same,
)
from vardkase.cli.exercise_play import clock_of, play, steps, tell_step
from vardkase.cli.node import (
    CredsOption,
    JsonOption,
    NatsOption,
    Node,
    SignOption,
    find_node,
    parse_area,
    print_json,
    run,
    signer_of,
)
from vardkase.cli.orders import Acting, AsOption, NoteOption, RoleOption, WaitOption, actor_of, desk_of
from vardkase.domain.exercises import ABORTED_SV
from vardkase.domain.places import lies_in
from vardkase.exercise.evaluation import evaluate
from vardkase.exercise.plan import kommuner_of, step_of
from vardkase.exercise.scenario import Inject, Scenario, ScenarioError, shipped
from vardkase.exercise.telling import KIND, page_of, text_of
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts import instants, vocab
from vardkase_contracts.areas import Area
from vardkase_contracts.client import new_id
from vardkase_contracts.signing import Signer

app: Final = typer.Typer(
    add_completion=False, help="Begin, play, stop, abort and evaluate an exercise.", no_args_is_help=True
)

FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="The scenario: a file, or the name of a shipped one.")
]
NameArgument = Annotated[str, typer.Argument(metavar="FILE|ID", help="The scenario's file, or the exercise's id.")]
_ZERO: Final = instants.parse("2026-01-01T00:00:00Z")
"""Some start, to look at a scenario's times by."""


@app.callback()
def exercise() -> None:
    """Begin, play, stop, abort and evaluate an exercise. Everything in it is övning (`exe`)."""


@app.command()
def check(file: FileArgument) -> None:
    """Looks whether a scenario is right, and lists what it sends and when."""
    scenario = load(file)
    typer.echo(f"{scenario.name} ({scenario.id}): {', '.join(scenario.areas)}, {_length(scenario.duration)}")
    lines = [
        (step.send_at - _ZERO, f"{step.inject}: {KIND[step.event.kind]} {step.place}")
        for step in steps(scenario, _ZERO)
    ]
    for each in scenario.injects:
        if (down := each.silence) is not None:
            where, lost = ", ".join((*down.areas, *down.points)), "; det går förlorat" if down.lost else ""
            lines.append((each.at, f"{each.name}: linjen är nere i {_length(down.lasts)}: {where}{lost}"))
    for at, line in sorted(lines, key=lambda line: line[0]):
        typer.echo(f"{_length(at):>8}  {line}")


@app.command()
def start(
    file: FileArgument,
    *,
    unregistered: Annotated[
        bool, typer.Option("--unregistered", help="Play points too that stand in no register here.")
    ] = False,
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    sign: SignOption = None,
    as_json: JsonOption = False,
) -> None:
    """Begins the exercise, and plays its injects in time; goes on with one that has begun.

    Ended or killed, it is started again and goes on: what is in the log is not sent again. At a kommun's own node it
    plays that kommun's part of an exercise that the länsstyrelse has begun.
    """
    run(play(find_node(nats, creds), load(file), signer_of(sign), wait, unregistered=unregistered, as_json=as_json))


@app.command()
def inject(
    file: FileArgument,
    name: Annotated[str | None, typer.Argument(help="Which of the scenario's injects.")] = None,
    *,
    again: Annotated[bool, typer.Option("--again", help="Also when it was sent before.")] = False,
    message: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A message of the spelledning, not planned.")
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="AREA", help="Whom the message is for.")] = None,
    adhoc: Annotated[
        str | None, typer.Option("--yaml", metavar="YAML", help="Any inject, as it would stand in the scenario.")
    ] = None,
    nats: NatsOption = None,
    creds: CredsOption = None,
    sign: SignOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sends one inject now: one of the scenario by its name, or one made up on the spot."""
    scenario = load(file)
    made = _inject(scenario, name, message, to, adhoc)
    number: int | str = 0 if name is not None and not again else f"by-hand-{new_id()}"
    run(_inject_now(find_node(nats, creds), scenario, made, number, signer_of(sign), as_json=as_json))


@app.command()
def stop(
    name: NameArgument,
    *,
    note: NoteOption = None,
    role: RoleOption = "stab",
    acting_for: AsOption = None,
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ends an exercise as planned."""
    node = find_node(nats, creds)
    who = Acting(area=actor_of(acting_for, node), role=role, reality="exe", note=note, wait_s=wait, as_json=as_json)
    run(_stop(node, who, _id_of(name)))


@app.command()
def abort(
    name: Annotated[str | None, typer.Argument(metavar="[FILE|ID]", help="Which. [all that go on here]")] = None,
    *,
    areas: Annotated[
        list[str] | None, typer.Option("--area", metavar="AREA", help="Where: 2480. [all of one's own area]")
    ] = None,
    note: NoteOption = None,
    role: RoleOption = "tib",
    acting_for: AsOption = None,
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Breaks exercises off: ÖVNING AVBRUTEN, SKARPT LÄGE. For one kommun, or for all. It is not taken back."""
    node = find_node(nats, creds)
    where = [parse_area(each) for each in areas or ()]
    if acting_for is None and node.area is None and len(where) == 1:
        acting_for = where[0].code  # whoever aborts somewhere acts for it, where nothing else is known: it is urgent
    who = Acting(area=actor_of(acting_for, node), role=role, reality="exe", note=note, wait_s=wait, as_json=as_json)
    run(_abort(node, who, None if name is None else _id_of(name), where))


@app.command("list")
def list_(
    *,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the exercises that are to come, go on, or ended within a day."""
    run(_list(find_node(nats, creds), as_json=as_json))


@app.command()
def report(
    file: FileArgument,
    *,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page to print there.")] = None,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluates: time from inject to report, to alert, to acknowledgement, for each kommun."""
    run(_report(find_node(nats, creds), load(file), html, as_json=as_json))


@app.command()
def refile(
    reports: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of reports of övning.")],
    *,
    kommun: Annotated[str, typer.Option(metavar="KOMMUN", help="Whose they are: 2480.")],
    role: RoleOption = "krisledning",
    nats: NatsOption = None,
    creds: CredsOption = None,
    sign: SignOption = None,
    as_json: JsonOption = False,
) -> None:
    """Files reports of an exercise again in skarpt läge: what was seen, when it was seen; the originals stay."""
    from vardkase.cli.exercise_refile import refile_reports  # noqa: PLC0415 -- only when it is needed

    area = parse_area(kommun)
    if area.level != "kommun":
        raise Refused(f"--kommun: {kommun} is no kommun")
    run(refile_reports(find_node(nats, creds), area, reports, role, signer_of(sign), as_json=as_json))


# -- within ------------------------------------------------------------------------------------------------------------


async def _inject_now(
    node: Node, scenario: Scenario, made: Inject, number: int | str, signer: Signer | None, *, as_json: bool
) -> None:
    own = Area.parse(node.area or scenario.area)
    async with desk_of(node, signer=signer) as desk:
        post = NodePost(desk, own)
        now = await post.now()
        try:
            step = step_of(scenario, made, now, number, field="inject")
        except ScenarioError as error:
            raise Refused(str(error)) from None
        if step is None:
            raise Refused(f"{made.name} is a silence: it sends nothing by itself")
        if number == 0 and step.id in await post.known():
            raise Refused(f"{made.name} has been sent; give --again to send it once more")
        exercises = await post.exercises()
        if not any(
            each.id == scenario.id
            for kommun in kommuner_of(step.place)
            for each in exercises.standing(kommun, now).running
        ):
            raise Failed(f"{scenario.id} does not go on in {step.place}")
        await post.send(step)
    tell_step(step, "sent", as_json=as_json)


def _inject(scenario: Scenario, name: str | None, message: str | None, to: str | None, adhoc: str | None) -> Inject:
    if sum(each is not None for each in (name, message, adhoc)) != 1 or (message is None) != (to is None):
        raise Refused("expected NAME, or --message with --to, or --yaml")
    if name is not None:
        found = scenario.inject(name)
        if found is None:
            names = ", ".join(each.name for each in scenario.injects)
            raise Refused(f"{scenario.id} has no inject {name}; it has {names}")
        return found
    try:
        said = {"message": {"to": to, "text": message}} if adhoc is None else yaml.safe_load(adhoc)
        if not isinstance(said, dict):
            raise Refused("--yaml: expected fields, such as {message: {to: '2480', text: …}}")
        made = Inject.model_validate({"name": "by-hand", "at": "0s", **said})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Refused(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
    except yaml.YAMLError as error:
        raise Refused(f"--yaml: expected fields: {' '.join(str(error).split())}") from None
    outside = next((each for each in made.places if not scenario.covers(each) and each != scenario.area), None)
    if outside is not None:
        raise Refused(f"{outside} takes no part in {scenario.id}")
    return made


async def _stop(node: Node, who: Acting, name: str) -> None:
    async with desk_of(node) as desk:
        post = NodePost(desk, Area.parse(node.area or who.area.code))
        now = await post.now()
        found = begun(await post.given(), name)
        if found is None:
            raise Failed(f"there is no exercise {name} here")
        about = Area.parse(found.subject)
        data = _data(found, found.areas, "stopped") | {"until": instants.iso(now)}
        at = instants.to_datetime(now)
        await who.give(desk, "exercise", about, data, now=at, done=f"Övningen {found.name} är slut", exercise=name)


async def _abort(node: Node, who: Acting, name: str | None, where: list[Area]) -> None:
    for each in where:
        if not lies_in(each.code, who.area.code):
            raise Refused(f"--area: {each.code} lies outside {who.area.code}, which you act for")
    async with desk_of(node) as desk:
        post = NodePost(desk, who.area)
        now = await post.now()
        orders = await post.given()
        exercises = await post.exercises()
        kommuner = {kommun for each in where or [who.area] for kommun in each.kommuner()}
        going_on = [
            each["id"] for each in exercises.listed(kommuner, now) if each["running"] or each["state"] == "planned"
        ]
        names = going_on if name is None else [name]
        if not names:
            raise Failed(f"no exercise goes on in {', '.join(each.code for each in where or [who.area])}")
        for each in names:
            found = begun(orders, each) or Begun(each, each, now, None, (), who.area.code, None)
            codes = [area.code for area in where] or own_areas(found.areas, who.area) or [who.area.code]
            about = Area.parse(codes[0]) if len(codes) == 1 else who.area
            at = instants.to_datetime(now)
            done = f"{ABORTED_SV}: {found.name}, {', '.join(codes)}"
            data = _data(found, tuple(codes), "aborted")
            await who.give(desk, "exercise", about, data, now=at, done=done, exercise=each)


def _data(found: Begun, areas: tuple[str, ...], state: vocab.ExerciseState) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "areas": list(areas),
        "from": instants.iso(found.start),
        "state": state,
    }


async def _list(node: Node, *, as_json: bool) -> None:
    own = Area.parse(node.area or "SE")
    async with desk_of(node) as desk:
        post = NodePost(desk, own)
        found = (await post.exercises()).listed(own.kommuner(), await post.now())
    if as_json:
        for each in found:
            print_json(json.dumps(each, ensure_ascii=False))
        return
    typer.echo(f"Övningar{'' if found else ': inga'}")
    for each in found:
        until = "tills vidare" if each["until"] is None else f"till {clock_of(instants.parse(each['until']))}"
        aborted = "".join(
            f"\n  {ABORTED_SV}: {gone['kommun']} {clock_of(instants.parse(gone['at']))}" for gone in each["aborted"]
        )
        typer.echo(
            f"{each['name']}: {_STATE[each['state']]}, {', '.join(each['areas'])}, "
            f"från {clock_of(instants.parse(each['from']))} {until}  {each['id']}{aborted}"
        )


_STATE: Final = {"planned": "planerad", "running": "pågår", "stopped": "avslutad", "aborted": "avbruten"}


async def _report(node: Node, scenario: Scenario, html: Path | None, *, as_json: bool) -> None:
    own = Area.parse(node.area or scenario.area)
    async with desk_of(node) as desk:
        post = NodePost(desk, own)
        found = begun(await post.given(), scenario.id)
        if found is None:
            raise Failed(f"{scenario.id} has not been begun")
        same(scenario, found)
        heard = await post.heard(own_areas(scenario.areas, own))
        told = evaluate(scenario, found.start, heard, await post.now(), own_kommuner(scenario.areas, own))
    if html is not None:
        _write(html, page_of(told))
    if as_json:
        print_json(json.dumps(told, ensure_ascii=False))
    elif html is None:
        typer.echo(text_of(told))
    else:
        typer.echo(f"Utvärderingen ligger i {html}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failed(f"--html: {path}: {error.strerror}") from None


def _id_of(name: str) -> str:
    """The id of an exercise that is named by its file, the name of a shipped one, or its id."""
    return load(name).id if Path(name).suffix in {".yaml", ".yml"} or name in shipped() else name


def _length(length: int) -> str:
    minutes, seconds = divmod(length // instants.SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
