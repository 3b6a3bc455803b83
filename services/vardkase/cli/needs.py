"""`vardkase needs`: open needs and surplus, proposals of who could help whom, and saying yes to one's own side."""

import json
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from vardkase.cli.aborted import see_not_aborted
from vardkase.cli.node import (
    AreaArgument,
    CredsOption,
    JsonOption,
    NatsOption,
    Node,
    RealityOption,
    SignOption,
    client_of,
    find_node,
    parse_area,
    print_json,
    run,
    signer_of,
)
from vardkase.cli.states import states_of
from vardkase.cli.times import day_and_clock
from vardkase.cli.words import REFUSED
from vardkase.domain.places import is_point
from vardkase.gateway.matching import Match, match
from vardkase.gateway.needed import Need, needs_of
from vardkase.gateway.shift.printed import WORDS
from vardkase.logistics.acceptance import NotOpen, accepted, report_id
from vardkase.logistics.transport import Unsolved
from vardkase.runtime.errors import FAILED, Failed, Refused
from vardkase_contracts import vocab
from vardkase_contracts.areas import NATION_CODE, Area
from vardkase_contracts.client import Ack, BatchIncomplete, InvalidEvent, new_report
from vardkase_contracts.instants import parse, to_datetime
from vardkase_contracts.reports import ReportBase
from vardkase_contracts.signing import Signer

app: Final = typer.Typer(add_completion=False, help="Needs and surplus, and who could help whom.")

_OUTCOME_S: Final = 5.0
_SIDE: Final = {"need": "den som behöver", "surplus": "den som ger"}


@app.callback()
def needs() -> None:
    """Needs and surplus, and who could help whom."""


@app.command(name="list")
def list_(
    area: AreaArgument = None,
    *,
    reality: RealityOption = "act",
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists what is needed, the most pressing first, then what there is to spare."""
    found, _ = _needs(area, reality, nats, creds)
    for each in found:
        if as_json:
            print_json(json.dumps(each.told(), ensure_ascii=False))
        else:
            kind = "överskott" if each.direction == "surplus" else "behov"
            by = f", senast {_at(each.value['needed_by'])}" if each.value.get("needed_by") else ""
            late = " FÖRSENAT" if each.overdue else ""
            state = WORDS.need_state(each.value["state"], each.direction)
            typer.echo(f"{kind:<10} {WORDS.need(each.value)}: {_name(each)} ({state}{by}){late}")
    if not found and not as_json:
        typer.echo("Inget behövs, och inget kan avvaras.")


@app.command(name="match")
def match_(
    area: AreaArgument = None,
    *,
    reality: RealityOption = "act",
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Proposes which surplus could meet which need, over the borders of kommuner: the best for all together."""
    found, now = _needs(area, reality, nats, creds)
    try:
        pairs = match(found, now)
    except Unsolved as error:
        raise Failed(f"no proposal was found in time ({error}): ask about a smaller area") from None
    for pair in pairs:
        if as_json:
            print_json(json.dumps(pair.told(), ensure_ascii=False))
        else:
            typer.echo(_pair(pair))
    if not pairs and not as_json:
        typer.echo("Inget överskott passar något behov.")


@app.command()
def accept(
    own: Annotated[str, typer.Argument(metavar="POINT/NEED", help="Your own side, such as 2480-umedalen-skola/n1.")],
    other: Annotated[str, typer.Argument(metavar="POINT/NEED", help="The other side.")],
    *,
    quantity: Annotated[float | None, typer.Option(min=0, help="How much. [all of it]")] = None,
    reality: RealityOption = "act",
    role: Annotated[vocab.Role | None, typer.Option(help="In what role you say yes.")] = None,
    nats: NatsOption = None,
    creds: CredsOption = None,
    sign: SignOption = None,
    as_json: JsonOption = False,
) -> None:
    """Says yes to your side of a proposal: a report of yours. It is agreed when the other side says so too."""
    point, need_id = _side(own)
    counterpart = _side(other)
    node = find_node(nats, creds)
    states = run(states_of(node, Area("kommun", point[:4]), reality))
    facts = next((each.document["facts"] for each in states.points if each.id == point and each.needs), {})
    fact = facts.get("needs", {}).get(need_id)
    if fact is None or fact["value"] is None:
        raise Failed(f"there is no need or surplus {need_id} at {point}")
    try:
        data = accepted(fact["value"], counterpart, quantity)
        events = [
            new_report(
                "need",
                point,
                each,
                reality=reality,
                role=role,
                id=report_id(point, fact["report"], counterpart, quantity, number),
            )
            for number, each in enumerate(data)
        ]
    except NotOpen as error:
        raise Failed(f"it cannot be agreed to: {error}") from None
    except InvalidEvent as error:
        raise Refused(str(error)) from None
    acks = run(_send(node, events, signer_of(sign)))
    for each, ack in zip(data, acks, strict=True):
        status = "stored" if ack.outcome is None else ack.outcome.status
        if as_json:
            print_json(json.dumps({"id": ack.id, "need_id": each["need_id"], "state": each["state"], "status": status}))
        elif ack.outcome is not None and ack.outcome.status == "rejected":
            reason = "okänt skäl" if ack.outcome.reason is None else REFUSED[ack.outcome.reason]
            typer.echo(f"Avvisad: {each['need_id']}: {ack.outcome.detail} ({reason})")
        else:
            state = WORDS.need_state(each["state"], each.get("direction"))
            typer.echo(f"Rapporterat: {point}/{each['need_id']}: {WORDS.need(each)}, {state}")
    if any(ack.outcome is not None and ack.outcome.status == "rejected" for ack in acks):
        raise typer.Exit(FAILED)


async def _send(node: Node, events: Sequence[ReportBase], signer: Signer | None) -> list[Ack]:
    await see_not_aborted(node, {event.kommun for event in events if event.reality == "exe"})
    async with client_of(node, signer=signer) as client:
        try:
            return await client.report_batch(events, outcome_s=_OUTCOME_S)
        except BatchIncomplete as error:
            raise Failed(f"{error}; send it again: what was stored counts once") from None


def _needs(area: str | None, reality: vocab.Reality, nats: str | None, creds: str | None) -> tuple[list[Need], int]:
    node = find_node(nats, creds)
    found = run(states_of(node, parse_area(area or node.area or NATION_CODE), reality))
    return sorted(needs_of(found.points, found.now), key=lambda each: each.order), found.now


def _side(text: str) -> tuple[str, str]:
    point, slash, need_id = text.partition("/")
    if not slash or not need_id or not (is_point(point) or point[4:] == "-_"):
        raise Refused(f"expected POINT/NEED, such as 2480-umedalen-skola/n1, not {text}")
    return point, need_id


def _at(text: str) -> str:
    return day_and_clock(to_datetime(parse(text)))


def _name(need: Need) -> str:
    return f"{need.point.name or need.point.id} ({need.asked_by}/{need.need_id})"


def _pair(pair: Match) -> str:
    what = WORDS.need({"kind": pair.need.kind, "quantity": pair.quantity, "unit": pair.told()["unit"]})
    waits = f"; godtaget av {' och '.join(_SIDE[side] for side in pair.accepted)}" if pair.accepted else ""
    late = "; kommer för sent" if pair.late else ""
    return f"{what}: {_name(pair.surplus)} → {_name(pair.need)}, {pair.km:.0f} km{late}{waits}"
