"""A node as `vardkase up` runs it, whose processes can be found, killed, frozen and robbed of their disk."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from servers import Eventually, stop_still
from vardkase.runtime import httpio
from vardkase.runtime.jetstream.connection import Connection, connect

START: Final = 90.0
"""Seconds that a node may take to be ready, on a machine that others use too."""
NODE: Final = "node"
"""The supervisor: what answers for the whole."""
NATS: Final = "nats-server"
POSTGRES: Final = "postgres"
_LONGEST: Final = 1 << 22


class Whole:
    """A node in one command. Everything ends with `stop`.

    Args:
        directory: for its data and for what it says.
        eventually: waits for a condition.
        area: whose picture it makes.
        wrap: a command that runs the node's command (`unshare`, `nice`); it must exec it.
        variables: settings without their prefix.
        environment: other variables; PYTHONPATH is put before the one that there is.
    """

    def __init__(
        self,
        directory: Path,
        eventually: Eventually,
        *,
        area: str = "24",
        wrap: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.area = area
        self.eventually = eventually
        self._wrap = list(wrap)
        self._variables = {"GATEWAY": "false", **(variables or {})}
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: dict[str, int] = {}
        self._nats_port = 0
        self._http_port = 0
        self.told: dict[str, Any] = {}
        """The ready line."""
        self.nc: Connection
        """The test's own connection to the node's account."""
        self.public: Connection | None = None
        """The same to what everyone may read; None when the node does not know it."""

    async def start(self) -> None:
        """Start it, also again after its end: on the same ports and data. Returns when it is ready."""
        self.directory.mkdir(parents=True, exist_ok=True)
        clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("VARDKASE_")}
        environment = clean | {f"VARDKASE_{name}": value for name, value in self._variables.items()}
        environment |= self._environment
        if "PYTHONPATH" in self._environment and "PYTHONPATH" in clean:
            environment["PYTHONPATH"] += os.pathsep + clean["PYTHONPATH"]
        ports = ["--http-port", str(self._http_port), "--nats-port", str(self._nats_port)]
        command = [sys.executable, "-m", "vardkase.cli.main", "up", "--json", *ports]
        with self.log.open("ab") as log:
            self._process = await asyncio.to_thread(
                subprocess.Popen,
                [*self._wrap, *command, "--area", self.area, "--data-dir", str(self.data)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
            )
        line = await self._first_line(self._process)
        self.told = json.loads(line)
        first = not self._nats_port
        self._nats_port = int(self.told["nats"].rpartition(":")[2])
        self._http_port = self._ports[NODE] = int(self.told["http"].rpartition(":")[2])
        self._ports = {NODE: self._http_port}
        if first:
            self.nc = await connect(self.told["nats"], name="test", reconnect_wait=0.05)
            if self.told["nats_public"] is not None:
                self.public = await connect(self.told["nats_public"], name="test", reconnect_wait=0.05)

    async def _first_line(self, process: "subprocess.Popen[bytes]") -> bytes:
        """What it prints when it is ready; when it does not become so, it is ended."""
        assert process.stdout is not None
        reading = asyncio.ensure_future(asyncio.to_thread(process.stdout.readline))
        await asyncio.wait({reading}, timeout=START)
        if not reading.done():
            process.terminate()
        line = await reading
        if not line:
            process.stdout.close()
            process.wait(20)
            raise AssertionError(f"the node did not start: {self.log.read_text()[-2000:]}")
        return line

    async def stop(self) -> int:
        """Ask it to stop in order; its exit code. Nothing of it is left."""
        process = self._process
        if process is None:
            return 0
        left = self.processes()
        if process.poll() is None:
            for name in left:
                self.signal(name, signal.SIGCONT)
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, 60)
        for each in left.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        code = await asyncio.to_thread(process.wait, 20)
        if process.stdout is not None:
            process.stdout.close()
        self._process = None
        for connection in (self.nc, self.public):
            if connection is not None:
                await connection.close()
        return code

    @property
    def log(self) -> Path:
        """What it says on stderr."""
        return self.directory / "told"

    # -- processes ---------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The supervisor's process."""
        assert self._process is not None
        return self._process.pid

    def processes(self) -> dict[str, psutil.Process]:
        """Its processes that run now, by what they are: the supervisor, NATS, Postgres, and each service."""
        with contextlib.suppress(psutil.NoSuchProcess):
            supervisor = psutil.Process(self.pid)
            found = {NODE: supervisor}
            for process in supervisor.children():
                with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                    name = _name(process)
                    if name is not None and process.status() != psutil.STATUS_ZOMBIE:
                        found[name] = process
            return found
        return {}

    def signal(self, name: str, number: int) -> None:
        """Send a signal to the one that runs now; without effect when none does. After SIGSTOP it stands still.

        PostgreSQL is stopped and let go on with all its backends; the rest is for its first process alone.
        """
        process = self.processes().get(name)
        if process is None:
            return
        whom = [process]
        with contextlib.suppress(psutil.NoSuchProcess):
            if name == POSTGRES and number in {signal.SIGSTOP, signal.SIGCONT}:
                whom += process.children(recursive=True)
        if number == signal.SIGSTOP:
            stop_still(*(each.pid for each in whom))
            return
        for each in whom:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(number)

    def memory(self) -> dict[str, float]:
        """Resident memory of each process, in MiB; of Postgres with all its backends."""
        found: dict[str, float] = {}
        for name, process in self.processes().items():
            with contextlib.suppress(psutil.NoSuchProcess):
                family = [process, *(process.children(recursive=True) if name == POSTGRES else [])]
                found[name] = sum(each.memory_info().rss for each in family) / (1 << 20)
        return found

    # -- what it says ------------------------------------------------------------------------------------------------

    def port(self, name: str) -> int | None:
        """Where one of its services answers; its port outlives it. None while that is not known."""
        if name not in self._ports:
            process = self.processes().get(name)
            if process is None:
                return None
            with contextlib.suppress(psutil.Error):
                for each in process.net_connections("tcp"):
                    if each.status == psutil.CONN_LISTEN:
                        self._ports[name] = each.laddr.port
        return self._ports.get(name)

    async def get(self, name: str, path: str, within: float = 1.0) -> tuple[int, bytes]:
        """What one of its services, or the node, answers; status 0 when nothing does."""
        port = self.port(name)
        if port is None:
            return 0, b""
        try:
            answer = await httpio.get(port, path, timeout=within, limit=_LONGEST)
        except (OSError, ValueError):
            return 0, b""
        return answer.status, answer.body

    async def is_ready(self, name: str = NODE) -> bool:
        """Whether it says that it is ready."""
        return (await self.get(name, "/readyz"))[0] == 200

    async def until_ready(self, name: str = NODE, within: float = 60.0) -> None:
        """Wait until it says so."""
        await self.eventually(lambda: self.is_ready(name), what=f"{name} ready", within=within)

    async def failing(self, name: str = NODE) -> list[str]:
        """The checks that do not hold, with what was seen."""
        _, body = await self.get(name, "/readyz")
        checks = json.loads(body)["checks"] if body else []
        return [f"{each['name']}: {each['detail']}" for each in checks if not each["ok"]]

    async def metrics(self, name: str) -> dict[str, float]:
        """A service's samples by their text, labels and all."""
        _, body = await self.get(name, "/metrics", within=5.0)
        lines = [line for line in body.decode().splitlines() if line[:1] != "#"]
        return {sample: float(value) for sample, _, value in (line.rpartition(" ") for line in lines)}


def _name(process: psutil.Process) -> str | None:
    words = process.cmdline()
    if not words:
        return None
    program = Path(words[0]).name
    if program.startswith(NATS):
        return NATS
    if program.startswith(POSTGRES):
        return POSTGRES
    return words[-1] if words[-2:-1] == ["run"] else None
