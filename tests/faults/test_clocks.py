"""Clocks that are wrong: of clients, of the node, and stepping while it works."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from faults.campaign import WITHOUT_ARCHIVE
from faults.clocks import Clock
from faults.load import Told
from faults.reporters import Reporters
from faults.whole import Whole
from servers import Eventually
from vardkase.rehearsal.verdict import twins
from vardkase.runtime.jetstream.values import last_values, scan
from vardkase_contracts import streams, subjects
from vardkase_contracts.instants import MINUTE, SECOND, iso, parse

OFF = 600.0
"""Seconds: ten minutes."""
POINT = "2480-umedalen"


def real() -> int:
    """The real time, µs."""
    return time.time_ns() // 1000


def told(kind: str, at: int, data: dict[str, Any], *, point: str = POINT, number: int = 0) -> Told:
    """A report with a time of its own."""
    event = {
        "specversion": "1.0",
        "id": f"{kind}-{point[5:]}-{number}",
        "source": "urn:tp:kommun:2480",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": point,
        "time": iso(at),
        "reality": "act",
        "data": data,
    }
    return Told(subjects.report("act", "2480", point[5:], kind), json.dumps(event).encode())  # type: ignore[arg-type]


def opened(point: str, at: int) -> list[Told]:
    """A point that is open, with staff."""
    profile = {"name": point, "kind": "trygghetspunkt", "position": {"lon": 20.2, "lat": 63.8}, "publish": "live"}
    return [
        told("register", at, profile | {"staff_required": 2}, point=point),
        told("status", at, {"lifecycle": "open"}, point=point),
        told("resources", at, {"power": {"source": "mains"}, "staff": {"present": 2}}, point=point),
    ]


async def documents(node: Whole, stream: str) -> dict[str, Any]:
    """The last document of every subject."""
    return {each.subject: json.loads(each.data) async for each in last_values(node.nc, stream, [])}


async def firing(node: Whole) -> dict[str, str]:
    """The level of every open alert."""
    found = (await documents(node, streams.ALERTS)).values()
    return {each["key"]: each["level"] for each in found if each["status"] == "firing"}


@pytest.mark.timeout(180)
async def test_wrong_and_stepping_clocks_neither_lose_nor_take_back(tmp_path: Path, eventually: Eventually) -> None:
    """A client ten minutes ahead is put right, one behind is late; the node's steps never take back what was said."""
    clock = Clock(tmp_path)
    node = Whole(tmp_path / "node", eventually, variables=WITHOUT_ARCHIVE, environment=clock.variables())
    await node.start()
    try:
        # Two clients' clocks are wrong by ten minutes, each its own way.
        ahead, behind, steady = "2480-ahead", "2480-behind", "2480-steady"
        now = real()
        reports = [*opened(steady, now - 5 * MINUTE), *opened(behind, now - 15 * MINUTE)]
        reports += opened(ahead, now + round(OFF * SECOND))
        # What runs out in eight minutes of real time.
        power = {"source": "backup", "backup_state": "running", "endurance_h": 13 / 60}
        reports.append(told("resources", now - 5 * MINUTE, {"power": power}, point=steady, number=1))
        await Reporters(node.nc, reports).run()

        async def shown() -> bool:
            states = {each["id"]: each for each in (await documents(node, streams.STATE)).values()}
            return all("staff" in states.get(point, {"facts": {}})["facts"] for point in (ahead, behind, steady))

        await eventually(shown, what="all three are shown", within=20.0)
        states = {each["id"]: each["facts"]["staff"] for each in (await documents(node, streams.STATE)).values()}
        assert states[ahead]["clock_adjusted"]
        assert abs(parse(states[ahead]["observed_at"]) - now) < 2 * MINUTE
        assert "clock_adjusted" not in states[behind]
        assert parse(states[behind]["observed_at"]) == parse(iso(now - 15 * MINUTE))
        adjusted = (await node.metrics("aggregator"))['vardkase_clock_adjusted_total{reality="act"}']
        assert adjusted == 3.0

        # The node's clock is set ten minutes ahead: the power has run out, and that is told at once.
        lost = f"power.lost/{steady}"

        async def told_of_it() -> bool:
            return lost in await firing(node)

        assert not await told_of_it()
        clock.set(OFF)
        await eventually(told_of_it, what="power that ran out by the clock", within=10.0)

        # Set back by twenty minutes, it goes on from where it was: nothing is taken back, nothing is raised anew.
        changes = len([each async for each in scan(node.nc, streams.ALERTS, [])])
        clock.set(-OFF)
        await Reporters(node.nc, [told("confirm", real(), {}, point=behind)]).run()
        stepped = "vardkase_clock_stepped_seconds"

        async def noticed() -> bool:
            return abs((await node.metrics("aggregator"))[stepped] + OFF) < 5

        await eventually(noticed, what="a step that is told", within=15.0)
        assert await told_of_it()
        assert len([each async for each in scan(node.nc, streams.ALERTS, [])]) == changes

        # Put right again, and power back on.
        clock.set(0.0)
        mains = told("resources", real(), {"power": {"source": "mains"}}, point=steady, number=2)
        await Reporters(node.nc, [mains]).run()

        async def cleared() -> bool:
            return lost not in await firing(node)

        await eventually(cleared, what="power that is back", within=15.0)
        assert twins([(each.subject, json.loads(each.data)) async for each in scan(node.nc, streams.ALERTS, [])]) == []
        assert await node.is_ready(), await node.failing()
        assert "restarts" not in node.log.read_text(), "a service ended"
    finally:
        await node.stop()
