"""Silences are folded like reports: what holds is a function of the set of orders, and is found by rule and place."""

import itertools
import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.make import POINT, instant, order, when
from vardkase.domain.intervals import FOREVER
from vardkase.domain.places import around
from vardkase.domain.silences import LASTS_AT_MOST, ORDERS_KEPT, Silences
from vardkase_contracts.instants import DAY
from vardkase_contracts.orders import ORDER, SilenceOrder

RULE = "staff.short"


def silence(
    minute: float,
    until: float = 60,
    *,
    since: float | None = None,
    by: tuple[str, str] = ("lan", "24"),
    about: str | None = None,
    id_: str = "o",
    name: str | None = None,
    **matcher: str,
) -> SilenceOrder:
    """Somebody silences alerts."""
    data: dict[str, Any] = {
        "matcher": matcher or {"point": POINT},
        "from": when(minute if since is None else since),
        "until": when(until),
    }
    event = order("silence", minute, data | ({} if name is None else {"id": name}), by=by, id_=id_)
    found = ORDER.validate_json(orjson.dumps(event | {"subject": about or by[1]}))
    assert isinstance(found, SilenceOrder)
    return found


def folded(*orders: SilenceOrder) -> Silences:
    found = Silences()
    for each in orders:
        found.take(each)
    return found


def names(silences: Silences, minute: float, about: str = POINT, rule: str = RULE) -> list[str]:
    """The ids of the silences of an alert."""
    return [each.name[2] for each in silences.of(rule, around(about), instant(minute))[0]]


def soon(silences: Silences, minute: float) -> bool:
    """Whether the one silence of an alert ends soon."""
    ((found,), _) = silences.of(RULE, around(POINT), instant(minute))
    return found.ends_soon


def due(silences: Silences, minute: float, about: str = POINT) -> int:
    """When they change by the clock alone."""
    return silences.of(RULE, around(about), instant(minute))[1]


def test_a_silence_lasts_from_its_beginning_to_its_end_exclusive() -> None:
    """It holds at the instant it begins and not at the instant it ends, and says when it will."""
    silences = folded(silence(0, 60, since=10))
    assert [names(silences, minute) for minute in (0, 9.99, 10, 59.99, 60)] == [[], [], ["o"], ["o"], []]
    assert [due(silences, minute) for minute in (0, 50, 60)] == [instant(10), instant(60), FOREVER]


def test_a_silence_ends_soon_in_the_last_quarter_of_its_time() -> None:
    """But at most half an hour before its end; and one that another takes the place of does not end."""
    silences = folded(silence(0, 60, since=10))
    assert due(silences, 10) == instant(47.5)
    assert [soon(silences, minute) for minute in (47.4, 47.5, 59)] == [False, True, True]
    assert [soon(folded(silence(0, 600)), minute) for minute in (569, 570)] == [False, True]
    longer = folded(silence(0, 60, id_="a", name="s"), silence(50, 600, since=0, id_="b", name="s"))
    assert [soon(longer, minute) for minute in (47.5, 50, 570)] == [False, False, True]


def test_a_silence_does_not_rewrite_the_past() -> None:
    """One that says that it began before it was ordered holds from when it was ordered."""
    assert [names(folded(silence(10, since=0)), minute) for minute in (5, 10)] == [[], ["o"]]


@pytest.mark.parametrize(
    ("matcher", "matched"),
    [
        ({"rule": RULE}, {"point", "other", "neighbour"}),
        ({"rule": "heat.low"}, set()),
        ({"point": POINT}, {"point", "itself-rule"}),
        ({"area": "2480"}, {"point", "other", "itself-rule", "kommun"}),
        ({"area": "24"}, {"point", "other", "neighbour", "itself-rule", "kommun", "lan"}),
        ({"rule": RULE, "point": POINT}, {"point"}),
        ({"rule": RULE, "area": "2480"}, {"point", "other"}),
        ({"rule": "area.silent", "area": "2480"}, {"kommun"}),
        ({"point": POINT, "area": "2480"}, {"point", "itself-rule"}),
        ({"point": POINT, "area": "2482"}, set()),
        ({"rule": RULE, "point": POINT, "area": "24"}, {"point"}),
        ({"point": "2480-_"}, set()),
    ],
    ids=lambda value: str(sorted(value.items() if isinstance(value, dict) else value)),
)
def test_what_a_matcher_matches(matcher: dict[str, str], matched: set[str]) -> None:
    """All that is given must match; an area matches what lies in it, and its own alerts."""
    alerts = {
        "point": (RULE, POINT),
        "itself-rule": ("power.lost", POINT),
        "other": (RULE, "2480-ersboda"),
        "neighbour": (RULE, "2482-boda"),
        "far": (RULE, "2580-lulea"),
        "kommun": ("area.silent", "2480"),
        "lan": ("area.red_share", "24"),
    }
    silences = folded(silence(0, **matcher))
    assert matched == {name for name, (rule, about) in alerts.items() if names(silences, 10, about, rule)}


