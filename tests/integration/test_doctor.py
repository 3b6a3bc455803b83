"""`vardkase doctor`: what it finds at a node that is well, and at one with each of its faults."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from test_up import Up

from program import program
from servers import Eventually, Link, NatsServer, stop_still
from vardkase.doctor.examine import bounded, examine, in_thread
from vardkase.doctor.finding import Finding
from vardkase.doctor.streams import READERS
from vardkase.doctor.target import Target, find
from vardkase.federation import topology
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.connection import Connection
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.schemas import example

AREA = Area.parse("24")
WITHIN_S = 10.0


async def look(url: str, **known: Any) -> dict[str, Finding]:
    """What is found at a NATS, by check; within the time that is promised."""
    found: list[Finding] = []
    target = Target(settings=None, nats=SecretStr(url), given=True, **{"area": AREA, **known})
    began = time.monotonic()
    await examine(target, found.append, wrong_settings=None, rules=lambda: "default-1", database_version=1)
    assert time.monotonic() - began < WITHIN_S
    by_check = {each.check: each for each in found}
    assert all(each.do for each in found if each.status in {"warning", "error"}), "each fault says what to do"
    return by_check


PLAIN = ("domain", "payload")
"""What is told of the tests' server, which is as plain as can be."""


def statuses(found: dict[str, Finding], *but: str) -> set[str]:
    return {check for check, each in found.items() if each.status in {"warning", "error"} and check not in but}


async def consumer(nc: Connection, stream: str, name: str) -> None:
    config = {"durable_name": name, "ack_policy": "all", "deliver_policy": "all"}
    await call(nc, f"CONSUMER.DURABLE.CREATE.{stream}.{name}", {"stream_name": stream, "config": config})


@pytest.fixture
async def bus(nc: Connection) -> Connection:
    """A NATS with a node's streams and consumers, and somebody who reads each of them; no service."""
    await topology.ensure(nc, AREA, share=0.01)
    for reader in READERS:
        await consumer(nc, reader.stream, reader.name)
        await nc.subscribe(f"asked.{reader.stream}.{reader.name}")
        ask = json.dumps({"batch": 1, "expires": 60_000_000_000}).encode()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{reader.stream}.{reader.name}"
        await nc.publish(subject, ask, reply=f"asked.{reader.stream}.{reader.name}")
    await nc.publish(subjects.picture("act", AREA), b"{}")
    await nc.flush()
    return nc


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[[], Up]]:
    """Starts a node that ends with the test."""
    nodes: list[Up] = []

    def make() -> Up:
        nodes.append(Up(tmp_path / "node", "--area", "24"))
        return nodes[-1]

    yield make
    for node in nodes:
        if node.process.poll() is None:
            node.end()
        node.close()


