"""One reality in memory: states, what is judged of them, sums and alerts. No I/O; time is an argument.

What must be published comes out as `Effects`. Nothing is remembered between judgements but what was last published.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from vardkase.domain.alerts import Subject
from vardkase.domain.contribution import contribution, heard_again
from vardkase.domain.document import clock_part, document
from vardkase.domain.due import DueTimes
from vardkase.domain.judge import Judgement, cleared_reason, judge_point
from vardkase.domain.merge import Received, merge
from vardkase.domain.picture import Surroundings
from vardkase.domain.places import is_point
from vardkase.domain.public import confirmed_at
from vardkase.domain.rollup import RollUp
from vardkase.domain.rules import Rules
from vardkase.domain.stamps import Entry
from vardkase.domain.state import PointState
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import Order
from vardkase_contracts.reports import NeedReport, WithdrawReport
from vardkase_contracts.vocab import Reality

from .acts import Acts, Concerned
from .area_judge import AreaJudge
from .effects import Effects
from .events import Events
from .judged import Judged
from .people import People
from .raised import Raised
from .shown import Shown
from .succession import Succession
from .waiting import Waiting

#: What is due that is no point: the periods of incidents, overrides of rules that were ordered ahead of our clock.
_ACTS = "acts"
#: And what pictures show of acts of people: requests that wait, annotations that are shown no more.
_PEOPLE = "people"


class World:
    """A reality of an area: takes reports and orders in, and judges what they or the clock have changed."""

    def __init__(self, reality: Reality, area: Area, rules: Rules, *, registers: "World | None" = None) -> None:
        """Begin empty.

        Args:
            reality: which.
            area: and all below it.
            rules: the node's own table.
            registers: the world whose registers this one reads: exercises and tests read those of `act`.
        """
        self.reality: Reality = reality
        self.area = area
        self._acts = Acts(rules)
        self.orders, self.tables = self._acts.orders, self._acts.tables
        self.rollup = RollUp(area)
        self.events = Events()
        self.acts_told = Events()
        self._registers = registers
        self._readers: list[World] = []
        if registers is not None:
            registers._readers.append(self)  # noqa: SLF001 - of its own kind
        self.states: dict[str, PointState] = {}
        self.judged: dict[str, Judged] = {}
        #: What was last published: alerts; what the clock added to states; what the public was shown.
        self._raised = Raised(self.orders, self.rollup, self.events)
        self.clocks: dict[str, dict[str, Any]] = {}
        self._shown = Shown()
        self._points: dict[str, set[str]] = {}
        self._succession = Succession()
        #: Of points that were judged, or recalled: what they were.
        self._lifecycles: dict[str, str | None] = {}
        self._due = DueTimes()
        self._waiting = Waiting()
        self._withdrawn: set[str] = set()
        #: Points and areas whose acknowledgements or silences have changed.
        self._acted: set[str] = set()
        self._stale: set[str] = set()
        self._areas = AreaJudge(reality, self.rollup, self._acts, self._raised, self._due)
        self._people = People(self.orders, self.rollup, self.acts_told, self.states, self._points)

    @property
    def alerts(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """The last document of each alert, by what it is about and its rule."""
        return self._raised.documents

    @property
    def public(self) -> Mapping[str, dict[str, Any]]:
        """What the public was last told of each point and kommun."""
        return self._shown.documents

    def open_alerts(self) -> dict[str, str]:
        """The level of every open alert, by key."""
        return self._raised.open_levels()

    # -- taking in ---------------------------------------------------------------------------------------------------

    def recall_alert(self, document: Mapping[str, Any]) -> None:
        """An alert as it was last published."""
        self._raised.recall(document)
        if document["status"] == "firing" and document["point"] is None:
            rule, _, about = document["key"].partition("/")
            self._areas.recall(about, rule)

    def recall_public(self, document: dict[str, Any]) -> None:
        """What the public was last told, unless it is to be told otherwise already; looked at with the next `judge`."""
        point: str = document["id"]
        if point in self._shown:
            return
        self._shown.recall(document)
        self.judged.pop(point, None)
        if point in self.states or not (point.endswith("-_") or document.get("gone")):
            self._touch(point)

    def recall_state(self, state: PointState, clock: dict[str, Any]) -> None:
        """A state as it was last published."""
        self.clocks[state.id] = clock
        self._lifecycles[state.id] = state.lifecycle
        revision = state.revision
        self.put(state)
        if state.revision == revision:  # the other world's register says nothing new of it
            self._waiting.recall(state.id)

    def _touch(self, point: str, *, changed: bool = False) -> None:
        """Have a point judged with the next `judge`."""
        self._waiting.touch(point, changed=changed)

    def state(self, point: str) -> PointState:
        """The state of a point, made when there is none."""
        state = self.states.get(point)
        if state is None:
            state = PointState(point, self.reality)
            self.put(state)
        return state

    def _forget_register(self, point: str) -> None:
        """The other world's register may have lost what was taken over: the point is to be folded anew."""
        if point in self.states:
            self._stale.add(point)

    def doubt(self, point: str) -> None:
        """A state that was recalled is not all of it: the point is to be folded anew."""
        self._stale.add(point)

    def take_stale(self) -> list[str]:
        """The points that are to be folded anew from the log, and `put` again."""
        stale, self._stale = list(self._stale), set()
        return stale

    def _read_register(self, point: str) -> None:
        """Take over what the other world's register says of a point, once anything is said of it in this one."""
        state, other = self.states.get(point), None
        if self._registers is not None:
            other = self._registers.states.get(point)
        if state is None or other is None or state.is_empty:
            return
        for aspect in ("profile", "retire"):
            entry = other.facts.get(aspect)
            if entry is not None and state.facts.get(aspect) != entry:
                state.put_fact(aspect, *entry)
                self._touch(point, changed=True)
        self._follow(state)

    def merge(self, item: Received) -> None:
        """Take a report in; it is judged with the next `judge`."""
        if isinstance(item.report, WithdrawReport):
            return  # it says nothing of the point: what it names is folded anew
        state = self.state(item.report.subject)
        appears = self._registers is not None and state.is_empty
        merge(state, item)
        if appears:
            self._read_register(state.id)
        self._touch(state.id, changed=True)
        self._follow(state)
        if item.report.kind in {"register", "retire"}:
            for reader in self._readers:
                reader._read_register(state.id)  # noqa: SLF001 - of its own kind

    def needs_left_out(self, report: NeedReport) -> int:
        """How many needs the report's point has left out since this was asked last: it keeps the greatest."""
        state = self.states[report.subject]
        count, state.needs_left_out = state.needs_left_out, 0
        return count

    def put(self, state: PointState, *, withdrawn: bool = False) -> None:
        """Put a state in the place of the one that is there, as when it was folded again from the log."""
        self.states[state.id] = state
        self._points.setdefault(state.kommun, set()).add(state.id)
        self._touch(state.id, changed=True)
        if withdrawn:
            self._withdrawn.add(state.id)
        self._read_register(state.id)
        self._follow(state)
        for reader in self._readers:
            reader._forget_register(state.id)  # noqa: SLF001 - of its own kind

    def _follow(self, state: PointState) -> None:
        """Needs of a retired point move to the one that replaces it."""
        for point in self._succession.follow(state):
            self._touch(point)

    def take_order(self, order: Order) -> None:
        """Take an act of a person in: one that was checked."""
        self._look_again(self._acts.take(order, self.alerts))
        self._people.take(order)
        self._due.set(_PEOPLE, self._people.due)

    def _look_again(self, concerned: Concerned) -> None:
        """Judge again what acts of people concern."""
        for about in concerned.about:
            if about in self.states:
                self._acted.add(about)
                self._touch(about)
            elif not is_point(about) and about in self.alerts:
                self._areas.look_at_area(about)
        for kommun in concerned.whole:
            for point in self._points.get(kommun, ()):
                self._touch(point)
        self._areas.look_at(concerned.kommuner | concerned.whole)
        self._due.set(_ACTS, self._acts.due)

    # -- judging -----------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many points wait to be judged, those included that nothing is new of, but not those that are held."""
        return len(self._waiting)

    @property
    def fresh(self) -> int:
        """How many of them wait for something that is new."""
        return self._waiting.fresh

    @property
    def held(self) -> AbstractSet[str]:
        """The kommuner of which nothing is judged."""
        return self._waiting.held

    def hold(self, kommuner: AbstractSet[str]) -> None:
        """Judge nothing of these kommuner, but of all others, until they are no longer held: a backlog is merged."""
        self._waiting.hold(kommuner)

    def next_due(self) -> int:
        """When the clock alone changes something next, µs."""
        return self._due.next()

    def merged(self, now: int) -> Effects:
        """The states that merging has changed, with what the clock added last: for a backlog, which is judged later."""
        effects = Effects()
        self._look_again(self._acts.advance(now))
        for point in self._waiting.take_merged():
            clock = self.clocks.get(point)
            if clock is None:
                state = self.states[point]
                judgement = judge_point(state, self.tables.of_point(point), now)
                clock = clock_part(state, judgement, self._subject(state)) | {"alerts": []}
            effects.states[point] = document(self.states[point], clock, now)
        return effects

    def judge(self, now: int, most: int = 1_000_000, leisure: int = 1_000_000) -> Effects:
        """Judge what reports, orders or the clock have changed, and say what is to be published.

        Args:
            now: the instant, µs.
            most: how many points are judged at the most; while any are `waiting`, areas are not judged.
            leisure: how many of those may be points of which nothing is new: after a restart all are judged anew.
        """
        effects = Effects()
        self._look_again(self._acts.advance(now))
        self._advance_people(now)
        for name in self._due.take(now, max(0, most - self.fresh)):
            if name in self.states:
                self._touch(name)
            else:
                self._areas.look_at_area(name)
        fresh = self._waiting.take_fresh(most)
        for point, changed in fresh:
            self._judge_point(point, now, effects, changed=changed)
        for point in self._waiting.take_recalled(min(leisure, most - len(fresh))):
            self._judge_point(point, now, effects, changed=False)
        if not self.waiting:  # an area is judged when all that is known of it has been taken in
            held = self._waiting.held
            self._areas.judge(now, effects, lambda kommun: self._silence_turned(kommun, now, effects), held)
        self._advance_people(now)
        self.orders.forget(now)
        return effects

    def _advance_people(self, now: int) -> None:
        self._people.advance(now)
        self._due.set(_PEOPLE, self._people.due)

    def _judge_point(self, point: str, now: int, effects: Effects, *, changed: bool) -> None:
        state = self.states.get(point)
        if state is None:
            self._shown.show(point, None, effects)  # shown by a predecessor, and nothing is known of it any more
            return
        table = self.tables.of_point(point)
        silent = self._areas.silences(state.kommun)
        judgement = judge_point(state, table, now, silent_area=silent, inherited=self._inherited(point))
        last = self.judged.get(point)
        if last is not None and last.still_says(state, judgement, table):
            judged = self._heard(last, judgement, effects, changed=changed)
        else:
            judged = self._said(state, judgement, table, effects, changed=changed)
        self.judged[point] = judged
        self._due.set(point, judged.due)
        self._areas.look_at((state.kommun,))
        self._people.heard(state.kommun)

    def _heard(self, last: Judged, judgement: Judgement, effects: Effects, *, changed: bool) -> Judged:
        """A sign of life: the point says what it said, but has been heard again."""
        state, point, now = last.state, last.state.id, judgement.at
        self.rollup.replace(point, heard_again(self.rollup.contribution(point), state, judgement))
        acts_due, public_due = last.acts_due, last.public_due
        if point in self._acted or now >= acts_due:
            acts_due = self._alert_point(state, judgement, last.table, effects)
        confirmed = confirmed_at(state)
        if confirmed != last.confirmed_at or now >= public_due:
            public_due = self._shown.tell(state, now, effects)
        clock = self.clocks[point]
        if clock["link"] != judgement.link:
            clock = self.clocks[point] = {**clock, "link": judgement.link}
            changed = True
        if changed:
            effects.states[point] = document(state, clock, now)
        return last._replace(judgement=judgement, acts_due=acts_due, public_due=public_due, confirmed_at=confirmed)

    def _said(
        self, state: PointState, judgement: Judgement, table: Rules, effects: Effects, *, changed: bool
    ) -> Judged:
        """Something of a point is new."""
        point, now = state.id, judgement.at
        acts_due = self._alert_point(state, judgement, table, effects)
        added = contribution(state, judgement)
        self.rollup.replace(point, added)
        lifecycle = self._lifecycles.get(point)
        if lifecycle != judgement.lifecycle:
            self._lifecycles[point] = judgement.lifecycle
            self.events.lifecycle(state, lifecycle, judgement.lifecycle, self.rollup.areas(state.kommun))
        public_due = self._shown.tell(state, now, effects)
        clock = clock_part(state, judgement, self._subject(state))
        if changed or clock != self.clocks.get(point):
            self.clocks[point] = clock
            effects.states[point] = document(state, clock, now)
        return Judged(state, state.revision, table, judgement, added.due, acts_due, public_due, confirmed_at(state))

    def _alert_point(self, state: PointState, judgement: Judgement, table: Rules, effects: Effects) -> int:
        """Publish what changed of a point's alerts; when acts that concern them count, or end, by the clock alone."""
        self._acted.discard(state.id)
        withdrawn = state.id in self._withdrawn
        self._withdrawn.discard(state.id)
        return self._raised.publish(
            self._subject(state),
            judgement.verdicts,
            table,
            judgement.at,
            effects,
            lambda rule: cleared_reason(rule, state, withdrawn=withdrawn),
        )

    def _inherited(self, point: str) -> tuple[Entry, ...]:
        return tuple(entry for each in self._succession.before(point) for entry in self.states[each].needs.values())

    def _subject(self, state: PointState) -> Subject:
        kommun = Area("kommun", state.kommun)
        name = kommun.name if state.is_kommun else state.profile.get("name", state.id)
        return Subject(self.reality, state.id, name, kommun, point=True)

    def _silence_turned(self, kommun: str, now: int, effects: Effects) -> None:
        """A kommun fell silent, or is silent no more: what is stale in it is muted by that."""
        for point in self._points.get(kommun, ()):
            judged = self.judged.get(point)
            if judged is not None and "freshness.stale" in judged.judgement.verdicts:
                self._judge_point(point, now, effects, changed=False)

    def said(self, area: Area, now: int) -> dict[str, Any]:
        """What a picture says at an instant (µs) that its version leaves out: acts of people, and events."""
        return {**self._people.said(area, now), "events": self.events.of(area, now, self._people.since(area, now))}

    def tells_since(self, area: Area, now: int) -> int:
        """From when on an area's picture tells at an instant what happened, µs."""
        return self._people.since(area, now)

    def surroundings(self) -> Surroundings:
        """What pictures say beside the sums."""
        activation: dict[str, str] = {}
        for code in self.rollup.kommuner:
            state = self.states.get(f"{code}-_")
            said = state.value("activation") if state is not None else None
            if said is not None:
                activation[code] = said
        return Surroundings(activation, frozenset(self._areas.silent), frozenset(self._areas.unheard))
