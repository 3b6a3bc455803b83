"""An archiver in the test's process, and what a test writes to streams and reads from tables."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from servers import Eventually
from vardkase.archiver.app import Archiver
from vardkase.federation import topology
from vardkase.runtime.jetstream.api import ApiError, call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import iso, parse

LAN = Area.parse("24")
AT = parse("2026-11-20T02:40:00Z")
FAST: dict[str, Any] = {
    "archiver": {
        "linger": 0.01,
        "tick": 0.05,
        "connect_timeout": 1,
        "timeout": 2,
        "backoff_min": 0.02,
        "backoff_max": 0.1,
    },
    "reader": {"heartbeat": 0.3, "check": 0.3},
}
_numbers = count()


def report(
    kommun: str = "2480",
    slug: str = "x",
    *,
    reality: str = "act",
    identity: str | None = None,
    data: bytes | None = None,
    at: int = AT,
    received: int | None = None,
    message_id: str | None = None,
) -> Outgoing:
    """A status report as intake lets it into the log."""
    number = next(_numbers)
    event = {
        "specversion": "1.0",
        "id": identity or f"r{number}",
        "source": f"urn:tp:kommun:{kommun}:a",
        "type": "se.trygghetspunkt.status.v1",
        "subject": f"{kommun}-{slug}",
        "time": iso(at),
        "reality": reality,
        "data": {"occupancy": number},
    }
    return Outgoing(
        subject=f"tp.v1.{reality}.accepted.24.{kommun}.{slug}.status",
        data=json.dumps(event).encode() if data is None else data,
        headers={"Tp-Received": iso(at if received is None else received), "Tp-Origin": f"lan-24/{number}"},
        message_id=message_id or f"{reality}.{kommun}.{event['id']}",
    )


class Archive:
    """Streams, a database, and an archiver between them that can be started and stopped."""

    def __init__(self, nc: Connection, database: str, directory: Path, eventually: Eventually) -> None:
        self.nc = nc
        self.database = database
        self.metrics = Metrics()
        self._eventually = eventually
        self._settings = {"data_dir": directory, "area": "24", **FAST}
        self._archiver: Archiver | None = None

    async def start(self, **changes: Any) -> None:
        """Start an archiver."""
        settings = Settings(**{**self._settings, "database_url": SecretStr(self.database), **changes})
        self._archiver = Archiver(settings, self.metrics)
        await self._archiver.start(self.nc)

    async def stop(self) -> None:
        """Stop it in order."""
        archiver, self._archiver = self._archiver, None
        if archiver is not None:
            archiver.tasks.closing()
            await archiver.stop()

    def ready(self) -> bool:
        """Whether every check holds."""
        return self._archiver is not None and all(check.ok for check in self._archiver.checks())

    def told(self) -> dict[str, str]:
        """Of each check that does not hold, why."""
        assert self._archiver is not None
        return {check.name: check.detail for check in self._archiver.checks() if not check.ok}

    async def write(self, stream: str, messages: Sequence[Outgoing]) -> None:
        """Store messages in a stream."""
        await StreamWriter(self.nc, stream).write(messages)

    async def reports(self, *messages: Outgoing) -> None:
        """Store reports in the log."""
        await self.write(streams.REPORTS, messages)

    async def until_caught_up(self, within: float = 15.0) -> None:
        """Wait until everything in every stream is acknowledged by the archiver."""

        async def caught_up() -> bool:
            for kept in topology.KEPT:
                if kept.name in {streams.INTAKE, streams.PICTURES}:
                    continue
                try:
                    info = await call(self.nc, f"CONSUMER.INFO.{kept.name}.archiver")
                except ApiError:
                    return False
                state = (await call(self.nc, f"STREAM.INFO.{kept.name}"))["state"]
                if info["ack_floor"]["stream_seq"] < state["last_seq"]:
                    return False
            return self.ready()

        await self._eventually(caught_up, what="the archive caught up", within=within)

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query."""
        async with connected(self.database) as connection:
            return [dict(row) for row in await connection.fetch(query, *values)]

    async def value(self, query: str, *values: Any) -> Any:
        """The one value of a query."""
        async with connected(self.database) as connection:
            return await connection.fetchval(query, *values)

    async def execute(self, query: str) -> None:
        """Do something to the database."""
        async with connected(self.database) as connection:
            await connection.execute(query)

    def counted(self, stream: str, outcome: str) -> float:
        """How many messages of a stream came to this, by the metric."""
        found = self.metrics.registry.get_sample_value(
            "vardkase_archived_total", {"stream": stream, "outcome": outcome}
        )
        return found or 0.0


@asynccontextmanager
async def connected(url: str) -> Any:
    """A connection to the tables."""
    connection = await asyncpg.connect(url, server_settings={"search_path": "vardkase"})
    try:
        yield connection
    finally:
        await asyncio.wait_for(connection.close(), 5)


def order(kind: str, data: dict[str, Any], *, identity: str, area: str = "24", at: int = AT) -> Outgoing:
    """An order as it stands in ORDERS_UP."""
    by = {"role": "tib", "level": "lan", "code": "24"}
    event = {
        "specversion": "1.0",
        "id": identity,
        "source": "urn:tp:lan:24:tib",
        "type": f"se.trygghetspunkt.order.{kind}.v1",
        "subject": area,
        "time": iso(at),
        "reality": "act",
        "data": {"by": by, **data},
    }
    return Outgoing(subject=subjects.order("act", Area.parse(area), kind), data=json.dumps(event).encode())
