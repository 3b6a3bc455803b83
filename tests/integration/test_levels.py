"""A node of each level: a kommun, a län, a civilområde, the nation. Each takes what is its own, and shows it."""

import json
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from node import Node, subject_of
from servers import Eventually
from vardkase_contracts import streams, subjects
from vardkase_contracts.instants import MINUTE, iso


def report(point: str, kind: str, data: dict[str, object]) -> tuple[str, bytes]:
    """A report of the kommun about its point, observed a minute ago."""
    event = {
        "specversion": "1.0",
        "id": f"{kind}-{point}",
        "source": f"urn:tp:kommun:{point[:4]}",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": point,
        "time": iso(time.time_ns() // 1000 - MINUTE),
        "reality": "act",
        "data": data,
    }
    return subject_of(event), json.dumps(event).encode()


def opening(points: Iterable[str]) -> list[tuple[str, bytes]]:
    """Points that are registered and open, with seven people in each."""
    profile = {"name": "Skolan", "kind": "trygghetspunkt", "position": {"lon": 20.0, "lat": 64.0}, "publish": "live"}
    return [
        *(report(point, "register", profile) for point in points),
        *(report(point, "status", {"lifecycle": "open", "occupancy": 7}) for point in points),
    ]


async def shown(node: Node, points: set[str]) -> bool:
    """Whether the area's picture and the public have all these points."""
    picture = (await node.last(streams.PICTURES)).get(subjects.picture("act", node.area))
    public = {each["id"] for each in (await node.last(streams.PUBLIC)).values()}
    return picture is not None and picture["condition"]["occupancy"]["sum"] == 7 * len(points) and public >= points


@pytest.mark.parametrize(
    ("code", "kommuner"),
    [("2480", ["2480"]), ("24", ["2480", "2401"]), ("norra", ["2480", "2580"]), ("SE", ["2480", "1280"])],
)
async def test_a_node_of_every_level_starts_takes_reports_and_shows_them(
    code: str, kommuner: list[str], tmp_path: Path, eventually: Eventually
) -> None:
    """Also one whose area is several subjects."""
    points = {f"{kommun}-skolan" for kommun in kommuner}
    node = Node(tmp_path, eventually, VARDKASE_AREA=code)
    await node.start("intake", "aggregator")
    try:
        await node.publish(opening(points))
        await node.until_quiet()
        assert (await node.versions()).keys() == points
        await eventually(lambda: shown(node, points), what="shown")
    finally:
        await node.stop()


async def test_a_civilomrade_goes_on_after_all_of_it_was_killed(tmp_path: Path, eventually: Eventually) -> None:
    """What waits, in whichever of its län, is learnt from all the subjects that its area is."""
    points = {"2480-skolan", "2580-skolan", "2380-skolan", "2280-skolan"}
    node = Node(tmp_path, eventually, VARDKASE_AREA="norra")
    await node.start("intake", "aggregator")
    try:
        for service in ("intake", "aggregator"):
            node.kill(service)
        await node.publish(opening(points))
        for service in ("intake", "aggregator"):
            node.run(service)
        for service in ("intake", "aggregator"):
            await node.until_ready(service)
        await node.until_quiet()
        assert (await node.versions()).keys() == points
        await eventually(lambda: shown(node, points), what="shown")
        assert not await node.last(streams.REJECTED)
    finally:
        await node.stop()
