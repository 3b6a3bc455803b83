import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest
from client_node import Admin, alert, public_point, user
from nats import NATS

from conftest import Eventually, Link, NatsServer
from vardkase_contracts import subjects
from vardkase_contracts.areas import NATION
from vardkase_contracts.client import (
    Client,
    ConnectFailed,
    ConnectionGone,
    Feed,
    InvalidValue,
    Pace,
    ReadRefused,
    connect,
)
from vardkase_contracts.client.feed import Source
from vardkase_contracts.public import Public, PublicPoint

PACE = Pace(batch=20, heartbeat_s=0.2, expires_s=1.0, request_s=1.0, retry_max_s=0.3, first_s=2.0)


class World:
    """A server with streams, somebody who publishes, and a client."""

    def __init__(self, server: NatsServer, admin: Admin, client: Client | None) -> None:
        self.server = server
        self.admin = admin
        self.client = client

    async def name(self, slug: str, name: str) -> int:
        """Give a point a name in PUBLIC."""
        return await self.admin.put(subjects.public("2480", slug), public_point(slug, name))

    async def raise_alert(self, slug: str, number: int) -> int:
        """Change a point's alert, as the change with that number."""
        value = alert(slug, "red", number=number)
        return await self.admin.put(subjects.alert("act", value["key"]), value)


@pytest.fixture
async def world(nats_server: NatsServer) -> AsyncIterator[World]:
    async with aclosing(await Admin.connect(nats_server.url)) as admin:
        await admin.make_streams()
        async with connect(nats_server.url, pace=PACE) as client:
            yield World(nats_server, admin, client)


class Watcher:
    """Iterates a feed in a task and keeps what came."""

    def __init__(self, feed: Feed[Public]) -> None:
        self.feed = feed
        self.seen: list[tuple[str, bool]] = []
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for point in self.feed:
            assert isinstance(point, PublicPoint)
            self.seen.append((point.name, self.feed.live))

    @property
    def names(self) -> list[str]:
        """The names that came."""
        return [name for name, _ in self.seen]


async def test_current_values_come_first_and_then_changes(world: World, eventually: Eventually) -> None:
    """A feed gives the last value of each subject, marked as not live, and then each change, marked as live."""
    await world.name("a", "old a")
    await world.name("a", "a")
    await world.name("b", "b")
    async with world.client.public_points("24") as points:
        watcher = Watcher(points)
        await eventually(lambda: len(watcher.seen) == 2)
        await world.name("b", "b2")
        await eventually(lambda: len(watcher.seen) == 3)
    assert watcher.seen == [("a", False), ("b", False), ("b2", True)]


async def test_current_gives_the_whole_set_at_once(world: World) -> None:
    """`current` waits for every value that was stored, and iterating goes on with what changes."""
    for n in range(250):  # many times what the server may send ahead
        await world.name(f"p{n}", f"p{n}")
    async with world.client.public_points("SE") as points:
        assert {p.name for p in await points.current() if isinstance(p, PublicPoint)} == {f"p{n}" for n in range(250)}
        await world.name("p7", "p7 again")
        point = await anext(points)
    assert isinstance(point, PublicPoint)
    assert point.name == "p7 again"


async def test_an_area_without_values_is_known_to_be_empty(world: World) -> None:
    """`current` ends at once when nothing is stored; what comes later is a change."""
    await world.name("a", "a")
    async with asyncio.timeout(2), world.client.public_points("12") as points:
        assert await points.current() == []
        await world.admin.put(subjects.public("1280", "m"), public_point("m", "malmö", kommun="1280"))
        await anext(points)
        assert points.live


async def test_a_civilomrade_is_read_from_all_its_lan(world: World) -> None:
    """A civilområde's feed merges its län and leaves others out."""
    await world.name("a", "umeå")
    await world.admin.put(subjects.public("2580", "l"), public_point("l", "luleå", kommun="2580"))
    await world.admin.put(subjects.public("1280", "m"), public_point("m", "malmö", kommun="1280"))
    async with world.client.public_points("norra") as points:
        assert {p.name for p in await points.current() if isinstance(p, PublicPoint)} == {"umeå", "luleå"}


