"""What the public is told, written by a task of its own: no alert and no state waits for the public account.

Only the latest document of each point is kept to be written, so what waits is bounded by the points. What was not
written when the process ends is made again at the next start, from the states and from what PUBLIC then holds.
What is longer than the public account's server takes is left out, counted and told of, as `Publisher` does.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any

import orjson
from nats.aio.client import Client

from vardkase.federation import topology
from vardkase.federation.fill import watch
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.errors import WriteRefused
from vardkase.runtime.jetstream.patient import PatientWriter
from vardkase.runtime.jetstream.values import Incomplete, last_values
from vardkase.runtime.link import PUBLIC, Link, connect_public
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects

from .fitting import fits
from .world import World

log = logging.getLogger(__name__)

#: Documents of one write.
_AT_ONCE = 500


class PublicFeed:
    """Keeps PUBLIC as a world says it should be."""

    def __init__(self, world: World, settings: Settings, metrics: Metrics) -> None:
        """Nothing is written before `run`."""
        self._world = world
        self._settings = settings
        self._metrics = metrics
        self._link = Link(settings, metrics, account=PUBLIC, name=f"projector {settings.node}")
        self._nc: Client | None = None
        self._writer: PatientWriter | None = None
        self._waiting: dict[str, dict[str, Any]] = {}
        self._more = asyncio.Event()
        self._written = asyncio.Event()
        self._recalled = asyncio.Event()
        self._trouble = ""

    def tell(self, documents: Mapping[str, dict[str, Any]]) -> None:
        """Have these written, in the place of what waits of the same points."""
        if documents:
            self._waiting.update(documents)
            self._metrics.queue_depth.labels("public").set(len(self._waiting))
            self._more.set()
            self._written.clear()

    def check(self) -> Check:
        """Whether the public account is in reach and takes what is written. Nothing restricted needs it."""
        check = self._link.check()
        trouble = self._trouble or ("" if self._writer is None else self._writer.trouble)
        waiting = f"{len(self._waiting)} waiting"
        detail = check.detail if not check.ok else trouble or waiting
        return Check(name="public", ok=check.ok and not trouble, detail=detail, needed=False)

    async def recalled(self, within: float) -> None:
        """Wait until it is known what the public was told last, but not for long: the rest does not need it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._recalled.wait()

    async def run(self) -> None:
        """Connect, see what was told last, and write what changes. For ever."""
        nc = self._nc = await connect_public(self._settings, self._link)
        await self._patiently(lambda: self._recall(nc))
        self._writer = PatientWriter(nc, streams.PUBLIC, self._settings.writer, self._metrics)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch(nc, [topology.PUBLIC], self._settings, self._metrics))
            while True:
                await self._more.wait()
                await self._patiently(self._write)

    async def stop(self, within: float) -> None:
        """Let what waits be written, but not for long; then let go."""
        if self._waiting and self._writer is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._written.wait()

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    async def _recall(self, nc: Client) -> None:
        async for delivery in last_values(
            nc, streams.PUBLIC, subjects.family_filters("public", "act", self._world.area)
        ):
            self._world.recall_public(orjson.loads(delivery.data))
        self._recalled.set()

    async def _write(self) -> None:
        if self._writer is None or self._nc is None:
            return
        some = dict(islice(self._waiting.items(), _AT_ONCE))
        messages = [
            Outgoing(subject=subjects.public(point[:4], point[5:]), data=orjson.dumps(document))
            for point, document in some.items()
        ]
        await self._writer.write(
            each for each in messages if fits(self._nc, self._metrics, streams.PUBLIC, each.subject, each.data)
        )
        for point, document in some.items():
            if self._waiting.get(point) is document:
                del self._waiting[point]
        self._metrics.queue_depth.labels("public").set(len(self._waiting))
        if not self._waiting:
            self._more.clear()
            self._written.set()

    async def _patiently(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do something until it succeeds; what stands in its way is told, and ends nothing else."""
        pause = self._settings.writer.backoff_min
        while True:
            try:
                await act()
            except (ApiError, NoAnswer, Incomplete, WriteRefused) as error:
                self._trouble = f"{streams.PUBLIC}: {error}"
                log.warning("the public cannot be told: %s", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._settings.writer.backoff_max)
            else:
                self._trouble = ""
                return
