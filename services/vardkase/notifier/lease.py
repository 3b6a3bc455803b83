"""Of several notifiers of a node one tells: the one that has the lease, a key in NATS that ends by itself."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import uuid4

from nats.aio.client import Client

from vardkase.federation.topology import NOTIFIED
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.bucket import Bucket, BucketAway
from vardkase.runtime.jetstream.errors import WriteConflict

log: Final = logging.getLogger(__name__)

KEY: Final = "lease"
"""Its key in the bucket."""
_SHORTEST: Final = 2
"""Seconds: NATS counts whole ones."""


class Lease:
    """Has the lease, waits for it, or has lost it.

    Who has it renews it three times as often as it would end; who could not for two thirds of its time stops telling,
    before another one begins. A request that is under way then can meet another's: receivers know repeats.

    Args:
        nc: a connection to the node's account.
        seconds: how long it lasts without being renewed.
        work: runs while it is held; cancelled when it is lost.
    """

    def __init__(self, nc: Client, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        self._bucket = Bucket(nc, NOTIFIED, timeout=1.0, patience=1.0)
        self._lasts = max(_SHORTEST, round(seconds))
        self._work = work
        self._id = uuid4().hex[:12]
        self._sequence: int | None = None
        self._heard = time.monotonic()
        self.held = False
        """Whether this process is the one that tells."""

    def check(self) -> Check:
        """Whether it is known who tells: this one, or another."""
        silent = time.monotonic() - self._heard
        known = silent <= 2 * self._lasts
        detail = "tells" if self.held else "waits: another one tells"
        return Check(name="lease", ok=known, detail=detail if known else f"not known for {silent:.0f} s")

    async def run(self) -> None:
        """Try to get it, work while it is held, until cancelled. What the work raises is raised."""
        try:
            while True:
                self._sequence = await self._taken()
                if self._sequence is None:
                    await asyncio.sleep(self._lasts / 5)
                    continue
                log.info("this notifier tells now")
                await self._lead()
                log.warning("this notifier does not tell any more")
        finally:
            self.held = False

    async def release(self) -> None:
        """Let it go, so that another need not wait for its end."""
        if self._sequence is not None:
            sequence, self._sequence = self._sequence, None
            try:
                await self._bucket.put(KEY, b"", expected=sequence, lives=1)
            except (BucketAway, WriteConflict) as error:
                log.info("the lease could not be let go; it ends by itself", extra={"error": str(error)})

    async def _taken(self) -> int | None:
        """The lease's sequence if it is ours now; None: another one has it, or nobody can say."""
        try:
            entry = await self._bucket.get(KEY)
            free = entry is None or not entry.data
            expected = 0 if entry is None else entry.sequence
            self._heard = time.monotonic()
            return await self._put(expected) if free else None
        except (BucketAway, WriteConflict):
            return None

    async def _put(self, expected: int) -> int:
        return await self._bucket.put(KEY, self._id.encode(), expected=expected, lives=self._lasts)

    async def _lead(self) -> None:
        self.held = True
        work = asyncio.ensure_future(self._work())
        renewing = asyncio.ensure_future(self._renew())
        try:
            await asyncio.wait({work, renewing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.held = False
            for task in (work, renewing):
                task.cancel()
            await asyncio.wait({work, renewing})
        for task in (work, renewing):
            if not task.cancelled():
                task.result()

    async def _renew(self) -> None:
        """Returns when it is lost."""
        renewed = time.monotonic()
        while self._sequence is not None:
            await asyncio.sleep(self._lasts / 3 if time.monotonic() - renewed < self._lasts / 3 else 0.1)
            began = time.monotonic()
            try:
                self._sequence = await self._put(self._sequence)
                self._heard = renewed = began
            except WriteConflict:
                self._sequence = await self._again()
            except BucketAway:
                if time.monotonic() - renewed > self._lasts * 2 / 3:
                    return

    async def _again(self) -> int | None:
        """A renewal that was stored though its answer was lost; None: it is another's."""
        try:
            entry = await self._bucket.get(KEY)
        except BucketAway:
            return None
        return entry.sequence if entry is not None and entry.data == self._id.encode() else None
