"""What was sent, and what came to each hub: by which it is known when all is there again. Pure.

A report is known by its kommun and its number there, from 1: `Tp-Origin` tells both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vardkase_contracts.areas import KOMMUNER

_LONGEST = 1 << 24
"""Reports of a kommun that are told apart; a number beyond it is no number."""


def origin(node: str, number: int) -> str:
    """How a report's origin is told."""
    return f"{node}/{number}"


def parse_origin(text: str) -> tuple[str, int] | None:
    """Kommun and number of an origin; None when it is none of a kommun's node."""
    node, slash, number = text.partition("/")
    kommun = node.removeprefix("kommun-")
    if not slash or kommun not in KOMMUNER or not number.isdecimal() or not 0 < int(number) < _LONGEST:
        return None
    return kommun, int(number)


class _Line:
    """What came of one kommun to one hub."""

    __slots__ = ("count", "counts", "doubled")

    def __init__(self) -> None:
        self.counts = bytearray()
        self.count = 0
        self.doubled = 0

    def came(self, number: int) -> None:
        if number >= len(self.counts):
            self.counts.extend(bytes(max(number + 1 - len(self.counts), 256)))
        held = self.counts[number]
        if held:
            self.doubled += 1
        else:
            self.count += 1
        self.counts[number] = min(255, held + 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """How a hub stands."""

    merged: int
    """Reports that came to it, each once."""
    missing: int
    """Sent below it, and not there."""
    doubled: int
    """Came again."""


class Ledger:
    """Counts what was sent and what came.

    Args:
        below: the kommuner whose reports come to each hub, by the hub's name.
    """

    def __init__(self, below: Mapping[str, Iterable[str]]) -> None:
        self._below = {hub: tuple(kommuner) for hub, kommuner in below.items()}
        self._sent = dict.fromkeys({kommun for each in self._below.values() for kommun in each}, 0)
        self._lines = {hub: {kommun: _Line() for kommun in kommuner} for hub, kommuner in self._below.items()}

    def sent(self, kommun: str, upto: int) -> None:
        """The reports of a kommun up to this number are on its own server's disk."""
        self._sent[kommun] = max(self._sent[kommun], upto)

    def came(self, hub: str, kommun: str, number: int) -> None:
        """A report is in the log of a hub."""
        line = self._lines[hub].get(kommun)
        if line is not None:
            line.came(number)

    @property
    def total(self) -> int:
        """How many were sent."""
        return sum(self._sent.values())

    def marks(self) -> Mapping[str, int]:
        """How far each kommun has come."""
        return dict(self._sent)

    def missing(self, hub: str, marks: Mapping[str, int]) -> int:
        """How many of what had been sent then are not at a hub."""
        return sum(max(0, marks[kommun] - line.count) for kommun, line in self._lines[hub].items())

    def level(self, hub: str) -> Level:
        """How a hub stands."""
        lines = self._lines[hub]
        return Level(
            merged=sum(line.count for line in lines.values()),
            missing=self.missing(hub, self._sent),
            doubled=sum(line.doubled for line in lines.values()),
        )
