"""Telling clients of streams what changes: made once for all who asked the same, and held back for those who are slow.

The policy for a slow client: of pictures and states it gets the newest of each key when it can take it; alerts wait for
it, none is left out. Who has too many waiting, or takes nothing for too long, is cut, and resumes when it comes back.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

from vardkase.runtime.settings import Settings
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import Reality

from .client import Client, EndReason, Question, Telling
from .frames import Gathered, Position
from .live import Change, Live
from .metrics import GatewayMetrics
from .principal import Principal
from .recent import RecentAlerts

_SWEEP: Final = 1.0
"""Seconds between two looks at all clients."""


class Group:
    """The clients with one question."""

    __slots__ = ("clients", "gathered", "position", "question")

    def __init__(self, question: Question, position: Position) -> None:
        self.question = question
        self.clients: set[Client] = set()
        self.gathered = Gathered()
        self.position = position


class Hub:
    """All clients of streams.

    Args:
        live: what is told of.
        settings: group `web`.
        counts: where clients and events are counted.
        watch: see `Access.watch`.
    """

    def __init__(
        self,
        live: Live,
        settings: Settings,
        counts: GatewayMetrics,
        watch: Callable[[Principal, Callable[[], None]], Callable[[], None]],
    ) -> None:
        self._live = live
        self._settings = settings.web
        self._counts = counts
        self._watch = watch
        self._groups: dict[Question, Group] = {}
        self._by_area: dict[tuple[Reality, Area], list[Group]] = {}
        self._dirty: dict[Question, Group] = {}
        self._each: Counter[str] = Counter()
        self._ended = False
        self.recent: Final = RecentAlerts(self._settings.recent_alerts)
        """The last changes of alerts, for clients that resume."""

    def __len__(self) -> int:
        """How many clients there are."""
        return sum(len(group.clients) for group in self._groups.values())

    async def run(self) -> None:
        """Tell of changes, from when all is there, until cancelled."""
        self._live.on_reset(self._reset)
        self._live.listen(self._changed)
        swept = time.monotonic()
        while True:
            if not self.recent.begun and self._live.whole:
                self.begin_recent()
            await asyncio.sleep(self._settings.gather)
            self.flush()
            if time.monotonic() - swept >= _SWEEP:
                self._sweep()
                swept = time.monotonic()

    def begin_recent(self) -> int:
        """Remember alerts from now on; the last sequence that is not among them."""
        if not self.recent.begun:
            self.recent.begin(self.position.alert)
        return self.recent.after

    @property
    def position(self) -> Position:
        """How far the streams have been read."""
        last = self._live.last_seq
        return Position(last["picture"], last["alert"], last["state"])

    def has_room(self, principal: Principal) -> bool:
        """Whether another client is taken in: of all, and of those with one token."""
        most = self._settings
        return not self._ended and len(self) < most.clients and self._each[principal.id] < most.clients_each

    def join(self, question: Question, principal: Principal, *, packed: bool, cut: Callable[[], None]) -> Client:
        """A client, which is told of everything from `position` on; what was before is the caller's to give it.

        The caller calls `leave`.
        """
        group = self._groups.get(question)
        if group is None:
            group = self._groups[question] = Group(question, self.position)
            self._by_area.setdefault((question.reality, question.area), []).append(group)
        elif group.gathered:
            self._flush(group)
        group.position = self.position
        client = Client(
            question,
            principal,
            group.position,
            packed=packed,
            cut=cut,
            epoch=lambda: self._live.epoch,
            heartbeat=self._settings.heartbeat,
            counts=self._counts,
        )
        group.clients.add(client)
        self._each[principal.id] += 1
        client.watching = self._watch(principal, partial(client.end, "revoked"))
        self._counts.clients.labels(question.reality).inc()
        return client

    def leave(self, client: Client) -> None:
        """It has gone."""
        client.watching()
        group = self._groups[client.question]
        group.clients.discard(client)
        self._each[client.principal.id] -= 1
        if not self._each[client.principal.id]:
            del self._each[client.principal.id]
        self._counts.clients.labels(client.question.reality).dec()
        self._counts.ended.labels(client.ended or "closed").inc()
        if not group.clients:
            del self._groups[client.question]
            self._dirty.pop(client.question, None)
            asked = self._by_area[client.question.reality, client.question.area]
            asked.remove(group)
            if not asked:
                del self._by_area[client.question.reality, client.question.area]

    def stop(self) -> None:
        """End all streams: their clients come back to whoever answers then."""
        self._ended = True
        self._end_all("stopping")

    def flush(self) -> None:
        """Tell what was gathered."""
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, {}
        with self._counts.flush_seconds.time():
            for group in dirty.values():
                self._flush(group)

    def _flush(self, group: Group) -> None:
        gathered, group.gathered = group.gathered, Gathered()
        if not gathered:
            return
        before, group.position = group.position, self.position
        telling = Telling(gathered, self._live.epoch, before, group.position)
        for client in group.clients:
            client.offer(telling)
        for kind, count in gathered.counts().items():
            if count:
                self._counts.sent.labels(kind).inc(count * len(group.clients))
        self._dirty.pop(group.question, None)

    def _changed(self, change: Change) -> None:
        if change.kind == "alert" and self.recent.begun:
            self.recent.add(change)
        for area in change.areas:
            for group in self._by_area.get((change.reality, area), ()):
                if group.question.wants(change):
                    group.gathered.add(change)
                    self._dirty[group.question] = group

    def _sweep(self) -> None:
        queued = {"alert": 0, "picture": 0, "state": 0}
        for group in self._groups.values():
            for client in list(group.clients):
                waiting = client.waiting
                for kind, count in waiting.counts().items():
                    queued[kind] += count
                if len(waiting.alerts) > self._settings.unsent_alerts:
                    client.end("alerts")
        for kind, count in queued.items():
            self._counts.queued.labels(kind).set(count)
        self._counts.groups.set(len(self._groups))

    def _reset(self) -> None:
        self.recent.forget()
        self._end_all("reset")

    def _end_all(self, reason: EndReason) -> None:
        for group in self._groups.values():
            for client in list(group.clients):
                client.end(reason)
