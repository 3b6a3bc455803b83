import asyncio
import itertools
import time
from collections.abc import Callable

import pytest

from servers import Dial, Eventually, Link, NatsServer
from vardkase.runtime.jetstream.api import NoAnswer, call
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.durable import NotOurs
from vardkase.runtime.jetstream.reader import PullReader

STREAM = {"name": "S", "subjects": ["s.>"], "storage": "file", "allow_atomic": True}


async def make_stream(nc: Connection, **changes: object) -> None:
    await call(nc, "STREAM.CREATE.S", STREAM | changes)


async def publish(nc: Connection, numbers: range, subject: str = "s.a") -> None:
    js = nc.jetstream()
    for window in itertools.batched(numbers, 100) if hasattr(itertools, "batched") else [numbers]:
        await asyncio.gather(*(js.publish(subject, b"%d" % n) for n in window))


def reader_of(nc: Connection, *, after: Callable[[], int] = lambda: 0, **options: object) -> PullReader:
    settings: dict[str, object] = {"heartbeat": 0.5, "check": 0.5} | options
    return PullReader(nc, stream="S", durable="d", filters=["s.>"], resume_after=after, **settings)  # type: ignore[arg-type]


async def collect(reader: PullReader, count: int, *, ack: bool = True, within: float = 15.0) -> list[Delivery]:
    """Take until `count` messages came."""
    got: list[Delivery] = []
    deadline = time.monotonic() + within
    while len(got) < count:
        assert time.monotonic() < deadline, f"{len(got)} of {count} came: {reader.health()}"
        taken = await reader.take(0.5)
        if taken and ack:
            await reader.ack(taken[-1])
        got += taken
    return got


def values(deliveries: list[Delivery]) -> list[int]:
    return [int(one.data) for one in deliveries]


@pytest.fixture
async def stopping() -> object:
    readers: list[PullReader] = []
    yield readers.append
    for reader in readers:
        await reader.stop()


Stopping = Callable[[PullReader], None]


async def test_reads_in_order_with_what_the_server_tells(nc: Connection, stopping: Stopping) -> None:
    """A delivery carries subject, payload, headers, sequence, time of storing and how many follow."""
    await make_stream(nc)
    before = time.time_ns() // 1000
    await nc.jetstream().publish("s.x", b"one", headers={"A": "b"})
    await nc.jetstream().publish("s.y", b"two")
    reader = reader_of(nc)
    stopping(reader)
    await reader.start()
    first, second = await collect(reader, 2)
    assert (first.subject, first.data, dict(first.headers), first.sequence) == ("s.x", b"one", {"A": "b"}, 1)
    assert (second.subject, dict(second.headers), second.pending) == ("s.y", {}, 0)
    assert before - 1_000_000 <= first.stored_at <= time.time_ns() // 1000
    assert await reader.take(0.01) == []


async def test_a_killed_predecessor_s_messages_come_at_once(nc: Connection, stopping: Stopping) -> None:
    """What a killed predecessor had taken and not acknowledged comes again at once, not after the ack wait."""
    await make_stream(nc)
    await publish(nc, range(100))
    first = reader_of(nc, batch=10)
    await first.start()
    taken = await collect(first, 40, ack=False)
    await first.ack(taken[19])
    await first.stop()
    second = reader_of(nc)
    stopping(second)
    await second.start()
    assert values(await collect(second, 80, within=2)) == list(range(20, 100))


async def test_survives_sigkill_of_the_server(nats_server: NatsServer, nc: Connection, stopping: Stopping) -> None:
    """A server killed and started on the same store: everything once, in order, soon after."""
    await make_stream(nc)
    reader = reader_of(nc, heartbeat=10.0)  # it must not be the silence that tells
    stopping(reader)
    await reader.start()
    await publish(nc, range(300))
    got = await collect(reader, 200, ack=False)
    await reader.ack(got[99])
    nats_server.kill()
    await asyncio.sleep(0.2)
    nats_server.start()
    began = time.monotonic()
    await nc.jetstream().publish("s.a", b"300")
    got += await collect(reader, 301 - len(got))
    assert values(got) == list(range(301))
    assert time.monotonic() - began < 3
    assert reader.health().advancing


async def test_a_message_taken_before_a_restart_is_acknowledged_after_it(
    nats_server: NatsServer, nc: Connection, stopping: Stopping, eventually: Eventually
) -> None:
    """An acknowledgement of what was taken before the reader bound anew reaches the server all the same."""
    await make_stream(nc)
    await publish(nc, range(50))
    reader = reader_of(nc)
    stopping(reader)
    await reader.start()
    got = await collect(reader, 50, ack=False)
    nats_server.kill()
    nats_server.start()
    await eventually(lambda: nc.stats["reconnects"] == 1 and not reader.health().reason)
    await reader.ack(got[-1])

    async def floor() -> bool:
        return (await call(nc, "CONSUMER.INFO.S.d"))["ack_floor"]["stream_seq"] == 50

    await eventually(floor, what="the ack floor at 50")
    assert await reader.take(0.1) == []


