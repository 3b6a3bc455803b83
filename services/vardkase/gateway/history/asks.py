"""What is asked of the archive, and what is answered, as it passes between the gateway and a process that reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import SecretStr, TypeAdapter

from vardkase.archive.store import Basis
from vardkase.gateway.points import PointsQuery
from vardkase_contracts.vocab import Reality

What = Literal["picture", "points", "point", "history", "adopted", "handover", "changes", "scorecard"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A question. The same has the same answer for ever, but for what must not be shown any more."""

    what: What
    reality: Reality
    area: str
    """The code of the area; of a point its kommun's."""
    point: str | None = None
    at: int
    """The instant, µs, in the node's time."""
    basis: Basis
    by: int
    """What was stored later than this (µs) does not count."""
    query: PointsQuery | None = None
    """Of points: which."""
    first: int = 0
    """Of a history: the place of the first that is wanted."""
    most: int = 100
    """Of a history: how many are wanted."""
    newest_first: bool = False
    since: int = 0
    """Of changes, a handover and a scorecard: what was stored until then (µs) is not told of."""
    after: tuple[int, int, int] | None = None
    """Of changes: the place after which they go on."""
    now: int = 0
    """Of a handover: the node's time, µs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A question as it is given to a process, with all that it needs."""

    ask: Ask
    database: str
    """With the password: it goes through a pipe alone."""
    name: str
    """What the database calls the connection."""
    rules_file: Path | None
    federation: Path | None
    """Its file: by whose keys reports must be signed. None: the node is alone."""
    connect_timeout: float
    """Seconds."""
    statement_timeout: float
    heads: dict[str, tuple[str, int]]
    """Of each stream when it was made, and its last sequence."""
    patience: float
    """Seconds that it is waited for the archive to have what is asked about."""

    @property
    def url(self) -> SecretStr:
        """Of the database."""
        return SecretStr(self.database)


Failure = Literal["away", "behind", "not_found", "cursor", "too_large", "fault"]
"""Why there is no answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What is told of an answer before its bytes."""

    size: int = 0
    """Of the bytes that follow."""
    failure: Failure | None = None
    detail: str = ""
    """Of a failure: why, in one line; of a fault its trace."""
    reports: int = 0
    """How many reports were read."""
    matched: int = 0
    """Of a list: how many there are in all."""
    cursor: str | None = None
    """Of points: where the next page begins; None: there is none."""
    after: tuple[int, int, int] | None = None
    """Of changes: where the next page begins; None: there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An answer."""

    head: Head
    body: bytes
    """JSON. Of points, a history and changes: each of them, with a line feed between two."""


ORDER: Final = TypeAdapter(Order)
HEAD: Final = TypeAdapter(Head)
FRAME: Final = 4
"""Bytes of a length, the greatest first."""
LONGEST_ORDER: Final = 1 << 20
