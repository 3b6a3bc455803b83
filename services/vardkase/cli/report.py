"""`vardkase report`: one report from the command line, or a file of them."""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from vardkase.cli.node import (
    CredsOption,
    JsonOption,
    NatsOption,
    Node,
    RealityOption,
    SignOption,
    client_of,
    find_node,
    print_json,
    run,
    signer_of,
)
from vardkase.cli.times import parse_past
from vardkase.cli.values import set_value
from vardkase.cli.words import REFUSED
from vardkase.runtime.errors import FAILED, Failed, Refused
from vardkase_contracts import vocab
from vardkase_contracts.client import Ack, BatchIncomplete, InvalidEvent, new_report
from vardkase_contracts.client.events import decode_report
from vardkase_contracts.reports import ReportBase
from vardkase_contracts.signing import Signer

app: Final = typer.Typer(add_completion=False)

LARGEST_FILE: Final = 64 * 1024 * 1024
MOST_EVENTS: Final = 100_000

_HELP: Final = """Sends a report and says what became of it. Examples:

    vardkase report status 2480-umedalen-skola lifecycle=open occupancy=42

    vardkase report resources 2480-umedalen-skola power.source=backup power.fuel_l=60 staff.present=2

    vardkase report confirm 2480-umedalen-skola --observed 20m

    vardkase report activation 2480 state=active

A section of `resources` (power, staff …) is replaced as a whole; a value of null says "unknown now".
"""


@app.command(help=_HELP)
def report(
    kind: Annotated[vocab.ReportKind | None, typer.Argument(help="What kind of report.")] = None,
    point: Annotated[str | None, typer.Argument(help="2480-umedalen-skola; or a kommun itself (2480).")] = None,
    values: Annotated[list[str] | None, typer.Argument(metavar="[PATH=VALUE]…", help="The fields.")] = None,
    *,
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="A field.")] = None,
    data: Annotated[str | None, typer.Option(metavar="JSON|@FILE|-", help="All the fields, as JSON.")] = None,
    file: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Whole events: one, an array, or one per line.")
    ] = None,
    observed: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it was seen: RFC 3339, 03:40, or 20m (ago). [now]")
    ] = None,
    reality: RealityOption = "act",
    channel: Annotated[vocab.Channel | None, typer.Option(help="By what means it came in.")] = None,
    role: Annotated[vocab.Role | None, typer.Option(help="In what role it was seen.")] = None,
    quality: Annotated[vocab.Quality | None, typer.Option(help="How well it is known. [observed]")] = None,
    incident: Annotated[str | None, typer.Option(metavar="ID", help="The incident that it belongs to.")] = None,
    reporter: Annotated[
        str | None, typer.Option(metavar="NAME", help="A system or a post, never a person's name.")
    ] = None,
    event_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="An id of your own, so that a repeat is harmless.")
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, max=300, metavar="SECONDS", help="How long to wait for the check; 0: do not.")
    ] = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    sign: SignOption = None,
    as_json: JsonOption = False,
) -> None:
    """See `_HELP`."""
    signer = signer_of(sign)
    if file is not None:
        if kind is not None or data is not None or sets:
            raise Refused("--file holds whole events: give neither KIND, POINT nor fields with it")
        events = list(_from_file(file))
    elif kind is None or point is None:
        raise Refused("expected KIND and POINT, such as: vardkase report status 2480-umedalen-skola lifecycle=open")
    else:
        seen = None if observed is None else parse_past(observed, option="--observed", now=datetime.now(UTC))
        fields = _fields(kind, data, [*(values or []), *(sets or [])])
        try:
            event = new_report(
                kind,
                point,
                fields,
                reality=reality,
                observed_at=seen,
                channel=channel,
                role=role,
                quality=quality,
                incident=incident,
                reporter=reporter,
                id=event_id,
            )
        except InvalidEvent as error:
            raise Refused(str(error)) from None
        events = [event]
    acks = run(_send(find_node(nats, creds), events, wait, signer))
    for event, ack in zip(events, acks, strict=True):
        _tell(event, ack, as_json=as_json)
    if any(ack.outcome is not None and ack.outcome.status == "rejected" for ack in acks):
        raise typer.Exit(FAILED)


