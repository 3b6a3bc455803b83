"""One stream's way into the archive: read, put into rows, written with the position, acknowledged."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Final

from nats.aio.client import Client

from vardkase.runtime.database import Away, Misfit
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.durable import NotOurs
from vardkase.runtime.jetstream.reader import PullReader
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings

from .batch import Batch, prepare
from .database import Database
from .session import Misfits, Position, Session, Step
from .tables import TABLES

log: Final = logging.getLogger(__name__)

_DURABLE: Final = "archiver"
_BUFFER_BYTES: Final = 8 << 20
_LOOKS: Final = 8
"""So often it is looked, while a transaction lingers, whether there is enough for it."""
_ALL: Final = "any"
"""In the metrics' label `reality`: a stream is read as one."""


class Line:
    """Archives one stream.

    Where it goes on is the database's to say, since a database may be put back to an older copy, or be made anew. So
    with each session it is looked whether the database still has what this line has written; else the stream is read
    again from where the database stands, whatever the stream's consumer takes for acknowledged.

    Args:
        stream: which.
        nc: a connection.
        database: where to.
        settings: groups `archiver` and `reader`.
        metrics: where it counts.
    """

    def __init__(self, stream: str, nc: Client, database: Database, settings: Settings, metrics: Metrics) -> None:
        self._stream = stream
        self._table = TABLES[stream]
        self._nc = nc
        self._database = database
        self._settings = settings
        self._metrics = metrics
        self._reader: PullReader | None = None
        self._session = 0
        self._position = Position("", 0)
        self._resume = 0
        #: What is being written, or was when the database was lost; what is written after it; what was taken with it.
        self._held: Batch | None = None
        self._ready: Batch | None = None
        self._next: list[Delivery] = []
        self._remade = 0
        self._trouble = "waits for the database"
        self._heartbeat = time.monotonic()
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()

    async def run(self) -> None:
        """Read, write, acknowledge; until stopped."""
        try:
            while not self._stopping.is_set():
                session = await self._there()
                if session is None:
                    break
                try:
                    if session.number != self._session or self._reader is None:
                        await self._begin(session)
                    await self._turn(session)
                except Away as error:
                    self._trouble = f"database: {error}"
                    self._database.lost(session, error)
                except (ApiError, NoAnswer, NotOurs) as error:
                    self._trouble = str(error)
                    await self._pause()
        finally:
            self._done.set()

    async def stop(self) -> None:
        """Write the batch in hand and acknowledge it, if that is soon done; stop reading."""
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.health.stop_timeout / 2):
                await self._done.wait()
        if self._reader is not None:
            await self._reader.stop()

    def checks(self) -> Sequence[Check]:
        """Whether its consumer exists and advances, and what it reads can be written."""
        name = f"archive {self._stream}"
        if self._reader is None or self._trouble:
            return [Check(name=name, ok=False, detail=self._trouble)]
        health = self._reader.health()
        turned = time.monotonic() - self._heartbeat
        trouble = health.reason
        if not trouble and turned > 2 * self._settings.archiver.timeout:
            trouble = f"stands still since {turned:.0f} s"
        return [Check(name=name, ok=health.exists and not trouble, detail=trouble or f"{health.lag} waiting")]

    def archived(self) -> int:
        """The last sequence that the database has; 0 while it is not known."""
        ours = self._reader is not None and self._position.born == self._reader.born
        return self._position.sequence if ours and not self._trouble else 0

    # -- where to go on ----------------------------------------------------------------------------------------------

    async def _there(self) -> Session | None:
        """The database's session, however long it takes; None when stopping."""
        waiting = asyncio.ensure_future(self._database.session())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return waiting.result() if waiting.done() and not self._stopping.is_set() else None
        finally:
            waiting.cancel()
            stopping.cancel()

    async def _begin(self, session: Session) -> None:
        """A new session: see that the database has what was acknowledged."""
        found = await session.position(self._stream)
        if self._reader is None or not self._kept(found):
            await self._read_from(found)
        self._position = found
        self._session = session.number
        self._trouble = ""

    def _kept(self, found: Position) -> bool:
        """Whether the database has all that this line has written to it."""
        ours = self._position
        return not ours.sequence or (found.born == ours.born and found.sequence >= ours.sequence)

    async def _read_from(self, position: Position) -> None:
        """Read on after a position, whatever the consumer thinks of it."""
        reader, self._reader = self._reader, None
        self._held, self._ready, self._next = None, None, []
        if reader is not None:
            log.warning("the database lost what was archived; reading again", extra={"stream": self._stream})
            await reader.stop()
        info = await call(self._nc, f"STREAM.INFO.{self._stream}")
        same = info["created"] == position.born and position.sequence <= info["state"]["last_seq"]
        self._resume = position.sequence if same else 0
        group, own = self._settings.reader, self._settings.archiver
        reader = PullReader(
            self._nc,
            stream=self._stream,
            durable=_DURABLE,
            filters=[">"],
            batch=own.batch,
            buffer=own.buffer,
            buffer_bytes=_BUFFER_BYTES,
            heartbeat=group.heartbeat,
            check=group.check,
            stall_after=group.stuck,
            resume_after=lambda: self._resume,
            trusting=False,
        )
        await reader.start()
        self._reader, self._remade = reader, 0

    # -- a batch -----------------------------------------------------------------------------------------------------

    async def _turn(self, session: Session) -> None:
        reader = self._reader
        if reader is None:
            return
        if self._held is None:
            self._held, self._ready = self._ready, None
        if self._held is None:
            self._held = await self._prepare(reader, await self._take(reader))
        self._heartbeat = time.monotonic()
        if self._held is not None:
            began = time.monotonic()
            await self._store_and_prepare(session, reader, self._held)
            last, self._held = self._held.last, None
            await reader.ack(last)
            self._metrics.batch_seconds.labels(self._stream).observe(time.monotonic() - began)
        self._trouble = ""
        self._observe(reader)

    async def _take(self, reader: PullReader) -> list[Delivery]:
        """A batch of one stream's life, filled for as long as a transaction may linger.

        What comes after the stream was made anew is another batch.
        """
        own = self._settings.archiver
        batch, self._next = self._next or await reader.take(own.tick), []
        until = time.monotonic() + own.linger
        while batch and len(batch) < own.batch and not self._next:
            left = until - time.monotonic()
            if left <= 0 or self._stopping.is_set():
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, own.linger / _LOOKS)):
                    await self._stopping.wait()
            self._next = await reader.take(0)
            if self._next and self._next[0].generation == batch[-1].generation:
                room = own.batch - len(batch)
                batch, self._next = batch + self._next[:room], self._next[room:]
        return batch

    async def _prepare(self, reader: PullReader, batch: list[Delivery]) -> Batch | None:
        return await prepare(self._table, self._stream, reader.born or "", batch) if batch else None

    async def _store_and_prepare(self, session: Session, reader: PullReader, batch: Batch) -> None:
        """Write a batch. In a backlog the next one is made into rows while the database is busy with it."""
        storing = asyncio.create_task(self._store(session, batch), name=f"archive {self._stream}")
        try:
            await asyncio.sleep(0)
            if self._ready is None and (self._next or reader.health().lag > len(batch.everything)):
                self._ready = await self._prepare(reader, self._next or await reader.take(0))
                self._next = []
        except asyncio.CancelledError:
            storing.cancel()
            raise
        finally:
            await storing

    async def _store(self, session: Session, batch: Batch) -> None:
        """Write a batch. A row that the database does not take is kept apart, and the rest goes in."""
        rows, everything = batch.rows, batch.everything
        after = Position(batch.born, batch.last.sequence)
        if self._table.keyed:
            first: dict[bytes, int] = {}
            for place, row in enumerate(rows):
                first.setdefault(row[0], place)
            fresh = [rows[place] for place in first.values()]
        else:
            fresh = rows
        try:
            step = Step(self._stream, self._position, after)
            stored = await session.store(self._table, fresh, batch.misfits, step)
        except Misfit as error:
            if len(everything) == 1:
                if not rows:
                    raise Away(f"it does not take a message as bytes: {error}") from None
                misfits = [Misfits(everything[0], str(error))]
                await self._store(session, Batch(batch.born, everything, [], [], misfits))
                return
            # In order, so that the position never tells of more than is written.
            for part in (everything[: len(everything) // 2], everything[len(everything) // 2 :]):
                await self._store(session, await prepare(self._table, self._stream, batch.born, part))
            return
        self._position = after
        self._metrics.archived.labels(self._stream, "stored").inc(stored.rows)
        self._metrics.archived.labels(self._stream, "repeated").inc(stored.repeats + len(rows) - len(fresh))
        self._metrics.archived.labels(self._stream, "misfit").inc(len(batch.misfits))
        self._metrics.batch_size.labels(self._stream).observe(len(everything))

    # -- watching ----------------------------------------------------------------------------------------------------

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.archiver.tick):
                await self._stopping.wait()

    def _observe(self, reader: PullReader) -> None:
        self._metrics.consumer_lag.labels(_ALL, self._stream).set(reader.health().lag)
        if reader.remade > self._remade:
            self._metrics.reader_remade.labels(self._stream, "gone").inc(reader.remade - self._remade)
            self._remade = reader.remade