async def doctor(*options: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """The program's exit code and what it found, by check."""
    done = await program("doctor", "--json", *options, **variables)
    *found, summary = map(json.loads, done.stdout.splitlines())
    assert summary["summary"], done
    return done.code, {each["check"]: each for each in found}


@pytest.mark.slow
async def test_a_healthy_node_is_found_healthy_by_its_directory_and_a_stopped_service_is_seen(
    up: Callable[[], Up], eventually: Eventually
) -> None:
    """All that a node has is known here, and nothing else is expected; a service that hangs is named."""
    node = await asyncio.to_thread(up)
    directory = str(node.directory / "data")
    await eventually(lambda: asyncio.to_thread(node.is_ready), what="ready", within=30)
    code, found = await doctor("--data-dir", directory)
    wrong = {check: each["seen"] for check, each in found.items() if each["status"] != "ok"}
    wrong.pop("free space", None)  # this computer's
    wrong.pop("file system", None)
    assert wrong == {}
    assert code == 0
    assert {"sync", "public reader", "public writer", "picture", "readyz", "tables", "clock"} <= found.keys()
    started = json.loads((node.directory / "data" / "run" / "started.json").read_bytes())
    assert {"intake", "aggregator"} <= started["services"].keys()
    assert (node.directory / "data" / "run" / "started.json").stat().st_mode & 0o077 == 0

    intake = node.children()["intake"]
    stop_still(intake)
    try:
        await eventually(lambda: asyncio.to_thread(lambda: not node.is_ready()), what="not ready", within=20)
        code, found = await doctor("--data-dir", directory)
        assert code == 1
        assert any(check.startswith("ready intake") and each["status"] == "error" for check, each in found.items())
    finally:
        os.kill(intake, signal.SIGCONT)
    await asyncio.to_thread(node.end)
    code, found = await doctor("--data-dir", directory)
    assert (code, found["running"]["status"], found["connection"]["status"]) == (1, "error", "error")


@pytest.mark.usefixtures("bus")
async def test_streams_and_readers_that_are_as_they_must_be_are_well(nats_server: NatsServer) -> None:
    """Without its data directory too: what cannot be seen is told apart from what is wrong."""
    found = await look(nats_server.url, area=None)
    assert statuses(found, *PLAIN) == set()
    assert (found["payload"].status, "högst 1024 KiB" in found["payload"].seen) == ("warning", True)
    assert found["sync"].status == "skipped"
    assert sum(each.status == "ok" for check, each in found.items() if check.startswith("reader ")) == len(READERS)


async def test_a_stream_that_is_gone_is_named(bus: Connection, nats_server: NatsServer) -> None:
    """And so are its readers, which cannot read it."""
    await call(bus, "STREAM.DELETE.INTAKE")
    found = await look(nats_server.url)
    assert found["stream INTAKE"].status == "error"
    assert found["reader INTAKE intake-act"].status == "error"
    assert found["stream REPORTS"].status == "ok"


async def test_a_stream_that_was_changed_is_named_with_each_difference(
    bus: Connection, nats_server: NatsServer
) -> None:
    """What it is, and what it must be."""
    config = (await call(bus, "STREAM.INFO.INTAKE"))["config"]
    await call(bus, "STREAM.UPDATE.INTAKE", config | {"max_age": 0, "discard": "old", "max_bytes": 99 << 20})
    found = await look(nats_server.url)
    assert statuses(found, *PLAIN) == {"stream INTAKE"}
    seen = found["stream INTAKE"].seen
    assert "max_age är 0, ska vara 604800000000000" in seen
    assert "discard är old, ska vara new" in seen
    assert "max_bytes" not in seen


async def test_a_stream_that_fills_is_told_of_before_it_is_full(bus: Connection, nats_server: NatsServer) -> None:
    """From 70 % on somebody ought to look."""
    config = (await call(bus, "STREAM.INFO.AUDIT"))["config"]
    await call(bus, "STREAM.UPDATE.AUDIT", config | {"max_bytes": 100_000})
    for _ in range(8):
        await bus.request(subjects.audit("act", AREA), b"x" * 10_000, timeout=5)
    found = await look(nats_server.url)
    assert (found["stream AUDIT"].status, statuses(found, *PLAIN)) == ("warning", {"stream AUDIT"})


async def test_a_consumer_that_is_gone_or_not_read_or_does_not_advance(
    bus: Connection, nats_server: NatsServer
) -> None:
    """Three faults of a reader, each with a name of its own."""
    await call(bus, "CONSUMER.DELETE.REPORTS.aggregator-act")
    await call(bus, "CONSUMER.DELETE.INTAKE.intake-exe")
    await consumer(bus, "INTAKE", "intake-exe")
    await bus.request(subjects.report("act", "2480", "skola", "confirm"), b"{}", timeout=5)
    found = await look(nats_server.url)
    assert "finns inte" in found["reader REPORTS aggregator-act"].seen
    assert "1 meddelanden väntar och inget kvitterades" in found["reader INTAKE intake-exe"].seen
    assert "1 meddelanden väntar" in found["reader INTAKE intake-act"].seen
    assert found["reader INTAKE intake-tst"].status == "error"  # its consumer here has no filter: it waits for it, too
    assert found["reader ORDERS_UP aggregator-orders"].status == "ok"
    await call(bus, "STREAM.PURGE.INTAKE")
    idle = await look(nats_server.url)
    assert idle["reader INTAKE intake-exe"].seen == "ingen läser"


async def test_reports_that_were_taken_out_of_the_log_are_told_of(bus: Connection, nats_server: NatsServer) -> None:
    """The log is the only truth; a hole in it is news."""
    for slug in ("a", "b"):
        await bus.request(subjects.accepted("act", "2480", slug, "confirm"), b"{}", timeout=5)
    await call(bus, "STREAM.MSG.DELETE.REPORTS", {"seq": 1})
    found = await look(nats_server.url)
    assert found["log whole"].status == "warning"


async def test_clocks_that_are_ahead_are_told_with_who(bus: Connection, nats_server: NatsServer) -> None:
    """A report more than two minutes ahead of its receipt, and the state that it came into."""
    event = example("report.status") | {"time": "2026-11-20T03:45:00Z", "source": "urn:tp:kommun:2480:surfplatta"}
    headers = {"Tp-Received": "2026-11-20T03:40:00Z"}
    where = subjects.accepted("act", "2480", "umedalen-skola", "status")
    await bus.request(where, json.dumps(event).encode(), headers=headers, timeout=5)
    found = await look(nats_server.url)
    assert found["senders"].status == "warning"
    assert "urn:tp:kommun:2480:surfplatta" in found["senders"].seen


async def test_what_the_states_tell_of(bus: Connection, nats_server: NatsServer) -> None:
    """More than 500 points in a kommun, reporters who disagree, points that were never registered."""
    state = example("state") | {"conflict": []}
    for number in range(501):
        document = state | {"id": f"2480-punkt-{number}", "kommun": "2480"}
        await bus.publish(subjects.state("act", "2480", f"punkt-{number}"), json.dumps(document).encode())
    odd = state | {"id": "2401-udda", "kommun": "2401", "registered": False, "conflict": [{"aspect": "power"}]}
    await bus.request(subjects.state("act", "2401", "udda"), json.dumps(odd).encode(), timeout=5)
    found = await look(nats_server.url)
    assert "Umeå 501" in found["points"].seen
    assert "2401-udda" in found["conflicts"].seen
    assert "2401-udda" in found["unregistered"].seen


@pytest.mark.usefixtures("bus")
async def test_an_old_picture_means_that_none_is_made(nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unchanged picture is published each minute: five without one, and the aggregator does not do its work."""
    now = time.time
    monkeypatch.setattr("vardkase.doctor.picture.time.time", lambda: now() + 400)
    found = await look(nats_server.url)
    assert found["picture"].status == "error"
    assert found["clock"].status == "error"  # the same false clock


@pytest.mark.usefixtures("bus")
async def test_accounts_that_are_not_apart_are_an_error(nats_server: NatsServer) -> None:
    """A server without accounts lets the public writer, and everyone, see what is restricted."""
    url = SecretStr(nats_server.url)
    found = await look(nats_server.url, public=url, projector=url)
    assert found["public writer"].status == "error"
    assert found["public reader"].status == "error"
    assert "tp.v1.act.state.>" in found["public reader"].seen


@pytest.mark.slow
@pytest.mark.usefixtures("bus")
async def test_a_server_that_is_gone_or_hangs_ends_the_look_in_time(nats_server: NatsServer) -> None:
    """Connection refused, and a server that takes connections and says nothing: both within 10 s."""
    url = SecretStr(nats_server.url)
    nats_server.freeze()
    try:
        hung = await look(nats_server.url, public=url, projector=url, watch=url)
    finally:
        nats_server.thaw()
    assert hung["connection"].status == "error"
    nats_server.kill()
    gone = await look(nats_server.url)
    assert gone["connection"].status == "error"


@pytest.mark.slow
@pytest.mark.usefixtures("bus")
async def test_a_server_that_stops_answering_in_the_middle_is_told_of_in_time(link: Link) -> None:
    """A black hole after the connection was made: what was seen stands, the rest is told as unanswered."""
    target = Target(settings=None, nats=SecretStr(link.url), given=True, area=AREA)
    found: list[Finding] = []

    def tell(each: Finding) -> None:
        found.append(each)
        if each.check == "connection":
            link.hole()

    began = time.monotonic()
    await examine(target, tell, wrong_settings=None, rules=lambda: "default-1", database_version=1)
    assert time.monotonic() - began < WITHIN_S
    assert {each.status for each in found if each.group == "streams"} == {"error"}


async def test_a_disk_that_hangs_ends_the_look_in_time(tmp_path: Path) -> None:
    """Here a pipe that nobody writes to stands where a file ought to be, as a dead network disk would."""
    pipe = tmp_path / "node.json"
    os.mkfifo(pipe)
    found: list[Finding] = []

    def read() -> Target:
        return find(None, {}, nats=None, creds=None, data_dir=tmp_path, http=None)

    assert await bounded("data", found.append, in_thread(read), 0.3) is None
    assert [(each.group, each.check, each.status) for each in found] == [("data", "in time", "error")]
    os.close(os.open(pipe, os.O_WRONLY))  # lets the thread go


@pytest.mark.usefixtures("bus")
async def test_wrong_settings_are_named_and_stop_no_other_check(nats_server: NatsServer) -> None:
    """The doctor is asked when things are wrong."""
    code, found = await doctor("--nats", nats_server.url, VARDKASE_NOPE="1")
    assert code == 1
    assert "VARDKASE_NOPE" in found["settings"]["seen"]
    assert found["stream REPORTS"]["status"] == "ok"


@pytest.mark.usefixtures("bus")
async def test_a_database_that_is_away_is_told_of(nats_server: NatsServer) -> None:
    """The node goes on without it, and so does the look."""
    found = await look(nats_server.url, database=SecretStr("postgresql://nobody:secret@127.0.0.1:1/none"))
    assert found["database"].status == "error"
    assert "secret" not in found["database"].seen
