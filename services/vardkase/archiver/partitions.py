"""Partitions by month, made before they are needed."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

import asyncpg

from vardkase.runtime.database import sorted_errors

_AHEAD: Final = 2
"""Months that are made ahead of the one at hand: a writer never waits for a lock in the first second of a month."""


class Month(NamedTuple):
    """A month, UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """The month of an instant in UTC."""
        return cls(moment.year, moment.month)

    def after(self, months: int) -> "Month":
        """So many months later."""
        years, month = divmod(self.month - 1 + months, 12)
        return Month(self.year + years, month + 1)

    @property
    def start(self) -> str:
        """Its first instant, as SQL has it."""
        return datetime(self.year, self.month, 1, tzinfo=UTC).isoformat()


class Partitions:
    """The partitions that one connection knows to be there."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Nothing is known to be there."""
        self._connection = connection
        self._there: set[tuple[str, Month]] = set()

    async def make(self, table: str, moments: Iterable[datetime]) -> None:
        """See that there are partitions for rows of these instants, and for the months that follow.

        Raises:
            Away: they cannot be made.
        """
        for month in sorted({Month.of(moment) for moment in moments}):
            if (table, month) in self._there:
                continue
            for ahead in range(_AHEAD + 1):
                await self._make(table, month.after(ahead))
            # An old one may be let go of by a decision (retention), and its month may come again: it is looked for.
            if month >= Month.of(datetime.now(UTC)):
                self._there.add((table, month))

    async def _make(self, table: str, month: Month) -> None:
        name = f"{table}_{month.year:04}_{month.month:02}"
        async with sorted_errors(misfits=False):
            if await self._connection.fetchval("SELECT to_regclass($1)", name) is not None:
                return
            # Made apart and attached: the table itself is locked for a moment, and readers are not.
            async with self._connection.transaction():
                await self._connection.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
                await self._connection.execute(
                    f"ALTER TABLE {table} ATTACH PARTITION {name} "
                    f"FOR VALUES FROM ('{month.start}') TO ('{month.after(1).start}')"
                )
