"""What the public stream says, held in memory: points, tombstones, and which kommuner take part. Pure.

Every document keeps the sequence it has in the stream, and the documents are in order of it. So what a reader has not
seen is what comes after its last sequence, a point that changed twice comes once, and no reader needs a queue.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
from sortedcontainers import SortedDict, SortedSet

from vardkase.gateway.filters import Box
from vardkase_contracts.public import PUBLIC, PublicKommun, PublicPoint, PublicTombstone

from .aging import FOREVER, ages_at, as_read

_FIELDS: Final = frozenset(PublicPoint.model_fields)
"""The allow-list once more: a field that the contract does not call public goes no further."""
_AFTER_DASH: Final = "."
"""Sorts after every id of a kommun: `-` is just before it."""


@dataclass(slots=True)
class _Point:
    sequence: int
    document: dict[str, Any]
    read: dict[str, Any]
    """As it is to be read now."""
    feature: bytes


class Event(NamedTuple):
    """A change, as a stream of events tells it."""

    sequence: int
    key: str
    """The point's id, or the kommun's (`2480-_`)."""
    kind: str
    """`point`, `gone` or `kommun`."""
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Which points are asked for. Hashable: equal questions share their answers."""

    kommuner: frozenset[str] | None = None
    """Only those in these kommuner; None: all."""
    box: Box | None = None
    """Only those within."""
    kinds: frozenset[str] = frozenset()
    """Only these kinds; empty: all."""
    statuses: frozenset[str] = frozenset()
    """Only these statuses; empty: all."""
    services: frozenset[str] = frozenset()
    """Only those where each of these is available or limited now; of those without live status, planned."""
    after: str = ""
    """Only ids that sort after this one."""
    limit: int = 5_000
    """Most points and tombstones of one answer."""

    def covers(self, point: str) -> bool:
        """Whether an id lies in the kommuner that are asked for."""
        return self.kommuner is None or point[:4] in self.kommuner

    def matches(self, read: dict[str, Any]) -> bool:
        """Whether a point, as it is to be read now, is one of those that are asked for."""
        if self.kinds and read["kind"] not in self.kinds:
            return False
        if self.statuses and read.get("status") not in self.statuses:
            return False
        if self.services and not all(_gives(read, code) for code in self.services):
            return False
        return self.box is None or self.box.holds((read["position"]["lon"], read["position"]["lat"]))


class Page(NamedTuple):
    """A part of an answer, in order of id."""

    features: list[bytes]
    gone: list[str]
    """Tombstones among the ids of this page."""
    matched: int
    """How many points match in all."""
    after: str | None
    """The last id of this page, where another follows."""


