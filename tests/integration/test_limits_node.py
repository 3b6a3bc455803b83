"""A node of real processes, filled past its limits: every stream, and the metrics' labels, logs and memory."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from contract.fixtures import faulty_reports
from node import Node, subject_of
from oracle.make import order
from program import program
from servers import Eventually
from vardkase.runtime.http_limits import CONNECTIONS
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.errors import WriteRefused
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import streams, vocab
from vardkase_contracts.areas import LAN, POINTS_FORESEEN
from vardkase_contracts.client import PublishRefused, connect, new_report
from vardkase_contracts.refusals import LONGEST_KEPT

SHORT = {
    "VARDKASE_AREA": "24",
    "VARDKASE_INTAKE_TICK": "100ms",
    "VARDKASE_AGGREGATOR_TICK": "100ms",
    "VARDKASE_READER_STUCK": "1s",
    "VARDKASE_WRITER_BACKOFF_MAX": "100ms",
}
pytestmark = pytest.mark.asyncio(loop_scope="module")
SUBJECT = "tp.v1.act.report.24.2480.umedalen-skola.status"


class TinyNode(Node):
    """A node whose streams are as small as they can be: 1 MiB."""

    share = 0.0001

    async def info(self, stream: str) -> dict[str, Any]:
        return await call(self._of(stream), f"STREAM.INFO.{stream}")

    async def resize(self, stream: str, room: int) -> int:
        """Give a stream another room, in bytes; the one that it had."""
        config = (await self.info(stream))["config"]
        await call(self._of(stream), f"STREAM.UPDATE.{stream}", config | {"max_bytes": room})
        return config["max_bytes"]

    async def acknowledged(self, stream: str, consumer: str) -> int:
        info = await call(self.nc, f"CONSUMER.INFO.{stream}.{consumer}")
        return info["ack_floor"]["stream_seq"]

    def says(self, service: str, words: str) -> bool:
        """Whether a service is not ready, and says so."""
        checks = self.readiness(service)["checks"]
        return any(words in check["detail"] for check in checks if not check["ok"])

    def log_of(self, service: str) -> str:
        return (self._data_dir / f"{service}.out").read_text()

    def port_of(self, service: str) -> int:
        return int(self._http[service].rpartition(":")[2])

    def _of(self, stream: str) -> Any:
        return self.public if stream == streams.PUBLIC else self.nc


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory, eventually: Eventually) -> AsyncIterator[TinyNode]:
    """One for all of these tests: processes take their time to start."""
    node = TinyNode(tmp_path_factory.mktemp("node"), eventually, **SHORT)
    await node.start("intake", "aggregator")
    yield node
    await node.stop()


_numbers = iter(range(1_000_000))


def event(kind: str, data: dict[str, Any], *, point: str = "2480-umedalen", **more: Any) -> tuple[str, bytes]:
    made = new_report(kind, point, data, id=f"r{next(_numbers)}", **more)  # type: ignore[arg-type]
    found = json.loads(made.model_dump_json(exclude_unset=True))
    return subject_of(found), json.dumps(found).encode()


def profile(number: int) -> dict[str, Any]:
    position = {"lon": 20.2, "lat": 63.8 + number / 1000}
    return {"name": f"Skola {number}", "kind": "trygghetspunkt", "position": position, "publish": "live"}


# -- streams -----------------------------------------------------------------------------------------------------------


async def test_streams_of_effects_that_are_full_are_waited_for(node: TinyNode, eventually: Eventually) -> None:
    """ALERTS or STATE full: it is said, nothing is acknowledged or dropped, and with room all goes on.

    Nothing waits for the public, or for pictures, when PUBLIC or PICTURES is full; that they do is said too. The metric
    tells how full each is.
    """
    points = [f"2480-p{n}" for n in range(4)]
    dark = {"power": {"source": "none"}}
    await node.publish([event("register", profile(n), point=point) for n, point in enumerate(points)])
    await node.publish([event("status", {"lifecycle": "open"}, point=point) for point in points])
    await node.publish([event("status", {"lifecycle": "open"}), event("resources", dark)])
    await node.until_quiet()
    for stream, point in zip((streams.ALERTS, streams.PUBLIC, streams.STATE, streams.PICTURES), points, strict=True):
        before = (await node.info(stream))["state"]
        room = await node.resize(stream, before["bytes"] + 50)
        floor = await node.acknowledged(streams.REPORTS, "aggregator-act")
        change = {"availability": "full", "services": {"heat": {"state": "stopped"}}, "message": {"sv": "Fullt. " * 60}}
        await node.publish([event("status", change, point=point), event("resources", dark, point=point)])
        await eventually(lambda stream=stream: node.says("aggregator", f"{stream} is full"), what=f"{stream} full")
        assert await _filled(node, eventually, stream)
        assert node.metrics("aggregator")[f'vardkase_write_retries_total{{reason="full",stream="{stream}"}}'] > 0
        after = (await node.info(stream))["state"]
        assert (after["first_seq"], after["bytes"]) == (before["first_seq"], before["bytes"])
        if stream in {streams.ALERTS, streams.STATE}:
            assert await node.acknowledged(streams.REPORTS, "aggregator-act") == floor
        else:
            assert await _dark(node, eventually, point)
        await node.resize(stream, room)
        await node.until_quiet()
        assert await _dark(node, eventually, point)

        async def public(point: str = point) -> bool:
            found = (await node.last(streams.PUBLIC))[f"tp.v1.act.public.24.2480.{point[5:]}"]
            return found.get("availability") == "full"

        await eventually(public, what="the public told")
    assert await node.twins() == []

    async def told() -> bool:
        picture = (await node.last(streams.PICTURES))["tp.v1.act.picture.24.2480"]
        return picture["resources"]["power"]["none"] == len(points) + 1

    await eventually(told, what="the picture of all")


# -- what a hostile sender can grow ------------------------------------------------------------------------------------


def hostile(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Reports that are wrong in every way, and good ones of which no two are about the same."""
    chance = random.Random(seed)
    faults = [each for each in faulty_reports() if each.name != "subject_reality_unknown" and ".24." in each.subject]
    for n in range(count):
        name = f"{chance.getrandbits(64):x}"
        match n % 8:
            case 0:
                yield f"tp.v1.act.report.24.2480.{name}.{name}", b"{}"
            case 1:
                yield f"tp.v1.exe.report.24.{name[:4]}.{name}.status", chance.randbytes(100)
            case 2:
                yield f"tp.v1.tst.report.24.{name}.{name}.{name}.{name}", b"[" * 10_000
            case 3:
                fault = chance.choice(faults)
                yield fault.subject, fault.raw.replace(b"umedalen", name.encode())
            case 4:
                data = {"need_id": name, "unit": name, "kind": "other", "direction": "surplus", "note": name}
                yield event("need", data, point="2480-umedalen", incident=name, reporter=name)
            case 5:
                yield event("status", {"message": {"sv": name}}, point=f"2480-{name}", reporter=name)
            case 6:
                subject, raw = event("heartbeat", {})
                yield subject, json.dumps(json.loads(raw) | {name: name, "data": {name: name}}).encode()
            case _:
                yield SUBJECT, b"x" * (64 * 1024 + 1) if n % 64 == 7 else name.encode()


