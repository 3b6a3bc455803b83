"""Overrides of rules: other limits for a point or an area, at once, on every node alike, and said in every alert."""

from typing import Any

import pytest

from acceptance.node import Node
from acceptance.timeline import Timeline, at
from oracle import adapter
from oracle.make import POINT, Told, given, instant, order, register, resources, staff, status, when
from vardkase.domain.overrides import BadOverride

HEAT, OTHER = f"heat.low/{POINT}", "2480-ersboda"
WARM = {"heat": {"indoor_c": 20.5}, "power": {"source": "mains"}, "staff": {"present": 4, "required": 4}}


def rules(minute: float, scope: str, override: Any, *, id_: str | None = None, reality: str = "act") -> dict[str, Any]:
    """Somebody overrides rules."""
    made = order("rules", minute, {"scope": scope, "override": override}, id_=id_ or f"rules-{minute}-{scope}")
    return made | {"reality": reality}


def heat(yellow: float) -> dict[str, Any]:
    return {"heat.low": {"yellow": {"limit": yellow}}}


def warm(*points: str, area: str = "24", **more: Any) -> Timeline:
    """Points that are open since eight, with 20.5 °C at nine."""
    timeline = Timeline(area=area, **more)
    for point in points:
        timeline.tell(register(at(7), planned_services=["heat"])._replace(point=point, received=at(8)))
        timeline.tell(status(at(8), lifecycle="open")._replace(point=point))
    timeline.tell(*(resources(at(9), **WARM)._replace(point=point) for point in points))
    return timeline


def versions(timeline: Timeline, key: str) -> list[tuple[str, str]]:
    """The level, or why it was cleared, and the rules, of everything that was told of an alert."""
    return [(each["cleared_reason"] or each["level"], each["rules_version"]) for each in timeline.alerts(key)]


def test_a_point_is_judged_again_at_once_by_other_limits() -> None:
    """An alert begins without any report, since when it is so cold; it ends when the override is taken away."""
    timeline = warm(POINT, OTHER)
    timeline.order(rules(at(10), POINT, heat(21)))
    timeline.order(rules(at(11), POINT, None))
    begun, ended = timeline.alerts(HEAT)
    assert (begun["level"], begun["raised_at"], begun["changed_at"]) == ("yellow", when(at(9)), when(at(10)))
    assert (ended["status"], ended["cleared_reason"], ended["changed_at"]) == ("cleared", "recovered", when(at(11)))
    assert begun["rules_version"].startswith("default-1+")
    assert ended["rules_version"] == "default-1"
    assert timeline.alerts(f"heat.low/{OTHER}") == []
    assert timeline.state(POINT)["condition"] == "green"


@pytest.mark.parametrize("scope", ["2480", "24", "norra", "SE"])
def test_an_area_is_judged_again_at_once(scope: str) -> None:
    """All points in the scope are, and what the picture counts with them; others are not."""
    timeline = warm(POINT, OTHER, "2482-boda", "1480-haga", area="SE")
    timeline.order(rules(at(10), scope, heat(21)))
    found = {each.partition("/")[2] for each in timeline.node.firing()}
    expected = {"2480": {POINT, OTHER}, "24": {POINT, OTHER, "2482-boda"}, "norra": {POINT, OTHER, "2482-boda"}}
    assert found == expected.get(scope, {POINT, OTHER, "2482-boda", "1480-haga"})
    assert timeline.picture("SE")["alerts"]["heat.low"]["yellow"] == len(found)


def test_the_most_specific_wins() -> None:
    """A point keeps its own limit when its län gets another; the version of each says which."""
    timeline = warm(POINT, OTHER)
    timeline.order(rules(at(10), POINT, heat(20.25)))
    timeline.order(rules(at(11), "24", heat(21)))
    assert timeline.node.firing() == {f"heat.low/{OTHER}": "yellow"}
    timeline.order(rules(at(11, 10), POINT, {}))
    assert timeline.node.firing() == {HEAT: "yellow", f"heat.low/{OTHER}": "yellow"}
    (mine,), (others,) = timeline.alerts(HEAT), timeline.alerts(f"heat.low/{OTHER}")
    assert mine["rules_version"] == others["rules_version"]


def test_an_alert_that_stands_says_by_which_rules() -> None:
    """When other rules judge it, it is told again, also when nothing else has changed."""
    timeline = warm(POINT)
    timeline.tell(staff(at(9, 30), 1, 4))
    timeline.order(rules(at(10), "2480", heat(10.25) | {"heat.low": {"keep": "1m"}}))
    key = f"staff.short/{POINT}"
    (_, before), (_, after) = versions(timeline, key)
    assert (before, after.partition("+")[0]) == ("default-1", "default-1")
    assert after != before
    first, second = timeline.alerts(key)
    assert {name for name in first if first[name] != second[name]} == {"rules_version", "changed_at"}


def test_an_override_ordered_ahead_of_our_clock_begins_at_its_time() -> None:
    """It is judged by when its time has come, without a report."""
    timeline = warm(POINT)
    timeline.order(rules(at(10), POINT, heat(21)), arrives=at(9, 50))
    assert timeline.alerts(HEAT) == []
    timeline.until(at(10, 1))
    assert [each["changed_at"] for each in timeline.alerts(HEAT)] == [when(at(10))]


