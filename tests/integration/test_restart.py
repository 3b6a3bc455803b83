"""Killed in the middle of it all, the services go on where they were."""

import asyncio
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from node import Node, subject_of
from oracle.adapter import rules
from servers import Eventually
from vardkase.aggregator.world import World
from vardkase.domain.codec import merged_document
from vardkase.domain.fold import fold
from vardkase.domain.merge import Received
from vardkase.domain.picture import Pictures
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, MINUTE, iso, parse
from vardkase_contracts.reports import REPORT

#: A clock that stands still: two runs judge at one instant.
NOW = parse("2026-11-20T12:00:00Z")
LAN = Area.parse("24")


def reports(count: int, seed: int) -> list[dict[str, Any]]:
    """Reports of 300 points in Västerbotten: some twice, some with another's id, some withdrawn."""
    chance = random.Random(seed)
    points = [f"{code}-p{number}" for code in LAN.kommuner() for number in range(20)]
    made: list[dict[str, Any]] = []

    def add(point: str, kind: str, at: int, data: dict[str, Any], report_id: str | None = None) -> None:
        made.append(
            {
                "specversion": "1.0",
                "id": report_id or f"r{len(made)}",
                "source": f"urn:tp:kommun:{point[:4]}:{chance.choice('ab')}",
                "type": f"se.trygghetspunkt.{kind}.v1",
                "subject": point,
                "time": iso(at),
                "reality": "act",
                "data": data,
            }
        )

    for point in points:
        profile = {"name": point, "kind": "trygghetspunkt", "position": {"lon": 20.0, "lat": 64.0}, "publish": "live"}
        add(point, "register", NOW - 30 * HOUR, profile | {"staff_required": 3, "capacity_day": 50})
        add(point, "status", NOW - chance.randrange(20) * HOUR, {"lifecycle": "open"})
    while len(made) < count:
        point = chance.choice(points)
        at = NOW - chance.randrange(600) * MINUTE
        turn = chance.random()
        if turn < 0.04:
            made.append(chance.choice(made))
        elif turn < 0.05:
            twin = chance.choice(made)
            add(twin["subject"][:4] + point[4:], "status", at, {"occupancy": chance.randrange(50)}, twin["id"])
        elif turn < 0.06:
            same = [each["id"] for each in made[-2000:] if each["subject"] == point]
            if same:
                add(point, "withdraw", at, {"report_ids": sorted(set(chance.sample(same, min(2, len(same)))))})
        elif turn < 0.4:
            add(
                point,
                "status",
                at,
                {"occupancy": chance.randrange(55), "lifecycle": chance.choice(["open", "open", "closed"])},
            )
        elif turn < 0.9:
            power = {
                "source": "backup",
                "backup_state": "running",
                "fuel_l": float(chance.randrange(200)),
                "fuel_l_per_h": 10.0,
            }
            add(point, "resources", at, {"power": power, "staff": {"present": chance.randrange(5)}})
        else:
            add(point, "confirm", at, {})
    return made


async def expected(node: Node) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """What the log says, folded and judged from the beginning without any stream: versions and open alerts."""
    received = [
        Received(
            report=REPORT.validate_json(entry.data),
            received=parse(entry.headers["Tp-Received"]),
            digest=hashlib.sha256(entry.data).digest(),
        )
        async for entry in scan(node.nc, streams.REPORTS, [])
    ]
    world = World("act", LAN, rules())
    for state in fold(received).values():
        world.put(state)
    world.judge(NOW)
    pictures = Pictures(world.rollup, "act")
    around = world.surroundings()
    return (
        {point: merged_document(state)["version"] for point, state in world.states.items()},
        world.open_alerts(),
        {area.code: pictures.of(area, around, NOW)["version"] for area in world.rollup.sums},
    )


@pytest.fixture
def variables() -> dict[str, str]:
    return {"VARDKASE_AREA": "24", "VARDKASE_CLOCK_START": iso(NOW), "VARDKASE_CLOCK_SPEED": "0"}


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
