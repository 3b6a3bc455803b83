"""The parts that a log is read in: nothing left out, nothing twice, and no backlog before what is fresh."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vardkase.aggregator.catching_up import Backlog, CatchingUp, Late
from vardkase.aggregator.inlets import Inlets
from vardkase.aggregator.parts import OWN, children, durable, parts, positions
from vardkase.aggregator.waiting import Waiting
from vardkase.federation.plan import parse
from vardkase.runtime.jetstream.batches import covers
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.setting_groups import ReaderSettings
from vardkase_contracts import subjects
from vardkase_contracts.areas import CIVO, KOMMUNER, LAN, NATION, Area
from vardkase_contracts.instants import HOUR, MINUTE, SECOND

codes = st.sampled_from([*CIVO, *LAN, *KOMMUNER])
areas = codes | st.just("SE")


def delivery(sequence: int, pending: int, stored_at: int = 0) -> Delivery:
    return Delivery("s", b"", b"", sequence, stored_at, pending, "")


# -- parts -------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(areas, st.lists(codes, max_size=6, unique=True))
def test_every_kommun_is_in_one_part_and_under_one_filter(area: str, below: list[str]) -> None:
    """Whatever the children: each report of the area is read once, and none of elsewhere."""
    where = Area.parse(area)
    found = parts(where, below)
    for kommun in KOMMUNER:
        subject = subjects.accepted("act", kommun, "a", "status")
        reading = [name for name, part in found.items() for each in part.filters("act") if covers(each, subject)]
        assert len(reading) == (kommun in where.kommuner())
        assert [name for name, part in found.items() if kommun in part.kommuner] == reading


def test_alone_it_is_read_as_ever() -> None:
    """Without a federation there is one part, under the filter and the name that it always had."""
    for code in ("SE", "norra", "24", "2480"):
        found = parts(Area.parse(code), ())
        assert list(found) == [OWN]
        assert found[OWN].filters("act") == subjects.family_filters("accepted", "act", Area.parse(code))
    assert durable("act", OWN) == "aggregator-act"


def test_a_part_for_each_child() -> None:
    """The children's areas, the smallest first, so that a kommun is not hidden by its län; and all the rest."""
    key = {"leaf": "tls://x:1"}
    plan = parse(
        {
            "nodes": {
                "SE": {"area": "SE", **key},
                "lan-24": {"area": "24", "parent": "SE", **key},
                "kommun-2480": {"area": "2480", "parent": "SE"},
                "kommun-2482": {"area": "2482", "parent": "lan-24"},
            }
        },
        told="plan",
    )
    assert children(plan, NATION) == ("2480", "24")
    assert {name: len(part.kommuner) for name, part in parts(NATION, children(plan, NATION)).items()} == {
        "2480": 1,
        "24": 14,
        OWN: 275,
    }
    assert children(plan, Area.parse("24")) == ("2482",)
    assert children(plan, Area.parse("2482")) == children(plan, Area.parse("0180")) == children(None, NATION) == ()


@settings(deadline=None, max_examples=50)
@given(
    st.lists(codes, max_size=5, unique=True),
    st.lists(codes, max_size=5, unique=True),
    st.dictionaries(codes | st.just(OWN), st.integers(0, 1000)),
)
def test_dividing_otherwise_leaves_nothing_out(before: list[str], after: list[str], known: dict[str, int]) -> None:
    """Of no kommun is anything skipped that had not been read; a part that stays goes on where it was."""
    old, new = parts(NATION, before), parts(NATION, after)
    reached = positions(old, known, new)
    for kommun in KOMMUNER:
        was = next(known.get(name, 0) for name, part in old.items() if kommun in part.kommuner)
        assert next(reached[name] for name, part in new.items() if kommun in part.kommuner) <= was
    for name, part in new.items():
        if old.get(name) == part:
            assert reached[name] == known.get(name, 0)


# -- turns -------------------------------------------------------------------------------------------------------------


