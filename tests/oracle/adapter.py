"""What the program answers to the same questions, in the oracle's words. Only here is `vardkase` imported."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import yaml

from oracle.merge import Given, Stamp, instant
from oracle.merged import Entry, Merged, plain
from oracle.orders import within
from vardkase.domain.alerts import Subject
from vardkase.domain.area import Heard, red_share
from vardkase.domain.area import silence as silent
from vardkase.domain.codec import load, merged_document
from vardkase.domain.contribution import contribution
from vardkase.domain.document import clock_part as document_of_clock
from vardkase.domain.finding import Verdict
from vardkase.domain.fold import fold
from vardkase.domain.judge import Judgement, conflicts, judge_point
from vardkase.domain.merge import Received, merge
from vardkase.domain.orders import Orders
from vardkase.domain.picture import Pictures, Surroundings
from vardkase.domain.rollup import RollUp
from vardkase.domain.rules import Rules
from vardkase.domain.state import PointState
from vardkase.domain.tables import Tables
from vardkase_contracts.areas import Area, areas_of
from vardkase_contracts.orders import ORDER, RulesOrder
from vardkase_contracts.reports import REPORT


@cache
def rules() -> Rules:
    """The program's default table."""
    return Rules.model_validate(yaml.safe_load(files("vardkase.domain").joinpath("default-1.yaml").read_text()))


def received(one: Given) -> Received:
    """A report as the program takes it."""
    return Received(report=REPORT.validate_json(one.raw), received=one.received, digest=sha256(one.raw).digest())


def states(given: Iterable[Given], reality: str = "act") -> dict[str, PointState]:
    """The program's states of one reality, by the point's id."""
    return {point: state for (of, point), state in fold(map(received, given)).items() if of == reality}


def judged(state: PointState, now: int, table: Rules | None = None, **more: Any) -> Judgement:
    """A state judged, by the default table when no other is given."""
    return judge_point(state, table or rules(), now, **more)


def tables(events: Iterable[Mapping[str, Any]], now: int) -> Tables:
    """The tables that the overrides of an instant make."""
    found = Tables(rules())
    for event in events:
        order = ORDER.validate_json(json.dumps(event))
        if isinstance(order, RulesOrder):
            found.take(order)
    found.advance(now)
    return found


def _entry(fact: Mapping[str, Any], aspect: str) -> Entry:
    return Entry(
        stamp=Stamp(instant(fact["observed_at"]), fact["seq"], fact["report"]),
        value=plain(fact["value"], aspect),
        source=fact["source"],
        quality=fact.get("quality", "observed"),
        clock_adjusted=fact.get("clock_adjusted", False),
    )


def merged(state: PointState) -> Merged:
    """What a state's document says, in the oracle's words."""
    document = merged_document(state)
    facts, last, lines = document["facts"], document["last"], document["timelines"]
    flat = {name: fact for name, fact in facts.items() if name not in ("services", "needs")}
    for group in ("services", "needs"):
        flat |= {f"{group}.{name}": fact for name, fact in facts.get(group, {}).items()}
    rows = [Stamp(instant(row[0]), row[1], row[2]) for row in lines["reports"]]
    kept: dict[str, dict[Stamp, Any]] = {
        aspect: {rows[i]: plain(value) for i, value in line} for aspect, line in lines["aspects"].items()
    }
    for aspect, (i, value) in lines["known"].items():
        kept[aspect.removesuffix(".endurance")][rows[i]] = plain(value)
    return Merged(
        facts={name: _entry(fact, name) for name, fact in flat.items()},
        kept={aspect: sorted(stamps.items(), key=lambda item: item[0]) for aspect, stamps in kept.items()},
        content=_instant(last["content"]),
        heartbeat=_instant(last["heartbeat"]),
        reached=_instant(last["reached"]),
        contact=None if last["contact"] is None else _entry(last["contact"], "contact"),
        conflicts={found.aspect: (found.newest[0].report, found.other[0].report) for found in conflicts(state)},
        registered=state.registered,
        retired=state.retired,
    )


def _instant(text: str | None) -> int | None:
    return None if text is None else instant(text)


def documents(given: Iterable[Given], reality: str = "act") -> dict[str, Any]:
    """The documents of what is merged, versions with them, by the point's id."""
    return {point: merged_document(state) for point, state in states(given, reality).items()}


def resumed(stored: Iterable[Given], rest: Iterable[Given]) -> dict[str, Any]:
    """The same when the first reports were merged, stored and loaded, and the rest merged one by one after that.

    Neither part may hold copies of an identity or withdrawals: those are settled before merging.
    """
    found = {point: _reloaded(state) for point, state in states(stored).items()}
    for one in rest:
        if one.point not in found:
            found[one.point] = PointState(id=one.point, reality=one.event["reality"])
        merge(found[one.point], received(one))
    return {point: merged_document(state) for point, state in found.items()}


