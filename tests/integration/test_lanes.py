"""Each child's part of the log is read by itself: one's backlog does not delay the others, and nothing is left out."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from night_kit import NOW, expected, reports
from node import Node, subject_of
from servers import Eventually
from signed_kit import Federated, write_plan
from vardkase.federation import keys
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import streams
from vardkase_contracts.instants import HOUR, iso

LINKS = {code: keys.new_user().public for code in ("2480", "2482", "2481")}


def plan(path: Path, *children: str) -> Path:
    """A federation in which the län has these children."""
    nodes: dict[str, Any] = {
        "lan-24": {"area": "24", "parent": "SE", "leaf": "tls://lan24.example:7422", "link": []},
        **{f"kommun-{code}": {"area": code, "parent": "lan-24", "link": [LINKS[code]]} for code in children},
    }
    return write_plan(path, signatures="off", nodes=nodes)


@pytest.fixture
async def node(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Node]:
    made = Federated(
        tmp_path,
        eventually,
        VARDKASE_AREA="24",
        VARDKASE_CLOCK_START=iso(NOW),
        VARDKASE_CLOCK_SPEED="0",
        VARDKASE_AGGREGATOR_TICK="0.2",
        VARDKASE_FEDERATION=str(plan(tmp_path / "federation.toml", "2480", "2482")),
    )
    try:
        await made.start("intake", "aggregator")
        yield made
    finally:
        await made.stop()


async def readers(node: Node) -> set[str]:
    """The aggregator's consumers of the log, of the real world."""
    found = (await call(node.nc, f"CONSUMER.NAMES.{streams.REPORTS}", {"offset": 0}))["consumers"]
    return {each for each in found if each.startswith("aggregator-act")}


async def arrive(node: Node, events: Sequence[dict[str, Any]]) -> float:
    """Reports as a link that healed brings them, received over the last hours. Returns when the last had come."""
    began = time.time_ns() // 1000 - 3 * HOUR
    step = 3 * HOUR // len(events)
    writer = StreamWriter(node.nc, streams.REPORTS)
    for start in range(0, len(events), 200):
        await writer.write(
            [
                Outgoing(
                    subject=subject_of(each).replace(".report.", ".accepted."),
                    data=json.dumps(each).encode(),
                    headers={"Tp-Received": iso(began + number * step), "Tp-Origin": f"kommun/{number}"},
                )
                for number, each in enumerate(events[start : start + 200], start)
            ]
        )
        await asyncio.sleep(0.05)
    return time.monotonic()


async def agrees(node: Node) -> bool:
    """Whether states and open alerts are what the log says by definition."""
    versions, alerts, _ = await expected(node)
    return await node.versions() == versions and await node.open_alerts() == alerts


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_backlog_of_one_child_delays_no_alert_elsewhere(node: Node, eventually: Eventually) -> None:
    """While one kommun's backlog is merged the others' alerts come at once; and of it none before it is merged."""
    assert await readers(node) == {"aggregator-act", "aggregator-act-2480", "aggregator-act-2482"}
    backlog = [each for each in reports(150_000, seed=4) if each["subject"].startswith("2480")]
    told: list[tuple[float, str]] = []

    async def watch(message: Any) -> None:
        told.append((time.monotonic(), json.loads(message.data)["key"]))

    await node.nc.subscribe("tp.v1.act.alert.>", cb=watch)
    arriving = asyncio.create_task(arrive(node, backlog))
    fresh: dict[str, float] = {}
    number = 0
    while not arriving.done():
        number += 1
        point = f"{'2401' if number % 2 else '2482'}-fresh{number}"
        event = {
            "specversion": "1.0",
            "id": f"fresh{number}",
            "source": f"urn:tp:kommun:{point[:4]}",
            "subject": point,
            "time": iso(NOW),
            "reality": "act",
        }
        status = event | {"type": "se.trygghetspunkt.status.v1", "data": {"lifecycle": "open"}}
        power = {"power": {"source": "none"}, "staff": {"present": 1, "required": 1}}
        dark = event | {"id": f"dark{number}", "type": "se.trygghetspunkt.resources.v1", "data": power}
        await node.publish((subject_of(each), json.dumps(each).encode()) for each in (status, dark))
        fresh[f"power.lost/{point}"] = time.monotonic()
        await eventually(lambda key=f"power.lost/{point}": key in {each for _, each in told}, what=f"alert {number}")
        await asyncio.sleep(0.02)
    arrived = await arriving
    waits = sorted(next(at for at, key in told if key == each) - sent for each, sent in fresh.items())
    await node.until_quiet(within=120)
    await eventually(lambda: any("/2480-" in key for _, key in told), what="the backlog's alerts")
    assert number > 5, "the backlog was too short for this test"
    assert waits[len(waits) // 2] < 1.0
    assert min(at for at, key in told if "/2480-" in key) > arrived - 0.5, "half of a backlog was judged"
    assert await node.twins() == []
    await eventually(lambda: agrees(node), what="what the log says")


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_children_come_and_go_while_reports_flow(node: Node, tmp_path: Path, eventually: Eventually) -> None:
    """Whichever way the log is divided meanwhile, each report counts, and nothing is told twice or restarted."""
    file = tmp_path / "federation.toml"
    all_reports = reports(8_000, seed=6)
    process = node._running["aggregator"].pid

    async def divide() -> None:
        for children in (("2480",), ("2480", "2481"), (), ("2482",)):
            await asyncio.sleep(0.4)
            plan(file, *children)
            wanted = {"aggregator-act", *(f"aggregator-act-{code}" for code in children)}
            await eventually(lambda wanted=wanted: _is(readers(node), wanted), what=f"read by {wanted}", within=30)

    dividing = asyncio.create_task(divide())
    for start in range(0, len(all_reports), 100):
        await node.publish((subject_of(each), json.dumps(each).encode()) for each in all_reports[start : start + 100])
        await asyncio.sleep(0.02)
    await dividing
    await node.until_quiet(within=120)
    assert node._running["aggregator"].pid == process
    assert node._running["aggregator"].poll() is None
    assert await readers(node) == {"aggregator-act", "aggregator-act-2482"}
    await eventually(lambda: agrees(node), what="what the log says")
    assert await node.twins() == []


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_killed_while_the_log_is_divided_otherwise(node: Node, tmp_path: Path, eventually: Eventually) -> None:
    """Whatever moment it is killed at, and whatever the children are when it starts again: all counts, none twice."""
    file = tmp_path / "federation.toml"
    chance = random.Random(5)
    all_reports = reports(2_500, seed=8)

    async def disturb() -> None:
        for children in (("2481", "2480"), (), ("2480", "2482")):
            await asyncio.sleep(chance.uniform(0.2, 0.8))
            plan(file, *children)
            await asyncio.sleep(chance.uniform(0.0, 0.4))
            await asyncio.to_thread(node.kill, "aggregator")
            node.run("aggregator")
            await node.until_ready("aggregator")

    disturbing = asyncio.create_task(disturb())
    for start in range(0, len(all_reports), 100):
        await node.publish((subject_of(each), json.dumps(each).encode()) for each in all_reports[start : start + 100])
    await disturbing
    await node.until_quiet(within=120)
    await eventually(lambda: agrees(node), what="what the log says")
    assert await node.twins() == []
    assert await readers(node) == {"aggregator-act", "aggregator-act-2480", "aggregator-act-2482"}


async def _is(asked: Any, wanted: object) -> bool:
    return await asked == wanted
