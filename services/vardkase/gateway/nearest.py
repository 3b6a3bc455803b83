"""Where else one could go: the nearest point that is open, was heard of lately, has room, and power for a while."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from vardkase.domain.conditions import is_night
from vardkase.logistics.distance import kilometres
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import HOUR, iso

from .documents import Point

POWER: Final = 12 * HOUR
"""How long its power must last (CONTRACT §5)."""


def nearest(points: Iterable[Point], start: tuple[float, float], now: int, *, but: str | None) -> dict[str, Any] | None:
    """The nearest point that could take people in; None: none is known to.

    Args:
        points: which ones may be told of.
        start: longitude and latitude that one starts from.
        now: the instant (µs).
        but: a point that is not meant.
    """
    limit = iso(now + POWER)
    near = sorted(
        (kilometres(start, point.position), point.id, point)
        for point in points
        if point.position is not None
        and point.lifecycle == "open"
        and point.freshness == "fresh"
        and not point.retired
        and not point.dark
        and (point.runs_out_at is None or point.runs_out_at > limit)
        and point.id != but
    )
    for km, _, point in near:
        facts = point.document["facts"]
        room = room_of(facts, now)
        power = _value(facts, "power") or {}
        lasts = power.get("source") == "mains" or point.runs_out_at is not None
        if room is not None and room > 0 and lasts:
            return {
                "id": point.id,
                "name": point.name,
                "kommun": point.kommun,
                "km": round(km, 1),
                "room": room,
                "power": power.get("source"),
                "runs_out_at": point.runs_out_at,
                "condition": point.condition,
            }
    return None


def room_of(facts: Mapping[str, Any], now: int) -> int | None:
    """How many more a point takes in, by what is in force now; None: not known."""
    capacity = _capacity(facts, "capacity_night") if is_night(now) else None
    capacity = _capacity(facts, "capacity_day") if capacity is None else capacity
    occupancy = _value(facts, "occupancy")
    return None if capacity is None or occupancy is None else int(capacity) - int(occupancy)


def start_of(point: Point | None, kommun: str | None) -> tuple[float, float] | None:
    """Where a point is, or the middle of its kommun when that is not known."""
    if point is not None and point.position is not None:
        return point.position
    known = KOMMUNER.get(kommun or "")
    return None if known is None else known.position


def _capacity(facts: Mapping[str, Any], aspect: str) -> float | None:
    """What a status says wins over the register; 0 is unknown."""
    value = _value(facts, aspect)
    if value is None:
        value = (_value(facts, "profile") or {}).get(aspect)
    return value or None


def _value(facts: Mapping[str, Any], aspect: str) -> Any:
    fact = facts.get(aspect)
    return None if fact is None else fact["value"]
