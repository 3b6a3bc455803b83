"""Killed in the middle of it all, the services go on where they were."""

import asyncio
import json
import random
from pathlib import Path

import pytest

from night_kit import NOW, expected, reports
from node import Node, subject_of
from servers import Eventually
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.instants import iso


@pytest.fixture
def variables() -> dict[str, str]:
    return {"VARDKASE_AREA": "24", "VARDKASE_CLOCK_START": iso(NOW), "VARDKASE_CLOCK_SPEED": "0"}


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_kill_9_in_the_middle_of_20_000_reports(
    tmp_path: Path, eventually: Eventually, variables: dict[str, str]
) -> None:
    """Whatever moment intake and aggregator are killed at: the same versions and open alerts, and no alert twice."""
    node = Node(tmp_path, eventually, **variables)
    chance = random.Random(7)
    all_reports = reports(20_000, seed=3)
    await node.start("intake", "aggregator")
    try:

        async def disturb() -> None:
            for service in ("aggregator", "intake", "aggregator", "intake"):
                await asyncio.sleep(chance.uniform(0.2, 1.2))
                await asyncio.to_thread(node.kill, service)
                node.run(service)
                await node.until_ready(service)

        disturbing = asyncio.create_task(disturb())
        for start in range(0, len(all_reports), 200):
            await node.publish(
                (subject_of(each), json.dumps(each).encode()) for each in all_reports[start : start + 200]
            )
        await disturbing
        await node.until_quiet(within=120)

        log = [each async for each in scan(node.nc, streams.REPORTS, [])]
        distinct = {json.dumps(each) for each in all_reports}
        assert len(log) == len(distinct)
        assert {each.data.decode() for each in log} == distinct
        origins = [each.headers["Tp-Origin"] for each in log]
        assert len(set(origins)) == len(origins)

        versions, alerts, pictures = await expected(node)
        assert await node.versions() == versions
        assert await node.open_alerts() == alerts
        assert await node.twins() == []
        assert len(alerts) > 100

        async def same() -> bool:
            told = await node.last(streams.PICTURES)
            return {each["code"]: each["version"] for each in told.values() if each["reality"] == "act"} == pictures

        await eventually(same, what="pictures equal to those made from the beginning")
    finally:
        await node.stop()


async def test_a_lost_memory_is_made_again_from_the_log(
    tmp_path: Path, eventually: Eventually, variables: dict[str, str]
) -> None:
    """Without its file of identities the aggregator reads the log from the beginning, and says nothing new."""
    node = Node(tmp_path, eventually, **variables)
    await node.start("intake", "aggregator")
    try:
        await node.publish((subject_of(each), json.dumps(each).encode()) for each in reports(1_000, seed=5))
        await node.until_quiet()
        versions, alerts = await node.versions(), await node.open_alerts()
        told = len(await node.all(streams.ALERTS))
        node.kill("aggregator")
        for file in (tmp_path / "aggregator").iterdir():
            file.unlink()
        node.run("aggregator")
        await node.until_ready("aggregator")
        await node.until_quiet()
        assert await node.versions() == versions == (await expected(node))[0]
        assert await node.open_alerts() == alerts
        assert len(await node.all(streams.ALERTS)) == told
    finally:
        await node.stop()