class _Reader:
    """A reader that has so many batches, and then none."""

    def __init__(self, batches: Sequence[list[Delivery]]) -> None:
        self.batches = list(batches)
        self.remade = 0

    async def start(self, _: float) -> None: ...

    async def stop(self) -> None: ...

    async def take(self, wait: float) -> list[Delivery]:
        if self.batches:
            return self.batches.pop(0)
        await asyncio.sleep(wait)
        return []


async def _inlets(monkeypatch: pytest.MonkeyPatch, waiting: dict[str, int]) -> Inlets:
    found = parts(NATION, [name for name in waiting if name])
    made = {name: _Reader([[delivery(n + 1, 0)] for n in range(count)]) for name, count in waiting.items()}
    inlets = Inlets("act", None, ReaderSettings(), lambda _: 0)  # type: ignore[arg-type]
    monkeypatch.setattr(inlets, "_reader", lambda part: made[part.name])
    await inlets.start(found, 1)
    return inlets


async def test_what_is_fresh_comes_between_a_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is behind one batch is taken, then of what is fresh, by turns; nobody is left out."""
    inlets = await _inlets(monkeypatch, {"24": 6, "25": 6, "": 3, "14": 3})
    order: list[str] = []
    while (taken := await inlets.take(0.05, {"24", "25"})) is not None:
        order.append(taken.part)
        await asyncio.sleep(0)
    await inlets.stop()
    late = [part in {"24", "25"} for part in order]
    assert late[:12] == [False, True] * 6 or late[:12] == [True, False] * 6
    assert {name: order.count(name) for name in set(order)} == {"24": 6, "25": 6, "": 3, "14": 3}


async def test_an_error_of_one_part_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a part's reader ends by is raised where the lane takes, and not only when that part has its turn."""

    async def broken(_: float) -> list[Delivery]:
        raise RuntimeError("gone")

    inlets = await _inlets(monkeypatch, {"24": 0, "": 3})
    monkeypatch.setattr(inlets._inlets["24"].reader, "take", broken)

    async def all_of_it() -> None:
        while await inlets.take(1, set()) is not None:
            pass

    with pytest.raises(RuntimeError, match="gone"):
        await all_of_it()
    await inlets.stop()


# -- backlogs ----------------------------------------------------------------------------------------------------------


def test_a_part_is_behind_until_all_that_waited_at_the_start_is_merged() -> None:
    """Also when it is not a second old: its alerts may be published already."""
    backlog = Backlog(caught_up=False)
    backlog.waited(lag=1000, patience=0)
    assert backlog.behind, "it is known to have more"
    backlog.took([delivery(n, 1000 - n, stored_at=9) for n in range(1, 501)], now=10, delay=SECOND)
    assert backlog.behind
    backlog.took([delivery(n, 1010 - n, stored_at=9) for n in range(501, 1001)], now=10, delay=SECOND)
    assert (backlog.behind, backlog.caught_up) == (False, True)


def test_a_part_is_behind_while_what_comes_is_old_and_more_waits() -> None:
    """What is fresh is judged though more waits; what is old is not, until the last of it is there."""
    backlog = Backlog(caught_up=True)
    backlog.took([delivery(1, 5, stored_at=0)], now=SECOND, delay=SECOND)
    assert not backlog.behind
    backlog.took([delivery(2, 5, stored_at=0)], now=SECOND + 1, delay=SECOND)
    assert backlog.behind
    backlog.waited(lag=5, patience=60)
    assert backlog.behind
    backlog.waited(lag=5, patience=-1)
    assert not backlog.behind, "nothing comes any more"


class _Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    @property
    def us(self) -> int:
        return round(self.now * SECOND)


