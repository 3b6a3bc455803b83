"""Due times: when what must be looked at again, no later than anything changes."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from acceptance.node import Node
from oracle.adapter import received
from oracle.make import given as told
from oracle.make import instant, order, register, when
from oracle.strategies import POINTS, stories
from vardkase.domain.due import DueTimes
from vardkase.domain.intervals import FOREVER
from vardkase_contracts.instants import MINUTE

NAMES = "abcde"
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from(NAMES), st.one_of(st.integers(0, 20), st.just(FOREVER))),
        st.tuples(st.just("take"), st.integers(0, 20), st.integers(0, 3)),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(STEPS)
def test_due_times_are_those_of_a_plain_table(steps: list[tuple]) -> None:
    """Setting, moving, forgetting and taking give what a table of names and instants gives, the earliest first."""
    due, table = DueTimes(), {}
    for step in steps:
        match step:
            case "set", name, at:
                due.set(name, at)
                table[name] = at
                if at == FOREVER:
                    del table[name]
            case _, now, most:
                expected = sorted((at, name) for name, at in table.items() if at <= now)[:most]
                taken = due.take(now, most)
                assert sorted(table[name] for name in taken) == [at for at, _ in expected]
                for name in taken:
                    del table[name]
        assert due.next() == min(table.values(), default=FOREVER)
        assert len(due) == len(table)


def test_moving_one_name_for_ever_does_not_grow_the_heap() -> None:
    """A name that is set again and again leaves a bounded heap behind."""
    due = DueTimes()
    for at in range(10_000):
        due.set("a", 1_000_000 - at)
    assert len(due._heap) <= 2 * (64 + 2)
    assert due.take(FOREVER - 1, 5) == ["a"]


#: Two points of a kommun, one of them public, and the kommun itself.
STORIES = stories(points=(*POINTS[:2], "2480-_"), untidy=True)
LIVE = register(-299, publish="live")._replace(point=POINTS[0], id="live")
RULES = ("power.lost", "power.endurance", "staff.short", "report.incomplete", "freshness.stale")
KEYS = [*(f"{rule}/{POINTS[0]}" for rule in RULES), "area.silent/2480"]

#: An act of a person, and the instant at which it comes.
Act = tuple[int, dict[str, Any]]


@st.composite
def acts(draw: st.DrawFn) -> list[Act]:
    """Some acknowledgements and incidents, some of them from a clock that is ahead of ours."""
    found: list[Act] = []
    for n in range(draw(st.integers(0, 3))):
        minute, until = draw(st.integers(0, 400)), draw(st.sampled_from((None, 20, 300)))
        data: dict[str, Any] = {} if until is None else {"until": when(minute + until)}
        if draw(st.integers(0, 3)):
            data |= {"key": draw(st.sampled_from(KEYS)), "level": draw(st.sampled_from(("yellow", "red", "critical")))}
        else:
            areas = draw(st.sampled_from((["2480"], ["2482"], ["24"])))
            begins = when(minute + draw(st.sampled_from((-60, 0, 45))))
            data |= {"id": "storm", "name": "Storm", "areas": areas, "from": begins}
        event = order("ack" if "key" in data else "incident", minute, data, id_=f"o{n}")
        found.append((instant(minute + draw(st.sampled_from((0, 0, 15, -0.5)))), event))
    return found


def by_the_clock(node: Node) -> dict[str, Any]:
    """All that the clock decides, but for what names an instant of judging or of publishing."""
    world = node.world
    firing = [each for rules in world.alerts.values() for each in rules.values() if each["status"] == "firing"]
    compared = ("level", "inhibited_by", "derived", "evidence_lost", "acks")
    return {
        "alerts": {each["key"]: [each[name] for name in compared] for each in firing},
        "clocks": world.clocks,
        "public": {point: document for point, document in world.public.items() if not document.get("gone")},
    }


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_due_is_enough(data: st.DataObject) -> None:
    """A world that is judged only when something is due says at any instant what one judged at that instant says."""
    items = sorted(map(received, told([*data.draw(STORIES), LIVE])), key=lambda each: each.received)
    orders = data.draw(acts())
    driven, now = Node(), 0
    coming: list[tuple[int, Any]] = [*((item.received, item) for item in items), *orders]
    for arrives, one in sorted(coming, key=lambda each: each[0]):
        now = max(driven.drive(now, arrives), arrives)
        if isinstance(one, dict):
            driven.order(one)
        else:
            driven.receive([one])
        driven.judge(now)
    for _ in range(2):
        then = now + data.draw(st.integers(0, 500)) * MINUTE + data.draw(st.sampled_from((0, 1, MINUTE // 2)))
        driven.drive(now, then)
        now = then
        fresh = Node()
        for _, act in orders:
            fresh.order(act)
        fresh.receive(items)
        fresh.judge(now)
        assert by_the_clock(driven) == by_the_clock(fresh)
        assert driven.world.rollup.differs(fresh.world.rollup) == []
