"""Random logs as an archive holds them, an archive in memory, and what was recomputed from the log by definition."""

import hashlib
import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hypothesis import strategies as st

from vardkase.aggregator.log import decode
from vardkase.aggregator.rules_file import load_rules
from vardkase.aggregator.world import World
from vardkase.archive.store import Basis, Logged, PointLog, Span, proven
from vardkase.domain.codec import merged_document
from vardkase.domain.fold import winners, withdrawn_by
from vardkase.domain.merge import Received, merge
from vardkase.domain.order_check import refusal_of
from vardkase.domain.stamps import effective_time
from vardkase.domain.state import PointState
from vardkase.federation.signatures import Keyring
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.headers import written
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, MINUTE, SECOND, iso, parse
from vardkase_contracts.orders import ORDER
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.reports import REPORT, WithdrawReport
from vardkase_contracts.vocab import Reality

LAN = Area.parse("24")
START = parse("2026-01-10T00:00:00Z")
POINTS = ("2480-a", "2480-b", "2401-a", "2480-_")
RULES = load_rules(None)
REGISTERS = {"register", "retire"}


class Row(NamedTuple):
    """A report as it stands in the archive."""

    stored_at: int
    sequence: int
    received: int
    data: bytes
    event: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return self.event["type"].split(".")[2]

    @property
    def delivery(self) -> Delivery:
        event = self.event
        kommun, _, slug = event["subject"].partition("-")
        return Delivery(
            f"tp.v1.{event['reality']}.accepted.24.{kommun}.{slug}.{self.kind}",
            self.data,
            written([("Tp-Received", iso(self.received))]),
            self.sequence,
            self.stored_at,
            0,
            "",
        )


class Act(NamedTuple):
    """An order as it stands in the archive."""

    stored_at: int
    sequence: int
    given_at: int
    data: bytes
    event: Mapping[str, Any]

    @property
    def delivery(self) -> Delivery:
        event = self.event
        kind = event["type"].split(".")[3]
        area = event["subject"]
        place = f"24.{area}" if len(area) == 4 else f"{area}._"
        return Delivery(
            f"tp.v1.{event['reality']}.order.{place}.{kind}", self.data, b"", self.sequence, self.stored_at, 0, ""
        )


@dataclass(frozen=True)
class Log:
    """What came, in order."""

    rows: Sequence[Row]
    acts: Sequence[Act] = ()

    @property
    def end(self) -> int:
        return max([START, *(row.stored_at for row in self.rows), *(act.stored_at for act in self.acts)]) + SECOND


# -- random logs -------------------------------------------------------------------------------------------------------

_POWER = st.sampled_from(
    [
        {"source": "mains"},
        {"source": "none"},
        {"source": "backup", "backup_state": "running", "endurance_h": 5},
        {"source": "backup", "backup_state": "running", "fuel_l": 60, "fuel_l_per_h": 12},
        None,
    ]
)
_STAFF = st.fixed_dictionaries({"present": st.integers(0, 4), "required": st.sampled_from((None, 2, 3))})
_PROFILE = st.fixed_dictionaries(
    {
        "name": st.sampled_from(("Skolan", "Åsens skola")),
        "kind": st.just("trygghetspunkt"),
        "position": st.just({"lon": 20.2, "lat": 63.8}),
    },
    optional={"staff_required": st.sampled_from((2, 3)), "publish": st.sampled_from(("hidden", "live"))},
)
_STATUS = st.fixed_dictionaries(
    {},
    optional={
        "lifecycle": st.sampled_from(("open", "open", "open", "closed", None)),
        "occupancy": st.integers(0, 60),
        "note": st.sampled_from(("diesel räcker", None)),
        "services": st.fixed_dictionaries(
            {"heat": st.fixed_dictionaries({"state": st.sampled_from(("stopped", "available"))})}
        ),
    },
)
_NEED = st.fixed_dictionaries(
    {
        "need_id": st.sampled_from(("n1", "n2")),
        "direction": st.just("need"),
        "kind": st.sampled_from(("fuel", "staff")),
        "priority": st.sampled_from(("urgent", "low")),
        "state": st.sampled_from(("requested", "delivered")),
    }
)
_GAPS = st.sampled_from((0, 1, SECOND, MINUTE, 7 * MINUTE, 40 * MINUTE, 3 * HOUR))
_AGES = st.sampled_from((0, 0, 0, SECOND, 4 * MINUTE, HOUR, 9 * HOUR, -MINUTE, -10 * MINUTE))


