"""A server that a node runs beside its bus, and can do without for a while: kept running, waited for by nobody."""

import asyncio
import logging
from typing import Final, Protocol

from vardkase.runtime.backoff import Backoff
from vardkase.runtime.errors import Ended
from vardkase.runtime.health import Check
from vardkase.runtime.setting_groups import SupervisorSettings

log: Final = logging.getLogger(__name__)


class Server(Protocol):
    """A program that others connect to, run as a child process."""

    async def start(self) -> None:
        """Starts it; returns when it takes connections. Again after its end: on the same port and store.

        Raises:
            Ended: it cannot be started, in one line.
        """
        ...

    async def wait(self) -> int:
        """Waits until its process has ended; the exit code."""
        ...

    async def stop(self) -> None:
        """Ends it. Without effect when it has ended."""
        ...


class Beside:
    """Starts a server, and starts it again whenever it ends or could not be started, for ever.

    Args:
        name: of the server.
        server: the server.
        settings: how long to wait between two starts.
    """

    def __init__(self, name: str, server: Server, settings: SupervisorSettings) -> None:
        self.name = name
        self.restarts = 0
        self._server = server
        self._settings = settings
        self._up = False
        self._detail = "starting"

    def check(self) -> Check:
        """Whether it runs. A node is ready without it."""
        return Check(name=self.name, ok=self._up, detail=self._detail, needed=False)

    async def run(self) -> None:
        """Keeps it running, until cancelled."""
        backoff = Backoff(least=self._settings.backoff_min, most=self._settings.backoff_max)
        loop = asyncio.get_running_loop()
        while True:
            since = loop.time()
            try:
                await self._server.start()
            except (Ended, OSError) as error:
                wait = backoff.next()
                self._detail = f"cannot be started: {error}"
                log.error(  # noqa: TRY400 -- one line says it
                    "a server cannot be started; trying again",
                    extra={"server": self.name, "error": str(error), "wait_s": round(wait, 2)},
                )
            else:
                self._up, self._detail = True, "running"
                code = await self._server.wait()
                if loop.time() - since >= self._settings.stable:
                    backoff.reset()
                wait = backoff.next()
                self._up, self._detail = False, f"ended with {code}; starts again in {wait:.1f} s"
                log.error(
                    "a server ended; starting it again",
                    extra={"server": self.name, "code": code, "wait_s": round(wait, 2)},
                )
            self.restarts += 1
            await asyncio.sleep(wait)

    async def stop(self) -> None:
        """Ends it; `run` is cancelled before."""
        self._up, self._detail = False, "stopped"
        await self._server.stop()
