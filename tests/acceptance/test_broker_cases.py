"""A node as a broker, by the cases that the WMO tests its Global Brokers with, put for trygghetspunkter.

After the functional tests of `wmo-im/wis2-global-services-testing`: what is published is looked for among the messages
*and* among the metrics. Where the case is another here, its test says how. The two cases of TLS, and that of a
cluster, are where links and clusters are tested (`tests/federation/test_keys.py`, `tests/federation/test_cluster.py`).
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import nats
import nats.errors
import pytest
import pytest_asyncio

from node import Node, subject_of
from servers import Eventually
from vardkase_contracts import streams
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import MINUTE, iso, parse
from vardkase_contracts.vocab import REPORT_KINDS

NOW = parse("2026-11-20T12:00:00Z")
PROFILE = {
    "name": "Skolan",
    "kind": "trygghetspunkt",
    "position": {"lon": 20.2, "lat": 63.8},
    "planned_services": ["heat"],
    "publish": "live",
}
DATA: dict[str, dict[str, Any]] = {
    "register": PROFILE,
    "status": {"lifecycle": "open", "occupancy": 3},
    "resources": {"power": {"source": "mains"}},
    "need": {"need_id": "n1", "kind": "fuel", "quantity": 60, "unit": "l", "priority": "high", "state": "requested"},
    "confirm": {"aspects": ["lifecycle"]},
    "heartbeat": {},
    "contact": {"result": "reached"},
    "activation": {"state": "active"},
    "withdraw": {"report_ids": ["status-0"]},
    "retire": {},
}


def event(kind: str, identity: str, *, kommun: str = "2480", slug: str = "skola", **changes: Any) -> dict[str, Any]:
    """A report that is right, but for what is changed."""
    return {
        "specversion": "1.0",
        "id": identity,
        "source": f"urn:tp:kommun:{kommun}",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": f"{kommun}-{'_' if kind == 'activation' else slug}",
        "time": iso(NOW - 5 * MINUTE),
        "reality": "act",
        "data": DATA[kind],
        **changes,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory, eventually: Eventually) -> AsyncIterator[Node]:
    """A nation's node whose clock stands still; each test has a kommun of its own."""
    directory = tmp_path_factory.mktemp("broker")
    node = Node(directory, eventually, VARDKASE_CLOCK_START=iso(NOW), VARDKASE_CLOCK_SPEED="0")
    await node.start("intake", "aggregator")
    yield node
    await node.stop()


pytestmark = pytest.mark.asyncio(loop_scope="module")


class Told:
    """What a subscriber heard, and by how much counters rose, since it began."""

    def __init__(self, node: Node, kommun: str) -> None:
        self._node = node
        self._kommun = kommun
        self.heard: list[tuple[str, dict[str, Any]]] = []

    async def begin(self) -> "Told":
        """Listen to what is accepted and what is refused of a kommun."""
        self._before = await asyncio.to_thread(self._node.metrics, "intake")

        async def take(message: Any) -> None:
            self.heard.append((message.subject, json.loads(message.data)))

        lan = KOMMUNER[self._kommun].lan
        for family in ("accepted", "rejected"):
            await self._node.nc.subscribe(f"tp.v1.act.{family}.{lan}.{self._kommun}.>", cb=take)
        await self._node.nc.flush()
        return self

    async def send(self, *events: dict[str, Any]) -> None:
        """Publish, and wait until all is dealt with."""
        await self._node.publish((subject_of(each), json.dumps(each).encode()) for each in events)
        await self._node.until_quiet()
        await self._node.nc.flush()

    def of(self, family: str) -> list[dict[str, Any]]:
        """What was heard under a family of subjects."""
        return [document for subject, document in self.heard if subject.split(".")[3] == family]

    def rose(self, name: str) -> float:
        """By how much the samples of a counter rose, its labels given in part."""
        family, _, labels = name.partition("{")
        wanted = labels.rstrip("}").split(",") if labels else []

        def total(samples: dict[str, float]) -> float:
            found = (key for key in samples if key.partition("{")[0] == family)
            return sum(samples[key] for key in found if all(each in key for each in wanted))

        return total(self._node.metrics("intake")) - total(self._before)


