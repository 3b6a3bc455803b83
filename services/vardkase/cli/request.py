"""`vardkase request`: reports are asked for (begäran om lägesrapport), answered, and it is seen who has not."""

from typing import Annotated, Any, Final

import typer

from vardkase.cli import words
from vardkase.cli.node import (
    AreaArgument,
    CredsOption,
    JsonOption,
    NatsOption,
    Node,
    RealityOption,
    find_node,
    parse_area,
    print_json,
    run,
)
from vardkase.cli.orders import Acting, AsOption, NoteOption, RoleOption, WaitOption, actor_of, desk_of
from vardkase.cli.times import day_and_clock, parse_coming, wire
from vardkase.cli.watching import node_now
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts import vocab
from vardkase_contracts.areas import Area
from vardkase_contracts.client import new_id
from vardkase_contracts.orders import ReportRequestOrder
from vardkase_contracts.picture import PICTURE, PictureRequest

app: Final = typer.Typer(
    add_completion=False, help="Ask for reports (begäran om lägesrapport), and answer.", no_args_is_help=True
)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The request's id, as `vardkase request list` shows it.")]
_STATE: Final[dict[vocab.RequestState, str]] = {
    "open": "väntar",
    "reminded": "påmind",
    "overdue": "tiden är ute",
    "answered": "alla har svarat",
    "withdrawn": "återkallad",
}


@app.callback()
def request() -> None:
    """Ask for reports (begäran om lägesrapport), and answer."""


@app.command()
def give(
    areas: Annotated[list[str], typer.Argument(metavar="AREA...", help="Every kommun of these: 2480, 24, norra, SE.")],
    *,
    deadline: Annotated[str, typer.Option(metavar="TIME", help="By when: RFC 3339, 07:30, or 2h.")] = "2h",
    question: Annotated[list[str] | None, typer.Option(help="What is asked beside the usual; may be repeated.")] = None,
    name: Annotated[str | None, typer.Option("--id", help="Change the request with this id instead.")] = None,
    note: NoteOption = None,
    role: RoleOption = "tib",
    acting_for: AsOption = None,
    reality: RealityOption = "act",
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Asks kommuner for a report. Any content or activation since answers it; questions are answered by a note."""
    node = find_node(nats, creds)
    who = Acting(area=actor_of(acting_for, node), role=role, reality=reality, note=note, wait_s=wait, as_json=as_json)
    run(_give(node, who, [parse_area(each) for each in areas], tuple(question or ()), deadline, name))


@app.command()
def answer(
    name: IdArgument,
    text: Annotated[str, typer.Argument(help="The answer, or what it comes to. Restricted; no names of persons.")],
    *,
    answers: Annotated[
        list[str] | None, typer.Option("--answer", help="The answer to each question, in their order; may be repeated.")
    ] = None,
    role: RoleOption = "krisledning",
    acting_for: AsOption = None,
    reality: RealityOption = "act",
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answers a request, for the kommun that you act for."""
    node = find_node(nats, creds)
    who = Acting(area=actor_of(acting_for, node), role=role, reality=reality, note=text, wait_s=wait, as_json=as_json)
    run(_answer(node, who, name, tuple(answers or ())))


@app.command("list")
def list_(
    area: AreaArgument = None,
    *,
    reality: RealityOption = "act",
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the requests that ask kommuner of an area, and who has not answered."""
    node = find_node(nats, creds)
    run(_list(node, parse_area(area or node.area or "SE"), reality, as_json=as_json))


@app.command()
def end(
    name: IdArgument,
    *,
    note: NoteOption = None,
    role: RoleOption = "tib",
    acting_for: AsOption = None,
    reality: RealityOption = "act",
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withdraws a request of the area that you act for: nobody needs to answer any more."""
    node = find_node(nats, creds)
    who = Acting(area=actor_of(acting_for, node), role=role, reality=reality, note=note, wait_s=wait, as_json=as_json)
    run(_end(node, who, name))


async def _give(
    node: Node, who: Acting, areas: list[Area], questions: tuple[str, ...], deadline: str, name: str | None
) -> None:
    async with desk_of(node) as desk:
        now = await node_now(desk.client, who.area, who.reality)
        by = parse_coming(deadline, option="--deadline", now=now)
        if by <= now:
            raise Refused("--deadline: expected a time to come")
        order_id = new_id()
        data: dict[str, Any] = {
            "id": name or order_id,
            "areas": [each.code for each in areas],
            "questions": list(questions),
            "deadline": wire(by),
        }
        where = ", ".join(words.area_title(each) for each in areas)
        done = f"Lägesrapport begärd till {day_and_clock(by)}: {where}"
        await who.give(
            desk, "report_request", who.area, data, now=now, done=done, order_id=order_id, request=data["id"]
        )


async def _answer(node: Node, who: Acting, name: str, answers: tuple[str, ...]) -> None:
    async with desk_of(node) as desk:
        now = await node_now(desk.client, who.area, who.reality)
        data = {"request": name, "answers": list(answers)}
        done = f"Begäran är besvarad för {words.area_title(who.area)}"
        await who.give(desk, "note", who.area, data, now=now, done=done, request=name)


async def _end(node: Node, who: Acting, name: str) -> None:
    async with desk_of(node) as desk:
        given = [
            each for each in await desk.given(who.reality, "report_request") if isinstance(each, ReportRequestOrder)
        ]
        now = await node_now(desk.client, who.area, who.reality)
        mine = [each for each in given if (each.data.id or each.id) == name and each.data.by.code == who.area.code]
        last = max((each for each in mine if each.time <= now), key=lambda each: (each.time, each.id), default=None)
        if last is None or last.data.withdrawn:
            raise Failed(f"{who.area.code} has no request {name} that waits ({who.reality})")
        data = {
            "id": name,
            "areas": list(last.data.areas),
            "questions": list(last.data.questions),
            "deadline": wire(last.data.deadline),
            "withdrawn": True,
        }
        done = "Begäran är återkallad"
        await who.give(desk, "report_request", Area.parse(last.subject), data, now=now, done=done, request=name)


async def _list(node: Node, area: Area, reality: vocab.Reality, *, as_json: bool) -> None:
    async with desk_of(node) as desk:
        raw = await desk.picture(area, reality)
    if raw is None:
        raise Failed(f"the node has no picture of {area.code} ({reality})")
    found = PICTURE.validate_json(raw).requests
    if as_json:
        for each in found:
            print_json(each.model_dump_json())
        return
    heading = f"{words.REALITY[reality]}: begärda lägesrapporter, {words.area_title(area)}"
    typer.echo(heading if found else f"{heading}: inga")
    for each in found:
        _tell(each)


def _tell(each: PictureRequest) -> None:
    whose = f"{words.ROLE[each.by.role]} för {Area.parse(each.by.code).name}"
    typer.echo(f"till {day_and_clock(each.deadline)}: {_STATE[each.state]}, {each.answered} av {each.asked} har svarat")
    typer.echo(f"    {whose}{'' if each.note is None else f': {each.note}'}  {each.id}")
    for question in each.questions:
        typer.echo(f"    - {question}")
    if each.missing:
        typer.echo(f"    saknas: {', '.join(Area.parse(code).name for code in each.missing)}")
