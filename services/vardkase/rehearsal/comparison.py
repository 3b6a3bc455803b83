"""The count when all is over: what is in each log, and what whole nodes say of it. Reads, and asks `verdict`."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import orjson
from pydantic import ValidationError

from vardkase.aggregator.rules_file import load_rules
from vardkase.aggregator.world import World
from vardkase.rehearsal.cast import Cast, kommun_node
from vardkase.rehearsal.reporters import id_digest
from vardkase.rehearsal.values import Judged, Merged
from vardkase.rehearsal.verdict import Undisturbed, compare, twins
from vardkase.runtime.jetstream import headers
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.values import last_values, scan
from vardkase_contracts import streams
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import ORDER, Order

KOMMUNER: Final = "kommuner"
"""What all kommuner's own logs together are called."""
_MESSAGE_ID: Final = b"Nats-Msg-Id"
_AT_ONCE: Final = 24
_AGAIN: Final = 2.0
_TRIES: Final = 3
"""How often a node is compared at the least: it takes a while, and the clock goes on meanwhile."""

log: Final = logging.getLogger(__name__)


async def merged(cast: Cast, connections: Mapping[str, Connection], ids: Mapping[str, set[bytes]]) -> list[Merged]:
    """What is in each hub's log, and in all kommuner's own together, by report id.

    Args:
        cast: who takes part.
        connections: to each node's account, by name.
        ids: what each kommun sent.

    Raises:
        Incomplete, ApiError, NoAnswer: a log cannot be read.
    """
    found: dict[str, Merged] = {}
    own: list[Merged] = []
    left = [*cast.hubs, *cast.kommuner][::-1]

    async def look() -> None:
        while left:
            where = left.pop()
            if where in ids:
                own.append(await _in_log(KOMMUNER, connections[kommun_node(where)], [ids[where]]))
            else:
                found[where] = await _in_log(where, connections[where], [ids[each] for each in cast.below(where)])

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(look())
    together = Merged(
        hub=KOMMUNER,
        sent=sum(each.sent for each in own),
        merged=sum(each.merged for each in own),
        lost=sum(each.lost for each in own),
        doubled=sum(each.doubled for each in own),
        strange=sum(each.strange for each in own),
    )
    return [*(found[hub] for hub in cast.hubs), together]


async def judged(node: str, area: Area, nc: Connection, within: float) -> Judged:
    """What a whole node says, beside what follows from its log; it is given some time to say it.

    Args:
        node: its name.
        area: its area.
        nc: a connection to its account.
        within: seconds.

    Raises:
        Incomplete, ApiError, NoAnswer: its streams cannot be read.
    """
    reports = [each async for each in scan(nc, streams.REPORTS, [])]
    orders: list[Order] = []
    async for each in scan(nc, streams.ORDERS_DOWN, []):
        try:
            orders.append(ORDER.validate_json(each.data))
        except ValidationError:
            continue  # the node refuses it too
    world = await asyncio.to_thread(_world, reports, area, orders)
    log.info("a log was folded anew", extra={"node": node})
    ends, tries = time.monotonic() + within, 0
    while True:
        told: dict[str, Any] = {}
        for stream in (streams.STATE, streams.ALERTS, streams.PICTURES):
            async for each in last_values(nc, stream, []):
                told[each.subject] = orjson.loads(each.data)
        changes = [(each.subject, orjson.loads(each.data)) async for each in scan(nc, streams.ALERTS, [])]
        now = time.time_ns() // 1000
        found = await asyncio.to_thread(compare, node, world, told, twins(changes), now)
        tries += 1
        log.info("a node was compared: %s", found)
        if not found.wrong or (tries >= _TRIES and time.monotonic() > ends):
            return found
        await asyncio.sleep(_AGAIN)


def _world(reports: list[Delivery], area: Area, orders: list[Order]) -> World:
    return Undisturbed(reports).world(area, load_rules(None), orders)


async def _in_log(hub: str, nc: Connection, ids: list[set[bytes]]) -> Merged:
    sent = set[bytes]().union(*ids)
    held: Counter[bytes] = Counter()
    async for each in scan(nc, streams.REPORTS, [], headers_only=True):
        held[id_digest(headers.value(each.head, _MESSAGE_ID) or "")] += 1
    return Merged(
        hub=hub,
        sent=len(sent),
        merged=len(sent & held.keys()),
        lost=len(sent - held.keys()),
        doubled=sum(count - 1 for count in held.values()),
        strange=len(held.keys() - sent),
    )
