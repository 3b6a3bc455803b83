"""`vardkase line`: a one-line report that came by SMS, Rakel or telephone."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from vardkase.cli.node import (
    CredsOption,
    JsonOption,
    NatsOption,
    Node,
    SignOption,
    client_of,
    find_node,
    print_json,
    run,
    signer_of,
)
from vardkase.cli.times import parse_past
from vardkase.cli.words import REFUSED
from vardkase.runtime.errors import FAILED, Failed, Refused
from vardkase_contracts import instants
from vardkase_contracts.client import Ack, BatchIncomplete
from vardkase_contracts.client.events import decode_report
from vardkase_contracts.oneline import Line, LineError, normal, parse, reports, sentence
from vardkase_contracts.oneline.reports import LineChannel
from vardkase_contracts.signing import Signer

app: Final = typer.Typer(add_completion=False)

MOST: Final = 200
"""Lines at a time."""
_LARGEST: Final = 128 * 1024

_HELP: Final = """Reads one-line reports strictly, says what was understood, and sends it as ordinary reports. Examples:

    vardkase line 'TP SKARPT 0310 2480 17 O B42/80 P2 E11 S3/4 V1 N:FUEL' --channel sms

    vardkase line 'TP SKARPT 0310 2480 17 ALLT OFÖRÄNDRAT' --channel rakel --received 20m

    vardkase line - < inbox.txt

Of several nothing is sent unless all are right. The same line twice is one report.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Understood:
    """A line, and which point it is about."""

    line: Line
    point: str
    text: str
    """What is read back."""
    events: tuple[bytes, ...]


@app.command(help=_HELP)
def line(
    text: Annotated[str, typer.Argument(metavar="'TP …'|-", help="The line; -: lines from standard input.")],
    *,
    channel: Annotated[LineChannel, typer.Option(help="By what it came.")] = "sms",
    received: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it came: RFC 3339, 03:40, or 20m (ago). [now]")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is understood; send nothing.")] = False,
    wait: Annotated[
        float, typer.Option(min=0, max=300, metavar="SECONDS", help="How long to wait for the check; 0: do not.")
    ] = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    sign: SignOption = None,
    as_json: JsonOption = False,
) -> None:
    """See `_HELP`."""
    now = datetime.now(UTC)
    came = now if received is None else parse_past(received, option="--received", now=now)
    at = instants.from_datetime(came)
    lines = [_parsed(number, each, at) for number, each in _given(text)]
    signer = signer_of(sign)
    sent = run(_work(find_node(nats, creds), lines, at, channel, wait=None if dry_run else wait, signer=signer))
    for understood, acks in sent:
        _tell(understood, acks, as_json=as_json)
    if any(ack.outcome is not None and ack.outcome.status == "rejected" for _, acks in sent for ack in acks):
        raise typer.Exit(FAILED)


def _given(text: str) -> list[tuple[int | None, str]]:
    """The lines, each with its number where there may be several."""
    if text != "-":
        return [(None, text)]
    raw = sys.stdin.buffer.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise Refused(f"more than {_LARGEST >> 10} KiB; send it in parts")
    try:
        lines = [(number, each) for number, each in enumerate(raw.decode().splitlines(), 1) if each.strip()]
    except UnicodeDecodeError:
        raise Refused("standard input: expected text in UTF-8") from None
    if not lines:
        raise Refused("standard input: there is no line in it")
    if len(lines) > MOST:
        raise Refused(f"more than {MOST} lines; send them in parts")
    return [*lines]


def _parsed(number: int | None, text: str, received: int) -> tuple[int | None, Line]:
    found = parse(text, received)
    if isinstance(found, LineError):
        raise Refused(_wrong(number, found))
    return number, found


def _wrong(number: int | None, error: LineError) -> str:
    return f"{error}; inget är skickat" if number is None else f"rad {number}: {error}; inget är skickat"


