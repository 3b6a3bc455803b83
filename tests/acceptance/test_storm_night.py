"""The storm night of one point, from the first warning until it is dark and nobody hears of it."""

import pytest

from acceptance.timeline import Timeline, at
from oracle.make import POINT, Told, backup, register, resources, services, staff, status, when

LOST, ENDURANCE, STAFF = f"power.lost/{POINT}", f"power.endurance/{POINT}", f"staff.short/{POINT}"
HEAT, STALE, SILENT = f"heat.low/{POINT}", f"freshness.stale/{POINT}", "area.silent/2480"

#: As it was told, in the order in which it came. The generator has 144 litres and uses 12 an hour.
STORY = (
    register(
        at(12),
        publish="live",
        planned_services=["heat", "charging", "overnight"],
        capacity_day=80,
        capacity_night=40,
        staff_required=3,
        refill_lead_h=4,
        backup_type="fixed",
    ),
    status(at(18, 30), lifecycle="establishing"),
    resources(at(18, 40), power={"source": "mains"}, staff={"present": 3}, heat={"indoor_c": 20.5}),
    status(at(19), lifecycle="open", availability="normal", occupancy=5),
    services(at(19, 5), heat="available", charging="available", overnight="available"),
    backup(at(19, 15), None, fuel_l=144, fuel_l_per_h=12),
    Told(at(21), "confirm", {}),
    status(at(22, 30), occupancy=25),
    resources(at(23, 45), refill={"eta": when(at(5, day=1)), "confirmed": True}),
    staff(at(1, day=1), 1),
    *(Told(at(2, 30 + minutes, day=1), "confirm", {}) for minutes in (0, 90, 165)),
    resources(at(6, 30, day=1), heat={"indoor_c": 17.5}),
)


@pytest.fixture(scope="module")
def night() -> Timeline:
    """The night, and the morning until eleven."""
    timeline = Timeline(area="SE")
    timeline.tell(*STORY)
    return timeline.until(at(11, day=1))


def told_until(minute: float) -> Timeline:
    """The night as it was known at a time."""
    timeline = Timeline(area="SE")
    timeline.tell(*(one for one in STORY if one.minute <= minute))
    return timeline.until(minute)


def test_endurance_runs_down_by_itself(night: Timeline) -> None:
    """Yellow at once, red at 8 h left; a promised refill helps a step until it does not come; then it is out."""
    assert night.course(ENDURANCE) == [
        "19:15 yellow",
        "23:15 red",
        "23:50 yellow",
        "03:15+1 red",
        "05:00+1 critical",
        "07:15+1 cleared recovered",
    ]


def test_nobody_needs_to_say_that_the_power_is_gone(night: Timeline) -> None:
    """At the hour that the fuel gives, power is lost: critical at once, and derived, since no report says so."""
    assert night.course(LOST) == ["07:15+1 critical"]
    (alert,) = night.alerts(LOST)
    assert alert["derived"]
    assert alert["raised_at"] == alert["runs_out_at"] == when(at(7, 15, day=1))
    assert alert["evidence"][0]["observed_at"] == when(at(19, 15))


def test_one_power_alert_is_open_at_a_time(night: Timeline) -> None:
    """Whatever the hour, endurance and lost power do not stand beside each other."""
    standing: set[str] = set()
    for document in night.node.streams.alerts:
        (standing.add if document["status"] == "firing" else standing.discard)(document["key"])
        now = document["changed_at"]
        later = [each for each in night.node.streams.alerts if each["changed_at"] == now]
        if document is later[-1]:
            assert len({key for key in standing if key.startswith("power.")}) <= 1


def test_staff_that_leaves_is_told_at_once(night: Timeline) -> None:
    """One of three there, and two the least: red from the report on, as long as nothing else is said."""
    assert night.course(STAFF) == ["01:00+1 red"]


def test_the_cold_is_muted_by_the_lost_power(night: Timeline) -> None:
    """17.5 degrees are red; when the power is lost the alert stays visible and names it."""
    found = [(each["level"], each["inhibited_by"]) for each in night.alerts(HEAT)]
    assert found == [("red", None), ("red", LOST)]


