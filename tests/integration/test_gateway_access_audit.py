import asyncio
from pathlib import Path

import pytest
from access_kit import AREA, audited, gate, make_streams, settings_of

from servers import Eventually, NatsServer
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.connection import Connection
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import REALITIES

UMEA, STOCKHOLM = Area.parse("2480"), Area.parse("0180")
WHO = Principal(id="tibtibtibtib", role="lan", area=AREA, realities=frozenset(REALITIES))


async def test_an_act_is_on_disk_before_it_is_answered(nats_server: NatsServer, nc: Connection, tmp_path: Path) -> None:
    """When telling of it returns, a killed server has it still."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        await one.audit.act(WHO, "order.ack", "power.lost/2480-x", UMEA, "exe")
        nats_server.kill()
        nats_server.start()
    event = (await audited(nc))[0]
    assert (event.subject, event.reality, event.source) == ("2480", "exe", "urn:tp:node:lan-24")
    assert (event.data.who.id, event.data.who.role) == ("tibtibtibtib", "lan")
    assert (event.data.what, event.data.on, event.data.outcome) == ("order.ack", "power.lost/2480-x", "done")


async def test_many_acts_at_once_are_each_told_of_once(nc: Connection, tmp_path: Path) -> None:
    """Each waits for its own place; together they cost a few writes."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        await asyncio.gather(*(one.audit.act(WHO, "order.note", str(n), UMEA, "act") for n in range(300)))
        assert sorted(int(event.data.on) for event in await audited(nc)) == list(range(300))
        assert one.count("vardkase_audit_events_total", outcome="act") == 300


async def test_what_is_read_is_told_of_a_moment_later_and_once(
    nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """The same again within a minute is counted; a refusal is another thing than a reading."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        for _ in range(5):
            one.audit.read(WHO, "read.picture", "24", AREA, "act")
            one.audit.refused(WHO, "read.picture", "0180", STOCKHOLM, "act")
            one.audit.refused(None, "request.get", "/v1/points", AREA, "act")

        async def told() -> bool:
            return len(await audited(nc)) == 3

        await eventually(told, what="three events")
        assert one.count("vardkase_audit_repeated_total") == 12
    by_on = {event.data.on: event for event in await audited(nc)}
    assert by_on["24"].data.outcome == "done"
    assert by_on["0180"].data.outcome == "refused"
    assert by_on["0180"].subject == "24"  # what lies outside of the node is told of under the node's own area
    assert (by_on["/v1/points"].data.who.id, by_on["/v1/points"].data.who.role) == ("anonymous", None)


async def test_a_gateway_that_stops_leaves_nothing_untold(nc: Connection, tmp_path: Path) -> None:
    """What was read a moment before is written before it ends."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path, audit_linger=0.5)) as one:
        for number in range(50):
            one.audit.read(WHO, "read.point", f"2480-p{number}", UMEA, "act")
    assert len(await audited(nc)) == 50
    assert one.count("vardkase_audit_lost_total") == 0


async def test_while_the_audit_is_away_nobody_acts_and_what_is_read_waits(
    nats_server: NatsServer, nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """An act is refused so that it is done again; reads are told of when it is back, with the time that they had."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path, audit_timeout=1)) as one:
        nats_server.kill()
        with pytest.raises(Problem) as caught:
            await one.audit.act(WHO, "order.ack", "x", UMEA, "act")
        assert (caught.value.status, caught.value.code) == (503, "audit_away")
        assert caught.value.headers["retry-after"]
        for number in range(20):
            one.audit.read(WHO, "read.point", f"2480-p{number}", UMEA, "act")
        await eventually(lambda: not one.audit.check().ok, what="it is told")
        assert not one.audit.check().needed
        nats_server.start()
        await eventually(lambda: one.audit.check().ok, what="it is written", within=20)
        await one.audit.act(WHO, "order.ack", "again", UMEA, "act")

        async def all_told() -> bool:
            return len([event for event in await audited(nc) if event.data.what == "read.point"]) == 20

        await eventually(all_told, what="what was read is told of")
        assert one.count("vardkase_audit_lost_total") == 0


async def test_a_full_audit_takes_no_act_and_counts_what_it_leaves_out(
    nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """Nothing that stands in it goes for what is new; what has no room here either is counted, and not silent."""
    await make_streams(nc)
    config = (await call(nc, "STREAM.INFO.AUDIT"))["config"]
    await call(nc, "STREAM.UPDATE.AUDIT", config | {"max_bytes": 600})
    async with gate(nc, settings_of(tmp_path, audit_timeout=0.5, audit_backlog=5)) as one:
        await one.audit.act(WHO, "order.ack", "first", UMEA, "act")
        with pytest.raises(Problem):
            await one.audit.act(WHO, "order.ack", "second", UMEA, "act")
        for number in range(20):
            one.audit.read(WHO, "read.point", f"2480-p{number}", UMEA, "act")
        assert one.count("vardkase_audit_lost_total") == 15
        await call(nc, "STREAM.UPDATE.AUDIT", config)

        async def told() -> bool:
            return len(await audited(nc)) == 6

        await eventually(told, what="what had room here", within=20)
    assert (await audited(nc))[0].data.on == "first"


async def test_nothing_stands_twice_in_the_audit(
    nats_server: NatsServer, nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """Frozen in the middle of writing, the server has each event once when it goes on."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path, audit_timeout=1, audit_linger=0)) as one:
        await one.audit.act(WHO, "order.note", "first", UMEA, "act")
        for number in range(200):
            one.audit.read(WHO, "read.point", f"2480-p{number % 50}", UMEA, "act")
            if number == 20:
                await asyncio.sleep(0)
                nats_server.freeze()
        await asyncio.sleep(2.5)
        nats_server.thaw()

        async def told() -> bool:
            return len(await audited(nc)) >= 51

        await eventually(told, what="all is told of", within=20)
    events = await audited(nc)
    assert len({event.id for event in events}) == len(events) == 51