@pytest.mark.parametrize("about", ["norra", "SE"])
def test_wider_areas_match_too(about: str) -> None:
    """A civilområde's and the nation's silences reach the points in them."""
    silences = folded(silence(0, by=("nation", "SE"), about=about, rule=RULE))
    assert names(silences, 10) == ["o"]
    assert names(silences, 10, "1480-haga") == (["o"] if about == "SE" else [])


def test_a_silence_reaches_no_further_than_the_area_it_is_about() -> None:
    """What is ordered about a kommun silences nothing in the next one, whatever its matcher says."""
    silences = folded(
        silence(0, about="2480", rule=RULE, id_="a"),
        silence(0, about="2480", area="24", id_="b"),
        silence(0, about="2480", point="2482-boda", id_="c"),
    )
    assert names(silences, 10, "2482-boda") == []
    assert names(silences, 10) == ["a"]


def test_the_same_id_again_changes_a_silence() -> None:
    """A later order with the id of a silence extends it, moves it to other alerts, or ends it."""
    first = silence(0, 60, id_="a", name="s")
    longer = silence(30, 120, since=0, id_="b", name="s")
    moved = silence(40, 120, id_="c", name="s", point="2480-ersboda")
    ended = silence(50, 50, since=0, id_="d", name="s", point="2480-ersboda")
    silences = folded(first, longer)
    assert names(silences, 90) == ["s"]
    silences.take(moved)
    assert (names(silences, 39), names(silences, 45), names(silences, 45, "2480-ersboda")) == (["s"], [], ["s"])
    silences.take(ended)
    assert names(silences, 55, "2480-ersboda") == []


def test_an_order_without_an_id_is_a_silence_of_its_own() -> None:
    """It is ended by an order that names its id."""
    silences = folded(silence(0, 60, id_="a"), silence(20, 20, id_="b", name="a"))
    assert (names(silences, 10), names(silences, 30)) == (["a"], [])


def test_one_area_cannot_end_anothers_silence() -> None:
    """The same id by one who acts for another area is another silence."""
    silences = folded(silence(0, id_="a", name="s"), silence(10, 10, by=("kommun", "2480"), id_="b", name="s"))
    assert names(silences, 20) == ["s"]


def test_of_each_area_the_longest_is_told() -> None:
    """An alert names one silence of each area that silences it, in the order of areas."""
    silences = folded(
        silence(0, 60, id_="short"),
        silence(0, 90, id_="long", area="24"),
        silence(0, 30, by=("kommun", "2480"), id_="own"),
    )
    assert [names(silences, minute) for minute in (10, 40, 70)] == [["own", "long"], ["long"], ["long"]]
    assert [due(silences, minute) for minute in (10, 40, 70)] == [instant(22.5), instant(45), instant(90)]


def test_a_silence_ordered_by_a_clock_ahead_of_ours_waits() -> None:
    """It counts from its time on, and hides none before it."""
    silences = folded(silence(0, 60, id_="a", name="s"), silence(9_000, 9_000, id_="b", name="s"))
    assert names(silences, 10) == ["s"]
    later = folded(silence(30, 60))
    assert (names(later, 10), due(later, 10)) == ([], instant(30))


def test_no_silence_lasts_longer_than_thirty_days() -> None:
    """Whoever wants more orders it again."""
    silences = folded(silence(0, 24 * 60 * 400))
    assert due(silences, 30 * 24 * 60 - 1) == instant(0) + 30 * DAY


@st.composite
def some_orders(draw: st.DrawFn) -> list[SilenceOrder]:
    """Orders about few silences, several at one time, some of them ending what others began."""
    minutes = st.sampled_from((0, 10, 20, 30))
    matchers: st.SearchStrategy[dict[str, str]] = st.sampled_from(
        ({"rule": RULE}, {"point": POINT}, {"rule": RULE, "area": "2480"}, {"point": "2480-ersboda"})
    )
    return [
        silence(
            draw(minutes),
            draw(st.sampled_from((0, 15, 25, 60))),
            since=draw(minutes),
            by=draw(st.sampled_from((("lan", "24"), ("kommun", "2480")))),
            about="2480",
            id_=draw(st.sampled_from("abc")),
            name=draw(st.sampled_from((None, "s", "t"))),
            **draw(matchers),
        )
        for _ in range(draw(st.integers(1, 8)))
    ]


