"""Late is normal, silence is not closed, and a clock that is wrong harms nobody."""

from collections.abc import Sequence

import pytest

from acceptance.timeline import Timeline, at
from oracle.make import POINT, Told, backup, register, resources, staff, status, when

MAINS, NONE = {"source": "mains"}, {"source": "none"}
LOST, STAFF, COMMS = f"power.lost/{POINT}", f"staff.short/{POINT}", f"comms.112/{POINT}"


def opened(*told: Told) -> Timeline:
    """A point open since eight, and what more comes."""
    timeline = Timeline()
    timeline.tell(register(at(7), publish="live"), status(at(8), lifecycle="open", availability="normal"), *told)
    return timeline


# -- late --------------------------------------------------------------------------------------------------------------


def test_a_late_report_of_a_shortage_that_passed_raises_nothing_and_fills_history() -> None:
    """No power at nine, known at noon, when it has long been back: no alert, the picture stands, the history has it."""
    timeline = opened(resources(at(9, 30), power=MAINS), staff(at(9, 30), 4, 4))
    picture = timeline.picture("24")
    timeline.tell(resources(at(9), power=NONE)._replace(id="late", received=at(11)))
    assert LOST not in timeline.node.firing()
    assert timeline.alerts(LOST) == []
    state = timeline.state(POINT)
    assert state["facts"]["power"]["value"] == MAINS
    reports = [row[2] for row in state["timelines"]["reports"]]
    line = [(reports[at_], value) for at_, value in state["timelines"]["aspects"]["power"]]
    assert line[0] == ("late", NONE)
    now = timeline.picture("24")
    assert now["condition"]["condition"] == picture["condition"]["condition"]
    assert now["forecast"] == picture["forecast"]
    assert state["last"]["content"] == when(at(9, 30))


def test_a_late_report_of_what_still_holds_is_raised_from_when_it_began() -> None:
    """No power at nine, known at ten, and nothing since: critical at once, since nine."""
    timeline = opened(resources(at(9), power=NONE)._replace(received=at(10)))
    assert timeline.course(LOST) == ["10:00 critical"]
    assert timeline.alerts(LOST)[0]["raised_at"] == when(at(9))


def test_a_late_report_moves_the_beginning_of_what_goes_on() -> None:
    """112 was dead at nine, not only at ten: when that comes to light the hour is full at ten."""
    timeline = opened(resources(at(10), comms={"can_call_112": False}))
    timeline.until(at(10, 5))
    assert timeline.course(COMMS) == []
    timeline.tell(resources(at(9), comms={"can_call_112": False})._replace(received=at(10, 5)))
    assert timeline.course(COMMS) == ["10:05 critical"]


def test_a_late_opening_does_not_open_what_has_closed() -> None:
    """That it opened at nine is history when it closed at ten."""
    timeline = opened(status(at(10), lifecycle="closed"))
    for late in (status(at(9), lifecycle="open"), staff(at(9), 0, 4)):
        timeline.tell(late._replace(received=at(10, 30)))
    assert timeline.state(POINT)["facts"]["lifecycle"]["value"] == "closed"
    assert timeline.node.firing() == {}


STORY = (
    register(at(7), planned_services=["heat"]),
    status(at(8), lifecycle="open"),
    backup(at(8, 30), 3),
    resources(at(9), heat={"indoor_c": 16}, staff={"present": 1, "required": 4}),
    resources(at(9, 30), power=MAINS),
    resources(at(10), power={"source": "battery", "battery_h": 1}),
)


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (2, 5, 0, 3, 1, 4), (4, 1, 5, 2, 0, 3)])
def test_after_a_long_cut_the_order_of_arrival_does_not_show(order: Sequence[int]) -> None:
    """What was kept in outboxes for hours and comes in any order leaves what would have come in time."""
    in_time = Timeline()
    in_time.tell(*(one._replace(id=f"s{n}") for n, one in enumerate(STORY)))
    in_time.until(at(12))
    late = Timeline()
    for turn, n in enumerate(order):
        late.tell(STORY[n]._replace(id=f"s{n}", received=at(11, turn)))
    late.until(at(12))
    assert late.node.firing() == in_time.node.firing()
    assert late.node.versions() == in_time.node.versions()
    assert late.picture("24")["version"] == in_time.picture("24")["version"]


# -- silent ------------------------------------------------------------------------------------------------------------


