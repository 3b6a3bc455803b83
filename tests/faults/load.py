"""A seeded load: reports of some 300 points in all kinds and realities, with everything that goes wrong on the way.

The same seed gives the same bytes. Repeats come soon after their first (a client that heard no answer), copies of an
identity with other bytes at any time, old reports late.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, MINUTE, iso, parse
from vardkase_contracts.vocab import REALITIES

NOW: Final = parse("2026-11-20T12:00:00Z")
"""The instant that the load is about, and that a driven clock stands still at."""
_A_LITTLE_AGO: Final = 200
_ACKED: Final = ("power.endurance", "power.lost", "staff.short", "capacity.high")


@dataclass(frozen=True, slots=True)
class Told:
    """A message as a client publishes it."""

    subject: str
    data: bytes


class Load:
    """The load of one run.

    Args:
        count: how many messages.
        seed: makes it what it is.
        area: the län whose kommuner have the points.
        now: the instant that it is about, µs; a report may be up to 10 h older.
        slugs: points of each kommun.
    """

    def __init__(self, count: int, *, seed: int, area: str = "24", now: int = NOW, slugs: int = 20) -> None:
        self.count = count
        self._chance = random.Random(seed)
        self._now = now
        self._kommuner = sorted(Area.parse(area).kommuner())
        self._slugs = slugs
        self.points = [f"{code}-p{number}" for code in self._kommuner for number in range(slugs)]
        self._said: dict[str, list[str]] = {}
        self._recent: list[tuple[str, Told]] = []
        self._number = 0

    @property
    def registering(self) -> int:
        """How many messages come first, that register every point and open it."""
        return min(self.count, 2 * len(self.points))

    def reports(self) -> Iterator[Told]:
        """The messages, in the order in which they are published: first every point's register, then anything."""
        made = 0
        for point in self.points:
            for told in (self._register(point), self._open(point)):
                if made < self.count:
                    made += 1
                    yield told
        while made < self.count:
            made += 1
            yield self._next()

    def orders(self, every: int = 400) -> Iterator[Told]:
        """Acts of people, one for every so many reports: incidents and acks."""
        chance = random.Random(self.count)
        for number in range(self.count // every):
            kommun = chance.choice(self._kommuner)
            data: dict[str, Any]
            if number % 3 == 0:
                kind, time = "incident", self._now - chance.randrange(9 * 60) * MINUTE
                data = {"id": f"i{number % 7}", "name": "Stormen", "areas": [kommun], "from": iso(time)}
            else:
                kind, time = "ack", self._now - chance.randrange(50) * MINUTE
                point = f"{kommun}-p{chance.randrange(self._slugs)}"
                data = {
                    "key": f"{chance.choice(_ACKED)}/{point}",
                    "level": chance.choice(["yellow", "red", "critical"]),
                }
            event = {
                "specversion": "1.0",
                "id": f"o{number}",
                "source": f"urn:tp:kommun:{kommun}:krisledning",
                "type": f"se.trygghetspunkt.order.{kind}.v1",
                "subject": kommun,
                "time": iso(time),
                "reality": "act",
                "data": data | {"by": {"role": "krisledning", "level": "kommun", "code": kommun}},
            }
            yield Told(subjects.order("act", Area.parse(kommun), kind), _bytes(event))

    # -- one message -------------------------------------------------------------------------------------------------

    def _next(self) -> Told:
        chance = self._chance
        turn = chance.random()
        if turn < 0.05 and self._recent:
            return chance.choice(self._recent)[1]
        point = chance.choice(self.points)
        reality = chance.choices(REALITIES, (90, 7, 3))[0]
        at = self._now - chance.randrange(600) * MINUTE
        if turn < 0.052 and self._recent:
            # Another report under an identity that is taken, by a mistake of its sender.
            twin = json.loads(chance.choice(self._recent)[1].data)
            other = f"{twin['subject'][:4]}-p{chance.randrange(self._slugs)}"
            return self._told(
                other, "status", at, {"occupancy": chance.randrange(50)}, report_id=twin["id"], reality=twin["reality"]
            )
        if turn < 0.054:
            said = self._said.get(f"{reality}/{point[:4]}", [])[-_A_LITTLE_AGO:]
            if said:
                named = sorted(set(chance.sample(said, min(2, len(said)))))
                return self._told(point, "withdraw", at, {"report_ids": named}, reality=reality)
        if turn < 0.0545:
            return self._told(point, "retire", at, {"reason": "flyttad"}, reality=reality)
        kind, about, data = self._content(point, turn)
        return self._told(about, kind, at, data, reality=reality)

    def _content(self, point: str, turn: float) -> tuple[str, str, dict[str, Any]]:  # noqa: PLR0911 -- one a kind
        chance = self._chance
        kommun = f"{point[:4]}-_"
        if turn < 0.35:
            lifecycle = chance.choice(["open", "open", "open", "closing", "closed"])
            services = {"heat": {"state": chance.choice(["available", "limited", "stopped"])}}
            return (
                "status",
                point,
                {"occupancy": chance.randrange(55), "lifecycle": lifecycle, "services": services},
            )
        if turn < 0.8:
            return "resources", point, self._resources()
        if turn < 0.85:
            by = iso(self._now + chance.randrange(-300, 300) * MINUTE)
            need: dict[str, Any] = {"need_id": f"n{chance.randrange(5)}", "kind": "fuel", "priority": "urgent"}
            need |= {"needed_by": by, "state": chance.choice(["requested", "assigned", "under_way"])}
            return "need", chance.choice([point, point, kommun]), need
        if turn < 0.9:
            return "confirm", point, {}
        if turn < 0.94:
            return "heartbeat", point, {"outbox_depth": chance.randrange(10)}
        if turn < 0.97:
            return "contact", point, {"result": chance.choice(["reached", "failed"])}
        return "activation", kommun, {"state": chance.choice(["none_needed", "assessing", "activating", "active"])}

    def _resources(self) -> dict[str, Any]:
        chance = self._chance
        power: dict[str, Any] = {"source": chance.choice(["backup", "backup", "mains", "battery", "none"])}
        if power["source"] == "backup":
            power |= {"backup_state": "running", "fuel_l": float(chance.randrange(200)), "fuel_l_per_h": 10.0}
        elif power["source"] == "battery":
            power["battery_h"] = chance.randrange(10)
        return {
            "power": power,
            "staff": {"present": chance.randrange(5)},
            "water": {"litres": chance.randrange(3000), "source": "tank"},
            "heat": {"indoor_c": chance.randrange(12, 23)},
        }

    def _register(self, point: str) -> Told:
        profile = {"name": point, "kind": "trygghetspunkt", "position": {"lon": 20.0, "lat": 64.0}, "publish": "live"}
        services = {"planned_services": ["heat", "charging", "emergency_call"]}
        sizes = {"staff_required": 3, "capacity_day": 50, "capacity_night": 40}
        return self._told(point, "register", self._now - 30 * HOUR, profile | services | sizes)

    def _open(self, point: str) -> Told:
        return self._told(point, "status", self._now - self._chance.randrange(20) * HOUR, {"lifecycle": "open"})

    def _told(
        self,
        point: str,
        kind: str,
        at: int,
        data: dict[str, Any],
        *,
        report_id: str | None = None,
        reality: str = "act",
    ) -> Told:
        self._number += 1
        event = {
            "specversion": "1.0",
            "id": report_id or f"r{self._number}",
            "source": f"urn:tp:kommun:{point[:4]}:{self._chance.choice('ab')}",
            "type": f"se.trygghetspunkt.{kind}.v1",
            "subject": point,
            "time": iso(at),
            "reality": reality,
            "data": data,
        }
        told = Told(subjects.report(reality, point[:4], point[5:], kind), _bytes(event))  # type: ignore[arg-type]
        self._said.setdefault(f"{reality}/{point[:4]}", []).append(event["id"])
        self._recent.append((point, told))
        del self._recent[:-_A_LITTLE_AGO]
        return told


def _bytes(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
