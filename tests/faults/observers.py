"""What watches a node all along: what each part says of its readiness, how far it really gets, and its memory.

Two things are held beside each other: `/readyz`, asked every 50 ms, and the truth, which the test finds out itself:
whether a service's consumer has work waiting and acknowledges any of it.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, NamedTuple, Self

import nats.errors

from faults.whole import NODE, Whole
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call

EVERY: Final = 0.05
"""Seconds between two questions about readiness."""
_OK: Final = 200
_TRUTH_EVERY: Final = 0.1
_MEMORY_EVERY: Final = 1.0
_PATIENCE: Final = 0.5
"""Seconds that a question may take; who answers later does not answer."""


class Consumer(NamedTuple):
    """Whose acknowledgements show that a service works."""

    stream: str
    name: str


WORK: Final[Mapping[str, Consumer]] = {
    "intake": Consumer("INTAKE", "intake-act"),
    "aggregator": Consumer("REPORTS", "aggregator-act"),
    "archiver": Consumer("REPORTS", "archiver"),
}
"""The consumer of each service that has most to do."""
SERVICES: Final = ("intake", "aggregator")
"""What a node is not ready without."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one part said of its readiness; no answer is none."""

    at: float
    status: int
    """Of HTTP; 0 when it did not answer in time."""
    why: str = ""
    """When it said no: the checks that it needs and that did not hold."""

    @property
    def ready(self) -> bool:
        """Whether it said that it is."""
        return self.status == _OK


@dataclass(frozen=True, slots=True)
class Got:
    """How far a service had got."""

    at: float
    floor: int | None
    """Its last acknowledgement; None when nobody could be asked: then nothing can have been acknowledged either."""
    waiting: bool


class Observers:
    """Watches a node from entering to leaving the block.

    Args:
        node: the node.
        services: those whose work is watched.
    """

    def __init__(self, node: Whole, services: Iterable[str] = SERVICES) -> None:
        self._node = node
        self._services = tuple(services)
        self._tasks: list[asyncio.Task[None]] = []
        self.said: dict[str, list[Said]] = {name: [] for name in (NODE, *self._services)}
        """By part, oldest first."""
        self.got: dict[str, list[Got]] = {name: [] for name in self._services}
        """By service, oldest first."""
        self.most_memory: dict[str, float] = {}
        """The most that each process has had, MiB."""

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._ask(name)) for name in self.said]
        self._tasks += [asyncio.create_task(self._look(name)) for name in self.got]
        self._tasks.append(asyncio.create_task(self._weigh()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def _ask(self, name: str) -> None:
        while True:
            began = time.monotonic()
            status, body = await self._node.get(name, "/readyz", within=_PATIENCE)
            self.said[name].append(Said(began, status, _why(body) if status not in {0, _OK} else ""))
            await asyncio.sleep(max(0.0, began + EVERY - time.monotonic()))

    async def _look(self, name: str) -> None:
        consumer = WORK[name]
        while True:
            began = time.monotonic()
            floor, waiting = None, True
            try:
                info = await call(self._node.nc, f"CONSUMER.INFO.{consumer.stream}.{consumer.name}", within=_PATIENCE)
                floor = info["ack_floor"]["stream_seq"]
                waiting = bool(info["num_pending"] + info["num_ack_pending"])
            except (ApiError, NoAnswer, nats.errors.Error):
                pass  # the consumer, its stream or the server is not there: nothing is acknowledged
            self.got[name].append(Got(began, floor, waiting))
            await asyncio.sleep(max(0.0, began + _TRUTH_EVERY - time.monotonic()))

    async def _weigh(self) -> None:
        while True:
            for name, size in (await asyncio.to_thread(self._node.memory)).items():
                self.most_memory[name] = max(self.most_memory.get(name, 0.0), size)
            await asyncio.sleep(_MEMORY_EVERY)

    # -- what was seen -----------------------------------------------------------------------------------------------

    def until_unready(self, name: str, since: float, until: float) -> float | None:
        """Seconds from an instant until a part first said that it is not ready; None if it never did before another."""
        return next((each.at - since for each in self.said[name] if since <= each.at < until and not each.ready), None)

    def said_no_for_nothing(self, name: str, since: float, until: float) -> bool:
        """Whether a part said between two instants that it is not ready, with nothing amiss that it needs."""
        return any(each.status not in {0, _OK} and not each.why for each in self.said[name] if since <= each.at < until)

    def until_ready(self, name: str, since: float, until: float) -> float | None:
        """Seconds from an instant until a part said it is ready, and went on saying so until another; None if not."""
        last = since
        for each in self.said[name]:
            if since <= each.at < until and not each.ready:
                last = each.at
        again = next((each.at for each in self.said[name] if each.at >= last and each.ready), None)
        return None if again is None else again - since

    def worst_lie(self, name: str, since: float = 0.0) -> float:
        """The longest, in seconds, that a service said it is ready while it had work and did not get on with it.

        Counted from the last sign of progress, since no one can know that something stands still before some time has
        passed: what is measured is how long it takes until it says so.
        """
        worst = 0.0
        for begin, end in _standstills([each for each in self.got[name] if each.at >= since]):
            told = next((each.at for each in self.said[name] if begin <= each.at <= end and not each.ready), end)
            worst = max(worst, told - begin)
        return worst


def _why(body: bytes) -> str:
    checks = json.loads(body)["checks"]
    return ", ".join(each["name"] for each in checks if not each["ok"] and each.get("needed", True))


def _standstills(got: list[Got]) -> list[tuple[float, float]]:
    """The times in which work waited, or nobody could be asked, and nothing was acknowledged."""
    found: list[tuple[float, float]] = []
    begin: float | None = None
    floor: int | None = None
    for each in got:
        moved = each.floor is not None and each.floor != floor
        if moved:
            floor = each.floor
        if moved or not each.waiting:
            if begin is not None:
                found.append((begin, each.at))
            begin = each.at if each.waiting else None
        elif begin is None:
            begin = each.at
    if begin is not None and got:
        found.append((begin, got[-1].at))
    return found
