"""From answers to reports: only what was touched, and of a section that was touched, all of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vardkase.gateway.reporting import check
from vardkase.gateway.reporting.check import Answers, parse_number
from vardkase.gateway.reporting.rules import PLAN, SAME, UNKNOWN
from vardkase.gateway.reporting.times import next_at, parse_clock
from vardkase.gateway.reporting.words import COMMS
from vardkase_contracts import vocab
from vardkase_contracts.instants import iso

UNCHANGED: Final = "unchanged"
"""What the button "Oförändrat" answers."""
NEED_STATES: Final = ("under_way", "delivered", "cancelled")
"""What may be said of a need that is there."""

_ENVELOPE: Final = frozenset({"do", "sid", "age", "point", "reality", "asked", "quality"})
_WITH_DAYS: Final = frozenset({"opens.day", "closes.day", "refill.day", "shift.day", "need.day"})
_PRESET: Final = frozenset({"need.priority", "need.direction"}) | _WITH_DAYS
"""Inputs that are never empty: alone they say nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A report to be: what it says, before it has an id and a time."""

    key: str
    """Tells the reports of one form apart: `status`, `need-fuel1`."""
    kind: vocab.ReportKind
    data: Mapping[str, Any]
    said: Mapping[str, str]
    """The answers that it was made of."""

    def report_id(self, sid: str, point: str, reality: str) -> str:
        """The id of the report.

        The same answers sent again, at whatever time, have the same id; other answers from the same page (somebody went
        back in the browser) another one, so that no answer is taken for one that is known.

        Args:
            sid: the form's own, 8-40 of A-Z, a-z, 0-9, _ and -.
            point: what it is about.
            reality: of the report.
        """
        text = json.dumps([point, reality, self.key, self.kind, sorted(self.said.items())], ensure_ascii=False)
        return f"{sid}-{self.kind[0]}{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def touched(given: Answers) -> set[str]:
    """The inputs that say something."""
    return {name for name in given if name not in _ENVELOPE and name not in _PRESET}


def drafts(given: Answers, *, at: int, need_id: str, needs: Mapping[str, Mapping[str, Any]]) -> list[Draft]:
    """The reports that answers make; they have been checked.

    Args:
        given: the answers.
        at: when they were given, µs: what times of day are counted from.
        need_id: of a new need.
        needs: those that are known, by id: what is said of one is sent with the rest of it.
    """
    found = [
        _draft("status", "status", _status(given, at), given, _STATUS_NAMES),
        _draft("resources", "resources", _resources(given, at), given, _RESOURCE_NAMES),
        _draft("need", "need", _need(given, at, need_id), given, ("need.",)),
    ]
    for name, value in given.items():
        if name.startswith("needs.") and value in NEED_STATES:
            known = name.removeprefix("needs.")
            data = {**needs.get(known, {}), "need_id": known, "state": value}
            found.append(Draft(key=f"need-{known}", kind="need", data=data, said={name: value}))
    return [each for each in found if each is not None]


def confirm() -> Draft:
    """The report of the button "Oförändrat"."""
    return Draft(key="confirm", kind="confirm", data={}, said={})


_STATUS_NAMES: Final = (
    *("lifecycle", "availability", "occupancy", "capacity_", "service.", "message.", "note", "opens.", "closes."),
)
_RESOURCE_NAMES: Final = ("power", "staff.", "refill.", "shift.", "water", "heat.", "comms.")


def _draft(
    key: str, kind: vocab.ReportKind, data: Mapping[str, Any], given: Answers, names: tuple[str, ...]
) -> Draft | None:
    if not data:
        return None
    return Draft(key=key, kind=kind, data=data, said={k: v for k, v in given.items() if k.startswith(names)})


# -- status ----------------------------------------------------------------------------------------------------------


def _status(given: Answers, at: int) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name in ("lifecycle", "availability", "note"):
        if name in given:
            said[name] = given[name]
    for name in ("occupancy", "capacity_day", "capacity_night"):
        if name in given:
            said[name] = _whole(given, name)
    services = {
        code: {"state": None if given[f"service.{code}"] == UNKNOWN else given[f"service.{code}"]}
        for code in vocab.SERVICE_CODES
        if f"service.{code}" in given
    }
    if services:
        said["services"] = services
    if given.get("message.is") == "drop":
        said["message"] = None
    elif "message.sv" in given:
        said["message"] = _message(given)
    for name in ("opens", "closes"):
        if f"{name}.at" in given:
            said[f"{name}_at"] = _moment(given, name, at)
    return said


def _message(given: Answers) -> dict[str, str]:
    """The message in all its languages: it is replaced as a whole."""
    rest = given.get("message.rest.is", "")
    kept: dict[str, str] = check.texts(rest.removeprefix(SAME)) if rest.startswith(SAME) else {}
    own = {"sv": given["message.sv"]} | ({"en": given["message.en"]} if "message.en" in given else {})
    return kept | own


# -- resources: each section whole -----------------------------------------------------------------------------------


def _resources(given: Answers, at: int) -> dict[str, Any]:
    sections = {
        "power": _power(given),
        "staff": _staff(given),
        "refill": _refill(given, at),
        "next_shift": _shift(given, at),
        "water": _water(given),
        "heat": {"indoor_c": parse_number(given["heat.indoor_c"])} if "heat.indoor_c" in given else None,
        "comms": _comms(given),
    }
    return {name: section for name, section in sections.items() if section is not None}


def _power(given: Answers) -> dict[str, Any] | None:
    source = given.get("power")
    match source:
        case None:
            return None
        case "backup":
            readings = {
                name: parse_number(given[f"power.{name}"])
                for name in ("fuel_l", "fuel_l_per_h", "endurance_h")
                if f"power.{name}" in given
            }
            rate = given.get("power.fuel_l_per_h.is", "")
            if "fuel_l_per_h" not in readings and rate.startswith(SAME):
                readings["fuel_l_per_h"] = float(rate.removeprefix(SAME))
            return {"source": "backup", "backup_state": "running"} | readings
        case "battery":
            hours = given.get("power.battery_h")
            return {"source": "battery"} | ({} if hours is None else {"battery_h": parse_number(hours)})
        case "none" if given.get("power.why") in vocab.BACKUP_STATES:
            return {"source": "backup", "backup_state": given["power.why"]}
        case _:
            return {"source": source}


def _staff(given: Answers) -> dict[str, Any] | None:
    if "staff.present" not in given:
        return None
    said: dict[str, Any] = {"present": _whole(given, "staff.present")}
    beside = given.get("staff.required.is", PLAN)
    if "staff.required" in given:
        said["required"] = _whole(given, "staff.required")
    elif beside.startswith(SAME):
        said["required"] = int(beside.removeprefix(SAME))
    return said


def _refill(given: Answers, at: int) -> dict[str, Any] | None:
    if "refill.confirmed" not in given:
        return None
    return {"confirmed": given["refill.confirmed"] == "yes"} | _when(given, "refill", at, "eta")


def _shift(given: Answers, at: int) -> dict[str, Any] | None:
    if "shift.covered" not in given:
        return None
    return {"covered": given["shift.covered"] == "yes"} | _when(given, "shift", at, "at")


def _water(given: Answers) -> dict[str, Any] | None:
    source = given.get("water")
    if source == "tank" and "water.litres" in given:
        return {"source": "tank", "litres": parse_number(given["water.litres"])}
    return None if source is None else {"source": source}


def _comms(given: Answers) -> dict[str, Any] | None:
    said: dict[str, Any] = {}
    for code in COMMS:
        match given.get(f"comms.{code}"):
            case "up" | "down" as state:
                said[code] = state == "up" if code == "can_call_112" else state
            case _:
                pass
    return said if any(name.startswith("comms.") for name in given) else None


# -- needs -----------------------------------------------------------------------------------------------------------


def _need(given: Answers, at: int, need_id: str) -> dict[str, Any]:
    if "need.kind" not in given:
        return {}
    said: dict[str, Any] = {"need_id": need_id, "kind": given["need.kind"], "state": "requested"}
    said["direction"] = given.get("need.direction", "need")
    if "need.quantity" in given:
        said["quantity"] = parse_number(given["need.quantity"])
    for name in ("unit", "priority", "note"):
        if f"need.{name}" in given:
            said[name] = given[f"need.{name}"]
    if "need.at" in given:
        said["needed_by"] = _moment(given, "need", at)
    return said


# -- values ----------------------------------------------------------------------------------------------------------


def _whole(given: Answers, name: str) -> int:
    value = parse_number(given[name])
    if value is None:
        raise ValueError(f"{name} was not checked")
    return int(value)


def _when(given: Answers, group: str, at: int, name: str) -> dict[str, str]:
    beside = given.get(f"{group}.at.is", UNKNOWN)
    if f"{group}.at" in given:
        return {name: _moment(given, group, at)}
    return {name: beside.removeprefix(SAME)} if beside.startswith(SAME) else {}


def _moment(given: Answers, group: str, at: int) -> str:
    clock = parse_clock(given[f"{group}.at"])
    if clock is None:
        raise ValueError(f"{group}.at was not checked")
    return iso(next_at(clock, int(given.get(f"{group}.day", "0")), at))
