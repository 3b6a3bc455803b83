"""The archiver wired together: a line for each stream, and one session of one database."""

import asyncio
from collections.abc import Sequence

from nats.aio.client import Client

from vardkase.federation import topology
from vardkase.runtime.errors import Refused
from vardkase.runtime.health import Check
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts import streams

from .database import Database
from .line import Line
from .room import Room
from .rules_text import rules_text
from .tables import TABLES
from .trim import Trim


class Archiver:
    """Writes what a node's streams hold into PostgreSQL; waits when it is away, and catches up."""

    name = "archiver"

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Nothing happens before `start`.

        Raises:
            Refused: no database is given.
        """
        if settings.database_url is None:
            raise Refused("VARDKASE_DATABASE_URL: expected the URL of a PostgreSQL (`vardkase up` runs one of its own)")
        self._settings = settings
        self._metrics = metrics
        self._url = settings.database_url
        self._database: Database | None = None
        self._lines: list[Line] = []
        self.tasks = Tasks()

    async def start(self, nc: Client) -> None:
        """Begin to ask for the database; each stream goes on from where it is archived once it is there."""
        settings, metrics = self._settings, self._metrics
        rules, room = rules_text(settings), Room(settings, nc)
        self._database = Database(self._url, settings, metrics, rules=rules, room=room)
        self.tasks.spawn(self._database.run(), name="database")
        there = {kept.name for kept in topology.KEPT}
        if settings.federation is not None:
            there.add(topology.ORDERS_DOWN.name)  # what came from above too; what came twice is one act
        for stream in TABLES:
            if stream in there:
                line = Line(stream, nc, self._database, settings, metrics)
                self._lines.append(line)
                self.tasks.spawn(line.run(), name=f"line {stream}", finite=True)
                if stream == streams.AUDIT:
                    trim = Trim(stream, nc, line.archived, metrics)
                    self.tasks.spawn(trim.run(), name=f"trim {stream}")

    async def stop(self) -> None:
        """Write what is in hand and acknowledge it."""
        await asyncio.gather(*(line.stop() for line in self._lines))
        await self.tasks.stop()
        if self._database is not None:
            self._database.close()

    def checks(self) -> Sequence[Check]:
        """What must hold for it to be ready."""
        database = [] if self._database is None else [self._database.check()]
        return [*database, *(check for line in self._lines for check in line.checks())]
