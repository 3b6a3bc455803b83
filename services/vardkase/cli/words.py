"""The words that the terminal shows: Swedish, and one place for each."""

from collections.abc import Mapping
from typing import Final

from vardkase_contracts import vocab
from vardkase_contracts.alert import Alert
from vardkase_contracts.areas import KOMMUNER, Area

REALITY: Final[Mapping[vocab.Reality, str]] = {"act": "SKARPT LÄGE", "exe": "ÖVNING", "tst": "PROV"}
"""What a picture is of; an exercise must never be taken for the real thing."""

LEVEL: Final[Mapping[vocab.AlertLevel, str]] = {"yellow": "gul", "red": "röd", "critical": "kritisk"}
LEVELS: Final[Mapping[vocab.AlertLevel, str]] = {"yellow": "gula", "red": "röda", "critical": "kritiska"}
"""Of several."""
LEVEL_ORDER: Final[Mapping[vocab.AlertLevel, int]] = {"critical": 0, "red": 1, "yellow": 2}
"""Worst first."""
LEVEL_STYLE: Final[Mapping[vocab.AlertLevel, str]] = {
    "yellow": "bold yellow",
    "red": "bold red",
    "critical": "bold white on red",
}

CONDITION: Final[Mapping[vocab.Condition, str]] = {
    "critical": "kritisk",
    "red": "röd",
    "yellow": "gul",
    "green": "grön",
    "unknown": "okänd",
    "not_applicable": "ej öppen",
}
CONDITION_STYLE: Final[Mapping[vocab.Condition, str]] = {
    "critical": "bold white on red",
    "red": "bold red",
    "yellow": "bold yellow",
    "green": "green",
    "unknown": "bold magenta",
    "not_applicable": "dim",
}

LIFECYCLE: Final[Mapping[str, str]] = {
    "planned": "planerade",
    "prepared": "förberedda",
    "establishing": "upprättas",
    "open": "öppna",
    "closing": "stänger",
    "closed": "stängda",
    "unknown": "okända",
}
"""Of several points."""

FRESHNESS: Final[Mapping[vocab.Freshness, str]] = {
    "fresh": "aktuell",
    "ageing": "äldre uppgift",
    "stale": "inaktuell",
    "silent": "tyst",
}

RULE: Final[Mapping[str, str]] = {
    "power.endurance": "uthållighet",
    "power.battery": "batteri",
    "power.lost": "strömlös",
    "power.not_connected": "elverk ej anslutet",
    "report.incomplete": "ofullständig rapport",
    "staff.short": "bemanning",
    "staff.next_shift": "nästa pass",
    "capacity.high": "beläggning",
    "water.low": "vatten",
    "heat.low": "värme",
    "comms.112": "112",
    "service.stopped": "funktion nere",
    "closing.occupied": "stänger med besökare",
    "need.overdue": "försenat behov",
    "freshness.stale": "inaktuell",
    "area.silent": "tyst kommun",
    "area.red_share": "många röda",
}
"""A rule in two words; one that is not here is shown by its code."""

CLEARED: Final[Mapping[vocab.ClearedReason, str]] = {
    "recovered": "åtgärdat",
    "closed": "stängd",
    "withdrawn": "återtagen rapport",
    "retired": "avvecklad",
}

ROLE: Final[Mapping[vocab.Role, str]] = {
    "tib": "TiB",
    "site_lead": "platsansvarig",
    "krisledning": "krisledning",
    "stab": "stab",
    "sensor": "givare",
}

REFUSED: Final[Mapping[vocab.RefusalReason, str]] = {
    "not_json": "inte JSON",
    "not_cloudevent": "inte ett CloudEvent",
    "schema": "fel slags värde",
    "range": "orimligt värde",
    "subject_mismatch": "ämne och innehåll stämmer inte",
    "unknown_kommun": "okänd kommun",
    "kommun_not_in_lan": "fel län",
    "too_large": "för stor",
    "signature": "signatur",
}


def rule(code: str) -> str:
    """A rule in Swedish."""
    return RULE.get(code, code)


def where(alert: Alert) -> str:
    """What an alert is about: the point's name (and kommun), or the area's."""
    if alert.point is None:
        return alert.area.name
    name = alert.point.name or alert.point.id
    kommun = KOMMUNER.get(alert.point.id[:4])
    if kommun is None or kommun.name in name:
        return name
    return f"{name}, {kommun.name}"


def saying(alert: Alert) -> str:
    """What an alert says, without the level and the name that stand beside it."""
    *_, last = alert.text.sv.split(": ", 2)
    return last


def area_title(area: Area) -> str:
    """An area as a heading: its name and code."""
    return area.name if area.level == "nation" else f"{area.name} ({area.code})"
