"""A node of real processes on a directory of its own, whose CPU, memory and progress can be asked for."""

import asyncio
import contextlib
import inspect
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from kit.log import stream_state
from kit.usage import Cpu
from node import Node
from servers import Eventually
from vardkase.runtime.jetstream.api import CONSUMER_NOT_FOUND, ApiError, call
from vardkase.runtime.jetstream.values import last_values
from vardkase_contracts import streams, subjects
from vardkase_contracts.instants import parse

_GLANCE = 0.02


async def eventually(condition: Callable[[], object], *, what: str = "the condition", within: float = 60.0) -> None:
    """Wait for a condition, plain or async.

    Raises:
        TimeoutError: it did not come true in time.
    """
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not in {within:.0f} s")
        await asyncio.sleep(_GLANCE)


class BenchNode(Node):
    """The tests' node, measured; with room for more."""

    share = 1.0

    def __init__(self, data_dir: Path, eventually: Eventually, **variables: str) -> None:
        super().__init__(data_dir, eventually, **variables)
        self.beside: dict[str, int] = {}
        """Processes that are measured too: their names and numbers."""

    @property
    def pids(self) -> dict[str, int]:
        """The processes, by name."""
        running = {name: process.pid for name, process in self._running.items()} | self.beside
        nats = self.nats.pid
        return running if nats is None else {**running, "nats-server": nats}

    def cpu(self) -> Cpu:
        """What the processes have used so far."""
        return Cpu.of(self.pids)

    def signal(self, service: str, number: int) -> None:
        """Send a signal to a service."""
        self._running[service].send_signal(number)

    def answers(self, service: str) -> bool:
        """Whether it answers HTTP at all."""
        return self._get(service, "/healthz")[0] == 200

    def has_started(self, service: str) -> bool:
        """Whether it has recalled what it knew, and reads on."""
        checks = json.loads(self._get(service, "/readyz")[1] or b"{}").get("checks", [])
        return any(each["name"] == "started" and each["ok"] for each in checks)

    def has_judged(self, service: str) -> bool:
        """Whether it has judged anew all that it recalled."""
        checks = json.loads(self._get(service, "/readyz")[1] or b"{}").get("checks", [])
        return any(each["name"] == "lane act" and each["ok"] and not each["detail"] for each in checks)

    def see_alive(self) -> None:
        """See that no service has ended.

        Raises:
            RuntimeError: one has.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                told = (self._data_dir / f"{name}.out").read_text()
                raise RuntimeError(f"{name} has ended: {told[-2000:]}")

    async def has_begun(self, stream: str, consumer: str) -> bool:
        """Whether a consumer was sent its first message."""
        self.see_alive()
        try:
            info = await call(self.nc, f"CONSUMER.INFO.{stream}.{consumer}")
        except ApiError as error:
            if error.err_code != CONSUMER_NOT_FOUND:
                raise
            return False
        return info["delivered"]["stream_seq"] > 0

    async def is_read(self, stream: str, consumer: str, last: int) -> bool:
        """Whether a consumer's reader has acknowledged everything up to a sequence (of another reality, perhaps).

        Raises:
            RuntimeError: a service has ended, and nobody will.
        """
        self.see_alive()
        info = await call(self.nc, f"CONSUMER.INFO.{stream}.{consumer}")
        return info["ack_floor"]["stream_seq"] >= last or (info["num_pending"] == 0 and info["num_ack_pending"] == 0)

    async def pictured(self) -> int | None:
        """When the picture of the whole area was last stored, µs; `None`: not yet."""
        subject = subjects.picture("act", self.area)
        return max([each.stored_at async for each in last_values(self.nc, streams.PICTURES, [subject])], default=None)

    async def last_stored(self, stream: str) -> int:
        """When the last message of a stream was stored, µs."""
        return parse((await stream_state(self.nc, stream))["last_ts"])


@contextlib.asynccontextmanager
async def bench_node(**variables: str) -> AsyncIterator[BenchNode]:
    """A node with its streams made and no service running; gone with its directory afterwards."""
    with tempfile.TemporaryDirectory(prefix="vardkase-bench-") as directory:
        node = BenchNode(Path(directory), eventually, **variables)
        try:
            await node.start()
            yield node
        finally:
            await node.stop()


@contextlib.asynccontextmanager
async def compiled() -> AsyncIterator[dict[str, str]]:
    """Variables that let Python keep what it has compiled, as it does by default: else a start takes a second more."""
    with tempfile.TemporaryDirectory(prefix="vardkase-bench-") as directory:
        yield {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": directory}