class PublicPoints:
    """Everything that is public in the area, and what has changed since when."""

    def __init__(self) -> None:
        self.version = 0
        """Grows whenever anything that can be read here changes."""
        self._points: dict[str, _Point] = {}
        self._others: dict[str, Event] = {}  # tombstones, and kommuner
        self._kommuner: dict[str, str] = {}
        self._ids: SortedSet = SortedSet()  # ids of points and the tombstones of points
        self._order: SortedDict = SortedDict()  # ids by sequence
        self._due: list[tuple[int, int, str]] = []

    def __len__(self) -> int:
        """How many points there are."""
        return len(self._points)

    @property
    def last(self) -> int:
        """The greatest sequence that is held; 0 when nothing is."""
        return next(reversed(self._order), 0)

    @property
    def kommuner(self) -> dict[str, str]:
        """The names of the kommuner that take part, by code."""
        return self._kommuner

    def clear(self) -> None:
        """Forget everything: the store is another."""
        self._points.clear()
        self._others.clear()
        self._kommuner.clear()
        self._ids.clear()
        self._order.clear()
        self._due.clear()
        self.version += 1

    def take(self, sequence: int, data: bytes, now: int) -> None:
        """A document of the stream, in the place of what was held of the same point or kommun.

        Args:
            sequence: in the stream.
            data: the document.
            now: the instant (µs).

        Raises:
            pydantic.ValidationError: it is no public document.
        """
        found = PUBLIC.validate_json(data)
        self._forget(found.id)
        match found:
            case PublicPoint():
                raw = orjson.loads(data)
                document = {name: raw[name] for name in raw if name in _FIELDS}
                read = as_read(document, now)
                self._points[found.id] = _Point(sequence, document, read, feature(read))
                self._ids.add(found.id)
                self._wait(found.id, sequence, document, now)
            case PublicKommun():
                self._kommuner[found.kommun] = found.name
                self._others[found.id] = Event(sequence, found.id, "kommun", _kommun(found.kommun, found.name))
            case PublicTombstone() if found.id.endswith("-_"):
                self._others[found.id] = Event(sequence, found.id, "kommun", _kommun(found.id[:4], None))
            case PublicTombstone():
                self._ids.add(found.id)
                told = orjson.dumps({"id": found.id, "gone": True})
                self._others[found.id] = Event(sequence, found.id, "gone", told)
        self._order[sequence] = found.id
        self.version += 1

    def age(self, now: int) -> None:
        """Let time pass to an instant (µs)."""
        while self._due and self._due[0][0] <= now:
            _, sequence, point = heapq.heappop(self._due)
            held = self._points.get(point)
            if held is None or held.sequence != sequence:
                continue
            held.read = as_read(held.document, now)
            held.feature = feature(held.read)
            self._wait(point, sequence, held.document, now)
            self.version += 1

    def point(self, point: str) -> bytes | None:
        """The feature of a point; None when it is not public."""
        held = self._points.get(point)
        return None if held is None else held.feature

    def is_gone(self, point: str) -> bool:
        """Whether there is a tombstone of it."""
        return point in self._others

    def read(self, question: Question) -> list[dict[str, Any]]:
        """The points of a question as they are to be read now, in order of id, up to its limit."""
        found: list[dict[str, Any]] = []
        for point in self._candidates(question):
            held = self._points.get(point)
            if held is not None and point > question.after and question.matches(held.read):
                found.append(held.read)
                if len(found) == question.limit:
                    break
        return found

    def page(self, question: Question) -> Page:
        """The answer to a question, as it is now."""
        features: list[bytes] = []
        gone: list[str] = []
        matched, last, more = 0, "", False
        for point in self._candidates(question):
            held = self._points.get(point)
            if held is not None:
                if not question.matches(held.read):
                    continue
                matched += 1
            if point <= question.after or more:
                continue
            if len(features) + len(gone) == question.limit:
                more = True
                continue
            last = point
            if held is None:
                gone.append(point)
            else:
                features.append(held.feature)
        return Page(features, gone, matched, last if more else None)

    def last_of(self, question: Question) -> int:
        """The greatest sequence among what a question covers: whoever has its answer goes on after that."""
        return next((sequence for sequence, key in reversed(self._order.items()) if question.covers(key)), 0)

    def after(self, sequence: int) -> Iterator[Event]:
        """What has changed since a sequence, the oldest change first, each point once, as it is to be read now."""
        for at in self._order.irange(minimum=sequence, inclusive=(False, True)):
            key = self._order[at]
            held = self._points.get(key)
            yield self._others[key] if held is None else Event(at, key, "point", held.feature)

    def _candidates(self, question: Question) -> Iterable[str]:
        if question.kommuner is None:
            return self._ids
        return (
            point
            for kommun in sorted(question.kommuner)
            for point in self._ids.irange(f"{kommun}-", f"{kommun}{_AFTER_DASH}")
        )

    def _wait(self, point: str, sequence: int, document: dict[str, Any], now: int) -> None:
        due = next((at for at in ages_at(document) if at > now), FOREVER)
        if due < FOREVER:
            heapq.heappush(self._due, (due, sequence, point))
        if len(self._due) > 2 * len(self._points) + 64:  # what was replaced before it was due
            self._due = [each for each in self._due if self._is_held(each[2], each[1])]
            heapq.heapify(self._due)

    def _is_held(self, point: str, sequence: int) -> bool:
        held = self._points.get(point)
        return held is not None and held.sequence == sequence

    def _forget(self, key: str) -> None:
        held, other = self._points.pop(key, None), self._others.pop(key, None)
        before = held or other
        if before is not None:
            self._order.pop(before.sequence, None)
        self._ids.discard(key)
        if key.endswith("-_"):
            self._kommuner.pop(key[:4], None)


def feature(read: dict[str, Any]) -> bytes:
    """A public point as a GeoJSON feature (RFC 7946)."""
    position = read["position"]
    return orjson.dumps(
        {
            "type": "Feature",
            "id": read["id"],
            "geometry": {"type": "Point", "coordinates": [position["lon"], position["lat"]]},
            "properties": {"kommun": read["id"][:4]} | {name: read[name] for name in read if name != "position"},
        }
    )


def _kommun(code: str, name: str | None) -> bytes:
    told = {"kommun": code, "takes_part": name is not None}
    return orjson.dumps(told if name is None else told | {"name": name})


def _gives(read: dict[str, Any], code: str) -> bool:
    services = read.get("services")
    if services is None:
        return code in read.get("planned_services", ())
    return services.get(code) in {"available", "limited"}
