"""A one-line report as ordinary reports: the same events, byte for byte, wherever and whenever it is entered."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from vardkase_contracts import ids, vocab
from vardkase_contracts.instants import iso
from vardkase_contracts.oneline import clock
from vardkase_contracts.oneline.said import content
from vardkase_contracts.oneline.values import UNKNOWN, Line, Need, PowerCode
from vardkase_contracts.reports import report_type

REPORTER: Final = "rad"
"""The reporter in the source: whoever passes a line on says what somebody else saw."""

LineChannel = Literal["sms", "rakel", "phone"]
"""By what a line comes."""


def reports(line: Line, point: str, channel: LineChannel) -> list[bytes]:
    """The reports that a line makes, as JSON: `status`, `resources`, one `need` for each need, or `confirm`.

    Their ids are made of what was said, of which point and when it was observed: a line that comes twice, in other
    words or by other means, makes the reports that are there.

    Args:
        line: what was said.
        point: the id of the point that has the line's number.
        channel: by what it came.
    """
    said = " ".join([line.reality, point, iso(line.observed), *content(line)])
    key = hashlib.sha256(said.encode()).hexdigest()[:24]
    made: list[bytes] = []
    for name, kind, data in _data(line):
        event = {
            "specversion": "1.0",
            "id": f"rad-{key}-{name}",
            "source": ids.kommun_source(line.kommun, REPORTER),
            "type": report_type(kind),
            "subject": point,
            "time": iso(line.observed),
            "datacontenttype": "application/json",
            "reality": line.reality,
            "quality": "relayed",
            "channel": channel,
            "data": data,
        }
        made.append(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())
    return made


def _data(line: Line) -> Iterator[tuple[str, vocab.ReportKind, dict[str, Any]]]:
    if line.unchanged:
        yield "confirm", "confirm", {}
        return
    if status := _status(line):
        yield "status", "status", status
    if resources := dict(_resources(line)):
        yield "resources", "resources", resources
    for letter, needs in (("n", line.needs), ("g", line.surplus)):
        for need in needs:
            yield f"{letter}-{need.kind}", "need", _need(need, letter)


def _status(line: Line) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if line.lifecycle is not None:
        said["lifecycle"] = line.lifecycle
    if line.occupancy is not None:
        said["occupancy"] = _known(line.occupancy)
    if line.capacity is not None:
        said["capacity_night" if clock.is_night(line.observed) else "capacity_day"] = line.capacity
    return said


def _resources(line: Line) -> Iterator[tuple[str, dict[str, Any] | None]]:
    if line.power is not None:
        yield "power", None if line.power == UNKNOWN else _power(line, line.power)
    if line.present is not None:
        staff = {"present": line.present} | ({} if line.required is None else {"required": line.required})
        yield "staff", None if line.present == UNKNOWN else staff
    match line.water:
        case None:
            pass
        case "0":
            yield "water", {"source": "tank", "litres": 0}
        case "1":
            yield "water", {"source": "mains"}
        case "2":
            yield "water", {"source": "tank"} | ({} if line.litres is None else {"litres": line.litres})
        case _:
            yield "water", None
    if line.heat is not None:
        yield "heat", None if line.heat == UNKNOWN else {"indoor_c": _tenths(line.heat)}
    if line.call_112 is not None:
        comms: dict[str, Any] = {**dict.fromkeys(line.up, "up"), **dict.fromkeys(line.down, "down")}
        if line.call_112 != UNKNOWN:
            comms["can_call_112"] = line.call_112
        yield "comms", comms or None


def _power(line: Line, code: PowerCode) -> dict[str, Any]:
    said: dict[str, Any] = dict(_POWER[code])
    if line.endurance is not None:
        said["battery_h" if code == "3" else "endurance_h"] = _tenths(line.endurance)
    if line.fuel is not None:
        said["fuel_l"] = line.fuel
    if line.fuel_rate is not None:
        said["fuel_l_per_h"] = _tenths(line.fuel_rate)
    return said


_POWER: Final[Mapping[PowerCode, Mapping[str, str]]] = {
    "0": {"source": "none"},
    "1": {"source": "mains"},
    "2": {"source": "backup", "backup_state": "running"},
    "3": {"source": "battery"},
    "4": {"source": "backup", "backup_state": "off"},
    "5": {"source": "backup", "backup_state": "not_connected"},
    "6": {"source": "backup", "backup_state": "fault"},
}


def _need(need: Need, letter: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "need_id": f"rad-{letter}-{need.kind}",
        "direction": "need" if letter == "n" else "surplus",
        "kind": need.kind,
        "state": need.state,
    }
    if need.quantity is not None:
        said |= {"quantity": need.quantity, "unit": need.unit}
    if need.urgent:
        said["priority"] = "urgent"
    if need.needed_by is not None:
        said["needed_by"] = iso(need.needed_by)
    return said


def _known(value: int | str) -> int | str | None:
    return None if value == UNKNOWN else value


def _tenths(tenths: int) -> float:
    return tenths / 10