def values(samples: dict[str, float]) -> set[tuple[str, str]]:
    """Every label of every time series, and its value."""
    return {pair for name in samples for pair in re.findall(r'([a-z_]+)="([^"]*)"', name) if pair[0] != "le"}


ALLOWED = {
    *vocab.REALITIES,
    *vocab.REPORT_KINDS,
    *vocab.REFUSAL_REASONS,
    *vocab.RULES,
    *vocab.ALERT_LEVELS,
    *vocab.CONDITIONS,
    *vocab.FRESHNESSES,
    *LAN,
    *(stream.name for stream in streams.STREAMS),
    *("accepted", "duplicate", "merged", "left_out", "any"),
}


async def test_a_hostile_sender_grows_neither_labels_nor_logs_nor_memory(
    node: TinyNode, eventually: Eventually
) -> None:
    """After 5,000 hostile reports the time series are as many as before, the logs as short, and memory as it was.

    All are dealt with, what is refused is told of in bounds, and the node is ready.
    """
    for stream in (streams.INTAKE, streams.REPORTS, streams.STATE, streams.REJECTED):
        await node.resize(stream, 64 << 20)
    await node.publish(hostile(400, seed=1))
    await node.until_quiet()
    old = len(await node.all(streams.REJECTED))
    services = ("intake", "aggregator")
    before = {service: node.metrics(service) for service in services}
    logs = {service: len(node.log_of(service)) for service in services}
    await node.publish(hostile(5_000, seed=2))
    await node.until_quiet()
    for service in services:
        after = node.metrics(service)
        assert {value for _, value in values(after) - values(before[service])} <= ALLOWED
        assert len(after) - len(before[service]) < 20, sorted(set(after) - set(before[service]))
        grown = after["process_resident_memory_bytes"] - before[service]["process_resident_memory_bytes"]
        assert grown < 40 << 20
        assert len(node.log_of(service)) - logs[service] < 20_000
    counted = sum(n for name, n in node.metrics("intake").items() if name.startswith("vardkase_rejected_total"))
    refused = await node.all(streams.REJECTED)
    assert counted == len(refused)
    assert len(refused) - old > 2_500
    assert node.metrics("intake")['vardkase_rejected_total{reality="act",reason="too_large"}'] >= 78
    assert max(len(each["data"]["bytes"]) for _, each in refused) <= 4 * LONGEST_KEPT // 3 + 4
    states = (await node.last(streams.STATE)).values()
    points = sum(each["kommun"] == "2480" and each["reality"] == "act" and each["id"][5:] != "_" for each in states)
    assert points > 675
    over = 'vardkase_points_over_limit{reality="act"}'
    await eventually(lambda: node.metrics("aggregator")[over] == points - POINTS_FORESEEN)
    state = (await node.last(streams.STATE))["tp.v1.act.state.24.2480.umedalen"]
    assert len(state["facts"]["needs"]) == 64
    assert node.metrics("aggregator")['vardkase_needs_over_limit_total{reality="act"}'] == 5_400 // 8 - 64
    assert len(json.dumps(state)) < 200_000

    # And whoever connects and never asks keeps nobody from asking, and takes no more than is foreseen.
    fds = node.metrics("intake")["process_open_fds"]
    idle = [await asyncio.open_connection("127.0.0.1", node.port_of("intake")) for _ in range(150)]
    assert node.is_ready("intake")
    assert node.metrics("intake")["process_open_fds"] <= fds + CONNECTIONS
    for _, writer in idle:
        writer.close()


