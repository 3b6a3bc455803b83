"""One reality from the log to its effects: read, merge, judge, publish; what follows the alerts is settled behind it.

A backlog is merged first and judged when it is merged; what is fresh is judged at once (CONTRACT §5). Each reality has
a lane of its own, so that neither a backlog nor an exercise can starve fresh alerts elsewhere.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Sequence

from nats.aio.client import Client

from vardkase.domain.merge import Received
from vardkase.runtime.clock import Clock, SystemClock
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.reader import PullReader
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.instants import SECOND
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.reports import NeedReport
from vardkase_contracts.vocab import Reality

from .admission import Admission, admit, concerned
from .effects import Effects
from .identities import Identities
from .log import decode
from .pictures import PicturePublisher
from .publisher import Publisher
from .refolding import Refolding
from .refused import refused
from .settler import Settler
from .world import World

log = logging.getLogger(__name__)

#: The states of a backlog are made durable and it is acknowledged after so many reports, before it is judged.
_CHECKPOINT = 15_000
#: Points are judged so many at a time, so that the process stays alive to others while all of Sweden is judged.
_JUDGED_AT_ONCE = 1_000
#: After a restart all points are judged anew, so many between two looks at what is fresh: its alerts wait no longer.
_AT_LEISURE = 100
#: Seconds between two looks at what is due when the clock may run fast, or nothing has been judged yet.
_SOON = 0.05


def durable(reality: Reality) -> str:
    """The name of the lane's consumer on REPORTS."""
    return f"aggregator-{reality}"


