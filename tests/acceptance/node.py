"""A node without servers: the streams are lists in memory, the identities are on disk, and it can crash anywhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import orjson

from oracle.adapter import rules
from vardkase.aggregator.admission import Admission, admit, concerned
from vardkase.aggregator.effects import Effects
from vardkase.aggregator.identities import Identities
from vardkase.aggregator.world import World
from vardkase.domain.codec import VERSIONED, load, merged_document
from vardkase.domain.fold import fold, winners, withdrawn_by
from vardkase.domain.merge import Received
from vardkase.domain.picture import Pictures
from vardkase.domain.rules import Rules
from vardkase.domain.state import PointState
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import ORDER, Order
from vardkase_contracts.reports import WithdrawReport
from vardkase_contracts.vocab import Reality

_NOT_CLOCK = frozenset({*VERSIONED, "id", "reality", "kommun", "lan", "registered", "retired", "version", "as_of"})
IN_MEMORY = Path(":memory:")
#: How far a write of effects comes before a crash: nothing, alerts, public too, states too.
Reach = Literal[0, 1, 2, 3]


def _stored(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document as it comes back from a stream."""
    return orjson.loads(orjson.dumps(document))


@dataclass(slots=True)
class Streams:
    """What outlives a node: the log, and all that was ever published, oldest first."""

    log: list[Received] = field(default_factory=list[Received])
    orders: list[Order] = field(default_factory=list[Order])
    alerts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    public: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    states: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def write(self, effects: Effects, reach: Reach = 3) -> None:
        """Store effects in their order, or only as far as the writer comes."""
        kinds = (self.alerts, effects.alerts), (self.public, effects.public), (self.states, effects.states)
        for stream, documents in kinds[:reach]:
            stream.extend(map(_stored, documents.values()))


class Node:
    """The aggregator of one reality: what its lane and its loading do, with lists for streams.

    It begins as a process does: it recalls what was last published, and reads on from its position.
    """

    def __init__(
        self,
        streams: Streams | None = None,
        directory: Path | None = None,
        *,
        area: str = "24",
        reality: Reality = "act",
        table: Rules | None = None,
        registers: "Node | None" = None,
    ) -> None:
        self.streams = streams or Streams()
        self.area = Area.parse(area)
        self.world = World(
            reality, self.area, table or rules(), registers=None if registers is None else registers.world
        )
        self.identities = Identities(IN_MEMORY if directory is None else directory / f"identities-{reality}.sqlite")
        #: How much of the log has been read.
        self.read = self.identities.position()
        last = {document["id"]: document for document in self.streams.states}
        for document in last.values() if self.read else ():
            clock = {name: value for name, value in document.items() if name not in _NOT_CLOCK}
            self.world.recall_state(load(document), clock)
        for document in {each["key"]: each for each in self.streams.alerts}.values():
            self.world.recall_alert(document)
        for document in {each["id"]: each for each in self.streams.public}.values():
            self.world.recall_public(document)
        for order in self.streams.orders:
            self.world.take_order(order)

    def crash(self) -> None:
        """Nothing more is done: what was not committed is gone."""
        self.identities.close()

    # -- taking in ---------------------------------------------------------------------------------------------------

    def order(self, event: Mapping[str, Any]) -> None:
        """Take an act of a person in."""
        order = ORDER.validate_json(orjson.dumps(event))
        self.streams.orders.append(order)
        self.world.take_order(order)

    def receive(self, items: Iterable[Received]) -> Admission:
        """Reports come into the log, and are read at once as one batch."""
        self.streams.log += items
        return self.take(len(self.streams.log))

    def take(self, upto: int) -> Admission:
        """Read the log up to there, as one batch."""
        items = [each for each in self.streams.log[self.read : upto] if each.report.reality == self.world.reality]
        self.read = upto
        admission = admit(items, self.identities.look_up(concerned(items)))
        self.identities.record(admission.known)
        for item in admission.merge:
            self.world.merge(item)
        self._refold(admission)
        return admission

    def _refold(self, admission: Admission) -> None:
        reality = self.world.reality
        log = self.streams.log[: self.read]
        for kommun in admission.rewithdraw:
            best = winners(each for each in log if each.report.kommun == kommun and each.report.reality == reality)
            named = {
                key
                for each in best.values()
                if isinstance(each.report, WithdrawReport)
                for key in withdrawn_by(each.report)
            }
            known = self.identities.look_up(named | self.identities.withdrawn_of(reality, kommun).keys())
            for key, held in known.items():
                if held.withdrawn != (key in named):
                    self.identities.record({key: held._replace(withdrawn=key in named)})
                    if held.copy is not None:
                        admission.refold[held.point] = True
        folded = fold(log) if admission.refold else {}
        for point, withdrawn in admission.refold.items():
            state = folded.get((reality, point)) or PointState(point, reality)
            self.world.put(state, withdrawn=withdrawn)

    def _refold_stale(self) -> None:
        """Fold anew what rests on a register of another reality that has changed."""
        reality = self.world.reality
        stale = self.world.take_stale()
        folded = fold(self.streams.log[: self.read]) if stale else {}
        for point in stale:
            self.world.put(folded.get((reality, point)) or PointState(point, reality), withdrawn=True)

    # -- judging -----------------------------------------------------------------------------------------------------

    def judge(self, now: int, *, reach: Reach = 3, commit: bool = True) -> Effects:
        """Judge, store what comes of it, and commit; or only as far as it comes before a crash."""
        self._refold_stale()
        effects = self.world.judge(now)
        self.streams.write(effects, reach)
        if commit and reach == 3:
            self.identities.commit(self.read)
        return effects

    def checkpoint(self, now: int, *, commit: bool = True) -> None:
        """Make the states of a backlog durable before it is judged."""
        self.streams.write(self.world.merged(now))
        if commit:
            self.identities.commit(self.read)

    def drive(self, now: int, until: int, *, most: int = 10_000) -> int:
        """Let the clock go on from an instant, judging whenever something is due; the last instant judged at."""
        for _ in range(most):
            due = max(self.world.next_due(), now)
            if due > until:
                return now
            now = due
            self.judge(now)
            assert self.world.next_due() > now, "what is due was judged, and is due again at once"
        raise AssertionError(f"judged {most} times before {until}")

    # -- what it says ------------------------------------------------------------------------------------------------

    def versions(self) -> dict[str, str]:
        """The version of every state that anything is known of."""
        return {
            point: merged_document(state)["version"] for point, state in self.world.states.items() if not state.is_empty
        }

    def picture(self, code: str, now: int) -> dict[str, Any]:
        """An area's picture, made from the sums as they are."""
        around = self.world.surroundings()
        area = Area.parse(code)
        picture = Pictures(self.world.rollup, self.world.reality).of(area, around, now)
        return picture | self.world.said(area, now)

    def alert(self, key: str) -> dict[str, Any] | None:
        """The last document of an alert."""
        return next(filter(partial(_is_about, key), reversed(self.streams.alerts)), None)

    def firing(self) -> dict[str, str]:
        """The level of every open alert."""
        return self.world.open_alerts()


def _is_about(key: str, document: Mapping[str, Any]) -> bool:
    return document["key"] == key