# -- the log ---------------------------------------------------------------------------------------------------------


async def test_a_full_log_and_a_full_intake_refuse_and_lose_nothing(node: TinyNode, eventually: Eventually) -> None:
    """REPORTS full: intake takes no more, and says so. INTAKE full: who sends is told. With room all goes on."""
    await node.until_quiet()
    for stream, more in ((streams.REPORTS, 300_000), (streams.INTAKE, 600_000)):
        await node.resize(stream, (await node.info(stream))["state"]["bytes"] + more)
    before = (await node.info(streams.REPORTS))["state"]
    padding = "x" * 2000
    sent = await _until_full(node, streams.INTAKE, [event("status", {"note": padding}) for _ in range(1_000)])
    assert 200 < sent < 1_000
    await eventually(lambda: node.says("intake", "REPORTS is full"))
    floor = await node.acknowledged(streams.INTAKE, "intake-act")
    held = (await node.info(streams.REPORTS))["state"]
    async with connect(node.nats.url) as client:
        with pytest.raises(PublishRefused) as told:
            await client.report(new_report("status", "2480-umedalen", {"note": padding}))
        assert told.value.reason == "full"
    done = await program("report", "status", "2480-umedalen", f"note={padding}", "--nats", node.nats.url)
    assert (done.code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert "no room now and stored nothing; send it again later" in done.stderr
    for stream in (streams.INTAKE, streams.REPORTS):
        assert await _filled(node, eventually, stream)
    assert node.metrics("intake")['vardkase_write_retries_total{reason="full",stream="REPORTS"}'] > 0
    assert await node.acknowledged(streams.INTAKE, "intake-act") == floor
    assert (await node.info(streams.REPORTS))["state"]["messages"] == held["messages"] < before["messages"] + sent
    assert (held["first_seq"], node.is_ready("intake")) == (1, False)
    for stream in (streams.REPORTS, streams.INTAKE):
        await node.resize(stream, 64 << 20)
    await node.until_quiet()
    assert (await node.info(streams.REPORTS))["state"]["messages"] == before["messages"] + sent
    out = node.log_of("intake")
    assert re.search(r"the stream REPORTS is \d+ % full", out)
    assert len(out) < 100_000


async def test_what_was_refused_of_old_reports_makes_room(node: TinyNode) -> None:
    """REJECTED is the one stream that drops its oldest when it is full: the bytes are in INTAKE."""
    before = (await node.info(streams.REJECTED))["state"]
    await node.resize(streams.REJECTED, before["bytes"] + 500_000)
    await node.publish([(SUBJECT, b"{" + bytes([n]) * 60_000) for n in range(40)])
    await node.until_quiet()
    rejected = (await node.info(streams.REJECTED))["state"]
    assert rejected["last_seq"] == before["last_seq"] + 40
    assert rejected["messages"] < before["messages"] + 40
    assert rejected["bytes"] <= before["bytes"] + 500_000


async def test_orders_are_refused_when_there_is_no_room_for_them(node: TinyNode, eventually: Eventually) -> None:
    """Who orders is told that it was not stored, and the metric tells before that."""
    await node.resize(streams.ORDERS_UP, 50_000)
    note = {"by": {"role": "tib", "level": "lan", "code": "24"}, "note": "x" * 2000}
    orders = [json.dumps(order("note", 0, note, id_=f"o{n}")).encode() for n in range(100)]
    stored = await _until_full(node, streams.ORDERS_UP, [("tp.v1.act.order.24._.note", data) for data in orders])
    assert 10 < stored < 30
    assert await _filled(node, eventually, streams.ORDERS_UP)
    await node.until_quiet()


async def _dark(node: TinyNode, eventually: Eventually, point: str) -> bool:
    """Whether a point's loss of power is an alert, and in its state."""

    async def told() -> bool:
        state = (await node.last(streams.STATE))[f"tp.v1.act.state.24.2480.{point[5:]}"]
        return state["dark"] and (await node.open_alerts()).get(f"power.lost/{point}") == "red"

    await eventually(told, what=f"{point} dark")
    return True


async def _until_full(node: TinyNode, stream: str, messages: list[tuple[str, bytes]]) -> int:
    """Publish one after the other until the stream takes no more and says that it is full; how many it took."""
    writer = StreamWriter(node.nc, stream)
    for place, (subject, data) in enumerate(messages):
        try:
            await writer.write([Outgoing(subject=subject, data=data)])
        except WriteRefused as refused:
            return place if refused.full else -1
    return len(messages)


async def _filled(node: TinyNode, eventually: Eventually, stream: str) -> bool:
    """Whether the metric tells that a stream is all but full."""
    service = "aggregator" if stream == streams.PUBLIC else "intake"
    name = f'vardkase_stream_fill_ratio{{stream="{stream}"}}'
    await eventually(lambda: node.metrics(service).get(name, 0.0) > 0.9, what=f"{stream} told to be full")
    return True
