"""Real servers and links for tests: a nats-server that can be killed, frozen and wiped, a link that can be cut."""

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

from vardkase.rehearsal.proxy import Proxy as Link
from vardkase.runtime.jetstream.connection import Connection

__all__ = ["BINARY", "Dial", "Eventually", "Link", "MakeServer", "NatsServer", "free_port", "stop_still"]

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
