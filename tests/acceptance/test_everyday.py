"""What must not disturb anybody: a healthy point, a point that says "unchanged", a day without news of a closed one."""

import pytest

from acceptance.timeline import Timeline, at
from oracle.make import POINT, Told, backup, register, resources, staff, status, when

PROFILE = register(
    at(6), publish="live", capacity_day=80, capacity_night=40, staff_required=3, planned_services=["heat", "charging"]
)


def healthy(hour: int) -> tuple[Told, Told]:
    """All that a point may report, all of it well."""
    well = {
        "power": {"source": "mains"},
        "staff": {"present": 3, "required": 3},
        "next_shift": {"at": when(at(hour + 6)), "covered": True},
        "water": {"source": "tank", "litres": 900},
        "heat": {"indoor_c": 20.5},
        "comms": {"mobile": "up", "can_call_112": True},
    }
    services = {"heat": {"state": "available"}, "charging": {"state": "available"}}
    return (
        status(at(hour), lifecycle="open", availability="normal", occupancy=20, services=services),
        resources(at(hour), **well),
    )


def test_a_healthy_point_that_reports_every_other_hour_raises_nothing_in_a_day() -> None:
    """Twelve rounds of reports in 24 h: no alert is ever published, and the point is green and fresh all the time."""
    timeline = Timeline()
    timeline.tell(PROFILE)
    for hour in range(8, 34, 2):
        timeline.tell(*healthy(hour))
    assert timeline.node.streams.alerts == []
    judged = [each for each in timeline.node.streams.states if each["as_of"] > when(at(8))]
    assert {(each["condition"], each["freshness"]) for each in judged} == {("green", "fresh")}


def test_between_two_reports_nothing_is_written() -> None:
    """While nothing changes, neither STATE nor the public feed is written."""
    timeline = Timeline()
    timeline.tell(PROFILE, *healthy(8))
    before = len(timeline.node.streams.states), len(timeline.node.streams.public)
    timeline.until(at(10))
    assert (len(timeline.node.streams.states), len(timeline.node.streams.public)) == before


def test_unchanged_is_a_report() -> None:
    """A point that only confirms, every other hour, raises nothing and stays green and fresh."""
    timeline = Timeline()
    timeline.tell(PROFILE, *healthy(8))
    for hour in range(10, 33, 2):
        timeline.tell(Told(at(hour), "confirm", {}))
    assert timeline.node.streams.alerts == []
    state = timeline.state(POINT)
    assert (state["condition"], state["freshness"]) == ("green", "fresh")


def test_unchanged_does_not_fill_the_tank() -> None:
    """A confirmation keeps the point fresh, and the fuel runs down from when it was read."""
    timeline = Timeline()
    timeline.tell(PROFILE, *healthy(8), backup(at(9), 14))
    for hour in range(10, 23):
        timeline.tell(Told(at(hour), "confirm", {}))
    timeline.until(at(23, 30))
    assert timeline.course(f"power.endurance/{POINT}") == [
        "11:00 yellow",
        "15:00 red",
        "19:00 critical",
        "23:00 cleared recovered",
    ]
    assert timeline.course(f"power.lost/{POINT}") == ["23:00 critical"]


@pytest.mark.parametrize(("eta", "helps"), [(at(14), True), (at(14, 1), False)])
def test_a_refill_helps_when_it_comes_an_hour_before_the_end(eta: float, helps: bool) -> None:  # noqa: FBT001
    """A confirmed refill at least an hour before the fuel is out lowers the level a step; a later one does not."""
    timeline = Timeline()
    timeline.tell(PROFILE, *healthy(8), backup(at(9), 6))
    timeline.tell(resources(at(9, 10), refill={"eta": when(eta), "confirmed": True}))
    assert timeline.until(at(9, 30)).node.firing() == {f"power.endurance/{POINT}": "yellow" if helps else "red"}


@pytest.mark.parametrize("refill", [{"confirmed": False}, {"confirmed": True, "eta": None}, {}])
def test_a_refill_that_nobody_confirmed_helps_nobody(refill: dict[str, object]) -> None:
    """A refill that is not confirmed, or has no time, changes no level."""
    timeline = Timeline()
    timeline.tell(PROFILE, *healthy(8), backup(at(9), 6))
    timeline.tell(resources(at(9, 10), refill={"eta": when(at(11))} | refill))
    assert timeline.until(at(9, 30)).course(f"power.endurance/{POINT}") == ["09:00 red"]


@pytest.mark.parametrize("lifecycle", ["planned", "prepared", "closed"])
def test_points_that_are_not_open_are_left_alone(lifecycle: str) -> None:
    """A point that is not open, and lacks everything, raises nothing for a month."""
    timeline = Timeline()
    timeline.tell(
        PROFILE,
        status(at(8), lifecycle=lifecycle),
        resources(at(8), power={"source": "none"}, staff={"present": 0, "required": 3}, heat={"indoor_c": -10}),
    )
    timeline.until(at(8, day=30))
    assert timeline.node.streams.alerts == []
    assert timeline.state(POINT)["condition"] == "not_applicable"


def test_a_point_has_half_an_hour_to_be_manned() -> None:
    """A point that opens without staff is not short before 30 min have gone."""
    timeline = Timeline()
    timeline.tell(PROFILE, staff(at(7, 50), 0, 3), status(at(8), lifecycle="open"), staff(at(8, 29), 3, 3))
    assert timeline.course(f"staff.short/{POINT}") == []
    timeline.tell(status(at(9), lifecycle="closed"), staff(at(9), 0, 3), status(at(10), lifecycle="open"))
    timeline.until(at(11))
    assert timeline.course(f"staff.short/{POINT}") == ["10:30 critical"]


def test_closing_with_people_inside_is_told() -> None:
    """A point that closes while 12 are still there: yellow, red after an hour, until they are out."""
    timeline = Timeline()
    timeline.tell(PROFILE, *healthy(8), status(at(9), lifecycle="closing", occupancy=12))
    timeline.until(at(10, 20))
    timeline.tell(status(at(10, 20), occupancy=0))
    timeline.until(at(11))
    assert timeline.course(f"closing.occupied/{POINT}") == ["09:00 yellow", "10:00 red", "10:25 cleared recovered"]
