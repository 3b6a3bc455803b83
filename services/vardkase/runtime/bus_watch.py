"""The watch over the node's NATS: whether it answers, whether it can store, and whether its streams are there.

A process that runs is no server that works. One that hangs ends nobody's connection; and nats-server keeps a stream's
first write error (a full disk) for as long as it lives: it then takes nothing more, answers no publisher, and tells
only whoever asks for its health.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from vardkase.runtime.beside import Server
from vardkase.runtime.errors import Ended
from vardkase.runtime.setting_groups import SupervisorSettings

log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Illness:
    """What is the matter with a server that runs."""

    detail: str
    """For people: one line."""
    silent: bool = False
    """It answers nothing. It may be busy; when that lasts, it hangs."""
    lasting: bool = False
    """Nothing but a new start mends it."""


class BusWatch:
    """Looks at the node's NATS now and then while it is said to run.

    Args:
        bus: the server, when the node runs it itself; one of somebody else's is not started anew.
        ask: how it is; None when it is well. In a bounded time; None when nobody can be asked.
        prepare: sees to it that the streams are there: whoever emptied the store of a server of one's own, or deleted
            a stream, does not tell.
        running: set while the server is said to run with its streams; cleared here when it is started anew.
        settings: how often, and how long a server may be silent.
    """

    def __init__(
        self,
        *,
        bus: Server | None,
        ask: Callable[[], Awaitable[Illness | None]] | None,
        prepare: Callable[[], Awaitable[None]],
        running: asyncio.Event,
        settings: SupervisorSettings,
    ) -> None:
        self._bus = bus
        self._ask = ask
        self._prepare = prepare
        self._running = running
        self._settings = settings
        self._silent_since: float | None = None
        self._looked = time.monotonic()
        self.trouble = ""
        """What is wrong while it runs; empty when nothing is, or when it does not run."""

    async def run(self) -> None:
        """Watch, until cancelled."""
        while True:
            await asyncio.sleep(self._settings.bus_poll)
            illness = await self._ask() if self._ask is not None and self._running.is_set() else None
            if not self._running.is_set():  # it ended, and is being started: others tell of that
                self.trouble, self._silent_since = "", None
                continue
            if illness is None:
                self._silent_since = None
                await self._see_streams()
                continue
            if self.trouble != illness.detail:
                log.error("NATS is ill: %s", illness.detail)
            self.trouble = illness.detail
            if illness.lasting or self._hangs(illness):
                await self._start_anew()

    def _hangs(self, illness: Illness) -> bool:
        if not illness.silent:
            self._silent_since = None
            return False
        if self._silent_since is None:
            self._silent_since = time.monotonic()
        return time.monotonic() - self._silent_since >= self._settings.hang

    async def _start_anew(self) -> None:
        """End it: whoever keeps it running starts it again, after a wait that grows."""
        if self._bus is None:
            return
        log.error("ending NATS, to be started anew: %s", self.trouble)
        self._running.clear()
        await self._bus.stop()
        self.trouble, self._silent_since = "", None

    async def _see_streams(self) -> None:
        if not self.trouble and time.monotonic() - self._looked < self._settings.streams_poll:
            return
        try:
            await self._prepare()
        except (Ended, OSError, TimeoutError) as error:
            if self._running.is_set():
                self.trouble = f"the streams cannot be looked at: {error}"
        else:
            self.trouble = ""
        self._looked = time.monotonic()
