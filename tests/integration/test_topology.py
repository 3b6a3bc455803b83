"""The streams of a node, and who may do what with them."""

from typing import Any

import pytest
from nats.aio.client import Client

from servers import Dial, NatsServer
from vardkase.federation import topology
from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.api import ApiError, call
from vardkase.runtime.jetstream.connection import Connection
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area

AREAS = [Area.parse(code) for code in ("2480", "24", "norra", "SE")]
LAN = Area.parse("24")


async def config_of(nc: Client, stream: str) -> dict[str, Any]:
    return (await call(nc, f"STREAM.INFO.{stream}"))["config"]


async def test_streams_are_kept_as_the_contract_says(nc: Connection) -> None:
    """Limits and files; the log refuses what is new when full and never ages; of states the last value stays."""
    await topology.ensure(nc, LAN, share=0.05)
    await topology.ensure_public(nc, LAN, share=0.05)
    configs = {kept.name: await config_of(nc, kept.name) for kept in (*topology.KEPT, topology.PUBLIC)}
    assert set(configs) == {stream.name for stream in streams.STREAMS} - {streams.ORDERS_DOWN}
    for name, config in configs.items():
        assert (config["retention"], config["storage"]) == ("limits", "file"), name
        assert config["max_bytes"] > 0, name
        assert not config.get("discard_new_per_subject"), name
        assert not config.get("persist_mode"), name
    assert configs["INTAKE"]["max_age"] == 7 * 86_400 * 10**9
    assert configs["INTAKE"]["duplicate_window"] == 100_000_000
    assert (configs["REPORTS"]["discard"], configs["REPORTS"]["max_age"]) == ("new", 0)
    assert configs["REPORTS"]["duplicate_window"] == 120 * 10**9
    for name in ("REPORTS", "STATE", "PICTURES", "ALERTS", "PUBLIC"):
        assert configs[name]["allow_atomic"], name
    for stream in streams.STREAMS:
        if stream.name in configs:
            assert configs[stream.name]["max_msgs_per_subject"] == (1 if stream.keeps == "last" else -1), stream.name
            assert configs[stream.name]["allow_direct"] or stream.keeps == "all", stream.name


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.code)
async def test_every_subject_of_an_area_has_its_stream(nc: Connection, area: Area) -> None:
    """What the contract's builders make for an area goes to the stream of its family, and what is outside to none."""
    await topology.ensure(nc, area, share=0.05)
    await topology.ensure_public(nc, area, share=0.05)
    kommun = area.kommuner()[0]
    outside = next(code for code in ("0114", "1480") if not area.covers(code) or area.level == "nation")
    js = nc.jetstream(timeout=2)
    for code, inside in ((kommun, True), (outside, area.level == "nation")):
        point = f"{code}-skolan"
        built = {
            "INTAKE": subjects.report("exe", code, "skolan", "status"),
            "REPORTS": subjects.accepted("act", code, "_", "activation"),
            "REJECTED": subjects.rejected("tst", code[:2], code, "skolan"),
            "STATE": subjects.state("act", code, "skolan"),
            "ALERTS": subjects.alert("act", f"power.endurance/{point}"),
            "PUBLIC": subjects.public(code, "skolan"),
        }
        for stream, subject in built.items():
            if inside:
                assert (await js.publish(subject, b"{}")).stream == stream
            else:
                assert (await call(nc, "STREAM.NAMES", {"subject": subject}))["streams"] is None
    for stream, subject in {
        "PICTURES": subjects.picture("act", area),
        "ALERTS": subjects.alert("act", f"area.red_share/{area.code}"),
        "ORDERS_UP": subjects.order("act", area, "ack"),
        "AUDIT": subjects.audit("act", area),
    }.items():
        assert (await js.publish(subject, b"{}")).stream == stream


async def test_making_them_again_mends_and_resets_nothing(nc: Connection) -> None:
    """What is otherwise than named is mended; room, description and messages are the operator's and stay."""
    await topology.ensure(nc, LAN, share=0.05)
    await nc.jetstream().publish("tp.v1.act.accepted.24.2480.x.status", b"one")
    before = await config_of(nc, "REPORTS")
    await topology.ensure(nc, LAN, share=0.5)
    assert await config_of(nc, "REPORTS") == before
    other = before | {
        "discard": "old",
        "max_age": 10**12,
        "allow_atomic": False,
        "duplicate_window": 10**9,
        "max_bytes": 77 << 20,
        "description": "mine",
        "allow_rollup_hdrs": True,
    }
    await call(nc, "STREAM.UPDATE.REPORTS", other)
    await topology.ensure(nc, LAN, share=0.05)
    assert await config_of(nc, "REPORTS") == before | {
        "max_bytes": 77 << 20,
        "description": "mine",
        "allow_rollup_hdrs": True,
        "max_age": 10**12,
    }
    assert (await call(nc, "STREAM.INFO.REPORTS"))["state"]["messages"] == 1


async def test_a_stream_that_cannot_be_mended_is_named(nc: Connection) -> None:
    """A stream of another kind, or one that has our subjects, is refused in one line, and left alone."""
    stranger = {"name": "MINE", "subjects": ["tp.v1.act.state.>"], "storage": "file"}
    await call(nc, "STREAM.CREATE.MINE", stranger)
    with pytest.raises(Failed, match=r"^the stream STATE cannot be made: .*overlap.*$"):
        await topology.ensure(nc, LAN, share=0.05)
    await call(nc, "STREAM.DELETE.MINE")
    await call(nc, "STREAM.CREATE.STATE", stranger | {"name": "STATE", "storage": "memory"})
    with pytest.raises(Failed, match=r"^the stream STATE cannot be mended: .*storage.*$"):
        await topology.ensure(nc, LAN, share=0.05)
    assert (await config_of(nc, "STATE"))["storage"] == "memory"


async def test_how_full_each_stream_is(nc: Connection) -> None:
    """The share of its room that a stream takes."""
    await topology.ensure(nc, LAN, share=0.0001)
    assert set(await topology.fill_ratios(nc)) == {kept.name for kept in topology.KEPT}
    for _ in range(5):
        await nc.jetstream().publish("tp.v1.act.accepted.24.2480.x.status", b"x" * 100_000)
    ratios = await topology.fill_ratios(nc)
    assert 0.4 < ratios["REPORTS"] < 0.6
    assert ratios["STATE"] == 0


async def test_readers_of_the_public_account_leave_nothing_behind(
    nc: Connection, dial: Dial, nats_server: NatsServer
) -> None:
    """A consumer of the public stream lives five minutes without its reader at most, durable or not."""
    await topology.ensure_public(nc, LAN, share=0.05)
    reader = await dial(nats_server.url)
    limit = 300 * 10**9

    async def make(name: str, **config: object) -> dict[str, Any]:
        body = {"stream_name": "PUBLIC", "config": {"name": name, "ack_policy": "none", **config}, "action": "create"}
        return await call(reader, f"CONSUMER.CREATE.PUBLIC.{name}", body)

    assert (await make("a"))["config"]["inactive_threshold"] == limit
    assert (await make("b", durable_name="b"))["config"]["inactive_threshold"] == limit
    with pytest.raises(ApiError, match="inactive threshold exceeds"):
        await make("c", inactive_threshold=10**18)
