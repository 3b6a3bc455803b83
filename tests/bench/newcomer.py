"""What a newcomer would write: FastStream, one message per call, decoded by pydantic, one upsert each.

    python tests/bench/newcomer.py <NATS URL> <Postgres URL> <reports>

Started by `table.py`; prints what it took, as JSON. A report is acknowledged after its upsert, as FastStream does by
itself; asyncpg's pool has its default size, and every statement commits by itself.
"""

import asyncio
import json
import sys
import time
import warnings
from datetime import datetime
from typing import Any

import asyncpg
from faststream.nats import JStream, NatsBroker
from kit.programs import Took
from pydantic import BaseModel

_TABLE = """
CREATE TABLE point_state (
    point text, kind text, id text NOT NULL, observed_at timestamptz NOT NULL, data jsonb NOT NULL,
    PRIMARY KEY (point, kind)
)
"""
_UPSERT = """
INSERT INTO point_state VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (point, kind) DO UPDATE SET id = $3, observed_at = $4, data = $5
WHERE point_state.observed_at <= $4
"""


class Report(BaseModel):
    """A report, as much of it as this program needs."""

    id: str
    type: str
    subject: str
    time: datetime
    reality: str
    data: dict[str, Any]


async def read(url: str, database: str, wanted: int) -> Took:
    """Handle so many reports."""
    broker = NatsBroker(url, logger=None)
    pool = await asyncpg.create_pool(database)
    await pool.execute(_TABLE)
    done = asyncio.Event()
    count, cpu, began = 0, 0.0, 0.0

    @broker.subscriber("tp.v1.*.accepted.>", stream=JStream("REPORTS", declare=False), durable="newcomer")
    async def handle(report: Report) -> None:
        nonlocal count, cpu, began
        if not count:
            cpu, began = time.process_time(), time.perf_counter()
        count += 1
        await pool.execute(_UPSERT, report.subject, report.type, report.id, report.time, json.dumps(report.data))
        if count == wanted:
            done.set()

    await broker.start()
    await done.wait()
    took = Took(count, time.perf_counter() - began, time.process_time() - cpu)
    await broker.stop()
    await pool.close()
    return took


def main() -> None:
    """Read, and tell."""
    warnings.simplefilter("ignore")  # FastStream's advice on push consumers: pulled one by one they are slower
    url, database, wanted = sys.argv[1:]
    asyncio.run(read(url, database, int(wanted))).tell()


if __name__ == "__main__":
    main()
