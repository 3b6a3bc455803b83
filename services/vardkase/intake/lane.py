"""One reality's way into the log: read what was published, check it, store it once, acknowledge it."""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from nats.aio.client import Client

from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.patient import PatientWriter
from vardkase.runtime.jetstream.reader import PullReader
from vardkase.runtime.jetstream.values import Incomplete
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import iso
from vardkase_contracts.refusals import Refusal, rejected
from vardkase_contracts.reports import extras
from vardkase_contracts.vocab import Reality, ReportKind

from .check import Accepted, check
from .memory import ORIGIN, RECEIVED, Memory

log = logging.getLogger(__name__)

_ENVELOPE: Final = 4096
"""Room for what tells of a refused message beside its bytes, in bytes."""


class Lane:
    """Checks the reports of one reality, in the order in which they came."""

    def __init__(self, reality: Reality, nc: Client, settings: Settings, metrics: Metrics) -> None:
        """Nothing is read before `start`."""
        self.reality: Reality = reality
        self._nc = nc
        self._node = settings.node
        self._metrics = metrics
        self._tick = settings.intake.tick
        self._grace = settings.health.stop_timeout / 2
        area = Area.parse(settings.area)
        durable = f"intake-{reality}"
        self._memory = Memory(nc, reality=reality, area=area, node=settings.node, durable=durable)
        group = settings.reader
        self._reader = PullReader(
            nc,
            stream=streams.INTAKE,
            durable=durable,
            filters=[subjects.report_filter(reality, area)],
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

    async def start(self) -> None:
        """Learn what a predecessor had stored and not acknowledged, then begin to read."""
        await self._memory.recall()
        await self._reader.start()

    async def stop(self) -> None:
        """Finish the batch in hand, acknowledge it, stop reading."""
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._grace):
                await self._done.wait()
        await self._reader.stop()

    async def run(self) -> None:
        """Read, check, store, acknowledge; until stopped."""
        try:
            while not self._stopping.is_set():
                batch = await self._reader.take(self._tick)
                self._heartbeat = time.monotonic()
                if batch:
                    began = time.monotonic()
                    if not await self._prepared(batch[0].generation):
                        break
                    await self._take(batch)
                    await self._reader.ack(batch[-1])
                    self._metrics.batch_seconds.labels(streams.INTAKE).observe(time.monotonic() - began)
                self._observe()
        finally:
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

    async def _take(self, batch: Sequence[Delivery]) -> None:
        """Store a batch. Refusals first: what is in REPORTS then tells how far both streams are complete."""
        accepted: list[Outgoing] = []
        refused: list[Outgoing] = []
        entering: list[tuple[str, bytes, ReportKind]] = []
        inside: dict[str, bytes] = {}
        outcomes: Counter[tuple[ReportKind, str]] = Counter()
        ignored: Counter[ReportKind] = Counter()
        self._memory.anew(batch[0])
        for delivery in batch:
            if self._memory.knows(delivery):
                continue
            verdict = check(delivery.subject, delivery.data)
            if isinstance(verdict, Refusal):
                refused.append(self._refusal(delivery, verdict))
                continue
            kind = verdict.where.kind
            ignored[kind] += extras(verdict.report)
            digest = hashlib.sha256(delivery.data).digest()
            message_id = self._message_id(verdict.identity, digest, inside)
            if message_id is None:
                outcomes[kind, "duplicate"] += 1
                continue
            inside[message_id] = digest
            entering.append((message_id, digest, kind))
            accepted.append(self._entry(delivery, verdict, message_id))
        await self._rejected.write_once(refused)
        stored = await self._reports.write_once(accepted)
        for (message_id, digest, kind), sequence in zip(entering, stored, strict=True):
            self._memory.entered(message_id, digest, sequence)
            outcomes[kind, "duplicate" if sequence is None else "accepted"] += 1
        self._memory.handled(batch[-1].sequence, batch[-1].stored_at)
        for (kind, outcome), count in outcomes.items():
            self._metrics.reports.labels(self.reality, kind, outcome).inc(count)
        for kind, count in ignored.items():
            self._metrics.extras_ignored.labels(self.reality, kind).inc(count)

    def _message_id(self, identity: str, digest: bytes, inside: dict[str, bytes]) -> str | None:
        """The id that a report enters under, minding those that enter with it; `None` for a repeat."""
        held = inside.get(identity)
        if held is None:
            message_id = self._memory.message_id(identity, digest)
        else:
            message_id = None if held == digest else f"{identity}.{digest.hex()[:16]}"
        if message_id is not None and message_id != identity:
            self._metrics.id_conflict.labels(self.reality).inc()
        return None if message_id in inside else message_id

    def _entry(self, delivery: Delivery, verdict: Accepted, message_id: str) -> Outgoing:
        where = verdict.where
        return Outgoing(
            subject=subjects.accepted(where.reality, where.kommun, where.slug, where.kind),
            data=delivery.data,
            headers={RECEIVED: iso(delivery.stored_at), ORIGIN: f"{self._node}/{delivery.sequence}"},
            message_id=message_id,
        )

    def _refusal(self, delivery: Delivery, refusal: Refusal) -> Outgoing:
        self._metrics.rejected.labels(self.reality, refusal.reason).inc()
        origin = f"{self._node}/{delivery.sequence}"
        event = rejected(
            refusal,
            delivery.data[: max(0, self._nc.max_payload - _ENVELOPE) * 3 // 4],
            subject=delivery.subject,
            node=self._node,
            origin=origin,
            received=delivery.stored_at,
            reality=self.reality,
        )
        _, _, _, _, lan, kommun, slug, *_ = [*delivery.subject.split("."), "", "", ""]
        return Outgoing(
            subject=subjects.rejected(self.reality, lan, kommun, slug),
            data=event.model_dump_json(exclude_none=True).encode(),
            message_id=f"{streams.INTAKE}/{origin}/{delivery.stored_at}",
        )

    def _observe(self) -> None:
        health = self._reader.health()
        self._metrics.consumer_lag.labels(self.reality, streams.INTAKE).set(health.lag)
        if self._reader.remade > self._remade:
            self._metrics.reader_remade.labels(streams.INTAKE, "gone").inc(self._reader.remade - self._remade)
            self._remade = self._reader.remade
