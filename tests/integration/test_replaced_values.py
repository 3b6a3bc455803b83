"""A stream that keeps the last value of each subject: what is replaced while it is read must not carry others along.

nats-server takes a delivered message that is replaced for acknowledged, and a consumer that acknowledges "all" has then
acknowledged everything before it, though nobody has dealt with any of that.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from archive_kit import FAST, LAN, Archive

from postgres import Postgres
from servers import Dial, Eventually, Link
from vardkase.federation import topology
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.reader import PullReader
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import streams, subjects

STREAM = {"name": "S", "subjects": ["s.>"], "storage": "file", "allow_atomic": True, "max_msgs_per_subject": 1}


async def consumer(nc: Connection, stream: str, name: str) -> dict[str, Any]:
    """What the server tells of a consumer."""
    return await call(nc, f"CONSUMER.INFO.{stream}.{name}")


async def test_a_value_replaced_before_it_is_dealt_with_hides_none_before_it(
    nc: Connection, link: Link, dial: Dial, eventually: Eventually
) -> None:
    """A reader that binds anew goes on after what it has acknowledged, not after what the server takes it to have."""
    await call(nc, "STREAM.CREATE.S", STREAM)
    writer = StreamWriter(nc, "S")
    await writer.write([Outgoing(subject=f"s.{number}", data=b"first") for number in range(10)])
    reader = PullReader(
        await dial(link.url),
        stream="S",
        durable="d",
        filters=["s.>"],
        batch=2,
        heartbeat=0.3,
        check=0.3,
        resume_after=lambda: 0,
    )
    await reader.start()
    try:
        taken = await reader.take(5.0)
        assert [one.sequence for one in taken] == [1, 2]
        await reader.ack(taken[-1])
        await writer.write([Outgoing(subject="s.8", data=b"second")])  # its first is delivered, and not dealt with

        async def carried() -> bool:
            return (await consumer(nc, "S", "d"))["ack_floor"]["stream_seq"] >= 9

        await eventually(carried, what="taken for acknowledged")
        bound = reader._generation
        link.reset()
        await eventually(lambda: reader._generation > bound, what="bound anew")  # what had come and waited is dropped
        seen: set[int] = set()
        while 11 not in seen:
            for one in await reader.take(5.0):
                seen.add(one.sequence)
                await reader.ack(one)
        assert seen == {3, 4, 5, 6, 7, 8, 10, 11}
    finally:
        await reader.stop()


async def test_a_reader_that_does_not_trust_the_server_goes_on_after_what_is_durable(
    nc: Connection, eventually: Eventually
) -> None:
    """What its killed predecessor had taken, and not dealt with, comes to it though the server has it acknowledged."""
    await call(nc, "STREAM.CREATE.S", STREAM)
    writer = StreamWriter(nc, "S")
    await writer.write([Outgoing(subject=f"s.{number}", data=b"first") for number in range(10)])
    killed = PullReader(nc, stream="S", durable="d", filters=["s.>"], resume_after=lambda: 0)
    await killed.start()
    assert await killed.take(5.0)
    await writer.write([Outgoing(subject="s.8", data=b"second")])

    async def carried() -> bool:
        return (await consumer(nc, "S", "d"))["ack_floor"]["stream_seq"] >= 9

    await eventually(carried, what="taken for acknowledged")
    await killed.stop()
    reader = PullReader(nc, stream="S", durable="d", filters=["s.>"], resume_after=lambda: 4, trusting=False)
    await reader.start()
    try:
        came: list[int] = []
        while not came or came[-1] < 11:
            came += [one.sequence for one in await reader.take(5.0)]
        assert came == [5, 6, 7, 8, 10, 11]
    finally:
        await reader.stop()


def states(slugs: Iterable[str], version: str) -> list[Outgoing]:
    """States of points, as their versions alone."""
    return [
        Outgoing(
            subject=subjects.state("exe", "2480", slug),
            data=json.dumps({"id": f"2480-{slug}", "version": version * 64}).encode(),
        )
        for slug in slugs
    ]


async def test_the_archive_s_last_state_is_that_of_the_stream(
    nc: Connection, link: Link, dial: Dial, postgres: Postgres, tmp_path: Path, eventually: Eventually
) -> None:
    """States replaced while PostgreSQL hangs and the connection breaks: none of the others is left out for it."""
    await topology.ensure(nc, LAN, share=0.1)
    archive = Archive(await dial(link.url), await postgres.database(), tmp_path, eventually)
    await archive.start(archiver=FAST["archiver"] | {"batch": 2})
    try:
        await archive.until_caught_up()
        writer = StreamWriter(nc, streams.STATE)
        slugs = [f"p{number}" for number in range(10)]
        postgres.freeze()
        try:
            await writer.write(states(slugs, "a"))

            async def delivered() -> bool:
                return (await consumer(nc, streams.STATE, "archiver"))["delivered"]["stream_seq"] >= len(slugs)

            await eventually(delivered, what="delivered")
            await writer.write(states(["p8"], "b"))

            async def carried() -> bool:
                return (await consumer(nc, streams.STATE, "archiver"))["ack_floor"]["stream_seq"] >= 9

            await eventually(carried, what="taken for acknowledged")
            before = (await consumer(nc, streams.STATE, "archiver"))["delivered"]["last_active"]
            link.reset()

            async def again() -> bool:
                info = await consumer(nc, streams.STATE, "archiver")
                return info["delivered"].get("last_active", before) != before

            await eventually(again, what="delivered again")
        finally:
            postgres.thaw()
        await archive.until_caught_up()
        rows = await archive.rows(
            "SELECT DISTINCT ON (slug) slug, version FROM state_change ORDER BY slug, stored_at DESC, sequence DESC"
        )
        assert {row["slug"]: row["version"].hex()[0] for row in rows} == dict.fromkeys(slugs, "a") | {"p8": "b"}
    finally:
        await archive.stop()