async def _work(
    node: Node,
    lines: Sequence[tuple[int | None, Line]],
    received: int,
    channel: LineChannel,
    *,
    wait: float | None,
    signer: Signer | None,
) -> list[tuple[Understood, list[Ack]]]:
    """What each line says, and what became of its reports; nothing is sent without `wait`."""
    found = await _understood(node, lines, received, channel)
    if wait is None:
        return [(each, []) for each in found]
    exercised = {each.line.kommun for each in found if each.line.reality == "exe"}
    if exercised:
        from vardkase.cli.aborted import see_not_aborted  # noqa: PLC0415 -- heavy, and not for --help

        await see_not_aborted(node, exercised)
    events = [decode_report(event) for each in found for event in each.events]
    async with client_of(node, signer=signer) as client:
        try:
            acks = await client.report_batch([event for each in found for event in each.events], outcome_s=wait or None)
        except BatchIncomplete as error:
            raise Failed(f"{error}; those that were stored are not lost, and all are safe to send again") from None
    if len(acks) != len(events):
        raise Failed(f"{len(acks)} of {len(events)} reports were answered; all are safe to send again")
    told: list[tuple[Understood, list[Ack]]] = []
    for each in found:
        told.append((each, acks[: len(each.events)]))
        acks = acks[len(each.events) :]
    return told


async def _understood(
    node: Node, lines: Sequence[tuple[int | None, Line]], received: int, channel: LineChannel
) -> list[Understood]:
    """Each line with its point, by the register that the node holds."""
    from vardkase.cli.registering import Held, read_register  # noqa: PLC0415 -- heavy, and not for --help
    from vardkase.registry.numbers import Numbered, point_of  # noqa: PLC0415

    held: dict[tuple[str, str], Held] = {}
    made: list[Understood] = []
    for number, each in lines:
        key = each.reality, each.kommun
        if key not in held:
            held[key] = await read_register(node, each.reality, [each.kommun])
        if each.kommun not in held[key].taken:
            raise Refused(_wrong(number, LineError(each.kommun, 4, "noden tar inte emot den kommunens rapporter")))
        points = [
            Numbered(known.id, known.name, None if known.profile is None else known.profile.get("no"))
            for known in held[key].known.values()
            if not known.retired
        ]
        point = point_of(each.no, each.kommun, points)
        if isinstance(point, LineError):
            raise Refused(_wrong(number, point))
        made.append(
            Understood(
                line=each,
                point=point.id,
                text=sentence(each, received, point.name),
                events=tuple(reports(each, point.id, channel)),
            )
        )
    return made


def _tell(understood: Understood, acks: Sequence[Ack], *, as_json: bool) -> None:
    if as_json:
        told: list[dict[str, Any]] = [
            {
                "id": ack.id,
                "duplicate": ack.duplicate,
                "status": "stored" if ack.outcome is None else ack.outcome.status,
                "detail": None if ack.outcome is None else ack.outcome.detail,
            }
            for ack in acks
        ]
        document = {
            "line": normal(understood.line),
            "text": understood.text,
            "point": understood.point,
            "reality": understood.line.reality,
            "sent": bool(acks),
            "reports": told or [{"id": json.loads(event)["id"]} for event in understood.events],
        }
        print_json(json.dumps(document, ensure_ascii=False))
        return
    typer.echo(f"Uppfattat: {understood.text}")
    typer.echo(f"    {normal(understood.line)}")
    if not acks:
        typer.echo("    Inget är skickat (--dry-run)")
        return
    for ack in acks:
        if ack.outcome is not None and ack.outcome.status == "rejected":
            reason = "okänt skäl" if ack.outcome.reason is None else REFUSED[ack.outcome.reason]
            typer.echo(f"    Avvisad: {ack.id}: {ack.outcome.detail} ({reason})")
    if all(ack.outcome is not None and ack.outcome.status == "accepted" for ack in acks):
        typer.echo(f"    Godkänd: {len(acks)} {'rapport' if len(acks) == 1 else 'rapporter'}")
    elif not any(ack.outcome is not None and ack.outcome.status == "rejected" for ack in acks):
        typer.echo(f"    Mottagen: {len(acks)} {'rapport' if len(acks) == 1 else 'rapporter'}, ännu inte granskade")
