"""A picture says what is known and what is not, under the five headings, and never takes "no data" for "none"."""

from typing import Any

import orjson
import pytest

from acceptance.chance import Chance
from acceptance.node import Node
from acceptance.timeline import Timeline, at
from oracle.make import Told, backup, order, register, resources, services, staff, status, when
from vardkase.domain.picture import Pictures
from vardkase_contracts.areas import LAN, Area
from vardkase_contracts.picture import PICTURE

MAINS = {"source": "mains"}


def told(*reports: Told) -> Timeline:
    timeline = Timeline()
    timeline.tell(*reports)
    return timeline


def points(number: int, *reports: Told) -> list[Told]:
    """The same reports about so many points."""
    return [one._replace(point=f"2480-p{n:02}") for one in reports for n in range(number)]


def kinds(counts: dict[str, int]) -> dict[str, int]:
    """Counts without those of nothing."""
    return {name: count for name, count in counts.items() if count}


# -- nothing is not none -----------------------------------------------------------------------------------------------


def test_the_picture_of_nothing_says_that_nothing_is_known() -> None:
    """Where nobody has ever reported, all kommuner are there, none reports and nothing is green."""
    picture = Timeline().picture("24")
    assert picture["coverage"] == {
        "expected": 0,
        "reporting": 0,
        "on_time": 0,
        "stale": 0,
        "silent": 0,
        "unregistered": 0,
        "oldest": None,
        "kommuner": {"total": 15, "with_points": 0, "reporting": 0, "silent": 0},
        "incident_silent": [],
    }
    assert picture["condition"]["activation"]["counts"]["unknown"] == 15
    assert kinds(picture["condition"]["condition"]) == {}
    assert picture["adopted"] is None
    PICTURE.validate_json(orjson.dumps(picture))


def test_an_unknown_number_of_visitors_widens_the_bounds() -> None:
    """Visitors are summed over the points that say; the others count up to their capacity, or leave no upper bound."""
    timeline = told(
        *points(3, register(at(7), capacity_day=50), status(at(8), lifecycle="open")),
        status(at(9), occupancy=20)._replace(point="2480-p00"),
    )
    condition = timeline.picture("2480")["condition"]
    assert condition["occupancy"] == {"sum": 20, "low": 20, "high": 120, "points": 1, "of": 3, "unbounded": 0}
    assert condition["capacity"] == {"sum": 150, "points": 3, "of": 3}
    timeline.tell(status(at(9), lifecycle="open")._replace(point="2480-annan"))
    occupancy = timeline.picture("2480")["condition"]["occupancy"]
    assert (occupancy["high"], occupancy["unbounded"], occupancy["of"]) == (None, 1, 4)


def test_free_capacity_rests_on_points_that_know_both() -> None:
    """Room is counted where capacity and visitors are known, never below none, and says on how many points it rests."""
    timeline = told(
        *points(4, register(at(7), capacity_day=50), status(at(8), lifecycle="open")),
        *(status(at(9, n), occupancy=n * 30)._replace(point=f"2480-p0{n}") for n in range(3)),
    )
    assert timeline.picture("24")["resources"]["free_capacity"] == {"sum": 50 + 20 + 0, "points": 3, "of": 4}


def test_points_that_never_registered_are_apart() -> None:
    """A point that reports without being registered is not among the expected, and counts in what it says."""
    picture = told(register(at(7)), status(at(8), lifecycle="open")._replace(point="2480-annan")).picture("2480")
    assert (picture["coverage"]["expected"], picture["coverage"]["unregistered"]) == (1, 1)
    assert kinds(picture["condition"]["lifecycle"]) == {"unknown": 1, "open": 1}


def test_retired_points_are_not_expected() -> None:
    """A point that is gone is in no count of points."""
    timeline = told(register(at(7)), status(at(8), lifecycle="open"), Told(at(9), "retire", {}))
    picture = timeline.picture("2480")
    assert picture["coverage"]["expected"] == 0
    assert kinds(picture["condition"]["lifecycle"]) == {}


