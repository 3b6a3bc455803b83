"""Acts of people, read from ORDERS_UP into the worlds: all of them at start, then as they come."""

import logging

from nats.aio.client import Client
from pydantic import ValidationError

from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.reader import PullReader
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import ORDER, IncidentOrder, Order
from vardkase_contracts.refusals import Refusal, explain
from vardkase_contracts.vocab import Reality

from .publisher import Publisher
from .refused import refused
from .world import World

log = logging.getLogger(__name__)

_DURABLE = "aggregator-orders"


class OrdersReader:
    """Folds orders into the worlds. They are in memory alone, so each start reads them all."""

    def __init__(
        self,
        worlds: dict[Reality, World],
        publishers: dict[Reality, Publisher],
        nc: Client,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        """Nothing is read before `start`."""
        self._worlds = worlds
        self._publishers = publishers
        self._nc = nc
        self._node = settings.node
        self._tick = settings.aggregator.tick
        self._metrics = metrics
        self._read = 0
        filters = [subjects.order_filter(reality, Area.parse(settings.area)) for reality in worlds]
        self._filters = filters
        self._reader = PullReader(
            nc,
            stream=streams.ORDERS_UP,
            durable=_DURABLE,
            filters=filters,
            heartbeat=settings.reader.heartbeat,
            check=settings.reader.check,
            stall_after=settings.reader.stuck,
            resume_after=lambda: self._read,
        )

    async def start(self) -> None:
        """Take in all orders ever given, then begin to follow."""
        async for delivery in scan(self._nc, streams.ORDERS_UP, self._filters):
            await self._take(delivery)
        await self._reader.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._reader.stop()

    def check(self) -> Check:
        """Whether its consumer exists and advances."""
        health = self._reader.health()
        ok = health.exists and health.advancing
        return Check(name=f"consumer {streams.ORDERS_UP}", ok=ok, detail=health.reason or f"{health.lag} waiting")

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
        order = _decode(delivery)
        if isinstance(order, Refusal):
            reality = delivery.subject.split(".")[2]
            for known, publisher in self._publishers.items():
                if known == reality:
                    await publisher.reject([refused(delivery, order, self._node, streams.ORDERS_UP, known)])
                    self._metrics.rejected.labels(known, order.reason).inc()
            return
        self._worlds[order.reality].take_order(order)


def _decode(delivery: Delivery) -> Order | Refusal:
    try:
        order = ORDER.validate_json(delivery.data)
    except ValidationError as error:
        return explain(delivery.data, error)
    try:
        subject = subjects.order(order.reality, Area.parse(order.subject), order.kind)
        for code in order.data.areas if isinstance(order, IncidentOrder) else ():
            Area.parse(code)
    except ValueError as error:
        return Refusal("schema", "subject", str(error))
    if subject != delivery.subject:
        return Refusal(
            "subject_mismatch", "subject", "the order is about another area, kind or reality than its subject"
        )
    return order
