"""`vardkase ack`: take an alert in (kvittera), so that others see that somebody has."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from vardkase.cli import words
from vardkase.cli.node import (
    CredsOption,
    JsonOption,
    NatsOption,
    Node,
    RealityOption,
    client_of,
    find_node,
    print_json,
    run,
)
from vardkase.cli.orders import AsOption, RoleOption, actor_of
from vardkase.cli.times import clock, parse_coming
from vardkase.cli.watching import node_now
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts import ids, instants, subjects, vocab
from vardkase_contracts.alert import Alert, AlertAck
from vardkase_contracts.areas import Area
from vardkase_contracts.client import Feed, InvalidEvent, new_order
from vardkase_contracts.orders import Order

app: Final = typer.Typer(add_completion=False)

_BEGIN_S: Final = 15.0


@app.command()
def ack(
    key: Annotated[str, typer.Argument(help="The alert's key, such as power.endurance/2480-umedalen-skola.")],
    *,
    note: Annotated[str | None, typer.Option(help="What is being done. Restricted; no names of persons.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long it holds: RFC 3339, 07:30, or 2h. [4 h]")
    ] = None,
    role: RoleOption = "tib",
    acting_for: AsOption = None,
    reality: RealityOption = "act",
    wait: Annotated[
        float, typer.Option(min=0, max=300, metavar="SECONDS", help="How long to wait to see it on the alert.")
    ] = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Acknowledges an open alert at its present level.

    A worse level breaks the acknowledgement, and it never outlasts the power.
    """
    about = _area_of(key)
    node = find_node(nats, creds)
    actor = actor_of(acting_for, node)
    if until is not None:
        parse_coming(until, option="--until", now=datetime.now(UTC))  # refused before anything is asked of the node
    run(_ack(node, key, about, actor, role, note, until, reality, wait_s=wait, as_json=as_json))


def _area_of(key: str) -> Area:
    """The area that an alert belongs to."""
    try:
        subjects.alert("act", key)
        _, _, about = key.partition("/")
        is_point = len(about) > 5 and about[4] == "-"
        return Area.parse(ids.split_point_id(about).kommun if is_point else about)
    except ValueError:
        raise Refused(f"KEY: expected an alert's key, <rule>/<point or area>; got {key!r}") from None


async def _ack(
    node: Node,
    key: str,
    about: Area,
    actor: Area,
    role: vocab.Role,
    note: str | None,
    until: str | None,
    reality: vocab.Reality,
    *,
    wait_s: float,
    as_json: bool,
) -> None:
    async with client_of(node) as client, client.alerts(about, reality=reality) as feed:
        try:
            async with asyncio.timeout(_BEGIN_S):
                alert = next((each for each in await feed.current() if each.key == key), None)
                now = await node_now(client, about, reality)
        except TimeoutError:
            raise Failed(f"the node at {node.nats} gives no alerts: nothing came in {_BEGIN_S:g} s") from None
        if alert is None or alert.status != "firing":
            raise Failed(f"no alert {key} is open ({reality})")
        given_at = max(now, alert.changed_at)
        ends = None if until is None else parse_coming(until, option="--until", now=given_at)
        order = _order(alert, about, actor, role, note, ends, given_at, reality)
        await client.order(order)
        seen = await _seen(feed, key, actor, order.time, wait_s)
    _tell(alert, actor, role, seen, order, as_json=as_json)


def _order(
    alert: Alert,
    about: Area,
    actor: Area,
    role: vocab.Role,
    note: str | None,
    until: datetime | None,
    given_at: datetime,
    reality: vocab.Reality,
) -> Order:
    data = {"key": alert.key, "level": alert.level}
    if until is not None:
        data["until"] = instants.iso(instants.from_datetime(until))
    try:
        return new_order(
            "ack",
            about.code,
            data,
            role=role,
            acting_for=actor.code,
            note=note,
            reality=reality,
            given_at=given_at,
        )
    except InvalidEvent as error:
        raise Refused(str(error)) from None


async def _seen(feed: Feed[Alert], key: str, actor: Area, given: datetime, wait_s: float) -> AlertAck | None:
    """The ack as it stands on the alert, once the node has taken it in."""
    try:
        async with asyncio.timeout(wait_s):
            async for alert in feed:
                for each in alert.acks if alert.key == key else ():
                    if (each.level, each.code, each.at) == (actor.level, actor.code, given):
                        return each
    except TimeoutError:
        return None
    return None


def _tell(alert: Alert, actor: Area, role: vocab.Role, seen: AlertAck | None, order: Order, *, as_json: bool) -> None:
    if as_json:
        until = None if seen is None else instants.iso(instants.from_datetime(seen.until))
        told = {"key": alert.key, "level": alert.level, "order": order.id, "in_force": seen is not None, "until": until}
        print_json(json.dumps(told, ensure_ascii=False))
        return
    what = f"{words.LEVEL[alert.level]} {words.where(alert)}: {words.saying(alert)}"
    who = f"{words.ROLE[role]} för {actor.name}"
    if seen is None:
        typer.echo(f"Kvitteringen är lagrad, men syns ännu inte på larmet: {what} ({who})")
    else:
        typer.echo(f"Kvitterat till {clock(seen.until)}: {what} ({who})")