async def test_everyone_reads_what_is_public(node: Node, eventually: Eventually) -> None:
    """With the user and password that everyone knows, what is public arrives as it changes."""
    public = await nats.connect(node.nats.public_url)
    heard: list[str] = []

    async def take(message: Any) -> None:
        heard.append(message.subject)

    await public.subscribe("tp.v1.act.public.>", cb=take)
    await public.flush()
    told = await Told(node, "0114").begin()
    await told.send(event("register", "r", kommun="0114"), event("status", "s", kommun="0114"))
    await eventually(lambda: "tp.v1.act.public.01.0114.skola" in heard, what="the point is public")
    await public.close()


async def test_everyone_writes_nothing(node: Node) -> None:
    """Neither what is public, nor a report, nor a refusal: each is refused to them, and nobody hears it."""
    told = await Told(node, "0115").begin()
    errors: list[Exception] = []

    async def failed(error: Exception) -> None:
        errors.append(error)

    public = await nats.connect(node.nats.public_url, error_cb=failed)
    mine = json.dumps(event("status", "s", kommun="0115")).encode()
    for subject in (
        "tp.v1.act.public.01.0115.skola",
        "tp.v1.act.report.01.0115.skola.status",
        "tp.v1.act.accepted.01.0115.skola.status",
        "tp.v1.act.rejected.01.0115.skola",
    ):
        await public.publish(subject, mine)
    await public.flush()
    with pytest.raises((nats.errors.NoRespondersError, nats.errors.TimeoutError)):
        await public.request("tp.v1.act.report.01.0115.skola.status", mine, timeout=0.3)
    await public.close()
    await node.until_quiet()
    assert told.heard == []
    assert len([each for each in errors if "permissions violation" in str(each).lower()]) >= 4
    assert told.rose("vardkase_reports_total") == told.rose("vardkase_rejected_total") == 0


async def test_of_twenty_with_one_identity_one_goes_on(node: Node) -> None:
    """Ten copies from one reporter and ten from another of the kommun: one is merged, nineteen are known already.

    In a broker of notifications the identity is the id alone. Here it is the id in the kommun: what another kommun
    sends under it is its own (the case that follows).
    """
    told = await Told(node, "0117").begin()
    for source in ("urn:tp:kommun:0117:a", "urn:tp:kommun:0117:b"):
        await told.send(*[event("status", "same", kommun="0117", source=source) for _ in range(10)])
    assert Counter(each["source"] for each in told.of("accepted")) == {
        "urn:tp:kommun:0117:a": 1,
        "urn:tp:kommun:0117:b": 1,  # other bytes under one identity: kept, counted as a conflict, and not merged
    }
    assert told.rose('vardkase_reports_total{outcome="accepted"}') == 2
    assert told.rose('vardkase_reports_total{outcome="duplicate"}') == 18
    state = (await node.last(streams.STATE))["tp.v1.act.state.01.0117.skola"]
    assert {fact["report"] for fact in state["facts"].values()} == {"same"}
    assert len(state["timelines"]["reports"]) == 1
    assert any(
        key.startswith("vardkase_id_conflict_total") and value for key, value in node.metrics("aggregator").items()
    )


async def test_nobody_publishes_in_anothers_name(node: Node) -> None:
    """A kommun's report about another's point, and one about its own point on another's subject: refused, and told."""
    told, other = await Told(node, "0120").begin(), await Told(node, "0123").begin()
    foreign = event("status", "f", kommun="0123", source="urn:tp:kommun:0120")
    elsewhere = event("status", "e", kommun="0120")
    await node.publish([(subject_of(event("status", "e", kommun="0123")), json.dumps(elsewhere).encode())])
    await told.send(foreign)
    assert told.of("accepted") == other.of("accepted") == []
    assert [(each["data"]["reason"], each["data"]["field"]) for each in other.of("rejected")] == [
        ("subject_mismatch", "subject"),
        ("subject_mismatch", "source"),
    ]
    assert told.rose("vardkase_rejected_total") == 2