async def test_restarts_of_the_server_leave_neither_gap_nor_twin(world: World, eventually: Eventually) -> None:
    """Over two SIGKILLs of the server, with changes before, between and after, each alert change comes exactly once."""
    sent: list[int] = []
    got: list[int] = []

    async def follow() -> None:
        async with world.client.alerts("SE") as alerts:
            async for one in alerts:
                got.append(int(one.alert_id[1:]))  # noqa: PERF401 -- it never ends, and is looked at meanwhile

    async def send(count: int) -> None:
        for _ in range(count):
            await world.raise_alert(f"p{len(sent) % 3}", len(sent))
            sent.append(len(sent))

    await send(1)
    follower = asyncio.create_task(follow())
    await eventually(lambda: got == [0])
    for kills in range(2):
        await send(50)
        world.server.kill()
        world.server.start()
        await eventually(lambda: world.admin.connection.stats["reconnects"] > kills)  # noqa: B023
        await send(50)
    await eventually(lambda: len(got) >= len(sent))
    await send(1)
    await eventually(lambda: got[-1] == sent[-1])
    follower.cancel()
    assert got == sent


async def test_a_deleted_consumer_is_made_again(world: World, eventually: Eventually) -> None:
    """When the consumer is deleted under a feed, the feed goes on after the last change it gave."""
    await world.name("a", "a")
    async with world.client.public_points("SE") as points:
        watcher = Watcher(points)
        await eventually(lambda: watcher.names == ["a"])
        for round_ in range(3):
            [consumer] = await world.admin.consumers("PUBLIC")
            await world.admin.api(f"CONSUMER.DELETE.PUBLIC.{consumer}")
            await world.name("a", f"a{round_}")
            await eventually(lambda round_=round_: watcher.names[-1] == f"a{round_}")
    assert watcher.names == ["a", "a0", "a1", "a2"]


async def test_a_silent_server_is_noticed_and_read_again(world: World, eventually: Eventually) -> None:
    """A server that says nothing is told of as trouble, with its age; when it is back, changes come again."""
    await world.name("a", "a")
    async with world.client.public_points("SE") as points:
        watcher = Watcher(points)
        await eventually(lambda: watcher.names == ["a"])
        assert points.connected
        world.server.freeze()
        await eventually(lambda: not points.connected)
        assert points.heard_s_ago >= PACE.silent_beats * PACE.heartbeat_s
        world.server.thaw()
        await eventually(lambda: points.connected)
        await world.name("a", "a2")
        await eventually(lambda: watcher.names == ["a", "a2"])
        assert points.heard_s_ago < 1


async def fill(nats: NATS) -> None:
    """Send more than the link's buffers hold."""
    for _ in range(30):
        await nats.publish("nobody", bytes(900_000))


async def test_a_link_that_swallowed_everything_is_made_again(
    nats_server: NatsServer, link: Link, eventually: Eventually
) -> None:
    """After a black hole, with something still unsent in it, the feed goes on when the link heals."""
    async with aclosing(await Admin.connect(nats_server.url)) as admin:
        await admin.make_streams()
        world = World(nats_server, admin, None)
        async with connect(link.url, pace=PACE) as client, client.public_points("SE") as points:
            await world.name("a", "a")
            watcher = Watcher(points)
            await eventually(lambda: watcher.names == ["a"])
            link.hole()
            await world.name("a", "a2")
            nats = client._connection._nats
            filler = asyncio.create_task(fill(nats))
            await eventually(lambda: not points.connected)
            open_then = len(link._writers)
            await nats._process_op_err(OSError("as pings would find out, but sooner"))
            await eventually(lambda: len(link._writers) > open_then, what="another attempt to connect")
            link.heal()
            await eventually(lambda: watcher.names == ["a", "a2"], within=15)
            filler.cancel()


