"""The readings that forecasts rest on: taken from STATE when they are asked about, and kept for the next one who asks.

What the gateway holds live leaves timelines out: nine tenths of a state's bytes, for what few ask about. So a forecast
costs nothing while nobody asks. Then the states that have changed since are read, in one reading of the stream, and of
each the little that forecasts look at is kept, until there is too much of it.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

import nats.errors
import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge

from vardkase.domain.codec import load
from vardkase.domain.forecast.evidence import Evidence, gather
from vardkase.domain.forecast.points import Forecast, conclude
from vardkase.gateway.documents import Point
from vardkase.gateway.live import Live
from vardkase.gateway.problems import Problem
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.values import Incomplete, last_values
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import MINUTE
from vardkase_contracts.vocab import Reality

log: Final = logging.getLogger(__name__)

KEPT: Final = 12_000
"""Most points whose readings are kept; of more, those that were asked about last."""
MOST: Final = 10_000
"""Most points in use that a question is about."""
_APART: Final = 50
"""Up to so many states are read by their subjects; of more, the whole area's."""
_BATCH: Final = 100
"""States that are decoded at once, beside the event loop."""
_PATIENCE: Final = 20.0
"""Seconds that a reading may take, waiting for another one included."""
_WAITING: Final = 16
"""Most questions that wait."""
IN_USE: Final = frozenset({"open", "establishing", "closing"})


class Kept:
    """The readings of a point, and what was made of them last: within a minute the same is not worked out again.

    Args:
        sequence: of the state that they are from.
        evidence: the readings; None: the state was too long to be written whole.
    """

    __slots__ = ("_found", "_made_of", "evidence", "sequence")

    def __init__(self, sequence: int, evidence: Evidence | None) -> None:
        self.sequence = sequence
        self.evidence = evidence
        self._made_of: tuple[int, Sequence[float]] | None = None
        self._found: tuple[Forecast, ...] = ()

    def foreseen(self, now: int, cold_c: Sequence[float]) -> tuple[Forecast, ...]:
        """What is foreseen at an instant (µs), by the limits of warmth."""
        if self.evidence is None:
            return (Forecast(what="power", status="not_known"),)
        made_of = now // MINUTE, cold_c
        if self._made_of != made_of:
            self._found = conclude(self.evidence, now, cold_c=cold_c)
            self._made_of = made_of
        return self._found


class Readings:
    """The readings of points, as fresh as what is held live.

    Args:
        registry: where its metrics are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._kept: OrderedDict[tuple[Reality, str], Kept] = OrderedDict()
        self._epoch = ""
        self._reading = asyncio.Lock()
        self._waiting = 0
        self.asked: Final = Counter(
            "vardkase_forecast_questions",
            "Questions about what is foreseen, by outcome",
            ["outcome"],
            registry=registry,
        )
        self.held: Final = Gauge(
            "vardkase_forecast_kept", "Points whose readings are kept for forecasts", registry=registry
        )
        self.read: Final = Counter("vardkase_forecast_states", "States that were read for forecasts", registry=registry)

    async def of(
        self, nc: Connection, live: Live, reality: Reality, area: Area, points: Sequence[Point]
    ) -> dict[str, Kept]:
        """The readings of points; of one whose state is gone, there are none.

        Args:
            nc: the bus.
            live: what says how fresh they must be.
            reality: the world.
            area: an area that all of them lie in.
            points: at most `MOST`.

        Raises:
            Problem: 400, the area has too many; 503, too many ask, or it takes too long, or the bus is away.
        """
        if len(points) > MOST:
            self.asked.labels("too_many").inc()
            detail = f"more than {MOST} points are in use there: ask about a smaller area"
            raise Problem(400, "too_many", detail, field="code")
        if self._waiting >= _WAITING:
            self.asked.labels("turned_away").inc()
            raise _busy("too many ask for forecasts at once")
        self._waiting += 1
        try:
            async with asyncio.timeout(_PATIENCE), self._reading:
                await self._refresh(nc, live, reality, area, points)
        except (Incomplete, ApiError, NoAnswer, nats.errors.Error, TimeoutError) as error:
            self.asked.labels("failed").inc()
            log.warning("states cannot be read for a forecast: %r", error)
            raise _busy("what is kept of the points cannot be read now") from None
        finally:
            self._waiting -= 1
        self.asked.labels("answered").inc()
        kept = ((point.id, self._kept.get((reality, point.id))) for point in points)
        return {id_: found for id_, found in kept if found is not None}

    async def _refresh(self, nc: Connection, live: Live, reality: Reality, area: Area, points: Sequence[Point]) -> None:
        if self._epoch != live.epoch:  # sequences of another stream say nothing
            self._kept.clear()
            self._epoch = live.epoch
        old: list[Point] = []
        for point in points:
            key = reality, point.id
            found = self._kept.get(key)
            if found is None or found.sequence < point.held.sequence:
                old.append(point)
            else:
                self._kept.move_to_end(key)
        if not old:
            return
        if len(old) <= _APART:
            filters = [subjects.state(reality, point.kommun, point.id[5:]) for point in old]
        else:
            filters = list(subjects.family_filters("state", reality, area))
        wanted = {point.id for point in points}
        batch: list[Delivery] = []
        async with aclosing(last_values(nc, streams.STATE, filters)) as found:
            async for delivery in found:
                batch.append(delivery)
                if len(batch) >= _BATCH:
                    self._keep(reality, await asyncio.to_thread(_decoded, batch, wanted))
                    batch = []
        self._keep(reality, await asyncio.to_thread(_decoded, batch, wanted))
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.held.set(len(self._kept))

    def _keep(self, reality: Reality, found: Sequence[tuple[str, int, Evidence | None]]) -> None:
        for point, sequence, evidence in found:
            key = reality, point
            self._kept[key] = Kept(sequence, evidence)
            self._kept.move_to_end(key)
        self.read.inc(len(found))


def _decoded(batch: Sequence[Delivery], wanted: set[str]) -> list[tuple[str, int, Evidence | None]]:
    """Of each state that is wanted, what forecasts look at; None: it was too long to be written whole."""
    found: list[tuple[str, int, Evidence | None]] = []
    for one in batch:
        kommun, slug = one.subject.split(".")[-2:]
        point = f"{kommun}-{slug}"
        if point not in wanted:
            continue
        try:
            document = orjson.loads(one.data)
            evidence = None if document.get("cut") else gather(load(document))
        except (ValueError, LookupError, TypeError) as error:
            log.error("a state cannot be read", extra={"subject": one.subject, "error": f"{error!r}"})  # noqa: TRY400
            evidence = None
        found.append((point, one.sequence, evidence))
    return found


def _busy(detail: str) -> Problem:
    return Problem(503, "busy", detail, headers={"retry-after": "5"})
