"""Overrides of rules, and silences, by definition: asked anew of all orders each time."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from hashlib import sha256
from typing import Any

from oracle import table
from oracle.merge import instant
from oracle.orders import Order, civilomraden, kind_of, within
from oracle.table import DAY, HOUR, LEVELS, MINUTE, SECOND, Level, Settings

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_DURATIONS = ("keep", "after_open", "after_heartbeats")
_LESS_IS_WORSE = ("power.endurance", "power.battery", "staff.next_shift", "water.low", "heat.low")


def lies_in(place: str, area: str) -> bool:
    """Whether a point or an area lies in an area, or is it."""
    if place == area:
        return True
    if place in civilomraden() or place == "SE":
        return area == "SE"
    return within(place[:4], area) if len(place) > 2 else area in ("SE", *_civo(place))


def _civo(lan: str) -> list[str]:
    return [code for code, of in civilomraden().items() if lan in of]


def _in_order(orders: Iterable[Order], kind: str, now: int) -> list[Order]:
    given = (order for order in orders if kind_of(order) == kind and instant(order["time"]) <= now)
    return sorted(given, key=lambda order: (instant(order["time"]), order["id"]))


# -- overrides ---------------------------------------------------------------------------------------------------------


def _chain(orders: Iterable[Order], place: str, now: int) -> list[Mapping[str, Any]]:
    """The overrides in force for a place, the widest first."""
    latest = {order["data"]["scope"]: order["data"]["override"] for order in _in_order(orders, "rules", now)}
    around = [scope for scope, override in latest.items() if override and lies_in(place, scope)]
    return [latest[scope] for scope in sorted(around, key=_narrowness)]


def _narrowness(scope: str) -> int:
    if scope == "SE":
        return 0
    return 1 if scope.isalpha() else len(scope)


def _us(text: str) -> int:
    return int(text[:-1]) * _UNITS[text[-1]]


def _merged(settings: Settings, said: Mapping[str, Any]) -> Settings:
    """The settings of a rule with what an override says of it in their place."""
    for name, value in said.items():
        if name not in LEVELS:
            settings = replace(settings, **{name: _us(value) if name in _DURATIONS else value})
        elif value is None:
            settings = replace(settings, **{name: None})
        else:
            level = settings.level(name) or Level()
            given = value if isinstance(value, dict) else {"for" if isinstance(value, str) else "limit": value}
            level = replace(level, limit=given["limit"]) if "limit" in given else level
            level = replace(level, after=_us(given["for"])) if "for" in given else level
            settings = replace(settings, **{name: level})
    return settings


def _possible(rule: str, settings: Settings) -> bool:
    """Whether what was possible by itself still is when it was put together."""
    if table.DEFAULT[rule].yellow is None or table.DEFAULT[rule].yellow.limit is None:
        return True
    limits = [level.limit for name in LEVELS if (level := settings.level(name)) is not None]
    return None not in limits and limits == sorted(limits, reverse=rule in _LESS_IS_WORSE)


def table_of(orders: Iterable[Order], place: str, now: int) -> table.Table:
    """The table that judges a point or an area at an instant."""
    chain = _chain(orders, place, now)
    found = dict(table.DEFAULT)
    for rule, settings in table.DEFAULT.items():
        parts = [override[rule] for override in chain if override.get(rule)]
        for widest in range(len(parts)):
            merged = settings
            for said in parts[widest:]:
                merged = _merged(merged, said)
            if _possible(rule, merged):
                found[rule] = merged
                break
    return found


def version_of(found: table.Table) -> str:
    """What the table is called in an alert."""
    different: dict[str, dict[str, Any]] = {}
    for rule, settings in found.items():
        for each in fields(Settings):
            value = getattr(settings, each.name)
            if value != getattr(table.DEFAULT[rule], each.name):
                different.setdefault(rule, {})[each.name] = _told(each.name, value)
    if not different:
        return "default-1"
    said = json.dumps(different, sort_keys=True, separators=(",", ":"))
    return f"default-1+{sha256(said.encode()).hexdigest()[:12]}"


def _told(name: str, value: Any) -> Any:
    if isinstance(value, Level):
        return {"for": value.after // SECOND, "limit": None if value.limit is None else float(value.limit)}
    return value // SECOND if name in _DURATIONS else value


# -- silences ----------------------------------------------------------------------------------------------------------


def silences(orders: Sequence[Order], rule: str, about: str, now: int) -> dict[tuple[str, str], int]:
    """Whose silences hold of an alert at an instant, each until when: of each area the longest."""
    latest: dict[tuple[str, str, str], Order] = {}
    for order in _in_order(orders, "silence", now):
        by = order["data"]["by"]
        latest[by["level"], by["code"], order["data"].get("id") or order["id"]] = order
    found: dict[tuple[str, str], int] = {}
    for (level, code, _), order in latest.items():
        until = min(instant(order["data"]["until"]), instant(order["time"]) + 30 * DAY)
        if _matches(order, rule, about) and instant(order["data"]["from"]) <= now < until:
            found[level, code] = max(until, found.get((level, code), until))
    return found


def _matches(order: Order, rule: str, about: str) -> bool:
    matcher = order["data"]["matcher"]
    places = [order["subject"], *([matcher["area"]] if matcher.get("area") else [])]
    return (
        matcher.get("rule") in (None, rule)
        and matcher.get("point") in (None, about)
        and all(lies_in(about, place) for place in places)
    )
