"""What goes: each class's old months, emptied of what nothing rests on any more. One transaction for each month.

A month of which nothing is needed is dropped as a whole; of another what is needed is moved to a partition in its
place. Readers and the archiver wait for a moment at most: where a reader holds a table for long, the month stays until
the next time.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

import asyncpg
from pydantic import SecretStr, ValidationError

from vardkase.runtime.database import Away, connect, cut, sorted_errors
from vardkase_contracts.instants import from_datetime, to_datetime
from vardkase_contracts.orders import ORDER, AckOrder, NoteOrder, ReportRequestOrder, SilenceOrder

from .deciding import ALWAYS
from .months import Part

_LOCK: Final = (0x7661, 2)
"""The advisory lock of whoever lets go: one at a time. The archiver's own is another."""
_WAIT: Final = "3s"
"""How long a table's lock is waited for: who asks for the archive meanwhile waits as long."""
_ENDING: Final = ("ack", "silence", "note", "report_request")
"""Orders whose time ends. Others (incidents, overrides, adoptions, redactions) decide while they stand."""


class Gone(NamedTuple):
    """What became of a month."""

    name: str
    rows: int
    """That went."""
    kept: int
    """That something still rests on."""


class Letting:
    """A connection that lets go. Made by `opened`.

    Args:
        connection: it.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: SecretStr) -> "Letting":
        """Connect, and see that nobody else does the same.

        Raises:
            Away: that cannot be had now.
        """
        connection = await connect(url, name="vardkase retention", connect_timeout=10.0, statement_timeout=3600.0)
        try:
            async with sorted_errors(misfits=False):
                alone = await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", *_LOCK)
            if not alone:
                raise Away("another one is letting go of it just now")  # noqa: TRY301 -- the connection is cut
        except BaseException:
            cut(connection)
            raise
        return cls(connection)

    def close(self) -> None:
        """Cut it."""
        cut(self._connection)

    async def remember(self, kept: Sequence[tuple[str, str, str]]) -> None:
        """Note which old reports still decide something (`deciding.deciding`), for the months of reports.

        Raises:
            Away: the database does not answer.
        """
        async with sorted_errors(misfits=False):
            await self._connection.execute(
                "CREATE TEMP TABLE IF NOT EXISTS deciding (reality text, kommun text, id text); TRUNCATE deciding"
            )
            await self._connection.copy_records_to_table("deciding", records=kept)
            await self._connection.execute("CREATE INDEX IF NOT EXISTS deciding_id ON deciding (id, kommun, reality)")

    async def month(self, part: Part) -> Gone:
        """Let go of a month of a table; of reports after `remember`.

        Raises:
            Away: somebody holds the table, or the database does not answer. Then nothing of the month is gone.
        """
        connection, table, name = self._connection, part.table, part.name
        keep = _KEPT.get(table)
        async with sorted_errors(misfits=False), connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{_WAIT}'")
            await connection.execute(f"LOCK TABLE {name} IN SHARE MODE")
            rows = int(await connection.fetchval(f"SELECT count(*) FROM {name}") or 0)  # noqa: S608 -- checked by `Part`
            kept = 0
            if keep is not None:
                await connection.execute(f"CREATE TABLE {name}_kept (LIKE {table} INCLUDING ALL)")
                columns = ", ".join(await self._columns(table))
                done = await connection.execute(
                    f"INSERT INTO {name}_kept ({columns}) SELECT {columns} FROM {name} p WHERE {keep}",  # noqa: S608
                )
                kept = int(done.rpartition(" ")[2])
            if kept == rows:
                if keep is not None:
                    await connection.execute(f"DROP TABLE {name}_kept")
                if rows:
                    return Gone(name, 0, kept)
            await connection.execute(f"ALTER TABLE {table} DETACH PARTITION {name}")
            await connection.execute(f"DROP TABLE {name}")
            if kept:
                await connection.execute(f"ALTER TABLE {name}_kept RENAME TO {name}")
                await connection.execute(
                    f"ALTER TABLE {table} ATTACH PARTITION {name} "
                    f"FOR VALUES FROM ('{part.month.start}') TO ('{part.month.after(1).start}')"
                )
            elif keep is not None and rows:
                await connection.execute(f"DROP TABLE {name}_kept")
        return Gone(name, rows - kept, kept)

    async def _columns(self, table: str) -> Sequence[str]:
        rows = await self._connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
            table,
        )
        return [row["attname"] for row in rows]

    async def orders(self, before: int) -> Gone:
        """Let go of orders from before an instant (µs) whose time has ended too.

        Raises:
            Away: the database does not answer.
        """
        connection = self._connection
        gone = 0
        async with sorted_errors(misfits=False), connection.transaction():
            ended = [place async for place in self._ended(before)]
            for start in range(0, len(ended), 1_000):
                streams, moments, sequences = zip(*ended[start : start + 1_000], strict=True)
                done = await connection.execute(
                    "DELETE FROM act USING unnest($1::text[], $2::timestamptz[], $3::bigint[]) "
                    "AS old (stream, stored_at, sequence) WHERE (act.stream, act.stored_at, act.sequence) = "
                    "(old.stream, old.stored_at, old.sequence)",
                    list(streams),
                    list(moments),
                    list(sequences),
                )
                gone += int(done.rpartition(" ")[2])
        return Gone("act", gone, 0)

    async def _ended(self, before: int) -> AsyncIterator[tuple[Any, ...]]:
        query = "SELECT stream, stored_at, sequence, data FROM act WHERE stored_at < $1 AND kind = ANY($2)"
        async for row in self._connection.cursor(query, to_datetime(before), list(_ENDING)):
            if ended(row["data"], before):
                yield row["stream"], row["stored_at"], row["sequence"]

    async def stream_position(self, stream: str) -> tuple[str, int]:
        """When a stream was made, and its last message that is archived.

        Raises:
            Away: the database does not answer.
        """
        async with sorted_errors(misfits=False):
            row = await self._connection.fetchrow("SELECT born, sequence FROM position WHERE stream = $1", stream)
        return ("", 0) if row is None else (row["born"], row["sequence"])


def ended(data: bytes, before: int) -> bool:
    """Whether an order's time ended before an instant (µs). What is no order decides nothing, and has ended.

    Args:
        data: its event.
        before: µs.
    """
    try:
        order = ORDER.validate_json(data)
    except ValidationError:
        return True
    match order:
        case AckOrder():
            return order.data.until is None or from_datetime(order.data.until) < before
        case SilenceOrder():
            return from_datetime(order.data.until) < before
        case ReportRequestOrder():
            return from_datetime(order.data.deadline) < before
        case NoteOrder():
            return True
        case _:
            return False


_KEPT: Final = {
    "report": "p.id IS NOT NULL AND EXISTS (SELECT FROM deciding d WHERE d.id = p.id AND d.kommun = p.kommun "
    f"AND d.reality = p.reality) OR p.kind IN ({', '.join(repr(kind) for kind in ALWAYS)})",
    # An alert that still stands, as it was published last; and how a point was last known to be.
    "alert_change": "p.status = 'firing' AND NOT EXISTS (SELECT FROM alert_change b WHERE b.key = p.key "
    "AND b.reality = p.reality AND (b.stored_at, b.sequence) > (p.stored_at, p.sequence))",
    "state_change": "NOT EXISTS (SELECT FROM state_change b WHERE b.kommun = p.kommun AND b.slug = p.slug "
    "AND b.reality = p.reality AND (b.stored_at, b.sequence) > (p.stored_at, p.sequence))",
}
"""By table: the rows of a month (`p`) that are kept when it goes."""
