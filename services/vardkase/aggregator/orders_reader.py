"""Acts of people, read into the worlds: all of them at start, then as they come.

Those given here and below are in ORDERS_UP; in a federation ORDERS_DOWN has them and those from above.
"""

import contextlib
import logging
from collections.abc import Mapping

from nats.aio.client import Client
from pydantic import ValidationError

from vardkase.domain.order_check import refusal_of
from vardkase.domain.rules import Rules
from vardkase.federation import topology, wiring
from vardkase.runtime.clock import Clock
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.api import ApiError, call
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.reader import PullReader
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import ORDER, Order, RedactOrder
from vardkase_contracts.refusals import Refusal, explain
from vardkase_contracts.reports import MAX_BYTES
from vardkase_contracts.vocab import Reality

from .publisher import Publisher
from .redaction import Redaction
from .refused import refused
from .world import World

log = logging.getLogger(__name__)

_DURABLE = "aggregator-orders"
#: At the start what cannot count any more is forgotten again after so many orders.
_FORGET_EVERY = 10_000


class OrdersReader:
    """Folds orders into the worlds. They are in memory alone, so each start reads them all."""

    def __init__(
        self,
        worlds: dict[Reality, World],
        publishers: dict[Reality, Publisher],
        rules: Rules,
        nc: Client,
        settings: Settings,
        metrics: Metrics,
        clock: Clock,
        redactions: Mapping[Reality, Redaction],
    ) -> None:
        """Nothing is read before `start`."""
        self._worlds = worlds
        self._redactions = redactions
        self._publishers = publishers
        self._rules = rules
        self._clock = clock
        self._nc = nc
        self._node = settings.node
        self._tick = settings.aggregator.tick
        self._start_within = settings.health.start_timeout
        self._metrics = metrics
        self._read = 0
        area, federated = Area.parse(settings.area), settings.federation is not None
        alone = [each for reality in worlds for each in subjects.family_filters("order", reality, area)]
        self._stream = topology.orders_stream(federated=federated)
        self._filters = filters = list(wiring.concerns(area)) if federated else alone
        self._reader = PullReader(
            nc,
            stream=self._stream,
            durable=_DURABLE,
            filters=filters,
            heartbeat=settings.reader.heartbeat,
            check=settings.reader.check,
            stall_after=settings.reader.stuck,
            resume_after=lambda: self._read,
        )

    async def start(self) -> None:
        """Take in all orders that the stream has, then begin to follow."""
        other = topology.orders_stream(federated=self._stream == topology.orders_stream(federated=False))
        with contextlib.suppress(ApiError):  # of a time when the node was alone, or was not: nobody reads by it
            await call(self._nc, f"CONSUMER.DELETE.{other}.{_DURABLE}")
        taken = 0
        async for delivery in scan(self._nc, self._stream, self._filters):
            await self._take(delivery)
            taken += 1
            if taken % _FORGET_EVERY == 0:
                for world in self._worlds.values():
                    world.orders.forget(self._clock.now(), at_once=True)
        await self._reader.start(self._start_within)

    async def stop(self) -> None:
        """Stop following."""
        await self._reader.stop()

    def check(self) -> Check:
        """Whether its consumer exists and advances."""
        health = self._reader.health()
        ok = health.exists and health.advancing
        return Check(name=f"consumer {self._stream}", ok=ok, detail=health.reason or f"{health.lag} waiting")

    async def run(self) -> None:
        """Follow, for ever."""
        while True:
            batch = await self._reader.take(self._tick)
            for delivery in batch:
                await self._take(delivery)
            if batch:
                await self._reader.ack(batch[-1])

    async def _take(self, delivery: Delivery) -> None:
        self._read = max(self._read, delivery.sequence)
        order = decode_order(delivery, self._rules)
        if isinstance(order, Refusal):
            reality = delivery.subject.split(".")[2]
            for known, publisher in self._publishers.items():
                if known == reality:
                    await publisher.reject([refused(delivery, order, self._node, self._stream, known)])
                    self._metrics.rejected.labels(known, order.reason).inc()
            return
        if isinstance(order, RedactOrder):
            self._redactions[order.reality].take(order)
        self._worlds[order.reality].take_order(order)


def decode_order(delivery: Delivery, rules: Rules) -> Order | Refusal:
    """An order as the node follows it, or why it does not.

    Args:
        delivery: from a stream of orders.
        rules: the node's own table.
    """
    if len(delivery.data) > MAX_BYTES:
        return Refusal("too_large", None, f"More than {MAX_BYTES} bytes")
    try:
        order = ORDER.validate_json(delivery.data)
    except ValidationError as error:
        return explain(delivery.data, error)
    refusal = refusal_of(order, rules)
    if refusal is not None:
        return refusal
    if subjects.order(order.reality, Area.parse(order.subject), order.kind) != delivery.subject:
        return Refusal(
            "subject_mismatch", "subject", "the order is about another area, kind or reality than its subject"
        )
    return order
