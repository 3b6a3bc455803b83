"""Which points of an area want fuel, by when and how much; and which are left out of a round, and why. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from vardkase.domain.forecast.points import Forecast
from vardkase.gateway.documents import Point
from vardkase.gateway.nearest import start_of
from vardkase.logistics.fuel import MOST_POINTS, Place, weight_of
from vardkase_contracts.instants import HOUR, parse

Reason = Literal["refill_confirmed", "endurance_unknown", "no_place", "too_many"]

FILL_H: Final = 12.0
"""Where no need says how much, enough for so long, when its use is known (ours)."""
FILL_L: Final = 100.0
"""Else so much (ours)."""
REFILL_MARGIN: Final = HOUR
"""A refill that is confirmed helps when it comes so long before (CONTRACT §5)."""
_GIVEN: Final = frozenset({"available", "limited"})
_OPEN: Final = frozenset({"requested", "assigned", "under_way"})
_NOT_BY_FUEL: Final = frozenset({"fault", "not_connected"})
"""Fuel alone does not make these run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanting:
    """The points of a round, and those that are not in it."""

    places: tuple[Place, ...]
    """Soonest first."""
    points: Mapping[str, Point]
    left_out: Mapping[str, Reason]


def wanting(points: Iterable[tuple[Point, Forecast | None]], now: int, until: int) -> Wanting:
    """Those on backup that run dry before the end, or have: by the earlier of what was reported and the trend.

    Args:
        points: points in use, each with what is foreseen of its power.
        now: the instant (µs).
        until: the end of the round (µs).
    """
    places: list[Place] = []
    known: dict[str, Point] = {}
    left_out: dict[str, Reason] = {}
    for point, forecast in points:
        facts = {} if (document := point.document).get("cut") else document["facts"]
        power = _value(facts.get("power")) or {}
        if power.get("source") != "backup" or power.get("backup_state") in _NOT_BY_FUEL:
            continue
        known[point.id] = point
        dry_at = _dry_at(point, forecast, facts, now)
        position = start_of(point, point.kommun)
        if dry_at is None:
            left_out[point.id] = "endurance_unknown"
        elif dry_at > until:
            continue
        elif _comes(facts, dry_at, now):
            left_out[point.id] = "refill_confirmed"
        elif position is None:
            left_out[point.id] = "no_place"
        else:
            places.append(_place(point, position, dry_at, power, facts, forecast))
    places.sort(key=lambda place: (place.dry_at, -place.weight, place.id))
    left_out |= {place.id: "too_many" for place in places[MOST_POINTS:]}
    return Wanting(places=tuple(places[:MOST_POINTS]), points=known, left_out=left_out)


def _place(
    point: Point,
    position: tuple[float, float],
    dry_at: int,
    power: Mapping[str, Any],
    facts: Mapping[str, Any],
    forecast: Forecast | None,
) -> Place:
    profile = _value(facts.get("profile")) or {}
    services = facts.get("services", {})
    charging = _value(services.get("medical_device_charging"))
    planned = profile.get("planned_services") or ()
    rate = power.get("fuel_l_per_h") or None
    if forecast is not None and forecast.basis == "trend" and forecast.unit == "l" and forecast.rate:
        rate = -forecast.rate
    return Place(
        id=point.id,
        position=position,
        dry_at=dry_at,
        litres=_litres(facts, rate),
        weight=weight_of(
            medical=charging in _GIVEN or (charging is None and "medical_device_charging" in planned),
            overnight=_value(services.get("overnight")) in _GIVEN,
            fuel_priority=profile.get("fuel_priority"),
        ),
        l_per_h=rate,
    )


def _dry_at(point: Point, forecast: Forecast | None, facts: Mapping[str, Any], now: int) -> int | None:
    """When it runs dry: the earlier of the two ways to tell; where neither does, by when fuel was asked for."""
    times = [] if point.runs_out_at is None else [parse(point.runs_out_at)]
    if forecast is not None and forecast.at is not None:
        times.append(forecast.at)
    if times:
        return min(times)
    if point.dark:
        return now
    return min((parse(each["needed_by"]) for each in _fuel_needs(facts) if each.get("needed_by")), default=None)


def _litres(facts: Mapping[str, Any], rate: float | None) -> float:
    """As much as was asked for; else by its use."""
    asked = [
        each["quantity"]
        for each in _fuel_needs(facts)
        if each.get("quantity") and (each.get("unit") or "l").strip().lower() in {"l", "liter", "litre", "litres"}
    ]
    if asked:
        return max(asked)
    return FILL_L if rate is None else max(1.0, rate * FILL_H)


def _fuel_needs(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    values = [fact["value"] for fact in facts.get("needs", {}).values() if fact["value"] is not None]
    return [
        each for each in values if each["direction"] == "need" and each.get("kind") == "fuel" and each["state"] in _OPEN
    ]


def _comes(facts: Mapping[str, Any], dry_at: int, now: int) -> bool:
    """Whether fuel is on its way in time already."""
    refill = _value(facts.get("refill")) or {}
    eta = refill.get("eta")
    return bool(refill.get("confirmed")) and eta is not None and now <= parse(eta) <= dry_at - REFILL_MARGIN


def _value(fact: Any) -> Any:
    return None if fact is None else fact["value"]