async def test_survives_resets_and_a_black_hole(nc: Connection, link: Link, dial: Dial, stopping: Stopping) -> None:
    """A link that is reset, or swallows everything for a while, costs time and no message."""
    await make_stream(nc)
    far = await dial(link.url)
    reader = reader_of(far)
    stopping(reader)
    await reader.start()
    await publish(nc, range(100))
    got = await collect(reader, 100)
    link.reset()
    await publish(nc, range(100, 200))
    got += await collect(reader, 100)
    link.hole()
    await publish(nc, range(200, 300))
    for _ in range(40):
        got += await reader.take(0.1)
        if not reader.health().advancing:
            break
    assert not reader.health().advancing
    link.heal()
    began = time.monotonic()
    got += await collect(reader, 300 - len(got))
    assert time.monotonic() - began < 5
    assert values(got) == list(range(300))


async def test_a_deleted_consumer_is_made_again_from_what_is_durable(nc: Connection, stopping: Stopping) -> None:
    """A consumer deleted under the reader is made again after the last durable sequence, and counted."""
    await make_stream(nc)
    await publish(nc, range(100))
    reader = reader_of(nc, after=lambda: 60)
    stopping(reader)
    await reader.start()
    got = await collect(reader, 40, ack=False)
    assert values(got) == list(range(60, 100))
    await call(nc, "CONSUMER.DELETE.S.d")
    await publish(nc, range(100, 120))
    assert values(await collect(reader, 20, within=3)) == list(range(100, 120))
    assert reader.remade == 1


async def test_reads_a_recreated_stream_from_its_start(nc: Connection, stopping: Stopping) -> None:
    """A stream deleted and made anew, empty, is read from 1, although its sequences are lower than those read."""
    await make_stream(nc)
    await publish(nc, range(100))
    last = 0
    reader = reader_of(nc, after=lambda: last)
    stopping(reader)
    await reader.start()
    got = await collect(reader, 100, ack=False)
    last = 100
    await call(nc, "STREAM.DELETE.S")
    await make_stream(nc)
    await publish(nc, range(1000, 1030))
    again = await collect(reader, 30, ack=False)
    assert values(again) == list(range(1000, 1030))
    await reader.ack(got[-1])  # of the stream that is no more: no harm
    await reader.ack(again[9])
    await asyncio.sleep(0)
    await nc.flush()
    assert (await call(nc, "CONSUMER.INFO.S.d"))["ack_floor"]["stream_seq"] == 10


async def test_notices_a_server_that_comes_back_empty(
    nats_server: NatsServer, nc: Connection, stopping: Stopping, eventually: Eventually
) -> None:
    """A server back with an empty store: not ready while the stream is missing, reading on once it is there."""
    await make_stream(nc)
    await publish(nc, range(10))
    reader = reader_of(nc, after=lambda: 10)
    stopping(reader)
    await reader.start()
    await collect(reader, 0)
    nats_server.kill()
    nats_server.wipe()
    nats_server.start()
    await eventually(lambda: not reader.health().exists)
    assert not reader.health().advancing
    await make_stream(nc)
    await publish(nc, range(5))
    assert values(await collect(reader, 5, within=5)) == list(range(5))
    assert reader.health().exists


async def test_takes_no_more_than_it_has_room_for(nc: Connection, stopping: Stopping, eventually: Eventually) -> None:
    """With a backlog and nobody taking, no more than the buffer is asked for."""
    await make_stream(nc)
    await publish(nc, range(1000))
    reader = reader_of(nc, batch=50, buffer=200)
    stopping(reader)
    await reader.start()

    async def sent() -> int:
        return (await call(nc, "CONSUMER.INFO.S.d"))["delivered"]["consumer_seq"]

    await eventually(lambda: len(reader._line or ()) >= 150)
    await asyncio.sleep(0.2)
    assert await sent() <= 200
    assert values(await collect(reader, 1000)) == list(range(1000))


async def test_bytes_are_bounded_too(nc: Connection, stopping: Stopping, eventually: Eventually) -> None:
    """Large messages are asked for by bytes: all come, and no more than the bound waits."""
    await make_stream(nc)
    js = nc.jetstream()
    for n in range(40):
        await js.publish("s.big", b"%07d" % n + b"x" * 900_000)
    reader = reader_of(nc, batch=2, buffer_bytes=10 << 20)
    stopping(reader)
    await reader.start()
    line = reader._line
    assert line is not None
    await eventually(lambda: line._bytes > 9 << 20)
    await asyncio.sleep(0.3)
    assert line._bytes <= (10 << 20) + (8 << 20)
    got: list[int] = []
    while len(got) < 40:
        taken = await reader.take(1)
        assert taken
        got += [int(one.data[:7]) for one in taken]
        await reader.ack(taken[-1])
    assert got == list(range(40))


