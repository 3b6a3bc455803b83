"""Pictures of every area, published when they change: at most once in `coalesce` seconds each."""

import asyncio
import math
import time
from collections.abc import Sequence
from typing import Any

import orjson

from vardkase.domain.picture import Pictures, Surroundings
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import AREA_LEVELS

from .people import recalled
from .publisher import Publisher
from .world import World

#: Seconds of making pictures before others get their turn: making all of Sweden's takes tens of milliseconds.
_TURN = 0.001
#: Looks within `coalesce` at what has changed: one that comes a little too early costs a picture so much of it.
_LOOKS = 8


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
        #: What was last published: the version, and what people had said.
        self._told: dict[Area, tuple[str, dict[str, Any]]] = {}
        self._published: dict[Area, float] = {}
        areas = sorted(world.rollup.revisions, key=lambda area: AREA_LEVELS.index(area.level))
        #: The large areas first: many look at them, and they are few.
        self._turns = (
            [area for area in areas if area.level != "kommun"][::-1],
            [area for area in areas if area.level == "kommun"],
        )
        #: The instant that the world was last judged at, µs; `None` while a backlog is merged.
        self.as_of: int | None = None

    def recall(self, area: Area, document: dict[str, Any]) -> None:
        """A picture as it was last published."""
        self._told[area] = document["version"], recalled(document)
        self._world.events.recall(area, document["events"])
        self._world.acts_told.recall(area, document.get("acts", []))

    async def run(self) -> None:
        """Publish what changes, and what does not once in `republish` seconds. For ever."""
        while True:
            began = time.monotonic()
            for areas in self._turns:
                if self.as_of is not None:
                    await self._publish(areas, self.as_of)
            oldest: dict[str, float] = {}
            for area, at in self._published.items():
                oldest[area.level] = min(at, oldest.get(area.level, at))
            for level, at in oldest.items():
                self._metrics.picture_age.labels(self._world.reality, level).set(time.monotonic() - at)
            await asyncio.sleep(max(0.01, self._settings.coalesce / _LOOKS - (time.monotonic() - began)))

    async def _publish(self, areas: Sequence[Area], as_of: int) -> None:
        outgoing: list[Outgoing] = []
        around: Surroundings | None = None
        written: dict[Area, tuple[int, tuple[str, dict[str, Any]]]] = {}
        began = turn = time.monotonic()
        for area in areas:
            revision = self._world.rollup.revisions[area]
            age = began - self._published.get(area, -math.inf)
            overdue = age >= self._settings.republish
            if not overdue and (self._seen.get(area) == revision or age < self._settings.coalesce):
                continue
            around = around or self._world.surroundings()
            picture = self._pictures.of(area, around, as_of)
            picture.update(self._world.said(area, as_of))
            told = picture["version"], recalled(picture)
            if told != self._told.get(area) or overdue:
                subject = subjects.picture(self._world.reality, area)
                outgoing.append(Outgoing(subject=subject, data=orjson.dumps(picture)))
                written[area] = revision, told
            else:
                self._seen[area] = revision
            if time.monotonic() - turn > _TURN:
                await asyncio.sleep(0)
                turn = time.monotonic()
                if self.as_of is None:
                    break
                if self.as_of != as_of:
                    as_of = self.as_of
                    around = None
        if not outgoing:
            return
        await self._publisher.pictures(outgoing)
        for area, (revision, told) in written.items():
            self._seen[area], self._told[area], self._published[area] = revision, told, began
