"""The events that a new release is frozen with: every kind and field, odd ones, and a story with every rule in it."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import ValidationError

from oracle.adapter import rules
from oracle.make import Told, backup, given, instant, order, register, resources, services, staff, status, when
from vardkase.domain.order_check import refusal_of
from vardkase_contracts.instants import SECOND
from vardkase_contracts.orders import ORDER
from vardkase_contracts.schemas import DOCUMENTS, example

from .variants import variants


class Sent(NamedTuple):
    """A report as it came in."""

    name: str
    subject: str
    #: µs.
    received: int
    raw: str


def reports() -> list[Sent]:
    """Every report of a new release, in the order of arrival."""
    told = [_sent(f"story {one.event['id']}", dict(one.event), one.received) for one in given(_story())]
    return sorted([*_of_every_kind(), *_odd(), *told], key=lambda sent: sent.received)


def orders() -> list[dict[str, Any]]:
    """Every order of a new release. Of those made by the schemas, what is against a rule between fields is left out."""
    made = [
        event | {"id": f"{document.name.replace('.', '-')}-{turn}", "time": when(turn)}
        for document in DOCUMENTS
        if document.family == "order"
        for turn, event in enumerate(variants(document))
    ]
    return sorted([*filter(_is_order, made), *_acts()], key=lambda event: event["time"])


def _is_order(event: dict[str, Any]) -> bool:
    try:
        return refusal_of(ORDER.validate_json(json.dumps(event)), rules()) is None
    except ValidationError:
        return False


# -- every kind, every field -----------------------------------------------------------------------------------------


def _of_every_kind() -> Iterable[Sent]:
    """Reports of each kind by its schema: about one point a turn, in a län of their own."""
    for number, document in enumerate(each for each in DOCUMENTS if each.family == "report"):
        for turn, event in enumerate(variants(document)):
            slug = "_" if event["subject"].endswith("-_") else f"turn-{turn}"
            event |= {
                "id": f"{document.name.removeprefix('report.')}-{turn}",
                "source": "urn:tp:kommun:1480" + (":app-x" if turn % 2 else ""),
                "subject": f"1480-{slug}",
                "time": when(number + turn / 60),
            }
            yield _sent(f"{document.name} {turn}", event, instant(number + turn / 60) + 2 * SECOND)


# -- odd, and valid --------------------------------------------------------------------------------------------------


def _odd() -> Iterable[Sent]:
    """What a sender may do, though few would."""
    base = example("report.status") | {"source": "urn:tp:kommun:1441", "role": None, "incident": None}

    def odd(name: str, minute: float, received: float | None = None, **changes: Any) -> Sent:
        event = base | {"id": name.replace(" ", "_"), "subject": "1441-odd", "time": when(minute)} | changes
        return _sent(f"odd: {name}", event, instant(minute if received is None else received))

    status_data = {"lifecycle": "open", "occupancy": 5}
    yield odd(
        "more fields", 0, extension="x", data=status_data | {"later": {"a": [1, None]}, "services": {"sauna": {}}}
    )
    yield odd("data of nulls", 1, data=dict.fromkeys(base["data"]))
    yield odd("nothing said", 2, data={})
    yield odd("offset of half an hour", 0, 2, time="2026-11-20T13:30:00.000001+05:30", data=status_data)
    yield odd("nanoseconds", 3, time="2026-11-20T08:03:00.123456789Z", data=status_data)
    yield odd("lower case t and z", 4, time="2026-11-20t08:04:00z", data=status_data)
    yield odd("clock an hour ahead", 65, 5, data=status_data | {"occupancy": 6})
    yield odd("clock a minute ahead", 7, 6, data=status_data | {"occupancy": 7})
    yield odd("two days late", -2 * 24 * 60, 8, data=status_data | {"occupancy": 8})
    yield odd("same time lower seq", 9, seq=1, data=status_data | {"occupancy": 9})
    yield odd("same time higher seq", 9, seq=2**53, data=status_data | {"occupancy": 10})
    yield odd("charset", 10, datacontenttype="application/json ; charset=utf-8", data=status_data)
    yield odd("every null of the envelope", 11, seq=None, quality=None, channel=None, datacontenttype=None)
    copy = odd("sent twice", 12, data=status_data)
    yield copy
    yield copy._replace(name="odd: sent twice, again", received=instant(13))
    yield copy._replace(
        name="odd: sent twice, spaced", received=instant(14), raw=json.dumps(json.loads(copy.raw), indent=2)
    )
    yield copy._replace(
        name="odd: another under the same id",
        received=instant(15),
        raw=copy.raw.replace('"occupancy": 5', '"occupancy": 15'),
    )
    escaped = odd("escaped", 16, data=status_data | {"message": {"sv": "Öppet 🔌", "zh-Hans": "开放"}})
    yield escaped._replace(raw=json.dumps(json.loads(escaped.raw)))
    yield odd("wrong and withdrawn", 17, data=status_data | {"occupancy": 999})
    withdraw = {"report_ids": ["wrong_and_withdrawn", "never-seen"], "reason": "Fel punkt"}
    event = example("report.withdraw") | {"id": "w1", "source": base["source"], "subject": "1441-_", "time": when(18)}
    yield _sent("odd: withdraws", event | {"data": withdraw}, instant(18))
    numbers = {"power": {"source": "backup", "fuel_l": 1e2, "fuel_l_per_h": 0.1 + 0.2, "endurance_h": 5e-3}}
    resources_event = example("report.resources") | {"source": base["source"], "subject": "1441-odd"}
    yield _sent("odd: decimals", resources_event | {"id": "decimals", "time": when(19), "data": numbers}, instant(19))


# -- a story in which every rule holds -------------------------------------------------------------------------------


def _story() -> list[Told]:
    """Points in län 24, one a rule or a corner of it; minute 0 is nine o'clock in Sweden."""

    def wanted(need_id: str, **data: Any) -> Told:
        return Told(0, "need", {"need_id": need_id, "priority": "urgent", **data})

    staffed = staff(-30, 4, 4)
    mains = resources(-30, power={"source": "mains"})
    opened = status(-60, lifecycle="open")
    points: dict[str, list[Told]] = {
        "endurance": [register(refill_lead_h=2), opened, staffed, backup(0, 7)],
        "fuel": [opened, staffed, backup(0, None, fuel_l=60, fuel_l_per_h=12), backup(45, None), backup(200, 9.5)],
        "refilled": [opened, staffed, backup(0, 6), resources(5, refill={"eta": when(200), "confirmed": True})],
        "battery": [opened, staffed, resources(0, power={"source": "battery", "battery_h": 4.5})],
        "lost": [opened, staffed, resources(10, power={"source": "none"}), resources(130, power={"source": "mains"})],
        "flaps": [
            opened,
            staffed,
            *(resources(n, power={"source": ("none", "mains")[n % 2]}) for n in (10, 13, 16, 23, 24, 31)),
        ],
        "unpowered": [register(planned_services=["information"]), opened, staffed, backup(20, 1, "fault")],
        "inlet": [opened, staffed, backup(0, None, "not_connected")],
        "incomplete": [opened],
        "blind": [opened, staffed, backup(0, None)],
        "short": [register(staff_required=4, staff_min=3), opened, mains, staff(0, 3), staff(90, 2), staff(150, 0)],
        "shift": [opened, staffed, mains, resources(0, next_shift={"at": when(360), "covered": False})],
        "crowded": [
            register(capacity_day=100, capacity_night=40),
            opened, staffed, mains,
            *(status(minute, occupancy=people) for minute, people in ((0, 35), (60, 80), (120, 95), (300, 36))),
        ],
        "thirsty": [
            opened, staffed, mains,
            resources(0, water={"source": "tank", "litres": 100}), status(60, occupancy=40), status(120, occupancy=500),
        ],
        "cold": [
            register(planned_services=["heat"]), opened, staffed, mains,
            *(resources(60 * n, heat={"indoor_c": celsius}) for n, celsius in enumerate((20.5, 19.9, 17.5, 14.0))),
        ],
        "cut-off": [
            opened, staffed, mains,
            resources(0, comms={"can_call_112": False, "rakel": "down"}), resources(100, comms={"can_call_112": True}),
        ],
        "stopped": [
            opened, staffed, mains,
            services(0, heat="stopped", food="stopped"), services(121, heat="available"),
        ],
        "emptying": [
            opened, staffed, mains,
            status(0, occupancy=12), status(30, lifecycle="closing"), status(130, occupancy=0),
        ],
        "wanting": [
            opened, staffed, mains,
            wanted("n1", kind="fuel", needed_by=when(60), quantity=200.5),
            wanted("s1", kind="water", direction="surplus", quantity=10, unit="l"),
        ],
        "unsure": [opened, staffed, resources(0, power={"source": "none"}), resources(20, power=None, staff=None)],
        "two-voices": [
            opened, staffed, mains,
            status(5, occupancy=10)._replace(reporter="a"), status(9, occupancy=30)._replace(reporter="b"),
        ],
        "moved": [
            opened, wanted("m", kind="staff", needed_by=when(20)),
            Told(40, "retire", {"reason": "Flyttad", "replaced_by": "2480-wanting"}),
        ],
        "shown": [
            register(publish="live", capacity_day=50), opened, staffed, mains,
            status(0, occupancy=30, message={"sv": "Välkommen", "en": "Welcome"}), Told(70, "confirm", {}),
        ],
    }  # fmt: skip
    told = [each._replace(point=f"2480-{slug}") for slug, story in points.items() for each in story]
    # A kommun that falls silent, one that is heard, and one that an incident is about.
    told += [each._replace(point="2401-tyst") for each in (opened, mains, Told(0, "heartbeat", {"outbox_depth": 0}))]
    told += [
        Told(0, "activation", {"state": "activating"}, point="2417-_"),
        Told(5, "contact", {"result": "failed"}, point="2417-_"),
    ]
    # Exercise: the same point, apart.
    told += [status(0, lifecycle="open", occupancy=99)._replace(point="2480-shown", reality="exe")]
    return [each._replace(id=f"s{number:03}") for number, each in enumerate(told)]


