"""`vardkase alerts`: the open alerts of an area, once or as they change."""

import asyncio
import json
from datetime import datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from vardkase.cli import words
from vardkase.cli.node import (
    CredsOption,
    JsonOption,
    NatsOption,
    Node,
    RealityOption,
    client_of,
    connection_of,
    find_node,
    parse_area,
    print_json,
    run,
)
from vardkase.cli.screen import open_first
from vardkase.cli.times import between, clock, day_and_clock
from vardkase.cli.watching import node_now
from vardkase.domain.escalation import Policy, planned, standing_alert
from vardkase.runtime.errors import Failed
from vardkase_contracts import vocab
from vardkase_contracts.alert import Alert
from vardkase_contracts.areas import NATION_CODE, Area

app: Final = typer.Typer(add_completion=False)

_BEGIN_S: Final = 15.0
_INDENT: Final = 9
_TO: Final = {"kommun": "i kommunen", "lan": "till länet", "civo": "till civilområdet", "nation": "till nationen"}


@app.command()
def alerts(
    area: Annotated[str | None, typer.Argument(help="2480, 24, norra or SE. [default: the node's own]")] = None,
    *,
    reality: RealityOption = "act",
    all_: Annotated[bool, typer.Option("--all", help="Those that have ended too.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with every change.")] = False,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the open alerts of an area, worst first; muted ones last."""
    node = find_node(nats, creds)
    where = parse_area(area or node.area or NATION_CODE)
    try:
        run(_alerts(node, where, reality, ended_too=all_, follow=follow, as_json=as_json))
    except KeyboardInterrupt:
        return  # the way to end --follow


async def _alerts(
    node: Node, area: Area, reality: vocab.Reality, *, ended_too: bool, follow: bool, as_json: bool
) -> None:
    console = Console()
    policy = await _policy_of(node)
    async with client_of(node) as client, client.alerts(area, reality=reality) as feed:
        try:
            async with asyncio.timeout(_BEGIN_S):
                found = await feed.current()
                now = await node_now(client, area, reality)
        except TimeoutError:
            raise Failed(f"the node at {node.nats} gives no alerts: nothing came in {_BEGIN_S:g} s") from None
        found = sorted((each for each in found if ended_too or each.status == "firing"), key=_open_then_ended)
        if as_json:
            for alert in found:
                print_json(_json(alert, policy))
        else:
            _print(console, found, area, reality, now, policy)
        if not follow:
            return
        async for alert in feed:
            if as_json:
                print_json(_json(alert, policy))
            else:
                console.print(_change(alert), soft_wrap=True)


async def _policy_of(node: Node) -> Policy | None:
    """After how long the node escalates, as it says itself; None: it does not say it, or not to everybody."""
    from vardkase.federation import patience  # noqa: PLC0415 -- heavy, and not for --help
    from vardkase.runtime.jetstream.bucket import BucketAway  # noqa: PLC0415

    nc = await connection_of(node)
    try:
        return await patience.ask(nc)
    except BucketAway:
        return None
    finally:
        await nc.close()


def _open_then_ended(alert: Alert) -> tuple[bool, bool, int, datetime, str]:
    return (alert.status != "firing", *open_first(alert))


def _print(
    console: Console, found: list[Alert], area: Area, reality: vocab.Reality, now: datetime, policy: Policy | None
) -> None:
    """Two lines an alert: what and where; then since when, who took it in or silenced it, and its key.

    A third where nobody took it in, and others have been told: to whom, and when, by the settings of the node.
    """
    heading = f"{words.REALITY[reality]}: larm i {words.area_title(area)}"
    console.print(Text(heading if found else f"{heading}: inga", style="bold"), soft_wrap=True)
    for alert in found:
        first = Text.assemble(_level(alert), f"{words.where(alert)}: {_saying(alert)}")
        acks = f"kvitterat {_acks(alert)}  " if alert.acks else ""
        silences = f"tystat {_silences(alert)}  " if alert.silences else ""
        second = Text(f"{' ' * _INDENT}sedan {_since(alert, now)}  {acks}{silences}{alert.key}", style="dim")
        console.print(first, second, sep="\n", soft_wrap=True)
        if escalated := _escalated(alert, policy, now):
            console.print(Text(f"{' ' * _INDENT}ej kvitterat, eskalerat {escalated}", style="bold"), soft_wrap=True)
    if policy is None and any(alert.status == "firing" for alert in found):
        console.print(Text("Noden säger inte hur den eskalerar: det visas inte här.", style="dim"), soft_wrap=True)


def _level(alert: Alert) -> Text:
    muted = alert.status != "firing" or alert.inhibited_by is not None
    level = words.LEVEL[alert.level]
    text = Text(level, style="dim" if muted else words.LEVEL_STYLE[alert.level])
    return text.append(" " * (_INDENT - len(level)), style="default")


def _saying(alert: Alert) -> str:
    more = ""
    if alert.status == "cleared":
        reason = "" if alert.cleared_reason is None else f": {words.CLEARED[alert.cleared_reason]}"
        more = f" (slut {clock(alert.changed_at)}{reason})"
    elif alert.inhibited_by is not None:
        more = f" (dämpat av {alert.inhibited_by})"
    elif alert.runs_out_at is not None and not alert.derived:
        more = f" (slut {clock(alert.runs_out_at)})"
    if alert.evidence_lost:
        more += " (underlaget är inte längre känt)"
    return f"{words.saying(alert)}{more}"


def _since(alert: Alert, now: datetime) -> str:
    if alert.status == "cleared":
        return day_and_clock(alert.raised_at)
    return f"{day_and_clock(alert.raised_at)} ({between(alert.raised_at, now)})"


def _acks(alert: Alert) -> str:
    return ", ".join(f"{words.ROLE[ack.role]} {ack.code} till {clock(ack.until)}" for ack in alert.acks)


def _silences(alert: Alert) -> str:
    return ", ".join(f"{words.ROLE[each.role]} {each.code} till {clock(each.until)}" for each in alert.silences)


def _steps(alert: Alert, policy: Policy | None) -> list[dict[str, str]]:
    """To whom an alert is escalated, and when, unless somebody takes it in; empty: to nobody, or it is not known."""
    standing = None if policy is None else standing_alert(alert.model_dump(mode="json"))
    return [] if policy is None or standing is None else planned(standing, policy)


def _escalated(alert: Alert, policy: Policy | None, now: datetime) -> str:
    """To whom an alert has been escalated; empty: to nobody."""
    times = [(each, datetime.fromisoformat(each["at"])) for each in _steps(alert, policy)]
    told = (f"{_TO.get(each['level'], each['level'])} {each['code']} {clock(at)}" for each, at in times if at <= now)
    return ", ".join(told)


def _json(alert: Alert, policy: Policy | None) -> str:
    """One line; with `escalation` where others are told, as over HTTP."""
    line, found = alert.model_dump_json(), _steps(alert, policy)
    return f'{line[:-1]},"escalation":{json.dumps(found, ensure_ascii=False)}}}' if found else line


def _change(alert: Alert) -> Text:
    line = Text(f"{day_and_clock(alert.changed_at)}  ")
    if alert.status == "cleared":
        line.append(f"{'slut':<{_INDENT}}", style="green")
    else:
        line.append_text(_level(alert))
    line.append(f"{words.where(alert)}: {_saying(alert)}")
    if alert.acks:
        line.append(f"  kvitterat: {_acks(alert)}", style="dim")
    if alert.silences:
        line.append(f"  tystat: {_silences(alert)}", style="dim")
    return line
