"""What the archive holds, read: one view of it as it is at one instant, however long the reading takes."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from typing import Any, Final, Literal, NamedTuple

import asyncpg
from pydantic import SecretStr

from vardkase.aggregator.log import decode
from vardkase.aggregator.verifying import looked
from vardkase.archiver.migrations import VERSION, version_of
from vardkase.domain.merge import Received
from vardkase.domain.stamps import SKEW
from vardkase.federation.signatures import Claim, Keyring, refusal
from vardkase.runtime.database import Away, connect, cut, sorted_errors
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.headers import written
from vardkase_contracts import subjects
from vardkase_contracts.instants import from_datetime, iso, to_datetime
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.signing import HEADER
from vardkase_contracts.vocab import Reality

from .whole import Upto, until_whole

Basis = Literal["known", "observed"]
"""`known`: as it was known at this node then, by first arrival. `observed`: as we now know it was."""

_AT_ONCE: Final = 1000
"""Rows that are fetched at once: what the reading takes of memory."""
_CONNECT_TIMEOUT: Final = 10.0
_TIMEOUT: Final = 600.0
"""Seconds that one statement may take: a whole country's log is read."""


_SIGN: Final = "(kind = 'heartbeat' AND observed IS NOT NULL AND id IS NOT NULL)"
_RECEIVED: Final = "coalesce(received, stored_at)"
EFFECTIVE: Final = (
    f"(CASE WHEN observed > {_RECEIVED} + interval '{SKEW} microseconds' THEN {_RECEIVED} ELSE observed END)"
)
"""The time by which a report is ordered: `vardkase.domain.stamps.effective_time`."""


class Span(NamedTuple):
    """Which part of the archive is read."""

    reality: Reality
    kommuner: Sequence[str]
    at: int
    """The instant, µs."""
    basis: Basis
    by: int | None
    """What came later than this instant is not read, µs. None: all is read that came."""

    @classmethod
    def of(cls, reality: Reality, kommuner: Sequence[str], at: int, basis: Basis, by: int | None = None) -> "Span":
        """A span; by the basis `known`, unless said otherwise, of what had come at the instant itself."""
        return cls(reality, kommuner, at, basis, at if by is None and basis == "known" else by)


class PointLog(NamedTuple):
    """Whose log is read, and how much of it."""

    reality: Reality
    kommun: str
    slug: str
    by: int
    """What came later than this instant is not read, µs."""


class Logged(NamedTuple):
    """A report as the log held it, and where it first came in."""

    delivery: Delivery
    origin: str | None
    """`<node>/<INTAKE sequence>`."""


