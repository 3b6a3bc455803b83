"""Pictures of every area, published when they change: at most once in `coalesce` seconds each."""

import asyncio
import time
from typing import Any

import orjson

from vardkase.domain.picture import Pictures
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import AREA_LEVELS

from .publisher import Publisher
from .world import World

#: Pictures made before others get their turn: making all of Sweden's takes tens of milliseconds.
_TURN = 20


class PicturePublisher:
    """Makes and publishes the pictures of one reality."""

    def __init__(self, world: World, publisher: Publisher, settings: Settings, metrics: Metrics) -> None:
        """Nothing is published before `run`."""
        self._world = world
        self._publisher = publisher
        self._settings = settings.aggregator
        self._metrics = metrics
        self._pictures = Pictures(world.rollup, world.reality)
        self._seen: dict[Area, int] = {}
        self._versions: dict[Area, str] = {}
        self._published: dict[Area, float] = {}
        #: The instant that the world was last judged at, µs; `None` while a backlog is merged.
        self.as_of: int | None = None

    def recall(self, area: Area, document: dict[str, Any]) -> None:
        """A picture as it was last published."""
        self._versions[area] = document["version"]
        self._world.events.recall(area, document["events"])

    async def run(self) -> None:
        """Publish what changes, and what does not once in `republish` seconds. For ever."""
        while True:
            began = time.monotonic()
            if self.as_of is not None:
                await self._publish(self.as_of)
            for level in AREA_LEVELS:
                times = [at for area, at in self._published.items() if area.level == level]
                if times:
                    age = time.monotonic() - min(times)
                    self._metrics.picture_age.labels(self._world.reality, level).set(age)
            await asyncio.sleep(max(0.01, self._settings.coalesce - (time.monotonic() - began)))

    async def _publish(self, as_of: int) -> None:
        outgoing: list[Outgoing] = []
        around = self._world.surroundings()
        now = time.monotonic()
        written: dict[Area, tuple[int, str]] = {}
        for number, (area, revision) in enumerate(list(self._world.rollup.revisions.items()), 1):
            overdue = now - self._published.get(area, -self._settings.republish) >= self._settings.republish
            if self._seen.get(area) == revision and not overdue:
                continue
            picture = self._pictures.of(area, around, as_of)
            if picture["version"] != self._versions.get(area) or overdue:
                picture["events"] = self._world.events.of(area, as_of)
                outgoing.append(
                    Outgoing(subject=subjects.picture(self._world.reality, area), data=orjson.dumps(picture))
                )
                written[area] = revision, picture["version"]
            else:
                self._seen[area] = revision
            if number % _TURN == 0:
                await asyncio.sleep(0)
                if self.as_of is None:
                    break
                if self.as_of != as_of:
                    as_of = self.as_of
                    around = self._world.surroundings()
        if not outgoing:
            return
        await self._publisher.pictures(outgoing)
        for area, (revision, version) in written.items():
            self._seen[area], self._versions[area], self._published[area] = revision, version, now
