"""Overrides of rules: checked as the table is, the most specific one first, in any order the same."""

import hashlib
import itertools
import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import adapter
from oracle.make import POINT, instant, order
from vardkase.domain.overrides import BadOverride, parse
from vardkase.domain.rules import Rules
from vardkase.domain.tables import ORDERS_KEPT, POINTS_KEPT, Tables
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, MINUTE
from vardkase_contracts.orders import ORDER, RulesOrder
from vardkase_contracts.vocab import Rule

OTHER = "2480-ersboda"
NOW = 100


def rules(minute: float, scope: str, override: Any, *, id_: str = "o") -> RulesOrder:
    """Somebody overrides rules."""
    found = ORDER.validate_json(orjson.dumps(order("rules", minute, {"scope": scope, "override": override}, id_=id_)))
    assert isinstance(found, RulesOrder)
    return found


def heat(yellow: float, **more: Any) -> dict[str, Any]:
    """Another limit of the yellow of `heat.low`."""
    return {"heat.low": {"yellow": {"limit": yellow}, **more}}


def folded(*orders: RulesOrder, now: float = NOW) -> Tables:
    found = Tables(adapter.rules())
    for each in orders:
        found.take(each)
    found.advance(instant(now))
    return found


def limit(table: Rules, rule: Rule = "heat.low") -> float | None:
    """The limit of yellow."""
    return table[rule].limit("yellow")


# -- which table judges what -------------------------------------------------------------------------------------------


def test_without_overrides_the_nodes_own_table_judges() -> None:
    """Nothing is copied, and the version is the table's."""
    tables = folded()
    assert tables.of_point(POINT) is tables.of_area(Area.parse("24")) is tables.base
    assert tables.of_point(POINT).version == "default-1"


@pytest.mark.parametrize(
    ("scope", "reached"),
    [
        (POINT, {POINT}),
        ("2480", {POINT, OTHER, "2480-_", "2480"}),
        ("24", {POINT, OTHER, "2480-_", "2480", "2482-boda", "24"}),
        ("norra", {POINT, OTHER, "2480-_", "2480", "2482-boda", "24", "2580-lulea"}),
        ("SE", {POINT, OTHER, "2480-_", "2480", "2482-boda", "24", "2580-lulea", "1480-haga"}),
    ],
)
def test_an_override_reaches_what_lies_in_its_scope(scope: str, reached: set[str]) -> None:
    """A point, a kommun, a län, a civilområde, the nation: what lies in it is judged by other limits, and no other."""
    tables = folded(rules(0, scope, heat(21)))
    points = (POINT, OTHER, "2480-_", "2482-boda", "2580-lulea", "1480-haga")
    found = {point for point in points if limit(tables.of_point(point)) == 21}
    found |= {code for code in ("2480", "24") if limit(tables.of_area(Area.parse(code))) == 21}
    assert found == reached


def test_the_most_specific_wins_setting_by_setting() -> None:
    """Each setting comes from the narrowest scope that says anything of it; what nobody says is the table's."""
    tables = folded(
        rules(0, "SE", {"comms.112": {"red": "20m", "critical": "2h", "keep": "1m"}}, id_="a"),
        rules(1, "24", {"comms.112": {"red": "25m", "keep": "2m"}}, id_="b"),
        rules(2, "2480", {"comms.112": {"keep": "3m"}}, id_="c"),
        rules(3, POINT, {"comms.112": {"yellow": "10m"}}, id_="d"),
    )
    spec = tables.of_point(POINT)["comms.112"]
    found = [spec.held("yellow"), spec.held("red"), spec.held("critical"), spec.keep]
    assert found == [10 * MINUTE, 25 * MINUTE, 2 * HOUR, 3 * MINUTE]
    assert tables.explain(POINT)["comms.112"].origins == {
        "yellow.for": POINT,
        "red.for": "24",
        "critical.for": "SE",
        "keep": "2480",
    }
    assert tables.of_point(POINT)["heat.low"] is tables.base["heat.low"]


