"""A reader that is slow with what it has: the server's silence towards it is its own doing, and no fault."""

import asyncio

from servers import NatsServer
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.reader import PullReader
from vardkase.runtime.jetstream.writer import StreamWriter

HEARTBEAT = 0.1


async def test_a_full_buffer_is_no_silence(nats_server: NatsServer, nc: Connection) -> None:  # noqa: ARG001 -- nc's
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


async def test_a_server_that_is_late_is_not_asked_again_and_again(
    nats_server: NatsServer, nc: Connection, eventually: Eventually
) -> None:
    """While nothing at all comes, a reader binds anew ever more seldom: a flooded server keeps what it was asked for."""
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
        muted = nc.muted = []
        listen = nc.listen
        # What the server sends on new lines does not arrive; what it is asked and answers does.
        nc.listen = lambda subject, _: listen(subject, lambda *_: None)  # type: ignore[method-assign,assignment]
    finally:
        await reader.stop()
