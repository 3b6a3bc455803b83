"""Merge by definition: from the whole set of reports to what each point has said, and the stamps that are kept."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from oracle.table import AHEAD, BUCKET, BUCKETS, CONFLICT, CONTENT, HOUR, LONGEST_H, NEEDS, SERVICES

Json = Any
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS = ("lifecycle", "availability", "occupancy", "capacity_day", "capacity_night", "message", "note")
_WHEN = ("opens_at", "closes_at")
_SECTIONS = ("power", "refill", "staff", "next_shift", "water", "heat", "comms")
_TIMELINES = frozenset(("lifecycle", "occupancy", "power", "staff", "water", "heat", "comms"))


def instant(text: str) -> int:
    """The instant of an RFC 3339 time."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Given:
    """A report as it was given: the CloudEvent, and the instant in `Tp-Received`."""

    event: Mapping[str, Json]
    received: int

    @cached_property
    def raw(self) -> bytes:
        """The event's bytes: canonical JSON."""
        return json.dumps(self.event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def identity(self) -> tuple[str, str, str]:
        """Reality, kommun, id."""
        return self.event["reality"], self.point[:4], self.event["id"]

    @property
    def point(self) -> str:
        """The point's id; `<kommun>-_` for the kommun itself."""
        return self.event["subject"]

    @property
    def kind(self) -> str:
        """The kind of report."""
        return self.event["type"].removeprefix("se.trygghetspunkt.").removesuffix(".v1")

    @property
    def data(self) -> Mapping[str, Json]:
        """What is reported."""
        return self.event.get("data") or {}

    @property
    def clock_adjusted(self) -> bool:
        """Whether it says it was observed more than 2 min after it was received."""
        return instant(self.event["time"]) > self.received + AHEAD

    @property
    def effective(self) -> int:
        """When it counts as observed."""
        return self.received if self.clock_adjusted else instant(self.event["time"])


class Stamp(NamedTuple):
    """What reports are ordered by."""

    at: int
    seq: int
    id: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """One aspect as one report gave it."""

    stamp: Stamp
    value: Json
    source: str
    quality: str
    clock_adjusted: bool

    @property
    def at(self) -> int:
        """The effective time."""
        return self.stamp.at


@dataclass(frozen=True, kw_only=True)
class Point:
    """All that the reports about one point (or the kommun itself) come to, before any clock."""

    id: str
    said: Mapping[str, Sequence[Said]]
    """Of each aspect everything that was said, in the order of the stamps."""
    content: int | None
    heartbeat: int | None
    contact: Said | None
    reached: int | None
    """When a contact last reached it."""
    kept: Mapping[str, Sequence[Said]] = field(default_factory=dict)
    """Of each aspect with a timeline the stamps that it keeps, in order."""

    @property
    def kommun(self) -> str:
        """The kommun's code."""
        return self.id[:4]

    def fact(self, aspect: str) -> Said | None:
        """What was said last."""
        said = self.said.get(aspect)
        return said[-1] if said else None

    def value(self, aspect: str) -> Json:
        """The last value; None when it is unknown or was never said."""
        fact = self.fact(aspect)
        return None if fact is None else fact.value

    @property
    def registered(self) -> bool:
        """Whether a register report stands."""
        return "profile" in self.said

    @property
    def retired(self) -> bool:
        """Whether the last word in the register is that it is gone."""
        retire, profile = self.fact("retire"), self.fact("profile")
        return retire is not None and (profile is None or retire.stamp > profile.stamp)

    @property
    def profile(self) -> Mapping[str, Json]:
        """The register's last entry; empty when there is none."""
        return self.value("profile") or {}

    @property
    def needs(self) -> dict[str, Said]:
        """The needs that are kept, by their id."""
        latest = {a.removeprefix("needs."): s[-1] for a, s in self.said.items() if a.startswith("needs.")}
        greatest = sorted(latest.items(), key=lambda item: item[1].stamp, reverse=True)[:NEEDS]
        return dict(greatest)


def winners(given: Iterable[Given]) -> list[Given]:
    """One report of each identity: the lowest SHA-256 of the bytes, then the earliest received."""
    chosen: dict[tuple[str, str, str], Given] = {}
    for one in sorted(given, key=lambda g: (hashlib.sha256(g.raw).digest(), g.received)):
        chosen.setdefault(one.identity, one)
    return list(chosen.values())


def standing(given: Iterable[Given]) -> list[Given]:
    """The reports that nobody withdrew. A withdraw reaches its own reality and kommun, and no other withdraw."""
    reports = winners(given)
    gone = {
        (one.identity[0], one.identity[1], report_id)
        for one in reports
        if one.kind == "withdraw"
        for report_id in one.data.get("report_ids", ())
    }
    return [one for one in reports if one.kind == "withdraw" or one.identity not in gone]


def aspects(report: Given) -> dict[str, Json]:
    """What a report says, by aspect."""
    data = report.data
    match report.kind:
        case "register":
            said = {"profile": data}
        case "retire":
            said = {"retire": data}
        case "activation":
            said = {"activation": data["state"]}
        case "need":
            said = {f"needs.{data['need_id']}": data}
        case "resources":
            said = {name: data[name] for name in _SECTIONS if name in data}
        case "status":
            said = {name: data[name] for name in (*_STATUS, *_WHEN) if name in data} | _services(data)
        case _:
            said = {}
    return said


def _services(data: Mapping[str, Json]) -> dict[str, Json]:
    if "services" not in data:
        return {}
    services = dict.fromkeys(SERVICES) if data["services"] is None else data["services"]
    return {
        f"services.{code}": None if services[code] is None else services[code]["state"]
        for code in SERVICES & services.keys()
    }


def has_timeline(aspect: str) -> bool:
    """Whether rules look back at it."""
    return aspect in _TIMELINES or aspect.startswith("services.")


def endurance(power: Json) -> Fraction | None:
    """The endurance of a power reading in microseconds; None when it is not known."""
    if power is None:
        return None
    hours: list[Fraction] = []
    if power.get("source") == "backup":
        fuel, rate = power.get("fuel_l"), power.get("fuel_l_per_h")
        if fuel is not None and rate is not None and rate > 0:
            hours.append(exact(fuel) / exact(rate))
    elif power.get("source") == "battery":
        if power.get("battery_h") is not None:
            hours.append(exact(power["battery_h"]))
    else:
        return None
    if power.get("endurance_h") is not None:
        hours.append(exact(power["endurance_h"]))
    return min(*hours, Fraction(LONGEST_H)) * HOUR if hours else None


def exact(number: float) -> Fraction:
    """The number as it was written."""
    return Fraction(repr(number))


def known(aspect: str, value: Json) -> bool:
    """Whether a value counts as known."""
    if value is None or has_no_section(aspect):
        return value is not None
    if aspect == "water":
        return value.get("source") == "mains" or value.get("litres") is not None
    field_of = {"power": "source", "staff": "present", "heat": "indoor_c", "comms": "can_call_112"}
    return value.get(field_of[aspect]) is not None


def has_no_section(aspect: str) -> bool:
    """Whether the aspect is one bare value rather than a section of several."""
    return aspect in ("lifecycle", "occupancy") or aspect.startswith("services.")


def keep(aspect: str, said: Sequence[Said]) -> list[Said]:
    """The stamps that a timeline keeps of everything that was said of an aspect (in order)."""
    newest_bucket = said[-1].at // BUCKET
    kept: dict[Stamp, Said] = {}
    by_bucket: dict[int, Said] = {one.at // BUCKET: one for one in said}
    for bucket, greatest in by_bucket.items():
        if bucket > newest_bucket - BUCKETS:
            kept[greatest.stamp] = greatest
    before = [one for one in said if one.at // BUCKET <= newest_bucket - BUCKETS]
    if before:
        kept[before[-1].stamp] = before[-1]
    for is_known in (lambda v: known(aspect, v), lambda v: aspect == "power" and endurance(v) is not None):
        matching = [one for one in said if is_known(one.value)]
        if matching:
            kept[matching[-1].stamp] = matching[-1]
    return [kept[stamp] for stamp in sorted(kept)]


def fold(given: Iterable[Given], reality: str = "act") -> dict[str, Point]:
    """Every point (and kommun itself, `<kommun>-_`) of a reality that standing reports speak of."""
    by_point: dict[str, list[Given]] = {}
    for report in standing(given):
        if report.event["reality"] == reality and report.kind != "withdraw":
            by_point.setdefault(report.point, []).append(report)
    return {point: _point(point, reports) for point, reports in by_point.items()}


def _point(point: str, reports: Sequence[Given]) -> Point:
    said: dict[str, list[Said]] = {}
    contacts: list[Said] = []
    for report in reports:
        for aspect, value in aspects(report).items():
            said.setdefault(aspect, []).append(_said(report, value))
        if report.kind == "contact":
            contacts.append(_said(report, report.data.get("result")))
    for everything in said.values():
        everything.sort(key=lambda one: one.stamp)
    return Point(
        id=point,
        said=said,
        content=max((r.effective for r in reports if r.kind in CONTENT), default=None),
        heartbeat=max((r.effective for r in reports if r.kind == "heartbeat"), default=None),
        contact=max(contacts, key=lambda one: one.stamp, default=None),
        reached=max((one.at for one in contacts if one.value == "reached"), default=None),
        kept={aspect: keep(aspect, everything) for aspect, everything in said.items() if has_timeline(aspect)},
    )


def _said(report: Given, value: Json) -> Said:
    event = report.event
    return Said(
        stamp=Stamp(report.effective, event.get("seq") or 0, event["id"]),
        value=value,
        source=event["source"],
        quality=event.get("quality") or "observed",
        clock_adjusted=report.clock_adjusted,
    )


def conflicts(point: Point) -> dict[str, tuple[Said, Said]]:
    """The aspects on which the last two different reporters contradict each other: the newest, and the other's."""
    found: dict[str, tuple[Said, Said]] = {}
    for aspect, said in point.said.items():
        newest = said[-1]
        others = [one for one in said if one.source != newest.source]
        if not others or newest.at - others[-1].at > CONFLICT:
            continue
        parts = _comparable(aspect)
        if parts is not None and any(part(newest.value) != part(others[-1].value) for part in parts):
            found[aspect] = (newest, others[-1])
    return found


def _comparable(aspect: str) -> tuple[Any, ...] | None:
    """What of an aspect two reporters can contradict each other about."""
    fields = {"power": ("source", "backup_state"), "staff": ("present",), "comms": ("can_call_112",)}.get(aspect)
    if fields is not None:
        return tuple(lambda v, name=name: None if v is None else v.get(name) for name in fields)
    if aspect in ("lifecycle", "availability", "occupancy") or aspect.startswith("services."):
        return (lambda v: v,)
    return None
