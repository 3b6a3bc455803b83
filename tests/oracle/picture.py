"""A picture's counts, counted anew from the points, in the fields of the contract's picture."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from oracle import table
from oracle.area import World
from oracle.merge import instant
from oracle.orders import kommuner
from oracle.point import Judge

LIFECYCLES = ("planned", "prepared", "establishing", "open", "closing", "closed", "unknown")
AVAILABILITIES = ("normal", "limited", "full", "unknown")
CONDITIONS = ("green", "yellow", "red", "critical", "unknown", "not_applicable")
FRESHNESSES = ("fresh", "ageing", "stale", "silent")
SERVICE_STATES = ("available", "limited", "stopped", "planned", "unknown")
SOURCES = ("mains", "backup", "battery", "none", "unknown")
ACTIVATIONS = ("none_needed", "assessing", "activating", "active", "unknown")
NEED_STATES = ("requested", "assigned", "under_way", "delivered", "cancelled")


def _count(words: Iterable[str], points: Iterable[Judge], word: Callable[[Judge], str | None]) -> dict[str, int]:
    found = Counter(word(judge) or "unknown" for judge in points)
    return {name: found[name] for name in words}


def picture(world: World, area: str) -> dict[str, Any]:
    """The counts of an area."""
    here = [judge for judge in world.judges_in(area) if not judge.itself and not judge.point.retired]
    open_ = [judge for judge in here if judge.is_open]
    return {
        "condition": {
            "lifecycle": _count(LIFECYCLES, here, lambda j: j.lines.lifecycle(j.now)),
            "availability": _count(AVAILABILITIES, open_, lambda j: j.point.value("availability")),
            "condition": _count(CONDITIONS, here, lambda j: j.condition),
            "freshness": _count(FRESHNESSES, here, lambda j: j.freshness or "silent"),
            "occupancy": _occupancy(open_),
            "capacity": _sum(open_, [j.capacity(j.now) for j in open_]),
            "services": _services(open_),
            "activation": _activation(world, area),
        },
        "forecast": _forecast([judge for judge in here if judge.in_use(judge.now)], world.now),
        "resources": {
            "free_capacity": _sum(open_, [_free(j) for j in open_]),
            "staff": _staff(open_),
            "power": _count(SOURCES, open_, lambda j: (j.lines.value("power", j.now) or {}).get("source")),
            "surplus": _surplus(world, area),
        },
        "measures": _measures(world, area),
        "coverage": _coverage(world, area, here),
        "alerts": _alerts(world, area),
    }


def _occupied(judge: Judge) -> int | None:
    return judge.lines.value("occupancy", judge.now)


def _occupancy(points: list[Judge]) -> dict[str, Any]:
    known = [n for judge in points if (n := _occupied(judge)) is not None]
    bounds = [judge.capacity(judge.now) for judge in points if _occupied(judge) is None]
    room = [bound for bound in bounds if bound is not None]
    unbounded = len(bounds) - len(room)
    return {
        "sum": sum(known),
        "low": sum(known),
        "high": None if unbounded else sum(known) + sum(room),
        "points": len(known),
        "of": len(points),
        "unbounded": unbounded,
    }


def _sum(points: list[Judge], values: list[int | None]) -> dict[str, int]:
    known = [value for value in values if value is not None]
    return {"sum": sum(known), "points": len(known), "of": len(points)}


def _free(judge: Judge) -> int | None:
    capacity, occupied = judge.capacity(judge.now), _occupied(judge)
    return None if capacity is None or occupied is None else max(0, capacity - occupied)


def _services(points: list[Judge]) -> dict[str, dict[str, int]]:
    return {
        code: _count(SERVICE_STATES, said, lambda j, code=code: j.point.value(f"services.{code}"))
        for code in sorted(table.SERVICES)
        if (said := [judge for judge in points if f"services.{code}" in judge.point.said])
    }


def _activation(world: World, area: str) -> dict[str, Any]:
    states = {
        code: (world.points[f"{code}-_"].value("activation") if f"{code}-_" in world.points else None) or "unknown"
        for code in kommuner(area)
    }
    counts = Counter(states.values())
    return {"counts": {name: counts[name] for name in ACTIVATIONS}, "kommuner": states}


def _forecast(points: list[Judge], now: int) -> dict[str, Any]:
    left = [judge.runs_out_at - now for judge in points if judge.runs_out_at is not None and not judge.dark]
    places = [(0 if j.dark else 1 if j.endurance_unknown else 2, j.runs_out_at or 0, j.point.id) for j in points]
    coming = [j.dark or j.endurance_unknown or j.runs_out_at is not None for j in points]
    return {
        "dark": sum(judge.dark for judge in points),
        "endurance_unknown": sum(judge.endurance_unknown for judge in points),
        "out_within": {f"{h}h": sum(d <= h * table.HOUR for d in left) for h in (6, 12, 24)},
        "next": [p for _, _, p in sorted(place for place, c in zip(places, coming, strict=True) if c)][:20],
    }


def _staff(points: list[Judge]) -> dict[str, int]:
    present, required, short = [], [], 0
    for judge in points:
        staff = judge.lines.value("staff", judge.now) or {}
        here, wanted = staff.get("present"), staff.get("required")
        wanted = judge.point.profile.get("staff_required") if wanted is None else wanted
        present += [] if here is None else [here]
        required += [] if wanted is None else [wanted]
        short += 0 if here is None or wanted is None else max(0, wanted - here)
    return {
        "present": sum(present),
        "points": len(present),
        "required": sum(required),
        "short": short,
        "of": len(points),
    }


def _needs(world: World, area: str, direction: str) -> list[Mapping[str, Any]]:
    return [
        {"state": "requested", "kind": "unknown", **{k: v for k, v in said.value.items() if v is not None}}
        for judge in world.judges_in(area)
        if not judge.point.retired
        for said in judge.needs
        if (said.value.get("direction") or "need") == direction
    ]


def _surplus(world: World, area: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for need in _needs(world, area, "surplus"):
        if need["state"] in ("delivered", "cancelled"):
            continue
        kind = found.setdefault(need["kind"], {"count": 0, "quantities": {}})
        kind["count"] += 1
        if "quantity" in need:
            unit = need.get("unit", "")
            kind["quantities"][unit] = kind["quantities"].get(unit, 0) + need["quantity"]
    return found


def _measures(world: World, area: str) -> dict[str, Any]:
    counts: dict[str, dict[str, int]] = {}
    for need in _needs(world, area, "need"):
        counts.setdefault(need["kind"], dict.fromkeys(NEED_STATES, 0))[need["state"]] += 1
    late = [
        need
        for judge in world.judges_in(area)
        if not judge.point.retired
        for need in judge.pressing
        if instant(need["needed_by"]) <= judge.now
    ]
    return {"needs": counts, "overdue": len(late)}


def _coverage(world: World, area: str, here: list[Judge]) -> dict[str, Any]:
    expected = [judge for judge in here if judge.point.registered]
    by = Counter(judge.freshness or "silent" for judge in expected)
    on_time = by["fresh"] + by["ageing"]
    reporting = [judge for judge in expected if judge.freshness not in (None, "silent")]
    return {
        "expected": len(expected),
        "reporting": on_time + by["stale"],
        "on_time": on_time,
        "stale": by["stale"],
        "silent": by["silent"],
        "unregistered": len(here) - len(expected),
        "oldest": min((j.point.content for j in expected if j.is_open and j.point.content is not None), default=None),
        "kommuner": {
            "total": len(kommuner(area)),
            "with_points": len({judge.point.kommun for judge in here}),
            "reporting": len({judge.point.kommun for judge in reporting}),
            "silent": sum(code in world.silences for code in kommuner(area)),
        },
    }


def _alerts(world: World, area: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for judge in world.judges_in(area):
        for rule, verdict in judge.verdicts.items():
            found.setdefault(rule, dict.fromkeys(table.LEVELS, 0))[verdict.level] += 1
    return found
