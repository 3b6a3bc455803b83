"""Real servers and links for tests: a nats-server that can be killed, frozen and wiped, a link that can be cut."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from vardkase.runtime.jetstream.connection import Connection

BINARY = Path(sysconfig.get_path("scripts")) / "nats-server"


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def stop_still(*pids: int) -> None:
    """SIGSTOP, and return when every thread of the processes stands still.

    A signal takes a moment on another processor: until then an answer is still made and sent.
    """
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while not all(_stands_still(pid) for pid in pids):
        assert time.monotonic() < deadline, f"{pids} do not stop"
        time.sleep(0.001)


def _stands_still(pid: int) -> bool:
    """Whether every thread of a process is stopped, or it is gone."""
    states: set[str] = set()
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            states.add(thread.read_text().rpartition(")")[2].split()[0])
    return states <= {"T", "t", "Z", "X"}


class NatsServer:
    """A nats-server with JetStream in a directory of its own, on one port for all its lives."""

    def __init__(self, directory: Path, *, sync: str = "always", extra: str = "") -> None:
        self.directory = directory
        self.store = directory / "store"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._config = directory / "nats.conf"
        directory.mkdir(parents=True, exist_ok=True)
        self._config.write_text(
            f"""
            server_name: test
            listen: "127.0.0.1:{self.port}"
            jetstream {{ store_dir: "{self.store}", sync_interval: {sync} }}
            ping_interval: "2s"
            ping_max: 2
            {extra}
            """
        )

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until JetStream answers."""
        self._process = subprocess.Popen(
            [BINARY, "-c", self._config, "-l", self.directory / "nats.log"], stdin=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while not self._ready():
            assert self._process.poll() is None, (self.directory / "nats.log").read_text()
            assert time.monotonic() < deadline, "nats-server is not ready"
            time.sleep(0.01)

    def _ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.5) as sock:
                sock.settimeout(0.5)
                return sock.recv(4096).startswith(b"INFO")
        except OSError:
            return False

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: the link is up and nothing answers."""
        assert self._process is not None
        stop_still(self._process.pid)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Lose the store. The server must be down."""
        assert self._process is None
        shutil.rmtree(self.store, ignore_errors=True)


class Link:
    """A TCP proxy to a server that can be reset, or turned into a black hole."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._refusing = False
        self._age = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End all."""
        assert self._server is not None
        self._server.close()
        self.reset()
        self._open.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hole(self) -> None:
        """From now nothing passes, and nothing is told of it. What was under way is gone when it heals."""
        self._open.clear()

    def heal(self) -> None:
        """Let new connections through; those that fell into the hole are reset."""
        self.reset()
        self._refusing = False
        self._open.set()

    def bury(self) -> None:
        """The connections that there are swallow everything for ever; new ones pass."""
        self._age += 1

    def cut(self) -> None:
        """Reset all, and refuse new connections until `heal`."""
        self._refusing = True
        self.reset()

    def reset(self) -> None:
        """Reset all connections."""
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        if not self._open.is_set():
            self._writers.add(writer)
            await self._open.wait()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}
        for source, target in ((reader, up_writer), (up_reader, writer)):
            task = asyncio.ensure_future(self._pump(source, target, self._age))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, age: int) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._open.wait()
                if age < self._age:
                    await asyncio.Event().wait()
                if target.transport.is_closing():
                    return
                target.write(data)
                await target.drain()
        target.transport.abort()


class Eventually(Protocol):
    """Waits until a condition holds; fails with `what` when it does not come true in time."""

    async def __call__(
        self, condition: Callable[[], object], *, what: str = "the condition", within: float = 10.0
    ) -> None:
        """Wait for a condition, plain or async."""
        ...


class MakeServer(Protocol):
    """Makes and starts a nats-server."""

    def __call__(self, name: str = "nats", *, sync: str = "always", extra: str = "") -> NatsServer:
        """Start one in a directory of this name."""
        ...


Dial = Callable[..., Awaitable[Connection]]
"""Connects: `await dial(url, **options of connect)`."""
