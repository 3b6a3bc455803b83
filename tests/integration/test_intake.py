"""Intake in process, on a real server: what enters the log, what is refused, and what is counted."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from contract.fixtures import faulty_reports, report
from servers import Dial, Eventually, MakeServer, NatsServer
from vardkase.federation import topology
from vardkase.intake.app import Intake
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import parse
from vardkase_contracts.refusals import LONGEST_KEPT, REJECTED

NATION = Area.parse("SE")
SUBJECT = "tp.v1.act.report.24.2480.umedalen-skola.status"


def status(number: object, **changes: Any) -> dict[str, Any]:
    """A good status report."""
    return report("status", id=f"s{number}", subject="2480-umedalen-skola", source="urn:tp:kommun:2480") | changes


def good(number: object, **changes: Any) -> tuple[str, bytes]:
    """A good report, and where it is sent."""
    event = status(number, **changes)
    subject = f"tp.v1.{event['reality']}.report.24.2480.{event['subject'][5:]}.status"
    return subject, json.dumps(event).encode()


class House:
    """A node's streams, with intake as it is started here."""

    def __init__(self, nc: Connection, directory: Path) -> None:
        self.nc = nc
        self._settings = Settings(
            data_dir=directory,
            node="here",
            area="SE",
            intake={"tick": 0.1},  # type: ignore[arg-type]
            reader={"heartbeat": 0.5, "check": 0.5, "stuck": 1.0},  # type: ignore[arg-type]
            writer={"timeout": 1.0, "backoff_max": 0.2},  # type: ignore[arg-type]
        )
        self.metrics = Metrics()
        self._running: list[Intake] = []

    async def start(self) -> Intake:
        """Start intake; a second one is its successor."""
        self.metrics = Metrics()
        intake = Intake(self._settings, self.metrics)
        await intake.start(self.nc)
        self._running.append(intake)
        return intake

    async def crash(self, intake: Intake) -> None:
        """End it without finishing anything, as kill -9 does."""
        self._running.remove(intake)
        await intake.tasks.stop()
        for lane in intake._lanes:
            watcher = lane._reader._watcher
            assert watcher is not None
            watcher.cancel()
            await lane._reader._unbind("killed")

    async def stop(self) -> None:
        """Stop all."""
        for intake in self._running:
            await intake.stop()

    async def send(self, *messages: tuple[str, bytes]) -> list[int]:
        """Publish to INTAKE; the sequences."""
        writer = StreamWriter(self.nc, streams.INTAKE)
        return await writer.write([Outgoing(subject=subject, data=data) for subject, data in messages])

    async def held(self, stream: str) -> list[Delivery]:
        """What a stream holds."""
        return [one async for one in scan(self.nc, stream, [])]

    async def size(self, stream: str) -> int:
        """How many messages a stream holds."""
        return (await call(self.nc, f"STREAM.INFO.{stream}"))["state"]["messages"]

    async def quiet(self) -> bool:
        """Whether everything in INTAKE is dealt with."""
        last = (await call(self.nc, f"STREAM.INFO.{streams.INTAKE}"))["state"]["last_seq"]
        infos = (await call(self.nc, f"CONSUMER.LIST.{streams.INTAKE}"))["consumers"]
        if len(infos) < 3 or any(info["num_pending"] + info["num_ack_pending"] for info in infos):
            return False
        return max(info["ack_floor"]["stream_seq"] for info in infos) >= last  # a count of what waits may lag

    def count(self, name: str, **labels: str) -> float:
        """A counter's value."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
async def house(nc: Connection, tmp_path: Path) -> AsyncIterator[House]:
    await topology.ensure(nc, NATION, share=0.05)
    house = House(nc, tmp_path)
    yield house
    await house.stop()


async def test_a_report_enters_as_it_came_with_what_intake_adds(house: House, eventually: Eventually) -> None:
    """The bytes are the sender's own; when and where it came in, and its identity, stand in headers."""
    await house.start()
    subject, data = good(1)
    data = data.replace(b"{", b"{ ", 1) + b"\n"
    (sequence,) = await house.send((subject, data))
    await eventually(house.quiet)
    (entry,) = await house.held(streams.REPORTS)
    (raw,) = await house.held(streams.INTAKE)
    assert entry.data == data
    assert entry.subject == subject.replace(".report.", ".accepted.")
    assert set(entry.headers) == {"Tp-Received", "Tp-Origin", "Nats-Msg-Id"}
    assert parse(entry.headers["Tp-Received"]) == raw.stored_at
    assert entry.headers["Tp-Origin"] == f"here/{sequence}"
    assert entry.headers["Nats-Msg-Id"] == "act.2480.s1"
    assert await house.size(streams.REJECTED) == 0


