"""What was last known of each thing that the form asks: shown beside the question, never sent again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vardkase.gateway.reporting import words
from vardkase.gateway.reporting.rules import SAME
from vardkase.gateway.reporting.times import clock
from vardkase_contracts import vocab
from vardkase_contracts.instants import parse

Document = Mapping[str, Any]
"""A state as STATE holds it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What was last known of one thing."""

    value: Any
    text: str
    """In words, with its unit."""
    at: int
    """When it was seen, µs."""

    def told(self, now: int) -> str:
        """As it stands beside the question: "senast 60 l kl 21:10"."""
        return f"senast {self.text} {clock(self.at, now)}"


_UNITS: Final[Mapping[str, str]] = {
    "power.fuel_l": "l",
    "power.fuel_l_per_h": "l/h",
    "power.endurance_h": "tim",
    "power.battery_h": "tim",
    "water.litres": "l",
    "heat.indoor_c": "°C",
}
_SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "power": {
        "source": "power",
        "fuel_l": "power.fuel_l",
        "fuel_l_per_h": "power.fuel_l_per_h",
        "endurance_h": "power.endurance_h",
        "battery_h": "power.battery_h",
    },
    "staff": {"present": "staff.present", "required": "staff.required"},
    "water": {"source": "water", "litres": "water.litres"},
    "heat": {"indoor_c": "heat.indoor_c"},
    "refill": {"eta": "refill.at", "confirmed": "refill.confirmed"},
    "next_shift": {"at": "shift.at", "covered": "shift.covered"},
    "comms": {code: f"comms.{code}" for code in words.COMMS},
}
"""The form's field of each field of a section."""
_STATUS: Final = ("lifecycle", "availability", "occupancy", "capacity_day", "capacity_night")


def readings(state: Document) -> dict[str, Reading]:
    """By the form's fields, the last that is known of each; what was never known is not there.

    Args:
        state: with its timelines, if older readings than the newest report's are wanted (a report that did not read the
            fuel leaves the reading before it).
    """
    facts: Mapping[str, Any] = state.get("facts", {})
    found: dict[str, Reading] = {}
    for name in _STATUS:
        for value, at in _values(state, name):
            if value is not None:
                found[name] = Reading(value=value, text=_status(name, value), at=at)
                break
    for code, fact in facts.get("services", {}).items():
        if fact["value"] is not None and code in words.SERVICE:
            text = words.SERVICE_STATE[fact["value"]]
            found[f"service.{code}"] = Reading(value=fact["value"], text=text, at=parse(fact["observed_at"]))
    for name, field in (("opens_at", "opens.at"), ("closes_at", "closes.at")):
        if (fact := facts.get(name)) is not None and fact["value"] is not None:
            at = parse(fact["observed_at"])
            found[field] = Reading(value=fact["value"], text=clock(parse(fact["value"]), at), at=at)
    found |= _sections(state)
    return found


def _sections(state: Document) -> dict[str, Reading]:
    found: dict[str, Reading] = {}
    for section, fields in _SECTIONS.items():
        for value, at in _values(state, section):
            for name, field in fields.items():
                if value is not None and value.get(name) is not None and field not in found:
                    found[field] = _reading(field, value, name, at)
    return found


def _reading(  # noqa: PLR0911 - one case a kind of field
    field: str, section: Mapping[str, Any], name: str, at: int
) -> Reading:
    """One field of a section as a reading."""
    value = section[name]
    match field:
        case "power":
            return Reading(value=words.power_answer(section), text=words.power(section), at=at)
        case "water":
            return Reading(value=value, text=words.WATER[value], at=at)
        case "refill.at" | "shift.at":
            return Reading(value=value, text=clock(parse(value), at), at=at)
        case "refill.confirmed":
            return Reading(value="yes" if value else "no", text="bekräftad" if value else "inte bekräftad", at=at)
        case "shift.covered":
            return Reading(value="yes" if value else "no", text="bemannat" if value else "inte bemannat", at=at)
        case _ if field.startswith("comms."):
            works = value in {True, "up"}
            return Reading(value="up" if works else "down", text="fungerar" if works else "fungerar inte", at=at)
        case _:
            unit = _UNITS.get(field)
            text = words.number(value) if unit is None else f"{words.number(value)}\N{NO-BREAK SPACE}{unit}"
            return Reading(value=value, text=text, at=at)


def _status(name: str, value: Any) -> str:
    match name:
        case "lifecycle":
            return words.LIFECYCLE[value]
        case "availability":
            return words.AVAILABILITY[value]
        case _:
            return words.number(value)


def _values(state: Document, aspect: str) -> Iterator[tuple[Any, int]]:
    """What was said of an aspect, newest first: values and instants."""
    fact = state.get("facts", {}).get(aspect)
    if fact is not None:
        yield fact["value"], parse(fact["observed_at"])
    lines = state.get("timelines", {})
    reports = lines.get("reports", ())
    for index, value in reversed(lines.get("aspects", {}).get(aspect, ())):
        yield value, parse(reports[index][0])
    known = lines.get("known", {})
    for name in (aspect, "power.endurance" if aspect == "power" else aspect):
        if name in known:
            index, value = known[name]
            yield value, parse(reports[index][0])


# -- what a page asks for because it is known ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Same:
    """The answer "samma"."""

    answer: str
    """What the input answers."""
    text: str


def asked(state: Document, found: Mapping[str, Reading]) -> list[str]:
    """What whoever touches a section is asked for beside it, since it would be lost otherwise (`rules.ASKABLE`)."""
    facts = state.get("facts", {})
    names: list[str] = []
    staff = facts.get("staff")
    if staff is not None and (staff["value"] or {}).get("required") is not None:
        names.append("staff.required")
    comms = facts.get("comms")
    known = (comms and comms["value"]) or {}
    names += [f"comms.{code}" for code in words.COMMS if code != "can_call_112" and known.get(code) is not None]
    if other_languages(state):
        names.append("message.rest")
    return [name for name in names if name in found or name == "message.rest"]


def other_languages(state: Document) -> dict[str, str]:
    """The public message in other languages than Swedish."""
    fact = state.get("facts", {}).get("message")
    value = (fact and fact["value"]) or {}
    return {language: text for language, text in value.items() if language != "sv"}


def same(found: Mapping[str, Reading], field: str) -> Same | None:
    """The answer "samma" of a field that may have it: never of what runs down or changes with people."""
    reading = found.get(field)
    if reading is None or field not in {"power.fuel_l_per_h", "staff.required", "refill.at", "shift.at"}:
        return None
    return Same(answer=f"{SAME}{_plain(reading.value)}", text=reading.text)


def profile(state: Document) -> Mapping[str, Any]:
    """The register, empty of a point never registered."""
    fact = state.get("facts", {}).get("profile")
    return (fact and fact["value"]) or {}


def open_needs(state: Document) -> list[tuple[str, Mapping[str, Any]]]:
    """Needs and surplus that are not yet met, by their ids; the most pressing first."""
    order = {name: place for place, name in enumerate(reversed(vocab.PRIORITIES))}
    needs = [
        (name, fact["value"])
        for name, fact in state.get("facts", {}).get("needs", {}).items()
        if fact["value"] is not None and fact["value"].get("state") not in {"delivered", "cancelled"}
    ]
    return sorted(needs, key=lambda each: (order.get(each[1].get("priority", "normal"), 9), each[0]))


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
