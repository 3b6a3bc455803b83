"""What is counted now and then: points and alerts by what they are, and a check of the sums from the beginning."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from vardkase.runtime.clock import Clock
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts.areas import POINTS_FORESEEN, Area
from vardkase_contracts.instants import SECOND
from vardkase_contracts.vocab import ALERT_LEVELS, CONDITIONS, FRESHNESSES, Reality

from .lane import Lane
from .world import World

_EVERY = 5.0


class Gauges:
    """Sets the gauges of all realities."""

    def __init__(
        self, worlds: dict[Reality, World], lanes: Sequence[Lane], clock: Clock, settings: Settings, metrics: Metrics
    ) -> None:
        """Nothing is set before `run`."""
        self._clock = clock
        self._worlds = worlds
        self._lanes = lanes
        self._recheck = settings.aggregator.recheck
        self._metrics = metrics
        self._alerts: set[tuple[str, str, str]] = set()

    async def run(self) -> None:
        """Set them every few seconds, for ever."""
        checked = time.monotonic()
        while True:
            for world in self._worlds.values():
                self._points(world)
                self._crowded(world)
                self._open_alerts(world)
                self._orders(world)
                await asyncio.sleep(0)
            self._metrics.clock_stepped.set(self._clock.stepped / SECOND)
            if time.monotonic() - checked >= self._recheck:
                checked = time.monotonic()
                for lane in self._lanes:
                    lane.recheck()
                    await asyncio.sleep(0)
            await asyncio.sleep(_EVERY)

    def _points(self, world: World) -> None:
        for area in world.rollup.sums:
            if area.level != "lan":
                continue
            for condition in CONDITIONS:
                for freshness in FRESHNESSES:
                    count = world.rollup.count(area, f"both/{condition}/{freshness}")
                    self._metrics.points.labels(world.reality, area.code, condition, freshness).set(count)

    def _crowded(self, world: World) -> None:
        """Points beyond what a kommun is foreseen to have: they are taken in all the same (CONTRACT §10)."""
        over = 0
        for area in (Area("kommun", code) for code in world.rollup.kommuner):
            points = world.rollup.count(area, "expected") + world.rollup.count(area, "unregistered")
            over += max(0, points - POINTS_FORESEEN)
        self._metrics.points_over_limit.labels(world.reality).set(over)

    def _orders(self, world: World) -> None:
        """How much of what people ordered is remembered, and what was left out."""
        orders, tables = world.orders, world.tables
        for kind, kept, left_out in (
            ("ack", len(orders.acks), orders.acks_left_out),
            ("silence", len(orders.silences), orders.silences.left_out),
            ("incident", len(orders.incidents), orders.incidents.left_out),
            ("report_request", len(orders.requests), orders.requests.left_out),
            ("rules", tables.kept, tables.left_out),
        ):
            self._metrics.orders_kept.labels(world.reality, kind).set(kept)
            self._metrics.orders_left_out.labels(world.reality, kind).set(left_out)
        self._metrics.rule_tables.labels(world.reality).set(tables.different)
        documents = (each for rules in world.alerts.values() for each in rules.values())
        silenced = sum(each["status"] == "firing" and bool(each.get("silences")) for each in documents)
        self._metrics.alerts_silenced.labels(world.reality).set(silenced)

    def _open_alerts(self, world: World) -> None:
        counts = Counter(
            (key.partition("/")[0], level) for key, level in world.open_alerts().items() if level in ALERT_LEVELS
        )
        for rule, level in counts:
            self._alerts.add((world.reality, rule, level))
        for reality, rule, level in self._alerts:
            if reality == world.reality:
                self._metrics.alerts_open.labels(reality, rule, level).set(counts[rule, level])
