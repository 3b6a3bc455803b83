"""What the archive holds, read: one view of it as it is at one instant, however long the reading takes."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Final, Literal, NamedTuple

import asyncpg
from pydantic import SecretStr

from vardkase.archiver.migrations import VERSION, version_of
from vardkase.runtime.database import Away, connect, cut, sorted_errors
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.headers import written
from vardkase_contracts import subjects
from vardkase_contracts.instants import from_datetime, iso, to_datetime
from vardkase_contracts.vocab import Reality

Basis = Literal["known", "observed"]
"""`known`: as it was known at this node then, by first arrival. `observed`: as we now know it was."""

_AT_ONCE: Final = 1000
"""Rows that are fetched at once: what the reading takes of memory."""
_CONNECT_TIMEOUT: Final = 10.0
_TIMEOUT: Final = 600.0
"""Seconds that one statement may take: a whole country's log is read."""


class Span(NamedTuple):
    """Which part of the archive is read."""

    reality: Reality
    kommuner: Sequence[str]
    at: int
    """The instant, µs."""
    basis: Basis


class Store:
    """A view of the archive. Made by `opened`."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def reports(
        self,
        span: Span,
        *,
        kinds: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        ever: bool = False,
    ) -> AsyncIterator[Delivery]:
        """The copies of reports as the log held them, in no order that counts.

        Args:
            span: of which kommuner, and until when. With the basis `observed`, some that were observed a little later
                are among them: who reads looks at the effective time.
            kinds: of these alone.
            ids: with these ids alone.
            ever: whenever they came.

        Raises:
            Away: the database does not answer.
        """
        where = ["reality = $1", "kommun = ANY($2)"]
        values: list[Any] = [span.reality, list(span.kommuner)]
        if not ever:
            values.append(to_datetime(span.at))
            known = "stored_at <= $3"
            where.append(known if span.basis == "known" else "(observed <= $3 OR received <= $3 OR observed IS NULL)")
        for column, these in (("kind", kinds), ("id", ids)):
            if these is not None:
                values.append(list(these))
                where.append(f"{column} = ANY(${len(values)})")
        query = f"SELECT * FROM report WHERE {' AND '.join(where)}"  # noqa: S608 -- of texts that stand above
        async for row in self._rows(query, *values):
            received = row["received"]
            lan, kommun = row["kommun"][:2], row["kommun"]
            yield Delivery(
                f"{subjects.ROOT}.{row['reality']}.accepted.{lan}.{kommun}.{row['slug']}.{row['kind']}",
                row["data"],
                b"" if received is None else written([("Tp-Received", iso(from_datetime(received)))]),
                row["sequence"],
                from_datetime(row["stored_at"]),
                0,
                "",
            )

    async def contested(self, span: Span) -> set[tuple[str, str]]:
        """The identities, kommun and id, of which there are several copies.

        Raises:
            Away: the database does not answer.
        """
        found: set[tuple[str, str]] = set()
        query = (
            "SELECT kommun, id FROM report WHERE reality = $1 AND kommun = ANY($2) AND id IS NOT NULL "
            "GROUP BY kommun, id HAVING count(*) > 1"
        )
        async for row in self._rows(query, span.reality, list(span.kommuner)):
            found.add((row["kommun"], row["id"]))
        return found

    async def heirs_from_elsewhere(self, span: Span) -> bool:
        """Whether a point of another kommun was ever replaced by one of these: then its needs are here.

        Raises:
            Away: the database does not answer.
        """
        async with sorted_errors(misfits=False):
            found = await self._connection.fetchval(
                "SELECT EXISTS (SELECT FROM report WHERE kind = 'retire' AND kommun <> ALL($1) "
                "AND left(document(data) -> 'data' ->> 'replaced_by', 4) = ANY($1))",
                list(span.kommuner),
            )
        return bool(found)

    async def acts(self, span: Span) -> AsyncIterator[Delivery]:
        """The acts of people that were known, or given, by then: of every area, since those above a kommun reach it.

        Raises:
            Away: the database does not answer.
        """
        when = "stored_at" if span.basis == "known" else "given_at"
        query = f"SELECT * FROM act WHERE reality = $1 AND {when} <= $2 ORDER BY {when}, sequence"  # noqa: S608 -- ours
        async for row in self._rows(query, span.reality, to_datetime(span.at)):
            subject = f"{subjects.ROOT}.{row['reality']}.order.{row['place']}.{row['kind']}"
            yield Delivery(subject, row["data"], b"", row["sequence"], from_datetime(row["stored_at"]), 0, "")

    async def alert_changes(self, span: Span, since: int) -> AsyncIterator[bytes]:
        """The changes of alerts that were published from an instant (µs) until then, in order.

        Raises:
            Away: the database does not answer.
        """
        query = (
            "SELECT data FROM alert_change WHERE reality = $1 AND stored_at > $2 AND stored_at <= $3 "
            "ORDER BY stored_at, sequence"
        )
        async for row in self._rows(query, span.reality, to_datetime(since), to_datetime(span.at)):
            yield row["data"]

    async def last_alerts(self, span: Span, rule: str) -> AsyncIterator[bytes]:
        """The last change of each alert of a rule that was published by then.

        Raises:
            Away: the database does not answer.
        """
        query = (
            "SELECT DISTINCT ON (key) data FROM alert_change WHERE reality = $1 AND rule = $2 AND stored_at <= $3 "
            "ORDER BY key, stored_at DESC, sequence DESC"
        )
        async for row in self._rows(query, span.reality, rule, to_datetime(span.at)):
            yield row["data"]

    async def rules(self, at: int) -> bytes | None:
        """The text of the table of rules that the node judged by then; of before all, the first. None: none is known.

        Raises:
            Away: the database does not answer.
        """
        async with sorted_errors(misfits=False):
            return await self._connection.fetchval(
                "SELECT document FROM rule_table ORDER BY since <= $1 DESC, "
                "CASE WHEN since <= $1 THEN -extract(epoch FROM since) ELSE extract(epoch FROM since) END LIMIT 1",
                to_datetime(at),
            )

    async def _rows(self, query: str, *values: Any) -> AsyncIterator[asyncpg.Record]:
        async with sorted_errors(misfits=False):
            cursor = await self._connection.cursor(query, *values)
            while rows := await cursor.fetch(_AT_ONCE):
                for row in rows:
                    yield row


@contextlib.asynccontextmanager
async def opened(url: SecretStr, name: str) -> AsyncGenerator[Store]:
    """The archive as it is now; what is written to it meanwhile is not seen. Nothing can be written through it.

    Args:
        url: of the database.
        name: of who reads.

    Raises:
        Away: it cannot be read: it is not there, it is no archive, or it is one of another version of the program.
    """
    connection = await connect(
        url, name=name, connect_timeout=_CONNECT_TIMEOUT, statement_timeout=_TIMEOUT, read_only=True
    )
    try:
        version = await version_of(connection)
        if version != VERSION:
            what = f"its tables are of version {version}" if version else "it has no tables of an archive"
            raise Away(f"{what}, and this program reads version {VERSION}: the archiver makes them")
        transaction = connection.transaction(isolation="repeatable_read", readonly=True)
        async with sorted_errors(misfits=False):
            await transaction.start()
        yield Store(connection)
    finally:
        cut(connection)
