"""The short ways of the connection: messages handed on as they are read, and many published in one go."""

import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from servers import Eventually, NatsServer
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.headers import written
from vardkase.runtime.jetstream.pull import PullLine


async def test_a_listener_gets_each_message_in_order_whatever_it_raises(
    nc: Connection, nats_server: NatsServer, eventually: Eventually
) -> None:
    """A listener's error is told and loses nothing that follows; it listens on after a reconnect, until its end."""
    got: list[tuple[bytes, bytes, bytes]] = []

    def listen(subject: bytes, reply: bytes, head: bytes, data: bytes) -> None:
        got.append((subject, head, data))
        assert reply == b""
        if data == b"1":
            raise ValueError("a listener's own fault")

    subscription = await nc.listen("a.*", listen)
    for number in range(3):
        await nc.publish(f"a.{number}", str(number).encode(), headers={"N": str(number)} if number else None)
    await eventually(lambda: len(got) == 3)
    assert [data for _, _, data in got] == [b"0", b"1", b"2"]
    assert got[2] == (b"a.2", b"NATS/1.0\r\nN: 2\r\n\r\n", b"2")
    assert nc.stats["in_msgs"] >= 3

    nats_server.kill()
    nats_server.start()
    await eventually(lambda: nc.stats["reconnects"] and nc.is_connected)
    await nc.publish("a.3", b"3")
    await eventually(lambda: len(got) == 4)

    await subscription.unsubscribe()
    assert not nc.handlers
    await nc.publish("a.4", b"4")
    await nc.flush()
    assert len(got) == 4


async def test_many_are_published_as_they_would_be_one_by_one(nc: Connection, eventually: Eventually) -> None:
    """In order, with their headers, more than a chunk of them, and between what else is published."""
    got: list[Msg] = []

    async def keep(msg: Msg) -> None:
        got.append(msg)

    await nc.subscribe(">", cb=keep)
    await nc.publish("first", b"")
    sizes = [0, 1, 200_000, 5, 300_000, *range(100)]
    await nc.publish_all((f"m.{at}", written([("At", str(at))]), b"x" * size) for at, size in enumerate(sizes))
    await nc.publish("last", b"")
    await eventually(lambda: len(got) == len(sizes) + 2)
    assert [msg.subject for msg in got] == ["first", *(f"m.{at}" for at in range(len(sizes))), "last"]
    assert [len(msg.data) for msg in got[1:-1]] == sizes
    assert [(msg.headers or {})["At"] for msg in got[1:-1]] == [str(at) for at in range(len(sizes))]


async def test_what_would_break_the_connection_is_refused(nc: Connection) -> None:
    """A subject with a blank, none at all, a message that is too long; after the end of the connection, any."""
    head = written([])
    for subject in ("a b", "", " a", "a\r\n", "a\tb"):
        with pytest.raises(nats.errors.BadSubjectError):
            await nc.publish_all([(subject, head, b"")])
    with pytest.raises(nats.errors.MaxPayloadError):
        await nc.publish_all([("a", head, b"x" * nc.max_payload)])
    await nc.flush()
    assert not nc.stats["reconnects"]
    await nc.close()
    with pytest.raises(nats.errors.ConnectionClosedError):
        await nc.publish_all([("a", head, b"")])


async def test_what_waits_for_a_server_is_bounded(
    nc: Connection, nats_server: NatsServer, eventually: Eventually
) -> None:
    """With the server away as much waits as the connection may hold, and no more."""
    nats_server.kill()
    await eventually(lambda: not nc.is_connected)
    head = written([])
    with pytest.raises(nats.errors.OutboundBufferLimitError):
        await nc.publish_all(("a", head, b"x" * 1_000_000) for _ in range(20))
    nats_server.start()
    await eventually(lambda: nc.is_connected)


def test_another_client_is_refused() -> None:
    """nats-py's own client can be killed by one message: it is not read with."""
    with pytest.raises(TypeError, match="connection"):
        PullLine(Client(), stream="S", consumer="c", buffer=1)
