"""One reality's way into the log: read what was published, check it, store it once, acknowledge it."""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Sequence
from typing import Final

from nats.aio.client import Client

from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.api import CONSUMER_NOT_FOUND, MESSAGE_NOT_FOUND, ApiError, call
from vardkase.runtime.jetstream.batches import MESSAGE_ID, Outgoing
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.patient import PatientWriter
from vardkase.runtime.jetstream.reader import PullReader
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import MINUTE, SECOND, iso, parse
from vardkase_contracts.refusals import Refusal, rejected
from vardkase_contracts.reports import extras
from vardkase_contracts.vocab import Reality

from .check import Accepted, check
from .recent import Recent

log = logging.getLogger(__name__)

ORIGIN: Final = "Tp-Origin"
RECEIVED: Final = "Tp-Received"
#: The log's duplicate window, and a little more.
_WINDOW: Final = 2 * MINUTE + 10 * SECOND


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
        self._filter = subjects.report_filter(reality, area)
        self._accepted = subjects.accepted_filter(reality, area)
        self._durable = f"intake-{reality}"
        group = settings.reader
        self._reader = PullReader(
            nc,
            stream=streams.INTAKE,
            durable=self._durable,
            filters=[self._filter],
            batch=group.batch,
            buffer=group.buffer,
            heartbeat=group.heartbeat,
            check=group.check,
            stall_after=group.stuck,
            resume_after=lambda: self._stored,
        )
        self._reports = PatientWriter(nc, streams.REPORTS, settings.writer, metrics)
        self._rejected = PatientWriter(nc, streams.REJECTED, settings.writer, metrics)
        self._recent = Recent()
        #: The sequence in INTAKE up to which everything is in REPORTS or REJECTED.
        self._stored = 0
        self._remade = 0
        self._heartbeat = time.monotonic()
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()

    async def start(self) -> None:
        """Learn what a predecessor had stored and not acknowledged, then begin to read."""
        await self._recall()
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

    async def _take(self, batch: Sequence[Delivery]) -> None:
        """Store a batch. Refusals first: what is in REPORTS then tells how far both streams are complete."""
        accepted: list[Outgoing] = []
        refused: list[Outgoing] = []
        entering: list[tuple[str, bytes, Accepted]] = []
        inside: dict[str, bytes] = {}
        for delivery in batch:
            if delivery.sequence <= self._stored:
                continue
            verdict = check(delivery.subject, delivery.data)
            if isinstance(verdict, Refusal):
                refused.append(self._refusal(delivery, verdict))
                continue
            self._metrics.extras_ignored.labels(self.reality, verdict.report.kind).inc(extras(verdict.report))
            digest = hashlib.sha256(delivery.data).digest()
            message_id = self._message_id(verdict.identity, digest, inside)
            if message_id is None:
                self._metrics.reports.labels(self.reality, verdict.report.kind, "duplicate").inc()
                continue
            inside[message_id] = digest
            entering.append((message_id, digest, verdict))
            accepted.append(self._entry(delivery, verdict, message_id))
        await self._rejected.write_once(refused)
        for (message_id, digest, verdict), sequence in zip(
            entering, await self._reports.write_once(accepted), strict=True
        ):
            self._recent.add(message_id, digest)
            outcome = "duplicate" if sequence is None else "accepted"
            self._metrics.reports.labels(self.reality, verdict.report.kind, outcome).inc()
        self._stored = max(self._stored, batch[-1].sequence)

    def _message_id(self, identity: str, digest: bytes, inside: dict[str, bytes]) -> str | None:
        """The id that a report enters under, minding those that enter with it; `None` for a repeat."""
        held = inside.get(identity)
        if held is None:
            message_id = self._recent.message_id(identity, digest)
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
            delivery.data,
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
            message_id=f"{streams.INTAKE}/{origin}",
        )

    async def _recall(self) -> None:
        """What entered the log since the oldest message that is not acknowledged came, and in the log's own window."""
        since = time.time_ns() // 1000 - _WINDOW
        waiting = await self._oldest_waiting()
        if waiting is not None:
            since = min(since, waiting)
        prefix = f"{self._node}/"
        async for entry in scan(self._nc, streams.REPORTS, [self._accepted], since=since):
            message_id = entry.headers.get(MESSAGE_ID)
            if message_id is not None:
                self._recent.add(message_id, hashlib.sha256(entry.data).digest())
            origin = entry.headers.get(ORIGIN, "")
            if origin.startswith(prefix) and origin[len(prefix) :].isdigit():
                self._stored = max(self._stored, int(origin[len(prefix) :]))

    async def _oldest_waiting(self) -> int | None:
        """When the oldest message that is not acknowledged came, µs; `None` when there is none."""
        try:
            info = await call(self._nc, f"CONSUMER.INFO.{streams.INTAKE}.{self._durable}")
            after = info["ack_floor"]["stream_seq"] + 1
        except ApiError as error:
            if error.err_code != CONSUMER_NOT_FOUND:
                raise
            after = 1
        request = {"seq": after, "next_by_subj": self._filter}
        try:
            found = await call(self._nc, f"STREAM.MSG.GET.{streams.INTAKE}", request)
        except ApiError as error:
            if error.err_code != MESSAGE_NOT_FOUND:
                raise
            return None
        return parse(found["message"]["time"])

    def _observe(self) -> None:
        health = self._reader.health()
        self._metrics.consumer_lag.labels(self.reality, streams.INTAKE).set(health.lag)
        if self._reader.remade > self._remade:
            self._metrics.reader_remade.labels(streams.INTAKE, "gone").inc(self._reader.remade - self._remade)
            self._remade = self._reader.remade
