"""One reality from the log to its effects: read, merge, judge, publish; what follows the alerts is settled behind it.

A backlog is merged first and judged when it is merged; what is fresh is judged at once (CONTRACT §5). Each reality has
a lane of its own, and in it each child's part of the log a consumer of its own, so that neither a backlog nor an
exercise can starve fresh alerts elsewhere.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from nats.aio.client import Client

from vardkase.domain.merge import Identity, Received
from vardkase.federation.plan import Plan
from vardkase.federation.signatures import Keyring
from vardkase.runtime.clock import Clock, SystemClock
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams
from vardkase_contracts.instants import SECOND
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.vocab import Reality

from .admission import admit, concerned
from .catching_up import CatchingUp
from .division import divide
from .effects import Effects
from .identities import Identities
from .inlets import Inlets, Taken
from .lane_metrics import LaneMetrics
from .log import decode
from .parts import Part, children, parts_of
from .pictures import PicturePublisher
from .proof import Proof
from .publisher import Publisher
from .redaction import Redaction
from .refolding import Refolding
from .refused import refused
from .settler import Settler
from .verifying import Verifier
from .world import World

log = logging.getLogger(__name__)

_CHECKPOINT: Final = 15_000
"""The states of a backlog are made durable and it is acknowledged after so many reports, before it is judged."""
_CHECKPOINT_EVERY: Final = 5.0
"""And after so many seconds, when it comes slowly: what is not acknowledged for long looks as if it were stuck."""
_CHECKPOINT_SHARE: Final = 0.05
"""But they take no larger share of the time: each folds anew what must be, which costs readings of the log."""
_JUDGED_AT_ONCE: Final = 1_000
"""Points are judged so many at a time, so that the process stays alive to others while all of Sweden is judged."""
_AT_LEISURE: Final = 100
"""After a restart all points are judged anew, so many between two looks at what is fresh: its alerts wait no longer."""
_SOON: Final = 0.05
"""Seconds between two looks at what is due when the clock may run fast, or something is merged and not judged yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What a lane works with, beside its own world."""

    nc: Client
    settings: Settings
    metrics: Metrics
    clock: Clock
    verifier: Verifier
    erase: Callable[[Identity], None]
    """Is told of reports whose bytes must be gone."""


class Lane:
    """Reads the log of one reality and keeps its world.

    Args:
        world: what it fills.
        publisher: writes what it finds.
        pictures: is told which instant they are of.
        identities: which copies count; how far the log was read.
        plan: the federation; None: the node is alone.
        tools: what else it needs.
    """

    def __init__(
        self,
        world: World,
        publisher: Publisher,
        pictures: PicturePublisher,
        identities: Identities,
        plan: Plan | None,
        tools: Tools,
    ) -> None:
        nc, settings, metrics = tools.nc, tools.settings, tools.metrics
        self._world = world
        self._publisher = publisher
        self._pictures = pictures
        self._identities = identities
        self._refolding = Refolding(world.reality, identities, nc, metrics)
        self.redaction: Final = Redaction(world.reality, identities, self._refolding, tools.erase)
        """What must be gone."""
        self._settings = settings
        self._metrics = metrics
        self._clock = tools.clock
        self._wall = SystemClock()
        self._nc = nc
        self.reality: Reality = world.reality
        self._inlets = Inlets(world.reality, nc, settings.reader, identities.position)
        self._catching_up = CatchingUp(settings.aggregator.judge_delay, self._wall.now)
        self._settler = Settler(publisher.keep, identities, self._inlets.ack)
        self._counts = LaneMetrics(world, metrics)
        self._plan = plan
        self._new_plan = plan
        self._proof = Proof(world, identities, self._refolding, nc, tools.verifier)
        #: The last report that came of each part, and how many of each are merged and not yet handed over.
        self._last: dict[str, Delivery] = {}
        self._unsettled: dict[str, int] = {}
        #: When what is held is made durable next though little of it has come (monotonic seconds).
        self._checkpoint_at = time.monotonic() + _CHECKPOINT_EVERY
        self._caught_up = False
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()
        self._heartbeat = time.monotonic()

    async def start(self) -> None:
        """Begin to read."""
        await self._read(await self._divided())
        await self._proof.judge_by(None if self._plan is None else Keyring(self._plan), self._upto)

    async def stop(self) -> None:
        """Finish the batch in hand, acknowledge it, stop reading."""
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.health.stop_timeout / 2):
                await self._done.wait()
        await self._proof.stop()
        await self._inlets.stop()

    def follow(self, plan: Plan) -> None:
        """The federation is another: it is read and judged by that, soon."""
        self._new_plan = plan

    def checks(self) -> Sequence[Check]:
        """Whether its consumers exist and advance, the loop turns, and what it makes can be written."""
        turned = time.monotonic() - self._heartbeat
        turns = turned < max(10.0, 5 * self._settings.aggregator.tick)
        trouble = (
            self._publisher.trouble or self._settler.trouble or ("" if turns else f"stands still since {turned:.0f} s")
        )
        return [
            *(
                Check(
                    name=" ".join(filter(None, ("consumer", streams.REPORTS, self.reality, part))),
                    ok=health.exists and health.advancing,
                    detail=health.reason or f"{health.lag} waiting",
                )
                for part, health in self._inlets.health().items()
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
                taken = await self._inlets.take(self._wait(), self._catching_up.behind)
                self._heartbeat = time.monotonic()
                await self._settler.room()
                if taken is not None:
                    await self._take(taken)
                await self._turned(taken)
            if self._caught_up and any(self._unsettled.values()):
                await self._judge()  # but for what nothing is new of
            await self._settler.finish()
        finally:
            await self._settler.stop()
            self._done.set()

    async def _turned(self, taken: Taken | None) -> None:
        """After what came was merged: judge what may be judged."""
        part, batch = (None, []) if taken is None else taken
        self._catching_up.turn(part, batch, lambda name: self._inlets.health()[name].lag)
        await self._follow_plan()
        held = self._catching_up.held | self._proof.held
        self._world.hold(held)
        if held:
            await self._checkpoint_if_due()
            if self._catching_up.all_held:
                return
        await self._judge()
        if not self._caught_up and self._catching_up.caught_up:
            self._caught_up = True
            log.info("the backlog is merged and judged", extra={"reality": self.reality})
        self._observe()

    def _wait(self) -> float:
        """Seconds to wait for reports: no longer than until the clock changes something."""
        if self._caught_up and self._world.waiting:
            return 0.001
        if self._settings.clock_start is not None or not self._caught_up:
            return _SOON
        if self._catching_up.held or self._proof.is_busy:
            return _SOON
        due = (self._world.next_due() - self._clock.now()) / SECOND
        return min(self._settings.aggregator.tick, max(0.001, due))

    # -- the federation ----------------------------------------------------------------------------------------------

    async def _divided(self) -> dict[str, Part]:
        area = self._world.area
        return await divide(self._nc, self._identities, self.reality, area, children(self._plan, area))

    async def _read(self, parts: Mapping[str, Part]) -> None:
        await self._inlets.leave(parts)
        self._last = {part: last for part, last in self._last.items() if part in self._inlets.parts}
        await self._inlets.start(parts, self._settings.health.start_timeout)
        self._catching_up.arrange(parts)

    @property
    def _upto(self) -> int:
        """The last sequence in the log of all that was merged."""
        known = (self._identities.position(part) for part in self._inlets.parts)
        return max(*known, *(each.sequence for each in self._last.values()), 0)

    async def _follow_plan(self) -> None:
        """When the federation is another, read and judge by it; and what must be judged anew, a little at a time."""
        plan = self._new_plan
        if plan is not None and plan != self._plan:
            self._plan, upto = plan, self._upto
            parts = parts_of(plan, self._world.area)
            if parts != self._inlets.parts:
                await self._checkpoint()
                await self._settler.finish()
                await self._inlets.leave(parts)
                await self._read(await self._divided())
            await self._proof.judge_by(Keyring(plan), upto)
        if self._proof.go_on():
            await self._checkpoint()
            await self._settler.finish()
            await self._proof.remember()

    # -- merging -----------------------------------------------------------------------------------------------------

    async def _take(self, taken: Taken) -> None:
        part, batch = taken
        last = self._last.get(part)
        if last is not None and batch[0].sequence <= last.sequence:
            raise RuntimeError(f"{streams.REPORTS} was made anew: everything must be read again")
        self._last[part] = batch[-1]
        self._unsettled[part] = self._unsettled.get(part, 0) + len(batch)
        self._counts.came(len(batch))
        read: list[tuple[Delivery, Received]] = []
        bad: list[tuple[Delivery, Refusal]] = []
        for delivery in batch:
            item = decode(delivery)
            if isinstance(item, Refusal):
                bad.append((delivery, item))
            else:
                read.append((delivery, item))
        read = self.redaction.sift(read)
        read, unproven = await self._proof.sorted(read)
        bad += unproven
        if bad:
            await self._refuse(bad)
        items = [item for _, item in read]
        for delivery, item in read:
            self._counts.stored(item.report.subject, delivery.stored_at)
        self._catching_up.received(part, ((item.report.kommun, item.received) for item in items))
        admission = admit(items, self._identities.look_up(concerned(items)))
        self._identities.record(admission.known)
        for item in admission.merge:
            self._world.merge(item)
        self._refolding.admitted(admission)
        self._counts.merged(items, admission, self._clock.now())

    async def _settle(self) -> None:
        """Fold anew what must be, before anything is judged or made durable."""
        for document in self.redaction.apply(self._world.alerts):
            self._world.recall_alert(document)
            await self._publisher.announce(Effects(alerts={document["key"]: document}))
        self._refolding.lost(self._world.take_stale())
        if not self._refolding:
            return
        for state, withdrawn in await self._refolding.settle(self._upto):
            self._world.put(state, withdrawn=withdrawn)
        self._heartbeat = time.monotonic()

    async def _refuse(self, bad: Sequence[tuple[Delivery, Refusal]]) -> None:
        """A message that is no report, or proves no origin, does not stop those after it."""
        await self._publisher.reject(
            [
                refused(delivery, refusal, self._settings.node, streams.REPORTS, self.reality)
                for delivery, refusal in bad
            ]
        )
        for _, refusal in bad:
            self._counts.refused(refusal.reason)

    # -- judging -----------------------------------------------------------------------------------------------------

    async def _judge(self) -> None:
        """Judge what has changed, publish its alerts, and hand over what follows them."""
        await self._settle()
        while True:
            now = self._clock.now()
            with self._metrics.judge_seconds.labels(self.reality).time():
                effects = self._world.judge(now, _JUDGED_AT_ONCE, leisure=_AT_LEISURE)
            if effects:
                await self._announce(effects)
            if not self._world.waiting:
                self._pictures.as_of = now
                break
            self._pictures.as_of = None  # half of it is judged: not the picture of any instant
            if not self._world.fresh:
                break
            self._heartbeat = time.monotonic()
            await self._settler.room()
            await asyncio.sleep(0)
        self._counts.judged()
        self._hand_over(self._world.held)

    async def _announce(self, effects: Effects) -> None:
        await self._publisher.announce(effects)
        self._counts.published(effects, self._wall.now())
        self._settler.take(effects.states)

    async def _checkpoint_if_due(self) -> None:
        merged = sum(self._unsettled.values())
        late = self._caught_up and merged and time.monotonic() >= self._checkpoint_at
        if late or merged >= _CHECKPOINT:
            await self._checkpoint()

    async def _checkpoint(self) -> None:
        """Make a backlog's states durable before it is judged: after a crash it is judged with everything else."""
        began = time.monotonic()
        await self._settle()
        self._settler.take(self._world.merged(self._clock.now()).states)
        self._hand_over(frozenset())
        now = time.monotonic()
        self._checkpoint_at = now + max(_CHECKPOINT_EVERY, (now - began) / _CHECKPOINT_SHARE)

    def _hand_over(self, held: AbstractSet[str]) -> None:
        """What was merged is judged or kept, but for kommuner that are held: once it is durable it is acknowledged."""
        parts = self._inlets.parts
        whole = {part for part in self._unsettled if parts[part].kommuner.isdisjoint(held)}
        reports = sum(self._unsettled.pop(part) for part in whole)
        if reports:
            self._settler.reached({part: self._last[part] for part in whole}, reports, held)

    # -- watching ----------------------------------------------------------------------------------------------------

    def _observe(self) -> None:
        lags = {part: health.lag for part, health in self._inlets.health().items()}
        self._counts.observe(self._inlets, self._settler.waiting, lags)

    def recheck(self) -> list[str]:
        """Compare the sums with those made from the beginning; where they differ, those from the beginning stand."""
        wrong = self._world.rollup.differs(self._world.rollup.recomputed())
        for area in wrong:
            self._metrics.rollup_mismatch.labels(self.reality, area.partition(" ")[0]).inc()
            log.error("the sums of an area had drifted", extra={"reality": self.reality, "area": area})
        return wrong