def test_on_time_is_fresh_or_ageing() -> None:
    """Up to four hours after a report a point is on time, then stale, then silent: always expected."""
    timeline = told(register(at(7)), status(at(8), lifecycle="open"))
    seen = []
    for hour in (9, 11, 13, 21):
        coverage = timeline.until(at(hour)).picture("2480")["coverage"]
        seen.append([coverage[name] for name in ("expected", "reporting", "on_time", "stale", "silent")])
    assert seen == [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 0, 1, 0], [1, 0, 0, 0, 1]]


def test_the_oldest_is_of_open_registered_points() -> None:
    """`oldest` is the last content of the point that was quiet the longest."""
    timeline = told(
        *points(2, register(at(7)), status(at(8), lifecycle="open")),
        status(at(9), occupancy=1)._replace(point="2480-p00"),
        status(at(10), occupancy=1)._replace(point="2480-p01"),
        status(at(6, 59), lifecycle="closed")._replace(point="2480-stangd", received=at(10)),
    )
    assert timeline.picture("24")["coverage"]["oldest"] == when(at(9))


# -- condition, resources, measures ------------------------------------------------------------------------------------


def test_services_are_counted_by_state() -> None:
    """Of each service that open points speak of: how many give it, and how many do not know."""
    timeline = told(
        *points(3, status(at(8), lifecycle="open"), services(at(8), heat="available")),
        services(at(9), heat="stopped", food=None)._replace(point="2480-p00"),
    )
    found = {code: kinds(counts) for code, counts in timeline.picture("24")["condition"]["services"].items()}
    assert found == {"heat": {"available": 2, "stopped": 1}, "food": {"unknown": 1}}


def test_activation_is_of_every_kommun() -> None:
    """Each kommun of the area stands with its state, `unknown` where it said nothing or does not know."""
    timeline = told(
        Told(at(8), "activation", {"state": "active"}, point="2480-_"),
        Told(at(8), "activation", {"state": "none_needed"}, point="2482-_"),
        Told(at(9), "activation", {"state": None}, point="2482-_"),
    )
    activation = timeline.picture("24")["condition"]["activation"]
    assert len(activation["kommuner"]) == 15
    assert {code: state for code, state in activation["kommuner"].items() if state != "unknown"} == {"2480": "active"}
    assert kinds(activation["counts"]) == {"active": 1, "unknown": 14}


def test_staff_is_summed_with_what_is_short() -> None:
    """Present, required and missing, point by point: a surplus at one point covers no shortage at another."""
    timeline = told(
        *points(3, register(at(7), staff_required=2), status(at(8), lifecycle="open")),
        staff(at(9), 6)._replace(point="2480-p00"),
        staff(at(9), 1, 4)._replace(point="2480-p01"),
    )
    assert timeline.picture("24")["resources"]["staff"] == {
        "present": 7,
        "points": 2,
        "required": 8,
        "short": 3,
        "of": 3,
    }


def test_needs_and_surplus_are_kept_apart() -> None:
    """What is asked for is counted by kind and state; what is to spare by kind, with quantities by unit."""
    needs = [
        {"need_id": "a", "kind": "fuel", "state": "requested", "priority": "urgent", "needed_by": when(at(9))},
        {"need_id": "b", "kind": "fuel", "state": "delivered"},
        {"need_id": "c", "direction": "surplus", "kind": "water", "quantity": 0.1, "unit": "m3"},
        {"need_id": "d", "direction": "surplus", "kind": "water", "quantity": 0.2, "unit": "m3"},
        {"need_id": "e", "direction": "surplus", "kind": "water", "quantity": 40, "unit": "l"},
        {"need_id": "f", "direction": "surplus", "kind": "water", "state": "cancelled", "quantity": 9, "unit": "l"},
        {"need_id": "g"},
    ]
    timeline = told(status(at(8), lifecycle="open"), *(Told(at(8), "need", need) for need in needs))
    picture = timeline.picture("2480")
    found = {kind: kinds(states) for kind, states in picture["measures"]["needs"].items()}
    assert found == {"fuel": {"requested": 1, "delivered": 1}, "unknown": {"requested": 1}}
    assert picture["measures"]["overdue"] == 0
    assert picture["resources"]["surplus"] == {"water": {"count": 3, "quantities": {"m3": 0.3, "l": 40}}}
    assert timeline.until(at(9)).picture("24")["measures"]["overdue"] == 1


