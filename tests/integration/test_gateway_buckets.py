import asyncio

import pytest
from nats.js.errors import KeyNotFoundError

from servers import Dial, Eventually, NatsServer
from vardkase.federation import topology
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.bucket import Bucket, BucketAway
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.errors import WriteConflict
from vardkase_contracts.areas import Area

LAN = Area.parse("24")
NAMES = ("TOKENS", "SESSIONS", "HTTP_KNOWN")


async def test_buckets_are_on_disk_bounded_and_known_to_others(nc: Connection) -> None:
    """Files, one value a key, a bound; NATS' own client reads and writes them as its own."""
    await topology.ensure(nc, LAN, share=0.05)
    for name in NAMES:
        config = (await call(nc, f"STREAM.INFO.KV_{name}"))["config"]
        assert (config["storage"], config["max_msgs_per_subject"]) == ("file", 1)
        assert 0 < config["max_bytes"] < 2**30
        assert config["deny_delete"]
        theirs, ours = await nc.jetstream().key_value(name), Bucket(nc, name)
        await theirs.put("a.b", b"theirs")
        entry = await ours.get("a.b")
        assert entry is not None
        assert entry.data == b"theirs"
        await ours.put("a.b", b"ours", expected=entry.sequence)
        assert (await theirs.get("a.b")).value == b"ours"
        await ours.erase("a.b")
        with pytest.raises(KeyNotFoundError):
            await theirs.get("a.b")
        await theirs.put("c", b"x")
        await theirs.purge("c")
        gone = await ours.get("c")
        assert gone is not None
        assert gone.data is None


async def test_a_key_is_created_once(nc: Connection, dial: Dial, nats_server: NatsServer) -> None:
    """Of many at once one creates it; when it was erased it can be created anew."""
    await topology.ensure(nc, LAN, share=0.05)
    buckets = [Bucket(nc, "HTTP_KNOWN"), Bucket(await dial(nats_server.url), "HTTP_KNOWN")]
    made = await asyncio.gather(*(buckets[n % 2].create("act.2480.x", str(n).encode()) for n in range(20)))
    assert len([each for each in made if each is not None]) == 1
    await buckets[0].erase("act.2480.x")
    assert await buckets[1].create("act.2480.x", b"again") is not None
    assert await buckets[0].create("act.2480.x", b"too late") is None
    entry = await buckets[0].get("act.2480.x")
    assert entry is not None
    assert entry.data == b"again"


async def test_a_value_is_replaced_by_who_knows_it(nc: Connection) -> None:
    """Compare-and-set: another's change in between is not overwritten."""
    await topology.ensure(nc, LAN, share=0.05)
    bucket = Bucket(nc, "TOKENS")
    assert await bucket.get("a") is None
    first = await bucket.put("a", b"1")
    await bucket.put("a", b"2", expected=first)
    with pytest.raises(WriteConflict):
        await bucket.put("a", b"3", expected=first)


async def test_what_has_a_time_ends_by_itself(nc: Connection, eventually: Eventually) -> None:
    """A value with a time to live goes, and the key can be created anew."""
    await topology.ensure(nc, LAN, share=0.05)
    bucket = Bucket(nc, "SESSIONS")
    await bucket.put("a", b"1", lives=1)
    await bucket.put("b", b"1")

    async def ended() -> bool:
        entry = await bucket.get("a")
        return entry is None or entry.data is None

    await eventually(ended, what="ended")
    assert await bucket.create("a", b"2", lives=60) is not None
    assert await bucket.messages() == 2


async def test_what_was_sent_over_http_makes_room_for_what_is_sent(nc: Connection) -> None:
    """The oldest goes when HTTP_KNOWN is full: no report is refused for what is only there to know a repeat."""
    await topology.ensure(nc, LAN, share=0.0001)
    bucket = Bucket(nc, "HTTP_KNOWN")
    for number in range(30):
        await bucket.create(f"act.2480.{number}", b"x" * 60_000)
    assert await bucket.get("act.2480.0") is None
    assert await bucket.get("act.2480.29") is not None
    assert await bucket.fill_ratio() <= 1
    assert (await call(nc, "STREAM.INFO.KV_HTTP_KNOWN"))["config"]["max_age"] == 7 * 86_400 * 10**9


async def test_a_bucket_that_is_full_refuses_what_is_new(nc: Connection) -> None:
    """Nothing that lets somebody in goes for what is new."""
    await topology.ensure(nc, LAN, share=0.0001)
    bucket = Bucket(nc, "TOKENS", patience=1)

    async def fill() -> None:
        for number in range(400):
            await bucket.put(f"k{number}", b"x" * 3900)

    with pytest.raises(BucketAway):
        await fill()
    assert await bucket.get("k0") is not None


async def test_a_bucket_that_is_away_is_told_of_in_a_bounded_time(nc: Connection, nats_server: NatsServer) -> None:
    """Neither reading nor writing waits for ever."""
    await topology.ensure(nc, LAN, share=0.05)
    bucket = Bucket(nc, "TOKENS", timeout=0.3, patience=0.5)
    await bucket.put("a", b"1")
    nats_server.freeze()
    try:
        for attempt in (bucket.get("a"), bucket.put("a", b"2"), bucket.messages()):
            async with asyncio.timeout(5):
                with pytest.raises(BucketAway):
                    await attempt
    finally:
        nats_server.thaw()


@pytest.mark.parametrize("key", ["", ".", "a.", "a b", "a*", ">", "å", "a\r\nPUB x", "x" * 257])
async def test_a_key_that_is_none_is_not_sent(nc: Connection, key: str) -> None:
    """No key becomes another subject, a wildcard, or a line of the protocol."""
    with pytest.raises(ValueError, match="a key is"):
        await Bucket(nc, "TOKENS").get(key)
