"""One connection to the archive, alone with it: what is written, is written in one transaction with how far it goes."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self

import asyncpg
from pydantic import SecretStr

from vardkase.runtime.database import Away, Misfit, connect, cut, sorted_errors
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.setting_groups import ArchiverSettings
from vardkase_contracts.instants import to_datetime

from .migrations import migrate
from .partitions import Partitions
from .redacted import Gone, ordered, take_out
from .tables import TABLES, Row, Table

_LOCK: Final = (0x7661, 1)
"""The advisory lock of the archive's one writer: `va`, and which of them."""
_PASSES: Final = 3
"""So often all rows are looked through for what was ordered: a batch of old ones may have been under way."""
_OVERLAP: Final = timedelta(days=1)
"""Rows that are stored later, of messages that the stream stored so much before."""
_WHY: Final = 500
"""Longest reason of a misfit, in characters."""


class Position(NamedTuple):
    """How far a stream is archived."""

    born: str
    """When the stream was made, as the server tells it; empty when nothing is archived."""
    sequence: int
    """Of its last message that is."""


class Step(NamedTuple):
    """From where to where a batch brings a stream."""

    stream: str
    before: Position
    after: Position


class Misfits(NamedTuple):
    """A message that has no row in its table, and why."""

    delivery: Delivery
    why: str


class Stored(NamedTuple):
    """What became of a batch."""

    rows: int
    """New rows."""
    repeats: int
    """What was archived before."""


class Session:
    """A connection that holds the archive's lock, with tables of the right version.

    Args:
        connection: it.
        number: tells it from those before it.
    """

    def __init__(self, connection: asyncpg.Connection, number: int) -> None:
        self.number = number
        self._connection = connection
        self._turn = asyncio.Lock()
        self._partitions = Partitions(connection)
        #: What was taken out of all rows that were there, and how often.
        self._redacted = Counter[Gone]()
        self._redacted_at: datetime | None = None
        self.migrated: list[str] = []
        """The steps that were taken when it began."""

    @classmethod
    async def open(cls, url: SecretStr, name: str, settings: ArchiverSettings, number: int) -> Self:
        """Connect, take the lock, make the tables.

        Raises:
            Away: one of these is not to be had now.
        """
        connection = await connect(
            url, name=name, connect_timeout=settings.connect_timeout, statement_timeout=settings.timeout
        )
        try:
            session = cls(connection, number)
            await session._begin()
        except BaseException:
            cut(connection)
            raise
        return session

    async def _begin(self) -> None:
        connection = self._connection
        async with sorted_errors(misfits=False):
            alone = await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", *_LOCK)
        if not alone:
            raise Away("another archiver writes to it")
        self.migrated = await migrate(connection)
        async with sorted_errors(misfits=False):
            for table in {table.name: table for table in TABLES.values()}.values():
                await connection.execute(table.staging())

    async def probe(self, within: float) -> None:
        """See that it still answers.

        Raises:
            Away: it does not.
        """
        async with self._turn, sorted_errors(misfits=False):
            await self._connection.execute("SELECT 1", timeout=within)

    async def position(self, stream: str) -> Position:
        """How far a stream is archived.

        Raises:
            Away: the database does not answer.
        """
        async with self._turn, sorted_errors(misfits=False):
            await self._connection.execute(
                "INSERT INTO position (stream, born, sequence) VALUES ($1, '', 0) ON CONFLICT DO NOTHING", stream
            )
            row = await self._connection.fetchrow("SELECT born, sequence FROM position WHERE stream = $1", stream)
        if row is None:
            raise Away("its positions were removed a moment ago")
        return Position(row["born"], row["sequence"])

    async def store(self, table: Table, rows: Sequence[Row], misfits: Sequence[Misfits], step: Step) -> Stored:
        """Write a batch and how far it goes, or nothing at all.

        Raises:
            Away: the database cannot be used, or what it holds is not what this writer has written: another has
                written, or it was put back to an older copy.
            Misfit: it does not take one of the rows.
        """
        async with self._turn:
            if table.partitioned:
                first = 1 if table.keyed else 0
                moments: list[datetime] = [row[first] for row in rows]
                await self._partitions.make(table.name, moments)
            async with sorted_errors(), self._connection.transaction():
                stored = 0
                if rows:
                    await self._connection.copy_records_to_table(
                        f"staged_{table.name}", records=rows, columns=table.staged
                    )
                    stored = int((await self._connection.execute(table.insert())).rpartition(" ")[2])
                for misfit in misfits:
                    await self._connection.execute(
                        "INSERT INTO misfit (stream, stored_at, sequence, subject, headers, data, why) "
                        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                        *_misfit_row(step.stream, misfit),
                    )
                moved = await self._connection.execute(
                    "UPDATE position SET born = $4, sequence = $5, stored_at = now() "
                    "WHERE stream = $1 AND born = $2 AND sequence = $3",
                    step.stream,
                    *step.before,
                    *step.after,
                )
                if moved != "UPDATE 1":
                    raise Away("it is not as this archiver left it")
        return Stored(rows=stored, repeats=len(rows) - stored)

    async def remember_rules(self, version: str, text: bytes) -> None:
        """Note the table of rules that the node judges by, when it is another than before.

        Raises:
            Away: the database does not answer.
        """
        async with self._turn, sorted_errors(misfits=False):
            await self._connection.execute(
                "INSERT INTO rule_table (since, version, digest, document) SELECT now(), $1, $2, $3 "
                "WHERE $2 IS DISTINCT FROM (SELECT digest FROM rule_table ORDER BY since DESC LIMIT 1)",
                version,
                hashlib.sha256(text).digest(),
                text,
            )

    async def redact(self) -> int:
        """Take what must be gone out of the rows: what was ordered lately of all, the rest of what came since.

        Returns:
            How many rows that changed.

        Raises:
            Away: the database does not answer.
        """
        async with self._turn, sorted_errors(misfits=False), self._connection.transaction():
            since = await self._connection.fetchval("SELECT now() - $1::interval", _OVERLAP)
            gone = await ordered(self._connection)
            fresh = {each for each in gone if self._redacted[each] < _PASSES}
            changed = await take_out(self._connection, fresh, None)
            changed += await take_out(self._connection, gone - fresh, self._redacted_at)
            self._redacted.update(fresh)
            self._redacted_at = since
        return changed

    def close(self) -> None:
        """Cut it."""
        cut(self._connection)


def _misfit_row(stream: str, misfit: Misfits) -> Row:
    delivery = misfit.delivery
    return (
        stream,
        to_datetime(delivery.stored_at),
        delivery.sequence,
        delivery.subject.encode(errors="replace"),
        json.dumps(dict(delivery.headers)).encode(),
        delivery.data,
        misfit.why.replace("\0", "")[:_WHY].encode(errors="replace").decode(),
    )


__all__ = ["Misfit", "Misfits", "Position", "Session", "Step", "Stored"]