def test_quantities_do_not_drift() -> None:
    """A thousand changes of a tenth of a litre leave no trace when the offer is taken back."""
    timeline = Timeline()
    surplus = {"need_id": "a", "direction": "surplus", "kind": "fuel", "unit": "l"}
    for n in range(300):
        timeline.tell(Told(at(8, n), "need", surplus | {"quantity": n / 10}))
    timeline.tell(Told(at(14), "need", surplus | {"quantity": 0.3}))
    assert timeline.picture("24")["resources"]["surplus"]["fuel"]["quantities"] == {"l": 0.3}
    timeline.tell(Told(at(15), "need", surplus | {"state": "cancelled"}))
    assert timeline.picture("24")["resources"]["surplus"] == {}


# -- forecast ----------------------------------------------------------------------------------------------------------


def test_the_forecast_lists_dark_then_unknown_then_by_time() -> None:
    """The points that lose their power next: those without first, then those that nobody knows, then by the hour."""
    story = {
        "late": backup(at(8), 30),
        "soon": backup(at(8), 3),
        "unknown": backup(at(8), None),
        "dark": resources(at(8), power={"source": "none"}),
        "mains": resources(at(8), power=MAINS),
        "out": backup(at(8), 0.5),
    }
    timeline = Timeline()
    for slug, report in story.items():
        timeline.tell(*(one._replace(point=f"2480-{slug}") for one in (status(at(8), lifecycle="open"), report)))
    forecast = timeline.until(at(9)).picture("24")["forecast"]
    assert [each["point"] for each in forecast["next"]] == [
        f"2480-{slug}" for slug in ("dark", "out", "unknown", "soon", "late")
    ]
    assert [each["dark"] for each in forecast["next"]] == [True, True, False, False, False]
    assert (forecast["dark"], forecast["endurance_unknown"]) == (2, 1)
    assert forecast["out_within"] == {"6h": 1, "12h": 1, "24h": 1}


def test_the_forecast_moves_with_the_clock() -> None:
    """A point enters 24, 12 and 6 hours as the time comes, and is dark when it is out."""
    timeline = told(status(at(8), lifecycle="open"), backup(at(8), 26))
    seen = []
    for hour, day in ((9, 0), (10, 0), (22, 0), (4, 1), (10, 1)):
        forecast = timeline.until(at(hour, day=day)).picture("24")["forecast"]
        seen.append([*forecast["out_within"].values(), forecast["dark"]])
    assert seen == [[0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]]


def test_the_forecast_lists_twenty() -> None:
    """Of many points the twenty nearest are listed, and all are counted."""
    story = [backup(at(8), 1 + n / 4)._replace(point=f"2480-p{n:02}") for n in range(30)]
    forecast = told(*points(30, status(at(8), lifecycle="open")), *story).picture("24")["forecast"]
    assert [each["point"] for each in forecast["next"]] == [f"2480-p{n:02}" for n in range(20)]
    assert forecast["out_within"] == {"6h": 21, "12h": 30, "24h": 30}


def test_the_forecast_marks_medical_charging_and_overnight_guests() -> None:
    """Who depends on the power at night is marked: by what is given now, else by what was planned."""

    def marks(*reports: Told) -> tuple[bool, bool]:
        timeline = told(status(at(8), lifecycle="open"), backup(at(8), 5), *reports)
        (listed,) = timeline.picture("24")["forecast"]["next"]
        return listed["medical_charging"], listed["overnight"]

    planned = register(at(7), planned_services=["medical_device_charging"])._replace(received=at(8))
    assert marks() == (False, False)
    assert marks(planned) == (True, False)
    assert marks(planned, services(at(8), medical_device_charging="stopped")) == (False, False)
    assert marks(services(at(8), medical_device_charging="limited", overnight="available")) == (True, True)


# -- children, versions ------------------------------------------------------------------------------------------------


