"""Sums are kept up event by event: always what they are from scratch, at a cost that does not grow with the points."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from types import FrameType
from typing import Any, Self

import pytest

from acceptance.chance import KOMMUNER, Chance
from acceptance.node import Node
from oracle.adapter import received
from oracle.make import Told, backup, given, instant, register, staff, status
from vardkase.domain.rollup import RollUp
from vardkase_contracts.areas import CIVO, LAN, Area

NATION = Area.parse("SE")


def play(node: Node, told: Told) -> Area:
    """A report is received, and judged with all that is due by then; the kommun that it was about."""
    (item,) = map(received, given([told]))
    node.drive(min(node.world.next_due(), item.received), item.received - 1)
    node.receive([item])
    node.judge(item.received)
    return Area("kommun", item.report.kommun)


def long_run(seed: int, events: int, each: int = 8) -> Iterator[tuple[Node, Area, int]]:
    """The whole nation's node after every one of many events, a few minutes apart."""
    chance, node = Chance(seed), Node(area="SE")
    points = chance.points(each)
    minute = 0.0
    for number in range(events):
        minute += chance.choice((0, 0, 0.5, 2, 11))
        yield node, play(node, chance.report(number, minute, points)), instant(minute)


def sums_by_definition(rollup: RollUp, area: Area) -> Counter[str]:
    """What the points of an area, and the areas inside it, add up to, one by one."""
    sums: Counter[str] = Counter()
    for point, contribution in rollup._contributions.items():
        if area.covers(point[:4]):
            sums.update(contribution.counts)
    for inner, own in rollup._own.items():
        if set(inner.kommuner()) <= set(area.kommuner()):
            sums.update(own)
    return Counter({name: amount for name, amount in sums.items() if amount})


@pytest.mark.parametrize("seed", range(2))
def test_sums_are_those_from_scratch_after_every_event(seed: int) -> None:
    """After each of hundreds of events the sums of every area around it are the plain sums of its points."""
    for node, kommun, _ in long_run(seed, 300):
        rollup = node.world.rollup
        for area in rollup.areas(kommun.code):
            assert Counter(rollup.sums[area]) == sums_by_definition(rollup, area)
        inside = {point: each for point, each in rollup._contributions.items() if point[:4] == kommun.code}
        kept = rollup.kommuner[kommun.code]
        assert kept.shortages == sorted(each.shortage for each in inside.values() if each.shortage)
        assert kept.contents == sorted((each.content, point) for point, each in inside.items() if each.content)
        assert kept.last.anything == max((each.heard for each in inside.values() if each.heard), default=None)
        assert kept.last.heartbeat == max((each.heartbeat for each in inside.values() if each.heartbeat), default=None)


def test_the_check_from_scratch_agrees_and_notices_a_drift() -> None:
    """`recomputed` finds no difference after a long run, and names the area in which a sum was spoilt."""
    *_, (node, _, _) = long_run(7, 400)
    rollup = node.world.rollup
    assert rollup.differs(rollup.recomputed()) == []
    rollup.sums[Area.parse("24")]["open"] = 99
    assert rollup.differs(rollup.recomputed()) == ["lan 24"]


def test_a_node_that_was_driven_has_the_sums_of_one_that_was_not() -> None:
    """Hundreds of judgements on the way leave the sums of a node that merged the log at once and judged at the end."""
    *_, (node, _, now) = long_run(8, 300)
    node.drive(now, now)
    fresh = Node(area="SE")
    fresh.receive(node.streams.log)
    fresh.judge(now)
    assert node.world.rollup.differs(fresh.world.rollup) == []


def test_taking_a_point_away_leaves_nothing() -> None:
    """A point whose every report is withdrawn leaves no trace in any sum."""
    node = Node(area="SE")
    for told in (register(0), status(1, lifecycle="open", occupancy=3), backup(2, 5), staff(3, 0, 4)):
        play(node, told._replace(id=f"r{told.minute}"))
    play(node, Told(4, "withdraw", {"report_ids": [f"r{n}" for n in range(4)]}, point="2480-_", id="w"))
    assert {area: sums for area, sums in node.world.rollup.sums.items() if sums} == {}


def test_the_last_that_was_heard_goes_back_with_what_is_withdrawn() -> None:
    """When the latest sign of life of a kommun was wrong, the one before it, of another point, is the last."""
    node = Node(area="SE")
    for n, (minute, point) in enumerate(((0, "2480-a"), (5, "2480-b"), (9, "2480-a"))):
        play(node, Told(minute, "heartbeat", {}, point=point, id=f"r{n}"))
    kept = node.world.rollup.kommuner["2480"]
    assert (kept.last.anything, kept.last.heartbeat) == (instant(9), instant(9))
    play(node, Told(10, "withdraw", {"report_ids": ["r2"]}, point="2480-_", id="w"))
    assert (kept.last.anything, kept.last.heartbeat) == (instant(5), instant(5))
    play(node, Told(11, "withdraw", {"report_ids": ["r0", "r1"]}, point="2480-_", id="w2"))
    assert (kept.last.anything, kept.last.heartbeat) == (None, None)


# -- pictures add up ---------------------------------------------------------------------------------------------------

#: What is no sum of its children's: how many kommuner there are is counted apart.
APART = {"areas", "events", "next", "kommuner", "oldest", "incident_silent"}