async def test_every_kind_on_its_subject_goes_on(node: Node) -> None:
    """One right report of each kind: all are heard, and counted one by one."""
    told = await Told(node, "0125").begin()
    await told.send(*[event(kind, f"{kind}-0", kommun="0125") for kind in REPORT_KINDS])
    assert [each["id"] for each in told.of("accepted")] == [f"{kind}-0" for kind in REPORT_KINDS]
    assert told.of("rejected") == []
    for kind in REPORT_KINDS:
        assert told.rose(f'vardkase_reports_total{{kind="{kind}",outcome="accepted"}}') == 1, kind


async def test_ten_wrong_subjects_are_refused(node: Node) -> None:
    """Right reports on subjects that are not theirs: none goes on, each is refused once, and counted."""
    told = await Told(node, "0126").begin()
    right = json.dumps(event("status", "s", kommun="0126")).encode()
    wrong = [
        "tp.v1.act.report.01.0126.skola.resources",
        "tp.v1.act.report.01.0126.annan.status",
        "tp.v1.act.report.01.0126._.status",
        "tp.v1.act.report.03.0126.skola.status",
        "tp.v1.exe.report.01.0126.skola.status",
        "tp.v1.tst.report.01.0126.skola.status",
        "tp.v1.act.report.01.0126.SKOLA.status",
        "tp.v1.act.report.01.0126.skola.nothing",
        "tp.v1.act.report.01.0126.skola-2.status",
        "tp.v1.act.report.01.0127.skola.status",
    ]
    await node.publish((subject, right) for subject in wrong)
    await told.send()
    assert told.of("accepted") == []
    assert told.rose("vardkase_rejected_total") == len(wrong)
    assert told.rose("vardkase_reports_total") == 0


async def test_points_without_a_register_are_taken_and_marked(node: Node, eventually: Eventually) -> None:
    """Ten points that nobody registered: a broker of notifications drops them; here a place that helps must be seen.

    They go on, count as unregistered, and nothing of them is public.
    """
    told = await Told(node, "0127").begin()
    await told.send(*[event("status", f"s{n}", kommun="0127", slug=f"plats-{n}") for n in range(10)])
    assert len(told.of("accepted")) == 10
    assert told.rose('vardkase_reports_total{outcome="accepted"}') == 10

    async def shown() -> bool:
        coverage = (await node.last(streams.PICTURES))["tp.v1.act.picture.01.0127"]["coverage"]
        return (coverage["unregistered"], coverage["expected"]) == (10, 0)

    await eventually(shown, what="the picture counts them")
    assert not [each for each in await node.last(streams.PUBLIC) if each.startswith("tp.v1.act.public.01.0127.plats")]


async def test_whatever_is_missing_or_wrong_in_an_event_is_refused(node: Node) -> None:
    """Each mandatory field left out, and each of another type: none goes on; each is refused once with its field."""
    told = await Told(node, "0128").begin()
    right = event("status", "right", kommun="0128")
    subject = subject_of(right)
    mandatory = ("specversion", "id", "source", "type", "subject", "time", "reality", "data")
    wrong = [
        *[({name: value for name, value in right.items() if name != left_out}, left_out) for left_out in mandatory],
        *[(right | {name: 7}, name) for name in mandatory],
    ]
    await node.publish((subject, json.dumps(each | {"extra": n}).encode()) for n, (each, _) in enumerate(wrong))
    await told.send()
    assert told.of("accepted") == []
    assert told.rose("vardkase_rejected_total") == len(wrong)
    refused = told.of("rejected")
    assert len(refused) == len(wrong)
    assert Counter(each["data"]["field"] for each in refused) == Counter(field for _, field in wrong)