async def test_every_refusal_among_a_thousand_good_reports(house: House, eventually: Eventually) -> None:
    """Each fault is told with its reason and field and counted; the good reports around it enter, each once."""
    await house.start()
    faults = [fault for fault in faulty_reports() if fault.name != "subject_reality_unknown"]  # INTAKE does not take it
    large = (SUBJECT, b"[" + b" " * (64 * 1024) + b"]")
    messages = [good(n) for n in range(1000)]
    for place, fault in enumerate(faults):
        messages.insert(place * 9, (fault.subject, fault.raw))
    messages.insert(500, large)
    await house.send(*messages)
    await eventually(house.quiet)
    entered = [json.loads(one.data)["id"] for one in await house.held(streams.REPORTS)]
    assert entered == [f"s{n}" for n in range(1000)]
    told = [REJECTED.validate_json(one.data) for one in await house.held(streams.REJECTED)]
    expected = [(fault.reason, fault.field, fault.raw) for fault in faults] + [("too_large", None, large[1])]
    assert Counter((one.data.reason, one.data.field, base64.b64decode(one.data.bytes)) for one in told) == Counter(
        expected
    )
    for reason, count in Counter(reason for reason, _, _ in expected).items():
        counted = sum(
            house.count("vardkase_rejected_total", reality=reality, reason=reason) for reality in ("act", "exe", "tst")
        )
        assert counted == count, reason
    assert house.count("vardkase_reports_total", reality="act", kind="status", outcome="accepted") == 1000


async def test_the_three_realities_stand_apart(house: House, eventually: Eventually) -> None:
    """The same id in three realities is three reports; one sent as another reality is refused."""
    await house.start()
    await house.send(*(good(1, reality=reality) for reality in ("act", "exe", "tst")))
    await house.send((SUBJECT.replace(".act.", ".exe."), good(2)[1]))
    await eventually(house.quiet)
    subjects = [one.subject.split(".")[2] for one in await house.held(streams.REPORTS)]
    assert sorted(subjects) == ["act", "exe", "tst"]
    (refused,) = await house.held(streams.REJECTED)
    assert refused.subject == "tp.v1.exe.rejected.24.2480.umedalen-skola"
    assert REJECTED.validate_json(refused.data).data.field == "reality"


async def test_repeats_and_copies(house: House, eventually: Eventually) -> None:
    """An identical repeat is counted and dropped; other bytes under the same identity enter beside it, each once."""
    await house.start()
    first, other = good(1), good(1, role="stab")
    await house.send(first, other, first, other)
    await eventually(house.quiet)
    await house.send(other, first, good(1, role="tib"))
    await eventually(house.quiet)
    entries = await house.held(streams.REPORTS)
    assert [one.data for one in entries] == [first[1], other[1], good(1, role="tib")[1]]
    identities = [one.headers["Nats-Msg-Id"] for one in entries]
    assert identities[0] == "act.2480.s1"
    assert all(one.startswith("act.2480.s1.") and len(one) == len("act.2480.s1.") + 16 for one in identities[1:])
    assert house.count("vardkase_reports_total", reality="act", kind="status", outcome="duplicate") == 4
    assert house.count("vardkase_reports_total", reality="act", kind="status", outcome="accepted") == 3


async def test_a_backlog_enters_in_its_order(house: House, eventually: Eventually) -> None:
    """Batch after batch, one checked while another is stored: each report once and as they came."""
    messages = [good(number) for number in range(2600)]
    for number in range(0, 2600, 130):
        messages.insert(number + 7, messages[max(0, number - 600)])
        messages.insert(number + 9, (messages[number][0], b"{"))
    sequences = await house.send(*messages)
    await house.start()
    await eventually(house.quiet)
    entries = await house.held(streams.REPORTS)
    assert [json.loads(one.data)["id"] for one in entries] == [f"s{number}" for number in range(2600)]
    origins = [int(one.headers["Tp-Origin"].removeprefix("here/")) for one in entries]
    assert origins == sorted(origins)
    assert set(origins) < set(sequences)
    assert await house.size(streams.REJECTED) == 20
    assert house.count("vardkase_reports_total", reality="act", kind="status", outcome="duplicate") == 20
    assert house.count("vardkase_reports_total", reality="act", kind="status", outcome="accepted") == 2600


