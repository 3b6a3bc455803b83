"""Orders that judging reads: acks, and incidents (as CloudEvents)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from oracle.merge import instant
from oracle.scan import Verdict
from oracle.table import HOUR, LEVELS

Order = Mapping[str, Any]
_AREAS = Path(__file__).parents[2] / "contracts" / "vardkase_contracts" / "data" / "areas.json"


@cache
def _areas() -> Mapping[str, Any]:
    return json.loads(_AREAS.read_text())


@cache
def civilomraden() -> Mapping[str, Sequence[str]]:
    """The län of each civilområde."""
    return {civo["code"]: civo["lan"] for civo in _areas()["civilomraden"]}


@cache
def kommuner(area: str) -> Sequence[str]:
    """The kommuner of an area."""
    return [kommun["code"] for kommun in _areas()["kommuner"] if within(kommun["code"], area)]


def within(kommun: str, area: str) -> bool:
    """Whether the kommun lies in the area (kommun, län, civilområde or SE), or is it."""
    return area in ("SE", kommun) or kommun[:2] == area or kommun[:2] in civilomraden().get(area, ())


def kind_of(order: Order) -> str:
    """Its kind: `ack`, `incident` and so on."""
    return order["type"].removeprefix("se.trygghetspunkt.order.").removesuffix(".v1")


def incidents(orders: Iterable[Order], kommun: str, now: int) -> list[tuple[int, int | None]]:
    """From when, and until when (None: no end), each incident that `now` knows of concerns the kommun."""
    latest: dict[str, Order] = {}
    for order in sorted(orders, key=lambda o: (instant(o["time"]), o["id"])):
        if kind_of(order) == "incident" and instant(order["time"]) <= now:
            latest[order["data"]["id"]] = order
    return [
        (
            instant(order["data"].get("from") or order["time"]),
            instant(order["data"]["until"]) if order["data"].get("until") else None,
        )
        for order in latest.values()
        if any(within(kommun, area) for area in order["data"]["areas"])
    ]


def in_force(incident: tuple[int, int | None], t: int) -> bool:
    """Whether the incident is in force at t."""
    start, until = incident
    return start <= t and (until is None or t < until)


def acks(
    orders: Iterable[Order], key: str, verdict: Verdict, runs_out_at: int | None, now: int
) -> dict[tuple[str, str], int]:
    """The acks that quiet an alert at `now`: of each area (level and code) its latest, and until when it does."""
    latest: dict[tuple[str, str], Order] = {}
    for order in sorted(orders, key=lambda o: (instant(o["time"]), o["id"])):
        if kind_of(order) == "ack" and order["data"]["key"] == key and instant(order["time"]) <= now:
            by = order["data"]["by"]
            latest[by["level"], by["code"]] = order
    ends = {where: _until(order, runs_out_at) for where, order in latest.items()}
    return {where: ends[where] for where, order in latest.items() if _counts(order, verdict, ends[where], now)}


def _until(order: Order, runs_out_at: int | None) -> int:
    at, given = instant(order["time"]), order["data"].get("until")
    until = instant(given) if given else at + 4 * HOUR
    return min(until, runs_out_at) if runs_out_at is not None and runs_out_at > at else until


def _counts(order: Order, verdict: Verdict, until: int, now: int) -> bool:
    not_worse = LEVELS.index(verdict.level) <= LEVELS.index(order["data"]["level"])
    return verdict.raised_at <= instant(order["time"]) <= now < until and not_worse
