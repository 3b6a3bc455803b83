"""An area's picture under the five headings of a situation report (2022:524 22 §), from its sums."""

from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import Any

from vardkase_contracts.areas import LAN, Area
from vardkase_contracts.instants import iso
from vardkase_contracts.vocab import (
    ACTIVATION_STATES,
    ALERT_LEVELS,
    AVAILABILITIES,
    CONDITIONS,
    FRESHNESSES,
    LIFECYCLES,
    NEED_KINDS,
    NEED_STATES,
    POWER_SOURCES,
    RULES,
    SERVICE_CODES,
    SERVICE_STATES,
)

from .codec import version_of
from .contribution import HORIZONS, SCALE
from .offers import UNITS
from .rollup import RollUp


class Surroundings:
    """What a picture says beside the sums: of each kommun, and of the incidents in force."""

    def __init__(self, activation: Mapping[str, str], silent: frozenset[str], incident_silent: frozenset[str]) -> None:
        """Collect it.

        Args:
            activation: the known state of activation, by kommun.
            silent: kommuner with an open `area.silent`.
            incident_silent: kommuner of an incident that have said nothing since it began.
        """
        self.activation = activation
        self.silent = silent
        self.incident_silent = incident_silent


class Pictures:
    """Makes the pictures of a reality; what a child looks like in its parents' is kept while it does not change."""

    def __init__(self, rollup: RollUp, reality: str) -> None:
        """Make them from these sums."""
        self._rollup = rollup
        self._reality = reality
        self._children: dict[Area, tuple[int, dict[str, Any]]] = {}

    def of(self, area: Area, around: Surroundings, now: int) -> dict[str, Any]:
        """The automatic picture of an area at an instant, but for its events, which its version leaves out."""
        rollup = self._rollup
        sums = rollup.sums[area]
        content: dict[str, Any] = {
            "reality": self._reality,
            "level": area.level,
            "code": area.code,
            "name": area.name,
            "adopted": None,
            "condition": _condition(area, sums, around),
            "forecast": {
                "dark": sums.get("dark", 0),
                "endurance_unknown": sums.get("endurance_unknown", 0),
                "out_within": {name: sums.get(f"out/{name}", 0) for name, _ in HORIZONS},
                "next": [_listed(each) for each in rollup.shortages(area)],
            },
            "resources": _resources(sums),
            "measures": {
                "needs": _table(sums, "needs", (*NEED_KINDS, "unknown"), NEED_STATES),
                "overdue": sums.get("needs_overdue", 0),
            },
            "coverage": _coverage(area, rollup, around),
            "alerts": _table(sums, "alerts", RULES, ALERT_LEVELS),
            "areas": [self._child(child, around) for child in area.children()],
        }
        content["version"] = version_of(content)
        content["as_of"] = iso(now)
        return content

    def _child(self, area: Area, around: Surroundings) -> dict[str, Any]:
        revision = self._rollup.revisions[area]
        kept = self._children.get(area)
        if kept is None or kept[0] != revision:
            kept = self._children[area] = revision, _child(area, self._rollup, around)
        return kept[1]


def _counts(sums: Mapping[str, int], group: str, names: Iterable[str]) -> dict[str, int]:
    return {name: sums.get(f"{group}/{name}", 0) for name in names}


def _table(
    sums: Mapping[str, int], group: str, rows: Iterable[str], columns: Iterable[str]
) -> dict[str, dict[str, int]]:
    """Counts by row and column, without rows of nothing."""
    table: dict[str, dict[str, int]] = {}
    for row in rows:
        counts = _counts(sums, f"{group}/{row}", columns)
        if any(counts.values()):
            table[row] = counts
    return table


def _condition(area: Area, sums: Mapping[str, int], around: Surroundings) -> dict[str, Any]:
    activation = {code: around.activation.get(code, "unknown") for code in area.kommuner()}
    stated = list(activation.values())
    return {
        "lifecycle": _counts(sums, "lifecycle", (*LIFECYCLES, "unknown")),
        "availability": _counts(sums, "availability", (*AVAILABILITIES, "unknown")),
        "condition": _counts(sums, "condition", CONDITIONS),
        "freshness": _counts(sums, "freshness", FRESHNESSES),
        "occupancy": {
            "sum": sums.get("occupancy/sum", 0),
            "low": sums.get("occupancy/sum", 0),
            "high": None if sums.get("occupancy/unbounded") else sums.get("occupancy/high", 0),
            "points": sums.get("occupancy/points", 0),
            "of": sums.get("open", 0),
            "unbounded": sums.get("occupancy/unbounded", 0),
        },
        "capacity": _known_sum(sums, "capacity"),
        "services": _table(sums, "services", SERVICE_CODES, (*SERVICE_STATES, "unknown")),
        "activation": {
            "counts": {state: stated.count(state) for state in (*ACTIVATION_STATES, "unknown")},
            "kommuner": activation,
        },
    }


