"""Documents that are longer than a NATS server takes: left out, told of, and nothing else stops."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from pydantic import SecretStr

from oracle.adapter import received
from oracle.make import Told, given, resources, status
from servers import Dial, Eventually, MakeServer
from vardkase.aggregator.app import Aggregator
from vardkase.aggregator.public_feed import PublicFeed
from vardkase.aggregator.rules_file import load_rules
from vardkase.aggregator.world import World
from vardkase.domain.codec import merged_document
from vardkase.domain.merge import merge
from vardkase.domain.state import PointState
from vardkase.federation import topology
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.values import last_values
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import iso
from vardkase_contracts.refusals import REJECTED
from vardkase_contracts.state import STATE

LAN = Area.parse("24")
LONG = "2480-long"
OTHER = "2480-other"
SHORTEST = 40_000
"""The server's `max_payload`, in bytes."""


def need(number: int) -> Told:
    note = {"need_id": f"n{number}", "note": "\U0001f525" * 2000, "kind": "fuel"}
    return Told(number, "need", note, point=LONG, id=f"need{number}")


class Small:
    """A node's account on a server that takes little, with an aggregator that is started here."""

    def __init__(self, nc: Connection, directory: Path, eventually: Eventually) -> None:
        self.nc = nc
        self._directory = directory
        self._eventually = eventually
        self.metrics = Metrics()

    @asynccontextmanager
    async def aggregator(self) -> AsyncIterator[Aggregator]:
        self.metrics = Metrics()
        settings: dict[str, Any] = {
            "aggregator": {"tick": 0.05, "coalesce": 0.05, "republish": 0.3},
            "reader": {"heartbeat": 0.5, "check": 0.5},
        }
        aggregator = Aggregator(Settings(data_dir=self._directory, area="24", **settings), self.metrics)
        await aggregator.start(self.nc)
        yield aggregator
        aggregator.tasks.closing()
        await aggregator.stop()

    async def tell(self, *told: Told) -> None:
        """Reports, as intake puts them into the log; returns when they are merged and published."""
        messages = [
            Outgoing(
                subject=subjects.accepted("act", each.event["subject"][:4], each.event["subject"][5:], kind_of(each)),
                data=each.raw,
                headers={"Tp-Received": iso(each.received)},
                message_id=f"act.2480.{each.event['id']}",
            )
            for each in given(told)
        ]
        last = (await StreamWriter(self.nc, streams.REPORTS).write(messages))[-1]

        async def acknowledged() -> bool:
            info = await call(self.nc, f"CONSUMER.INFO.{streams.REPORTS}.aggregator-act")
            return info["ack_floor"]["stream_seq"] >= last

        await self._eventually(acknowledged, what="all merged", within=20)

    async def last(self, stream: str, pattern: str) -> Any:
        found = [json.loads(each.data) async for each in last_values(self.nc, stream, [pattern])]
        return found[-1] if found else None

    async def state(self, point: str) -> Any:
        return await self.last(streams.STATE, subjects.state("act", point[:4], point[5:]))

    def count(self, stream: str) -> float:
        return self.metrics.registry.get_sample_value("vardkase_too_long_total", {"stream": stream}) or 0.0


def kind_of(each: Any) -> Any:
    return each.event["type"].split(".")[2]


def version(*told: Told) -> str:
    """Of the state that these reports make."""
    state = PointState(LONG, "act")
    for each in given(told):
        merge(state, received(each))
    return merged_document(state)["version"]


async def test_a_document_that_is_too_long_silences_nobody_else(
    make_server: MakeServer, dial: Dial, tmp_path: Path, eventually: Eventually
) -> None:
    """A state that the server does not take is told of without its content; all others go on, also after a restart.

    Who starts from it folds it anew: its version and the picture are those of the whole.
    """
    nc = await dial(make_server("small", extra=f"max_payload: {SHORTEST}").url)
    await topology.ensure(nc, LAN, share=0.05)
    small = Small(nc, tmp_path, eventually)
    needs = [need(n) for n in range(10)]
    async with small.aggregator() as aggregator:
        await small.tell(*needs)
        await small.tell(
            status(60, lifecycle="open")._replace(point=OTHER, id="o1"),
            resources(60, power={"source": "none"})._replace(point=OTHER, id="o2"),
        )
        assert small.count(streams.STATE) > 0
        cut = STATE.validate_json(orjson.dumps(await small.state(LONG)))
        assert (cut.cut, cut.facts.needs or {}, cut.version) == (True, {}, version(*needs))
        assert "cut" not in await small.state(OTHER)
        assert (await small.last(streams.ALERTS, subjects.alert("act", f"power.lost/{OTHER}")))["status"] == "firing"
        await eventually(lambda: all(check.ok for check in aggregator.checks()))

        order = b"x" * (SHORTEST - 2000)
        await StreamWriter(nc, streams.ORDERS_UP).write([Outgoing(subject="tp.v1.act.order.24._.note", data=order)])

        async def told() -> Any:
            return await small.last(streams.REJECTED, subjects.rejected_filter("act", LAN))

        await eventually(told, what="the order refused")
        refused = REJECTED.validate_python(await told(), strict=False)
        assert (refused.data.reason, 10_000 < len(refused.data.bytes) < SHORTEST) == ("not_json", True)
    async with small.aggregator() as aggregator:
        more = need(10)
        await small.tell(more._replace(id="need10"))
        assert (await small.state(LONG))["version"] == version(*needs, more)

        async def picture() -> bool:
            found = await small.last(streams.PICTURES, subjects.picture("act", LAN))
            return found["measures"]["needs"]["fuel"]["requested"] == 11

        await eventually(picture, what="the picture of all needs")
        await eventually(lambda: all(check.ok for check in aggregator.checks()))


async def test_a_public_document_that_is_too_long_keeps_no_other_from_the_public(
    make_server: MakeServer, dial: Dial, tmp_path: Path, eventually: Eventually
) -> None:
    """It is left out and counted, whether it comes alone or among others; the feed goes on, and is well."""
    server = make_server("public", extra="max_payload: 4000")
    nc = await dial(server.url)
    await topology.ensure_public(nc, LAN, share=0.05)
    metrics = Metrics()
    settings = Settings(data_dir=tmp_path, area="24", nats_public_url=SecretStr(server.url))
    feed = PublicFeed(World("act", LAN, load_rules(None)), settings, metrics)
    running = asyncio.create_task(feed.run())
    try:
        feed.tell({LONG: {"id": LONG, "message": "x" * 4000}, OTHER: {"id": OTHER}})

        async def shown() -> set[str]:
            return {json.loads(each.data)["id"] async for each in last_values(nc, streams.PUBLIC, [])}

        async def others() -> bool:
            return await shown() == {OTHER}

        await eventually(others, what="the other point shown")
        feed.tell({LONG: {"id": LONG, "message": "y" * 4000}})
        await feed.stop(within=5.0)
        left_out = metrics.registry.get_sample_value("vardkase_too_long_total", {"stream": streams.PUBLIC})
        assert (await shown(), left_out, feed.check().ok) == ({OTHER}, 2.0, True)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await feed.close()