async def test_unknown_fields_are_counted(house: House, eventually: Eventually) -> None:
    """Fields that the contract does not know are ignored and counted, not refused."""
    await house.start()
    await house.send(good(1, weather="snow", data={"lifecycle": "open", "mood": "good"}))
    await eventually(house.quiet)
    assert await house.size(streams.REPORTS) == 1
    assert house.count("vardkase_extra_fields_ignored_total", reality="act", kind="status") == 2


async def test_a_forged_message_id_suppresses_nobody(house: House, eventually: Eventually) -> None:
    """A stranger's report enters although somebody sent another under its message id, or takes its place."""
    await house.start()
    js = house.nc.jetstream()
    forged = {"Nats-Msg-Id": "act.2480.s1", "Tp-Origin": "here/1", "Tp-Received": "2020-01-01T00:00:00Z"}
    await js.publish(*good("forger"), headers=forged)
    await asyncio.sleep(0.15)  # INTAKE's window is 100 ms
    await js.publish(*good(1), headers=forged)
    await js.publish(*good(2))
    await eventually(house.quiet)
    entries = await house.held(streams.REPORTS)
    assert [json.loads(one.data)["id"] for one in entries] == ["sforger", "s1", "s2"]
    assert [one.headers["Nats-Msg-Id"] for one in entries] == [f"act.2480.s{n}" for n in ("forger", 1, 2)]
    assert "here/1" not in {one.headers["Tp-Origin"] for one in entries[1:]}


async def test_hostile_bytes_stop_nothing(house: House, nats_server: NatsServer, eventually: Eventually) -> None:
    """Subjects that are no text, broken headers, rubbish and the longest message are refused; good ones enter."""
    await house.start()
    _, writer = await asyncio.open_connection("127.0.0.1", nats_server.port)
    writer.write(b'CONNECT {"verbose":false,"headers":true,"protocol":1}\r\n')
    head = b"tp.v1.act.report."
    tails = [b"\xff\xfe", b"24.2480.a\x0bb.status", b"24.2480.a\x0cb.status", b"24.2480.a\x00b.status", b"*", b">"]
    tails += [b"24.2480." + b"x" * 3900, b"24", b"24.2480", b"24.2480.x", b"24.2480.x.status.y.z", "24.2480.å".encode()]
    for tail in tails:
        writer.write(b"PUB " + head + tail + b" 2\r\n{}\r\n")
    for broken in (b"NATS/1.0", b"\xff\xfe\xfd", b"NATS/1.0 100 \xff\r\n\r\n", b"NATS/1.0 408 Request Timeout\r\n\r\n"):
        writer.write(b"HPUB %s24.2480.h.status %d %d\r\n%s\r\n" % (head, len(broken), len(broken), broken))
    longest = b"\xff" * (1 << 20)
    writer.write(b"PUB %s24.2480.big.status %d\r\n%s\r\n" % (head, len(longest), longest))
    await writer.drain()
    writer.write(b"PING\r\n")
    await writer.drain()
    count = len(tails) + 5

    async def stored() -> bool:
        return await house.size(streams.INTAKE) == count

    await eventually(stored, what="all stored")
    await house.send(good(1))
    await eventually(house.quiet)
    assert await house.size(streams.REPORTS) == 1
    refused = await house.held(streams.REJECTED)
    assert len(refused) == count
    told = [REJECTED.validate_json(one.data) for one in refused]
    reasons = Counter(one.data.reason for one in told)
    assert reasons["too_large"] == 1
    assert len(base64.b64decode(told[-1].data.bytes)) == LONGEST_KEPT
    assert all(len(one.subject) < 120 for one in refused)
    assert house.nc.stats["reconnects"] == 0
    writer.close()


async def test_a_server_that_takes_less_gets_less(
    make_server: MakeServer, dial: Dial, tmp_path: Path, eventually: Eventually
) -> None:
    """Where the server takes shorter messages, what is told of a refused one is cut to fit, and nothing stops."""
    server = make_server("small", extra="max_payload: 131072")
    nc = await dial(server.url)
    await topology.ensure(nc, NATION, share=0.05)
    house = House(nc, tmp_path)
    await house.start()
    await house.send((SUBJECT, b"x" * 130_900), good(1))
    await eventually(house.quiet)
    (refused,) = await house.held(streams.REJECTED)
    assert len(refused.data) <= 131_072
    assert await house.size(streams.REPORTS) == 1
    await house.stop()


