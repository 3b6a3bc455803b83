from hypothesis import given, settings
from hypothesis import strategies as st

from acceptance.node import Node
from oracle.adapter import received
from oracle.make import given as told
from oracle.make import instant, order
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


#: Several points of a kommun and the kommun itself.
STORIES = stories(points=(*POINTS[:2], "2480-_"), untidy=True)
RULES = ("power.lost", "power.endurance", "staff.short", "report.incomplete", "freshness.stale")


@st.composite
def acts(draw: st.DrawFn) -> list[dict]:
    """Some acknowledgements and incidents, given at odd times."""
    keys = [f"{rule}/{POINTS[0]}" for rule in RULES] + ["area.silent/2480"]
    found = []
    for n in range(draw(st.integers(0, 4))):
        minute = draw(st.integers(0, 400))
        until = draw(st.sampled_from((None, 20, 300)))
        if draw(st.integers(0, 3)):
            data = {"key": draw(st.sampled_from(keys)), "level": draw(st.sampled_from(("yellow", "red", "critical")))}
        else:
            data = {"id": "storm", "name": "Storm", "areas": draw(st.sampled_from((["2480"], ["2482"], ["24"])))}
            data["from"] = _text(minute + draw(st.sampled_from((-60, 0, 45))))
        if until is not None:
            data["until"] = _text(minute + until)
        found.append(order("ack" if "key" in data else "incident", minute, data, id_=f"o{n}"))
    return found


def _text(minute: float) -> str:
    return order("note", minute, {}, id_="x")["time"]


def _clocks(node: Node) -> dict[str, object]:
    """All that the clock decides, but for what names an instant of judging or of publishing."""
    world = node.world
    return {
        "alerts": {
            key: (document["level"], document["inhibited_by"], document["derived"], document["acks"])
            for rules in world.alerts.values()
            for document in rules.values()
            if document["status"] == "firing"
            for key in [document["key"]]
        },
        "clocks": world.clocks,
        "public": {point: document for point, document in world.public.items() if not document.get("gone")},
    }


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_is_due_is_enough(data: st.DataObject) -> None:
    """A world that is judged only when something is due says at any instant what one judged at that instant says."""
    items = sorted(map(received, told(data.draw(STORIES))), key=lambda each: each.received)
    orders = data.draw(acts())
    driven = Node()
    now = items[0].received
    coming = [(item.received, item) for item in items]
    coming += [(instant(_minute(act)) - data.draw(st.sampled_from((0, 0, MINUTE // 2))), act) for act in orders]
    for arrives, one in sorted(coming, key=lambda each: each[0]):
        now = max(driven.drive(now, arrives), arrives)
        driven.order(one) if isinstance(one, dict) else driven.receive([one])
        driven.judge(now)
    for _ in range(3):
        then = now + data.draw(st.integers(0, 500)) * MINUTE + data.draw(st.sampled_from((0, 1, MINUTE // 2)))
        driven.drive(now, then)
        now = then
        fresh = Node()
        for act in orders:
            fresh.order(act)
        fresh.receive(items)
        fresh.judge(now)
        assert _clocks(driven) == _clocks(fresh)
        assert driven.world.rollup.differs(fresh.world.rollup) == []


def _minute(act: dict) -> float:
    from oracle.make import START
    from vardkase_contracts.instants import parse

    return (parse(act["time"]) - START) / MINUTE
