"""What is measured now and then, since nothing happens when it changes: how much is held, and how old it can be."""

import asyncio
from typing import Final

from .house import House

_EVERY: Final = 5.0
"""Seconds between two measurements."""


async def measure(house: House) -> None:
    """Measure until cancelled."""
    counts, live = house.counts, house.live
    while True:
        for reality, world in live.worlds.items():
            counts.held.labels(reality, "picture").set(len(world.pictures))
            counts.held.labels(reality, "state").set(len(world.points))
            counts.held.labels(reality, "alert").set(len(world.alerts))
        counts.heard.set(live.heard_s_ago)
        counts.skipped.set(live.skipped)
        await asyncio.sleep(_EVERY)
