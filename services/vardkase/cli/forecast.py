"""`vardkase forecast`: what runs out or fills up in an area, or at a point, when, and what that rests on."""

import json
from typing import Annotated, Final

import typer

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
from vardkase.cli.orders import desk_of
from vardkase.cli.states import States, states_of
from vardkase.cli.tables import base_table, tables_of
from vardkase.cli.times import clock, day_and_clock
from vardkase.domain.forecast.points import Forecast
from vardkase.domain.places import is_point
from vardkase.domain.rules import Rules
from vardkase.domain.tables import Tables
from vardkase.gateway.documents import Point
from vardkase.gateway.foresight.routes import told
from vardkase_contracts.areas import NATION_CODE, Area
from vardkase_contracts.instants import to_datetime
from vardkase_contracts.vocab import Reality

app: Final = typer.Typer(add_completion=False)

_WHAT: Final = {"power": "el", "water": "vatten", "heat": "värme", "capacity": "platser"}
_STATUS: Final = {"too_few": "kan inte bedömas", "not_known": "okänt", "not_foreseen": "inte inom 30 dygn"}


@app.command()
def forecast(
    place: Annotated[
        str | None, typer.Argument(help="A point, or 2480, 24, norra, SE. [default: the node's own area]")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also what is not foreseen, and what nobody can say.")] = False,
    reality: RealityOption = "act",
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists what runs out or fills up, soonest first, with the interval and what it rests on."""
    node = find_node(nats, creds)
    where = place or node.area or NATION_CODE
    point = where if is_point(where) else None
    area = Area("kommun", where[:4]) if point is not None else parse_area(where)
    found, tables = run(_read(node, area, reality, base_table()))
    rows = _rows(found, tables, point, every=every or point is not None)
    for at, each in rows:
        if as_json:
            print_json(json.dumps({"point": at.id, "name": at.name, **told(each, found.now)}, ensure_ascii=False))
        else:
            typer.echo(_line(at, each, found.now))
    if not rows and not as_json:
        typer.echo("Inget som används tar slut eller fylls, så vitt avläsningarna säger.")


async def _read(node: Node, area: Area, reality: Reality, base: Rules) -> tuple[States, Tables]:
    """The area's states, and the tables by which they are judged."""
    found = await states_of(node, area, reality)
    async with desk_of(node) as desk:
        return found, await tables_of(desk, base, reality, found.now)


def _rows(found: States, tables: Tables, point: str | None, *, every: bool) -> list[tuple[Point, Forecast]]:
    rows = [
        (at, each)
        for at, forecasts in found.foreseen(tables)
        if point is None or at.id == point
        for each in forecasts
        if every or each.at is not None
    ]
    return sorted(rows, key=lambda row: (row[1].at is None, row[1].at or 0, row[1].what, row[0].id))


def _line(point: Point, each: Forecast, now: int) -> str:
    said = told(each, now)["statement"]["sv"]
    when = _STATUS.get(each.status, "")
    if each.at is not None:
        when = day_and_clock(to_datetime(each.at))
        if each.earliest is not None and each.earliest != each.latest:
            latest = "" if each.latest is None else clock(to_datetime(each.latest))
            when += f" ({clock(to_datetime(each.earliest))}\u2013{latest or 'öppet'})"
    return f"{when:<32}  {_WHAT[each.what]:<7}  {point.name or point.id}: {said}"
