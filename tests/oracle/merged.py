"""What merge comes to, in a form that the oracle's points and the program's states are both brought to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oracle.merge import Point, Said, Stamp, conflicts, instant

_TIMES = frozenset(("eta", "at", "needed_by"))
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "profile": {"publish": "hidden", "staff_min": 2, "refill_lead_h": 4},
    "needs": {"direction": "need", "state": "requested"},
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A value, and where it comes from."""

    stamp: Stamp
    value: Any
    source: str
    quality: str
    clock_adjusted: bool


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A point's merged state."""

    facts: Mapping[str, Entry]
    kept: Mapping[str, Sequence[tuple[Stamp, Any]]]
    content: int | None
    heartbeat: int | None
    reached: int | None
    contact: Entry | None
    conflicts: Mapping[str, tuple[str, str]]
    registered: bool
    retired: bool


def plain(value: Any, aspect: str = "") -> Any:
    """A value without what is null in it, with times as instants, and with the defaults of its aspect."""
    if not isinstance(value, Mapping):
        return instant(value) if isinstance(value, str) and aspect in ("opens_at", "closes_at") else value
    given = {name: inner for name, inner in value.items() if inner is not None}
    times = {name: instant(given[name]) for name in _TIMES & given.keys()}
    return {**_DEFAULTS.get(aspect.partition(".")[0], {}), **given, **times}


def merged(point: Point) -> Merged:
    """A point of the oracle in that form."""
    latest = {
        aspect: said[-1]
        for aspect, said in point.said.items()
        if not aspect.startswith("needs.") or aspect.removeprefix("needs.") in point.needs
    }
    return Merged(
        facts={aspect: _entry(said, aspect) for aspect, said in latest.items()},
        kept={a: [(said.stamp, plain(said.value, a)) for said in line] for a, line in point.kept.items()},
        content=point.content,
        heartbeat=point.heartbeat,
        reached=point.reached,
        contact=None if point.contact is None else _entry(point.contact, "contact"),
        conflicts={a: (newest.stamp.id, other.stamp.id) for a, (newest, other) in conflicts(point).items()},
        registered=point.registered,
        retired=point.retired,
    )


def _entry(said: Said, aspect: str) -> Entry:
    return Entry(
        stamp=said.stamp,
        value=plain(said.value, aspect),
        source=said.source,
        quality=said.quality,
        clock_adjusted=said.clock_adjusted,
    )
