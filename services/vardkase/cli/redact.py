"""`vardkase redact`: a report that names a person, or says what must not be said, is erased at every level."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from vardkase.cli.node import CredsOption, JsonOption, NatsOption, Node, RealityOption, find_node, run
from vardkase.cli.orders import Acting, AsOption, NoteOption, RoleOption, WaitOption, actor_of, desk_of
from vardkase.runtime.errors import Refused
from vardkase_contracts import vocab
from vardkase_contracts.areas import KOMMUNER, Area

app: Final = typer.Typer(add_completion=False)


@app.command()
def redact(
    kommun: Annotated[str, typer.Argument(help="The code of the report's kommun, such as 2480.")],
    report: Annotated[str, typer.Argument(metavar="ID", help="The report's id.")],
    *,
    reason: Annotated[str, typer.Option(help="Why. It stays: do not repeat what must be gone.")],
    role: RoleOption = "stab",
    acting_for: AsOption = None,
    reality: RealityOption = "act",
    note: NoteOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. It cannot be taken back.")] = False,
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Orders a report to be gone, here and at every level that has it. It cannot be taken back.

    States, pictures and alerts are made anew without it, as if it had been withdrawn. That it was there stays told.
    """
    if kommun not in KOMMUNER:
        raise Refused(f"KOMMUN: expected a kommun's code, such as 2480; got {kommun!r}")
    if not yes:
        if not sys.stdin.isatty():
            raise Refused("it cannot be taken back: give --yes")
        typer.confirm(f"Rapporten {report} från {KOMMUNER[kommun].name} raderas för gott. Är det rätt?", abort=True)
    node = find_node(nats, creds)
    acting = Acting(
        area=actor_of(acting_for, node), role=role, reality=reality, note=note, wait_s=wait, as_json=as_json
    )
    run(_redact(node, acting, kommun, report, reason, reality))


async def _redact(node: Node, acting: Acting, kommun: str, report: str, reason: str, reality: vocab.Reality) -> None:
    async with desk_of(node) as desk:
        await acting.give(
            desk,
            "redact",
            Area("kommun", kommun),
            {"identity": {"reality": reality, "kommun": kommun, "id": report}, "reason": reason},
            now=datetime.now(UTC),
            done=f"Rapporten {report} räknas inte längre; den raderas här, och på varje nivå som ordern når",
        )