@st.composite
def _said(  # noqa: PLR0911 -- one case a kind
    draw: st.DrawFn, point: str, ids: Sequence[str]
) -> tuple[str, dict[str, Any]]:
    """A kind and its data."""
    itself = point.endswith("_")
    usual = (
        ("activation", "need", "heartbeat", "contact")
        if itself
        else (
            "status",
            "status",
            "status",
            "resources",
            "resources",
            "resources",
            "need",
            "confirm",
            "heartbeat",
            "contact",
            "register",
            "register",
            "retire",
        )
    )
    kind = draw(st.sampled_from((*usual, "withdraw")))
    match kind:
        case "status":
            return kind, draw(_STATUS)
        case "resources":
            return kind, draw(
                st.one_of(st.fixed_dictionaries({"power": _POWER}), st.fixed_dictionaries({"staff": _STAFF}))
            )
        case "need":
            return kind, draw(_NEED)
        case "register":
            return kind, draw(_PROFILE)
        case "retire":
            return kind, {"reason": "x", "replaced_by": draw(st.sampled_from(("2480-b", "2401-a", None)))}
        case "contact":
            return kind, {"result": draw(st.sampled_from(("reached", "failed")))}
        case "activation":
            return kind, {"state": draw(st.sampled_from(("active", "none_needed")))}
        case "withdraw":
            named = draw(st.lists(st.sampled_from(list(ids) or ["r0"]), min_size=1, max_size=3, unique=True))
            return kind, {"report_ids": named, "reason": "fel"}
        case _:
            return kind, {}


@st.composite
def logs(draw: st.DrawFn, *, most: int = 24, orders: bool = True) -> Log:
    """A log: late and early reports, copies, other reports under a known id, withdrawals, exercises, acts of people."""
    at, rows, seen, ids = START, list[Row](), set[tuple[str, bytes]](), list[str]()
    for number in range(draw(st.integers(1, most))):
        at += draw(_GAPS)
        if rows and draw(st.integers(0, 11)) == 0:  # the same again: the archive has its first arrival
            continue
        point = draw(st.sampled_from(POINTS))
        name = draw(st.sampled_from(ids)) if ids and draw(st.integers(0, 3)) == 0 else f"r{number}"
        kind, data = draw(_said(point, ids))
        event = {
            "specversion": "1.0",
            "id": name,
            "source": f"urn:tp:kommun:{point[:4]}:{draw(st.sampled_from('ab'))}",
            "type": f"se.trygghetspunkt.{kind}.v1",
            "subject": point,
            "time": iso(at - draw(_AGES)),
            "reality": draw(st.sampled_from(("act", "act", "act", "exe"))),
            "data": {key: value for key, value in data.items() if value is not None or key in {"lifecycle", "power"}},
        }
        raw = json.dumps(event).encode()
        REPORT.validate_json(raw)
        if (point, raw) in seen:
            continue
        seen.add((point, raw))
        ids.append(name)
        rows.append(Row(at, number + 1, at - draw(st.sampled_from((0, 0, 30 * SECOND))), raw, event))
    acts = draw(_acts(at)) if orders else ()
    return Log(tuple(rows), tuple(acts))


@st.composite
def _acts(draw: st.DrawFn, end: int) -> list[Act]:
    made: list[Act] = []
    for number in range(draw(st.integers(0, 3))):
        stored = draw(st.integers(START, end))
        given = stored - draw(st.sampled_from((0, MINUTE, HOUR)))
        kind, area, data = draw(
            st.sampled_from(
                [
                    (
                        "incident",
                        "24",
                        {"id": "storm", "name": "Storm", "areas": ["2480", "2481"], "from": iso(START)},
                    ),
                    ("rules", "2480", {"scope": "2480", "override": {"power.endurance": {"keep": "1h"}}}),
                    ("ack", "2480", {"key": "power.lost/2480-a", "level": "critical"}),
                    (
                        "silence",
                        "2480",
                        {"matcher": {"rule": "staff.short"}, "from": iso(START), "until": iso(START + 48 * HOUR)},
                    ),
                    ("rules", "2480", {"scope": "2401", "override": None}),  # refused: it is another's
                ]
            )
        )
        event = {
            "specversion": "1.0",
            "id": f"o{number}",
            "source": "urn:tp:lan:24:tib",
            "type": f"se.trygghetspunkt.order.{kind}.v1",
            "subject": area,
            "time": iso(given),
            "reality": draw(st.sampled_from(("act", "act", "exe"))),
            "data": {"by": {"role": "tib", "level": "lan", "code": "24"}, **data},
        }
        made.append(Act(stored, number + 1, given, json.dumps(event).encode(), event))
    return sorted(made)


