"""Three levels with their aggregators, what was reported so far, and what they must say."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Final

from faults.comparison import compare
from federation.conftest import Three
from federation.kit import Level
from federation.services_kit import LevelServices, merged, report
from servers import Eventually
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import streams
from vardkase_contracts.instants import HOUR, SECOND, iso, parse

NOW: Final = parse("2026-11-20T12:00:00Z")
POINTS: Final = [f"2480-p{number}" for number in range(50)]


@asynccontextmanager
async def country_of(
    three: Three, eventually: Eventually, clocks: Mapping[str, int] = MappingProxyType({})
) -> AsyncIterator["Country"]:
    """Three levels, each with its aggregator, whose clocks stand still.

    Args:
        three: the levels.
        eventually: waits for a condition.
        clocks: the instants at which they stand, by the level's name; `NOW` unless given.
    """
    services: dict[str, LevelServices] = {}
    for level in (three.nation, three.lan, three.kommun):
        still = {"VARDKASE_CLOCK_START": iso(clocks.get(level.name, NOW)), "VARDKASE_CLOCK_SPEED": "0"}
        services[level.name] = LevelServices(level, eventually, **still)
    for each in services.values():
        await each.start("aggregator")
    yield Country(three, services, eventually)
    for each in services.values():
        await each.stop()


class Country:
    """Three levels with their aggregators, and what was reported so far."""

    def __init__(self, three: Three, services: dict[str, LevelServices], eventually: Eventually) -> None:
        self.three = three
        self.services = services
        self.eventually = eventually
        self.sent = 0

    async def send(self, count: int) -> None:
        """What the kommun's intake would let into its log."""
        batch: list[Outgoing] = []
        for number in range(self.sent, self.sent + count):
            point = POINTS[number % len(POINTS)]
            power = {"source": "backup", "backup_state": "running", "endurance_h": 1 + number % 40}
            kind, data = [
                ("status", {"lifecycle": "open", "occupancy": number % 97}),
                ("resources", {"power": power, "staff": {"present": number % 5, "required": 3}}),
                ("heartbeat", {}),
            ][number % 3]
            event = report(point, kind, data, id=f"r{number}", at=NOW - HOUR + number * SECOND // 100)
            one = merged(event)
            batch.append(one._replace(headers={"Tp-Received": event["time"], "Tp-Origin": f"kommun-2480/{number}"}))
        await StreamWriter(self.three.kommun.nc, streams.REPORTS).write(batch)
        self.sent += count

    async def all_there(self, *levels: Level, within: float = 120.0) -> None:
        """Wait until logs have all that was sent."""
        for level in levels:
            await self.eventually(
                lambda level=level: _has(level, self.sent), what=f"all at {level.name}", within=within
            )

    async def agreed(self, level: Level, now: int = NOW) -> None:
        """A level has each report once, and says what follows from them at an instant, without any link."""
        await self.services[level.name].until_quiet(120)
        left = await compare(level.nc, level.area.code, now, None)
        assert (left.reports, left.doubled, left.differing) == (self.sent, [], []), level.name


async def _has(level: Level, count: int) -> bool:
    return await level.count() >= count