def test_a_healed_link_is_waited_for_by_kommun() -> None:
    """Three hours of reports that come over a healed link are merged before they are judged, and then at once."""
    clock = _Time()
    late = Late(SECOND, clock)
    late.came("2401", clock.us - SECOND // 2, clock.us)
    assert late.now() == set()
    for step in range(100):  # 10 s, in each of which 18 minutes come
        clock.now += 0.1
        late.came("2480", clock.us - 3 * HOUR + step * 108 * SECOND, clock.us)
        late.came("2401", clock.us, clock.us)
        assert late.now() == {"2480"}
    late.came("2480", clock.us, clock.us)
    assert late.now() == set()


def test_a_backlog_that_ends_in_silence_ends_after_a_moment() -> None:
    """The last report was received twenty minutes ago: a second after it nothing more is waited for."""
    clock = _Time()
    late = Late(SECOND, clock)
    late.came("2480", clock.us - 20 * MINUTE, clock.us)
    assert late.now() == {"2480"}
    clock.now += 1.1
    assert late.now() == set()


def test_a_clock_that_is_behind_is_no_backlog() -> None:
    """A node whose clock is ten minutes behind: after a second its reports are judged as they come, for as long."""
    clock = _Time()
    late = Late(SECOND, clock)
    held = []
    for _ in range(100):
        late.came("2480", clock.us - 10 * MINUTE, clock.us)
        held.append("2480" in late.now())
        clock.now += 0.1
    assert held[0]
    assert not any(held[12:])
    clock.now += 3600
    late.came("2480", clock.us - 10 * MINUTE, clock.us)
    assert late.now() == set(), "it is known to be so late"
    late.came("2480", clock.us - 3 * HOUR, clock.us)
    assert late.now() == {"2480"}, "and this is more"


def test_what_is_held_follows_parts_and_kommuner() -> None:
    """A part that is behind holds all its kommuner; late reports hold theirs alone; own reports are never late."""
    now = 10 * HOUR
    catching_up = CatchingUp(1.0, lambda: now)
    found = parts(Area.parse("24"), ["2480", "2482"])
    catching_up.arrange(found)
    assert catching_up.all_held
    assert not catching_up.caught_up
    catching_up.turn(None, [], lambda _: 0)
    assert (catching_up.held, catching_up.caught_up) == (frozenset(), True)
    catching_up.turn("2480", [delivery(1, 7, stored_at=0)], lambda _: 7)
    assert (catching_up.held, catching_up.behind) == ({"2480"}, {"2480"})
    catching_up.received("2482", [("2482", now - HOUR)])
    catching_up.received(OWN, [("2401", now - HOUR)])
    catching_up.turn("2480", [delivery(2, 0, stored_at=0)], lambda _: 0)
    assert (catching_up.held, catching_up.behind) == ({"2482"}, set())
    catching_up.arrange(parts(Area.parse("24"), ["2482", "2401"]))
    assert catching_up.caught_up, "a part that is new while it runs has nothing of before"


# -- waiting -----------------------------------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["touch", "change", "recall", "hold", "take", "leisure", "merged"]),
            st.sampled_from(["2480-a", "2480-b", "2482-a", "2401-a"]),
            st.sets(st.sampled_from(["2480", "2482"])),
        ),
        max_size=40,
    )
)
def test_nothing_that_waits_is_forgotten_or_judged_while_it_is_held(steps: list[tuple[str, str, set[str]]]) -> None:
    """Points wait until they are taken, whatever is held meanwhile; what was merged is told once, held or not."""
    waiting = Waiting()
    touched: dict[str, bool] = {}
    recalled: set[str] = set()
    held: frozenset[str] = frozenset()
    for what, point, kommuner in steps:
        match what:
            case "touch" | "change":
                waiting.touch(point, changed=what == "change")
                touched[point] = touched.get(point, False) or what == "change"
                recalled.discard(point)
            case "recall":
                waiting.recall(point)
                touched.pop(point, None)
                recalled.add(point)
            case "hold":
                held = frozenset(kommuner)
                waiting.hold(held)
            case "take":
                taken = waiting.take_fresh(1)
                assert len(taken) == min(1, sum(each[:4] not in held for each in touched))
                for each, changed in taken:
                    assert each[:4] not in held
                    assert touched.pop(each) == changed
            case "leisure":
                for each in waiting.take_recalled(1):
                    assert each[:4] not in held
                    recalled.remove(each)
            case _:
                assert sorted(waiting.take_merged()) == sorted(each for each, changed in touched.items() if changed)
                touched = dict.fromkeys(touched, False)
        assert waiting.fresh == sum(each[:4] not in held for each in touched)
        assert len(waiting) == waiting.fresh + sum(each[:4] not in held for each in recalled)
