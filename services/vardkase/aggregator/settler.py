"""What follows the alerts: states made durable, then the identities they rest on, then the acknowledgement.

It happens behind the lane, which meanwhile merges and judges what came next and writes its alerts: no alert waits for
a state. One write is under way at a time, and of what waits for the next one only the latest document of each point is
kept. So a state is never older in the stream than the one before it, never there before its alerts, and identities are
noted only with the states of the same reports, or later ones.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from vardkase.domain.merge import Identity
from vardkase.runtime.backoff import Backoff
from vardkase.runtime.jetstream.delivery import Delivery

from .identities import Identities, Known, NoRoom

_MOST: Final = 2_000
"""States that may wait, but for one hand-over that is larger: the lane stops at more."""
_UNSETTLED: Final = 15_000
"""Reports that may wait to be acknowledged after they were handed over, but for one hand-over that is larger."""
_EVERY: Final = 0.025
"""Seconds between the beginnings of two writes, unless `_AT_ONCE` states wait: each costs the server several files."""
_AT_ONCE: Final = 500
_ACK_EVERY: Final = 0.05
"""Seconds between two acknowledgements. Each costs a sync of the identities; what was published and is not
acknowledged comes again after a crash, and changes nothing."""
_PAUSES: Final = (0.1, 2.0)
"""Seconds between two attempts to write on a full disk: the first, and the longest."""

log: Final = logging.getLogger(__name__)


class Settler:
    """Settles what one lane hands over.

    Args:
        write: makes states durable.
        identities: what is noted in it is handed over with `reached`.
        ack: acknowledges a report, and all before it in its part of the log.
    """

    def __init__(
        self,
        write: Callable[[Mapping[str, dict[str, Any]]], Awaitable[None]],
        identities: Identities,
        ack: Callable[[str, Delivery], Awaitable[None]],
    ) -> None:
        self._write = write
        self._identities = identities
        self._ack = ack
        self._states: dict[str, dict[str, Any]] = {}
        self._rows: dict[Identity, Known] = {}
        #: The last reports that were handed over, by their part of the log.
        self._last: dict[str, Delivery] = {}
        #: Reports that are handed over and not yet acknowledged.
        self._unsettled = 0
        #: Of what is durable, and not yet committed.
        self._owed: dict[Identity, Known] = {}
        self._owed_last: dict[str, Delivery] = {}
        self._began = self._committed = -math.inf
        self._busy = self._hurried = False
        self._more = asyncio.Event()
        self._less = asyncio.Event()
        self._less.set()
        self._task: asyncio.Task[None] | None = None
        self.trouble = ""
        """Why nothing can be settled now; empty when all is well."""

    def start(self) -> None:
        """Begin to settle."""
        self._task = asyncio.create_task(self._run(), name="settling")

    @property
    def waiting(self) -> int:
        """How many states wait to be written."""
        return len(self._states)

    def take(self, states: Mapping[str, dict[str, Any]]) -> None:
        """Have these states written, in the place of what waits of the same points; their alerts are durable."""
        if states:
            self._states.update(states)
            self._more.set()

    def reached(self, last: Mapping[str, Delivery], reports: int, held: AbstractSet[str] = frozenset()) -> None:
        """All reports up to these, so many, are merged, and the states that they changed were taken.

        Args:
            last: the last report of each part of the log.
            reports: how many.
            held: kommuner whose states were not taken, though reports of theirs are merged: nothing of them is noted.
        """
        self._last |= last
        self._unsettled += reports
        self._rows.update(self._identities.hand_over(held))
        self._more.set()

    async def room(self) -> None:
        """Wait while too much waits: neither states nor reports without acknowledgement grow without end.

        Raises:
            WriteConflict: somebody else writes the same states; or whatever else settling ended by.
        """
        self._see()
        while len(self._states) >= _MOST or self._unsettled >= _UNSETTLED:
            self._less.clear()
            self._more.set()
            await self._until(self._less)

    async def finish(self) -> None:
        """Wait until all that was handed over is durable and acknowledged.

        Raises:
            WriteConflict: as `room`.
        """
        self._hurried = True
        self._more.set()
        while self._busy or self._states or self._last or self._owed_last:
            self._less.clear()
            await self._until(self._less)
        self._hurried = False

    async def stop(self) -> None:
        """Leave what waits: it is made again from the log."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # the lane was told, or is being stopped

    def _see(self) -> None:
        if self._task is not None and self._task.done():
            self._task.result()

    async def _until(self, event: asyncio.Event) -> None:
        """Wait for an event, or for the end of settling, which is an error."""
        if self._task is None:
            raise RuntimeError("nothing is settled")
        waiting = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        self._see()

    # -- settling ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await self._due()
            self._busy = True
            states, self._states = self._states, {}
            rows, self._rows = self._rows, {}
            self._owed_last |= self._last
            self._last = {}
            settled = self._unsettled
            self._more.clear()
            self._began = time.monotonic()
            if states:
                await self._write(states)
            self._owed |= rows
            if self._owed_last and (self._hurried or self._began - self._committed >= _ACK_EVERY):
                await self._commit(self._owed_last)
                self._unsettled -= settled
            self._busy = False
            self._less.set()

    async def _due(self) -> None:
        """Wait until there is something to settle, and for others to come with it."""
        commit_in = max(0.0, self._committed + _ACK_EVERY - time.monotonic())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(commit_in if self._owed_last else None):
                await self._more.wait()
        pause = self._began + _EVERY - time.monotonic()
        if pause > 0 and len(self._states) < _AT_ONCE and not self._hurried:
            await asyncio.sleep(pause)

    async def _commit(self, last: Mapping[str, Delivery]) -> None:
        """All effects are durable: so be the identities, and then acknowledge."""
        rows, self._owed, self._owed_last = self._owed, {}, {}
        positions = {part: delivery.sequence for part, delivery in last.items()}
        backoff = Backoff(least=_PAUSES[0], most=_PAUSES[1])
        while True:
            try:
                await self._identities.settle(rows, positions)
                break
            except NoRoom as error:
                if not self.trouble:
                    log.error("the identities cannot be kept: %s; trying again", error)  # noqa: TRY400 - one line
                self.trouble = f"the disk does not take the identities: {error}"
            await asyncio.sleep(backoff.next())
        self.trouble = ""
        self._committed = time.monotonic()
        for part, delivery in last.items():
            await self._ack(part, delivery)
