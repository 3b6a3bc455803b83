"""A point's history, from the archive: every report, and what each of them changed in the point's state.

By the basis `known` in the order in which they came: before and after are what was known here. By `observed` in the
order in which they were observed, of those alone that count: before and after are how the point was, as we now know.
"""

import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import orjson
from pydantic import ValidationError

from vardkase.aggregator.log import decode
from vardkase.domain.codec import merged_document
from vardkase.domain.fold import withdrawn_by
from vardkase.domain.merge import Copy, Identity, Received, merge
from vardkase.domain.places import lies_in
from vardkase.domain.stamps import Stamp
from vardkase.domain.state import PointState
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase_contracts.instants import iso
from vardkase_contracts.orders import ORDER, RedactOrder
from vardkase_contracts.reports import WithdrawReport
from vardkase_contracts.vocab import Reality

from .store import Basis, PointLog, Store

_REGISTERS: Final = frozenset({"register", "retire"})
"""What exercises and tests read of `act`."""
_REGISTERED: Final = ("profile", "retire")
"""The aspects that they make."""
_NESTED: Final = frozenset({"services", "needs"})
"""Facts that are many: each is told of alone."""
ENVELOPE: Final = ("specversion", "id", "source", "type", "subject", "time", "reality", "role", "channel")
"""What is told of a report whose content is not."""

_LONG_NUMBER: Final = 19
"""Digits from which a whole number may have more than 64 bits."""


class Asked(NamedTuple):
    """Which part of whose history is asked for."""

    point: str
    """Its id; `<kommun>-_` is the kommun itself."""
    reality: Reality
    basis: Basis
    by: int
    """What came later than this instant (µs) does not count."""
    first: int = 0
    """The place of the first that is told, from 0."""
    most: int = 100
    """How many are told."""
    newest_first: bool = False


class History(NamedTuple):
    """A part of a history."""

    entries: Sequence[Mapping[str, Any]]
    matched: int
    """How many there are in all."""


class Step(NamedTuple):
    """A report as it came. Its content is decoded when it is needed: a point's history may be long."""

    delivery: Delivery
    origin: str | None
    """`<node>/<INTAKE sequence>`."""
    reality: str
    id: str
    kind: str
    subject: str
    copy: Copy
    stamp: Stamp
    withdraws: frozenset[Identity]
    """The reports that it says were wrong."""

    @classmethod
    def of(cls, delivery: Delivery, item: Received, origin: str | None = None) -> "Step":
        """What a message of the log holds.

        Args:
            delivery: the message.
            item: the report in it.
            origin: where it first came in.
        """
        report = item.report
        withdraws = frozenset(withdrawn_by(report)) if isinstance(report, WithdrawReport) else frozenset[Identity]()
        copy = Copy(item.digest, item.received)
        return cls(
            delivery, origin, report.reality, report.id, report.kind, report.subject, copy, item.stamp, withdraws
        )

    @property
    def identity(self) -> Identity:
        """Who it is."""
        return self.reality, self.subject[:4], self.id

    @property
    def known_order(self) -> tuple[int, int, bytes]:
        """When it came."""
        return self.delivery.stored_at, self.delivery.sequence, self.copy.digest

    @property
    def observed_order(self) -> tuple[Stamp, tuple[int, int, bytes]]:
        """When it was observed."""
        return self.stamp, self.known_order


async def history(store: Store, asked: Asked) -> History:
    """A part of a point's history.

    Raises:
        Away: the database does not answer.
    """
    kommun = asked.point[:4]
    log = PointLog(asked.reality, kommun, asked.point[5:], asked.by)
    steps = [step async for step in _steps(store, log)]
    hidden = await hidden_of(store, asked.reality, [kommun])
    if asked.reality != "act":
        steps += _of_registers([step async for step in _steps(store, log._replace(reality="act"))])
        hidden |= await hidden_of(store, "act", [kommun])
    return told(steps, asked, hidden)


