"""What must be gone (`redact`) is taken out of the archive's rows: the bytes, and not that they came.

A row keeps when it came, whose it was and its digest. It is then no report any more, so that what is folded from the
archive is folded without it, as the node folds it (docs/adr/0038).
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg

from vardkase.domain.places import lies_in

_ORDERS: Final = """
SELECT DISTINCT reality, area, said -> 'identity' ->> 'reality' AS of_reality,
    said -> 'identity' ->> 'kommun' AS kommun, said -> 'identity' ->> 'id' AS id
FROM (SELECT reality, area, document(data) -> 'data' AS said FROM act WHERE kind = 'redact') AS ordered
"""
_GONE: Final = "unnest($1::text[], $2::text[], $3::text[]) AS gone (reality, kommun, id)"
_REPORTS: Final = f"""
UPDATE report AS r SET data = '{{}}', signature = NULL FROM {_GONE}
WHERE r.reality = gone.reality AND r.kommun = gone.kommun AND r.id = gone.id AND r.stored_at >= $4 AND r.data <> '{{}}'
"""  # noqa: S608 -- constants alone
_BASE64: Final = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_ALERTS: Final = f"""
UPDATE alert_change AS a
SET data = convert_to(jsonb_set(document(a.data), '{{evidence}}', '[]')::text, 'UTF8') FROM {_GONE}
WHERE a.stored_at >= $4 AND a.reality = gone.reality AND left(a.point, 4) = gone.kommun
    AND document(a.data) -> 'evidence' @> jsonb_build_array(jsonb_build_object('report', gone.id))
"""  # noqa: S608 -- constants alone
_REJECTED: Final = f"""
UPDATE rejected AS r
SET data = convert_to(jsonb_set(document(r.data), '{{data,bytes}}', '""')::text, 'UTF8') FROM {_GONE}
WHERE r.stored_at >= $4 AND r.reality = gone.reality AND r.kommun = gone.kommun
    AND CASE WHEN document(r.data) -> 'data' ->> 'bytes' ~ '{_BASE64}'
        THEN document(decode(document(r.data) -> 'data' ->> 'bytes', 'base64')) ->> 'id' = gone.id END
"""  # noqa: S608 -- constants alone
_LONG: Final = 3600.0
"""Seconds that one of these may take."""
_BEGINNING: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


class Gone(NamedTuple):
    """A report that must be gone."""

    reality: str
    kommun: str
    id: str


async def ordered(connection: asyncpg.Connection) -> set[Gone]:
    """What the orders in the archive say must be gone; one about what is not its to say is without effect."""
    return {
        Gone(row["reality"], row["kommun"], row["id"])
        for row in await connection.fetch(_ORDERS)
        if row["id"] is not None
        and row["kommun"] is not None
        and row["of_reality"] == row["reality"]
        and lies_in(row["kommun"], row["area"] or "")
    }


async def take_out(connection: asyncpg.Connection, gone: Collection[Gone], since: datetime | None) -> int:
    """Take reports out of the rows that were stored at a time or later; None: of all. How many rows that changed.

    In a transaction of the caller's. It takes as long as it takes: the rows of a kommun, but once for each order.
    """
    if not gone:
        return 0
    await connection.execute("SET LOCAL statement_timeout = 0")
    columns = [[getattr(each, name) for each in gone] for name in Gone._fields]
    changed = 0
    for statement in (_REPORTS, _ALERTS, _REJECTED):
        done = await connection.execute(statement, *columns, since or _BEGINNING, timeout=_LONG)
        changed += int(done.rpartition(" ")[2])
    return changed
