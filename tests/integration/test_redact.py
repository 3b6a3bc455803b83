"""`redact`: what a report said is gone from states, pictures, alerts and streams, whenever it comes."""

import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node import Node, subject_of
from program import Done, inside
from servers import Eventually
from vardkase.federation.topology import DEAD_LETTERS
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.audit import AUDIT
from vardkase_contracts.instants import HOUR, MINUTE, iso

SECRET = "Anna Andersson 19500101"  # noqa: S105 -- what a report must not say
ALL = (
    streams.INTAKE,
    streams.REPORTS,
    streams.REJECTED,
    streams.STATE,
    streams.PICTURES,
    streams.ALERTS,
    streams.ORDERS_UP,
    streams.AUDIT,
)
ERASED = (streams.INTAKE, streams.REPORTS, streams.REJECTED)
"""Streams of which no byte may be left on disk either."""


def event(name: str, kind: str, data: Any, *, ago: int = 5 * MINUTE, point: str = "skolan") -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": name,
        "source": "urn:tp:kommun:2480",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": f"2480-{point}",
        "time": iso(time.time_ns() // 1000 - ago),
        "reality": "act",
        "data": data,
    }


def sent(*events: dict[str, Any]) -> list[tuple[str, bytes]]:
    return [(subject_of(each), json.dumps(each).encode()) for each in events]


@pytest.fixture
async def node(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Node]:
    made = Node(tmp_path, eventually, VARDKASE_AREA="24", VARDKASE_AGGREGATOR_ERASE_EVERY="300ms")
    await made.start("intake", "aggregator")
    try:
        yield made
    finally:
        await made.stop()


async def redact(node: Node, name: str) -> Done:
    return await inside(
        *("redact", "2480", name, "--reason", "ett namn", "--as", "24", "--yes"), VARDKASE_NATS_URL=node.nats.url
    )


async def holding(node: Node, secret: str) -> dict[str, int]:
    """In which streams the secret stands, and how often."""
    found: dict[str, int] = {}
    for stream in ALL:
        async for one in scan(node.nc, stream, []):
            held = one.data
            if stream == streams.REJECTED:
                held += base64.b64decode(json.loads(held)["data"]["bytes"])
            if secret.encode() in held:
                found[stream] = found.get(stream, 0) + 1
    return found


async def state(node: Node, point: str = "2480-skolan") -> dict[str, Any]:
    return next(each for each in (await node.last(streams.STATE)).values() if each["id"] == point)


@pytest.mark.slow
async def test_what_a_report_said_is_gone_and_stays_gone(node: Node, eventually: Eventually, tmp_path: Path) -> None:
    """Merged before, refused, sent again later, and over a restart: in no stream, and on no disk of the log's."""
    overdue = {"need_id": "n1", "kind": "fuel", "priority": "urgent", "needed_by": iso(time.time_ns() // 1000 - HOUR)}
    secret = event("r2", "status", {"occupancy": 40, "note": SECRET})
    need = event("r3", "need", overdue | {"note": SECRET})
    await node.publish(
        sent(
            event("r1", "status", {"lifecycle": "open", "occupancy": 7}, ago=9 * MINUTE),
            secret,
            need,
            event("r2", "status", {"occupancy": -1, "note": SECRET}),  # refused
        )
    )
    await node.until_quiet()
    before = await holding(node, SECRET)
    assert {streams.INTAKE, streams.REPORTS, streams.REJECTED, streams.STATE} <= before.keys()
    assert "need.overdue/2480-skolan" in await node.open_alerts()

    for about in ("r3", "r33"):  # notifications that were given up: one quotes the need, one another report
        told = {"reality": "act", "body": json.dumps({"evidence": json.dumps([{"report": about, "value": SECRET}])})}
        await node.nc.request(f"$KV.{DEAD_LETTERS}.hook.{about}", json.dumps(told).encode(), timeout=5)

    for name in ("r2", "r3"):
        done = await redact(node, name)
        assert done.code == 0, done
    await eventually(lambda: _empty(node), what="the secret is in no stream", within=30)
    folded = await state(node)
    assert folded["facts"]["occupancy"]["value"] == 7
    assert "note" not in folded["facts"]
    assert folded["facts"].get("needs", {}) == {}
    assert "need.overdue/2480-skolan" not in await node.open_alerts()

    # It comes again, to a node that has forgotten that it ever did; and after a restart, when all orders are read anew.
    await node.publish(sent(secret))
    await node.until_quiet()
    await eventually(lambda: _empty(node), what="the secret is gone again", within=30)
    node.kill("aggregator")
    await node.publish(sent(need, event("r4", "status", {"occupancy": 9}, ago=MINUTE)))
    node.run("aggregator")
    await node.until_ready("aggregator")
    await node.until_quiet()
    await eventually(lambda: _empty(node), what="the secret is gone after a restart", within=30)
    assert (await state(node))["facts"]["occupancy"]["value"] == 9
    assert (await state(node))["facts"].get("needs", {}) == {}

    for file in (tmp_path / "nats").rglob("*.blk"):
        if file.parent.parent.name in ERASED:
            assert SECRET.encode() not in file.read_bytes(), file

    letters = [one.subject async for one in scan(node.nc, f"KV_{DEAD_LETTERS}", [])]
    assert letters == [f"$KV.{DEAD_LETTERS}.hook.r33"]
    orders = [json.loads(one.data) async for one in scan(node.nc, streams.ORDERS_UP, [])]
    assert [(each["data"]["identity"]["id"], each["data"]["reason"]) for each in orders] == [
        ("r2", "ett namn"),
        ("r3", "ett namn"),
    ]
    audit = [AUDIT.validate_json(one.data).data async for one in scan(node.nc, streams.AUDIT, [])]
    assert {("redact.erase", "act.2480.r2"), ("redact.erase", "act.2480.r3")} <= {
        (each.what, each.on) for each in audit
    }
    assert sum(value for name, value in node.metrics("aggregator").items() if name.startswith("vardkase_redacted_t"))


async def _empty(node: Node) -> bool:
    return not await holding(node, SECRET)


@pytest.mark.slow
async def test_an_order_may_come_before_the_report_and_a_withdraw_may_be_gone(
    node: Node, eventually: Eventually
) -> None:
    """What is not there yet never counts; a withdraw that must be gone withdraws nothing."""
    assert (await redact(node, "r1")).code == 0
    await node.publish(sent(event("r1", "status", {"note": SECRET}), event("r2", "status", {"occupancy": 3})))
    await node.until_quiet()
    await eventually(lambda: _empty(node), what="it is gone", within=30)
    assert "note" not in (await state(node))["facts"]

    await node.publish(sent(event("w1", "withdraw", {"report_ids": ["r2"], "reason": SECRET})))
    await node.until_quiet()
    assert "occupancy" not in (await state(node))["facts"]
    assert (await redact(node, "w1")).code == 0
    await eventually(lambda: _empty(node), what="the withdraw is gone", within=30)

    async def back() -> bool:
        return "occupancy" in (await state(node))["facts"]

    await eventually(back, what="what it withdrew counts again")

    elsewhere = await inside(
        *("redact", "0180", "r2", "--reason", "x", "--as", "24", "--yes"), VARDKASE_NATS_URL=node.nats.url
    )
    assert elsewhere.code != 0  # this node takes no orders about Stockholm
    assert (await state(node))["facts"]["occupancy"]["value"] == 3
