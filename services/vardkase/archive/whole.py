"""Whether the archive has all that was stored until an instant: what is not archived yet is not known to be nothing.

The archiver writes each stream in order. So all until then is there when it has come to the stream's end, or when what
was stored later is there too.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

import asyncpg

from vardkase.runtime.database import Away, sorted_errors
from vardkase_contracts import streams
from vardkase_contracts.instants import to_datetime

READ: Final = (streams.REPORTS, streams.ORDERS_UP, streams.ALERTS)
"""The streams that what was is made of."""
_TABLES: Final = {streams.REPORTS: "report", streams.ORDERS_UP: "act", streams.ALERTS: "alert_change"}
_LOOK: Final = 0.05
"""Seconds between two looks."""


class Behind(Away):
    """The archive has not yet all that was stored until then, or it is not known whether it has."""


class Head(NamedTuple):
    """Where a stream stands."""

    born: str
    """When it was made, as the server tells it."""
    sequence: int
    """Of its last message; 0 when it holds none."""


class Upto(NamedTuple):
    """What the archive must have."""

    by: int
    """All that was stored until this instant, µs."""
    heads: Mapping[str, Head]
    """Where the streams stood after that. Of one that is missing the archive itself must tell."""
    patience: float
    """Seconds that it is waited for."""


async def until_whole(connection: asyncpg.Connection, upto: Upto) -> None:
    """Wait until the archive has it all.

    Raises:
        Behind: not in time.
        Away: the database does not answer.
    """
    deadline = time.monotonic() + upto.patience
    while (lacking := await _lacking(connection, upto)) is not None:
        if time.monotonic() >= deadline:
            raise Behind(f"it does not have all of {lacking} until then yet")
        await asyncio.sleep(_LOOK)


async def _lacking(connection: asyncpg.Connection, upto: Upto) -> str | None:
    """A stream of which something may be missing; `None` when there is none."""
    by = to_datetime(upto.by)
    async with sorted_errors(misfits=False):
        rows = await connection.fetch("SELECT stream, born, sequence FROM position WHERE stream = ANY($1)", list(READ))
        reached = {row["stream"]: Head(row["born"], row["sequence"]) for row in rows}
        for stream in READ:
            head, there = upto.heads.get(stream), reached.get(stream)
            if head is not None and (head.sequence == 0 or _has(there, head)):
                continue
            later = f"SELECT EXISTS (SELECT FROM {_TABLES[stream]} WHERE stored_at > $1)"  # noqa: S608 -- of ours
            if not await connection.fetchval(later, by):
                return stream
    return None


def _has(there: Head | None, head: Head) -> bool:
    return there is not None and there.born == head.born and there.sequence >= head.sequence
