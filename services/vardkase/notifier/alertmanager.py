"""One Alertmanager as a receiver: what stands is told at once and again and again, what has ended is ended."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Any, Final

from vardkase.runtime.backoff import Backoff
from vardkase.runtime.clock import Clock
from vardkase.runtime.health import Check
from vardkase.runtime.setting_groups import NotifySettings
from vardkase_contracts.instants import SECOND, iso
from vardkase_contracts.vocab import Reality

from . import muting
from .alertmanager_api import AlertmanagerApi, Away
from .metrics import NotifierMetrics
from .notice import Notice
from .receiver import Desk
from .standing import Name, Standing, Told, name_of, payload
from .walltime import WallTime

log: Final = logging.getLogger(__name__)

_CHUNK: Final = 500
"""The most alerts in one request."""
_MOST_ENDED: Final = 10_000
_KEEP_ENDED: Final = 900.0
"""Seconds that it is known what has ended: an Alertmanager that was started anew may have missed it. Not told to one
that was not: it would list it in every notification of its group."""
_AUTHOR: Final = "vardkase"


class Alertmanager:
    """One Alertmanager.

    It keeps what it was told of in memory alone, and takes for over what it is not told of any more. So all of it is
    told again every `resend`, with an end far ahead (`hold`): neither a pause of this process nor a cut link ends
    anything. After any failure it is asked what it holds of ours, and what does not stand any more is ended.

    Args:
        name: in logs and metrics.
        url: its base URL.
        desk: what stands.
        node: the name of this node, which names its alerts there.
        realities: of which it is told.
        settings: times.
        clock: the node's.
        wall: real time of it.
        metrics: where it counts.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        desk: Desk,
        node: str,
        realities: Sequence[Reality],
        settings: NotifySettings,
        clock: Clock,
        wall: WallTime,
        metrics: NotifierMetrics,
    ) -> None:
        self.name = name
        self._desk = desk
        self._node = node
        self._author = f"{_AUTHOR} {node}"
        self._realities = frozenset(realities)
        self._settings = settings
        self._clock = clock
        self._wall = wall
        self._metrics = metrics
        self._api = AlertmanagerApi(url, timeout=settings.timeout)
        self._standing = self._empty()
        self._until: dict[int, int] = {}
        self._silences: dict[Name, muting.Held] = {}
        self._started = ""
        self._bell = asyncio.Event()
        self._leading = False
        self._trouble = ""
        metrics.up.labels(name).set(1)

    def _empty(self) -> Standing:
        return Standing(keep_ended=round(_KEEP_ENDED * SECOND), most_ended=_MOST_ENDED)

    def offer(self, notice: Notice) -> None:
        """A notice as it is now."""
        if self._leading and notice.reality in self._realities:
            self._standing.offer(notice, _monotonic())
            self._bell.set()

    def sweep(self) -> None:
        """Forget what ended some time ago and was told."""
        self._standing.sweep(_monotonic())
        if len(self._until) > 4 * _MOST_ENDED:
            self._until.clear()
        self._metrics.waiting.labels(self.name).set(len(self._standing.news()))
        self._metrics.standing.labels(self.name).set(len(self._standing))
        self._metrics.silences.labels(self.name).set(len(self._silences))

    def check(self) -> Check:
        """Whether it took what it was last told."""
        told = f"{len(self._standing)} alerts stand there" if self._leading else "nothing is told from here"
        detail = self._trouble or told
        return Check(name=f"receiver {self.name}", ok=not self._trouble, detail=detail, needed=False)

    async def close(self) -> None:
        """Close its connections."""
        await self._api.close()

    async def lead(self) -> None:
        """Tell it, until cancelled."""
        self._standing = self._empty()
        long_ago = self._clock.now() - round(self._settings.hold * SECOND)
        for notice in self._desk:
            recent = notice.ends_at is None or notice.ends_at >= long_ago
            if notice.reality in self._realities and recent:
                self._standing.offer(notice, _monotonic())
        self._leading = True
        backoff = Backoff(least=self._settings.backoff_min, most=self._settings.resend)
        try:
            while True:
                try:
                    await self._reconcile()
                    backoff.reset()
                    await self._keep_telling()
                except Away as error:
                    await self._failed(str(error), backoff.next())
        finally:
            self._leading, self._trouble = False, ""

    async def _failed(self, trouble: str, wait: float) -> None:
        if not self._trouble:
            log.warning(
                "a receiver does not take notifications; trying again",
                extra={"receiver": self.name, "at": self._api.where, "error": trouble},
            )
        self._trouble = trouble
        self._metrics.up.labels(self.name).set(0)
        self._metrics.sent.labels(self.name, "failed").inc()
        await asyncio.sleep(wait)

    def _fine(self) -> None:
        if self._trouble:
            log.info("a receiver takes notifications", extra={"receiver": self.name, "at": self._api.where})
        self._trouble = ""
        self._metrics.up.labels(self.name).set(1)

    async def _reconcile(self) -> None:
        """See what it has of ours, end what does not stand, and tell everything."""
        self._started = await self._api.started()
        held = [
            name_of({str(name): str(value) for name, value in each["labels"].items()})
            for each in await self._api.alerts(f'node="{self._node}"', 'key=~".+"')
            if isinstance(each.get("labels"), dict)
        ]
        self._standing.strangers(held, _monotonic(), at=self._clock.now())
        self._silences, twice = muting.held(await self._api.silences(), self._author)
        for each in twice:
            await self._api.expire_silence(each)
        await self._tell(self._standing.everything())
        self._fine()

    async def _keep_telling(self) -> None:
        """Tell news at once, and all that stands every `resend`; to one that was started anew, everything."""
        again = time.monotonic() + self._settings.resend
        while True:
            left = again - time.monotonic()
            if left <= 0:
                if await self._api.started() == self._started:
                    await self._tell(self._standing.standing())
                else:
                    await self._reconcile()
                again = time.monotonic() + self._settings.resend
                continue
            if not self._standing.has_news:
                self._bell.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._bell.wait()
                if self._settings.gather:
                    await asyncio.sleep(self._settings.gather)
            if self._standing.has_news:
                await self._tell(self._standing.news())

    async def _tell(self, those: Sequence[Told]) -> None:
        """Silences first, so that nobody is woken by what is quiet; then alerts; then the end of silences."""
        over = await self._mute()
        for start in range(0, len(those), _CHUNK):
            chunk = those[start : start + _CHUNK]
            news = [each for each in chunk if self._standing.is_news(each)]
            await self._api.post_alerts([self._payload(each) for each in chunk])
            self._standing.told(chunk)
            self._fine()
            self._count(news)
        for name, silence in over:
            if silence.until > self._wall.now() + SECOND:  # it takes no end of what has ended
                await self._api.expire_silence(silence.id)
            self._silences.pop(name, None)

    def _count(self, news: Sequence[Told]) -> None:
        now = self._wall.now()
        self._metrics.sent.labels(self.name, "sent").inc(len(news))
        for each in news:
            if each.notice.stored_at:
                self._metrics.seconds.labels(self.name).observe(max(0, now - each.notice.stored_at) / SECOND)

    async def _mute(self) -> list[tuple[Name, muting.Held]]:
        """Make and change silences; those that are to end, once the alerts have been told."""
        now = self._wall.now()
        wanted = muting.wanted(self._standing.muted.values(), self._real_until, now=now)
        for name, wish in wanted.items():
            has = self._silences.get(name)
            if muting.differs(wish, has):
                made = muting.payload(wish, author=self._author, now=now, id=None if has is None else has.id)
                self._silences[name] = muting.Held(await self._api.post_silence(made), wish.until)
        return [(name, has) for name, has in self._silences.items() if name not in wanted]

    def _real_until(self, instant: int) -> int:
        """Worked out once for each instant: a driven clock's would be another one each time."""
        return self._until.setdefault(instant, self._wall.of(instant))

    def _payload(self, told: Told) -> dict[str, Any]:
        now = self._wall.now()
        starts = min(self._wall.of(told.starts_at), now)
        if told.ends_at is None:
            ends = now + round(self._settings.hold * SECOND)
        else:
            ends = max(starts, min(self._wall.of(told.ends_at), now))
        return payload(told, starts_at=iso(starts), ends_at=iso(ends), link=told.annotations.get("link"))


def _monotonic() -> int:
    return time.monotonic_ns() // 1000