def test_a_stale_red_stays_red_and_stale() -> None:
    """A point that was red when it fell silent is red and stale, then red and silent: never unknown or green."""
    timeline = opened(resources(at(9), power=MAINS, staff={"present": 1, "required": 4}))
    seen = []
    for hour, day in ((10, 0), (12, 0), (14, 0), (22, 0), (9, 3)):
        timeline.until(at(hour, day=day))
        state = timeline.state(POINT)
        seen.append((state["condition"], state["freshness"]))
    assert seen == [("red", each) for each in ("fresh", "ageing", "stale", "silent", "silent")]
    assert timeline.course(STAFF) == ["09:00 red"]
    condition = timeline.picture("24")["condition"]
    assert (condition["condition"]["red"], condition["freshness"]["silent"]) == (1, 1)


def test_a_green_that_falls_silent_is_unknown() -> None:
    """Twelve hours after its last word nobody knows how a point is that was well."""
    timeline = opened(resources(at(9), power=MAINS, staff={"present": 4, "required": 4}))
    assert timeline.until(at(21)).state(POINT)["condition"] == "green"
    assert timeline.until(at(21, 0.1)).state(POINT)["condition"] == "unknown"


def test_silence_is_not_closed() -> None:
    """Three days without a word: the point is open and silent, expected and not on time, unconfirmed and not closed."""
    timeline = opened(resources(at(9), power=MAINS, staff={"present": 4, "required": 4})).until(at(9, day=3))
    picture = timeline.picture("24")
    assert (picture["condition"]["lifecycle"]["open"], picture["condition"]["lifecycle"]["closed"]) == (1, 0)
    coverage = picture["coverage"]
    assert (coverage["expected"], coverage["reporting"], coverage["silent"]) == (1, 0, 1)
    assert timeline.node.world.public[POINT]["status"] == "unconfirmed"
    assert not [event for event in picture["events"] if event["kind"] == "closed"]
    assert timeline.node.firing()["area.silent/2480"] == "critical"


def test_a_heartbeat_is_life_and_no_news() -> None:
    """Heartbeats keep the kommun from being silent; the point grows stale all the same."""
    timeline = opened(resources(at(9), power=MAINS, staff={"present": 4, "required": 4}))
    timeline.tell(*(Told(at(9, 20 * n), "heartbeat", {}) for n in range(1, 25)))
    assert timeline.course("area.silent/2480") == []
    assert timeline.course(f"freshness.stale/{POINT}") == ["13:00 yellow"]
    assert (timeline.state(POINT)["link"], timeline.state(POINT)["freshness"]) == ("up", "stale")


# -- wrong clocks ------------------------------------------------------------------------------------------------------


def test_a_fast_clock_is_taken_for_the_time_of_arrival() -> None:
    """A phone three hours ahead is heard at once, is marked, and does not win over what comes after it."""
    timeline = opened(resources(at(13), power=NONE)._replace(received=at(10)))
    assert timeline.course(LOST) == ["10:00 red"]
    fact = timeline.state(POINT)["facts"]["power"]
    assert (fact["observed_at"], fact["clock_adjusted"]) == (when(at(10)), True)
    timeline.tell(resources(at(10, 5), power=MAINS))
    timeline.until(at(14))
    assert timeline.course(LOST) == ["10:00 red", "10:05 cleared recovered"]


def test_a_clock_two_minutes_ahead_is_believed_and_heard_at_once() -> None:
    """Up to 2 min ahead a report counts as of now, and keeps its own time."""
    timeline = opened(resources(at(10, 2), power=NONE)._replace(received=at(10)))
    assert timeline.course(LOST) == ["10:00 red"]
    fact = timeline.state(POINT)["facts"]["power"]
    assert fact["observed_at"] == when(at(10, 2))
    assert "clock_adjusted" not in fact


def test_a_slow_clock_is_late_and_no_more() -> None:
    """A phone an hour behind says what it says of an hour ago; it takes nothing back that is newer."""
    timeline = opened(resources(at(10), power=NONE), resources(at(9, 10), power=MAINS)._replace(received=at(10, 10)))
    assert timeline.node.firing()[LOST] == "red"


# -- two reporters -----------------------------------------------------------------------------------------------------


def test_two_reporters_who_differ_are_both_shown() -> None:
    """Two who say different things within a quarter of an hour: the later counts, and both stand in the conflict."""
    timeline = opened(
        resources(at(10), power=MAINS)._replace(reporter="a"),
        resources(at(10, 10), power=NONE)._replace(reporter="b"),
    )
    state = timeline.state(POINT)
    assert timeline.node.firing()[LOST] == "red"
    (conflict,) = (each for each in state["conflict"] if each["aspect"] == "power")
    assert [value["value"] for value in conflict["values"]] == [NONE, MAINS]
    timeline.tell(resources(at(10, 20), power=NONE)._replace(reporter="a"))
    assert not timeline.state(POINT)["conflict"]