def told(steps: Iterable[Step], asked: Asked, hidden: Collection[Identity] = ()) -> History:
    """The part of a history that is asked for, of what came. Pure.

    Args:
        steps: what came of the point's kommun, in any order.
        asked: which part of whose history.
        hidden: the reports that must not be shown.
    """
    came = sorted(_concerning(steps, asked.point), key=lambda step: step.known_order)
    final = _Log(asked.point)
    for step in came:
        final.take(step)
    known = asked.basis == "known"
    ordered = came if known else sorted(came, key=lambda step: step.observed_order)
    count = len(ordered)
    first, last = asked.first, asked.first + asked.most
    if asked.newest_first:
        first, last = count - last, count - first
    log, entries = _Log(asked.point), list[dict[str, Any]]()
    before: _View | None = None
    for place, step in enumerate(ordered[: max(0, last)]):
        if place >= first and before is None:
            before = _View.of(log.state(asked.reality))
        if known or (final.counts(step) and not step.withdraws):
            log.take(step)
        if before is not None:
            after = _View.of(log.state(asked.reality))
            entries.append(_entry(step, asked, final, hidden, before, after))
            before = after
    return History(entries[::-1] if asked.newest_first else entries, count)


class _Layer:
    """The reports of one reality, and the state of a point that they make; each report taken in as it comes."""

    def __init__(self, point: str, reality: str) -> None:
        self._point = point
        self._reality = reality
        self._winners: dict[Identity, Step] = {}
        self._withdrawn: set[Identity] = set()
        self._state = PointState(point, reality)
        self._stale = False

    def take(self, step: Step) -> None:
        """Take a report in."""
        held = self._winners.get(step.identity)
        if held is not None and held.copy <= step.copy:
            return
        self._winners[step.identity] = step
        if held is not None or step.withdraws:
            self._withdrawn = {each for winner in self._winners.values() for each in winner.withdraws}
            self._stale = True
        if not self._stale and self.counts(step):
            self._merge(step)

    def withdrawn(self, step: Step) -> bool:
        """Whether a report was withdrawn: a withdraw itself never is."""
        return step.identity in self._withdrawn and step.kind != "withdraw"

    def counts(self, step: Step) -> bool:
        """Whether a report is the copy that counts, and not withdrawn."""
        held = self._winners.get(step.identity)
        return held is not None and held.copy == step.copy and not self.withdrawn(step)

    def state(self) -> PointState:
        """The point's state."""
        if self._stale:
            self._stale = False
            self._state = PointState(self._point, self._reality)
            for step in self._winners.values():
                if self.counts(step):
                    self._merge(step)
        return self._state

    def _merge(self, step: Step) -> None:
        if step.subject == self._point:
            item = decode(step.delivery)
            if isinstance(item, Received):
                merge(self._state, item)


class _Log:
    """What has come of a point: in its own reality, and in the one whose register that reads."""

    def __init__(self, point: str) -> None:
        self._point = point
        self._layers: dict[str, _Layer] = {}

    def take(self, step: Step) -> None:
        """Take a report in."""
        self._layer(step.reality).take(step)

    def counts(self, step: Step) -> bool:
        """Whether a report is the copy that counts, and not withdrawn."""
        return self._layer(step.reality).counts(step)

    def why_not(self, step: Step) -> str | None:
        """Why a report does not count; `None` when it does."""
        if self.counts(step):
            return None
        return "withdrawn" if self._layer(step.reality).withdrawn(step) else "other_copy"

    def state(self, reality: Reality) -> PointState:
        """The point's state: what its register says in `act` stands in an exercise too, once anything is said there."""
        own = self._layer(reality).state()
        if reality == "act" or own.is_empty:
            return own
        both = replace(own, facts=dict(own.facts))
        for aspect in _REGISTERED:
            entry = self._layer("act").state().facts.get(aspect)
            if entry is not None:
                both.put_fact(aspect, *entry)
        return both

    def _layer(self, reality: str) -> _Layer:
        layer = self._layers.get(reality)
        if layer is None:
            layer = self._layers[reality] = _Layer(self._point, reality)
        return layer


