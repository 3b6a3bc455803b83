"""`vardkase exercise refile`: reports of an exercise that were real after all, filed again over the node's bus."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import typer

from vardkase.cli.node import Node, print_json
from vardkase.cli.orders import desk_of
from vardkase.exercise.refile import NotRefiled, origin_of, refiled
from vardkase.gateway.access.events import audit_event
from vardkase.gateway.access.telling import Told
from vardkase.gateway.exercising import MOST, find
from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.jetstream.errors import WriteFailed
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import instants, streams
from vardkase_contracts.areas import Area
from vardkase_contracts.signing import Signer
from vardkase_contracts.vocab import Role

WHO: Final = "cli"
"""Who acted, for the audit: whoever has the node's bus, beside the role that was given."""
_SOURCE: Final = "urn:tp:cli"
_TIMEOUT: Final = 5.0


async def refile_reports(
    node: Node, area: Area, wanted: Sequence[str], role: Role, signer: Signer | None, *, as_json: bool
) -> None:
    """File reports again; all are found and right before the first is sent, and stand in the audit before it is.

    Raises:
        Refused: one is not of a kind that is filed again; or they are too many.
        Failed: one is not there; the audit cannot be written; the node does not take it.
    """
    if len(wanted) > MOST:
        raise Refused(f"at most {MOST} reports at once")
    async with desk_of(node, signer=signer) as desk:
        found = await find(desk.connection, area, frozenset(wanted))
        events: list[tuple[str, bytes]] = []
        for identity in dict.fromkeys(wanted):
            report = found.get(identity)
            if report is None:
                raise Failed(f"there is no report {identity} of övning in {area.code}; nothing was sent")
            try:
                events.append((origin_of(report), refiled(report, role=role)))
            except NotRefiled as error:
                raise Refused(f"{identity}: {error.detail}; nothing was sent") from None
        writer = StreamWriter(desk.connection, streams.AUDIT, timeout=_TIMEOUT, patience=_TIMEOUT)
        for origin, event in events:
            now = instants.from_datetime(datetime.now(UTC))
            told = Told(WHO, role, "exercise.refile", origin, area, "act", "done", now)
            try:
                await writer.write_once([audit_event(told, _SOURCE)])
            except WriteFailed as error:
                raise Failed(f"the audit cannot be written, and {origin} was not filed again: {error}") from None
            ack = await desk.client.report(event)
            if as_json:
                print_json(json.dumps({"origin": origin, "id": ack.id, "duplicate": ack.duplicate}))
            else:
                typer.echo(f"{origin} är inlagd i skarpt läge som {ack.id}")
