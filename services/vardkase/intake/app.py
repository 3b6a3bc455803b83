"""Intake wired together: a lane for each reality, as a FastStream application."""

import asyncio
from collections.abc import Sequence

from nats.aio.client import Client

from vardkase.federation import topology
from vardkase.federation.fill import watch
from vardkase.runtime.health import Check
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts.vocab import REALITIES

from .lane import Lane


class Intake:
    """Checks what is published in an area, and lets it into the log."""

    name = "intake"

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Nothing happens before `start`."""
        self._settings = settings
        self._metrics = metrics
        self._lanes: list[Lane] = []
        self.tasks = Tasks()

    async def start(self, nc: Client) -> None:
        """Go on where the last run ended, in all three realities."""
        for reality in REALITIES:
            lane = Lane(reality, nc, self._settings, self._metrics)
            await lane.start()
            self._lanes.append(lane)
        for lane in self._lanes:  # once all have started: one with a backlog keeps the others from hearing the server
            self.tasks.spawn(lane.run(), name=f"lane {lane.reality}", finite=True)
        kept = topology.of_node(None if self._settings.federation is None else {})
        self.tasks.spawn(watch(nc, kept, self._settings, self._metrics), name="fill")

    async def stop(self) -> None:
        """Finish the batches in hand and acknowledge them."""
        await asyncio.gather(*(lane.stop() for lane in self._lanes))
        await self.tasks.stop()

    def checks(self) -> Sequence[Check]:
        """What must hold for it to be ready."""
        return [check for lane in self._lanes for check in lane.checks()]
