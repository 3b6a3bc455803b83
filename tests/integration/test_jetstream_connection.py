"""The connection: what ends nats-py's own does not end this one, and what is closed stays closed."""

import asyncio
import random
import time

import pytest
import uvloop
from nats.aio.msg import Msg

from servers import Eventually, Link, NatsServer, free_port
from vardkase.runtime.jetstream.connection import ConnectFailed, Connection, connect


async def test_what_the_server_ends_it_for_is_survived(nc: Connection, eventually: Eventually) -> None:
    """A message that is too long with its headers makes the server end the connection; it is made anew."""
    got: list[bytes] = []

    async def keep(msg: Msg) -> None:
        got.append(msg.data)

    await nc.subscribe("a", cb=keep)
    await nc.publish("a", b"x" * (nc.max_payload - 5), headers={"A": "b" * 100})
    await eventually(lambda: nc.stats["reconnects"] == 1 and nc.is_connected)
    await nc.publish("a", b"after")
    await eventually(lambda: got == [b"after"])


async def test_closing_while_the_server_is_away_leaves_nothing(link: Link, eventually: Eventually) -> None:
    """Closed at whatever moment of reconnecting, it ends, and no task of it lives on to come back."""
    chance = random.Random(5)
    before = asyncio.all_tasks()
    for _ in range(60):
        link.heal()
        nc = await connect(link.url, name="test", reconnect_wait=0.001)
        link.cut()
        await eventually(lambda nc=nc: nc.is_reconnecting)
        await asyncio.sleep(chance.uniform(0, 0.01))
        async with asyncio.timeout(5):
            await nc.close()
        assert nc.is_closed
    await eventually(lambda: asyncio.all_tasks() <= before, what="no task is left", within=3)


async def test_a_black_hole_with_much_unsent_is_left(nc: Connection, link: Link, eventually: Eventually) -> None:
    """A link that swallows everything while megabytes wait to be sent: given up by its silence, and made anew."""
    assert nc.is_connected
    far = await connect(link.url, name="far", reconnect_wait=0.05, ping_interval=0.3, pending_bytes=64 << 20)
    link.bury()
    for _ in range(40):
        await far.publish("a", b"x" * 1_000_000)
    began = time.monotonic()
    await eventually(lambda: far.stats["reconnects"] == 1 and far.is_connected, within=5)
    assert time.monotonic() - began < 5
    assert await far.request("$JS.API.INFO", b"", timeout=2)
    await far.close()


async def test_nobody_there_is_told_in_time_without_secrets() -> None:
    """A server that is not there: one line that names it, in the time given, and no password."""
    port = free_port()
    began = time.monotonic()
    with pytest.raises(ConnectFailed) as caught:
        await connect(f"nats://somebody:secret@127.0.0.1:{port}", name="test", within=0.5)
    assert time.monotonic() - began < 2
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_connection_that_is_lost_while_it_is_made_is_made_again(
    nats_server: NatsServer, eventually: Eventually
) -> None:
    """On uvloop too, where writing to a lost connection is another error: it never stays half alive."""
    made = 0

    class Unlucky(Connection):
        """One that is lost when it has just been made anew, three times."""

        async def _process_connect_init(self) -> None:
            nonlocal made
            await super()._process_connect_init()
            made += 1
            if 1 < made <= 4:
                self._drop_socket()

    async def body() -> None:
        nc = Unlucky()
        await nc.connect(nats_server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.001)
        await nc.subscribe("a")
        nc._drop_socket()
        await nc.publish("b", b"x")
        await eventually(lambda: made == 5 and nc.is_connected, what="connected again")
        assert await nc.request("$JS.API.INFO", b"", timeout=2)
        nc._drop_socket()
        await nc.publish("b", b"x")
        await nc.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(body())
