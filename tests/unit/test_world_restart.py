"""After a restart: what was published is gone on from, what is fresh is judged first, and nothing shows in the end."""

from collections.abc import Iterable

import orjson
from hypothesis import given
from hypothesis import strategies as st

from oracle.adapter import received, rules
from oracle.effort import examples
from oracle.make import Told, instant
from oracle.make import given as told
from oracle.merge import Given
from oracle.strategies import POINTS, nows, stories
from vardkase.aggregator.effects import Effects
from vardkase.aggregator.world import World
from vardkase.domain.codec import VERSIONED, load, merged_document
from vardkase.domain.merge import Received
from vardkase.domain.picture import Pictures
from vardkase_contracts.areas import Area

STORIES = stories(points=(*POINTS[:3], "2480-_"), untidy=False)
LAN = Area.parse("24")
_NOT_CLOCK = {*VERSIONED, "id", "reality", "kommun", "lan", "registered", "retired", "version", "as_of"}


def restarted(published: Iterable[Effects]) -> World:
    """A world that begins with what another one published."""
    world = World("act", LAN, rules())
    states, alerts, public = {}, {}, {}
    for effects in published:
        states |= effects.states
        alerts |= effects.alerts
        public |= effects.public
    for each in states.values():
        document = orjson.loads(orjson.dumps(each))
        world.recall_state(load(document), {name: value for name, value in document.items() if name not in _NOT_CLOCK})
    for each in alerts.values():
        world.recall_alert(orjson.loads(orjson.dumps(each)))
    for each in public.values():
        world.recall_public(orjson.loads(orjson.dumps(each)))
    return world


def seen(world: World, now: int) -> tuple[object, ...]:
    """What two nodes must agree on."""
    pictures, around = Pictures(world.rollup, "act"), world.surroundings()
    return (
        {point: merged_document(state)["version"] for point, state in world.states.items() if not state.is_empty},
        {point: clock for point, clock in world.clocks.items() if not world.states[point].is_empty},
        world.open_alerts(),
        dict(world.public),
        {area.code: pictures.of(area, around, now)["version"] for area in world.rollup.sums},
    )


def act(reports: Iterable[Given]) -> list[Received]:
    return [item for item in map(received, reports) if item.report.reality == "act" and item.report.kind != "withdraw"]


@examples(150)
@given(st.data())
def test_a_restart_shows_nowhere(data: st.DataObject) -> None:
    """Restarted between two reports, and judging all anew only bit by bit: the same as a run that was not disturbed."""
    story = told(data.draw(STORIES))
    now = data.draw(nows(story))
    reports = sorted(act(story), key=lambda item: item.received)
    upto = data.draw(st.integers(0, len(reports)))
    first = World("act", LAN, rules())
    published: list[Effects] = []
    for item in reports[:upto]:
        first.merge(item)
        published.append(first.judge(now))
    again = restarted(published)
    for item in reports[upto:]:
        first.merge(item)
        first.judge(now)
        again.merge(item)
        again.judge(now, data.draw(st.integers(1, 4)), leisure=data.draw(st.integers(0, 1)))
    first.judge(now)
    while again.waiting:
        again.judge(now, 2, leisure=1)
    assert seen(again, now) == seen(first, now)
    assert again.rollup.differs(again.rollup.recomputed()) == []


def test_what_is_fresh_is_judged_before_what_is_recalled() -> None:
    """The alert of a new report waits for none of the points of which nothing is new; areas wait for all of them."""
    points = [f"2480-p{number}" for number in range(20)]
    opened = act(told(Told(0, "status", {"lifecycle": "open"}, point=point) for point in points))
    before = World("act", LAN, rules())
    for item in opened:
        before.merge(item)
    world = restarted([before.judge(instant(1))])
    staff = {"staff": {"present": 0, "required": 4}}
    (short,) = act(told([Told(2, "resources", staff, point=points[-1], id="short")]))
    world.merge(short)
    assert (world.fresh, world.waiting) == (1, 20)
    effects = world.judge(instant(90), 1_000, leisure=5)
    assert f"staff.short/{points[-1]}" in effects.alerts
    assert (world.fresh, world.waiting) == (0, 14)
    assert "2480" not in {area.code for area, count in counted(world).items() if count == 20}
    while world.waiting:
        world.judge(instant(90), 1_000, leisure=5)
    assert counted(world)[Area.parse("2480")] == 20


def counted(world: World) -> dict[Area, int]:
    """How many open points each area has."""
    return {area: world.rollup.count(area, "open") for area in world.rollup.sums}
