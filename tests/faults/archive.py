"""What the archive must hold when all is over: every copy of a report once, every change of an alert, every act."""

import json
from collections import Counter

import asyncpg

from vardkase.runtime.jetstream.api import CONSUMER_NOT_FOUND, ApiError, call
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.values import last_values, scan
from vardkase_contracts import streams

_STREAMS = (streams.REPORTS, streams.ALERTS, streams.STATE, streams.ORDERS_UP, streams.REJECTED)


async def behind(nc: Connection) -> list[str]:
    """The streams that the archive has not read to their ends, in words."""
    found: list[str] = []
    for stream in _STREAMS:
        last = (await call(nc, f"STREAM.INFO.{stream}"))["state"]["last_seq"]
        try:
            floor = (await call(nc, f"CONSUMER.INFO.{stream}.archiver"))["ack_floor"]["stream_seq"]
        except ApiError as error:
            if error.err_code != CONSUMER_NOT_FOUND:
                raise
            floor = -1  # it makes its consumer anew
        if floor < last:
            found.append(f"the archive has {floor} of {last} of {stream}")
    return found


async def wrong(nc: Connection, url: str, *, older: Counter[bytes] | None = None) -> list[str]:
    """What the archive lacks, or has twice, or that nobody told it; empty when nothing is wrong.

    Args:
        nc: a connection to the node's account.
        url: of its database.
        older: reports that the archive had before the log was lost.
    """
    db = await asyncpg.connect(url)
    try:
        await db.execute("SET search_path = vardkase, public")
        # Each copy is kept once, however often it came.
        told = {each.data async for each in scan(nc, streams.REPORTS, [])} | set(older or ())
        kept = Counter(bytes(row["data"]) for row in await db.fetch("SELECT data FROM report"))
        found = [f"{count} times in the archive: {data[:150]!r}" for data, count in kept.items() if count > 1]
        found += [f"not in the archive: {data[:150]!r}" for data in told - kept.keys()]
        found += [f"only in the archive: {data[:150]!r}" for data in kept.keys() - told]
        if older is None:
            for stream, query in (
                (streams.ALERTS, "SELECT sequence FROM alert_change"),
                (streams.ORDERS_UP, "SELECT sequence FROM act"),
                (streams.REJECTED, "SELECT sequence FROM rejected"),
            ):
                there = Counter([each.sequence async for each in scan(nc, stream, [])])
                here = Counter(row["sequence"] for row in await db.fetch(query))
                found += [f"{stream} {sequence} is {here[sequence]} times in the archive" for sequence in there - here]
                found += [f"{stream} {sequence} is too often in the archive" for sequence in here - there]
        found += await _states(nc, db)
        misfits = await db.fetchval("SELECT count(*) FROM misfit")
        return [*found, f"{misfits} misfits"] if misfits else found
    finally:
        await db.close()


async def _states(nc: Connection, db: asyncpg.Connection) -> list[str]:
    """The last state of each point that the archive has, against what STATE says."""
    rows = await db.fetch(
        "SELECT DISTINCT ON (reality, kommun, slug) reality, kommun || '-' || slug AS id, version, sequence, stored_at"
        " FROM state_change ORDER BY reality, kommun, slug, stored_at DESC, sequence DESC"
    )
    kept = {(row["reality"], row["id"]): row for row in rows}
    found: list[str] = []
    async for each in last_values(nc, streams.STATE, []):
        document = json.loads(each.data)
        row = kept.get((document["reality"], document["id"]))
        if row is None or row["version"].hex() != document["version"]:
            has = "nothing" if row is None else f"{row['version'].hex()[:8]} at {row['sequence']}, {row['stored_at']}"
            there = await db.fetchval("SELECT count(*) FROM state_change WHERE sequence = $1", each.sequence)
            found.append(
                f"state of {document['reality']} {document['id']}: the archive has {has}, STATE"
                f" {document['version'][:8]} at {each.sequence}, {each.stored_at} (archived: {there})"
            )
    return found