async def test_a_successor_stores_nothing_twice_however_late(
    house: House, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between storing and acknowledging, and out of the log's duplicate window: each report once, as it was."""
    monkeypatch.setattr("vardkase.intake.memory._WINDOW", 0)
    info = await call(house.nc, f"STREAM.INFO.{streams.REPORTS}")
    await call(house.nc, f"STREAM.UPDATE.{streams.REPORTS}", info["config"] | {"duplicate_window": 100_000_000})
    intake = await house.start()
    for lane in intake._lanes:
        lane._reader.ack = _never  # type: ignore[method-assign]
    await house.send(*(good(n) for n in range(700)), (SUBJECT, b"{"))

    async def stored() -> bool:
        return await house.size(streams.REPORTS) == 700

    await eventually(stored)
    await house.crash(intake)
    await asyncio.sleep(0.2)  # the window is over
    await house.send(*(good(n) for n in range(650, 800)))
    await house.start()
    await eventually(house.quiet)
    entered = [json.loads(one.data)["id"] for one in await house.held(streams.REPORTS)]
    assert entered == [f"s{n}" for n in range(800)]
    assert await house.size(streams.REJECTED) <= 2


async def _never(_: Delivery) -> None:
    """An acknowledgement that does not come to it."""


async def test_a_full_log_waits_and_loses_nothing(house: House, eventually: Eventually) -> None:
    """With the log full intake is not ready, says why, and goes on by itself when there is room."""
    info = await call(house.nc, f"STREAM.INFO.{streams.REPORTS}")
    await call(house.nc, f"STREAM.UPDATE.{streams.REPORTS}", info["config"] | {"max_bytes": 20_000})
    intake = await house.start()
    await house.send(*(good(n) for n in range(300)))
    await eventually(lambda: any("REPORTS is full" in check.detail for check in intake.checks() if not check.ok))
    assert await house.size(streams.REPORTS) < 100
    assert house.count("vardkase_write_retries_total", stream="REPORTS", reason="full") > 0
    await house.send(good(1, reality="exe"))  # another lane waits too, and is well as long as nothing came
    await call(house.nc, f"STREAM.UPDATE.{streams.REPORTS}", info["config"])
    await eventually(house.quiet)
    entered = [json.loads(one.data)["id"] for one in await house.held(streams.REPORTS) if ".act." in one.subject]
    assert entered == [f"s{n}" for n in range(300)]
    await eventually(lambda: all(check.ok for check in intake.checks()))


async def test_a_store_that_is_lost_is_no_reason_to_drop_what_comes_after(
    house: House, nats_server: NatsServer, eventually: Eventually
) -> None:
    """The server back with an empty store: what has sequences and identities seen before enters the new log."""
    intake = await house.start()
    await house.send(*(good(n) for n in range(50)))
    await eventually(house.quiet)
    nats_server.kill()
    nats_server.wipe()
    nats_server.start()
    await eventually(lambda: not all(check.ok for check in intake.checks()))
    await topology.ensure(house.nc, NATION, share=0.05)
    await eventually(lambda: house.nc.is_connected)
    await house.send(*(good(n) for n in range(40, 60)))
    await eventually(house.quiet, within=20)
    entered = [json.loads(one.data)["id"] for one in await house.held(streams.REPORTS)]
    assert entered == [f"s{n}" for n in range(40, 60)]
    await eventually(lambda: all(check.ok for check in intake.checks()))


async def test_an_intake_stream_made_anew_is_read_from_its_start(house: House, eventually: Eventually) -> None:
    """INTAKE deleted and made again beside the same log: what comes then enters, low as its sequences are."""
    intake = await house.start()
    await house.send(*(good(n) for n in range(50)))
    await eventually(house.quiet)
    await call(house.nc, f"STREAM.DELETE.{streams.INTAKE}")
    await topology.ensure(house.nc, NATION, share=0.05)
    await house.send(*(good(n) for n in range(40, 60)))
    await eventually(house.quiet, within=20)
    entered = [json.loads(one.data)["id"] for one in await house.held(streams.REPORTS)]
    assert entered == [f"s{n}" for n in range(60)]
    await house.crash(intake)
    await house.start()
    await house.send(good(60))
    await eventually(house.quiet)
    assert await house.size(streams.REPORTS) == 61


async def test_kills_of_the_server_lose_and_double_nothing(
    house: House, nats_server: NatsServer, eventually: Eventually
) -> None:
    """The server killed again and again while reports come in: each is in the log once."""
    await house.start()

    async def send() -> None:
        for first in range(0, 4000, 100):
            await house.send(*(good(n) for n in range(first, first + 100)))

    sending = asyncio.create_task(send())
    for _ in range(3):
        await asyncio.sleep(0.2)
        nats_server.kill()
        nats_server.start()
    await sending
    await eventually(house.quiet, within=30)
    entered = [json.loads(one.data)["id"] for one in await house.held(streams.REPORTS)]
    assert Counter(entered) == Counter(f"s{n}" for n in range(4000))
