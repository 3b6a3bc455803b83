"""Intake as a process of its own, killed in the middle of its work."""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from contract.fixtures import report
from node import Node
from servers import Eventually
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams

SUBJECT = "tp.v1.act.report.24.2480.umedalen-skola.status"
TOTAL = 20_000


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_kill_9_of_intake_in_the_middle_of_20_000_reports(tmp_path: Path, eventually: Eventually) -> None:
    """Whatever moment it is killed at, the log has each report once, and each refused one is told of."""
    node = Node(tmp_path, eventually, VARDKASE_AREA="24")
    chance = random.Random(11)
    await node.start("intake")
    try:
        event = report("status", subject="2480-umedalen-skola", source="urn:tp:kommun:2480", reality="act")

        async def publish() -> None:
            for first in range(0, TOTAL, 250):
                some = [(SUBJECT, json.dumps(event | {"id": f"s{n}"}).encode()) for n in range(first, first + 250)]
                await node.publish([*some, (SUBJECT, b"%d" % first)])

        publishing = asyncio.create_task(publish())
        for _ in range(4):
            await asyncio.sleep(chance.uniform(0.1, 0.6))
            await asyncio.to_thread(node.kill, "intake")
            node.run("intake")
            await node.until_ready("intake")
        await publishing
        await node.until_quiet()
        entered = Counter([json.loads(one.data)["id"] async for one in scan(node.nc, streams.REPORTS, [])])
        assert entered == Counter(f"s{n}" for n in range(TOTAL))
        refused = Counter([json.loads(one.data)["data"]["origin"] async for one in scan(node.nc, streams.REJECTED, [])])
        assert len(refused) == TOTAL // 250
        assert set(refused.values()) == {1}
    finally:
        await node.stop()
