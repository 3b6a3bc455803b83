"""Which months of the archive are old enough to go: whole ones, and never one that holds anything newer."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from vardkase.archive.store import Store
from vardkase.archiver.partitions import Month
from vardkase_contracts.instants import DAY, from_datetime, to_datetime

from .policy import Class, Keep

TABLES: Final[dict[Class, str]] = {
    "reports": "report",
    "alerts": "alert_change",
    "states": "state_change",
    "rejected": "rejected",
    "audit": "audit",
}
"""The partitioned table of each class; orders are in one that is not."""
_NAME: Final = re.compile(r"[a-z_]+_([0-9]{4})_([0-9]{2})")


class Part(NamedTuple):
    """A month of a table."""

    table: str
    month: Month

    @property
    def name(self) -> str:
        """Of its partition."""
        return f"{self.table}_{self.month.year:04}_{self.month.month:02}"

    @property
    def end(self) -> int:
        """The first instant after it, µs."""
        after = self.month.after(1)
        return from_datetime(datetime(after.year, after.month, 1, tzinfo=UTC))


def boundary(keep: Keep, now: int) -> int | None:
    """The instant (µs) before which a class may go: the first of a month, at least `days` ago. None: nothing may.

    Args:
        keep: how long the class is kept.
        now: µs.
    """
    if keep.days is None:
        return None
    oldest = to_datetime(now - keep.days * DAY)
    return from_datetime(datetime(oldest.year, oldest.month, 1, tzinfo=UTC))


def old(parts: Sequence[Part], before: int | None) -> list[Part]:
    """Those of a table's months that end no later than an instant, the oldest first."""
    return [] if before is None else sorted(part for part in parts if part.end <= before)


async def parts_of(store: Store, table: str) -> list[Part]:
    """The months that a table has partitions of.

    Raises:
        Away: the database does not answer.
    """
    query = (
        "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
        "WHERE inhparent = to_regclass($1) ORDER BY child.relname"
    )
    found: list[Part] = []
    async for row in store.rows(query, table):
        match = _NAME.fullmatch(row["relname"])
        if match is not None:
            part = Part(table, Month(int(match[1]), int(match[2])))
            if part.name == row["relname"]:
                found.append(part)
    return found
