"""`vardkase retention`: how long the archive is kept, what would go, and letting it go by a decision (gallring)."""

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from vardkase.archive.retention import policy as policies
from vardkase.archive.retention.gone import Letting
from vardkase.archive.retention.policy import FILE, Policy
from vardkase.archive.retention.work import Done, Outcome, Step, let_go, needed, plan
from vardkase.archive.store import opened
from vardkase.cli.archived import DatabaseOption, database, keyring
from vardkase.cli.node import (
    CredsOption,
    JsonOption,
    NatsOption,
    connection_of,
    find_node,
    parse_area,
    print_json,
    run,
)
from vardkase.gateway.access.events import audit_event
from vardkase.gateway.access.telling import Told
from vardkase.runtime.database import Away
from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.jetstream.errors import WriteFailed
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import streams
from vardkase_contracts.areas import NATION_CODE, Area
from vardkase_contracts.instants import from_datetime, iso

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="How long the archive is kept, and letting go by a decision."
)

FileOption = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help=f"The policy, TOML. [default: {FILE}; without one nothing goes]"),
]


@app.callback()
def retention() -> None:
    """How long the archive is kept, and letting go by a decision."""


@app.command()
def show(*, file: FileOption = None, as_json: JsonOption = False) -> None:
    """Shows how long each class is kept, and by whose decision what is older goes."""
    policy = _policy(file)
    if as_json:
        print_json(json.dumps({name: keep._asdict() for name, keep in policy.items()}, ensure_ascii=False))
        return
    for name, keep in policy.items():
        kept = "for ever" if keep.days is None else f"{keep.days} days, by decision {keep.decision}"
        sys.stdout.write(f"{name:<9} {kept}\n")
    sys.stdout.write("intake    7 days, by the stream itself: all of it stands in reports or rejected\n")


@app.command(name="plan")
def plan_(*, file: FileOption = None, database_url: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Shows what would go now. Changes nothing."""
    policy = _policy(file)
    url = database(database_url)

    async def work() -> list[Step]:
        try:
            async with opened(url, "vardkase retention", keyring=keyring()) as store:
                return await plan(store, policy, _now())
        except Away as error:
            raise Failed(f"the archive cannot be read: {error}") from None

    steps = run(work())
    if as_json:
        print_json(json.dumps([_told(step) for step in steps], ensure_ascii=False))
        return
    for line in _lines(steps):
        sys.stdout.write(f"{line}\n")


@app.command()
def apply(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it: what goes cannot be had back.")] = False,
    file: FileOption = None,
    database_url: DatabaseOption = None,
    area: Annotated[
        str | None, typer.Option(help="The node's, for the audit. [default: VARDKASE_AREA, else that of the node here]")
    ] = None,
    by_timer: Annotated[bool, typer.Option("--by-timer", hidden=True)] = False,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lets go of what `plan` shows; each month is told to the audit, with the decision, before it goes."""
    policy = _policy(file)
    if all(keep.days is None for keep in policy.values()):
        raise Refused(f"everything is kept for ever: name a policy with --file, or set {FILE}")
    if not yes:
        raise Refused("what goes cannot be had back: look at `vardkase retention plan`, then give --yes")
    node = find_node(nats, creds)
    url = database(database_url or node.database)
    who = "retention.timer" if by_timer else "retention"
    where = parse_area(area or os.environ.get("VARDKASE_AREA") or node.area or NATION_CODE)

    async def work() -> list[Done]:
        nc = await connection_of(node, "vardkase-retention")
        try:
            writer = StreamWriter(nc, streams.AUDIT)
            letting = await Letting.open(url)
            try:
                async with opened(url, "vardkase retention", keyring=keyring()) as store:
                    steps = await plan(store, policy, _now())
                    kept = await needed(store, steps)
                return await let_go(letting, nc, steps, kept, _audit(writer, where, who))
            finally:
                letting.close()
        except Away as error:
            raise Failed(f"the archive cannot be used: {error}") from None
        except WriteFailed as error:
            raise Failed(f"the audit cannot be written, and nothing more goes: {error}") from None
        finally:
            await nc.close()

    done = run(work())
    if as_json:
        print_json(json.dumps([_what(each) for each in done], ensure_ascii=False))
    else:
        for line in _gone(done):
            sys.stdout.write(f"{line}\n")
    if trouble := [each.trouble for each in done if each.trouble]:
        raise Failed(f"not all went, try again later: {'; '.join(trouble)}")


def _policy(file: Path | None) -> Policy:
    named = file or os.environ.get(FILE)
    return policies.load(Path(named)) if named else policies.default()


def _now() -> int:
    return from_datetime(datetime.now(UTC))


def _audit(writer: StreamWriter, area: Area, who: str) -> Any:
    async def tell(on: str, outcome: Outcome) -> None:
        told = Told(who, None, "retention.delete", on, area, "act", outcome, _now())
        await writer.write_once([audit_event(told, f"urn:tp:node:{area.level}-{area.code}")])

    return tell


def _told(step: Step) -> dict[str, Any]:
    return {
        "class": step.of,
        "keep_days": step.keep.days,
        "decision": step.keep.decision,
        "before": None if step.before is None else iso(step.before),
        "months": [month._asdict() for month in step.months],
        "orders": step.orders,
    }


def _what(done: Done) -> dict[str, Any]:
    months = [month._asdict() for month in done.months]
    return {"class": done.of, "months": months, "stream_messages": done.streamed, "trouble": done.trouble or None}


def _lines(steps: Sequence[Step]) -> list[str]:
    lines: list[str] = []
    for step in steps:
        if step.before is None:
            lines.append(f"{step.of:<9} kept for ever")
            continue
        lines.append(f"{step.of:<9} before {iso(step.before)}, by decision {step.keep.decision}")
        lines += [f"          {month.name}: {month.rows} rows, {month.bytes >> 10} KiB" for month in step.months]
        if step.of == "orders":
            lines.append(f"          {step.orders} orders; those that still decide something are kept")
        elif not step.months:
            lines.append("          no month is old enough")
        if step.of == "reports" and step.months:
            lines.append("          What how a point is still rests on is kept; the log REPORTS stays as it is.")
    return lines


def _gone(done: Sequence[Done]) -> list[str]:
    lines: list[str] = []
    for each in done:
        lines += [f"{each.of}: {month.name}: {month.rows} gone, {month.kept} kept" for month in each.months]
        if each.streamed:
            lines.append(f"{each.of}: {each.streamed} messages of the stream gone")
    return lines or ["nothing was old enough"]