class _View(NamedTuple):
    """What of a state is compared: each part by its name."""

    version: str | None
    parts: Mapping[str, Any]

    @classmethod
    def of(cls, state: PointState) -> "_View":
        """The view of a state; without anything for a point that nothing is known of."""
        if state.is_empty:
            return cls(None, {})
        document = merged_document(state)
        parts: dict[str, Any] = {"registered": state.registered, "retired": state.retired}
        for name, fact in document["facts"].items():
            if name in _NESTED:
                parts |= {f"facts.{name}.{inner}": each for inner, each in fact.items()}
            else:
                parts[f"facts.{name}"] = fact
        parts |= {f"others.{name}": fact for name, fact in document["others"].items()}
        parts |= {f"last.{name}": value for name, value in document["last"].items() if value is not None}
        return cls(document["version"], parts)


def _entry(
    step: Step, asked: Asked, final: _Log, hidden: Collection[Identity], before: _View, after: _View
) -> dict[str, Any]:
    event = event_of(step.delivery.data)
    is_hidden = step.identity in hidden
    if is_hidden or step.subject != asked.point:
        event = {name: event[name] for name in ENVELOPE if name in event}
    ids = {each[2] for each in hidden}
    changes = [
        {"what": name, "before": _shown(before.parts.get(name), ids), "after": _shown(after.parts.get(name), ids)}
        for name in sorted(before.parts.keys() | after.parts.keys())
        if before.parts.get(name) != after.parts.get(name)
    ]
    return {
        "report": event,
        "sha256": step.copy.digest.hex(),
        "observed_at": iso(step.stamp.time),
        "received_at": iso(step.copy.received),
        "stored_at": iso(step.delivery.stored_at),
        "origin": step.origin,
        **({"clock_adjusted": True} if step.stamp.adjusted else {}),
        **({"redacted": True} if is_hidden else {}),
        "counts": final.counts(step),
        "why_not": final.why_not(step),
        "changes": changes,
        "version": {"before": before.version, "after": after.version},
    }


def event_of(data: bytes) -> dict[str, Any]:
    """A report as JSON. In a field that nobody knows may stand a number that no double holds: it is shown as text."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data, parse_int=lambda digits: int(digits) if len(digits) < _LONG_NUMBER else digits)


def _shown(value: Any, hidden: Collection[str]) -> Any:
    """A part of a state as it may be shown."""
    if isinstance(value, dict) and value.get("report") in hidden:
        return {**value, "value": None, "redacted": True}
    return value


async def _steps(store: Store, log: PointLog) -> AsyncIterator[Step]:
    async for logged in store.log_of(log):
        item = store.read(logged.delivery)
        if isinstance(item, Received):  # what is no report, or nobody's word, counts nowhere
            yield Step.of(logged.delivery, item, logged.origin)


def _of_registers(steps: Sequence[Step]) -> list[Step]:
    """Of what came in `act` what exercises read, and what decides whether that counts."""
    return _deciding(steps, {step.identity for step in steps if step.kind in _REGISTERS})


def _concerning(steps: Iterable[Step], point: str) -> list[Step]:
    """Those that are about the point, or decide whether one of these counts."""
    steps = list(steps)
    return _deciding(steps, {step.identity for step in steps if step.subject == point})


def _deciding(steps: Sequence[Step], own: Collection[Identity]) -> list[Step]:
    """All copies of some reports, and of what withdraws them: of a withdraw, too, another copy may be what counts."""
    deciding = {*own, *(step.identity for step in steps if not step.withdraws.isdisjoint(own))}
    return [step for step in steps if step.identity in deciding]


async def hidden_of(store: Store, reality: Reality, kommuner: Sequence[str]) -> set[Identity]:
    """The reports of kommuner that must not be shown any more.

    Raises:
        Away: the database does not answer.
    """
    found: set[Identity] = set()
    async for delivery in store.redacted(reality, kommuner):
        try:
            order = ORDER.validate_json(delivery.data)
        except ValidationError:
            continue
        if isinstance(order, RedactOrder):
            named = order.data.identity
            if named.reality == order.reality == reality and lies_in(named.kommun, order.subject):
                found.add((named.reality, named.kommun, named.id))
    return found
