"""What is sent over HTTP on its way into the streams: known when it comes again, stored together, or turned away."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import pytest

from servers import Dial, Eventually, NatsServer
from vardkase.federation import topology
from vardkase.gateway.problems import Problem
from vardkase.gateway.writing.items import Checked, Item, check_report, report_item
from vardkase.gateway.writing.known import STREAM as KNOWN
from vardkase.gateway.writing.known import Known
from vardkase.gateway.writing.sender import Sender, TurnedAway
from vardkase.gateway.writing.writing import Writing
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.setting_groups import WebSettings
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts import signing, streams
from vardkase_contracts.areas import Area
from vardkase_contracts.client.signer import Ed25519Signer
from vardkase_contracts.instants import iso, parse
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.signing import Signer

LAN = Area.parse("24")
AT = parse("2026-11-20T02:40:00Z")
FAST = {"store_timeout": 0.4, "store_patience": 0.8, "fill_check": 0.05}


def event(name: str = "r1", *, at: int = AT, occupancy: int = 1, point: str = "2480-x") -> bytes:
    """A status report."""
    said = {
        "specversion": "1.0",
        "id": name,
        "source": f"urn:tp:kommun:{point[:4]}:a",
        "type": "se.trygghetspunkt.status.v1",
        "subject": point,
        "time": iso(at),
        "reality": "act",
        "data": {"occupancy": occupancy},
    }
    return json.dumps(said).encode()


def item(name: str = "r1", *, once: bool = False, **said: Any) -> Item:
    """A status report as it is sent."""
    return report_item(event(name, **said), once=once)


async def stored(nc: Connection, stream: str = streams.INTAKE) -> list[bytes]:
    """What a stream holds."""
    return [one.data async for one in scan(nc, stream, [])]


MakeSender = Callable[..., Awaitable[Sender]]


@pytest.fixture
async def make_sender(nc: Connection) -> AsyncIterator[MakeSender]:
    await topology.ensure(nc, LAN, share=0.05)
    running: list[asyncio.Task[None]] = []

    async def make(
        connection: Connection = nc, signers: Mapping[str, Signer] = MappingProxyType({}), **settings: Any
    ) -> Sender:
        sender = Sender(connection, streams.INTAKE, WebSettings(**{**FAST, **settings}), signers)
        running.append(asyncio.create_task(sender.run()))
        return sender

    yield make
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_what_comes_again_is_known(nc: Connection, make_sender: MakeSender) -> None:
    """The same bytes are stored once, by any gateway; other bytes under a known id are stored too."""
    one, other = await make_sender(), await make_sender()
    (first,) = await one.send([item()])
    (again,) = await one.send([item()])
    assert (first.duplicate, again.duplicate, first.data) == (False, True, event())
    assert await stored(nc) == [event()]
    (elsewhere,) = await other.send([item()])  # which cannot know that the first of the two writes was followed
    assert elsewhere.duplicate
    assert await stored(nc) == [event(), event()]
    (changed,) = await one.send([item(occupancy=2)])
    (changed_again,) = await one.send([item(occupancy=2)])
    assert (changed.duplicate, changed_again.duplicate) == (False, True)
    assert await stored(nc) == [event(), event(), event(occupancy=2)]


async def test_an_event_made_here_is_known_by_its_id(nc: Connection, make_sender: MakeSender) -> None:
    """Sent again later, of an age, it is the one of then; the same id about another point is another event."""
    sender = await make_sender()
    await sender.send([item(once=True)])
    (again,) = await sender.send([item(once=True, at=AT + 5_000_000)])
    assert again.duplicate
    assert again.data == event()
    (other,) = await sender.send([item(once=True, point="2480-y")])
    assert not other.duplicate
    assert await stored(nc) == [event(), event(point="2480-y")]


async def test_a_gateway_killed_between_the_writes_loses_nothing(nc: Connection, make_sender: MakeSender) -> None:
    """What is known and was not stored is stored when it is sent again, with the bytes of then."""
    sender = await make_sender()
    key = item().key
    await Known(nc, timeout=1, patience=2).keep({key: event()})
    (sent,) = await sender.send([item(once=True, at=AT + 1)])
    assert sent.duplicate
    assert await stored(nc) == [event()]


async def test_many_at_once_are_stored_together(nc: Connection, make_sender: MakeSender) -> None:
    """A thousand reports of hundreds of senders are each stored once, in a few writes."""
    senders = [await make_sender(), await make_sender()]
    sent = await asyncio.gather(
        *(senders[at % 2].send([item(f"r{at}"), item(f"s{at}"), item(f"r{at}")]) for at in range(300))
    )
    assert [[each.duplicate for each in three] for three in sent] == [[False, False, True]] * 300
    held = await stored(nc)
    assert sorted(json.loads(each)["id"] for each in held) == sorted([f"{a}{at}" for at in range(300) for a in "rs"])
    info = await call(nc, f"STREAM.INFO.{KNOWN}")
    assert info["state"]["messages"] == 600


async def test_two_gateways_with_the_same_at_once_agree(make_sender: MakeSender) -> None:
    """The same id sent to both at once is known under one of the two events, and both are told the truth."""
    senders = [await make_sender() for _ in range(4)]
    for round_ in range(10):
        items = [item(f"r{round_}", once=True, at=AT + number) for number in range(4)]
        sent = await asyncio.gather(*(sender.send([each]) for sender, each in zip(senders, items, strict=True)))
        assert len({each[0].data for each in sent}) == 1
        assert sum(not each[0].duplicate for each in sent) <= 1


async def test_a_full_stream_turns_away(nc: Connection, make_sender: MakeSender) -> None:
    """A batch that has no room is not stored at all; with room again, the same is taken."""
    sender = await make_sender()
    info = (await call(nc, f"STREAM.INFO.{streams.INTAKE}"))["config"]
    await call(nc, f"STREAM.UPDATE.{streams.INTAKE}", {**info, "max_bytes": 4096})
    batch = [item(f"r{at}") for at in range(50)]
    with pytest.raises(TurnedAway) as error:
        await sender.send(batch)
    assert error.value.why == "full"
    assert not await stored(nc)
    await call(nc, f"STREAM.UPDATE.{streams.INTAKE}", info)
    await sender.send(batch)
    assert len(await stored(nc)) == 50


async def test_a_bus_that_is_away_turns_away_at_once_and_heals(
    nats_server: NatsServer, nc: Connection, dial: Dial, make_sender: MakeSender, eventually: Eventually
) -> None:
    """Frozen: turned away in time. Killed: at once. Back: the same is taken, and stored once."""
    own = await dial(nats_server.url, ping_interval=0.2)
    sender = await make_sender(own)
    await sender.send([item()])
    nats_server.freeze()
    began = time.monotonic()
    with pytest.raises(TurnedAway) as error:
        await sender.send([item("r2")])
    assert error.value.why == "away"
    assert time.monotonic() - began < 3
    nats_server.thaw()
    nats_server.kill()
    await eventually(lambda: not own.is_connected)
    began = time.monotonic()
    with pytest.raises(TurnedAway):
        await sender.send([item("r2")])
    assert time.monotonic() - began < 0.2
    nats_server.start()
    await eventually(lambda: own.is_connected and nc.is_connected)

    async def taken() -> bool:
        try:
            await sender.send([item("r2")])
        except TurnedAway:
            return False
        return True

    await eventually(taken)
    assert set(await stored(nc)) == {event(), event("r2")}


async def test_too_much_at_once_is_turned_away(nc: Connection, make_sender: MakeSender) -> None:
    """What waits is bounded in events and in bytes."""
    sender = await make_sender(waiting=5)
    answers = await asyncio.gather(*(sender.send([item(f"r{at}")]) for at in range(9)), return_exceptions=True)
    away = [each for each in answers if isinstance(each, TurnedAway)]
    assert len(away) == 4
    assert {each.why for each in away} == {"busy"}
    assert len(await stored(nc)) == 5
    assert sender.waiting == 0
    small = await make_sender(waiting_bytes=10)
    with pytest.raises(TurnedAway):
        await small.send([item()])


@asynccontextmanager
async def writing_of(nc: Connection, **settings: Any) -> AsyncIterator[Writing]:
    """The part of a gateway that writes."""
    tasks = Tasks()
    writing = Writing(Settings(area="24", web=WebSettings(**{**FAST, **settings})), Metrics(), tasks)
    await writing.start(nc)
    try:
        yield writing
    finally:
        await writing.stop()
        await tasks.stop()


async def test_before_the_log_is_full_reports_are_turned_away(nc: Connection, eventually: Eventually) -> None:
    """A log without room would hide what is stored: 503 with Retry-After, and the check says why; then again taken."""
    await topology.ensure(nc, LAN, share=0.05)
    info = (await call(nc, f"STREAM.INFO.{streams.REPORTS}"))["config"]
    async with writing_of(nc) as writing:
        await writing.send([item()])
        subject = "tp.v1.act.accepted.24.2480.x.status"
        await nc.request(subject, b"x" * 100_000)
        await call(nc, f"STREAM.UPDATE.{streams.REPORTS}", {**info, "max_bytes": 102_000})
        await eventually(lambda: not writing.checks()[0].ok)
        with pytest.raises(Problem) as error:
            await writing.send([item("r2")])
        assert error.value.status == 503
        assert 20 <= int(error.value.headers["retry-after"]) <= 40
        assert not writing.checks()[0].needed
        await call(nc, f"STREAM.UPDATE.{streams.REPORTS}", info)
        await eventually(lambda: writing.checks()[0].ok)
        await writing.send([item("r2")])
    assert len(await stored(nc)) == 2


async def test_nothing_is_told_to_be_stored_by_a_gateway_that_stops(nc: Connection) -> None:
    """What waits when it stops is turned away, and not left without an answer."""
    await topology.ensure(nc, LAN, share=0.05)
    async with writing_of(nc) as writing:
        sending = [asyncio.create_task(writing.send([item(f"r{at}")])) for at in range(20)]
        await asyncio.sleep(0)
    answers = await asyncio.wait_for(asyncio.gather(*sending, return_exceptions=True), 3)
    for answer in answers:
        assert isinstance(answer, list) or (isinstance(answer, Problem) and answer.status == 503)


async def test_what_is_taken_in_is_signed(nc: Connection, make_sender: MakeSender) -> None:
    """With a key of its kommun a report is signed here, unless its sender has signed it; others are not."""
    key = Ed25519Signer(bytes(range(32)))
    sender = await make_sender(signers={"2480": key})
    given = signing.header(signing.Signature("0" * 16, bytes(64)))
    checked = check_report(event("own"), signature=given)
    assert isinstance(checked, Checked)
    await sender.send([item("made"), checked.item, item("other", point="2401-x")])
    found = {one.data: one.headers.get(signing.HEADER) async for one in scan(nc, streams.INTAKE, [])}
    subject = "tp.v1.act.report.24.2480.x.status"
    assert found == {
        event("made"): signing.sign(key, subject, event("made")),
        event("own"): given,
        event("other", point="2401-x"): None,
    }
    (again,) = await sender.send([item("made")])
    assert again.duplicate
    refused = check_report(event("bad"), signature="nonsense")
    assert isinstance(refused, Refusal)
    assert refused.reason == "signature"
