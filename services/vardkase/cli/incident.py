"""`vardkase incident`: which kommuner are expected to be heard, also without open points, and from when until when."""

from datetime import datetime
from typing import Annotated, Final

import typer

from vardkase.cli import words
from vardkase.cli.node import (
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
from vardkase.cli.orders import Acting, AsOption, EndedOption, NoteOption, RoleOption, WaitOption, actor_of, desk_of
from vardkase.cli.times import day_and_clock, parse_coming, parse_past, wire
from vardkase.cli.watching import node_now
from vardkase.runtime.errors import Failed
from vardkase_contracts import vocab
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import IncidentOrder, Order

app: Final = typer.Typer(
    add_completion=False, help="Say which kommuner are expected to be heard.", no_args_is_help=True
)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, such as storm-alfa.")]


@app.callback()
def incident() -> None:
    """Say which kommuner are expected to be heard."""


@app.command()
def declare(
    incident_id: IdArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    areas: Annotated[list[str], typer.Argument(metavar="AREA...", help="Who is in it: 2480, 24, norra, SE.")],
    *,
    begins: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Since when: RFC 3339, 07:30, or 2h ago. [now]")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Until when, if that is known.")] = None,
    note: NoteOption = None,
    role: RoleOption = "tib",
    acting_for: AsOption = None,
    reality: RealityOption = "act",
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Declares an incident, or changes the one with this id. Whoever in it is not heard is an alert."""
    node = find_node(nats, creds)
    who = Acting(area=actor_of(acting_for, node), role=role, reality=reality, note=note, wait_s=wait, as_json=as_json)
    found = [parse_area(each) for each in areas]
    run(_declare(node, who, incident_id, name, found, begins, until))


@app.command("list")
def list_(
    *,
    reality: RealityOption = "act",
    all_: EndedOption = False,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the incidents that are in force or to come."""
    run(_list(find_node(nats, creds), reality, ended_too=all_, as_json=as_json))


@app.command()
def end(
    incident_id: IdArgument,
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
    """Ends an incident now."""
    node = find_node(nats, creds)
    who = Acting(area=actor_of(acting_for, node), role=role, reality=reality, note=note, wait_s=wait, as_json=as_json)
    run(_end(node, who, incident_id))


async def _declare(
    node: Node, who: Acting, incident_id: str, name: str, areas: list[Area], begins: str | None, until: str | None
) -> None:
    async with desk_of(node) as desk:
        now = await node_now(desk.client, who.area, who.reality)
        since = now if begins is None else parse_past(begins, option="--from", now=now)
        data = {"id": incident_id, "name": name, "areas": [each.code for each in areas], "from": wire(since)}
        if until is not None:
            data["until"] = wire(parse_coming(until, option="--until", now=now))
        where = ", ".join(words.area_title(each) for each in areas)
        done = f"Händelsen {name} gäller från {day_and_clock(since)}: {where}"
        await who.give(desk, "incident", who.area, data, now=now, done=done, incident=incident_id)


async def _end(node: Node, who: Acting, incident_id: str) -> None:
    async with desk_of(node) as desk:
        now = await node_now(desk.client, who.area, who.reality)
        held = _latest(await desk.given(who.reality, "incident"), now).get(incident_id)
        if held is None or (held.data.until is not None and held.data.until <= now):
            raise Failed(f"there is no incident {incident_id} in force or to come ({who.reality})")
        data = {
            "id": incident_id,
            "name": held.data.name,
            "areas": list(held.data.areas),
            "from": wire(held.data.from_),
            "until": wire(now),
        }
        done = f"Händelsen {held.data.name} är slut"
        await who.give(desk, "incident", Area.parse(held.subject), data, now=now, done=done, incident=incident_id)


async def _list(node: Node, reality: vocab.Reality, *, ended_too: bool, as_json: bool) -> None:
    async with desk_of(node) as desk:
        orders = await desk.given(reality, "incident")
        now = await node_now(desk.client, Area.parse(node.area or "SE"), reality)
    found = [
        each.data
        for _, each in sorted(_latest(orders, now).items())
        if ended_too or each.data.until is None or each.data.until > max(now, each.data.from_)
    ]
    if as_json:
        for each in found:
            print_json(each.model_dump_json(exclude={"by", "note"}))
        return
    typer.echo(f"{words.REALITY[reality]}: händelser{'' if found else ': inga'}")
    for each in found:
        until = "tills vidare" if each.until is None else f"till {day_and_clock(each.until)}"
        areas = ", ".join(each.areas)
        typer.echo(f"{each.name}: {areas}, från {day_and_clock(each.from_)} {until}  {each.id}")


def _latest(orders: list[Order], now: datetime) -> dict[str, IncidentOrder]:
    """Each incident as it was last ordered by now."""
    given = [each for each in orders if isinstance(each, IncidentOrder) and each.time <= now]
    return {each.data.id: each for each in sorted(given, key=lambda each: (each.time, each.id))}
