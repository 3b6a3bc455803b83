"""A node without services: a real nats-server, its streams, and the work on its links in this process."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from vardkase.federation.links import Links
from vardkase.federation.member import Member
from vardkase.runtime.errors import Ended, Failed
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.connection import ConnectFailed, Connection, connect
from vardkase.runtime.nats_config import Links as ServerLinks
from vardkase.runtime.nats_server import EmbeddedNats
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import ended

log: Final = logging.getLogger(__name__)

_SHARE: Final = 0.02
"""Of the room that streams have on a large disk: a rehearsal is short."""
_FRUGAL: Final = {"GOMAXPROCS": "1"}
"""Three hundred servers that each look for work on every processor are busy with that alone."""
_NICE: Final = 10
_PING: Final = 10.0
_CONNECT: Final = 30.0
_AGAIN: Final = 0.5
_ATTEMPTS: Final = 5
"""How often a server is started before it is given up: many start at once."""
_PREPARED: Final = 120.0
"""Seconds in which its streams must be ready; until then it is asked again, as a node's supervisor does for ever."""


def _plain(links: ServerLinks) -> ServerLinks:
    """The same without compression.

    A server chooses the thorough kind when answers take long, as they do where three hundred share the processors; and
    makes them longer.
    """
    leafnodes = dict(links.leafnodes)
    if leafnodes:
        leafnodes["compression"] = "off"
    if "remotes" in leafnodes:
        leafnodes["remotes"] = [{**each, "compression": "off"} for each in leafnodes["remotes"]]
    return replace(links, leafnodes=leafnodes)


class _Server:
    """What the work on a node's links asks of the node's server."""

    def __init__(self, bus: EmbeddedNats) -> None:
        self._bus = bus

    async def relink(self, links: ServerLinks) -> None:
        """Give it other links."""
        await self._bus.relink(_plain(links))

    async def cut(self, spared: Collection[str]) -> int:
        """End links that others have dialled."""
        return await self._bus.cut(spared)

    async def holds(self) -> bool:
        """Whether the link that it dialled stands."""
        return await self._bus.holds()

    async def stop(self) -> None:
        """It cannot take its links while it runs: in a rehearsal, whose federation stays as it is, that is a fault.

        Raises:
            Failed: always.
        """
        raise Failed("a server cannot take its links while it runs")


class BareNode:
    """A node without services. Its server can be killed, frozen and started again.

    Args:
        settings: of the node: `area`, `node`, `data_dir`, `federation`, `links`.
        leaf: nobody dials it: its server gives way to those that others wait for.
    """

    def __init__(self, settings: Settings, *, leaf: bool) -> None:
        self.name = settings.node
        self._leaf = leaf
        self._bus = EmbeddedNats(settings, links=self._starting, variables=_FRUGAL if leaf else {})
        self._links = Links(Member(settings), _Server(self._bus), self._dial, settings.links)
        self._running: asyncio.Task[None] | None = None
        self._frozen: int | None = None
        self._nc: Connection | None = None

    @property
    def nc(self) -> Connection:
        """The connection to its account, once it was started: made anew by itself."""
        if self._nc is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._nc

    @property
    def links(self) -> Links:
        """The work on its links."""
        return self._links

    async def start(self) -> None:
        """Start it for the first time: its links open when its streams are ready.

        Raises:
            Ended: it cannot be started.
        """
        await self._up()
        self._nc = await connect(
            self._bus.url, name=f"rehearsal {self.name}", ping_interval=_PING, within=_CONNECT, reconnect_wait=0.1
        )
        await self._prepare()
        self._running = asyncio.create_task(self._links.run(), name=f"links of {self.name}")

    async def kill(self) -> None:
        """SIGKILL of its server."""
        if (pid := self._bus.pid) is not None:
            os.kill(pid, signal.SIGKILL)
            await self._bus.wait()

    async def revive(self) -> None:
        """Start the server again on what is on its disk, as its supervisor does.

        Raises:
            Ended: it cannot be started.
        """
        await self._up()
        await self._prepare()

    def freeze(self) -> None:
        """SIGSTOP of its server: its links are up, and it answers nothing."""
        if (pid := self._bus.pid) is not None:
            self._frozen = pid
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        pid, self._frozen = self._frozen, None
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def stop(self) -> None:
        """End it: what it has was counted, and is of no use to anybody, so its server is killed."""
        self.thaw()
        running, self._running = self._running, None
        await ended(running)
        if self._nc is not None:
            await self._nc.close()
        await self.kill()
        await self._bus.stop()

    @property
    def trouble(self) -> BaseException | None:
        """What ended the work on its links; None: it goes on."""
        running = self._running
        return running.exception() if running is not None and running.done() and not running.cancelled() else None

    async def _up(self) -> None:
        """Start its server; again when it is not there in time, as a supervisor does."""
        for _ in range(_ATTEMPTS - 1):
            try:
                await self._bus.start()
            except Failed as error:
                log.warning("a server is started again: %s", error)
                await asyncio.sleep(_AGAIN)
            else:
                break
        else:
            await self._bus.start()
        if self._leaf:
            await self._give_way()

    async def _give_way(self) -> None:
        """Let its server wait for what others wait for: hubs, this process, whole nodes' services.

        Where a session has a share of the processors of its own (Linux' autogroup), three hundred servers would have
        three hundred shares, and this process one: it would be late for every answer.
        """
        pid = self._bus.pid
        if pid is None or sys.platform != "linux":
            return
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 -- names alone
                os.setpriority(os.PRIO_PROCESS, int(thread), _NICE)
        for _ in range(_ATTEMPTS):
            try:
                Path(f"/proc/{pid}/autogroup").write_text(str(_NICE))  # noqa: ASYNC240 -- no disk
            except BlockingIOError:  # ten a second, for who is not root
                await asyncio.sleep(_AGAIN)
            except OSError:
                return  # there are none
            else:
                return

    async def _prepare(self) -> None:
        ends = time.monotonic() + _PREPARED
        while True:
            try:
                await self._links.prepare(self.nc, _SHARE)
            except (ApiError, NoAnswer, Ended) as error:
                if time.monotonic() > ends:
                    raise Failed(f"{self.name}: its streams cannot be made: {error}") from None
                log.warning("streams are seen to again", extra={"node": self.name, "why": str(error)})
                await asyncio.sleep(_AGAIN)
            else:
                return

    def _starting(self) -> ServerLinks:
        return _plain(self._links.starting())

    async def _dial(self) -> Connection:
        """The connection that there is: one for each node, not one for each purpose.

        Raises:
            ConnectFailed: it was closed.
        """
        if self.nc.is_closed:
            raise ConnectFailed(f"{self.name} has ended")
        return self.nc
