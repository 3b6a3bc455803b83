"""A log, followed by its headers alone: what comes to a hub, when it does. Goes on after the server was away."""

import asyncio
import contextlib
import logging
import time
from typing import Any, Final
from uuid import uuid4

import nats.errors

from vardkase.rehearsal.ledger import Ledger, parse_origin
from vardkase.runtime.jetstream import headers
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.pull import PullLine
from vardkase.runtime.tasks import ended
from vardkase_contracts import streams

log: Final = logging.getLogger(__name__)

_BATCH: Final = 1_000
_BUFFER: Final = 4_000
_HEARTBEAT: Final = 1.0
_SILENT: Final = 3.0
"""Seconds without a sign of the server after which the log is read by another consumer."""
_WAIT: Final = 0.5
_AGAIN: Final = 0.3
_UNUSED_NS: Final = 30_000_000_000
_ORIGIN: Final = b"Tp-Origin"


class Follower:
    """Tells the ledger what comes into a hub's log.

    Args:
        hub: its name.
        nc: a connection to its account.
        ledger: is told.
    """

    def __init__(self, hub: str, nc: Connection, ledger: Ledger) -> None:
        self._hub = hub
        self._nc = nc
        self._ledger = ledger
        self._last = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Follow it, until `stop`."""
        self._task = asyncio.create_task(self._run(), name=f"follow {self._hub}")

    async def stop(self) -> None:
        """Follow it no more."""
        task, self._task = self._task, None
        await ended(task)

    async def _run(self) -> None:
        while True:
            try:
                await self._read()
            except (ApiError, NoAnswer, nats.errors.Error, OSError) as error:
                log.debug("a log is not followed now", extra={"hub": self._hub, "why": str(error)})
            await asyncio.sleep(_AGAIN)

    async def _read(self) -> None:
        name = f"rehearsal-{uuid4().hex}"
        config: dict[str, Any] = {
            "name": name,
            "ack_policy": "none",
            "max_deliver": 1,
            "mem_storage": True,
            "headers_only": True,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._last + 1,
            "inactive_threshold": _UNUSED_NS,
        }
        body = {"stream_name": streams.REPORTS, "config": config, "action": "create"}
        await call(self._nc, f"CONSUMER.CREATE.{streams.REPORTS}.{name}", body)
        line = PullLine(self._nc, stream=streams.REPORTS, consumer=name, buffer=_BUFFER, heartbeat=_HEARTBEAT)
        try:
            await line.open()
            while line.trouble is None and not (line.asking and time.monotonic() - line.heard > _SILENT):
                for one in line.take(_BATCH):
                    self._last = one.sequence
                    found = parse_origin(headers.value(one.head, _ORIGIN) or "")
                    if found is not None:
                        self._ledger.came(self._hub, *found)
                await line.fill()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_WAIT):
                        await line.arrived.wait()
        finally:
            await line.remove()
