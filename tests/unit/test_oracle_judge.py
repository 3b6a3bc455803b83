"""Judging a point compared with the definitions, asked minute by minute."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oracle import adapter, make, strategies
from oracle.effort import examples
from oracle.make import Told
from oracle.merge import Given, conflicts, fold
from oracle.orders import Order
from oracle.orders_given import rules_orders
from oracle.overrides import table_of, version_of
from oracle.point import Judge
from oracle.table import AHEAD, DAY

POINT = strategies.POINTS[0]
ITSELF = f"{strategies.KOMMUN}-_"


def by_definition(judge: Judge) -> dict[str, Any]:
    """What the oracle says of a point."""
    return {
        "alerts": {
            rule: (verdict.level, verdict.raised_at, verdict.inhibited_by, verdict.derived)
            for rule, verdict in judge.verdicts.items()
        },
        "condition": judge.condition,
        "freshness": judge.freshness,
        "link": judge.link,
        "runs_out_at": judge.runs_out_at,
        "dark": judge.dark,
        "endurance_known": not judge.endurance_unknown,
        "conflict": sorted(conflicts(judge.point)),
    }


def by_program(reports: Sequence[Given], point: str, now: int, orders: Sequence[Order] = ()) -> dict[str, Any]:
    """What the program says of the same."""
    state = adapter.states(reports)[point]
    judgement = adapter.judged(state, now, adapter.tables(orders, now).of_point(point))
    return {
        "alerts": {
            rule: (verdict.level, verdict.raised_at, verdict.inhibited_by, verdict.derived)
            for rule, verdict in judgement.verdicts.items()
        },
        **adapter.clock_part(state, judgement),
    }


def agree(reports: Sequence[Given], point: str, now: int, orders: Sequence[Order] = ()) -> None:
    """The program judges as defined, by the table that is defined."""
    points = fold(reports)
    table = table_of(orders, point, now)
    assert version_of(table) == adapter.tables(orders, now).of_point(point).version
    if point in points:
        assert by_definition(Judge(points[point], now, rules=table)) == by_program(reports, point, now, orders)


@examples(40)
@given(st.booleans().flatmap(lambda untidy: strategies.stories(untidy=untidy)), st.data())
def test_a_point_is_judged_as_defined(story: list[Told], data: st.DataObject) -> None:
    """Levels, when they were raised, what mutes them, condition, freshness, link and endurance are as defined."""
    reports = make.given(story)
    agree(reports, POINT, data.draw(strategies.nows(reports)))


@examples(40)
@given(strategies.stories(), rules_orders(), st.data())
def test_a_point_is_judged_by_other_rules_as_defined(
    story: list[Told], orders: list[Order], data: st.DataObject
) -> None:
    """The same by tables that overrides have changed; and the version is of what they have changed."""
    reports = make.given(story)
    agree(reports, POINT, data.draw(strategies.nows(reports)), orders)


@examples(10)
@given(strategies.stories(points=(ITSELF,), sizes=(1, 4, 8)), st.data())
def test_a_kommun_itself_is_judged_as_defined(story: list[Told], data: st.DataObject) -> None:
    """The kommun's own needs may be overdue, and nothing else is judged of it."""
    reports = make.given(story)
    agree(reports, ITSELF, data.draw(strategies.nows(reports)))


@examples(60)
@given(
    st.booleans().flatmap(lambda untidy: strategies.stories(untidy=untidy)),
    st.one_of(st.just([]), rules_orders()),
    st.data(),
)
def test_nothing_changes_before_it_is_due(story: list[Told], orders: list[Order], data: st.DataObject) -> None:
    """Between an instant and the one at which the judgement is due again, it stays what it is."""
    orders = [order for order in orders if order["time"] <= make.when(0)]
    reports = make.given(story)
    # As a node sees it: nothing is effective more than 2 min after it was received.
    now = max([data.draw(strategies.nows(reports)), *(report.effective - AHEAD for report in reports)])
    state = adapter.states(reports).get(POINT)
    if state is None:
        return
    due = adapter.judged(state, now, adapter.tables(orders, now).of_point(POINT)).due
    assert due > now
    last = min(due - 1, now + 40 * DAY)
    then = data.draw(st.one_of(st.just(last), st.integers(now, min(last, now + DAY))))
    # A stamp ahead of `now` counts as of `now`, so that what it raises is raised at `now`, whenever that is.
    ahead = any(now < report.effective <= now + AHEAD for report in reports)
    before, after = (by_program(reports, POINT, at, orders) for at in (now, then))
    for answer in (before, after) if ahead else ():
        answer["alerts"] = {rule: (level, muted) for rule, (level, _, muted, _) in answer["alerts"].items()}
    assert before == after
