"""A PostgreSQL of the bench's own, as a node has it: what a transaction has committed is on disk (the default)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from postgres import Postgres


@dataclass(frozen=True, slots=True)
class Database:
    """An empty database on a running server."""

    url: str
    pid: int
    """Of the server's first process; the others are its children."""


@contextlib.asynccontextmanager
async def database() -> AsyncIterator[Database]:
    """A server with an empty database; gone with its files afterwards."""
    server = Postgres()
    try:
        await asyncio.to_thread(server.start)
        url, pid = await server.database(), server.server.pid
        if pid is None:
            raise RuntimeError("PostgreSQL has ended")
        yield Database(url, pid)
    finally:
        await asyncio.to_thread(server.close)
