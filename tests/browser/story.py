"""A small situation in Jönköpings län, as documents of the streams: points, their alerts, and pictures that agree."""

import copy
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from gateway_kit import Running
from vardkase_contracts import subjects
from vardkase_contracts.areas import KOMMUNER, LAN, Area
from vardkase_contracts.instants import HOUR, MINUTE, iso
from vardkase_contracts.schemas import example
from vardkase_contracts.vocab import ALERT_LEVELS, CONDITIONS, FRESHNESSES, LIFECYCLES, Reality

LAN_CODE: Final = "06"
_OPEN: Final = frozenset({"open", "establishing", "closing"})


@dataclass(kw_only=True)
class Point:
    """A point as a test wants it."""

    id: str
    name: str
    condition: str = "green"
    freshness: str = "fresh"
    lifecycle: str = "open"
    dark: bool = False
    endurance_known: bool = True
    left_h: float | None = None
    """Hours until its power runs out; None: it is not known, or does not."""
    services: dict[str, str] = field(default_factory=dict[str, str])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    needs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    more: dict[str, Any] = field(default_factory=dict[str, Any])
    place: tuple[float, float] | None = None

    @property
    def kommun(self) -> str:
        return self.id[:4]


@dataclass(kw_only=True)
class Alert:
    """An alert as a test wants it."""

    rule: str
    about: str
    level: str = "red"
    more: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def key(self) -> str:
        return f"{self.rule}/{self.about}"


class Story:
    """What has been told to a gateway, and tells it more."""

    def __init__(self, running: Running, *, reality: Reality = "act") -> None:
        self._running = running
        self._reality: Reality = reality
        self.points: dict[str, Point] = {}
        self.alerts: dict[str, Alert] = {}
        self.said: dict[str, dict[str, Any]] = {}
        """By area: what its picture says beside, such as acts of people, or its version."""

    @property
    def now(self) -> int:
        """The gateway's time, µs."""
        return self._running.house.clock.now()

    async def tell(self, points: Iterable[Point] = (), alerts: Iterable[Alert] = ()) -> None:
        """Publish points and alerts, and the pictures that follow from all that was told."""
        points, alerts = list(points), list(alerts)
        self.points |= {each.id: each for each in points}
        self.alerts |= {each.key: each for each in alerts}
        for alert in alerts:
            await self._publish(subjects.alert(self._reality, alert.key), self._alert(alert))
        for point in points:
            await self._publish(subjects.state(self._reality, point.kommun, point.id[5:]), self._state(point))
        await self.pictures()

    async def clear(self, key: str, reason: str = "recovered") -> None:
        """End an alert."""
        alert = self.alerts.pop(key)
        changes = {"status": "cleared", "cleared_reason": reason, "changed_at": iso(self.now)}
        await self._publish(subjects.alert(self._reality, key), self._alert(alert) | changes)
        await self.pictures()

    async def pictures(self) -> None:
        """Publish the pictures of every kommun of the län, of the län, and of the nation."""
        kommuner = [code for code, kommun in KOMMUNER.items() if kommun.lan == LAN_CODE]
        made = {code: self._picture(Area("kommun", code), []) for code in kommuner}
        lan = self._picture(Area("lan", LAN_CODE), [_summary(each) for each in made.values()])
        empty = [self._picture(Area("lan", code), []) for code in LAN if code != LAN_CODE]
        nation = self._picture(Area("nation", "SE"), [_summary(each) for each in [lan, *empty]])
        for picture in [*made.values(), lan, nation]:
            area = Area(picture["level"], picture["code"])
            await self._publish(subjects.picture(self._reality, area), picture)

    async def _publish(self, subject: str, document: Any) -> None:
        await self._running.publish(subject, document)

    def _alert(self, alert: Alert) -> dict[str, Any]:
        document = copy.deepcopy(example("alert"))
        point = self.points.get(alert.about)
        area = Area.parse(alert.about[:4] if "-" in alert.about else alert.about)
        name = point.name if point else area.name
        changes: dict[str, Any] = {
            "key": alert.key,
            "alert_id": uuid.uuid5(uuid.NAMESPACE_URL, alert.key).hex,
            "reality": self._reality,
            "rule": alert.rule,
            "level": alert.level,
            "point": {"id": alert.about, "name": name} if "-" in alert.about else None,
            "area": {"level": area.level, "code": area.code, "name": area.name},
            "raised_at": iso(self.now - 20 * MINUTE),
            "changed_at": iso(self.now),
            "runs_out_at": None,
            "acks": [],
            "silences": [],
            "text": {"sv": f"Röd: {name}: något är på väg att ta slut", "en": f"Red: {name}: something runs out"},
        }
        return document | changes | alert.more

    def _state(self, point: Point) -> dict[str, Any]:
        document = copy.deepcopy(example("state"))
        said = dict(document["facts"]["power"]) | {"observed_at": iso(self.now - 30 * MINUTE)}
        kommun = KOMMUNER[point.kommun]
        lon, lat = point.place or kommun.position
        profile = {
            "name": point.name,
            "kind": "trygghetspunkt",
            "position": {"lon": lon, "lat": lat},
            "publish": "live",
        }
        facts = {"profile": profile, "lifecycle": point.lifecycle, "occupancy": 42, "staff": {"present": 3}}
        document["facts"] = {name: said | {"value": value} for name, value in (facts | point.facts).items()}
        document["facts"]["services"] = {code: said | {"value": state} for code, state in point.services.items()}
        document["facts"]["needs"] = {each["need_id"]: said | {"value": each} for each in point.needs}
        document["last"] |= {"content": iso(self.now - 30 * MINUTE), "contact": None}
        changes: dict[str, Any] = {
            "id": point.id,
            "reality": self._reality,
            "kommun": point.kommun,
            "lan": kommun.lan,
            "registered": True,
            "retired": False,
            "as_of": iso(self.now),
            "freshness": point.freshness,
            "condition": point.condition if point.lifecycle == "open" else "not_applicable",
            "runs_out_at": self._runs_out_at(point),
            "dark": point.dark,
            "endurance_known": point.endurance_known,
            "conflict": [],
            "alerts": [
                {"key": each.key, "level": each.level, "inhibited_by": None}
                for each in self.alerts.values()
                if each.about == point.id
            ],
        }
        return document | changes | point.more

    def _runs_out_at(self, point: Point) -> str | None:
        return None if point.left_h is None else iso(self.now + round(point.left_h * HOUR))

    def _picture(self, area: Area, areas: list[dict[str, Any]]) -> dict[str, Any]:
        own = [point for point in self.points.values() if point.kommun in area.kommuner()]
        opened = [point for point in own if point.lifecycle in _OPEN]
        short = [each for each in opened if each.dark or not each.endurance_known or each.left_h is not None]
        document = copy.deepcopy(example("picture"))
        states = [each.condition if each.lifecycle == "open" else "not_applicable" for each in own]
        counts = [each.freshness for each in own]
        kommuner = {each.kommun for each in own}
        on_time = sum(each in {"fresh", "ageing"} for each in counts)
        document["condition"] |= {
            "lifecycle": _counted([each.lifecycle for each in own], (*LIFECYCLES, "unknown")),
            "condition": _counted(states, CONDITIONS),
            "freshness": _counted(counts, FRESHNESSES),
        }
        document["forecast"] = {
            "dark": sum(each.dark for each in short),
            "endurance_unknown": sum(not each.endurance_known for each in short),
            "out_within": {"6h": sum((each.left_h or 99) <= 6 for each in short), "12h": 0, "24h": 0},
            "next": [self._next(each) for each in short[:20]],
        }
        document["coverage"] |= {
            "expected": len(own),
            "reporting": len(own) - counts.count("silent"),
            "on_time": on_time,
            "stale": counts.count("stale"),
            "silent": counts.count("silent"),
            "oldest": iso(self.now - 41 * MINUTE) if own else None,
            "kommuner": {
                "total": len(area.kommuner()),
                "with_points": len(kommuner),
                "reporting": len(kommuner),
                "silent": 0,
            },
        }
        about = [each for each in self.alerts.values() if each.about[:4] in area.kommuner()]
        rules = {each.rule for each in about}
        changes: dict[str, Any] = {
            "reality": self._reality,
            "level": area.level,
            "code": area.code,
            "name": area.name,
            "as_of": iso(self.now),
            "version": uuid.uuid4().hex * 2,
            "alerts": {
                rule: _counted([each.level for each in about if each.rule == rule], ALERT_LEVELS) for rule in rules
            },
            "areas": areas,
        }
        return document | changes | self.said.get(area.code, {})

    def _next(self, point: Point) -> dict[str, Any]:
        return {
            "point": point.id,
            "name": point.name,
            "kommun": point.kommun,
            "dark": point.dark,
            "runs_out_at": self._runs_out_at(point),
            "condition": point.condition,
            "freshness": point.freshness,
            "medical_charging": False,
            "overnight": False,
        }


