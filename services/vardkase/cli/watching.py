"""Following an area: its picture and its open alerts, kept up to date from a node's streams."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from vardkase.cli.node import together
from vardkase.cli.screen import View
from vardkase.cli.times import clock
from vardkase.domain.exercises import ABORT_SHOWN, Exercises
from vardkase_contracts import instants, vocab
from vardkase_contracts.alert import Alert
from vardkase_contracts.areas import Area
from vardkase_contracts.client import Client, Feed, InvalidValue
from vardkase_contracts.picture import Picture

_DRIVEN: Final = timedelta(minutes=5)
"""A picture whose time is this far from when it was stored was made on a driven clock."""


class Watching:
    """An area as it is now. Made by `watching`."""

    def __init__(self, client: Client, area: Area, reality: vocab.Reality) -> None:
        self.area = area
        self.reality: vocab.Reality = reality
        self.picture: Picture | None = None
        self.changed = asyncio.Event()
        """Set when there is something new to show; whoever shows it clears it."""
        self.exercises = Exercises()
        """Those that the node has been told of; whoever watches keeps them up to date."""
        self.trouble: str | None = None
        """What cannot be told, and why."""
        self._pictures = client.pictures(area, reality=reality, only=True, on_invalid=self._on_invalid)
        self._alert_feed = client.alerts(area, reality=reality, on_invalid=self._on_invalid)
        self._open: dict[str, Alert] = {}
        self._generation = 0
        self._got_at = time.monotonic()
        self._age_then_s = 0.0
        self._invalid = 0

    @property
    def feeds(self) -> tuple[Feed[Picture], Feed[Alert]]:
        """What it reads."""
        return self._pictures, self._alert_feed

    @property
    def age_s(self) -> float:
        """How old the picture is, in real seconds."""
        return self._age_then_s + time.monotonic() - self._got_at

    @property
    def now(self) -> datetime:
        """What the time is at the node, as far as its picture tells: with a driven clock it is not ours."""
        if self.picture is None:
            return datetime.now(UTC)
        return self.picture.as_of + timedelta(seconds=self.age_s)

    def view(self) -> View:
        """What there is to show now."""
        connected = all(feed.connected for feed in self.feeds)
        unread = f"{self._invalid} värden kunde inte läsas (nyare version?)." if self._invalid else self.trouble
        aborted, running = self._exercises_now()
        return View(
            area=self.area,
            reality=self.reality,
            picture=self.picture,
            alerts=tuple(self._open.values()),
            now=self.now,
            age_s=self.age_s,
            connected=connected,
            lost_s=0.0 if connected else max(feed.heard_s_ago for feed in self.feeds),
            note=unread,
            aborted=aborted,
            exercises=running,
        )

    def _exercises_now(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is to be said of exercises: those that were aborted, and those that go on."""
        now, kommuner = instants.from_datetime(self.now), self.area.kommuner()
        listed = self.exercises.listed(kommuner, now)
        aborted = [
            f"{each['name']} {clock(instants.to_datetime(at))}"
            for each in listed
            for at in [max((instants.parse(one["at"]) for one in each["aborted"]), default=None)]
            if at is not None and (self.reality == "exe" or now - at < ABORT_SHOWN)
        ]
        return tuple(aborted), tuple(each["name"] for each in listed if each["running"])

    async def begin(self) -> None:
        """Read what there is now.

        Raises:
            ReadRefused, ConnectionGone: as a feed.
        """
        for picture in await self._pictures.current():
            self._take_picture(picture)
        for alert in await self._alert_feed.current():
            self._take_alert(alert)

    async def follow(self) -> None:
        """Keep up to date, for ever.

        Raises:
            ReadRefused, ConnectionGone: as a feed.
        """
        await together(self._follow_pictures(), self._follow_alerts())

    async def _follow_pictures(self) -> None:
        async for picture in self._pictures:
            self._take_picture(picture)

    async def _follow_alerts(self) -> None:
        async for alert in self._alert_feed:
            self._take_alert(alert)

    def _take_picture(self, picture: Picture) -> None:
        self.picture = picture
        self._got_at = time.monotonic()
        stored_at = self._pictures.stored_at
        # A change is as old as its way here; what was stored before is as old as it says, as far as two clocks agree.
        old = 0.0 if stored_at is None or self._pictures.live else (datetime.now(UTC) - stored_at).total_seconds()
        self._age_then_s = max(0.0, old)
        self.changed.set()

    def _take_alert(self, alert: Alert) -> None:
        if self._alert_feed.generation != self._generation:
            self._generation = self._alert_feed.generation
            self._open.clear()
        if alert.status == "firing":
            self._open[alert.key] = alert
        else:
            self._open.pop(alert.key, None)
        self.changed.set()

    def _on_invalid(self, error: InvalidValue) -> None:
        del error  # how many is shown; which ones, `vardkase alerts --json` and the node's log tell
        self._invalid += 1
        self.changed.set()


async def node_now(client: Client, area: Area, reality: vocab.Reality) -> datetime:
    """What the time is at the node: ours, unless its picture shows that it runs on a driven clock."""
    ours = datetime.now(UTC)
    async with client.pictures(area, reality=reality, only=True) as pictures:
        found = await pictures.current()
        if not found or pictures.stored_at is None:
            return ours
        return ours if abs(found[0].as_of - pictures.stored_at) < _DRIVEN else found[0].as_of


@asynccontextmanager
async def watching(client: Client, area: Area, reality: vocab.Reality) -> AsyncGenerator[Watching]:
    """Follow an area for as long as the block runs. `begin` and `follow` do the work."""
    found = Watching(client, area, reality)
    try:
        yield found
    finally:
        for feed in found.feeds:
            await feed.aclose()
