"""A reader that is slow with what it has: the server's silence towards it is its own doing, and no fault."""

import asyncio
import time

import pytest
from nats.aio.subscription import Subscription

from servers import Eventually
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection, Handler
from vardkase.runtime.jetstream.reader import PullReader
from vardkase.runtime.jetstream.writer import StreamWriter

HEARTBEAT = 0.1


async def test_a_full_buffer_is_no_silence(nc: Connection) -> None:
    """While its buffer is full a reader asks for nothing, hears nothing, and binds to nothing anew.

    It would begin again from its last acknowledgement each time, and never come further than one buffer.
    """
    await call(nc, "STREAM.CREATE.S", {"name": "S", "subjects": ["s.>"], "storage": "file", "allow_atomic": True})
    await StreamWriter(nc, "S").write([Outgoing(subject=f"s.{number}", data=b"x") for number in range(200)])
    reader = PullReader(
        nc,
        stream="S",
        durable="slow",
        filters=["s.>"],
        batch=5,
        buffer=20,
        heartbeat=HEARTBEAT,
        check=0.5,
        resume_after=lambda: 0,
    )
    await reader.start()
    try:
        seen: list[int] = []
        generations: set[int] = set()
        for _ in range(5):
            batch = await reader.take(5.0)
            await asyncio.sleep(6 * HEARTBEAT)  # what it does with a batch takes long
            assert reader.health().advancing, reader.health().reason
            seen += [one.sequence for one in batch]
            generations |= {one.generation for one in batch}
            await reader.ack(batch[-1])
        assert seen == list(range(1, 26))
        assert len(generations) == 1, "it bound anew"
    finally:
        await reader.stop()


@pytest.mark.slow
async def test_a_server_that_is_late_is_not_asked_again_and_again(nc: Connection, eventually: Eventually) -> None:
    """While nothing at all comes a reader binds anew ever more seldom: a flooded server keeps what it was asked for."""
    await call(nc, "STREAM.CREATE.S", {"name": "S", "subjects": ["s.>"], "storage": "file", "allow_atomic": True})
    writer = StreamWriter(nc, "S")
    await writer.write([Outgoing(subject="s.0", data=b"x")])
    reader = PullReader(
        nc, stream="S", durable="late", filters=["s.>"], heartbeat=HEARTBEAT, check=60.0, resume_after=lambda: 0
    )
    await reader.start()
    try:
        (first,) = await reader.take(5.0)
        await reader.ack(first)
        listen, began, bound = nc.listen, time.monotonic(), reader._generation

        async def deaf(subject: str, _: Handler) -> Subscription:
            return await listen(subject, lambda *_: None)

        # What the server sends on a line does not arrive; what it is asked, it answers.
        nc.listen = deaf  # type: ignore[method-assign]
        nc.handlers.update(dict.fromkeys(nc.handlers, lambda *_: None))
        await eventually(lambda: reader._generation >= bound + 4, what="bound anew", within=20.0)
        assert time.monotonic() - began > (1 + 2 + 4 + 8) * 2.5 * HEARTBEAT
        await eventually(lambda: not reader.health().advancing, what="told of")
        nc.listen = listen  # type: ignore[method-assign]
        await eventually(lambda: reader.health().advancing, what="heard again", within=20.0)
        await eventually(lambda: reader._patience == 2.5 * HEARTBEAT, what="as impatient as before")
    finally:
        await reader.stop()