async def test_an_expiring_request_loses_no_time(
    nc: Connection, stopping: Stopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that run out are made anew while messages arrive: no message waits for it."""
    monkeypatch.setattr("vardkase.runtime.jetstream.pull._EXPIRES", 0.3)
    await make_stream(nc)
    reader = reader_of(nc, heartbeat=0.1)
    stopping(reader)
    await reader.start()
    slow = 0.0
    for n in range(60):
        began = time.monotonic()
        await nc.jetstream().publish("s.a", b"%d" % n)
        (one,) = await collect(reader, 1)
        slow = max(slow, time.monotonic() - began)
        assert int(one.data) == n
        await asyncio.sleep(0.02)
    assert slow < 0.2
    assert reader.remade == 0


async def test_silence_is_noticed(nc: Connection, stopping: Stopping) -> None:
    """A server that has forgotten whom it delivers to, on a link that is up, is noticed by its silence."""
    await make_stream(nc)
    reader = reader_of(nc, heartbeat=0.2, check=60.0)
    stopping(reader)
    await reader.start()
    assert reader._line is not None
    assert reader._line._subscription is not None
    await nc._send_unsubscribe(reader._line._subscription._id)
    await publish(nc, range(10))
    assert values(await collect(reader, 10, within=3)) == list(range(10))


async def test_a_consumer_of_another_kind_is_refused(nc: Connection) -> None:
    """A consumer of the same name that was not made for this is named, not overwritten."""
    await make_stream(nc)
    config = {"durable_name": "d", "ack_policy": "explicit"}
    await call(nc, "CONSUMER.DURABLE.CREATE.S.d", {"stream_name": "S", "config": config})
    with pytest.raises(NotOurs, match="consumer d of the stream S"):
        await reader_of(nc).start()


async def test_changed_filters_reach_the_consumer(nc: Connection, stopping: Stopping) -> None:
    """A durable made with other filters is given the ones asked for, and keeps its place."""
    await make_stream(nc)
    await publish(nc, range(5), "s.a")
    await publish(nc, range(5, 10), "s.b")
    old = PullReader(nc, stream="S", durable="d", filters=["s.a"], resume_after=lambda: 0)
    await old.start()
    await collect(old, 5)
    await old.stop()
    new = reader_of(nc)
    stopping(new)
    await new.start()
    assert values(await collect(new, 5)) == list(range(5, 10))


async def test_hostile_messages_kill_no_reader(nats_server: NatsServer, nc: Connection, stopping: Stopping) -> None:
    """Subjects that are not text, and headers that are none, are read like the rest; the reader lives on."""
    await make_stream(nc)
    _, writer = await asyncio.open_connection("127.0.0.1", nats_server.port)
    writer.write(b'CONNECT {"verbose":false,"headers":true,"protocol":1}\r\n')
    subjects = [b"s.\xff\xfe", b"s.a\x0bb", b"s.a\x0cb", b"s.a\x00b", b"s.*", b"s.>", b"s." + b"a" * 4000]
    heads = [b"NATS/1.0", b"\xff\xfe\xfd", b"NATS/1.0 100 \xff\r\n\r\n", b"NATS/1.0 409 Consumer Deleted\r\n\r\n"]
    for subject in subjects:
        writer.write(b"PUB " + subject + b" 1\r\na\r\n")
    for head in heads:
        writer.write(b"HPUB s.h %d %d\r\n%s\r\n" % (len(head), len(head), head))
    writer.write(b"PUB s.last 3\r\nend\r\n")
    await writer.drain()
    reader = reader_of(nc)
    stopping(reader)
    await reader.start()
    got = await collect(reader, len(subjects) + len(heads) + 1)
    assert got[-1].data == b"end"
    assert nc.stats["reconnects"] == 0
    assert reader.health().advancing
    writer.close()


async def test_a_reader_nobody_acknowledges_does_not_advance(
    nc: Connection, stopping: Stopping, eventually: Eventually
) -> None:
    """With messages waiting and none acknowledged the reader says so; once they are, it is well again."""
    await make_stream(nc)
    reader = reader_of(nc, stall_after=0.3)
    stopping(reader)
    await reader.start()
    await eventually(lambda: reader.health().advancing)
    await publish(nc, range(3))
    await eventually(lambda: not reader.health().advancing)
    assert "3 messages wait" in reader.health().reason
    await collect(reader, 3)
    await eventually(lambda: reader.health().advancing)
    assert reader.health().lag == 0


async def test_a_server_that_does_not_answer_at_the_start_is_asked_again(
    nats_server: NatsServer, nc: Connection, stopping: Stopping
) -> None:
    """A busy server costs a starting reader time, not its process; how long it may take is the caller's to say."""
    await make_stream(nc)
    await publish(nc, range(3))
    nats_server.freeze()
    try:
        with pytest.raises(NoAnswer):
            await reader_of(nc).start()
        reader = reader_of(nc)
        stopping(reader)
        starting = asyncio.ensure_future(reader.start(within=30.0))
        done, _ = await asyncio.wait({starting}, timeout=2.5)
        assert not done, "one question goes unanswered after a second"
    finally:
        nats_server.thaw()
    await asyncio.wait_for(starting, 10)
    assert values(await collect(reader, 3)) == [0, 1, 2]
