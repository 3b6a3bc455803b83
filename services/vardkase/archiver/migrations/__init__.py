"""The archive's tables, made step by step: numbered SQL files, each of them once, in order, whole or not at all."""

from importlib.resources import files
from typing import Final

import asyncpg

from vardkase.runtime.database import SCHEMA, Away, sorted_errors

_FIRST: Final = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {SCHEMA}.migration (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
"""

_LONGEST: Final = 3600
"""Seconds that one step may take: a large table may have to be written anew."""


def steps() -> list[tuple[int, str, str]]:
    """The steps in order: version (1, 2, …), name, SQL."""
    found = sorted(
        (each.name, each.read_text(encoding="utf-8"))
        for each in files(__name__).iterdir()
        if each.name.endswith(".sql")
    )
    return [(int(name[:4]), name.removesuffix(".sql"), sql) for name, sql in found]


VERSION: Final = len(steps())
"""The version of the tables that this program writes and reads."""


async def version_of(connection: asyncpg.Connection) -> int:
    """The version of a database's tables; 0 when there are none.

    Raises:
        Away: the database does not answer.
    """
    async with sorted_errors(misfits=False):
        if await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}.migration") is None:
            return 0
        found = await connection.fetchval(f"SELECT max(version) FROM {SCHEMA}.migration")  # noqa: S608 -- ours
        return found or 0


async def migrate(connection: asyncpg.Connection) -> list[str]:
    """Bring the tables to `VERSION`. To be called by one program at a time: whoever has the archive's lock.

    Returns:
        The steps that were taken.

    Raises:
        Away: the database does not answer, does not let its tables be made, or was made by a newer program.
    """
    found = await version_of(connection)
    if found > VERSION:
        raise Away(f"its tables are of version {found}, and this program knows {VERSION}: run the newer program")
    taken: list[str] = []
    if found == 0:
        async with sorted_errors(misfits=False):
            await connection.execute(_FIRST)
    for version, name, sql in steps()[found:]:
        async with sorted_errors(misfits=False), connection.transaction():
            await connection.execute(f"SET LOCAL statement_timeout = '{_LONGEST}s'")
            await connection.execute(sql, timeout=_LONGEST)
            await connection.execute(
                f"INSERT INTO {SCHEMA}.migration (version, name) VALUES ($1, $2)",  # noqa: S608 -- ours
                version,
                name,
            )
        taken.append(name)
    return taken
