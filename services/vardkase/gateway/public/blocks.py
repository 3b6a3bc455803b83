"""What readers of the public stream are sent: encoded once, and shared by all who have come as far.

A reader is nothing but how far it has come in the stream, so one that is slow costs no memory and misses nothing that
still counts: of a point that changed twice meanwhile it gets the latest.
"""

import hashlib
from collections import OrderedDict
from typing import Final, NamedTuple

from vardkase.gateway.frames import deflated

from .held import PublicPoints, Question

RETRY: Final = b"retry: 5000\n\n"
"""How long a browser waits before it connects anew, ms."""
RESET: Final = b"event: reset\ndata: {}\n\n"
"""What the reader has does not count: everything is told anew."""
_EVENTS: Final = 200
"""Most events of one block."""
_LOOKED: Final = 5_000
"""Most changes that are looked at for one block."""
_KEPT: Final = 128
"""Blocks that are kept to be shared."""


class Block:
    """Some changes, encoded as Server-Sent Events.

    Args:
        data: the events.
        position: how far a reader has come with it: a sequence of the stream.
        more: whether another block is ready at once.
    """

    __slots__ = ("_packed", "data", "more", "position")

    def __init__(self, data: bytes, position: int, *, more: bool) -> None:
        self.data: Final = data
        self.position: Final = position
        self.more: Final = more
        self._packed: bytes | None = None

    def encoded(self, *, packed: bool) -> bytes:
        """The events, deflated at most once for all."""
        if not packed:
            return self.data
        if self._packed is None:
            self._packed = deflated(self.data)
        return self._packed


class Place(NamedTuple):
    """Where in a store a reader has come to: what stands in `id:`."""

    epoch: str
    """Which store; another one is begun with from its beginning."""
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        """The place that a reader says it has come to; None when it is no such place."""
        epoch, dot, sequence = text.partition(".")
        if not dot or not epoch.isalnum() or not sequence.isascii() or not sequence.isdigit() or len(text) > 40:
            return None
        return cls(epoch, int(sequence))


def epoch_of(born: str) -> str:
    """A short name for a store, by when it was made: the same at every gateway."""
    return hashlib.sha256(born.encode()).hexdigest()[:8]


def event(kind: str, data: bytes, place: Place | None = None) -> bytes:
    """One event. Its data is JSON, which has no line breaks."""
    name = b"" if place is None else b"id: %b\n" % str(place).encode()
    return b"%bevent: %b\ndata: %b\n\n" % (name, kind.encode(), data)


class Blocks:
    """Makes blocks of what is held."""

    def __init__(self, points: PublicPoints) -> None:
        self._points = points
        self._kept: OrderedDict[tuple[frozenset[str] | None, str, int, bool], tuple[int, Block]] = OrderedDict()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def block(self, question: Question, place: Place, *, fresh: bool) -> Block:
        """What comes after a place.

        Args:
            question: only its kommuner count.
            place: how far the reader has come, in the store that is held.
            fresh: it has nothing yet, and so nothing that could be gone.
        """
        key = (question.kommuner, place.epoch, place.sequence, fresh)
        kept = self._kept.get(key)
        if kept is not None and kept[0] == self._points.version:
            self._kept.move_to_end(key)
            return kept[1]
        made = self._made(question, place, fresh=fresh)
        self._kept[key] = (self._points.version, made)
        self._kept.move_to_end(key)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return made

    def _made(self, question: Question, place: Place, *, fresh: bool) -> Block:
        frames: list[bytes] = []
        position, more = place.sequence, False
        for looked, change in enumerate(self._points.after(place.sequence), 1):
            position = change.sequence
            if question.covers(change.key) and not (fresh and change.kind == "gone"):
                frames.append(event(change.kind, change.data, Place(place.epoch, position)))
            if len(frames) == _EVENTS or looked == _LOOKED:
                more = position < self._points.last
                break
        return Block(b"".join(frames), position, more=more)
