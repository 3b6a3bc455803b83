"""What stands in a node's streams of an exercise: read once, from their beginnings on."""

from collections.abc import AsyncGenerator, Iterable
from typing import Final

import orjson
from nats.aio.client import Client
from pydantic import ValidationError

from vardkase.domain.exercises import Exercises
from vardkase.domain.order_check import refusal_of
from vardkase.domain.rules import Rules
from vardkase.federation import topology
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import from_datetime, parse
from vardkase_contracts.orders import ORDER, AckOrder, ExerciseOrder, Order
from vardkase_contracts.reports import REPORT, Report
from vardkase_contracts.vocab import OrderKind

from .evaluation import Heard, HeardAck, HeardAlert, HeardReport

RECEIVED: Final = "Tp-Received"
_KINDS: Final[tuple[OrderKind, ...]] = ("exercise", "ack", "note", "incident", "report_request", "silence", "rules")
"""What is read of the orders of an exercise."""


async def each_report(nc: Client, area: Area) -> AsyncGenerator[tuple[Report, Delivery]]:
    """The reports of övning in a node's log that are about an area, oldest first.

    Raises:
        Incomplete, NoAnswer, ApiError: it cannot be read to its end.
    """
    patterns = subjects.family_filters("accepted", "exe", area)
    async for delivery in scan(nc, streams.REPORTS, patterns):
        try:
            report = REPORT.validate_json(delivery.data)
        except ValidationError:
            continue  # of a later version of the contract: it is counted where it is merged
        yield report, delivery


async def orders(nc: Client, base: Rules, *, federated: bool, kinds: Iterable[OrderKind] = _KINDS) -> list[Order]:
    """The orders of övning that a node follows, oldest first; those that it refused left out."""
    stream = topology.orders_stream(federated=federated)
    found: list[Order] = []
    async for delivery in scan(nc, stream, [subjects.orders_of("exe", kind) for kind in kinds]):
        try:
            order = ORDER.validate_json(delivery.data)
        except ValidationError:
            continue  # the node has refused it: it is told in REJECTED
        if refusal_of(order, base) is None:
            found.append(order)
    return found


def exercises_of(given: Iterable[Order]) -> Exercises:
    """The exercises that orders tell of."""
    found = Exercises()
    for order in given:
        if isinstance(order, ExerciseOrder):
            found.take(order)
    return found


async def heard(nc: Client, base: Rules, areas: Iterable[Area], *, federated: bool, driven: bool) -> Heard:
    """All that an evaluation looks at.

    Args:
        nc: a connection.
        base: the node's table of rules.
        areas: who takes part.
        federated: whether the node is one of several.
        driven: whether the node's clock is driven: then the server's time tells nothing of when something came, and
            the time it was seen stands for it.
    """
    areas = list(areas)
    given = await orders(nc, base, federated=federated)
    found = Heard(exercises=exercises_of(given), orders={each.id: from_datetime(each.time) for each in given})
    for area in areas:
        async for report, delivery in each_report(nc, area):
            observed = from_datetime(report.time)
            received = observed if driven else parse(delivery.headers[RECEIVED])
            found.reports.append(HeardReport(report.id, report.subject, report.kind, observed, received))
    found.acks = [
        HeardAck(each.data.key, from_datetime(each.time), each.data.by.code)
        for each in given
        if isinstance(each, AckOrder)
    ]
    for area in areas:
        async for delivery in scan(nc, streams.ALERTS, subjects.family_filters("alert", "exe", area)):
            alert = orjson.loads(delivery.data)
            if alert["status"] == "firing":
                found.alerts.append(HeardAlert(alert["key"], alert["level"], parse(alert["changed_at"])))
    return found
