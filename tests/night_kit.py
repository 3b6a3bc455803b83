"""A night's reports of a län, and what follows from a log by definition: folded and judged without any stream."""

import hashlib
import random
from typing import Any

from node import Node
from oracle.adapter import rules
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
