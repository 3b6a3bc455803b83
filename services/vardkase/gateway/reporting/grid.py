"""The kommun desk's grid: a row a point, in words, with what may be answered in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from vardkase.gateway.reporting import readings, words
from vardkase.gateway.reporting.readings import Document, Reading
from vardkase.gateway.reporting.times import clock
from vardkase.gateway.reporting.view import Option, staff_beside
from vardkase_contracts import vocab
from vardkase_contracts.instants import parse

SORTS: Final[Mapping[str, str]] = {"nr": "nummer", "lage": "läge, sämst först", "tyst": "tystast först"}
"""In what order rows may stand."""
CELLS: Final = ("lifecycle", "occupancy", "staff.present", "staff.required.is")
"""What may be answered in a row."""
_WORST: Final[Mapping[str, int]] = {"critical": 0, "red": 1, "unknown": 2, "yellow": 3, "green": 4, "not_applicable": 5}
_STALE: Final[Mapping[str | None, int]] = {"silent": 0, "stale": 1, None: 2, "ageing": 3, "fresh": 4}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A point in the grid."""

    point: str
    name: str
    number: int | None
    condition: str
    freshness: str | None
    """None: never heard."""
    dark: bool
    lifecycle: str | None
    alerts: Sequence[tuple[str, str]]
    """Level and words, the worst first; those that another mutes left out."""
    power: str
    runs_out: int | None
    content: int | None
    """When the point last said anything, µs."""
    contact: tuple[str, int] | None
    """What came of the last attempt to reach it, and when."""
    conflicts: int
    needs: int
    readings: Mapping[str, Reading]
    capacity: int | None
    asked: Sequence[str]
    beside: Sequence[Option]
    """The answers beside `staff.present`, where they are asked for."""
    given: Mapping[str, str] = field(default_factory=dict[str, str])
    errors: Mapping[str, str] = field(default_factory=dict[str, str])


