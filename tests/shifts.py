"""A night as an archive holds it: what came in the hours before now, told by the messages of the streams."""

import json
import time
from collections.abc import Mapping
from itertools import count
from typing import Any

from archived import Filled
from gateway_kit import alert_of, state_of
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.headers import written
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import MINUTE, iso

BY = {"role": "tib", "level": "lan", "code": "24"}


class Night:
    """Messages that came so many minutes ago."""

    def __init__(self) -> None:
        self.now = time.time_ns() // 1000
        self._numbers = count(1)
        self._held: dict[str, list[Delivery]] = {}

    def ago(self, minutes: float) -> int:
        """An instant, µs."""
        return self.now - round(minutes * MINUTE)

    def report(
        self,
        minutes: float,
        kind: str,
        data: Mapping[str, Any],
        *,
        point: str = "2480-a",
        late: float = 0,
        identity: str | None = None,
        **more: Any,
    ) -> str:
        """A report, observed `late` minutes before it came. Its id."""
        number = next(self._numbers)
        identity = identity or f"r{number}"
        event = {
            "specversion": "1.0",
            "id": identity,
            "source": f"urn:tp:kommun:{point[:4]}:a",
            "type": f"se.trygghetspunkt.{kind}.v1",
            "subject": point,
            "time": iso(self.ago(minutes + late)),
            "reality": "act",
            "data": data,
        } | more
        head = written([("Tp-Received", iso(self.ago(minutes)))])
        subject = f"tp.v1.{event['reality']}.accepted.24.{point[:4]}.{point[5:]}.{kind}"
        self._put(streams.REPORTS, subject, event, minutes, number, head)
        return identity

    def alert(self, minutes: float, key: str, **changes: Any) -> None:
        """A change of an alert."""
        document = alert_of(key, **{"acks": [], "changed_at": iso(self.ago(minutes)), **changes})
        self._put(streams.ALERTS, subjects.alert("act", key), document, minutes)

    def state(self, minutes: float, point: str, lifecycle: str | None) -> None:
        """A change of a point's state."""
        document = state_of(point, facts={"lifecycle": lifecycle}, as_of=iso(self.ago(minutes)))
        self._put(streams.STATE, subjects.state("act", point[:4], point[5:]), document, minutes)

    def order(
        self, minutes: float, kind: str, data: Mapping[str, Any], *, area: str = "24", by: Mapping[str, str] = BY
    ) -> str:
        """An order. Its id."""
        number = next(self._numbers)
        event = {
            "specversion": "1.0",
            "id": f"o{number}",
            "source": f"urn:tp:{by['level']}:{by['code']}:tib",
            "type": f"se.trygghetspunkt.order.{kind}.v1",
            "subject": area,
            "time": iso(self.ago(minutes)),
            "reality": "act",
            "data": {"by": by, **data},
        }
        self._put(streams.ORDERS_UP, subjects.order("act", Area.parse(area), kind), event, minutes, number)
        return f"o{number}"

    def rejected(self, minutes: float, reason: str, field: str | None, *, kommun: str = "2480") -> None:
        """A refused report."""
        told = {"reason": reason, "field": field, "detail": "Should be a number", "bytes": "aGVtbGlndA=="}
        event = {"data": {**told, "origin": "lan-24/1", "received": iso(self.ago(minutes))}}
        self._put(streams.REJECTED, f"tp.v1.act.rejected.{kommun[:2]}.{kommun}.a", event, minutes)

    async def put(self, archive: Filled) -> None:
        """Hold this, and nothing else."""
        from histories import Log

        await archive.put(Log(()))
        for stream, deliveries in self._held.items():
            await archive.add(stream, deliveries)

    def _put(
        self,
        stream: str,
        subject: str,
        document: Mapping[str, Any],
        minutes: float,
        number: int | None = None,
        head: bytes = b"",
    ) -> None:
        sequence = next(self._numbers) if number is None else number
        data = json.dumps(document, ensure_ascii=False).encode()
        self._held.setdefault(stream, []).append(Delivery(subject, data, head, sequence, self.ago(minutes), 0, ""))


def a_night() -> Night:
    """Twelve hours: a point opens and loses its power, fuel comes, another one closes, orders are given."""
    night = Night()
    profile = {"name": "Skolan", "kind": "trygghetspunkt", "position": {"lon": 20.2, "lat": 63.8}}
    night.report(900, "register", profile)
    night.report(890, "status", {"lifecycle": "open", "occupancy": 10}, point="2480-b")
    night.state(890, "2480-b", "open")
    night.state(880, "2480-a", "prepared")
    night.order(780, "adopt", {"level": "lan", "code": "24", "version": "a" * 64, "note": "Lugnt"})
    night.report(600, "status", {"lifecycle": "open"}, late=3)
    night.state(599, "2480-a", "open")
    night.report(500, "activation", {"state": "active"}, point="2480-_")
    night.alert(480, "power.endurance/2480-a", level="yellow")
    night.alert(470, "power.endurance/2480-a", level="yellow", evidence_lost=True)
    night.alert(460, "power.endurance/2480-a", level="red")
    ack = {"level": "lan", "code": "24", "role": "tib", "at": iso(night.ago(450)), "until": iso(night.ago(-120))}
    acks = [{**ack, "note": "Elverk på väg"}]
    night.alert(450, "power.endurance/2480-a", level="red", acks=acks)
    need = {"need_id": "n1", "direction": "need", "kind": "fuel", "quantity": 200, "unit": "l", "priority": "urgent"}
    night.report(440, "need", {**need, "state": "requested", "note": "hemligt"}, late=20)
    wrong = night.report(430, "need", {**need, "need_id": "n2", "state": "requested"})
    night.report(420, "withdraw", {"report_ids": [wrong], "reason": "fel punkt"}, point="2480-_")
    night.order(400, "report_request", {"areas": ["2480"], "questions": ["Bränsle?"], "deadline": iso(night.ago(-60))})
    night.order(
        390, "silence", {"matcher": {"rule": "heat.low"}, "from": iso(night.ago(390)), "until": iso(night.ago(-90))}
    )
    night.report(380, "need", {**need, "state": "delivered"})
    night.alert(370, "power.endurance/2480-a", level="red", status="cleared", cleared_reason="recovered", acks=acks)
    night.state(300, "2480-b", "closed")
    night.alert(200, "area.silent/2401")
    night.order(100, "note", {"note": "Grannlänets sak"}, area="2401")
    return night
