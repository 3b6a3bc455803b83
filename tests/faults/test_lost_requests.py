"""A request that went down with its connection: who asked is told at once, and need not wait out his time."""

import asyncio
import time

import pytest

from servers import Eventually, NatsServer
from vardkase.runtime.jetstream.api import NoAnswer, call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.jetstream.writer import StreamWriter

LONG = 30.0


async def test_a_killed_server_ends_the_requests_that_it_will_never_answer(
    nats_server: NatsServer, nc: Connection, eventually: Eventually
) -> None:
    """A question and a write are under way when the server dies: one fails, the other is stored once, both at once."""
    await call(nc, "STREAM.CREATE.S", {"name": "S", "subjects": ["s.>"], "storage": "file", "allow_atomic": True})
    writer = StreamWriter(nc, "S", timeout=LONG)
    await writer.write([Outgoing(subject="s.0", data=b"x")])
    nats_server.freeze()
    began = time.monotonic()
    question = asyncio.create_task(call(nc, "STREAM.INFO.S", within=LONG))
    write = asyncio.create_task(writer.write([Outgoing(subject=f"s.{number}", data=b"x") for number in (1, 2)]))
    await eventually(lambda: len(nc._resp_map) == 2, what="both under way")
    nats_server.kill()
    with pytest.raises(NoAnswer):
        await question
    await asyncio.to_thread(nats_server.start)
    await write
    assert time.monotonic() - began < LONG / 2
    assert [one.subject async for one in scan(nc, "S", [])] == ["s.0", "s.1", "s.2"]
