"""What must be left when all is over: nothing lost, nothing twice, and what an undisturbed run would say."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from faults.load import Told
from oracle.adapter import rules
from vardkase.aggregator.world import World
from vardkase.domain.codec import merged_document
from vardkase.domain.fold import fold
from vardkase.domain.merge import Received
from vardkase.domain.picture import Pictures
from vardkase.rehearsal.verdict import says_anything, twins, unlike
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.values import last_values, scan
from vardkase_contracts import streams
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import parse
from vardkase_contracts.orders import ORDER, Order
from vardkase_contracts.reports import REPORT
from vardkase_contracts.vocab import REALITIES, Reality


@dataclass(kw_only=True, slots=True)
class Left:
    """What was found wrong; all empty when nothing is."""

    lost: list[bytes] = field(default_factory=list[bytes])
    """Acknowledged by INTAKE, and not in REPORTS."""
    strange: list[bytes] = field(default_factory=list[bytes])
    """In REPORTS, and never sent."""
    doubled: list[str] = field(default_factory=list[str])
    """Twice in REPORTS, the same origin twice, or an alert told or raised twice."""
    differing: list[str] = field(default_factory=list[str])
    """States, alerts and pictures other than those made from the log at once."""
    reports: int = 0
    """How many REPORTS has."""
    alerts: int = 0
    """How many are open."""

    @property
    def wrong(self) -> list[str]:
        """All of it in lines, the first few of each."""
        lost = [f"lost: {each[:200]!r}" for each in self.lost[:5]]
        strange = [f"strange: {each[:200]!r}" for each in self.strange[:5]]
        return [*lost, *strange, *self.doubled[:5], *self.differing[:5]]


async def compare(nc: Connection, area: str, now: int, told: Iterable[Told] | None) -> Left:
    """Compare what a node holds with what it was told, and what it says with what follows from that.

    Args:
        nc: a connection to the node's account.
        area: the node's.
        now: the instant that its clock stands still at.
        told: what INTAKE acknowledged and only that was sent; None leaves it unasked.
    """
    left = Left()
    log = [each async for each in scan(nc, streams.REPORTS, [])]
    left.reports = len(log)
    held = Counter(each.data for each in log)
    if told is not None:
        sent = {each.data for each in told}
        left.lost = [data for data in sent if data not in held]
        left.strange = [data for data in held if data not in sent]
    left.doubled += [f"{count} times in REPORTS: {data[:200]!r}" for data, count in held.items() if count > 1]
    origins = Counter(each.headers["Tp-Origin"] for each in log)
    left.doubled += [f"{count} of one origin: {origin}" for origin, count in origins.items() if count > 1]
    left.doubled += twins([(each.subject, json.loads(each.data)) async for each in scan(nc, streams.ALERTS, [])])
    orders = [ORDER.validate_json(each.data) async for each in scan(nc, streams.ORDERS_UP, [])]
    # In a thread: a long log takes minutes, and whoever answers no ping is cut off by the server.
    worlds = await asyncio.to_thread(_worlds, area, now, log, orders)
    for world in worlds.values():
        left.alerts += len(world.open_alerts())
        left.differing += await _differing(nc, world, now)
    return left


def _worlds(area: str, now: int, log: list[Delivery], orders: list[Order]) -> dict[Reality, World]:
    """What follows from the log and the orders, folded and judged from the beginning without any stream."""
    received = [
        Received(
            report=REPORT.validate_json(each.data),
            received=parse(each.headers["Tp-Received"]),
            digest=hashlib.sha256(each.data).digest(),
        )
        for each in log
    ]
    states = fold(received)
    worlds: dict[Reality, World] = {}
    for reality in REALITIES:
        world = worlds[reality] = World(reality, Area.parse(area), rules(), registers=worlds.get("act"))
        for (of, _), state in states.items():
            if of == reality:
                world.put(state)
        for order in orders:
            if order.reality == reality:
                world.take_order(order)
        world.judge(now)
    return worlds


async def _differing(nc: Connection, world: World, now: int) -> list[str]:
    reality = world.reality
    told: dict[str, dict[str, Any]] = {}
    for stream in (streams.STATE, streams.ALERTS, streams.PICTURES):
        async for each in last_values(nc, stream, []):
            told[each.subject] = json.loads(each.data)
    mine = [each for each in told.values() if each["reality"] == reality]
    states = {each["id"]: each["version"] for each in mine if "facts" in each and says_anything(each)}
    alerts = {each["key"]: each["level"] for each in mine if each.get("status") == "firing"}
    pictures = {each["code"]: each["version"] for each in mine if "coverage" in each}
    around = world.surroundings()
    made = Pictures(world.rollup, reality)
    found = unlike(
        f"{reality} state",
        states,
        {point: merged_document(each)["version"] for point, each in world.states.items() if not each.is_empty},
    )
    found += unlike(f"{reality} alert", alerts, world.open_alerts())
    found += unlike(
        f"{reality} picture", pictures, {each.code: made.of(each, around, now)["version"] for each in world.rollup.sums}
    )
    return found
