"""The audit: who read what is restricted, who acted, what was refused. Append-only, in AUDIT; the archive keeps it.

An act is answered only when its place in the audit is on disk. What is read is told of a moment later, the same once in
a minute; while the audit cannot be written it waits here, bounded, and what has no room is counted.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

import nats.errors
from nats.aio.client import Client

from vardkase.gateway.principal import Principal, within
from vardkase.gateway.problems import Problem
from vardkase.runtime.clock import Clock
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.errors import WriteFailed
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts import streams
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import Reality

from .counts import AuditMetrics
from .events import audit_event
from .telling import Outcome, Telling, Told

log: Final = logging.getLogger(__name__)

NOBODY: Final = "anonymous"
"""Who somebody is that has not shown it."""
_BATCH: Final = 200
"""Most events written at once."""
_PAUSE: Final = (0.2, 5.0)
"""Seconds before what could not be written is tried again: the first wait, and the longest."""
_ACTS: Final = 1_000
"""Most acts that wait to be written at once."""
_RETRY_AFTER: Final = "5"


@dataclass(slots=True)
class _Act:
    message: Outgoing
    written: asyncio.Future[None]


class Audit:
    """Writes the audit.

    Args:
        settings: of the node: `access`, `node`, `area`.
        metrics: where those of the audit are registered.
        clock: the node's.
        tasks: where its background tasks run.
    """

    def __init__(self, settings: Settings, metrics: Metrics, clock: Clock, tasks: Tasks) -> None:
        self._settings = settings.access
        self._source = f"urn:tp:node:{settings.node}"
        self._area = Area.parse(settings.area)
        self._clock = clock
        self._tasks = tasks
        self._counts = AuditMetrics(metrics.registry)
        self._telling = Telling(self._settings.audit_window, clock=time.monotonic)
        self._acts: deque[_Act] = deque()
        self._acting = asyncio.Event()
        self._seen: deque[Outgoing] = deque()
        self._seeing = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._writer: StreamWriter | None = None
        self._trouble = ""

    async def start(self, nc: Client) -> None:
        """Begin to write."""
        timeout = self._settings.audit_timeout
        self._writer = StreamWriter(nc, streams.AUDIT, timeout=min(2.0, timeout), patience=timeout)
        self._tasks.spawn(self._write_acts(self._writer), name="audit of acts")
        self._tasks.spawn(self._write_seen(self._writer), name="audit of reads")

    async def stop(self) -> None:
        """Write what waits, for a bounded time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.audit_timeout):
                await self._quiet.wait()
        if self._seen:
            self._lose(len(self._seen))
            self._seen.clear()

    def check(self) -> Check:
        """Whether it can be written. A node shows its picture without; it takes no act."""
        detail = self._trouble or f"{len(self._seen)} wait"
        return Check(name="audit", ok=not self._trouble, detail=detail, needed=False)

    async def act(
        self,
        principal: Principal | None,
        what: str,
        on: str,
        area: Area,
        reality: Reality,
        outcome: Outcome = "done",
    ) -> None:
        """Tell of an act, before it is answered: when this returns it is on disk.

        Args:
            principal: who; None: nobody who has shown it.
            what: such as `order.ack`: `AuditData.what`.
            on: a code, an id or a key; never a text that somebody sent.
            area: the area that it concerns.
            reality: of what was done.
            outcome: what came of it.

        Raises:
            Problem: 503, the audit cannot be written: what was done may be asked for again.
        """
        if self._writer is None or len(self._acts) >= _ACTS:
            raise _unwritten()
        told = self._told(principal, what, on, area, reality, outcome)
        act = _Act(audit_event(told, self._source), asyncio.get_running_loop().create_future())
        self._acts.append(act)
        self._quiet.clear()
        self._acting.set()
        try:
            async with asyncio.timeout(2 * self._settings.audit_timeout):
                await act.written
        except (WriteFailed, nats.errors.Error, TimeoutError) as error:
            log.error("an act could not be written to the audit: %s", error or type(error).__name__)  # noqa: TRY400
            raise _unwritten() from None

    def read(self, principal: Principal, what: str, on: str, area: Area, reality: Reality) -> None:
        """Tell of what somebody reads; at once done, and written a moment later."""
        self._tell(self._told(principal, what, on, area, reality, "done"))

    def refused(self, principal: Principal | None, what: str, on: str, area: Area, reality: Reality) -> None:
        """Tell of what was not allowed."""
        self._tell(self._told(principal, what, on, area, reality, "refused"))

    def _told(
        self, principal: Principal | None, what: str, on: str, area: Area, reality: Reality, outcome: Outcome
    ) -> Told:
        # What is refused may lie outside of the node's area, and the stream has no subject for it.
        where = area if within(area, self._area) else self._area
        who, role = (NOBODY, None) if principal is None else (principal.id, principal.role)
        return Told(who, role, what, on, where, reality, outcome, self._clock.now())

    def _tell(self, told: Told) -> None:
        telling = self._telling.to_tell(told)
        if telling is None:
            self._counts.repeated.inc()
        elif len(self._seen) >= self._settings.audit_backlog:
            self._lose(1)
        else:
            self._seen.append(audit_event(telling, self._source))
            self._quiet.clear()
            self._counts.waiting.set(len(self._seen))
            self._seeing.set()

    def _lose(self, count: int) -> None:
        self._counts.lost.inc(count)
        log.error("the audit cannot be written, and what was read is left out of it", extra={"events": count})

    async def _write_acts(self, writer: StreamWriter) -> None:
        while True:
            await self._acting.wait()
            self._acting.clear()
            while self._acts:
                acts = [self._acts.popleft() for _ in range(min(_BATCH, len(self._acts)))]
                waiting = [each for each in acts if not each.written.done()]  # who waits no more has been told so
                try:
                    await writer.write_once([each.message for each in waiting])
                except (WriteFailed, nats.errors.Error) as error:
                    self._trouble = f"{streams.AUDIT}: {error}"
                    for each in waiting:
                        if not each.written.done():
                            each.written.set_exception(error)
                else:
                    self._written("act", len(waiting))
                    for each in waiting:
                        if not each.written.done():
                            each.written.set_result(None)
            self._see_quiet()

    async def _write_seen(self, writer: StreamWriter) -> None:
        pause = _PAUSE[0]
        while True:
            await self._seeing.wait()
            await asyncio.sleep(self._settings.audit_linger)
            self._seeing.clear()
            while self._seen:
                some = [self._seen[at] for at in range(min(_BATCH, len(self._seen)))]
                try:
                    await writer.write_once(some)
                except (WriteFailed, nats.errors.Error) as error:
                    self._trouble = f"{streams.AUDIT}: {error}"
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _PAUSE[1])
                    continue
                pause = _PAUSE[0]
                for _ in some:
                    self._seen.popleft()
                self._written("seen", len(some))
                self._counts.waiting.set(len(self._seen))
            self._see_quiet()

    def _see_quiet(self) -> None:
        if not self._acts and not self._seen:
            self._quiet.set()

    def _written(self, kind: str, count: int) -> None:
        self._trouble = ""
        self._counts.written.labels(kind).inc(count)


def _unwritten() -> Problem:
    return Problem(
        503,
        "audit_away",
        "What you did could not be written to the audit, and may not stand: do it again",
        headers={"retry-after": _RETRY_AFTER},
    )