def _acts() -> list[dict[str, Any]]:
    """What people do in the story."""
    incident = {"id": "storm-alfa", "name": "Storm Alfa", "areas": ["2417", "2401"], "from": when(0)}
    silence = {"id": "kvall", "from": when(30), "until": when(180), "matcher": {"rule": "heat.low", "area": "2480"}}
    cold = {"heat.low": {"yellow": {"limit": 21}, "red": {"limit": 19}}}
    return [
        order("incident", 0, incident, id_="act-incident"),
        order("silence", 15, silence, id_="act-silence"),
        order("rules", 25, {"scope": "2480-cold", "override": cold}, id_="act-rules"),
        order("rules", 130, {"scope": "2480-cold", "override": None}, id_="act-rules-no-more"),
        order("ack", 20, {"key": "power.lost/2480-lost", "level": "red", "note": "Elverk på väg"}, id_="act-ack"),
    ]


def _sent(name: str, event: dict[str, Any], received: int) -> Sent:
    kind = event["type"].split(".")[2]
    kommun, slug = event["subject"][:4], event["subject"][5:]
    subject = f"tp.v1.{event['reality']}.report.{kommun[:2]}.{kommun}.{slug}.{kind}"
    return Sent(name, subject, received, json.dumps(event, ensure_ascii=False))


#: When the story is judged: as levels change, by night, and a day later. µs.
INSTANTS = tuple(instant(minute) for minute in (0, 12, 31, 61, 95, 125, 185, 245, 361, 725, 15 * 60, 26 * 60))