class Store:
    """A view of the archive. Made by `opened`."""

    def __init__(self, connection: asyncpg.Connection, keyring: Keyring | None = None) -> None:
        self._connection = connection
        self._keyring = keyring

    def read(self, delivery: Delivery) -> Received | Refusal:
        """The report that a copy holds; a refusal, if it is none, or does not prove its origin."""
        return proven(self._keyring, delivery)

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
            kinds: of these alone. Unless given, all but signs of life: see `last_signs`.
            ids: with these ids alone.
            ever: whenever they were observed.

        Raises:
            Away: the database does not answer.
        """
        where = _Where("reality = {} AND kommun = ANY({})", span.reality, list(span.kommuner)).come_by(span.by)
        if span.basis == "observed" and not ever:
            at = to_datetime(span.at)
            where.add("(observed <= {} OR received <= {} OR observed IS NULL)", at, at)
        if kinds is not None:
            where.add("kind = ANY({})", list(kinds))
        elif ids is None:
            where.add(f"NOT {_SIGN}")
        if ids is not None:
            where.add("id = ANY({})", list(ids))
        query = f"SELECT * FROM report WHERE {where.text}"  # noqa: S608 -- see _Where
        async for row in self._rows(query, *where.values):
            yield report_of(row)

    async def last_signs(self, span: Span, left_out: Collection[tuple[str, str]]) -> AsyncIterator[Delivery]:
        """The last sign of life (heartbeat) of each point, by its effective time.

        Most reports are such, and of all of a point's only the last counts.

        Args:
            span: of which kommuner, and until when.
            left_out: the identities, kommun and id, that do not count.

        Raises:
            Away: the database does not answer.
        """
        where = _Where("reality = {} AND kommun = ANY({})", span.reality, list(span.kommuner)).come_by(span.by)
        where.add(_SIGN)
        if span.basis == "observed":
            where.add(f"{EFFECTIVE} <= {{}}", to_datetime(span.at))
        if left_out:
            where.add(
                "(kommun, id) NOT IN (SELECT * FROM unnest({}::text[], {}::text[]))",
                [kommun for kommun, _ in left_out],
                [name for _, name in left_out],
            )
        query = (
            f"SELECT DISTINCT ON (kommun, slug) * FROM report WHERE {where.text} "  # noqa: S608 -- see _Where
            f"ORDER BY kommun, slug, {EFFECTIVE} DESC, sequence"
        )
        async for row in self._rows(query, *where.values):
            yield report_of(row)

    async def contested(self, span: Span) -> set[tuple[str, str]]:
        """The identities, kommun and id, of which there are several copies.

        Raises:
            Away: the database does not answer.
        """
        where = _Where("reality = {} AND kommun = ANY({})", span.reality, list(span.kommuner)).come_by(span.by)
        query = (
            f"SELECT kommun, id FROM report WHERE {where.text} AND id IS NOT NULL "  # noqa: S608 -- see _Where
            "GROUP BY kommun, id HAVING count(*) > 1"
        )
        return {(row["kommun"], row["id"]) async for row in self._rows(query, *where.values)}

    async def heirs_from(self, kommuner: Sequence[str]) -> set[str]:
        """The kommuner of whose points one was ever replaced by a point of these: then its needs are here.

        Raises:
            Away: the database does not answer.
        """
        query = (
            "SELECT DISTINCT kommun FROM report WHERE kind = 'retire' AND kommun <> ALL($1) "
            "AND left(document(data) -> 'data' ->> 'replaced_by', 4) = ANY($1)"
        )
        return {row["kommun"] async for row in self._rows(query, list(kommuner))}

    async def log_of(self, point: PointLog) -> AsyncIterator[Logged]:
        """What the log holds that can change a point's state, in the order in which it came.

        Its own reports, its kommun's withdraws, and copies under the ids of these that are about something else.

        Raises:
            Away: the database does not answer.
        """
        where = _Where("reality = {} AND kommun = {}", point.reality, point.kommun).come_by(point.by)
        own = _Where("slug = {}", point.slug, after=where)
        query = (
            f"SELECT * FROM report WHERE {where.text} AND id IN ("  # noqa: S608 -- see _Where
            f"SELECT id FROM report WHERE {where.text} AND ({own.text} OR kind = 'withdraw')) "
            "ORDER BY stored_at, sequence, digest"
        )
        async for row in self._rows(query, *own.values):
            yield Logged(report_of(row), row["origin"])

    async def redacted(self, reality: Reality, kommuner: Sequence[str]) -> AsyncIterator[Delivery]:
        """The orders that reports of kommuner must not be shown any more, whenever they came.

        Raises:
            Away: the database does not answer.
        """
        query = (
            "SELECT * FROM act WHERE reality = $1 AND kind = 'redact' "
            "AND document(data) -> 'data' -> 'identity' ->> 'kommun' = ANY($2) ORDER BY stored_at, sequence"
        )
        async for row in self._rows(query, reality, list(kommuner)):
            yield _act(row)

    async def acts(self, span: Span) -> AsyncIterator[Delivery]:
        """The acts of people that were known, or given, by then: of every area, since those above a kommun reach it.

        Raises:
            Away: the database does not answer.
        """
        where = _Where("reality = {}", span.reality).come_by(span.by)
        if span.basis == "observed":
            where.add("given_at <= {}", to_datetime(span.at))
        when = "stored_at" if span.basis == "known" else "given_at"
        query = f"SELECT * FROM act WHERE {where.text} ORDER BY {when}, sequence"  # noqa: S608 -- see _Where
        async for row in self._rows(query, *where.values):
            yield _act(row)

    async def alert_changes(self, reality: Reality, since: int, until: int) -> AsyncIterator[bytes]:
        """The changes of alerts that were published after an instant (µs) until another, in order.

        Raises:
            Away: the database does not answer.
        """
        query = (
            "SELECT data FROM alert_change WHERE reality = $1 AND stored_at > $2 AND stored_at <= $3 "
            "ORDER BY stored_at, sequence"
        )
        async for row in self._rows(query, reality, to_datetime(since), to_datetime(until)):
            yield row["data"]

    async def last_alerts(self, reality: Reality, rule: str, until: int) -> AsyncIterator[bytes]:
        """The last change of each alert of a rule that was published until an instant (µs).

        Raises:
            Away: the database does not answer.
        """
        query = (
            "SELECT DISTINCT ON (key) data FROM alert_change WHERE reality = $1 AND rule = $2 AND stored_at <= $3 "
            "ORDER BY key, stored_at DESC, sequence DESC"
        )
        async for row in self._rows(query, reality, rule, to_datetime(until)):
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

    def rows(self, query: str, *values: Any) -> AsyncIterator[asyncpg.Record]:
        """The rows of a query of another module of this room, a part at a time.

        Raises:
            Away: the database does not answer.
        """
        return self._rows(query, *values)

    async def _rows(self, query: str, *values: Any) -> AsyncIterator[asyncpg.Record]:
        async with sorted_errors(misfits=False):
            cursor = await self._connection.cursor(query, *values)
            while rows := await cursor.fetch(_AT_ONCE):
                for row in rows:
                    yield row


class _Where:
    """A condition of SQL made of texts that stand in this file, its values apart."""

    def __init__(self, text: str, *values: Any, after: "_Where | None" = None) -> None:
        """A condition, its values counted after those of another."""
        self.text = ""
        self.values: list[Any] = [] if after is None else list(after.values)
        self.add(text, *values)

    def add(self, text: str, *values: Any) -> None:
        """And this; `{}` is the next value."""
        places = [f"${len(self.values) + number}" for number in range(1, len(values) + 1)]
        self.text += (" AND " if self.text else "") + text.format(*places)
        self.values += values

    def come_by(self, by: int | None) -> "_Where":
        """And it had come by then."""
        if by is not None:
            self.add("stored_at <= {}", to_datetime(by))
        return self


def proven(keyring: Keyring | None, delivery: Delivery) -> Received | Refusal:
    """The report that a message of the log holds; a refusal, if it is none, or does not prove its origin.

    Args:
        keyring: the federation's keys; None: nobody asks.
        delivery: the message.
    """
    item = decode(delivery)
    if keyring is None or isinstance(item, Refusal):
        return item
    found = looked(keyring.of(item.report.kommun), delivery, item.received)
    outcome = found.verify() if isinstance(found, Claim) else found
    return item if outcome is None else refusal(outcome) or item


def report_of(row: asyncpg.Record) -> Delivery:
    """A report as the log held it, with the headers that count."""
    headers: list[tuple[str, str]] = []
    if row["received"] is not None:
        headers.append(("Tp-Received", iso(from_datetime(row["received"]))))
    if row["signature"] is not None:
        headers.append((HEADER, row["signature"]))
    lan, kommun = row["kommun"][:2], row["kommun"]
    return Delivery(
        f"{subjects.ROOT}.{row['reality']}.accepted.{lan}.{kommun}.{row['slug']}.{row['kind']}",
        row["data"],
        written(headers) if headers else b"",
        row["sequence"],
        from_datetime(row["stored_at"]),
        0,
        "",
    )


def _act(row: asyncpg.Record) -> Delivery:
    """An order as its stream held it."""
    subject = f"{subjects.ROOT}.{row['reality']}.order.{row['place']}.{row['kind']}"
    return Delivery(subject, row["data"], b"", row["sequence"], from_datetime(row["stored_at"]), 0, "")


@contextlib.asynccontextmanager
async def opened(
    url: SecretStr,
    name: str,
    *,
    connect_timeout: float = _CONNECT_TIMEOUT,
    statement_timeout: float = _TIMEOUT,
    upto: Upto | None = None,
    keyring: Keyring | None = None,
) -> AsyncGenerator[Store]:
    """The archive as it is now; what is written to it meanwhile is not seen. Nothing can be written through it.

    Args:
        url: of the database.
        name: of who reads.
        connect_timeout: seconds that connecting may take.
        statement_timeout: seconds that one statement may take.
        upto: what the archive must have, and how long that is waited for. None: whatever it has.
        keyring: the federation's keys: what does not prove its origin by them does not count. None: nobody asks.

    Raises:
        Away: it cannot be read: it is not there, it is no archive, or it is one of another version of the program.
        Behind: it has not all that it must have.
    """
    connection = await connect(
        url, name=name, connect_timeout=connect_timeout, statement_timeout=statement_timeout, read_only=True
    )
    try:
        version = await version_of(connection)
        if version != VERSION:
            what = f"its tables are of version {version}" if version else "it has no tables of an archive"
            raise Away(f"{what}, and this program reads version {VERSION}: the archiver makes them")
        if upto is not None:
            await until_whole(connection, upto)
        transaction = connection.transaction(isolation="repeatable_read", readonly=True)
        async with sorted_errors(misfits=False):
            await transaction.start()
        yield Store(connection, keyring)
    finally:
        cut(connection)
