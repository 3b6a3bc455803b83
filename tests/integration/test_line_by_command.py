"""`vardkase line` against a running node: read by the register that it holds, sent, said back, refused whole."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node import Node, subject_of
from program import Done, inside
from servers import Eventually
from vardkase_contracts import streams


def registered(slug: str, no: int) -> tuple[str, bytes]:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"register-{slug}",
        "source": "urn:tp:kommun:2480",
        "type": "se.trygghetspunkt.register.v1",
        "subject": f"2480-{slug}",
        "time": "2026-01-10T03:40:00Z",
        "reality": "act",
        "data": {
            "name": slug.capitalize(),
            "kind": "trygghetspunkt",
            "position": {"lon": 20.0, "lat": 64.0},
            "no": no,
        },
    }
    return subject_of(event), json.dumps(event).encode()


@pytest.fixture
async def node(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Node]:
    """A node of Västerbotten with three points, two of which have one number."""
    made = Node(tmp_path, eventually, VARDKASE_AREA="24")
    await made.start("intake", "aggregator")
    try:
        await made.publish([registered("skolan", 17), registered("a", 20), registered("b", 20)])
        await made.until_quiet()
        yield made
    finally:
        await made.stop()


async def line(node: Node, text: str, *options: str) -> Done:
    return await inside("line", text, *options, VARDKASE_NATS_URL=node.nats.url)


async def states(node: Node) -> dict[str, Any]:
    return {each["id"]: each for each in (await node.last(streams.STATE)).values()}


async def test_a_line_is_sent_and_said_back(node: Node) -> None:
    """Said back first, accepted, in the state; again it changes nothing; a dry run and what is wrong send nothing."""
    text = "TP SKARPT 0310 2480 17 O B42 P2 E11 S3/4"
    dry = await line(node, text, "--dry-run")
    assert dry.code == 0, dry
    assert "Uppfattat: SKARPT LÄGE. Umeå (2480), punkt 17 Skolan, " in dry.stdout
    assert "Inget är skickat" in dry.stdout
    assert len(await node.all(streams.REPORTS)) == 3

    sent = await line(node, text, "--channel", "rakel")
    assert sent.code == 0, sent
    assert "Godkänd: 2 rapporter" in sent.stdout
    await node.until_quiet()
    facts = (await states(node))["2480-skolan"]["facts"]
    assert (facts["lifecycle"]["value"], facts["occupancy"]["value"]) == ("open", 42)
    assert facts["power"]["quality"] == "relayed"
    assert facts["power"]["value"]["endurance_h"] == 11

    again = await line(node, text.lower(), "--channel", "rakel", "--json")
    assert again.code == 0, again
    (told,) = [json.loads(each) for each in again.stdout.splitlines()]
    assert told["line"].endswith(" 2480 17 O B42 P2 E11 S3/4")
    assert (told["point"], len(told["reports"])) == ("2480-skolan", 2)
    await node.until_quiet()
    assert len(await node.all(streams.REPORTS)) == 5

    for wrong, told in (
        ("TP SKARPT 0310 2480 17 O B", 'Ord 7, "B": väntade B'),
        ("TP SKARPT 0310 2480 18 O", 'Ord 5, "18": ingen punkt har numret'),
        ("TP SKARPT 0310 2480 20 O", 'Ord 5, "20": flera punkter har numret'),
        ("TP SKARPT 0310 0180 17 O", 'Ord 4, "0180": noden tar inte emot'),
    ):
        refused = await line(node, wrong)
        assert refused.code == 2
        assert told in refused.stderr
        assert "inget är skickat" in refused.stderr
    assert len(await node.all(streams.REPORTS)) == 5
