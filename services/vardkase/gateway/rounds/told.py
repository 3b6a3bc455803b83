"""A fuel round as it is planned and told: stops in order, who runs dry anyway, what simple orders would have cost."""

from collections.abc import Sequence
from typing import Any

from vardkase.logistics.fuel import Cost, Place, Stop, Task, lasts_until
from vardkase.logistics.search import earliest_first, nearest_first, plan
from vardkase_contracts.instants import HOUR, iso

from .asked import Fleet
from .wanting import Wanting


def planned(fleet: Fleet, wanted: Wanting, now: int) -> dict[str, Any]:
    """The plan as JSON. The same question has the same answer.

    Args:
        fleet: trucks and depots.
        wanted: the points.
        now: the instant (µs).
    """
    task = Task(
        now=now,
        until=now + round(fleet.hours * HOUR),
        places=wanted.places,
        trucks=tuple(each.made() for each in fleet.trucks),
        depots=tuple(each.made() for each in fleet.depots),
        road_factor=fleet.road_factor,
    )
    orders = plan(task)
    stops = [task.stops(truck, order) for truck, order in zip(task.trucks, orders, strict=True)]
    served = {stop.place.id: stop for own in stops for stop in own}
    unserved = [place for place in task.places if place.id not in served]
    dry = [place for place in task.places if (stop := served.get(place.id)) is None or stop.dry]
    return {
        "as_of": _iso(now),
        "until": _iso(task.until),
        "road_factor": task.road_factor,
        "points": len(task.places),
        "trucks": [
            {
                "name": truck.name,
                "km": round(sum(stop.metres for stop in own) / 1000, 1),
                "litres": round(sum(stop.litres for stop in own), 1),
                "stops": [_stop(stop, wanted) for stop in own],
            }
            for truck, own in zip(task.trucks, stops, strict=True)
        ],
        "dry": [_dry(place, served.get(place.id), task, wanted) for place in dry],
        "unserved": [place.id for place in unserved],
        "left_out": [{"point": point, "reason": reason} for point, reason in sorted(wanted.left_out.items())],
        "cost": _cost(task, orders),
        "compared": {
            "nearest_first": _cost(task, nearest_first(task)),
            "earliest_first": _cost(task, earliest_first(task)),
        },
    }


def _stop(stop: Stop, wanted: Wanting) -> dict[str, Any]:
    lasts = lasts_until(stop)
    return {
        **_place(stop.place, wanted),
        "arrives_at": _iso(stop.arrives_at),
        "litres": round(stop.litres, 1),
        "depot": stop.depot,
        "km": round(stop.metres / 1000, 1),
        "dry_on_arrival": stop.dry,
        "lasts_until": None if lasts is None else _iso(lasts),
    }


def _dry(place: Place, stop: Stop | None, task: Task, wanted: Wanting) -> dict[str, Any]:
    """A point that runs dry whatever is done: from when, and until fuel comes."""
    return {
        **_place(place, wanted),
        "dry_from": _iso(max(place.dry_at, task.now)),
        "dry_until": None if stop is None else _iso(stop.arrives_at),
    }


def _place(place: Place, wanted: Wanting) -> dict[str, Any]:
    point = wanted.points[place.id]
    return {
        "point": place.id,
        "name": point.name,
        "kommun": point.kommun,
        "position": {"lon": place.position[0], "lat": place.position[1]},
        "position_known": point.position is not None,
        "runs_out_at": _iso(place.dry_at),
        "weight": place.weight,
    }


def _cost(task: Task, orders: Sequence[Sequence[Place]]) -> dict[str, Any]:
    cost: Cost = task.total(orders)
    arrived = {
        stop.place.id: stop.dry
        for truck, order in zip(task.trucks, orders, strict=True)
        for stop in task.stops(truck, order)
    }
    return {
        "dry_points": sum(arrived.get(place.id, place.dry_at < task.until) for place in task.places),
        "dry_weight": cost.dry,
        "dry_weighted_hours": round(cost.dry_us / HOUR, 2),
        "km": round(cost.metres / 1000, 1),
    }


def _iso(at: int) -> str:
    return iso(at // 1_000_000 * 1_000_000)