async def test_an_emptied_store_is_read_from_its_beginning(world: World, eventually: Eventually) -> None:
    """When the server comes back with an empty store, the feed reads the new one, as a new generation of values."""
    for n in range(5):
        await world.name(f"p{n}", f"p{n}")
    async with world.client.public_points("SE") as points:
        watcher = Watcher(points)
        await eventually(lambda: len(watcher.seen) == 5)
        world.server.kill()
        world.server.wipe()
        world.server.start()
        await eventually(lambda: world.admin.connection.stats["reconnects"])
        await eventually(lambda: points.trouble is not None)
        await world.admin.make_streams("PUBLIC")
        for n in range(9):  # past the sequence that the feed had come to
            await world.name("q", f"q{n}")
        await eventually(lambda: watcher.names[-1] == "q8")
        assert points.generation == 1
        await world.name("q", "q9")
        await eventually(lambda: watcher.seen[-1] == ("q9", True))


async def test_a_slow_reader_of_alerts_gets_every_change_in_order(world: World, eventually: Eventually) -> None:
    """With `wait`, the server holds what there is no room for: nothing is dropped, and memory is bounded."""
    count = 400
    feed = Feed(
        world.client._connection,
        [Source("ALERTS", subjects.alert_filter("act", NATION))],
        decode=lambda data: data,
        when_slow="wait",
        limit=10,
        pace=PACE,
    )
    async with feed as alerts:
        assert await alerts.current() == []
        for n in range(count):
            await world.raise_alert("p", n)
        await eventually(lambda: len(feed._buffer) == 10)
        sequences: list[int] = []
        async for _ in alerts:
            sequences.append(alerts.sequence)
            await asyncio.sleep(0.001)
            if len(sequences) == count:
                break
    assert sequences == list(range(1, count + 1))


async def test_a_slow_reader_of_points_gets_the_latest(world: World, eventually: Eventually) -> None:
    """With `coalesce`, whoever is slow gets the latest of each subject, and no older one."""
    async with world.client.public_points("SE") as points:
        assert await points.current() == []
        for n in range(100):
            await world.name("a", f"a{n}")
            await world.name("b", f"b{n}")
        await eventually(lambda: points._readers[0]._position >= 200)
        names = [p.name for p in (await anext(points), await anext(points)) if isinstance(p, PublicPoint)]
    assert sorted(names) == ["a99", "b99"]


async def forgotten(admin: Admin, stream: str) -> bool:
    """Whether the server has no consumer of the stream left."""
    return not await admin.consumers(stream)


async def test_a_reader_that_stopped_for_long_goes_on_where_it_was(world: World, eventually: Eventually) -> None:
    """A consumer that the server forgot while nobody iterated is made again, without a gap."""
    feed = Feed(
        world.client._connection,
        [Source("ALERTS", subjects.alert_filter("act", NATION))],
        decode=lambda data: data,
        when_slow="wait",
        limit=5,
        pace=Pace(batch=4, heartbeat_s=0.1, expires_s=0.3, keep_s=0.5, retry_max_s=0.2),
    )
    async with feed as alerts:
        assert await alerts.current() == []
        for n in range(30):
            await world.raise_alert("p", n)
        await eventually(lambda: forgotten(world.admin, "ALERTS"))
        sequences = []
        for _ in range(30):
            await anext(alerts)
            sequences.append(alerts.sequence)
    assert sequences == list(range(1, 31))


async def test_a_value_that_cannot_be_read_is_told_of_and_hides_no_other(world: World) -> None:
    """A value that is no public point is given to `on_invalid` with its subject; the others come."""
    told: list[InvalidValue] = []
    await world.name("a", "a")
    await world.admin.put(subjects.public("2480", "b"), {"id": "2480-b", "name": "b"})
    await world.name("c", "c")
    async with world.client.public_points("SE", on_invalid=told.append) as points:
        assert {p.name for p in await points.current() if isinstance(p, PublicPoint)} == {"a", "c"}
    assert [error.subject for error in told] == [subjects.public("2480", "b")]
    assert points.invalid == 1


async def test_a_missing_stream_is_an_error_at_the_start(world: World) -> None:
    """A server without the stream is the wrong server: iterating raises, and says which stream."""
    await world.admin.api("STREAM.DELETE.PUBLIC")
    async with world.client.public_points("SE") as points:
        with pytest.raises(ReadRefused) as caught:
            await anext(points)
    assert caught.value.reason == "no_stream"