def _fields(kind: vocab.ReportKind, data: str | None, assignments: list[str]) -> dict[str, Any]:
    fields = {} if data is None else _json_of(data)
    for assignment in assignments:
        set_value(fields, kind, assignment)
    return fields


def _json_of(data: str) -> dict[str, Any]:
    raw = _read(data.removeprefix("@"), "--data") if data == "-" or data.startswith("@") else data.encode()
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise Refused(f"--data: expected JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refused("--data: expected a JSON object of fields")
    return found


def _read(name: str, option: str) -> bytes:
    try:
        if name == "-":
            raw = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with Path(name).open("rb") as file:
                raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Refused(f"{option}: {name}: {error.strerror}") from None
    if len(raw) > LARGEST_FILE:
        raise Refused(f"{option}: {name}: more than {LARGEST_FILE >> 20} MiB; send it in parts")
    return raw


def _from_file(name: str) -> Iterator[ReportBase]:
    """The events in a file: one, an array, or one per line. All must be valid before any is sent."""
    raw = _read(name, "--file")
    lines = [(number, line) for number, line in enumerate(raw.splitlines(), 1) if line.strip()]
    try:
        whole = json.loads(raw)
    except ValueError:
        texts = [(f"line {number}", line) for number, line in lines]
    else:
        found = whole if isinstance(whole, list) else [whole]
        texts = [(f"event {place}", json.dumps(one).encode()) for place, one in enumerate(found, 1)]
    if not texts:
        raise Refused(f"--file: {name}: there is no event in it")
    if len(texts) > MOST_EVENTS:
        raise Refused(f"--file: {name}: more than {MOST_EVENTS} events; send it in parts")
    for place, text in texts:
        try:
            yield decode_report(text)
        except InvalidEvent as error:
            raise Refused(f"--file: {name}, {place}: {error}; nothing was sent") from None


async def _send(node: Node, events: Sequence[ReportBase], wait: float, signer: Signer | None) -> list[Ack]:
    exercised = {event.kommun for event in events if event.reality == "exe"}
    if exercised:
        from vardkase.cli.aborted import see_not_aborted  # noqa: PLC0415 -- heavy, and not for --help

        await see_not_aborted(node, exercised)
    async with client_of(node, signer=signer) as client:
        if len(events) == 1:
            return [await client.report(events[0], outcome_s=wait or None)]
        try:
            return await client.report_batch(events, outcome_s=wait or None)
        except BatchIncomplete as error:
            raise Failed(f"{error}; those that were stored are not lost, and all are safe to send again") from None


def _tell(event: ReportBase, ack: Ack, *, as_json: bool) -> None:
    outcome = ack.outcome
    if as_json:
        told = {
            "id": ack.id,
            "point": event.subject,
            "kind": event.kind,
            "reality": event.reality,
            "sequence": ack.sequence,
            "duplicate": ack.duplicate,
            "status": "stored" if outcome is None else outcome.status,
            "reason": None if outcome is None else outcome.reason,
            "field": None if outcome is None else outcome.field,
            "detail": None if outcome is None else outcome.detail,
        }
        print_json(json.dumps(told, ensure_ascii=False))
        return
    what = f"{event.kind} {event.subject} (id {ack.id})"
    if outcome is None:
        typer.echo(f"Mottagen: {what}")
    elif outcome.status == "accepted":
        typer.echo(f"Godkänd: {what}")
    elif outcome.status == "rejected":
        reason = "okänt skäl" if outcome.reason is None else REFUSED[outcome.reason]
        at = "" if outcome.field is None else f"{outcome.field}: "
        typer.echo(f"Avvisad: {what}: {at}{outcome.detail} ({reason})")
    else:
        typer.echo(f"Mottagen, men ännu inte granskad: {what}: {outcome.detail}")
