"""The orders that the node follows, held in memory and kept live from the bus: what was given about an area, by whom.

What an order brings beside what it says (an adopted picture) stays in the stream, and is read from there when somebody
asks for it.
"""

import logging
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import orjson
from nats.aio.client import Client

from vardkase.aggregator.orders_reader import decode_order
from vardkase.domain.places import lies_in
from vardkase.domain.rules import Rules
from vardkase.domain.tables import Tables
from vardkase.federation import topology, wiring
from vardkase.federation.landing import get
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.follow import Follower
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import ORDER, AdoptOrder, NoteOrder, Order, ReportRequestOrder, RulesOrder
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.vocab import REALITIES, OrderKind, Reality

log: Final = logging.getLogger(__name__)

KEPT: Final = 20_000
"""So many orders are held, the latest. The archive has all."""
ADOPTED_KEPT: Final = 1_000
"""Of one area so many adoptions are held, the latest."""


class Given(NamedTuple):
    """An order as it was given."""

    sequence: int
    """In the stream that the node follows."""
    reality: Reality
    kind: OrderKind
    area: str
    """The code of the area that it is about."""
    by: str
    """The code of the area that gave it."""
    request: str | None
    """The request for a report that it is, or answers."""
    data: bytes
    """The CloudEvent, without what it brings."""


class Adopted(NamedTuple):
    """That a picture was adopted."""

    given: Given
    order: str
    at: str
    version: str
    sha256: str
    """Of its bytes, in hex."""


class GivenOrders:
    """The orders of the node, the latest of them.

    Args:
        settings: `area`, `federation`, `reader`.
        rules: the node's own table: an order that no node follows is none.
        tasks: where the following runs.
    """

    def __init__(self, settings: Settings, rules: Rules, tasks: Tasks) -> None:
        self._rules = rules
        self._tasks = tasks
        area, federated = Area.parse(settings.area), settings.federation is not None
        self._stream: Final = topology.orders_stream(federated=federated)
        filters = wiring.concerns(area) if federated else subjects.family_filters("order", None, area)
        self._held: deque[Given] = deque(maxlen=KEPT)
        self._known: set[tuple[str, str, str]] = set()
        self._adopted: dict[tuple[Reality, str], deque[Adopted]] = {}
        self._tables = self._no_tables()
        self._nc: Client | None = None
        self.complete = True
        """Whether none is left out: there are no more than are held."""
        self._follower = Follower(
            self._stream, list(filters), settings, take=self._take, reset=self._forget, every=True
        )

    def start(self, nc: Client) -> None:
        """Begin to follow."""
        self._nc = nc
        self._tasks.spawn(self._follower.run(nc), name="follow orders", finite=True)

    @property
    def whole(self) -> bool:
        """Whether all that there was has been read."""
        return self._follower.whole.is_set()

    def check(self) -> Check:
        """Whether they are followed. The gateway is ready without: who only looks at the situation needs none."""
        found = self._follower.check()
        return Check(name=found.name, ok=found.ok, detail=found.detail, needed=False)

    def about(self, area: Area, reality: Reality, *, before: int | None = None) -> Iterator[Given]:
        """The orders about an area and what lies in it, newest first.

        Args:
            area: which.
            reality: which.
            before: those before this sequence alone.
        """
        end = len(self._held) if before is None else bisect_left(self._held, before, key=lambda each: each.sequence)
        for place in range(end - 1, -1, -1):
            given = self._held[place]
            if given.reality == reality and lies_in(given.area, area.code):
                yield given

    def adopted(self, area: Area, reality: Reality) -> Sequence[Adopted]:
        """The adoptions of an area's picture, newest first."""
        found = self._adopted.get((reality, area.code), ())
        return sorted(found, key=lambda each: (each.at, each.order), reverse=True)

    def tables(self, reality: Reality, now: int) -> Tables:
        """By which tables of rules points and areas are judged at an instant (µs), as far as orders have been read."""
        tables = self._tables[reality]
        if now >= tables.due:
            tables.advance(now)
        return tables

    async def order_of(self, given: Given) -> Order | None:
        """The whole order, from the stream; None: it is there no longer.

        Raises:
            ApiError, NoAnswer: the node does not answer.
        """
        if self._nc is None:
            return None
        message = await get(self._nc, self._stream, seq=given.sequence)
        return None if message is None else ORDER.validate_json(message.data)

    def _take(self, deliveries: Sequence[Delivery]) -> None:
        for one in deliveries:
            order = decode_order(one, self._rules)
            if isinstance(order, Refusal):
                continue  # the node follows it as little, and has told why
            if isinstance(order, RulesOrder):
                self._tables[order.reality].take(order)
            known = (order.reality, order.source, order.id)
            if known in self._known:  # the node's own come back from the one above
                continue
            self._put(_given(one, order), known)
            if isinstance(order, AdoptOrder) and order.data.sha256 is not None:
                at = orjson.loads(self._held[-1].data)["time"]
                self._put_adopted(Adopted(self._held[-1], order.id, at, order.data.version, order.data.sha256))

    def _put(self, given: Given, known: tuple[str, str, str]) -> None:
        if len(self._held) == KEPT:
            self.complete = False
            event = orjson.loads(self._held[0].data)
            self._known.discard((event["reality"], event["source"], event["id"]))
        self._held.append(given)
        self._known.add(known)

    def _put_adopted(self, adopted: Adopted) -> None:
        of = (adopted.given.reality, adopted.given.area)
        self._adopted.setdefault(of, deque(maxlen=ADOPTED_KEPT)).append(adopted)

    def _forget(self) -> None:
        self._held.clear()
        self._known.clear()
        self._adopted.clear()
        self._tables = self._no_tables()
        self.complete = True

    def _no_tables(self) -> dict[Reality, Tables]:
        return {reality: Tables(self._rules) for reality in REALITIES}


def _given(one: Delivery, order: Order) -> Given:
    event: dict[str, Any] = orjson.loads(one.data)
    event["data"].pop("snapshot", None)
    match order:
        case NoteOrder():
            request = order.data.request
        case ReportRequestOrder():
            request = order.data.id or order.id
        case _:
            request = None
    return Given(
        one.sequence, order.reality, order.kind, order.subject, order.data.by.code, request, orjson.dumps(event)
    )