def test_a_level_can_be_taken_away_and_given_back() -> None:
    """`null` for a level means that it never holds; a narrower scope can have it again."""
    tables = folded(
        rules(0, "24", {"comms.112": {"red": None}}, id_="a"),
        rules(1, POINT, {"comms.112": {"red": {"for": "5m"}}}, id_="b"),
    )
    assert tables.of_point(OTHER)["comms.112"].held("red") is None
    assert tables.of_point(POINT)["comms.112"].held("red") == 5 * MINUTE
    assert tables.explain(OTHER)["comms.112"].origins == {"red": "24"}


def test_wider_overrides_that_would_make_no_table_are_set_aside() -> None:
    """A kommun's yellow of 16 °C and a point's red of 17 are each possible, together not: the point's own stands."""
    wide = {"heat.low": {"yellow": 16, "red": 15, "critical": 14, "keep": "1m"}}
    tables = folded(rules(0, "2480", wide, id_="a"), rules(1, POINT, {"heat.low": {"red": 17}}, id_="b"))
    spec = tables.of_point(POINT)["heat.low"]
    assert [spec.limit(level) for level in ("yellow", "red", "critical")] == [20, 17, 15]
    assert spec.keep == 5 * MINUTE
    assert tables.explain(POINT)["heat.low"].aside == ("2480",)
    assert limit(tables.of_point(OTHER)) == 16


def test_the_last_order_of_a_scope_is_its_override_as_a_whole() -> None:
    """A later order takes the place of the earlier one, also of what it does not say."""
    tables = folded(rules(0, "2480", heat(21), id_="a"), rules(1, "2480", {"comms.112": {"keep": "1m"}}, id_="b"))
    assert (limit(tables.of_point(POINT)), tables.of_point(POINT)["comms.112"].keep) == (20, MINUTE)


@pytest.mark.parametrize("nothing", [None, {}, {"heat.low": None}, {"heat.low": {}}], ids=str)
def test_an_override_is_taken_away(nothing: Any) -> None:
    """An override without any setting takes the last one away, and the version is the table's again."""
    tables = folded(rules(0, "2480", heat(21), id_="a"), rules(1, "2480", nothing, id_="b"))
    assert tables.of_point(POINT) is tables.base


# -- in time -----------------------------------------------------------------------------------------------------------


def test_an_override_is_in_force_from_its_time() -> None:
    """One ordered by a clock ahead of ours waits, and hides none before it."""
    tables = folded(rules(0, "2480", heat(21), id_="a"), rules(50, "2480", heat(22), id_="b"), now=10)
    assert (limit(tables.of_point(POINT)), tables.due) == (21, instant(50))
    assert tables.advance(instant(50)) == ["2480"]
    assert limit(tables.of_point(POINT)) == 22
    assert tables.advance(instant(60)) == []


def test_what_changed_is_told_by_scope() -> None:
    """Only scopes whose override is another one have to be judged again."""
    tables = folded(rules(0, "2480", heat(21), id_="a"), rules(0, "24", heat(22), id_="b"))
    tables.take(rules(1, "24", heat(22), id_="c"))
    assert tables.advance(instant(NOW)) == []
    tables.take(rules(2, "2480", None, id_="d"))
    assert tables.advance(instant(NOW)) == ["2480"]


