"""What writes for the gateway: senders, what turns away, and the table of rules that orders are checked by."""

import random
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from vardkase.aggregator.rules_file import load_rules
from vardkase.domain.rules import Rules
from vardkase.federation.signers import signers_of
from vardkase.gateway.problems import Problem
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts import streams
from vardkase_contracts.areas import Area

from .bodies import Bodies
from .items import Item
from .pressure import Pressure
from .sender import Sender, Sent, TurnedAway

_AGAIN: Final = {"busy": (1, 3), "away": (3, 8), "full": (20, 40)}
"""After how many seconds it is worth trying again, by why something was turned away: spread, so that not all come back
in the same second."""


class WritingMetrics:
    """What became of what was sent.

    Args:
        registry: the process's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._received: Final = Counter(
            "vardkase_http_events",
            "Reports and orders over HTTP: stored, known, refused, forbidden, or turned away for a while",
            ["what", "reality", "outcome"],
            registry=registry,
        )
        self.turned_away: Final = Counter(
            "vardkase_http_turned_away", "Requests that nothing could be stored for", ["why"], registry=registry
        )
        self.waiting: Final = Gauge(
            "vardkase_http_waiting", "Events over HTTP that wait to be stored", ["stream"], registry=registry
        )

    def report(self, reality: str, outcome: str) -> None:
        """Count a report; its reality is `unknown` when it was refused before that was read."""
        self._received.labels("report", reality, outcome).inc()

    def line(self, reality: str, outcome: str) -> None:
        """Count a report that a line said, likewise."""
        self._received.labels("line", reality, outcome).inc()

    def order(self, reality: str, outcome: str) -> None:
        """Count an order, likewise."""
        self._received.labels("order", reality, outcome).inc()


class Writing:
    """Reports and orders on their way from HTTP into the node's streams.

    Args:
        settings: of the node.
        metrics: the process's.
        tasks: where the work runs.

    Raises:
        Refused: the table of rules, or a key to sign with, cannot be read.
    """

    def __init__(self, settings: Settings, metrics: Metrics, tasks: Tasks) -> None:
        self._settings = settings.web
        self._tasks = tasks
        self._pressure = Pressure(settings.web)
        self._signers = signers_of(settings)
        self._senders: dict[str, Sender] = {}
        self.rules: Final[Rules] = load_rules(settings.rules_file)
        self.area: Final = Area.parse(settings.area)
        self.bodies: Final = Bodies(settings.web.bodies)
        self.counts: Final = WritingMetrics(metrics.registry)

    async def start(self, nc: Connection) -> None:
        """Begin to take in."""
        self._tasks.spawn(self._pressure.run(nc), name="fill of the streams")
        for stream in (streams.INTAKE, streams.ORDERS_UP):
            sender = self._senders[stream] = Sender(nc, stream, self._settings, self._signers)
            self.counts.waiting.labels(stream).set_function(lambda sender=sender: sender.waiting)
            self._tasks.spawn(sender.run(), name=f"send to {stream}")

    async def stop(self) -> None:
        """Turn away what waits. What is being stored goes on until its task is cancelled."""
        for sender in self._senders.values():
            sender.close()

    def checks(self) -> Sequence[Check]:
        """Whether what is sent can be stored. The gateway is ready without: who only looks needs none of it."""
        trouble = next((sender.trouble for sender in self._senders.values() if sender.trouble), "")
        if self._pressure.over:
            trouble = f"nearly full: {', '.join(sorted(self._pressure.over))}"
        return [Check(name="writing", ok=not trouble, detail=trouble, needed=False)]

    async def send(self, items: Sequence[Item]) -> list[Sent]:
        """Store events of one kind, reports or orders: all of them or none.

        Returns:
            What became of each, in order. All are on disk.

        Raises:
            Problem: 503 with Retry-After; none is confirmed to be stored, and the same may be sent again.
        """
        if not items:
            return []
        try:
            return await self._sender(items[0].stream).send(items)
        except TurnedAway as error:
            raise self._turned_away(error) from error

    def may_send(self, stream: str) -> None:
        """See whether anything can be stored in a stream now, as far as is known without trying.

        Raises:
            Problem: 503 with Retry-After.
        """
        try:
            self._sender(stream).see()
        except TurnedAway as error:
            raise self._turned_away(error) from error

    def _turned_away(self, error: TurnedAway) -> Problem:
        self.counts.turned_away.labels(error.why).inc()
        return turned_away(error)

    def _sender(self, stream: str) -> Sender:
        if stream == streams.INTAKE and self._pressure.over:
            raise TurnedAway("full", f"The node has no room for more: {', '.join(sorted(self._pressure.over))}")
        sender = self._senders.get(stream)
        if sender is None:
            raise TurnedAway("away", "The gateway is starting")
        return sender


def turned_away(error: TurnedAway) -> Problem:
    """As an answer: 503, with when it is worth trying again."""
    least, most = _AGAIN[error.why]
    again = random.randint(least, most)  # noqa: S311 -- a spread, and no secret
    code = {"busy": "busy", "away": "bus_away", "full": "full"}[error.why]
    return Problem(503, code, f"{error}. Send it again, unchanged.", headers={"retry-after": str(again)})
