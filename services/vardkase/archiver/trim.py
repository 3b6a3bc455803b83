"""AUDIT, which refuses what is new when it is full, is let go of where the archive has it: acts go on for ever.

Half of what it holds stays, so that an archive that is put back to an older copy finds most of what it lost.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from nats.aio.client import Client

from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.metrics import Metrics

log: Final = logging.getLogger(__name__)

_EVERY: Final = 15.0
"""Seconds between two looks."""
_FROM: Final = 0.6
"""How full it is before anything goes; below the 0.7 that raises an alarm."""


class Trim:
    """Lets the older half of a stream go, as far as it is archived, once it is nearly full.

    Args:
        stream: its name.
        nc: a connection.
        archived: the last sequence that the archive has on disk; 0: it is not known.
        metrics: where it counts.
    """

    def __init__(self, stream: str, nc: Client, archived: Callable[[], int], metrics: Metrics) -> None:
        self._stream = stream
        self._nc = nc
        self._archived = archived
        self._metrics = metrics

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            try:
                await self.look()
            except (ApiError, NoAnswer) as error:
                log.warning("%s cannot be looked at: %s", self._stream, error)

    async def look(self) -> int:
        """Look once. Returns how many messages went.

        Raises:
            ApiError, NoAnswer: the server does not do as it is asked.
        """
        info = await call(self._nc, f"STREAM.INFO.{self._stream}")
        limit, state = info["config"]["max_bytes"], info["state"]
        archived = self._archived()
        if limit <= 0 or state["bytes"] < _FROM * limit or archived > state["last_seq"]:
            return 0
        before = min(archived + 1, state["first_seq"] + state["messages"] // 2)
        if before <= state["first_seq"]:
            return 0
        gone = (await call(self._nc, f"STREAM.PURGE.{self._stream}", {"seq": before}))["purged"]
        self._metrics.archive_trimmed.labels(self._stream).inc(gone)
        log.info("what is archived was let go of", extra={"stream": self._stream, "messages": gone})
        return gone