@st.composite
def instants_of(draw: st.DrawFn, log: Log) -> int:
    """An instant that a log may be asked about: before, between, at and after what it holds."""
    marks = [row.stored_at for row in log.rows] + [act.stored_at for act in log.acts]
    marks += [parse(row.event["time"]) for row in log.rows]
    return draw(st.sampled_from(marks or [START])) + draw(st.sampled_from((-1, 0, 0, 1, MINUTE, 2 * HOUR, -HOUR)))


# -- an archive in memory ----------------------------------------------------------------------------------------------


class MemoryStore:
    """What `vardkase.archive.store.Store` is, over a log in memory."""

    def __init__(self, log: Log, keyring: Keyring | None = None) -> None:
        self._log = log
        self._keyring = keyring

    def read(self, delivery: Delivery) -> Received | Refusal:
        return proven(self._keyring, delivery)

    async def reports(
        self,
        span: Span,
        *,
        kinds: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        ever: bool = False,
    ) -> AsyncIterator[Delivery]:
        for row in reversed(self._log.rows):
            event = row.event
            if event["reality"] != span.reality or event["subject"][:4] not in span.kommuner or _late(row, span.by):
                continue
            if span.basis == "observed" and not ever and min(parse(event["time"]), row.received) > span.at:
                continue
            if kinds is None and ids is None and row.kind == "heartbeat":
                continue
            if (kinds is None or row.kind in kinds) and (ids is None or event["id"] in ids):
                yield row.delivery

    async def last_signs(self, span: Span, left_out: Collection[tuple[str, str]]) -> AsyncIterator[Delivery]:
        last: dict[str, tuple[int, Row]] = {}
        for row in self._log.rows:
            event = row.event
            kommun, time = event["subject"][:4], effective_time(parse(event["time"]), row.received)
            if row.kind != "heartbeat" or event["reality"] != span.reality or kommun not in span.kommuner:
                continue
            if (
                _late(row, span.by)
                or (span.basis == "observed" and time > span.at)
                or (kommun, event["id"]) in left_out
            ):
                continue
            if event["subject"] not in last or last[event["subject"]][0] < time:
                last[event["subject"]] = (time, row)
        for _, row in last.values():
            yield row.delivery

    async def contested(self, span: Span) -> set[tuple[str, str]]:
        seen: dict[tuple[str, str], int] = {}
        for row in self._log.rows:
            event = row.event
            key = event["subject"][:4], event["id"]
            if event["reality"] == span.reality and key[0] in span.kommuner and not _late(row, span.by):
                seen[key] = seen.get(key, 0) + 1
        return {key for key, count in seen.items() if count > 1}

    async def heirs_from(self, kommuner: Sequence[str]) -> set[str]:
        return {
            row.event["subject"][:4]
            for row in self._log.rows
            if row.kind == "retire"
            and row.event["subject"][:4] not in kommuner
            and (row.event["data"].get("replaced_by") or "")[:4] in kommuner
        }

    async def log_of(self, point: PointLog) -> AsyncIterator[Logged]:
        rows = [
            row
            for row in self._log.rows
            if row.event["reality"] == point.reality
            and row.event["subject"][:4] == point.kommun
            and not _late(row, point.by)
        ]
        own = {row.event["id"] for row in rows if row.event["subject"][5:] == point.slug or row.kind == "withdraw"}
        for row in rows:
            if row.event["id"] in own:
                yield Logged(row.delivery, f"lan-24/{row.sequence}")

    async def redacted(self, reality: Reality, kommuner: Sequence[str]) -> AsyncIterator[Delivery]:
        for act in self._log.acts:
            event = act.event
            named = event["data"].get("identity", {})
            if "redact" in event["type"] and event["reality"] == reality and named["kommun"] in kommuner:
                yield act.delivery

    async def acts(self, span: Span) -> AsyncIterator[Delivery]:
        known = span.basis == "known"
        for act in sorted(self._log.acts, key=lambda act: (act.stored_at if known else act.given_at, act.sequence)):
            if act.event["reality"] != span.reality or _late(act, span.by) or (not known and act.given_at > span.at):
                continue
            yield act.delivery

    async def alert_changes(self, *_: Any) -> AsyncIterator[bytes]:
        for none in ():
            yield none

    async def last_alerts(self, *_: Any) -> AsyncIterator[bytes]:
        for none in ():
            yield none

    async def rules(self, _: int) -> bytes | None:
        return None


def _late(one: Row | Act, by: int | None) -> bool:
    return by is not None and one.stored_at > by


# -- by definition -----------------------------------------------------------------------------------------------------


def came(log: Log, by: int) -> list[Row]:
    """What had come by then, in the order in which it came."""
    return sorted((row for row in log.rows if row.stored_at <= by), key=_in_order)