class Lane:
    """Reads the log of one reality and keeps its world."""

    def __init__(
        self,
        world: World,
        publisher: Publisher,
        pictures: PicturePublisher,
        identities: Identities,
        nc: Client,
        settings: Settings,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        """Nothing is read before `run`."""
        self._world = world
        self._publisher = publisher
        self._pictures = pictures
        self._identities = identities
        self._refolding = Refolding(world.reality, identities, nc, metrics)
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._wall = SystemClock()
        self.reality: Reality = world.reality
        group = settings.reader
        self._reader = PullReader(
            nc,
            stream=streams.REPORTS,
            durable=durable(world.reality),
            filters=subjects.family_filters("accepted", world.reality, world.area),
            batch=group.batch,
            buffer=group.buffer,
            heartbeat=group.heartbeat,
            check=group.check,
            stall_after=group.stuck,
            resume_after=lambda: identities.position,
        )
        self._settler = Settler(publisher.keep, identities, self._reader.ack)
        self._remade = 0
        self._last: Delivery | None = None
        #: Reports that are merged and not yet handed over to be settled.
        self._unsettled = 0
        #: Reports that waited when the first of them came: none is judged before the last of them is merged.
        self._waited: int | None = None
        #: When the latest report of each point in hand was stored, µs: for the latency of alerts.
        self._stored: dict[str, int] = {}
        self._caught_up = False
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()
        self._heartbeat = time.monotonic()

    async def start(self) -> None:
        """Begin to read."""
        await self._reader.start(self._settings.health.start_timeout)

    async def stop(self) -> None:
        """Finish the batch in hand, acknowledge it, stop reading."""
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.health.stop_timeout / 2):
                await self._done.wait()
        await self._reader.stop()

    def checks(self) -> Sequence[Check]:
        """Whether its consumer exists and advances, the loop turns, and what it makes can be written."""
        health = self._reader.health()
        turned = time.monotonic() - self._heartbeat
        turns = turned < max(10.0, 5 * self._settings.aggregator.tick)
        trouble = (
            self._publisher.trouble or self._settler.trouble or ("" if turns else f"stands still since {turned:.0f} s")
        )
        return [
            Check(
                name=f"consumer {streams.REPORTS} {self.reality}",
                ok=health.exists and health.advancing,
                detail=health.reason or f"{health.lag} waiting",
            ),
            Check(
                name=f"lane {self.reality}",
                ok=self._caught_up and not trouble,
                detail=trouble or self._pending(),
            ),
        ]

    def _pending(self) -> str:
        """What it still has to do after its start; empty when it has done so."""
        if not self._caught_up:
            return "merging a backlog"
        return f"{self._world.waiting} points of before to be judged" if self._world.waiting else ""

    async def run(self) -> None:
        """Read, merge, judge, publish; until stopped. Then see that what was handed over is settled."""
        self._settler.start()
        try:
            while not self._stopping.is_set():
                batch = await self._reader.take(self._wait())
                self._heartbeat = time.monotonic()
                await self._settler.room()
                if batch:
                    await self._take(batch)
                if self._is_behind(batch):
                    if self._unsettled >= _CHECKPOINT:
                        await self._checkpoint()
                    continue
                await self._judge()
                if not self._caught_up:
                    self._caught_up = True
                    log.info("the backlog is merged and judged", extra={"reality": self.reality})
                self._observe()
            if self._unsettled and self._caught_up:
                await self._judge()  # but for what nothing is new of
            await self._settler.finish()
        finally:
            await self._settler.stop()
            self._done.set()

    def _wait(self) -> float:
        """Seconds to wait for reports: no longer than until the clock changes something."""
        if self._caught_up and self._world.waiting:
            return 0.001
        if self._settings.clock_start is not None or not self._caught_up:
            return _SOON
        due = (self._world.next_due() - self._clock.now()) / SECOND
        return min(self._settings.aggregator.tick, max(0.001, due))

    def _is_behind(self, batch: Sequence[Delivery]) -> bool:
        """Whether more is waiting than what has just come."""
        if not batch:
            return not self._caught_up and self._reader.health().lag > 0
        last = batch[-1]
        if not last.pending:
            return False
        if not self._caught_up:
            # The alerts of some of what waits at the start may be published already: half of it says that they ended.
            self._waited = (batch[0].pending + 1 if self._waited is None else self._waited) - len(batch)
            if self._waited > 0:
                return True
        delay = self._settings.aggregator.judge_delay * SECOND
        return self._wall.now() - last.stored_at > delay

    # -- merging -----------------------------------------------------------------------------------------------------

    async def _take(self, batch: list[Delivery]) -> None:
        if self._last is not None and batch[0].sequence <= self._last.sequence:
            raise RuntimeError(f"{streams.REPORTS} was made anew: everything must be read again")
        self._last = batch[-1]
        self._unsettled += len(batch)
        self._metrics.batch_size.labels(streams.REPORTS).observe(len(batch))
        items: list[Received] = []
        bad: list[tuple[Delivery, Refusal]] = []
        for delivery in batch:
            item = decode(delivery)
            if isinstance(item, Refusal):
                bad.append((delivery, item))
                continue
            items.append(item)
            self._stored[item.report.subject] = delivery.stored_at
        if bad:
            await self._refuse(bad)
        admission = admit(items, self._identities.look_up(concerned(items)))
        self._identities.record(admission.known)
        for item in admission.merge:
            self._world.merge(item)
        self._refolding.admitted(admission)
        self._count(items, admission)

    async def _settle(self) -> None:
        """Fold anew what must be, before anything is judged or made durable."""
        self._refolding.lost(self._world.take_stale())
        if not self._refolding:
            return
        upto = self._last.sequence if self._last is not None else self._identities.position
        for state, withdrawn in await self._refolding.settle(upto):
            self._world.put(state, withdrawn=withdrawn)
        self._heartbeat = time.monotonic()

    async def _refuse(self, bad: list[tuple[Delivery, Refusal]]) -> None:
        """A message that is no report does not stop those after it."""
        await self._publisher.reject(
            [
                refused(delivery, refusal, self._settings.node, streams.REPORTS, self.reality)
                for delivery, refusal in bad
            ]
        )
        for _, refusal in bad:
            self._metrics.rejected.labels(self.reality, refusal.reason).inc()

    def _count(self, items: list[Received], admission: Admission) -> None:
        now = self._clock.now()
        age = self._metrics.report_age.labels(self.reality)
        kinds: Counter[str] = Counter()
        adjusted = 0
        for item in admission.merge:
            age.observe(max(0.0, (now - item.stamp.time) / SECOND))
            kinds[item.report.kind] += 1
            adjusted += item.stamp.adjusted
            if isinstance(item.report, NeedReport):
                self._metrics.needs_over_limit.labels(self.reality).inc(self._world.needs_left_out(item.report))
        for kind, count in kinds.items():
            self._metrics.reports.labels(self.reality, kind, "merged").inc(count)
        self._metrics.reports.labels(self.reality, "any", "left_out").inc(len(items) - len(admission.merge))
        self._metrics.clock_adjusted.labels(self.reality).inc(adjusted)
        self._metrics.id_conflict.labels(self.reality).inc(admission.conflicts)

    # -- judging -----------------------------------------------------------------------------------------------------

    async def _judge(self) -> None:
        """Judge what has changed, publish its alerts, and hand over what follows them."""
        await self._settle()
        while True:
            now = self._clock.now()
            with self._metrics.judge_seconds.labels(self.reality).time():
                effects = self._world.judge(now, _JUDGED_AT_ONCE, leisure=_AT_LEISURE)
            if effects:
                await self._publisher.announce(effects)
                self._published(effects)
                self._settler.take(effects.states)
            if not self._world.waiting:
                self._pictures.as_of = now
                break
            self._pictures.as_of = None  # half of it is judged: not the picture of any instant
            if not self._world.fresh:
                break
            self._heartbeat = time.monotonic()
            await self._settler.room()
            await asyncio.sleep(0)
        self._stored.clear()
        self._hand_over()

    def _published(self, effects: Effects) -> None:
        now = self._wall.now()
        latency = self._metrics.alert_latency.labels(self.reality)
        for key, document in effects.alerts.items():
            stored = self._stored.get(key.partition("/")[2])
            if stored is not None:
                latency.observe((now - stored) / SECOND)
            self._metrics.alert_changes.labels(self.reality, document["rule"], document["level"]).inc()

    async def _checkpoint(self) -> None:
        """Make a backlog's states durable before it is judged: after a crash it is judged with everything else."""
        await self._settle()
        self._settler.take(self._world.merged(self._clock.now()).states)
        self._hand_over()

    def _hand_over(self) -> None:
        """All that was merged is judged or kept: once it is durable it is acknowledged."""
        if self._last is not None and self._unsettled:
            self._settler.reached(self._last, self._unsettled)
            self._unsettled = 0

    # -- watching ----------------------------------------------------------------------------------------------------

    def _observe(self) -> None:
        health = self._reader.health()
        self._metrics.consumer_lag.labels(self.reality, streams.REPORTS).set(health.lag)
        self._metrics.queue_depth.labels(f"judge {self.reality}").set(self._world.waiting)
        self._metrics.queue_depth.labels(f"settle {self.reality}").set(self._settler.waiting)
        if self._reader.remade > self._remade:
            self._metrics.reader_remade.labels(streams.REPORTS, "gone").inc(self._reader.remade - self._remade)
            self._remade = self._reader.remade

    def recheck(self) -> list[str]:
        """Compare the sums with those made from the beginning; where they differ, those from the beginning stand."""
        wrong = self._world.rollup.differs(self._world.rollup.recomputed())
        for area in wrong:
            self._metrics.rollup_mismatch.labels(self.reality, area.partition(" ")[0]).inc()
            log.error("the sums of an area had drifted", extra={"reality": self.reality, "area": area})
        return wrong