def row(
    point: str,
    state: Document,
    register: Mapping[str, Any],
    *,
    given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Row:
    """A point's row.

    Args:
        point: its id.
        state: as it is held; empty of a point that this reality has said nothing of.
        register: its profile; empty of one never registered.
        given: what was answered, when the grid is shown again.
        errors: what was wrong with it.
    """
    found = readings.readings(state)
    asked = [name for name in readings.asked(state, found) if name == "staff.required"]
    content = state.get("last", {}).get("content")
    contact = state.get("last", {}).get("contact")
    out = state.get("runs_out_at")
    open_ = found.get("lifecycle")
    return Row(
        point=point,
        name=register.get("name") or point,
        number=register.get("no"),
        condition=state.get("condition", "unknown"),
        freshness=state.get("freshness"),
        dark=state.get("dark", False),
        lifecycle=None if open_ is None else open_.value,
        alerts=_alerts(state),
        power=_power(found),
        runs_out=None if out is None else parse(out),
        content=None if content is None else parse(content),
        contact=None if contact is None else (contact["value"], parse(contact["observed_at"])),
        conflicts=len(state.get("conflict", ())),
        needs=len(readings.open_needs(state)),
        readings=found,
        capacity=found["capacity_day"].value if "capacity_day" in found else register.get("capacity_day"),
        asked=asked,
        beside=staff_beside(found, register) if asked else (),
        given=given or {},
        errors=errors or {},
    )


def ordered(rows: Iterable[Row], by: str) -> list[Row]:
    """The rows in an order of `SORTS`."""

    def key(each: Row) -> tuple[int, int, str]:
        match by:
            case "lage":
                return _WORST.get(each.condition, 2), _STALE[each.freshness], each.name
            case "tyst":
                return 0, each.content or 0, each.name
            case _:
                return 0, each.number or 1_000, each.name

    return sorted(rows, key=key)


def _alerts(state: Document) -> list[tuple[str, str]]:
    order = {level: place for place, level in enumerate(reversed(vocab.ALERT_LEVELS))}
    shown = [each for each in state.get("alerts", ()) if each["inhibited_by"] is None]
    shown.sort(key=lambda each: (order[each["level"]], each["key"]))
    found: list[tuple[str, str]] = []
    for each in shown:
        rule = each["key"].partition("/")[0]
        found.append((each["level"], words.RULE.get(rule, rule)))
    return found


def _power(found: Mapping[str, Reading]) -> str:
    power = found.get("power")
    if power is None:
        return "okänt"
    fuel = found.get("power.fuel_l")
    return power.text if fuel is None or power.value != "backup" else f"{power.text}, {fuel.text}"


# -- what a point has said, report by report -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A report that still counts in a state."""

    report: str
    at: int
    source: str
    """Who, in words."""
    texts: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """Two reporters who differ."""

    aspect: str
    said: Sequence[Said]
    """The newest first."""


def reports(state: Document, now: int) -> list[Said]:
    """The reports that a state rests on, the newest first: what may be withdrawn."""
    found: dict[str, tuple[Mapping[str, Any], list[str]]] = {}
    facts: Mapping[str, Any] = state.get("facts", {})
    for aspect, fact in _facts(facts):
        found.setdefault(fact["report"], (fact, []))[1].append(_text(aspect, fact["value"], now))
    made = [
        Said(report=report, at=parse(fact["observed_at"]), source=source(fact["source"]), texts=texts)
        for report, (fact, texts) in found.items()
    ]
    return sorted(made, key=lambda each: -each.at)


def conflicts(state: Document, now: int) -> list[Conflict]:
    """What a point's reporters differ about."""
    return [
        Conflict(
            aspect=words.aspect(each["aspect"]),
            said=[
                Said(
                    report=fact["report"],
                    at=parse(fact["observed_at"]),
                    source=source(fact["source"]),
                    texts=[_text(each["aspect"], fact["value"], now)],
                )
                for fact in each["values"]
            ],
        )
        for each in state.get("conflict", ())
    ]


def source(urn: str) -> str:
    """Who reports, in words: never a name."""
    reporter = urn.split(":", 4)[4] if urn.count(":") >= 4 else ""
    if reporter.startswith("form"):
        return "formuläret på platsen"
    return {"": "kommunen", "desk": "kommunens desk"}.get(reporter, reporter)


def _facts(facts: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for name, fact in facts.items():
        if name == "services":
            yield from ((f"services.{code}", each) for code, each in fact.items())
        elif name == "needs":
            yield from ((f"needs.{code}", each) for code, each in fact.items())
        elif name not in {"profile", "retire"}:
            yield name, fact


def _text(aspect: str, value: Any, now: int) -> str:  # noqa: C901, PLR0911 - one case an aspect
    name = words.aspect(aspect)
    if value is None:
        return f"{name}: okänt"
    if aspect.startswith("services."):
        return f"{name}: {words.SERVICE_STATE[value]}"
    if aspect.startswith("needs."):
        kind = words.NEED_KIND.get(value.get("kind", "other"), "Annat")
        return f"behov {kind.lower()}: {words.NEED_STATE[value.get('state', 'requested')]}"
    match aspect:
        case "lifecycle":
            return f"{words.LIFECYCLE[value]}"
        case "availability":
            return words.AVAILABILITY[value]
        case "occupancy":
            return f"{words.number(value)} besökare"
        case "activation":
            return words.ACTIVATION[value]
        case "message":
            return f"meddelande: ”{value.get('sv', next(iter(value.values()), ''))[:60]}”"
        case "note":
            return f"anteckning: ”{value[:60]}”"
        case "opens_at" | "closes_at":
            return f"{name} {clock(parse(value), now)}"
        case _ if isinstance(value, Mapping):
            return _section(aspect, value)
        case _:
            return f"{name}: {value}"


def _section(aspect: str, value: Mapping[str, Any]) -> str:
    """A section with its quantities."""
    state = {"facts": {aspect: {"value": value, "observed_at": "2000-01-01T00:00:00Z"}}}
    found = {name: each for name, each in readings.readings(state).items() if not name.endswith(".at")}
    if aspect == "comms":
        parts = [f"{words.COMMS_SHORT[name.removeprefix('comms.')]} {each.text}" for name, each in found.items()]
    else:
        parts = [each.text for each in found.values()]
    between = " av " if aspect == "staff" else ", "
    return f"{words.aspect(aspect)}: {between.join(parts) or 'okänt'}"
