"""A real PostgreSQL for tests: the node's own kind, in a thread of its own, that can be killed, frozen and wiped."""

import asyncio
import shutil
import signal
import tempfile
import threading
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import psutil

from servers import stop_still
from vardkase.runtime.errors import Failed
from vardkase.runtime.postgres import EmbeddedPostgres
from vardkase.runtime.settings import Settings


class Postgres:
    """A server on one port and one set of files for all its lives. Methods block; they are for any thread."""

    def __init__(self, directory: Path | None = None, *, synced: bool = True) -> None:
        # Not in pytest's own directories: pytest closes them to the user that the server runs as.
        self.directory = directory or Path(tempfile.mkdtemp(prefix="vardkase-postgres-"))
        self.server = EmbeddedPostgres(Settings(data_dir=self.directory))
        self.server._config["fsync"] = "on" if synced else "off"  # a kill loses nothing without it; a power cut does
        self.server.prepare()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="postgres", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Of its own database, with the password."""
        return self.server.url.get_secret_value()

    def start(self) -> None:
        """Start it, and wait until it takes connections. What a kill left of it must end first."""
        for _ in range(200):
            with suppress(Failed):
                self._do(self.server.start())
                return
            self._do(asyncio.sleep(0.05))
        self._do(self.server.start())

    def stop(self) -> None:
        """End it in order."""
        self._do(self.server.stop())

    def kill(self) -> None:
        """SIGKILL, to all of its processes: as when the power goes."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._do(self.server.wait())

    def freeze(self) -> None:
        """SIGSTOP, to all of its processes: it takes connections and never answers."""
        stop_still(*(process.pid for process in self._processes()))

    def thaw(self) -> None:
        """SIGCONT."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):  # one for a single query ends as soon as it goes on
                process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it and remove its files."""
        if self.server.pid is not None:
            self.kill()
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    async def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{uuid4().hex[:16]}"
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def _processes(self) -> list[psutil.Process]:
        """All of its processes, the first one first."""
        assert self.server.pid is not None
        main = psutil.Process(self.server.pid)
        return [main, *main.children(recursive=True)]

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)