def test_silence_follows(night: Timeline) -> None:
    """150 min after the last word the kommun is silent, and when the point is stale that is muted by it."""
    assert night.course(SILENT) == ["09:00+1 yellow"]
    assert night.course(STALE) == ["10:30+1 yellow"]
    assert [each["inhibited_by"] for each in night.alerts(STALE)] == [SILENT]


def test_nothing_else_is_raised(night: Timeline) -> None:
    """The night has these alerts and no others."""
    assert night.raised() == {
        "power.endurance",
        "power.lost",
        "staff.short",
        "heat.low",
        "area.silent",
        "freshness.stale",
    }


@pytest.mark.parametrize(
    ("time", "condition", "freshness", "dark"),
    [
        (at(18, 50), "not_applicable", "fresh", False),
        (at(19, 10), "green", "fresh", False),
        (at(20), "yellow", "fresh", False),
        (at(23, 30), "red", "fresh", False),
        (at(0, day=1), "yellow", "fresh", False),
        (at(3, 30, day=1), "red", "fresh", False),
        (at(5, 30, day=1), "critical", "fresh", False),
        (at(8, day=1), "critical", "fresh", True),
        (at(11, day=1), "critical", "stale", True),
    ],
)
def test_the_state_of_the_point_through_the_night(time: float, condition: str, freshness: str, dark: bool) -> None:  # noqa: FBT001
    """What an operations centre sees of the point at some hours."""
    state = told_until(time).state(POINT)
    assert (state["condition"], state["freshness"], state["dark"]) == (condition, freshness, dark)


@pytest.mark.parametrize(
    ("time", "within", "dark"),
    [
        (at(20), [0, 1, 1], 0),
        (at(1, 15, day=1), [1, 1, 1], 0),
        (at(7, 15, day=1), [0, 0, 0], 1),
    ],
)
def test_the_nations_forecast_through_the_night(time: float, within: list[int], dark: int) -> None:
    """How many points are out within 6, 12 and 24 h, and the point itself on the list, with its guests of the night."""
    forecast = told_until(time).picture("SE")["forecast"]
    assert ([*forecast["out_within"].values()], forecast["dark"]) == (within, dark)
    (listed,) = forecast["next"]
    assert (listed["point"], listed["overnight"], listed["dark"]) == (POINT, True, bool(dark))
    assert listed["runs_out_at"] == when(at(7, 15, day=1))


def test_the_picture_of_the_morning_is_not_green() -> None:
    """At eleven the län's picture shows a critical, stale point: expected, reporting, and not on time."""
    picture = told_until(at(11, day=1)).picture("24")
    assert picture["condition"]["condition"]["critical"] == picture["condition"]["freshness"]["stale"] == 1
    coverage = picture["coverage"]
    assert [coverage[name] for name in ("expected", "on_time", "stale", "silent")] == [1, 0, 1, 0]
    assert picture["condition"]["lifecycle"]["open"] == 1


def test_the_public_sees_an_open_point_and_nothing_of_its_power(night: Timeline) -> None:
    """From planned over opening to open, with its band of visitors; never a word of what it lacks."""
    feed = [each for each in night.node.streams.public if each["id"] == POINT]
    words = [(each["status"], each.get("availability"), each.get("crowding")) for each in feed]
    assert list(dict.fromkeys(words)) == [
        ("unconfirmed", None, None),
        ("opening", "unknown", "unknown"),
        ("open", "normal", "low"),
        ("open", "normal", "medium"),
        ("open", "unknown", "unknown"),
    ]


def test_power_that_comes_back_clears_all_at_once(night: Timeline) -> None:
    """Mains at noon: no power alert stands, the silence is over and what was muted stands for itself."""
    timeline = Timeline(area="SE")
    timeline.tell(*STORY, resources(at(12, day=1), power={"source": "mains"}))
    assert timeline.course(LOST) == [*night.course(LOST), "12:00+1 cleared recovered"]
    assert timeline.node.firing() == {STAFF: "red", HEAT: "red"}
    assert timeline.alerts(HEAT)[-1]["inhibited_by"] is None
