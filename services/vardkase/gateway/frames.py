"""Server-sent events as bytes: made once for all who asked the same, also compressed."""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, Self

from .live import Change, ChangeKind

_POSITION: Final = re.compile(r"([0-9a-f]{12})\.([0-9]{1,18})\.([0-9]{1,18})\.([0-9]{1,18})")
ORDER: Final[tuple[ChangeKind, ...]] = ("alert", "picture", "state")
"""In which order what came meanwhile is told: what is urgent first."""
PIECE: Final = 64 * 1024
"""Bytes of events that are handed on at once, roughly: a reader that is slow holds no more than two such."""
HEARTBEAT: Final = b": \n\n"
GZIP_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""What a gzip stream begins with. After it, blocks that were deflated each by itself can follow in any order."""


class Position(NamedTuple):
    """How far a client has come: everything up to these sequences it has, or something newer on the same key."""

    picture: int
    alert: int
    state: int

    def moved(self, kind: ChangeKind, sequence: int) -> Self:
        """The position with one stream further on."""
        return self._replace(**{kind: sequence})

    def id(self, epoch: str) -> str:
        """As it stands in `id:`."""
        return f"{epoch}.{self.picture}.{self.alert}.{self.state}"


class Resume(NamedTuple):
    """What a client gave as `Last-Event-ID`."""

    epoch: str
    position: Position

    @classmethod
    def parse(cls, text: str) -> "Resume | None":
        """None: it is no id of ours."""
        found = _POSITION.fullmatch(text)
        return None if found is None else cls(found[1], Position(int(found[2]), int(found[3]), int(found[4])))


class Gathered:
    """What came and is to be told: every alert; of pictures and states the last of each key."""

    __slots__ = ("alerts", "coalesced", "pictures", "states")

    def __init__(self) -> None:
        self.alerts: list[Change] = []
        self.pictures: dict[str, Change] = {}
        self.states: dict[str, Change] = {}
        self.coalesced: dict[ChangeKind, int] = {}

    def __bool__(self) -> bool:
        return bool(self.alerts or self.pictures or self.states)

    def add(self, change: Change) -> None:
        """Take one in; the newest stands last."""
        if change.kind == "alert":
            self.alerts.append(change)
            return
        kept = self.pictures if change.kind == "picture" else self.states
        if kept.pop(change.key, None) is not None:
            self.coalesced[change.kind] = self.coalesced.get(change.kind, 0) + 1
        kept[change.key] = change

    def add_all(self, other: "Gathered") -> None:
        """Take in all that another has, which came later."""
        for change in other.changes():
            self.add(change)

    def changes(self) -> Iterator[Change]:
        """All of it, in the order in which it is told: of each stream in the order of its sequences."""
        yield from self.alerts
        yield from self.pictures.values()
        yield from self.states.values()

    def counts(self) -> Mapping[ChangeKind, int]:
        """How many of each."""
        return {"alert": len(self.alerts), "picture": len(self.pictures), "state": len(self.states)}


def event(name: str, data: bytes, id_: str | None = None) -> bytes:
    """One event. JSON has no line breaks but those that somebody put between its tokens."""
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\n", b" ").replace(b"\r", b" ")
    head = b"" if id_ is None else b"id: %s\n" % id_.encode()
    return b"%sevent: %s\ndata: %s\n\n" % (head, name.encode(), data)


def pieces(changes: Iterable[Change], epoch: str, before: Position) -> Iterator[tuple[bytes, Position]]:
    """Events in pieces of bounded size, each with the position after it.

    Args:
        changes: of each kind in the order of its sequences.
        epoch: of the ids.
        before: the position until then.
    """
    parts: list[bytes] = []
    size, at = 0, before
    for change in changes:
        at = at.moved(change.kind, change.held.sequence)
        parts.append(event(change.kind, change.held.data, at.id(epoch)))
        size += len(parts[-1])
        if size >= PIECE:
            yield b"".join(parts), at
            parts, size = [], 0
    if parts:
        yield b"".join(parts), at


def deflated(piece: bytes) -> bytes:
    """A piece as a block that stands by itself in any gzip stream after `GZIP_HEAD`."""
    packer = zlib.compressobj(level=5, wbits=-15)
    return packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
