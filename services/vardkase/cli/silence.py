"""`vardkase silence`: nobody is notified of some alerts for a time. They stay visible, and are judged as ever."""

import json
from collections.abc import Iterable
from typing import Annotated, Final

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
from vardkase.cli.orders import Acting, AsOption, EndedOption, NoteOption, RoleOption, WaitOption, actor_of, desk_of
from vardkase.cli.times import day_and_clock, parse_coming, wire
from vardkase.cli.watching import node_now
from vardkase.domain.places import is_point, lies_in
from vardkase.domain.silences import Silence, Silences, silence_document
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts import ids, instants, vocab
from vardkase_contracts.areas import NATION_CODE, Area
from vardkase_contracts.client import new_id
from vardkase_contracts.orders import Order, SilenceOrder

app: Final = typer.Typer(add_completion=False, help="Notify nobody of some alerts for a time.", no_args_is_help=True)


@app.callback()
def silence() -> None:
    """Notify nobody of some alerts for a time. They stay visible, and are judged as ever."""


@app.command()
def add(
    *,
    rule: Annotated[str | None, typer.Option(help="Alerts of this rule, such as freshness.stale.")] = None,
    point: Annotated[str | None, typer.Option(help="Alerts of this point, such as 2480-umedalen-skola.")] = None,
    area: Annotated[str | None, typer.Option(help="Alerts in this area: 2480, 24, norra or SE.")] = None,
    until: Annotated[str, typer.Option(metavar="TIME", help="RFC 3339, 07:30, or 2h; at most 30 days.")] = "4h",
    begins: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Likewise. [now]")] = None,
    name: Annotated[str | None, typer.Option("--id", help="Change the silence with this id instead.")] = None,
    note: NoteOption = None,
    role: RoleOption = "tib",
    acting_for: AsOption = None,
    reality: RealityOption = "act",
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Silences the alerts that match all that is given. It quiets the area that you act for, and no other.

    A worse level is as silent: a silence names none. To be told of it again, end the silence, or acknowledge instead.
    """
    node = find_node(nats, creds)
    who = Acting(area=actor_of(acting_for, node), role=role, reality=reality, note=note, wait_s=wait, as_json=as_json)
    matcher = _matcher(rule, point, area)
    run(_add(node, who, matcher, _about(matcher, node), begins, until, name))


@app.command("list")
def list_(
    area: AreaArgument = None,
    *,
    reality: RealityOption = "act",
    all_: EndedOption = False,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the silences that are in force or to come, with their ids."""
    node = find_node(nats, creds)
    where = parse_area(area or node.area or NATION_CODE)
    run(_list(node, where, reality, ended_too=all_, as_json=as_json))


@app.command()
def expire(
    name: Annotated[str, typer.Argument(metavar="ID", help="The silence's id, as `vardkase silence list` shows it.")],
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
    """Ends a silence now: one of the area that you act for."""
    node = find_node(nats, creds)
    who = Acting(area=actor_of(acting_for, node), role=role, reality=reality, note=note, wait_s=wait, as_json=as_json)
    run(_expire(node, who, name))


def _matcher(rule: str | None, point: str | None, area: str | None) -> dict[str, str]:
    if rule is not None and rule not in vocab.RULES:
        raise Refused(f"--rule: there is no rule {rule!r}; the rules: {', '.join(vocab.RULES)}")
    if point is not None:
        try:
            ids.split_point_id(point)
        except ValueError as error:
            raise Refused(f"--point: {error}; got {point!r}") from None
    if area is not None:
        parse_area(area)
    if point is not None and area is not None and not lies_in(point, area):
        raise Refused(f"--point: {point} does not lie in {area}")
    given = {"rule": rule, "point": point, "area": area}
    found = {name: value for name, value in given.items() if value is not None}
    if not found:
        raise Refused("expected at least one of --rule, --point and --area")
    return found


def _about(matcher: dict[str, str], node: Node) -> Area:
    """The area that the order is about: the innermost that what is silenced lies in."""
    place = matcher.get("point") or matcher.get("area") or node.area
    if place is None:
        raise Refused("--area: expected the area in which the rule is silenced, such as 24")
    return parse_area(place[:4] if is_point(place) else place)


async def _add(
    node: Node, who: Acting, matcher: dict[str, str], about: Area, begins: str | None, until: str, name: str | None
) -> None:
    async with desk_of(node) as desk:
        now = await node_now(desk.client, about, who.reality)
        since = now if begins is None else parse_coming(begins, option="--from", now=now)
        ends = parse_coming(until, option="--until", now=now)
        if ends <= max(now, since):
            raise Refused("--until: expected a time after --from, and to come")
        order_id = new_id()
        data = {"id": name or order_id, "matcher": matcher, "from": wire(since), "until": wire(ends)}
        place = matcher.get("point") or matcher.get("area") or about.code
        done = f"Tystat till {day_and_clock(ends)}: {_what(matcher.get('rule'), place)}"
        more = {"silence": name or order_id, "until": wire(ends)}
        await who.give(desk, "silence", about, data, now=now, done=done, order_id=order_id, **more)


async def _expire(node: Node, who: Acting, name: str) -> None:
    async with desk_of(node) as desk:
        orders = _silences(await desk.given(who.reality, "silence"))
        time = await node_now(desk.client, who.area, who.reality)
        now = instants.from_datetime(time)
        mine = (who.area.level, who.area.code, name)
        held = next((each for each in _folded(orders).given(now) if each.name == mine), None)
        if held is None or held.until <= now:
            raise Failed(f"{who.area.code} has no silence {name} in force or to come ({who.reality})")
        last = next(each for each in orders if (each.id, each.data.by.code) == (held.rank[1], who.area.code))
        matcher = last.data.matcher.model_dump(exclude_unset=True)
        data = {"id": name, "matcher": matcher, "from": instants.iso(held.since), "until": wire(time)}
        done = f"Tystnaden är slut: {_what(held.rule, held.place or last.subject)}"
        await who.give(desk, "silence", Area.parse(last.subject), data, now=time, done=done, silence=name)


async def _list(node: Node, where: Area, reality: vocab.Reality, *, ended_too: bool, as_json: bool) -> None:
    async with desk_of(node) as desk:
        orders = _silences(await desk.given(reality, "silence"))
        now = instants.from_datetime(await node_now(desk.client, where, reality))
    found = [
        each
        for each in _folded(orders).given(now)
        if each.place is not None
        and (lies_in(each.place, where.code) or lies_in(where.code, each.place))
        and (ended_too or max(each.since, now) < each.until)
    ]
    if as_json:
        for each in found:
            document = {**silence_document(each), "rule": each.rule, "place": each.place}
            print_json(json.dumps(document, ensure_ascii=False))
        return
    heading = f"{words.REALITY[reality]}: tystade larm i {words.area_title(where)}"
    typer.echo(heading if found else f"{heading}: inga")
    for each in found:
        whose = f"{words.ROLE[each.role]} för {Area.parse(each.name[1]).name}"
        typer.echo(f"{_when(each, now)}: {_what(each.rule, each.place or '')}")
        typer.echo(f"    {whose}{'' if each.note is None else f': {each.note}'}  {each.name[2]}")


def _silences(orders: Iterable[Order]) -> list[SilenceOrder]:
    return [order for order in orders if isinstance(order, SilenceOrder)]


def _folded(orders: Iterable[SilenceOrder]) -> Silences:
    silences = Silences()
    for order in orders:
        silences.take(order)
    return silences


def _what(rule: str | None, place: str) -> str:
    what = "alla larm" if rule is None else words.rule(rule)
    return f"{what}, {place if is_point(place) else words.area_title(Area.parse(place))}"


def _when(silence_: Silence, now: int) -> str:
    since, until = (day_and_clock(instants.to_datetime(each)) for each in (silence_.since, silence_.until))
    if max(silence_.since, now) >= silence_.until:
        return f"slut sedan {until}"
    return f"till {until}" if silence_.since <= now else f"{since} till {until}"