def test_a_late_override_does_not_take_the_place_of_a_newer_one() -> None:
    """The time of the orders decides, not that of their coming."""
    timeline = warm(POINT)
    timeline.order(rules(at(10), POINT, heat(20)))
    timeline.order(rules(at(9, 30), POINT, heat(21)), arrives=at(10, 10))
    assert timeline.alerts(HEAT) == []


def test_rules_about_areas_are_overridden_for_areas() -> None:
    """A kommun that may be silent for longer is an alert later, and the län's share counts by the län's rules."""
    timeline = warm(POINT)
    timeline.order(rules(at(10), "2480", {"area.silent": {"yellow": "5h"}}))
    timeline.until(at(14, 30))
    (alert,) = timeline.alerts("area.silent/2480")
    assert alert["changed_at"] == when(at(14))
    assert alert["rules_version"].startswith("default-1+")
    dark = [resources(at(15), power={"source": "none"})._replace(point=point) for point in (POINT, OTHER)]
    timeline.tell(status(at(15), lifecycle="open")._replace(point=OTHER), *dark)
    assert "area.red_share/24" not in timeline.node.firing()
    timeline.order(rules(at(15, 1), "24", {"area.red_share": {"min_open": 2}}))
    assert timeline.node.firing()["area.red_share/24"] == "critical"
    assert timeline.node.firing()["area.red_share/2480"] == "critical"
    timeline.order(rules(at(15, 2), "2480", {"area.red_share": {"min_open": 3}}))
    firing = timeline.node.firing()
    assert ("area.red_share/24" in firing, "area.red_share/2480" in firing) == (True, False)


def test_a_share_of_no_points_is_none() -> None:
    """A share that asks for no open point at all does not hold where there is none, and nothing stops."""
    timeline = warm(POINT)
    timeline.order(rules(at(10), "SE", {"area.red_share": {"min_open": 0, "min_red": 0}}))
    timeline.tell(status(at(10, 10), lifecycle="closed"))
    assert timeline.node.firing() == {}


def test_an_override_of_an_exercise_changes_no_real_rule() -> None:
    """Rules are of one reality."""
    worlds = warm(POINT), Timeline(node=Node(reality="exe"))
    worlds[1].tell(
        *(
            one._replace(reality="exe", received=at(9))
            for one in (register(at(7), planned_services=["heat"]), status(at(8), lifecycle="open"))
        ),
        resources(at(9), **WARM)._replace(reality="exe"),
    )
    worlds[1].order(rules(at(10), "SE", heat(21), reality="exe"))
    worlds[0].until(at(10, 10))
    assert [each.alerts(HEAT) != [] for each in worlds] == [False, True]


def test_an_override_that_cannot_be_is_not_taken_in() -> None:
    """What would be no table is refused, and everything stays as it was."""
    timeline = warm(POINT)
    timeline.order(rules(at(10), POINT, heat(21)))
    with pytest.raises(BadOverride):
        timeline.order(rules(at(11), POINT, {"heat.low": {"yellow": 17}}))
    timeline.until(at(11, 5))
    assert timeline.node.firing() == {HEAT: "yellow"}


def test_a_restart_judges_by_the_same_rules_from_the_first_on() -> None:
    """All orders are read again before anything is judged, so no alert flaps through the table's own limits."""
    timeline = warm(POINT, OTHER)
    timeline.order(rules(at(10), "2480", heat(21)))
    again = Node(timeline.node.streams)
    again.take(len(again.streams.log))
    assert not again.world.judge(instant(at(10, 30)), most=1).alerts
    assert not again.judge(instant(at(10, 30))).alerts


def test_all_of_an_area_is_judged_in_steps() -> None:
    """An override of the nation touches every point, and each step judges no more than it may."""
    points = [f"2480-p{n}" for n in range(30)]
    timeline = warm(*points)
    world = timeline.node.world
    timeline.node.order(rules(at(10), "SE", heat(21)))
    steps = []
    while True:
        steps.append(len(world.judge(instant(at(10)), most=10).alerts))
        if not world.waiting:
            break
    assert steps == [10, 10, 10]


def test_nodes_that_hold_the_same_orders_judge_alike() -> None:
    """A kommun's, a län's and the nation's node, told in other orders, have the same alerts by the same rules."""
    told: list[Told] = [
        register(at(7), planned_services=["heat"]),
        status(at(8), lifecycle="open"),
        resources(at(9), **WARM),
        staff(at(9, 10), 1, 4),
    ]
    orders = [
        rules(at(10), POINT, {"staff.short": {"critical": None}}),
        rules(at(10, 1), "2480", heat(21)),
        rules(at(10, 2), "2480", heat(22)),
    ]
    found: list[Any] = []
    for area, turn in (("2480", 1), ("24", -1), ("SE", 1)):
        node = Node(area=area)
        node.receive([adapter.received(one) for one in given(told)])
        for each in orders[::turn]:
            node.order(each)
            node.judge(instant(at(10, 5)))
        node.judge(instant(at(11)))
        last = {each["key"]: each for each in node.streams.alerts}
        found.append({key: (each["level"], each["rules_version"]) for key, each in last.items()})
    assert found[0] == found[1] == found[2]
    assert {level for level, _ in found[0].values()} == {"yellow", "red"}
