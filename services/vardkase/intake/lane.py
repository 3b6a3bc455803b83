"""One reality's way into the log: read what was published, check it, store it once, acknowledge it."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Sequence

from nats.aio.client import Client

from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.patient import PatientWriter
from vardkase.runtime.jetstream.reader import PullReader
from vardkase.runtime.jetstream.values import Incomplete
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import Reality

from .memory import Memory
from .sorting import Sorted, Sorter

log = logging.getLogger(__name__)


class Lane:
    """Checks the reports of one reality, in the order in which they came."""

    def __init__(self, reality: Reality, nc: Client, settings: Settings, metrics: Metrics) -> None:
        """Nothing is read before `start`."""
        self.reality: Reality = reality
        self._metrics = metrics
        self._tick = settings.intake.tick
        self._grace = settings.health.stop_timeout / 2
        self._start_within = settings.health.start_timeout
        area = Area.parse(settings.area)
        durable = f"intake-{reality}"
        self._memory = Memory(nc, reality=reality, area=area, node=settings.node, durable=durable)
        self._sorter = Sorter(reality, settings.node, self._memory, lambda: nc.max_payload, metrics)
        group = settings.reader
        self._batch = group.batch
        self._reader = PullReader(
            nc,
            stream=streams.INTAKE,
            durable=durable,
            filters=subjects.family_filters("report", reality, area),
            batch=group.batch,
            buffer=group.buffer,
            heartbeat=group.heartbeat,
            check=group.check,
            stall_after=group.stuck,
            resume_after=lambda: self._memory.stored,
        )
        self._reports = PatientWriter(nc, streams.REPORTS, settings.writer, metrics)
        self._rejected = PatientWriter(nc, streams.REJECTED, settings.writer, metrics)
        self._generation = 0
        self._remade = 0
        self._heartbeat = time.monotonic()
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()

    async def start(self) -> None:
        """Learn what a predecessor had stored and not acknowledged, then begin to read."""
        await self._memory.recall()
        await self._reader.start(self._start_within)

    async def stop(self) -> None:
        """Finish the batch in hand, acknowledge it, stop reading."""
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._grace):
                await self._done.wait()
        await self._reader.stop()

    async def run(self) -> None:
        """Read, check, store, acknowledge; until stopped. In a backlog one batch is checked while another is stored."""
        self._done.clear()
        storing: asyncio.Task[None] | None = None
        try:
            while not self._stopping.is_set():
                batch = await self._reader.take(self._tick)
                began = self._heartbeat = time.monotonic()
                if batch and batch[0].generation != self._generation:
                    await _ended(storing)  # before the log is looked at
                    if not await self._prepared(batch[0].generation):
                        break
                following = self._sorter.sort(batch) if batch else None
                await _ended(storing)
                storing = None
                if following is not None:
                    storing = asyncio.create_task(self._store(following, began), name=f"store {self.reality}")
                    if len(batch) < self._batch:  # no backlog: the more comes meanwhile, the fewer writes there are
                        await _ended(storing)
                self._observe()
            await _ended(storing)
        finally:
            if storing is not None:
                storing.cancel()
            self._done.set()

    def checks(self) -> Sequence[Check]:
        """Whether its consumer exists and advances, the loop turns, and what it makes can be written."""
        health = self._reader.health()
        trouble = self._reports.trouble or self._rejected.trouble
        turned = time.monotonic() - self._heartbeat
        if not trouble and turned > max(10.0, 5 * self._tick):
            trouble = f"stands still since {turned:.0f} s"
        return [
            Check(
                name=f"consumer {streams.INTAKE} {self.reality}",
                ok=health.exists and health.advancing,
                detail=health.reason or f"{health.lag} waiting",
            ),
            Check(name=f"lane {self.reality}", ok=not trouble, detail=trouble),
        ]

    async def _prepared(self, generation: int) -> bool:
        """Once after the reader bound anew: see that the log is still the one that was learnt. False when stopping."""
        while generation != self._generation:
            try:
                await self._memory.look_again()
            except (NoAnswer, Incomplete, ApiError) as error:
                log.warning("the log cannot be looked at: %s; trying again", error)
                await asyncio.sleep(self._tick)
                if self._stopping.is_set():
                    return False
            else:
                self._generation = generation
        return True

    async def _store(self, batch: Sorted, began: float) -> None:
        """Store a batch. Refusals first: what is in REPORTS then tells how far both streams are complete."""
        await self._rejected.write_once(batch.refused)
        stored = await self._reports.write_once(batch.accepted)
        outcomes = Counter((kind, "duplicate") for kind in batch.repeats.elements())
        for kind, sequence in zip(batch.kinds, stored, strict=True):
            outcomes[kind, "duplicate" if sequence is None else "accepted"] += 1
        self._memory.handled(batch.last.sequence, batch.last.stored_at)
        self._memory.reached(max((sequence for sequence in stored if sequence is not None), default=0))
        for (kind, outcome), count in outcomes.items():
            self._metrics.reports.labels(self.reality, kind, outcome).inc(count)
        await self._reader.ack(batch.last)
        self._metrics.batch_seconds.labels(streams.INTAKE).observe(time.monotonic() - began)

    def _observe(self) -> None:
        health = self._reader.health()
        self._metrics.consumer_lag.labels(self.reality, streams.INTAKE).set(health.lag)
        if self._reader.remade > self._remade:
            self._metrics.reader_remade.labels(streams.INTAKE, "gone").inc(self._reader.remade - self._remade)
            self._remade = self._reader.remade


async def _ended(task: asyncio.Task[None] | None) -> None:
    """Wait until a task has ended; its error is raised here."""
    if task is not None:
        await task
