"""The archive: is its database there, of the right version, and does it keep up?"""

import asyncio
from typing import Final

import asyncpg

from vardkase.doctor.finding import Findings
from vardkase.doctor.target import Target
from vardkase.runtime.database import SCHEMA, Away, Misfit, connect, described, sorted_errors

_ASK_S: Final = 3.0


async def examine(found: Findings, target: Target, *, version: int) -> None:
    """How the archive is.

    Args:
        found: where it is told.
        target: the node.
        version: of the tables that this program knows.
    """
    if target.database is None:
        do = "sätt VARDKASE_DATABASE_URL om historik ska sparas här"
        found.skipped("database", "noden har inget arkiv, eller säger inte vilket", do)
        return
    where = described(target.database)
    try:
        connection = await connect(
            target.database, name="vardkase-doctor", connect_timeout=_ASK_S, statement_timeout=_ASK_S, read_only=True
        )
    except Away as error:
        do = "starta PostgreSQL; noden går ändå, och arkivet hinner ikapp när den är tillbaka"
        found.error("database", f"{where} kan inte nås: {error}", do)
        return
    try:
        async with sorted_errors():
            await _database(found, connection, where, version)
    except (Away, Misfit) as error:
        found.error("database", f"{where} svarar inte: {error}", "se PostgreSQLs logg")
    finally:
        try:
            async with asyncio.timeout(1):
                await connection.close()
        except TimeoutError:
            connection.terminate()


async def _database(found: Findings, connection: asyncpg.Connection, where: str, version: int) -> None:
    found.ok("database", f"{where}, PostgreSQL {connection.get_server_version().major}")
    if await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}.migration") is None:
        found.error("tables", "databasen har inga tabeller", "starta noden: archiver gör dem")
        return
    have = int(await connection.fetchval(f"SELECT max(version) FROM {SCHEMA}.migration") or 0)  # noqa: S608 -- ours
    if have < version:
        found.error("tables", f"tabellerna är av version {have}, programmet vill ha {version}", "starta om noden")
    elif have > version:
        found.error(
            "tables", f"tabellerna är av version {have}, programmet känner {version}", "kör det nyare programmet"
        )
    else:
        found.ok("tables", f"version {have}")
    if await connection.fetchval("SHOW fsync") == "off":
        found.error("durable", "databasen synkar inte sina skrivningar", "sätt fsync = on i PostgreSQLs inställningar")
    else:
        found.ok("durable", "databasen synkar sina skrivningar")