def leaves(document: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float | None]]:
    """The numbers in a picture, each with where it stands."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name not in APART:
                yield from leaves(value, (*path, name))
    elif document is None or (isinstance(document, int | float) and not isinstance(document, bool)):
        yield path, document


def added(pictures: Iterable[dict[str, Any]]) -> dict[tuple[str, ...], float | None]:
    """The sum of pictures, number by number; what one of them does not bound, the sum does not bound."""
    found: dict[tuple[str, ...], float | None] = {}
    for picture in pictures:
        for path, number in leaves(picture):
            held = found.get(path, 0)
            found[path] = None if held is None or number is None else held + number
    return found


def numbers(picture: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """Its numbers that are not nought; nor the alerts of areas, that no child has."""
    return {
        path: number
        for path, number in leaves(picture)
        if number != 0 and path[:2] not in {("alerts", "area.silent"), ("alerts", "area.red_share")}
    }


def without_noughts(sums: dict[tuple[str, ...], float | None]) -> dict[tuple[str, ...], float | None]:
    """Like `numbers`, of sums."""
    return {
        path: pytest.approx(number) if isinstance(number, float) else number
        for path, number in sums.items()
        if number != 0 and path[:2] not in {("alerts", "area.silent"), ("alerts", "area.red_share")}
    }


@pytest.mark.parametrize("seed", range(2))
def test_sub_counts_add_up_to_the_nation(seed: int) -> None:
    """The nation is the sum of its län, a civilområde of its län, a län of its kommuner: in every number."""
    for count, (node, _, now) in enumerate(long_run(100 + seed, 240)):
        if count % 60 != 59:
            continue
        of = partial(node.picture, now=now)
        lan = {code: of(code) for code in LAN}
        assert numbers(of("SE")) == without_noughts(added(lan.values()))
        for code, civo in CIVO.items():
            assert numbers(of(code)) == without_noughts(added(lan[each] for each in civo.lan))
        for code in {kommun[:2] for kommun in KOMMUNER}:
            kommuner = map(of, Area.parse(code).kommuner())
            assert numbers(lan[code]) == without_noughts(added(kommuner))


@pytest.mark.parametrize("seed", range(2))
def test_counts_within_a_picture_add_up(seed: int) -> None:
    """On time, stale and silent are the expected; every count of points counts the same points."""
    for node, kommun, now in long_run(200 + seed, 120):
        for code in (kommun.code, kommun.code[:2], "SE"):
            picture = node.picture(code, now)
            coverage, condition = picture["coverage"], picture["condition"]
            assert coverage["on_time"] + coverage["stale"] + coverage["silent"] == coverage["expected"]
            assert coverage["reporting"] == coverage["on_time"] + coverage["stale"]
            points = coverage["expected"] + coverage["unregistered"]
            assert [sum(condition[name].values()) for name in ("lifecycle", "condition", "freshness")] == [points] * 3
            opened = condition["lifecycle"]["open"]
            assert sum(condition["availability"].values()) == opened
            assert sum(picture["resources"]["power"].values()) == opened
            assert condition["condition"]["not_applicable"] == points - opened
            assert sum(condition["activation"]["counts"].values()) == coverage["kommuner"]["total"]


# -- cost --------------------------------------------------------------------------------------------------------------


class Lines:
    """How many lines of the program are run meanwhile."""

    def __enter__(self) -> Self:
        self.count = 0
        self._before = sys.gettrace()
        sys.settrace(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _called(self, frame: FrameType, _event: str, _arg: object) -> Any:
        return self._run if "/vardkase/" in frame.f_code.co_filename else None

    def _run(self, _frame: FrameType, event: str, _arg: object) -> Any:
        self.count += event == "line"
        return self._run


def cost(points: int) -> dict[str, int]:
    """What single events of one point cost in lines run, in a kommun and a nation of so many points."""
    node = Node(area="SE")
    story: list[Told] = []
    for n in range(points):
        kommun = KOMMUNER[n % len(KOMMUNER)]
        for m, told in enumerate((register(n / points), status(n / points, lifecycle="open"), backup(n / points, 30))):
            story.append(told._replace(point=f"{kommun}-p{n}", id=f"r{n}-{m}"))
    node.receive(map(received, given(story)))
    now = instant(2)
    node.judge(now)
    spent: dict[str, int] = {}
    for name, told in {
        "status": status(3, occupancy=5),
        "power": backup(4, 2),
        "closed": status(5, lifecycle="closed"),
        "confirm": Told(6, "confirm", {}),
    }.items():
        (item,) = map(received, given([told._replace(point="2480-p0", id=name)]))
        node.world.merge(item)
        with Lines() as lines:
            effects = node.world.judge(item.received)
        assert effects.states.keys() == {"2480-p0"}
        spent[name] = lines.count
    return spent


def test_the_cost_of_an_event_does_not_grow_with_the_points() -> None:
    """Judging an event of one point runs as many lines among 6 points as among 600, within a tenth."""
    few, many = cost(6), cost(600)
    for name, lines in few.items():
        assert many[name] <= 1.1 * lines, name


def test_an_event_touches_its_own_areas_alone() -> None:
    """A change of a point moves the revision of its kommun, län, civilområde and nation, and of no other area."""
    *_, (node, _, now) = long_run(9, 60)
    before = dict(node.world.rollup.revisions)
    (item,) = map(received, given([status(0, lifecycle="open", occupancy=17)._replace(point="2480-new", id="new")]))
    node.world.merge(item)
    node.world.judge(now)
    changed = {area.code for area, revision in node.world.rollup.revisions.items() if revision != before[area]}
    assert changed == {"2480", "24", "norra", "SE"}