def _known_sum(sums: Mapping[str, int], name: str) -> dict[str, int]:
    """A sum over open points with how many of them it rests on."""
    return {"sum": sums.get(f"{name}/sum", 0), "points": sums.get(f"{name}/points", 0), "of": sums.get("open", 0)}


def _resources(sums: Mapping[str, int]) -> dict[str, Any]:
    return {
        "free_capacity": _known_sum(sums, "free"),
        "staff": {
            "present": sums.get("staff/present", 0),
            "points": sums.get("staff/points", 0),
            "required": sums.get("staff/required", 0),
            "short": sums.get("staff/short", 0),
            "of": sums.get("open", 0),
        },
        "power": _counts(sums, "power", (*POWER_SOURCES, "unknown")),
        "surplus": _surplus(sums),
    }


def _surplus(sums: Mapping[str, int]) -> dict[str, Any]:
    """What is offered, by kind; of more units than a picture shows those of the most offers."""
    surplus: dict[str, Any] = {}
    for name, amount in sums.items():
        if name.startswith("surplus/"):
            _, kind, what, *unit = name.split("/", 3)
            entry = surplus.setdefault(kind, {"count": 0, "quantities": {}})
            if what == "count":
                entry["count"] = amount
            elif what == "unit":
                entry["quantities"]["/".join(unit)] = amount / SCALE
    for kind, entry in surplus.items():
        quantities: dict[str, float] = entry["quantities"]
        if len(quantities) > UNITS:
            offers = {unit: sums.get(f"surplus/{kind}/offers/{unit}", 0) for unit in quantities}
            usual = nsmallest(UNITS, quantities, key=lambda unit, offers=offers: (-offers[unit], unit))
            entry["quantities"] = {unit: quantities[unit] for unit in usual}
    return surplus


def _reporting(sums: Mapping[str, int]) -> dict[str, int]:
    on_time, stale = sums.get("on_time", 0), sums.get("stale", 0)
    return {
        "expected": sums.get("expected", 0),
        "reporting": on_time + stale,
        "on_time": on_time,
        "stale": stale,
        "silent": sums.get("silent", 0),
        "unregistered": sums.get("unregistered", 0),
    }


def _coverage(area: Area, rollup: RollUp, around: Surroundings) -> dict[str, Any]:
    kommuner = area.kommuner()
    oldest = rollup.oldest(area)
    with_points = reporting = 0
    for code in kommuner:
        sums = rollup.sums[Area("kommun", code)]
        with_points += "expected" in sums or "unregistered" in sums
        reporting += bool(sums.get("on_time") or sums.get("stale"))
    return {
        **_reporting(rollup.sums[area]),
        "oldest": None if oldest is None else iso(oldest),
        "kommuner": {
            "total": len(kommuner),
            "with_points": with_points,
            "reporting": reporting,
            "silent": sum(code in around.silent for code in kommuner),
        },
        "incident_silent": [code for code in kommuner if code in around.incident_silent],
    }


def _listed(each: Mapping[str, Any]) -> dict[str, Any]:
    runs_out_at = each["runs_out_at"]
    return {**each, "runs_out_at": None if runs_out_at is None else iso(runs_out_at)}


def _child(area: Area, rollup: RollUp, around: Surroundings) -> dict[str, Any]:
    sums = rollup.sums[area]
    child: dict[str, Any] = {
        "level": area.level,
        "code": area.code,
        "name": area.name,
        "lifecycle": _counts(sums, "lifecycle", (*LIFECYCLES, "unknown")),
        "condition": _counts(sums, "condition", CONDITIONS),
        "freshness": _counts(sums, "freshness", FRESHNESSES),
        "coverage": _coverage(area, rollup, around),
        "alerts": _table(sums, "alerts", RULES, ALERT_LEVELS),
    }
    if area.level == "lan":
        child["civo"] = LAN[area.code].civo
    return child