def _reloaded(state: PointState) -> PointState:
    return load({"id": state.id, "reality": state.reality, **merged_document(state)})


class Sums:
    """The program's judgements of a whole reality at an instant, and its sums of them."""

    def __init__(
        self,
        given: Iterable[Given],
        now: int,
        area: str,
        *,
        silent: Iterable[str] = (),
        orders: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """Judge everything in an area; `silent` are the kommuner with an open `area.silent`; orders override rules."""
        self.tables = tables(orders, now)
        self.now, self.area = now, Area.parse(area)
        self.states = {point: state for point, state in states(given).items() if within(state.kommun, area)}
        self.silent = frozenset(silent)
        self.rollup = RollUp(self.area)
        for point in self.states:
            self.put(point, now)

    def put(self, point: str, now: int) -> Judgement:
        """Judge a point at an instant, and put it in the sums."""
        state = self.states[point]
        muted = f"area.silent/{state.kommun}" if state.kommun in self.silent else None
        table = self.tables.of_point(point)
        judgement = judged(state, now, table, silent_area=muted, inherited=self._inherited(point))
        self.rollup.replace(point, contribution(state, judgement))
        return judgement

    def _inherited(self, point: str) -> tuple[Any, ...]:
        return tuple(
            need
            for state in self.states.values()
            if state.retired and state.value("retire").get("replaced_by") == point
            for need in state.needs.values()
        )

    def red_share(self, area: str) -> str | None:
        """The level of `area.red_share` of the area, or of one within it."""
        of = Area.parse(area)
        spec = self.tables.of_area(of)["area.red_share"]
        verdict = red_share(self.rollup.count(of, "open"), self.rollup.count(of, "grave"), spec, self.now, None)
        return None if verdict is None else verdict.level

    def counts(self) -> dict[str, Any]:
        """The picture of the area, as far as the oracle counts it."""
        found = self.picture()
        coverage = dict(found["coverage"], oldest=_instant(found["coverage"]["oldest"]))
        del coverage["incident_silent"]
        forecast = dict(found["forecast"], next=[entry["point"] for entry in found["forecast"]["next"]])
        parts = {name: found[name] for name in ("condition", "resources", "measures", "alerts")}
        return {**parts, "forecast": forecast, "coverage": coverage}

    def picture(self) -> dict[str, Any]:
        """The picture of the area."""
        activation = {
            state.kommun: said for state in self.states.values() if (said := state.value("activation")) is not None
        }
        around = Surroundings(activation=activation, silent=self.silent, incident_silent=frozenset())
        return Pictures(self.rollup, "act").of(self.area, around, self.now)


def orders(events: Iterable[Mapping[str, Any]]) -> Orders:
    """Orders as the program folds them."""
    folded = Orders()
    for event in events:
        folded.take(ORDER.validate_json(json.dumps(event)))
    return folded


def is_open(state: PointState, now: int) -> bool:
    """Whether a point is open at an instant."""
    return not state.retired and judged(state, now).lifecycle == "open"


def silence(given: Iterable[Given], events: Iterable[Mapping[str, Any]], kommun: str, now: int) -> Verdict | None:
    """The program's `area.silent` of a kommun."""
    here = [state for state in states(given).values() if state.kommun == kommun]
    heard = Heard(
        anything=max((at for state in here if (at := state.heard()) is not None), default=None),
        heartbeat=max((state.heartbeat for state in here if state.heartbeat is not None), default=None),
        failed=max((at for state in here if (at := state.failed()) is not None), default=None),
    )
    open_points = sum(is_open(state, now) for state in here if not state.is_kommun)
    table = tables(events, now).of_area(Area.parse(kommun))
    return silent(heard, open_points, orders(events).incident_since(kommun, now), table, now).verdict


def clock_part(state: PointState, judgement: Judgement) -> dict[str, Any]:
    """What the clock adds to a state's document, in the oracle's words; the alerts are left to `judged`."""
    kommun = areas_of(state.kommun)[0]
    subject = Subject(reality=state.reality, code=state.id, name=state.id, area=kommun, point=True)
    document = document_of_clock(state, judgement, subject)
    keys = {f"{rule}/{state.id}": (verdict.level, verdict.inhibited_by) for rule, verdict in judgement.verdicts.items()}
    if {alert["key"]: (alert["level"], alert["inhibited_by"]) for alert in document["alerts"]} != keys:
        raise AssertionError("the document's alerts are not the judgement's")
    return {
        **{name: value for name, value in document.items() if name != "alerts"},
        "runs_out_at": _instant(document["runs_out_at"]),
        "conflict": sorted(conflict["aspect"] for conflict in document["conflict"]),
    }