OVERRIDES: tuple[Any, ...] = (
    None,
    heat(21),
    heat(16, red=15, critical=None),
    {"heat.low": {"red": 17}},
    {"comms.112": {"red": "20m"}},
    {"comms.112": {"red": None}, "heat.low": {"keep": "1m"}},
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.builds(
            rules,
            st.sampled_from((0, 10, 10, 90, 150)),
            st.sampled_from((POINT, "2480", "24", "SE")),
            st.sampled_from(OVERRIDES),
            id_=st.sampled_from("abcde"),
        ),
        min_size=1,
        max_size=ORDERS_KEPT,
    ),
    st.data(),
)
def test_order_and_repetition_do_not_show(orders: list[RulesOrder], data: st.DataObject) -> None:
    """The same orders in any order, twice, put in force now and then, make the same tables with the same versions."""
    told = data.draw(st.permutations([*orders, *data.draw(st.lists(st.sampled_from(orders), max_size=3))]))
    other = Tables(adapter.rules())
    for each in told:
        other.take(each)
        if data.draw(st.booleans()):
            other.advance(instant(data.draw(st.sampled_from((5, 50)))))
            other.of_point(POINT)
    other.advance(instant(NOW))
    straight = folded(*orders)
    for point in (POINT, OTHER, "2482-boda", "1480-haga"):
        assert straight.of_point(point) == other.of_point(point)
    assert straight.of_area(Area.parse("24")).version == other.of_area(Area.parse("24")).version


# -- the version -------------------------------------------------------------------------------------------------------


def test_the_version_is_the_hash_of_what_is_different() -> None:
    """Whoever knows the table and what differs can make the version: canonical JSON, durations in seconds."""
    tables = folded(rules(0, "2480", {"heat.low": {"yellow": 21}, "comms.112": {"red": None, "critical": "2h"}}))
    different = {
        "comms.112": {"critical": {"for": 7200, "limit": None}, "red": None},
        "heat.low": {"yellow": {"for": 0, "limit": 21.0}},
    }
    said = json.dumps(different, sort_keys=True, separators=(",", ":"))
    assert said.startswith('{"comms.112":{"critical":{"for":7200,"limit":null},"red":null}')
    assert tables.of_point(POINT).version == f"default-1+{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def test_equal_rules_have_one_version_and_one_table() -> None:
    """However it came about, what judges alike is one table; what says what the table says anyhow is the table."""
    tables = folded(
        rules(0, POINT, heat(21), id_="a"),
        rules(0, "2482", {"heat.low": {"yellow": {"limit": 21.0, "for": "0s"}}}, id_="b"),
        rules(0, "2580", heat(20), id_="c"),
    )
    assert tables.of_point(POINT) is tables.of_point("2482-boda") is not tables.base
    assert tables.of_point("2580-lulea") is tables.base
    assert tables.different == 2


def test_points_without_an_override_of_their_own_share_their_kommuns_table() -> None:
    """Memory grows with the overrides, not with the points."""
    tables = folded(rules(0, "SE", heat(21)))
    found = {id(tables.of_point(f"2480-p{n}")) for n in range(5_000)}
    assert len(found) == 1
    assert len(tables._tables) == 1


def test_tables_that_no_one_needs_are_let_go() -> None:
    """A thousand changes of one override leave one table behind."""
    tables = folded()
    for n in range(1_000):
        tables.take(rules(n / 100, "2480", heat(20 + n / 1000), id_=f"o{n}"))
        tables.advance(instant(NOW))
        tables.of_point(POINT)
    assert len(tables._equal) <= 2
    assert len(tables._given["2480"]) == ORDERS_KEPT
    assert limit(tables.of_point(POINT)) == 20.999


