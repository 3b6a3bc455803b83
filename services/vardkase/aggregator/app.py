"""The aggregator wired together: worlds, lanes, pictures and orders, as a FastStream application."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from nats.aio.client import Client

from vardkase.federation import patience
from vardkase.federation.watched import PlanFile
from vardkase.runtime.clock import make_clock
from vardkase.runtime.health import Check
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import REALITIES, Reality

from .erasing import Eraser
from .gauges import Gauges
from .identities import Identities, NoRoom
from .lane import Lane, Tools
from .loading import prepare, recall
from .orders_reader import OrdersReader
from .pictures import PicturePublisher
from .public_feed import PublicFeed
from .publisher import Publisher
from .redaction import Redaction
from .rules_file import load_rules
from .verifying import Verifier
from .world import World

log: Final = logging.getLogger(__name__)

_FULL: Final = 1.0
"""Seconds between two attempts to open a file on a full disk."""


class Aggregator:
    """Folds the log of an area into states, alerts, pictures and what the public may see."""

    name = "aggregator"

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Read the rules; nothing else happens before `start`.

        Raises:
            Refused: the rules, or the federation's file, cannot be read.
        """
        self._settings = settings
        self._metrics = metrics
        self._rules = load_rules(settings.rules_file)
        self._area = Area.parse(settings.area)
        self._clock = make_clock(settings)
        self._federation = None if settings.federation is None else PlanFile(settings.federation)
        self._verifier = Verifier(metrics)
        self._lanes: list[Lane] = []
        self._identities: list[Identities] = []
        self._orders: OrdersReader | None = None
        self._feed: PublicFeed | None = None
        self.tasks = Tasks()

    async def start(self, nc: Client) -> None:
        """Go on where the last run ended, in all three realities."""
        plan = None if self._federation is None else self._federation.plan
        settings = self._settings
        eraser = Eraser(nc, settings.node, self._metrics, self._clock, every=settings.aggregator.erase_every)
        tools = Tools(
            nc=nc,
            settings=settings,
            metrics=self._metrics,
            clock=self._clock,
            verifier=self._verifier,
            erase=eraser.erase,
        )
        worlds: dict[Reality, World] = {}
        publishers: dict[Reality, Publisher] = {}
        pictures: list[PicturePublisher] = []
        for reality in REALITIES:
            world = worlds[reality] = World(reality, self._area, self._rules, registers=worlds.get("act"))
            feed = self._public_feed(world) if reality == "act" else None
            publisher = publishers[reality] = Publisher(reality, nc, self._settings, self._metrics, feed=feed)
            picture = PicturePublisher(world, publisher, self._settings, self._metrics)
            identities = await _opened(self._settings.data_dir / "aggregator" / f"identities-{reality}.sqlite")
            self._identities.append(identities)
            with_states = await prepare(nc, identities, reality, self._area)
            await recall(world, publisher, picture, nc, with_states=with_states)
            pictures.append(picture)
            self._lanes.append(Lane(world, publisher, picture, identities, plan, tools))
        redactions: dict[Reality, Redaction] = {lane.reality: lane.redaction for lane in self._lanes}
        self._orders = OrdersReader(
            worlds, publishers, self._rules, nc, self._settings, self._metrics, self._clock, redactions
        )
        await self._orders.start()
        self.tasks.spawn(self._orders.run(), name="orders")
        self.tasks.spawn(eraser.run(), name="erase")
        if self._feed is not None:
            self.tasks.spawn(self._feed.run(), name="public")
            await self._feed.recalled(self._settings.link.connect_timeout)
        for lane in self._lanes:  # all of them, before one that has a backlog keeps the others from hearing the server
            await lane.start()
        for lane, picture in zip(self._lanes, pictures, strict=True):
            self.tasks.spawn(lane.run(), name=f"lane {lane.reality}", finite=True)
            self.tasks.spawn(picture.run(), name=f"pictures {lane.reality}")
        if self._federation is not None:
            self.tasks.spawn(self._follow(self._federation), name="federation")
        self.tasks.spawn(patience.tell(nc, settings), name="tell the patience", finite=True)
        self.tasks.spawn(Gauges(worlds, self._lanes, self._clock, self._settings, self._metrics).run(), name="gauges")

    async def _follow(self, federation: PlanFile) -> None:
        """Tell the lanes when the federation is another. For ever."""
        while True:
            await asyncio.sleep(self._settings.aggregator.tick)
            if federation.changed():
                log.info("the federation is another: it is followed")
                for lane in self._lanes:
                    lane.follow(federation.plan)

    def _public_feed(self, world: World) -> PublicFeed | None:
        if self._settings.nats_public_url is not None:
            self._feed = PublicFeed(world, self._settings, self._metrics)
        return self._feed

    async def stop(self) -> None:
        """Finish the batches in hand, acknowledge them, let everything go."""
        await asyncio.gather(*(lane.stop() for lane in self._lanes))
        if self._orders is not None:
            await self._orders.stop()
        if self._feed is not None:
            await self._feed.stop(self._settings.health.stop_timeout / 4)
        await self.tasks.stop()
        self._verifier.close()
        for identities in self._identities:
            identities.close()
        if self._feed is not None:
            await self._feed.close()

    def checks(self) -> Sequence[Check]:
        """What must hold for it to be ready."""
        checks = [check for lane in self._lanes for check in lane.checks()]
        if self._orders is not None:
            checks.append(self._orders.check())
        if self._feed is not None:
            checks.append(self._feed.check())
        return checks


async def _opened(path: Path) -> Identities:
    """The identities in a file, once the disk takes them: whoever starts it bounds how long that may last."""
    while True:
        try:
            return Identities(path)
        except NoRoom as error:
            log.error("the identities cannot be kept: %s; trying again", error)  # noqa: TRY400 - one line
        await asyncio.sleep(_FULL)
