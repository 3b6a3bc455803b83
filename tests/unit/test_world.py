"""Worlds are functions of the set of reports: order, repetition and batching never show."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from oracle.adapter import received, rules
from oracle.effort import examples
from oracle.make import given as told
from oracle.merge import Given
from oracle.strategies import POINTS, nows, stories
from vardkase.aggregator.admission import admit, concerned
from vardkase.aggregator.effects import Effects
from vardkase.aggregator.identities import Identities
from vardkase.aggregator.world import World
from vardkase.domain.codec import merged_document
from vardkase.domain.fold import fold, winners, withdrawn_by
from vardkase.domain.merge import Received
from vardkase.domain.picture import Pictures
from vardkase_contracts.alert import ALERT
from vardkase_contracts.areas import Area
from vardkase_contracts.picture import PICTURE
from vardkase_contracts.public import PUBLIC
from vardkase_contracts.reports import WithdrawReport
from vardkase_contracts.state import STATE

#: Several points, the kommun itself, and all that makes reports untidy: copies, withdrawals, fast clocks.
STORIES = stories(points=(*POINTS[:3], "2480-_"), untidy=True)
LAN = Area.parse("24")
AREAS = [Area.parse("2480"), LAN]


class Node:
    """A lane without streams: the log is a list, and a point is folded anew from it."""

    def __init__(self) -> None:
        self.world = World("act", LAN, rules())
        self.identities = Identities(Path(":memory:"))
        self.log: list[Received] = []
        self.effects: list[Effects] = []

    def take(self, batch: Iterable[Received]) -> None:
        items = list(batch)
        self.log += items
        admission = admit(items, self.identities.look_up(concerned(items)))
        self.identities.record(admission.known)
        for item in admission.merge:
            self.world.merge(item)
        for kommun in admission.rewithdraw:
            best = winners(each for each in self.log if each.report.kommun == kommun)
            named = {
                key
                for each in best.values()
                if isinstance(each.report, WithdrawReport)
                for key in withdrawn_by(each.report)
            }
            known = self.identities.look_up(named | self.identities.withdrawn_of("act", kommun).keys())
            for key, held in known.items():
                if held.withdrawn != (key in named):
                    self.identities.record({key: held._replace(withdrawn=key in named)})
                    if held.copy is not None:
                        admission.refold[held.point] = True
        folded = fold(self.log)
        for point, withdrawn in admission.refold.items():
            state = folded.get(("act", point))
            self.world.put(state or type(self.world.state(point))(point, "act"), withdrawn=withdrawn)
        self.identities.commit(len(self.log))

    def judge(self, now: int) -> Effects:
        effects = self.world.judge(now)
        self.effects.append(effects)
        return effects

    def seen(self, now: int) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """Versions of states and pictures, and the open alerts: what two nodes must agree on."""
        self.judge(now)
        world = self.world
        states = {
            point: merged_document(state)["version"] for point, state in world.states.items() if not state.is_empty
        }
        pictures = Pictures(world.rollup, "act")
        around = world.surroundings()
        return states, world.open_alerts(), {area.code: pictures.of(area, around, now)["version"] for area in AREAS}


def act(reports: Iterable[Given]) -> list[Received]:
    return [item for item in map(received, reports) if item.report.reality == "act"]


@examples(200)
@given(st.data())
def test_order_repetition_and_batching_do_not_show(data: st.DataObject) -> None:
    """Any permutation, repetition and batching of reports gives the same versions and the same open alerts."""
    story = told(data.draw(STORIES))
    now = data.draw(nows(story))
    reports = act(story)
    plain = Node()
    plain.take(reports)
    expected = plain.seen(now)

    shuffled = data.draw(st.permutations(reports + data.draw(st.lists(st.sampled_from(reports), max_size=5))))
    other = Node()
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        other.take(shuffled[:size])
        shuffled = shuffled[size:]
        if data.draw(st.booleans()):
            other.judge(now - data.draw(st.integers(0, 400)) * 60_000_000)
            assert other.world.rollup.differs(other.world.rollup.recomputed()) == []
    assert other.seen(now) == expected
    assert expected[0] == {point: merged_document(state)["version"] for (_, point), state in fold(reports).items()}


@examples(150)
@given(st.data())
def test_documents_keep_to_the_contract(data: st.DataObject) -> None:
    """Every state, alert, picture and public point is what the contract's models say, through all of a story."""
    story = told(data.draw(STORIES))
    node = Node()
    reports = sorted(act(story), key=lambda item: item.received)
    documents: list[tuple[Any, Any]] = []
    for item in reports:
        node.take([item])
        effects = node.judge(item.received)
        documents += [(STATE, each) for each in effects.states.values()]
        documents += [(ALERT, each) for each in effects.alerts.values()]
        documents += [(PUBLIC, each) for each in effects.public.values()]
    now = data.draw(nows(story))
    effects = node.judge(now)
    pictures = Pictures(node.world.rollup, "act")
    for area in AREAS:
        picture = pictures.of(area, node.world.surroundings(), now)
        documents.append((PICTURE, picture | {"events": node.world.events.of(area, now)}))
    for adapter, document in documents:
        adapter.validate_json(orjson.dumps(document))


@examples(100)
@given(st.data())
def test_a_second_judgement_says_nothing_new(data: st.DataObject) -> None:
    """Judging again at the same instant publishes nothing: no twin can come of a repetition."""
    story = told(data.draw(STORIES))
    now = data.draw(nows(story))
    node = Node()
    node.take(act(story))
    node.judge(now)
    node.take(act(story))
    again = node.judge(now)
    assert again.alerts == {}
    assert again.public == {}
