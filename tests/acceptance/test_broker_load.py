"""A node as a broker under load, after the performance tests of `wmo-im/wis2-global-services-testing`.

Two hundred kommuner at once, a thousand subscribers, ten thousand deliveries a second for half a minute. Three hundred
servers of their own are another matter: `vardkase sweden`.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from acceptance.test_broker_cases import NOW, event
from node import Node, subject_of
from servers import Eventually
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import iso

LISTENERS = Path(__file__).with_name("listeners.py")


@pytest.fixture
async def node(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Node]:
    """A nation's node whose clock stands still."""
    node = Node(tmp_path, eventually, VARDKASE_CLOCK_START=iso(NOW), VARDKASE_CLOCK_SPEED="0")
    await node.start("intake", "aggregator")
    yield node
    await node.stop()


async def counting(nc: Client, subject: str) -> Counter[str]:
    """What a subscription hears from now on, by kommun."""
    heard: Counter[str] = Counter()

    async def take(message: Any) -> None:
        heard[message.subject.split(".")[5]] += 1

    await nc.subscribe(subject, cb=take)
    await nc.flush()
    return heard


def raw(kommun: str, identity: str) -> tuple[str, bytes]:
    """A status report, and where it is sent."""
    made = event("status", identity, kommun=kommun)
    return subject_of(made), json.dumps(made).encode()


async def test_two_hundred_kommuner_at_once(node: Node, eventually: Eventually) -> None:
    """Ten reports of each: ten of each are heard, and counted."""
    kommuner = sorted(KOMMUNER)[:200]
    heard = await counting(node.nc, "tp.v1.act.accepted.>")

    async def send(kommun: str) -> None:
        await node.publish(raw(kommun, f"s{n}") for n in range(10))

    await asyncio.gather(*(send(kommun) for kommun in kommuner))
    await eventually(lambda: heard == dict.fromkeys(kommuner, 10), what="all heard", within=30)
    # What is heard is counted a moment later.
    await eventually(lambda: _accepted(node) == 2_000, what="all counted")


async def test_a_thousand_subscribers(node: Node, eventually: Eventually) -> None:
    """A thousand connections of everyone: each hears of the point that opens."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most < 2_500:
        pytest.skip(f"2,500 open files are needed, {most} are allowed")
    clients: list[Client] = []
    for _ in range(20):
        clients += await asyncio.gather(*(nats.connect(node.nats.public_url) for _ in range(50)))
    heard = await asyncio.gather(*(counting(client, "tp.v1.act.public.>") for client in clients))
    await node.publish(
        (subject_of(each), json.dumps(each).encode())
        for each in (event("register", "r", kommun="0114"), event("status", "s", kommun="0114"))
    )
    await eventually(lambda: all(each["0114"] for each in heard), what="heard by all", within=30)
    await asyncio.gather(*(client.close() for client in clients))
    assert len(clients) == 1_000


@pytest.mark.campaign
@pytest.mark.timeout(180)
async def test_ten_thousand_deliveries_a_second_for_half_a_minute(node: Node, eventually: Eventually) -> None:
    """A thousand reports a second, ten subscribers of all of them: 300,000 deliveries, none missing, none late."""
    kommuner = sorted(KOMMUNER)[:200]
    command = (sys.executable, str(LISTENERS), node.nats.url, "tp.v1.act.accepted.>", "5", "30000")
    listeners = [await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE) for _ in range(2)]
    try:
        for each in listeners:
            await said(each, b"ready", 30)
        began = time.monotonic()
        for turn in range(300):
            await node.publish(raw(kommuner[(turn * 100 + n) % 200], f"{turn}-{n}") for n in range(100))
            await asyncio.sleep(max(0.0, began + (turn + 1) / 10 - time.monotonic()))
        sending = time.monotonic() - began
        for each in listeners:
            await said(each, b"heard", 15)
    finally:
        for each in listeners:
            if each.returncode is None:
                each.kill()
            await each.wait()
    assert sending < 32, f"a thousand a second could not be sent: 30,000 in {sending:.1f} s"
    await eventually(lambda: _accepted(node) == 30_000, what="all counted")


def _accepted(node: Node) -> float:
    return node.metrics("intake").get('vardkase_reports_total{kind="status",outcome="accepted",reality="act"}', 0)


async def said(process: asyncio.subprocess.Process, word: bytes, within: float) -> None:
    """Wait for a word of a process."""
    assert process.stdout is not None
    async with asyncio.timeout(within):
        assert (await process.stdout.readline()).strip() == word
