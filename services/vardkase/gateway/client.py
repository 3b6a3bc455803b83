"""One client of the stream: what it asked for, what it is to take next, and what waits until it can."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import Reality

from .frames import HEARTBEAT, Gathered, Position, deflated, pieces
from .live import Change
from .metrics import GatewayMetrics
from .principal import Principal

_HEARTBEATS: Final = (HEARTBEAT, deflated(HEARTBEAT))
"""Plain, and for who takes gzip."""

EndReason = Literal["closed", "alerts", "revoked", "reset", "stopping"]
"""Why a stream ended: the client went or took nothing, had too many alerts waiting, is let in no more; a stream of the
bus was made anew; the gateway stops."""


class Question(NamedTuple):
    """What a client wants to hear of."""

    reality: Reality
    area: Area
    pictures: Literal["none", "own", "all"] = "own"
    """The area's own picture, or those of all areas in it too."""
    alerts: bool = True
    states: bool = False

    def wants(self, change: Change) -> bool:
        """Whether a change is of what was asked for."""
        if change.reality != self.reality:
            return False
        if change.kind == "alert":
            return self.alerts and self.area in change.areas
        if change.kind == "state":
            return self.states and self.area in change.areas
        if self.pictures == "own":
            return change.areas[0] == self.area
        return self.pictures == "all" and self.area in change.areas


class Telling:
    """What all clients with one question are told at once."""

    __slots__ = ("_deflated", "after", "changes", "pieces")

    def __init__(self, changes: Gathered, epoch: str, before: Position, after: Position) -> None:
        self.changes: Final = changes
        self.after: Final = after
        self.pieces: Final = [piece for piece, _ in pieces(changes.changes(), epoch, before)]
        self._deflated: list[bytes] | None = None

    def encoded(self, *, packed: bool) -> Sequence[bytes]:
        """The pieces, deflated at most once for all."""
        if not packed:
            return self.pieces
        if self._deflated is None:
            self._deflated = [deflated(piece) for piece in self.pieces]
        return self._deflated


class Client:
    """One client of the stream: what it is to take next, and what waits until then.

    Args:
        question: what it asked for.
        principal: who it is: who is let in no more hears nothing more.
        position: how far it has come.
        packed: whether it takes gzip.
        cut: ends its connection at once.
        epoch: names the streams.
        heartbeat: seconds without news after which it hears something all the same.
        counts: where is told what it was spared.
    """

    __slots__ = (
        "_counts",
        "_cut",
        "_epoch",
        "_heard",
        "_heartbeat",
        "_idle",
        "_news",
        "_next",
        "_waiting",
        "ended",
        "packed",
        "position",
        "principal",
        "question",
        "watching",
    )

    def __init__(
        self,
        question: Question,
        principal: Principal,
        position: Position,
        *,
        packed: bool,
        cut: Callable[[], None],
        epoch: Callable[[], str],
        heartbeat: float,
        counts: GatewayMetrics,
    ) -> None:
        self.question = question
        self.principal = principal
        self.position = position
        self.packed = packed
        self.ended: EndReason | None = None
        """Why it hears nothing more; None while it does."""
        self.watching: Callable[[], None] = _nothing
        """What ends the watching of its principal."""
        self._cut = cut
        self._epoch = epoch
        self._heartbeat = heartbeat
        self._counts = counts
        self._news = asyncio.Event()
        self._idle = False
        self._next: Telling | None = None
        self._heard = position
        self._waiting = Gathered()

    def offer(self, telling: Telling) -> None:
        """Tell it, now if it has taken all that came before, else when it has."""
        if self._idle and self._next is None and not self._waiting:
            self._next = telling
            self._news.set()
            return
        if self._next is not None:  # it was woken, and has not yet run
            self._waiting.add_all(self._next.changes)
            self._next = None
        self._waiting.add_all(telling.changes)
        self._heard = telling.after

    @property
    def waiting(self) -> Gathered:
        """What waits until it has taken what it was given."""
        return self._waiting

    def end(self, reason: EndReason) -> None:
        """It hears nothing more. Who takes nothing is cut."""
        if self.ended is None:
            self.ended = reason
            self._news.set()
            if reason in {"alerts", "revoked"}:
                self._cut()

    async def next(self) -> Sequence[bytes]:
        """What it is to take next; a heartbeat when there is nothing for a while. Empty: it has ended.

        Called when it has taken all that it was given before.
        """
        if self.ended is None and not self._waiting:
            self._idle = True
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat):
                    await self._news.wait()
            self._idle = False
        if self.ended is not None:
            return ()
        telling, self._next = self._next, None
        if telling is None:
            if not self._waiting:
                return (_HEARTBEATS[self.packed],)
            waiting, self._waiting = self._waiting, Gathered()
            for kind, count in waiting.coalesced.items():
                self._counts.coalesced.labels(kind).inc(count)
            telling = Telling(waiting, self._epoch(), self.position, self._heard)
        self.position = telling.after
        return telling.encoded(packed=self.packed)


def _nothing() -> None:
    """Nothing is watched."""