def _in_order(row: Row) -> tuple[int, int, bytes]:
    return row.stored_at, row.sequence, hashlib.sha256(row.data).digest()


def counting(rows: Iterable[Row], at: int | None) -> list[Received]:
    """Of a set of reports those that count: the copies that win, without those withdrawn; observed until then."""
    items = [item for item in (decode(row.delivery) for row in rows) if isinstance(item, Received)]
    best = winners(items)
    gone = {
        key for each in best.values() if isinstance(each.report, WithdrawReport) for key in withdrawn_by(each.report)
    }
    found = [each for key, each in best.items() if key not in gone and not isinstance(each.report, WithdrawReport)]
    return [each for each in found if at is None or each.stamp.time <= at]


def states(items: Iterable[Received], reality: str, kinds: set[str] | None = None) -> dict[str, PointState]:
    """The states of a reality that reports make, in an order that must not count."""
    found: dict[str, PointState] = {}
    for item in sorted(items, key=lambda each: each.digest):
        report = item.report
        if report.reality == reality and (kinds is None or report.kind in kinds):
            merge(found.setdefault(report.subject, PointState(report.subject, reality)), item)
    return found


def state_of(rows: Iterable[Row], point: str, reality: Reality, at: int | None = None) -> PointState:
    """A point's state, made of a set of reports from the beginning."""
    items = counting(rows, at)
    own = states(items, reality).get(point, PointState(point, reality))
    if reality != "act" and not own.is_empty:
        register = states(items, "act", REGISTERS).get(point)
        for aspect in ("profile", "retire"):
            entry = register.facts.get(aspect) if register is not None else None
            if entry is not None:
                own.put_fact(aspect, *entry)
    return own


def world_of(log: Log, reality: Reality, at: int, basis: Basis, by: int) -> World:
    """A reality as it was, folded and judged from the beginning."""
    rows = came(log, by)
    items = counting(rows, None if basis == "known" else at)
    registers = None
    if reality != "act":
        registers = World("act", LAN, RULES)
        for state in states(items, "act", REGISTERS).values():
            registers.put(state)
    world = World(reality, LAN, RULES, registers=registers)
    for act in log.acts:
        when = act.stored_at if basis == "known" else act.given_at
        if act.event["reality"] == reality and act.stored_at <= by and when <= max(at, by if basis == "known" else at):
            order = ORDER.validate_json(act.data)
            if refusal_of(order, RULES) is None:
                world.take_order(order)
    for state in states(items, reality).values():
        world.put(state)
    for _ in range(10):
        effects = world.judge(at)
        if not world.waiting and not (effects.states or effects.alerts):
            break
    return world


def view(state: PointState) -> tuple[str | None, dict[str, Any]]:
    """A state's version, and its parts by name."""
    if state.is_empty:
        return None, {}
    document = merged_document(state)
    parts: dict[str, Any] = {"registered": state.registered, "retired": state.retired}
    for name, fact in document["facts"].items():
        parts |= (
            {f"facts.{name}.{x}": y for x, y in fact.items()}
            if name in {"services", "needs"}
            else {f"facts.{name}": fact}
        )
    parts |= {f"others.{name}": fact for name, fact in document["others"].items()}
    parts |= {f"last.{name}": value for name, value in document["last"].items() if value is not None}
    return document["version"], parts


# -- one told story --------------------------------------------------------------------------------------------------


def row(
    number: int, kind: str, data: dict[str, Any], *, point: str = "2480-a", at: int | None = None, **more: Any
) -> Row:
    """A report that came `number` minutes after the beginning."""
    stored = START + number * MINUTE
    event = {
        "specversion": "1.0",
        "id": f"r{number}",
        "source": f"urn:tp:kommun:{point[:4]}:a",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": point,
        "time": iso(stored if at is None else at),
        "reality": "act",
        "data": data,
    } | more
    return Row(stored, number + 1, stored, json.dumps(event).encode(), event)


STORY = Log(
    (
        row(0, "register", {"name": "Skolan", "kind": "trygghetspunkt", "position": {"lon": 20.2, "lat": 63.8}}),
        row(1, "status", {"lifecycle": "open", "occupancy": 3, "note": "ring Anna"}),
        row(2, "status", {"lifecycle": "open"}, point="2480-b"),
        row(3, "resources", {"power": {"source": "none"}}),
        row(4, "status", {"lifecycle": "open"}, point="2401-a"),
        row(60, "status", {"occupancy": 1}, at=START + 30 * MINUTE),
        row(90, "withdraw", {"report_ids": ["r3"], "reason": "fel"}, point="2480-_"),
    )
)


def at(minute: float) -> str:
    """A time in the story."""
    return iso(START + round(minute * MINUTE))