async def test_a_closed_client_ends_its_feeds(world: World, eventually: Eventually) -> None:
    """Closing the client ends an iteration under way, and leaves no consumer behind."""
    async with connect(world.server.url, pace=PACE) as client:
        watcher = Watcher(client.public_points("SE"))
        await eventually(lambda: watcher.feed.connected)
        await eventually(lambda: world.admin.consumers("PUBLIC"))
    await asyncio.wait_for(watcher.task, 2)
    assert await world.admin.consumers("PUBLIC") == []


async def test_nobody_there_is_told_within_the_time_given() -> None:
    """Connecting to a port where nothing listens fails in time, and names the address without its password."""
    with pytest.raises(ConnectFailed, match=r"nats://127\.0\.0\.1:1") as caught:
        async with connect("nats://user:secret@127.0.0.1:1", timeout_s=0.3):
            pass
    assert "secret" not in str(caught.value)


ACCOUNTS = """
accounts {
  TP: { jetstream: enabled, users: [
    { user: admin, password: admin },
    { user: lan24, password: x, permissions: {
        publish: { allow: ["$JS.API.CONSUMER.CREATE.ALERTS.*.tp.v1.*.alert.24.>", "$JS.API.CONSUMER.MSG.NEXT.ALERTS.*",
                           "$JS.API.CONSUMER.DELETE.ALERTS.*", "$JS.API.STREAM.INFO.ALERTS"] }
        subscribe: { allow: ["_INBOX.lan24.>"] } } } ] }
  PUB: { jetstream: enabled, users: [ { user: public, password: "" } ] }
}
"""


@pytest.fixture
async def guarded(make_server: Callable[..., NatsServer]) -> str:
    """The URL of a server with users; one alert is in it."""
    server = make_server(extra=ACCOUNTS)
    async with aclosing(await Admin.connect(user(server.url, "admin", "admin"))) as admin:
        await admin.make_streams("ALERTS", "STATE")
        await admin.put(subjects.alert("act", "power.endurance/2480-a"), alert("a", "red"))
    return server.url


async def test_a_lans_user_reads_its_lan_and_is_refused_another(guarded: str) -> None:
    """A permission cut to a län lets its alerts be read; another län's, and other streams, are refused at once."""
    async with connect(user(guarded, "lan24", "x"), inbox_prefix="_INBOX.lan24", pace=PACE) as client:
        async with client.alerts("24") as alerts:
            assert len(await alerts.current()) == 1
        for refused in (client.alerts("25"), client.states("24")):
            with pytest.raises(ReadRefused) as caught:
                async with asyncio.timeout(0.9), refused as feed:
                    await feed.current()
            assert caught.value.reason == "permission"


async def test_a_wrong_inbox_prefix_is_named(guarded: str) -> None:
    """A user who may only listen under a prefix of its own is told so."""
    async with connect(user(guarded, "lan24", "x"), pace=PACE) as client, client.alerts("24") as alerts:
        with pytest.raises(ReadRefused, match="inbox prefix"):
            await alerts.current()


async def test_bad_credentials_fail_at_once(guarded: str) -> None:
    """A wrong password is not tried again until the time is out."""
    with pytest.raises(ConnectFailed, match=r"(?i)authorization"):
        async with asyncio.timeout(2), connect(user(guarded, "lan24", "wrong"), timeout_s=60):
            pass


async def test_the_public_users_url_has_a_name_and_no_password(guarded: str) -> None:
    """`nats://public@…` connects as the user with an empty password."""
    async with connect(guarded.replace("//", "//public@")) as client:
        assert client.connected


async def test_a_connection_that_is_closed_for_good_ends_the_feed(guarded: str) -> None:
    """When the server turns the credentials down in the middle, iterating raises instead of waiting for ever."""
    connecting = connect(user(guarded, "lan24", "x"), inbox_prefix="_INBOX.lan24", pace=PACE)
    async with connecting as client, client.alerts("24") as alerts:
        await alerts.current()
        waiting = asyncio.create_task(anext(alerts))
        await client._connection._nats.close()
        with pytest.raises(ConnectionGone):
            await asyncio.wait_for(waiting, 5)
