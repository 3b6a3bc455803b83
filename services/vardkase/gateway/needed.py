"""Needs and surplus as they stand in the states of points: those that are open, with whose they are now. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vardkase_contracts.instants import parse
from vardkase_contracts.vocab import PRIORITIES

from .documents import Point

OPEN: Final = frozenset({"requested", "assigned", "under_way"})
"""States of a need that is not met yet, or of a surplus that is still there."""
_UNMET: Final = frozenset({"requested", "assigned"})
_PRESSING: Final = frozenset({"urgent", "high"})
_GENERATIONS: Final = 8
"""Needs move on over so many retirements (docs/rules.md, "Succession")."""
_RANK: Final = {priority: str(place) for place, priority in enumerate(reversed(PRIORITIES))}
_UNKNOWN_RANK: Final = str(len(_RANK))


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """A need, or a surplus, and the point that it is at now."""

    point: Point
    """Whose it is; of a retired one, the point that replaces it."""
    asked_by: str
    """The id of the point that said it."""
    need_id: str
    value: Mapping[str, Any]
    """As it was reported."""
    fact: Mapping[str, Any]
    """When it was said, by which report."""
    overdue: bool

    @property
    def direction(self) -> str:
        """`need` or `surplus`."""
        return self.value["direction"]

    @property
    def kind(self) -> str | None:
        """What of; None: it was not said."""
        return self.value.get("kind")

    @property
    def order(self) -> str:
        """Sorts needs before surplus, the most pressing first, then by when they must be met, then by when said."""
        value = self.value
        rank = _RANK.get(value.get("priority") or "", _UNKNOWN_RANK)
        by = value.get("needed_by") or "9999"
        return f"{self.direction} {rank} {by} {self.fact['observed_at']} {self.asked_by} {self.need_id}"

    def told(self) -> dict[str, Any]:
        """As JSON."""
        point = self.point
        return {
            "point": point.id,
            "name": point.name,
            "kommun": point.kommun,
            "lan": point.lan,
            "position": None if point.position is None else {"lon": point.position[0], "lat": point.position[1]},
            "lifecycle": point.lifecycle,
            "freshness": point.freshness,
            "asked_by": self.asked_by,
            **self.value,
            "overdue": self.overdue,
            "observed_at": self.fact["observed_at"],
            "quality": self.fact.get("quality", "observed"),
            "report": self.fact["report"],
            "source": self.fact["source"],
        }


def needs_of(points: Iterable[Point], now: int) -> Iterator[Need]:
    """The open needs and surplus of points.

    Args:
        points: of an area, kommuner themselves among them.
        now: the instant (µs), for what is overdue.
    """
    listed = {point.id: point for point in points}
    for point in listed.values():
        if not point.needs:
            continue
        facts = point.document["facts"]
        heir = _heir(point, facts, listed)
        for need_id, fact in facts["needs"].items():
            value = fact["value"]
            if value is None or value["state"] not in OPEN or (point.retired and value["direction"] == "surplus"):
                continue
            yield Need(
                point=heir,
                asked_by=point.id,
                need_id=need_id,
                value=value,
                fact=fact,
                overdue=_overdue(value, now),
            )


def _heir(point: Point, facts: Mapping[str, Any], listed: Mapping[str, Point]) -> Point:
    """Who has the needs of a point now: itself, or the one that replaces it when it is retired."""
    seen = {point.id}
    for _ in range(_GENERATIONS):
        retire = facts.get("retire") if point.retired else None
        successor = listed.get((retire or {}).get("value", {}).get("replaced_by") or "")
        if successor is None or successor.id in seen:
            break
        seen.add(successor.id)
        point = successor
        if not point.retired:
            break
        facts = point.document["facts"]
    return point


def _overdue(value: Mapping[str, Any], now: int) -> bool:
    """High or urgent, nobody under way with it, and past the time (CONTRACT §5, `need.overdue`)."""
    by = value.get("needed_by")
    pressing = value["direction"] == "need" and value.get("priority") in _PRESSING and value["state"] in _UNMET
    return pressing and by is not None and parse(by) <= now