@pytest.mark.parametrize("step", [1, -1])
def test_the_points_of_a_kommun_with_overrides_are_bounded(step: int) -> None:
    """The latest are kept, in whatever order they come; another kommun's are left alone."""
    orders = [rules(n / 100, f"2480-p{n}", heat(21), id_=f"o{n}") for n in range(POINTS_KEPT + 20)][::step]
    tables = folded(rules(0, "2482-boda", heat(22)), *orders)
    assert (tables.kept, tables.left_out) == (POINTS_KEPT + 1, 20)
    assert [limit(tables.of_point(f"2480-p{n}")) for n in (0, 19, 20)] == [20, 20, 21]
    assert limit(tables.of_point("2482-boda")) == 22


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "field", "detail", "out_of_range"),
    [
        ({"heat.lo": {}}, "", "a rule that there is not", False),
        ({"heat.low": {"yelow": 21}}, ".heat.low", "no such setting", False),
        ({"heat.low": {"yellow": {"limt": 21}}}, ".heat.low.yellow", "no such setting", False),
        ({"heat.low": {"yellow": True}}, ".heat.low.yellow", "a limit, a duration", False),
        ({"heat.low": {"yellow": [21]}}, ".heat.low.yellow", "a limit, a duration", False),
        ({"heat.low": {"yellow": {"limit": "varmt"}}}, ".heat.low.yellow.limit", "valid number", False),
        ({"heat.low": {"yellow": 10**400}}, ".heat.low.yellow.limit", "valid number", False),
        ({"heat.low": {"yellow": 1e300}}, ".heat.low.yellow.limit", "less than or equal", True),
        ({"heat.low": {"yellow": -1}}, ".heat.low.yellow.limit", "greater than or equal", True),
        ({"heat.low": {"yellow": {"limit": None}}}, ".heat.low.yellow.limit", "needs a limit", False),
        ({"heat.low": {"yellow": "10m"}}, ".heat.low.yellow.for", "no effect", False),
        ({"heat.low": {"yellow": 17}}, ".heat.low", "graver", False),
        ({"heat.low": {"keep": 5}}, ".heat.low.keep", '"30m"', False),
        ({"heat.low": {"keep": "7h"}}, ".heat.low.keep", "6 h", True),
        ({"heat.low": {"after_open": "1h"}}, ".heat.low.after_open", "no effect", False),
        ({"comms.112": {"red": "361m"}}, ".comms.112.red.for", "6 h", True),
        ({"comms.112": {"red": 3}}, ".comms.112.red.limit", "no effect", False),
        ({"staff.short": {"after_open": "7h"}}, ".staff.short.after_open", "6 h", True),
        ({"need.overdue": {"keep": "5m"}}, ".need.overdue.keep", "keep is not possible", False),
        ({"freshness.stale": {"red": 6}}, ".freshness.stale.red", "no level red", False),
        ({"area.red_share": {"min_open": -1}}, ".area.red_share.min_open", "greater than or equal", True),
    ],
    ids=str,
)
def test_a_bad_override_names_its_field(override: Any, field: str, detail: str, out_of_range: bool) -> None:  # noqa: FBT001
    """What the table would refuse is refused of an override: which setting, why, and nothing that it held."""
    with pytest.raises(BadOverride) as caught:
        parse(override, adapter.rules(), of_point=False)
    assert caught.value.field == f"data.override{field}"
    assert detail in caught.value.detail
    assert caught.value.out_of_range is out_of_range
    assert "varmt" not in caught.value.detail


def test_a_point_has_no_rules_about_areas() -> None:
    """An override of `area.silent` for a point would do nothing: it is refused."""
    with pytest.raises(BadOverride, match=r"data\.override\.area\.silent: is about areas"):
        parse({"area.silent": {"red": "5h"}}, adapter.rules(), of_point=True)
    assert parse({"area.silent": {"red": "5h"}}, adapter.rules(), of_point=False)


def test_a_bad_override_changes_nothing() -> None:
    """The one before it stays in force."""
    tables = folded(rules(0, "2480", heat(21)))
    with pytest.raises(BadOverride):
        tables.take(rules(1, "2480", heat(17), id_="bad"))
    tables.advance(instant(NOW))
    assert limit(tables.of_point(POINT)) == 21


@pytest.mark.parametrize("turn", range(6))
def test_orders_of_one_time_are_told_apart_by_their_ids(turn: int) -> None:
    """Of several overrides given at one instant the one with the greatest id is in force."""
    orders = [rules(0, "2480", heat(degrees), id_=id_) for id_, degrees in (("a", 21), ("b", 23), ("c", 22))]
    assert limit(folded(*list(itertools.permutations(orders))[turn]).of_point(POINT)) == 22