@settings(max_examples=150, deadline=None)
@given(some_orders(), st.data())
def test_order_and_repetition_do_not_show(orders: list[SilenceOrder], data: st.DataObject) -> None:
    """The same orders in any order, twice, with forgetting in between, silence the same from then on."""
    told = data.draw(st.permutations([*orders, *data.draw(st.lists(st.sampled_from(orders), max_size=4))]))
    now = data.draw(st.sampled_from((0, 5, 12, 30)))
    other = Silences()
    for each in told:
        other.take(each)
        if data.draw(st.booleans()):
            other.forget(instant(now))
    straight = folded(*orders)
    for minute in (now, 14, 15, 20, 24.9, 25, 30, 59, 60):
        for about in (POINT, "2480-ersboda") if minute >= now else ():
            found = [each.of(RULE, around(about), instant(minute)) for each in (straight, other)]
            assert found[0] == found[1]


@settings(max_examples=100, deadline=None)
@given(some_orders())
def test_nothing_changes_before_it_is_due(orders: list[SilenceOrder]) -> None:
    """Between an instant and the one at which a silence is due, an alert is silenced as it was."""
    silences = folded(*orders)
    for minute in range(0, 61, 5):
        found, change = silences.of(RULE, around(POINT), instant(minute))
        assert change > instant(minute)
        assert found == silences.of(RULE, around(POINT), min(change, instant(100)) - 1)[0]


def test_what_has_ended_is_forgotten_and_stays_ended() -> None:
    """After thirty days nothing is left of a silence; an order older than that changes nothing, when it comes late."""
    silences = folded(silence(0, 24 * 60 * 29, id_="a", name="s"), silence(60, 60, id_="b", name="s"))
    silences.forget(instant(120))
    assert len(silences) == 1
    assert names(silences, 120) == []
    much_later = 60 + 24 * 60 * 30
    silences.forget(instant(much_later))
    assert len(silences) == 0
    silences.take(silence(0, 24 * 60 * 29, id_="a", name="s"))
    assert names(silences, much_later) == []


def test_memory_is_bounded_by_the_area_that_orders_are_about() -> None:
    """Of the orders about one area the latest are kept, in whatever order they come, and the rest are counted."""
    orders = [silence(n / 10, 600, id_=f"o{n}", point=f"2480-p{n}") for n in range(ORDERS_KEPT + 50)]
    neighbour = silence(0, 600, about="2482", point="2482-boda", id_="n")
    for told in (orders, orders[::-1]):
        silences = folded(neighbour, *told)
        assert (len(silences), silences.left_out) == (ORDERS_KEPT + 1, 50)
        assert names(silences, 100, "2482-boda") == ["n"]
        assert [bool(names(silences, 100, f"2480-p{n}")) for n in (0, 49, 50)] == [False, False, True]
    silences.forget(instant(0) + LASTS_AT_MOST + DAY)
    assert len(silences) == 0
    assert not silences._stretches
    assert not silences._about


def test_a_look_up_costs_the_same_however_many_there_are() -> None:
    """Silences of other points and rules make no difference to an alert."""
    few, many = folded(silence(0, id_="mine")), folded(silence(0, id_="mine"))
    for kommun, n in itertools.product(("2480", "2482", "2481"), range(ORDERS_KEPT - 1)):
        many.take(silence(0, about=kommun, id_=f"o{kommun}{n}", point=f"{kommun}-p{n}"))
    assert len(many) > 1_400

    def cost(silences: Silences) -> float:
        places, now = around(POINT), instant(10)
        began = time.process_time()
        for _ in range(2_000):
            silences.of(RULE, places, now)
        return time.process_time() - began

    assert min(cost(many) for _ in range(5)) < 3 * min(cost(few) for _ in range(5))


@pytest.mark.parametrize("turn", range(6))
def test_orders_of_one_time_are_told_apart_by_their_ids(turn: int) -> None:
    """Of several orders given at one instant the one with the greatest id is the silence."""
    orders = [silence(0, until, id_=id_, name="s") for id_, until in (("a", 90), ("b", 30), ("c", 60))]
    assert due(folded(*list(itertools.permutations(orders))[turn]), 50) == instant(60)
