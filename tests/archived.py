"""A log put into an archive's tables, as the archiver would have put it there."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from pydantic import SecretStr

from histories import Log
from vardkase.archiver.session import Position, Session, Step
from vardkase.archiver.tables import TABLES
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.setting_groups import ArchiverSettings
from vardkase_contracts import streams


class Filled:
    """An archive that logs are put into, one in the place of the other."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def put(self, log: Log) -> None:
        """Hold this log, and nothing else."""
        execute = self._session._connection.execute
        await execute("TRUNCATE report, report_key, act, alert_change, state_change, rejected, audit, position")
        await self._store(streams.REPORTS, [row.delivery for row in log.rows])
        await self._store(streams.ORDERS_UP, [act.delivery for act in log.acts])

    async def add(self, stream: str, deliveries: list[Delivery]) -> None:
        """Hold these messages of a stream, too."""
        await self._store(stream, deliveries)

    async def _store(self, stream: str, deliveries: list[Delivery]) -> None:
        table = TABLES[stream]
        rows = {table.row(each, stream): None for each in deliveries}
        first = {row[0]: row for row in reversed(rows)} if table.keyed else {row: row for row in rows}
        before = await self._session.position(stream)
        after = Position("x", max((each.sequence for each in deliveries), default=0))
        await self._session.store(table, list(first.values()), [], Step(stream, before, after))


@asynccontextmanager
async def filled(url: str) -> AsyncIterator[Filled]:
    """An archive in a database."""
    session = await Session.open(SecretStr(url), "test", ArchiverSettings(), 1)
    try:
        await session.remember_rules("default-1", _rules())
        yield Filled(session)
    finally:
        session.close()


def _rules() -> bytes:
    return (files("vardkase.domain") / "default-1.yaml").read_bytes()


def sha256(data: bytes) -> str:
    """As a header has it."""
    return hashlib.sha256(data).hexdigest()