def test_children_are_in_short_what_their_own_pictures_are() -> None:
    """A kommun in its län's picture, and a län in the nation's, has the counts of its own picture."""
    chance, node = Chance(5), Node(area="SE")
    timeline = Timeline(node=node)
    points = chance.points(2)
    for n in range(80):
        timeline.tell(chance.report(n, at(8, 3 * n), points))
    for code in ("24", "norra", "SE"):
        for child in timeline.picture(code)["areas"]:
            own = timeline.picture(child["code"])
            assert child["name"] == own["name"]
            assert child.get("civo") == (None if child["level"] == "kommun" else LAN[child["code"]].civo)
            for name in ("coverage", "alerts"):
                assert child[name] == own[name], (code, child["code"], name)
            for name in ("lifecycle", "condition", "freshness"):
                assert child[name] == own["condition"][name]


def test_the_version_covers_all_but_events_and_the_instant() -> None:
    """Minutes later, a picture that says the same has the same version; one that says something else has not."""
    timeline = told(status(at(8), lifecycle="open"), backup(at(8), 50), staff(at(8), 4, 4))
    first = timeline.picture("24")
    second = timeline.until(at(8, 5)).picture("24")
    assert first["as_of"] != second["as_of"]
    assert first["version"] == second["version"]
    timeline.tell(staff(at(8, 6), 3, 4))
    assert timeline.picture("24")["version"] != first["version"]


STORM = {"id": "storm", "name": "Storm", "areas": ["2480"], "from": when(at(9))}
INCIDENT = order("incident", at(9), STORM, id_="i")
ENDED = order("incident", at(9, 50), STORM | {"until": when(at(9, 50))}, id_="j")
#: What changes a picture beside the sums of points.
AROUND: dict[str, list[Any]] = {
    "heartbeat": [INCIDENT, Told(at(9, 30), "heartbeat", {}, point="2480-_")],
    "contact": [INCIDENT, Told(at(9, 30), "contact", {"result": "reached"}, point="2480-_")],
    "activation": [INCIDENT, Told(at(9, 30), "activation", {"state": "active"}, point="2480-_")],
    "withdrawn": [
        INCIDENT,
        Told(at(9, 30), "heartbeat", {}, point="2480-_", id="wrong"),
        Told(at(9, 40), "withdraw", {"report_ids": ["wrong"]}, point="2480-_"),
    ],
    "ended": [INCIDENT, ENDED],
    "silent": [INCIDENT, Told(at(13), "heartbeat", {}, point="2482-_")],
}


@pytest.mark.parametrize("what", AROUND)
def test_pictures_that_are_kept_up_are_those_made_anew(what: str) -> None:
    """A maker of pictures that has kept children since the morning says what one says that begins now, and notices."""
    timeline = told(register(at(8)), Told(at(8), "heartbeat", {}, point="2480-_"))
    rollup, area = timeline.node.world.rollup, Area.parse("24")
    keeping = Pictures(rollup, "act")

    def seen(pictures: Pictures) -> dict[str, Any]:
        return pictures.of(area, timeline.node.world.surroundings(), timeline.now)

    for one in AROUND[what]:
        before, revision = seen(keeping), rollup.revisions[area]
        timeline.order(one) if isinstance(one, dict) else timeline.tell(one)
        after = seen(keeping)
        assert after == seen(Pictures(rollup, "act"))
        if after["version"] != before["version"]:
            assert rollup.revisions[area] != revision, "it has changed, and nobody would publish it"


def test_two_nodes_with_the_same_reports_have_the_same_versions() -> None:
    """One node judged all day, the other begins in the evening: their pictures have the same versions."""
    chance, node = Chance(11), Node(area="SE")
    timeline = Timeline(node=node)
    points = chance.points(3)
    for n in range(120):
        timeline.tell(chance.report(n, at(8, 5 * n), points))
    other = Node(area="SE")
    other.receive(node.streams.log)
    other.judge(timeline.now)
    for code in ("2480", "24", "norra", "SE"):
        assert node.picture(code, timeline.now)["version"] == other.picture(code, timeline.now)["version"]


def test_a_picture_of_every_level_keeps_to_the_contract() -> None:
    """Kommun, län, civilområde and nation are what the contract's model takes."""
    chance, timeline = Chance(12), Timeline(area="SE")
    points = chance.points(2)
    for n in range(60):
        timeline.tell(chance.report(n, at(8, 5 * n), points))
    for code in ("2480", "24", "norra", "SE"):
        PICTURE.validate_json(orjson.dumps(timeline.picture(code)))
