"""What the public is told waits for the public account; nothing else does."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node import Node, subject_of
from servers import Eventually, Link
from vardkase.runtime.jetstream.values import last_values
from vardkase_contracts import streams
from vardkase_contracts.instants import MINUTE, iso, parse

NOW = parse("2026-11-20T12:07:31Z")
PROFILE = {"name": "Skolan", "kind": "trygghetspunkt", "position": {"lon": 20.2, "lat": 63.8}, "publish": "live"}


def event(number: int, kind: str, data: dict[str, Any], *, slug: str = "skola") -> tuple[str, bytes]:
    report = {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "urn:tp:kommun:2480",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": f"2480-{slug}",
        "time": iso(NOW - (60 - number) * MINUTE),
        "reality": "act",
        "data": data,
    }
    return subject_of(report), json.dumps(report).encode()


@pytest.fixture
async def link() -> AsyncIterator[list[Link]]:
    links: list[Link] = []
    yield links
    for each in links:
        await each.stop()


async def shown(node: Node) -> dict[str, Any]:
    """What the public reads, by the last part of the subject."""
    return {
        each.subject.rpartition(".")[2]: json.loads(each.data)
        async for each in last_values(node.public, streams.PUBLIC, [])
    }


async def test_alerts_do_not_wait_for_the_public_account(
    tmp_path: Path, eventually: Eventually, link: list[Link]
) -> None:
    """With the public account out of reach a node is ready and alerts; back, the public has what it should have."""
    node = Node(tmp_path, eventually, VARDKASE_CLOCK_START=iso(NOW), VARDKASE_CLOCK_SPEED="0")
    await node.start()
    try:
        whole = node.nats.projector_url.get_secret_value()
        proxy = Link(int(whole.rpartition(":")[2]))
        link.append(proxy)
        await proxy.start()
        node.variables["VARDKASE_NATS_PUBLIC_URL"] = f"{whole.rpartition(':')[0]}:{proxy.port}"
        for service in ("intake", "aggregator"):
            node.run(service)
        for service in ("intake", "aggregator"):
            await node.until_ready(service)
        await node.publish([event(1, "register", PROFILE), event(2, "status", {"lifecycle": "open"})])
        await node.until_quiet()
        await eventually(lambda: shown_now(node, {"skola", "_"}), what="the public sees the point")

        proxy.cut()
        node.kill("aggregator")
        node.run("aggregator")
        await node.until_ready("aggregator")
        (public,) = [each for each in node.readiness("aggregator")["checks"] if each["name"] == "public"]
        assert (public["ok"], public["needed"]) == (False, False)
        await node.publish(
            [
                event(3, "resources", {"power": {"source": "none"}}),
                event(4, "register", PROFILE | {"publish": "hidden"}),
                event(5, "register", PROFILE, slug="ny"),
            ]
        )
        await eventually(lambda: alerted(node), what="the alert")

        proxy.heal()
        await eventually(lambda: shown_now(node, {"skola", "ny", "_"}), what="the public sees what is new")
        await eventually(lambda: gone(node, "skola"), what="the hidden point is gone")
    finally:
        await node.stop()


async def shown_now(node: Node, slugs: set[str]) -> bool:
    return set(await shown(node)) == slugs


async def gone(node: Node, slug: str) -> bool:
    return bool((await shown(node))[slug].get("gone"))


async def alerted(node: Node) -> bool:
    return "power.lost/2480-skola" in await node.open_alerts("act")