def storm() -> tuple[list[Point], list[Alert]]:
    """Points of every sort in three kommuner, and their alerts."""
    points = [
        Point(
            id="0684-savsjo-skola",
            name="Sävsjö skola",
            condition="critical",
            dark=True,
            services={"overnight": "available"},
        ),
        Point(
            id="0684-vrigstad-bygdegard",
            name="Vrigstads bygdegård",
            condition="red",
            left_h=2.5,
            services={"medical_device_charging": "available", "heat": "stopped"},
            place=(14.46, 57.35),
        ),
        Point(id="0687-tranas-sporthall", name="Tranås sporthall", condition="unknown", endurance_known=False),
        Point(id="0687-tranas-bibliotek", name="Tranås bibliotek", condition="yellow", left_h=9, place=(15.05, 58.0)),
        Point(id="0680-ekhagen-kyrka", name="Ekhagens kyrka", place=(14.2, 57.77)),
        Point(id="0680-huskvarna-skola", name="Huskvarna skola", lifecycle="prepared", place=(14.3, 57.79)),
        Point(id="0662-gislaved-ishall", name="Gislaveds ishall", condition="green", freshness="stale"),
    ]
    alerts = [
        Alert(rule="power.lost", about="0684-savsjo-skola", level="critical"),
        Alert(rule="power.endurance", about="0684-vrigstad-bygdegard", level="red"),
        Alert(rule="report.incomplete", about="0687-tranas-sporthall", level="yellow"),
    ]
    return points, alerts


def _summary(picture: dict[str, Any]) -> dict[str, Any]:
    condition = picture["condition"]
    taken = {name: picture[name] for name in ("level", "code", "name", "coverage", "alerts")}
    return taken | {name: condition[name] for name in ("lifecycle", "condition", "freshness")}


def _counted(found: list[str], words: tuple[str, ...]) -> dict[str, int]:
    return {word: found.count(word) for word in words}
