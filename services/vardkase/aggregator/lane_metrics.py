"""What a lane counts of what it does."""

from collections import Counter
from collections.abc import Mapping, Sequence

from vardkase.domain.merge import Received
from vardkase.runtime.metrics import Metrics
from vardkase_contracts import streams
from vardkase_contracts.instants import SECOND
from vardkase_contracts.reports import NeedReport
from vardkase_contracts.vocab import Reality

from .admission import Admission
from .effects import Effects
from .inlets import Inlets
from .world import World


class LaneMetrics:
    """Counts for one reality.

    Args:
        world: whose reality it is.
        metrics: of the process.
    """

    def __init__(self, world: World, metrics: Metrics) -> None:
        self._world = world
        self._reality: Reality = world.reality
        self._metrics = metrics
        self._remade = 0
        #: When the latest report of each point in hand was stored, µs: for the latency of alerts.
        self._stored: dict[str, int] = {}

    def came(self, count: int) -> None:
        """A batch came."""
        self._metrics.batch_size.labels(streams.REPORTS).observe(count)

    def stored(self, point: str, at: int) -> None:
        """A report of a point in hand, and when it was stored, µs."""
        self._stored[point] = at

    def judged(self) -> None:
        """All that was in hand is judged."""
        self._stored.clear()

    def refused(self, reason: str) -> None:
        """A message was refused."""
        self._metrics.rejected.labels(self._reality, reason).inc()

    def merged(self, items: Sequence[Received], admission: Admission, now: int) -> None:
        """Reports were merged."""
        age = self._metrics.report_age.labels(self._reality)
        kinds: Counter[str] = Counter()
        adjusted = 0
        for item in admission.merge:
            age.observe(max(0.0, (now - item.stamp.time) / SECOND))
            kinds[item.report.kind] += 1
            adjusted += item.stamp.adjusted
            if isinstance(item.report, NeedReport):
                self._metrics.needs_over_limit.labels(self._reality).inc(self._world.needs_left_out(item.report))
        for kind, count in kinds.items():
            self._metrics.reports.labels(self._reality, kind, "merged").inc(count)
        self._metrics.reports.labels(self._reality, "any", "left_out").inc(len(items) - len(admission.merge))
        self._metrics.clock_adjusted.labels(self._reality).inc(adjusted)
        self._metrics.id_conflict.labels(self._reality).inc(admission.conflicts)

    def published(self, effects: Effects, now: int) -> None:
        """Alerts were published."""
        latency = self._metrics.alert_latency.labels(self._reality)
        for key, document in effects.alerts.items():
            stored = self._stored.get(key.partition("/")[2])
            if stored is not None:
                latency.observe((now - stored) / SECOND)
            self._metrics.alert_changes.labels(self._reality, document["rule"], document["level"]).inc()

    def observe(self, inlets: Inlets, settling: int, lags: Mapping[str, int]) -> None:
        """How much waits."""
        self._metrics.consumer_lag.labels(self._reality, streams.REPORTS).set(sum(lags.values()))
        self._metrics.queue_depth.labels(f"judge {self._reality}").set(self._world.waiting)
        self._metrics.queue_depth.labels(f"settle {self._reality}").set(settling)
        if inlets.remade > self._remade:
            self._metrics.reader_remade.labels(streams.REPORTS, "gone").inc(inlets.remade - self._remade)
            self._remade = inlets.remade
