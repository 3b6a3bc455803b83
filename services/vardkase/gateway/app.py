"""The gateway wired together: what is held, who may see it, the web application and its server."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

from vardkase.federation.below import Below
from vardkase.runtime.clock import make_clock
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase.runtime.sockets import listen, url
from vardkase.runtime.tasks import Tasks
from vardkase_contracts.areas import Area

from .access.access import Access
from .access.audit import Audit
from .exercises import HeldExercises
from .foresight.readings import Readings
from .given import GivenOrders
from .history.pool import Archive
from .house import House
from .hub import Hub
from .links import Told
from .live import Live
from .measuring import measure
from .metrics import GatewayMetrics
from .missed import recall_alerts
from .public.side import PublicSide
from .recentpictures import RecentPictures
from .server import Front
from .solver import Solver
from .web import build as build_web
from .writing.writing import Writing


class Gateway:
    """The node over HTTP."""

    name = "gateway"

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Nothing happens before `start`, but that the port is taken.

        Raises:
            Ended: the port is taken, or the address is not this computer's.
        """
        public_url = settings.web.public_url or settings.nats_public_url
        self._settings = settings = settings.model_copy(update={"nats_public_url": public_url})
        self._metrics = metrics
        self._counts: Final = GatewayMetrics(metrics.registry)
        self._bound = (
            listen(settings.http_host, settings.http_port)
            if settings.web.fd is None
            else socket.socket(fileno=settings.web.fd)
        )
        self.url = url(self._bound)
        """Where it is reached."""
        self._house: House | None = None
        self._front: Front | None = None
        self.tasks = Tasks()

    @property
    def house(self) -> House | None:
        """What routes are given; None before `start`."""
        return self._house

    async def early(self, nc: Connection) -> None:
        """Answer, from the first moment on: as long as nothing is known, that it is not."""
        self._open(nc)

    def _open(self, nc: Connection) -> House:
        settings, metrics, clock = self._settings, self._metrics, make_clock(self._settings)
        live = Live(settings, clock, self.tasks)
        access = Access(settings, metrics, self.tasks)
        writing = Writing(settings, metrics, self.tasks)
        self._house = house = House(
            settings=settings,
            metrics=metrics,
            counts=self._counts,
            clock=clock,
            area=Area.parse(settings.area),
            live=live,
            hub=Hub(live, settings, self._counts, access.watch),
            access=access,
            audit=Audit(settings, metrics, clock, self.tasks),
            bus=nc,
            links=Told(settings, self.tasks),
            writing=writing,
            exercises=HeldExercises(settings, writing.rules, clock, self.tasks, self._counts),
            given=GivenOrders(settings, writing.rules, self.tasks),
            pictures=RecentPictures(live, clock),
            readings=Readings(metrics.registry),
            solver=Solver(metrics.registry),
            archive=Archive.of(settings, metrics, clock, self.tasks),
            public=None if settings.nats_public_url is None else PublicSide(settings, metrics, clock),
            checks=self.checks,
            below=Below(settings),
            opened=asyncio.Event(),
            resuming=asyncio.Semaphore(settings.web.resuming),
        )
        self._front = Front(build_web(house), self._bound, settings, self._counts)
        self.tasks.spawn(self._front.run(), name="front", finite=True)
        if house.public is not None:
            self.tasks.spawn(house.public.run(), name="public")
        return house

    async def start(self, nc: Connection) -> None:
        """Read what there is, and keep it live."""
        house = self._house or self._open(nc)
        house.live.start(nc)
        house.links.start(nc)
        house.exercises.start(nc)
        house.given.start(nc)
        await house.access.start(nc)
        await house.audit.start(nc)
        await house.writing.start(nc)
        if house.archive is not None:
            await house.archive.start(nc)
        self.tasks.spawn(house.hub.run(), name="hub")
        self.tasks.spawn(recall_alerts(house), name="recall alerts", finite=True)
        self.tasks.spawn(_opened(house), name="open", finite=True)
        self.tasks.spawn(measure(house), name="measure")

    async def stop(self) -> None:
        """Take nothing new, finish what is being answered, let streams go."""
        house, front = self._house, self._front
        if house is not None:
            house.hub.stop()
            if house.public is not None:
                await house.public.stop()
        if front is not None:
            await front.stop()
        self._bound.close()
        if house is not None:
            await house.writing.stop()
            if house.archive is not None:
                await house.archive.stop()
            await house.audit.stop()
            await house.access.stop()

    def checks(self) -> Sequence[Check]:
        """What must hold for it to be ready."""
        house, front = self._house, self._front
        if house is None or front is None:
            return []
        detail = "takes connections" if front.up else "takes no connections"
        return [
            Check(name="front", ok=front.up, detail=detail),
            *house.live.checks(),
            *house.access.checks(),
            *house.writing.checks(),
            house.exercises.check(),
            house.given.check(),
            house.audit.check(),
            *([] if house.public is None else [house.public.check()]),
        ]


async def _opened(house: House) -> None:
    await house.live.until_whole()
    house.opened.set()
