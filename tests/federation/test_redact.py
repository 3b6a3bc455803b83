"""What must be gone is gone at every level, by one order, whether it or the report comes first over a link."""

import asyncio
import json
from typing import Any

import pytest

from federation.conftest import Three
from federation.kit import Level
from federation.services_kit import LevelServices, log, merged, report
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.client.events import new_order, to_json

SECRET = "Anna Andersson"  # noqa: S105 -- what a report must not say
POINT = "2480-skolan"


def said(name: str, occupancy: int, **more: Any) -> Outgoing:
    return merged(report(POINT, "status", {"lifecycle": "open", "occupancy": occupancy, **more}, id=name))


async def redact(level: Level, name: str, area: str) -> None:
    """Order that a report of the kommun must be gone."""
    identity = {"reality": "act", "kommun": "2480", "id": name}
    data = {"identity": identity, "reason": "ett namn"}
    order = new_order("redact", "2480", data, role="stab", acting_for=area)
    subject = subjects.order("act", Area("kommun", "2480"), "redact")
    raw = to_json(order.model_dump(mode="json", exclude_unset=True))
    await StreamWriter(level.nc, streams.ORDERS_UP).write([Outgoing(subject=subject, data=raw)])


async def held(level: Level) -> list[str]:
    """In which streams of a level the secret stands."""
    names = [streams.REPORTS, streams.STATE, streams.ALERTS]
    if level.name == "lan-24":
        names.append("CHILD_2480")
    return [name for name in names if any(SECRET in each for each in await level.has(name))]


async def occupancy(level: Level) -> int | None:
    found = [json.loads(one.data) async for one in scan(level.nc, streams.STATE, [])]
    facts = next((each["facts"] for each in found if each["id"] == POINT), {})
    return (facts.get("occupancy") or {}).get("value")


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_one_order_erases_at_every_level(three: Three) -> None:
    """Ordered by the län of what the kommun has told; then by the kommun, cut off, of what the län has not heard."""
    eventually = three.federation.eventually
    levels = (three.kommun, three.lan)
    services = [LevelServices(level, eventually, VARDKASE_AGGREGATOR_ERASE_EVERY="300ms") for level in levels]
    try:
        for each in services:
            await each.start("aggregator")
        await log(three.kommun, said("r1", 1), said("r2", 2, note=SECRET), said("r3", 3))
        await three.federation.until_has([three.lan], await three.kommun.has(), within=20)
        assert await held(three.lan) != []
        await redact(three.lan, "r2", "24")
        for level in levels:
            await eventually(lambda level=level: _clean(level), what=f"{level.name} is clean", within=30)
            assert await level.count() == 2
        healed = three.lan.healed("kommun-2480")

        three.federation.links["lan-24"].cut()
        await log(three.kommun, said("r4", 4, note=SECRET), said("r5", 5))
        await redact(three.kommun, "r4", "2480")
        await eventually(lambda: _clean(three.kommun), what="the kommun is clean", within=30)
        three.federation.links["lan-24"].heal()
        for level in levels:
            await eventually(lambda level=level: _count(level, 3), what=f"three at {level.name}", within=30)
            await eventually(lambda level=level: _stands(level, 5), what=f"five visitors at {level.name}", within=20)
        assert await held(three.lan) == []

        # What was erased is no hole that is fetched for ever: a look or two later nothing more is mended.
        async def calm() -> bool:
            before = three.lan.healed("kommun-2480").get("gap", 0)
            await asyncio.sleep(1.0)  # ten looks
            return three.lan.healed("kommun-2480").get("gap", 0) == before

        await eventually(calm, what="nothing is mended any more", within=20)
        assert three.lan.healed("kommun-2480").get("parted", 0) == healed.get("parted", 0)
        assert three.lan.up("kommun-2480")
    finally:
        for each in services:
            await each.stop()


async def _clean(level: Level) -> bool:
    return not await held(level)


async def _count(level: Level, wanted: int) -> bool:
    return await level.count() == wanted


async def _stands(level: Level, wanted: int) -> bool:
    return await occupancy(level) == wanted
