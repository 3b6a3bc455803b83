"""The gateway's connection to the public account, and what it holds of it."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import orjson
from pydantic import ValidationError

from vardkase.runtime.clock import Clock
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.follow import Follower
from vardkase.runtime.link import PUBLIC, Link, connect_public
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import SECOND, iso

from .answers import Answer, Answers, kommuner_answer
from .blocks import Block, Blocks, Place, epoch_of
from .held import PublicPoints, Question
from .numbers import PublicMetrics, Streams

log: Final = logging.getLogger(__name__)

_POLL: Final = 1.0
"""Seconds between two looks at whether the account is heard, and at what time has made old."""


class PublicSide:
    """What anyone may see, kept live from the public account.

    Args:
        settings: `nats_public_url` is read with; a user that may only read is enough, and all that should be given.
        metrics: where to tell.
        clock: the node's.
    """

    def __init__(self, settings: Settings, metrics: Metrics, clock: Clock) -> None:
        self.settings = settings.public
        self.area = Area.parse(settings.area)
        self.points = PublicPoints()
        self.metrics = PublicMetrics(metrics.registry)
        self.streams = Streams(self.settings, self.metrics)
        self.stores = 0
        """How many times the store was found to be another: what readers have is then begun anew."""
        self.closing = False
        """Set when the gateway stops: streams of events end."""
        self._settings = settings
        self._clock = clock
        self._link = Link(settings, metrics, account=PUBLIC, name=f"gateway public {settings.node}")
        self._answers = Answers(self.points, licence=self.settings.licence, fresh=self.settings.fresh)
        self._blocks = Blocks(self.points)
        self._kommuner = [(code, Area("kommun", code).name) for code in self.area.kommuner()]
        self._bell = asyncio.Event()
        self._ringing: asyncio.TimerHandle | None = None
        self._was_live = False
        self._follower = Follower(
            streams.PUBLIC,
            subjects.family_filters("public", "act", self.area),
            settings,
            take=self._take,
            reset=self._reset,
        )

    @property
    def whole(self) -> bool:
        """Whether all that was public when it was first read is held. What is held stays when the account is away."""
        return self._follower.whole.is_set()

    @property
    def live(self) -> bool:
        """Whether the public account is being heard, so that what is held is as new as it can be."""
        return self._follower.check().ok

    @property
    def told_live(self) -> bytes:
        """The same as JSON, and the node's time: a reader's clock may be wrong."""
        now = iso(self._clock.now() // SECOND * SECOND)
        return orjson.dumps({"live": self.live, "now": now})

    @property
    def epoch(self) -> str:
        """A short name of the store that is held."""
        return epoch_of(self._follower.born or "")

    def check(self) -> Check:
        """Whether the public account is followed. Nothing restricted needs it, and what is held is shown without."""
        link, followed = self._link.check(), self._follower.check()
        detail = link.detail if not link.ok else followed.detail
        return Check(name="public", ok=link.ok and followed.ok, detail=detail, needed=False)

    async def run(self) -> None:
        """Connect, and follow. For ever."""
        nc = await connect_public(self._settings, self._link)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follower.run(nc), name="follow PUBLIC")
            tasks.create_task(self._look(), name="look at PUBLIC")

    async def stop(self) -> None:
        """End the streams of events, and let go of the connection."""
        self.closing = self.streams.closed = True
        self._ring()
        await self._link.close()

    def answer(self, question: Question) -> Answer:
        """The points of a question, as they are to be read now."""
        self.points.age(self._clock.now())
        return self._answers.answer(question, epoch=self.epoch, live=self.live)

    def kommuner(self) -> Answer:
        """Which kommuner of the node's area take part."""
        return kommuner_answer(self.points, self._kommuner, licence=self.settings.licence, live=self.live)

    def point(self, point: str) -> bytes | None:
        """The feature of a point as it is to be read now; None when it is not public."""
        self.points.age(self._clock.now())
        return self.points.point(point)

    def block(self, question: Question, place: Place, *, fresh: bool) -> Block:
        """What comes after a place in the stream. See `Blocks.block`."""
        self.points.age(self._clock.now())
        return self._blocks.block(question, place, fresh=fresh)

    @property
    def bell(self) -> asyncio.Event:
        """What is set at the next change. Taken before something is read, so that no change is slept through."""
        return self._bell

    def _take(self, some: Sequence[Delivery]) -> None:
        now = self._clock.now()
        for one in some:
            try:
                self.points.take(one.sequence, one.data, now)
            except ValidationError as error:
                self.metrics.unreadable.inc()
                where = {"sequence": one.sequence, "error": _where(error)}  # not the trace: it would show the document
                log.error("a public document cannot be read", extra=where)  # noqa: TRY400
        self.metrics.points.set(len(self.points))
        # Gathered: many change together, and a reader has no use for the moment of each.
        if self._ringing is None:
            self._ringing = asyncio.get_running_loop().call_later(self.settings.gather, self._ring)

    def _reset(self) -> None:
        self.points.clear()
        self.stores += 1
        self._ring()

    def _ring(self) -> None:
        if self._ringing is not None:
            self._ringing.cancel()
            self._ringing = None
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def _look(self) -> None:
        while True:
            live = self.live
            if live != self._was_live:
                self._was_live = live
                self._ring()
            self.points.age(self._clock.now())
            await asyncio.sleep(_POLL)


def _where(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
