"""What anybody who listens to the public feed sees of a story."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import orjson

from acceptance import restricted
from acceptance.node import Node
from acceptance.timeline import at
from oracle.make import Told, instant, resources, when
from vardkase.domain.merge import Received
from vardkase_contracts.reports import REPORT
from vardkase_contracts.vocab import Reality

#: What anybody who listens sees: when each document came, and what it says.
Feed = list[tuple[int, dict[str, Any]]]


def listen(items: Iterable[Received], *, reality: Reality = "act", until: float = at(12, day=1)) -> Feed:
    """All that the public is told of a story, from its first report to the end of the next day."""
    node = Node(reality=reality)
    feed: Feed = []

    def judge(now: int) -> None:
        feed.extend((now, document) for document in node.judge(now).public.values())

    now = 0
    for item in sorted(items, key=lambda each: each.received):
        while (due := node.world.next_due()) < item.received:
            judge(due)
        node.receive([item])
        judge(now := item.received)
    while (due := node.world.next_due()) <= instant(until):
        judge(max(now, due))
    return feed


def taken(report: Told, **envelope: Any) -> Received:
    """A report as it comes, with more in its envelope."""
    raw = orjson.dumps(restricted.event(report, **envelope))
    arrived = instant(report.minute if report.received is None else report.received)
    return Received(report=REPORT.validate_json(raw), received=arrived, digest=sha256(raw).digest())


def story(*more: Told, **replaced: Mapping[str, Any]) -> list[Received]:
    """A live point, open and limited for reasons of its own; with more told, or other data in its reports."""
    told = [
        restricted.told("register", at(8, 0.3), replaced.get("register"), id="register"),
        restricted.told("status", at(8, 3.7), replaced.get("status"), id="status"),
        *more,
    ]
    return [taken(one) for one in told]


#: When a report comes that is none of the public's business.
QUIET = at(9, 41.2)


#: A point that lacks everything, and says so.
DIRE = [
    resources(
        at(9),
        power={"source": "none"},
        staff={"present": 0, "required": 4},
        water={"source": "tank", "litres": 0},
        heat={"indoor_c": -5},
        comms={"can_call_112": False},
        next_shift={"at": when(at(9, 30)), "covered": False},
    ),
    Told(at(9), "need", {"need_id": "n", "kind": "fuel", "priority": "urgent", "needed_by": when(at(9))}),
    Told(at(9), "contact", {"result": "failed"}),
    Told(at(9), "heartbeat", {"outbox_depth": 40}),
]
