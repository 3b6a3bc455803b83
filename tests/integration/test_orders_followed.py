"""Silences and overrides given to a running node: what alerts say of them, what is refused, and a restart."""

import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node import Node, subject_of
from servers import Eventually
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import streams, subjects
from vardkase_contracts.alert import ALERT
from vardkase_contracts.areas import Area
from vardkase_contracts.client import new_order
from vardkase_contracts.instants import MINUTE, iso, to_datetime
from vardkase_contracts.orders import OrderBase

POINT = "2480-umedalen"
HEAT, STAFF = f"heat.low/{POINT}", f"staff.short/{POINT}"


def report(kind: str, minutes_ago: float, data: dict[str, Any]) -> tuple[str, bytes]:
    """A report about the point, observed some minutes ago."""
    event = {
        "specversion": "1.0",
        "id": f"{kind}-{minutes_ago}",
        "source": "urn:tp:kommun:2480",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": POINT,
        "time": iso(time.time_ns() // 1000 - round(minutes_ago * MINUTE)),
        "reality": "act",
        "data": data,
    }
    return subject_of(event), json.dumps(event).encode()


def act(kind: Any, data: dict[str, Any], *, reality: Any = "act") -> OrderBase:
    """An order of the län about the kommun."""
    given_at = to_datetime(time.time_ns() // 1000)
    return new_order(kind, "2480", data, role="tib", acting_for="24", reality=reality, given_at=given_at)


@pytest.fixture
async def node(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Node]:
    """A län's node with a cold, undermanned point."""
    found = Node(tmp_path, eventually, VARDKASE_AREA="24")
    profile = {"name": "Skolan", "kind": "trygghetspunkt", "position": {"lon": 20.0, "lat": 64.0}}
    reading = {"heat": {"indoor_c": 20.5}, "staff": {"present": 1, "required": 4}, "power": {"source": "mains"}}
    await found.start("intake", "aggregator")
    try:
        await found.publish(
            [
                report("register", 90, profile | {"planned_services": ["heat"]}),
                report("status", 80, {"lifecycle": "open"}),
                report("resources", 10, reading),
            ]
        )
        yield found
    finally:
        await found.stop()


async def send(node: Node, *orders: OrderBase) -> None:
    """Store orders, one after the other."""
    for order in orders:
        subject = subjects.order(order.reality, Area.parse(order.subject), order.kind)
        data = order.model_dump_json(exclude_unset=True).encode()
        await StreamWriter(node.nc, streams.ORDERS_UP).write([Outgoing(subject=subject, data=data)])


async def test_orders_are_followed_refused_and_remembered(node: Node, eventually: Eventually) -> None:
    """A silence and an override show in the alerts within a moment, a bad one in REJECTED, all of it after a kill."""

    async def last() -> dict[str, dict[str, Any]]:
        documents = (await node.last(streams.ALERTS)).values()
        return {each["key"]: each for each in documents if each["status"] == "firing"}

    async def raised() -> bool:
        return set(await last()) == {STAFF}

    async def shown() -> bool:
        alerts = await last()
        return set(alerts) == {HEAT, STAFF} and len(alerts[STAFF]["silences"]) == 1

    now = time.time_ns() // 1000
    until = iso(now + 60 * MINUTE)
    await eventually(raised, what="an alert")
    played = {"scope": "2480", "override": {"comms.112": {"keep": "1m"}}}
    await send(
        node,
        act("silence", {"matcher": {"rule": "staff.short"}, "from": iso(now), "until": until}),
        act("rules", {"scope": POINT, "override": {"heat.low": {"yellow": {"limit": 21}}}}),
        act("rules", played, reality="exe"),
    )
    await eventually(shown, what="silence and override")
    alerts = await last()
    assert {key: each["level"] for key, each in alerts.items()} == {HEAT: "yellow", STAFF: "red"}
    version = alerts[HEAT]["rules_version"]
    assert version.startswith("default-1+")
    for each in alerts.values():
        ALERT.validate_json(json.dumps(each))

    bad = act("rules", {"scope": POINT, "override": {"heat.low": {"yellow": {"limit": 17}}}})
    beyond = act("rules", {"scope": "2482", "override": {}})
    await send(node, bad, beyond)

    async def refused() -> list[dict[str, Any]]:
        found = [each["data"] for each in (await node.last(streams.REJECTED)).values()]
        return [data for data in found if beyond.id in base64.b64decode(data["bytes"]).decode()]

    await eventually(refused, what="the refusal")
    everything = [each["data"] for _, each in await node.all(streams.REJECTED)]
    assert [(each["reason"], each["field"]) for each in everything] == [
        ("schema", "data.override.heat.low"),
        ("subject_mismatch", "data.scope"),
    ]
    assert (await last())[HEAT]["rules_version"] == version
    metrics = node.metrics("aggregator")
    assert metrics['vardkase_rejected_total{reality="act",reason="subject_mismatch"}'] == 1

    told = len(await node.all(streams.ALERTS))
    node.kill("aggregator")
    node.run("aggregator")
    await node.until_ready("aggregator")
    await node.publish([report("confirm", 0, {})])
    await node.until_quiet()
    assert len(await node.all(streams.ALERTS)) == told
    assert await node.twins() == []
    await eventually(
        lambda: node.metrics("aggregator").get('vardkase_rule_tables{reality="act"}') == 2,
        what="metrics of what is kept",
    )
    metrics = node.metrics("aggregator")
    assert metrics['vardkase_orders_kept{kind="silence",reality="act"}'] == 1
    assert metrics['vardkase_orders_kept{kind="rules",reality="exe"}'] == 1
    assert metrics['vardkase_orders_left_out{kind="rules",reality="act"}'] == 0
    assert metrics['vardkase_alerts_silenced{reality="act"}'] == 1
