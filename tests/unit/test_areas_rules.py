"""Areas: a kommun that is silent or never heard, an incident, and a large share of points in trouble."""

from typing import Any

import pytest

from acceptance.timeline import Timeline, at
from oracle.make import POINT, Told, backup, instant, order, register, resources, staff, status, when
from vardkase.domain.area import red_share
from vardkase.domain.rules import RuleSpec

SILENT, STALE = "area.silent/2480", f"freshness.stale/{POINT}"
ITSELF = "2480-_"


def opened(*told: Told) -> Timeline:
    """A point that is open since eight, well supplied, and what more is told."""
    timeline = Timeline()
    timeline.tell(register(at(8)), status(at(8), lifecycle="open"), resources(at(8), power={"source": "mains"}))
    timeline.tell(staff(at(8), 4, 4), *told)
    return timeline


def incident(minute: float, *areas: str, name: str = "storm", **more: Any) -> dict[str, Any]:
    """An incident is declared, from now on."""
    data = {"id": name, "name": "Storm Alfa", "areas": areas, "from": when(minute), **more}
    return order("incident", minute, data, id_=f"{name}-{minute}")


# -- silence -----------------------------------------------------------------------------------------------------------


def test_a_kommun_with_open_points_that_says_nothing_is_silent() -> None:
    """Without heartbeats: yellow after 150 min, red after 6 h, critical after 12 h, and back when anything is heard."""
    timeline = opened().until(at(21))
    timeline.tell(Told(at(21), "heartbeat", {}, point=ITSELF))
    assert timeline.course(SILENT) == ["10:30 yellow", "14:00 red", "20:00 critical", "21:00 cleared recovered"]
    (first, *_) = timeline.alerts(SILENT)
    assert first["raised_at"] == when(at(10, 30))
    assert (first["point"], first["area"]) == (None, {"level": "kommun", "code": "2480", "name": "Umeå"})


def test_where_heartbeats_came_silence_is_noticed_after_half_an_hour() -> None:
    """Heartbeats that stop, with nothing else heard, are silence after 30 min; the later levels are as ever."""
    timeline = opened(*(Told(at(9, 10 * n), "heartbeat", {}) for n in range(6))).until(at(16))
    assert timeline.course(SILENT) == ["10:20 yellow", "15:50 red"]


def test_heartbeats_of_long_ago_do_not_hasten_it() -> None:
    """Where reports went on for more than 30 min after the last heartbeat, 150 min count."""
    timeline = opened(Told(at(9), "heartbeat", {}), staff(at(9, 20), 4, 4), staff(at(9, 31), 4, 4)).until(at(13))
    assert timeline.course(SILENT) == ["12:01 yellow"]


@pytest.mark.parametrize(
    ("heard", "ends"),
    [
        (Told(at(12), "heartbeat", {}), True),
        (Told(at(12), "contact", {"result": "reached"}), True),
        (Told(at(12), "activation", {"state": "none_needed"}, point=ITSELF), True),
        (Told(at(12), "confirm", {}), True),
        (Told(at(12), "contact", {"result": "failed"}), False),
        (Told(at(9), "confirm", {}, received=at(12)), False),
    ],
    ids=["heartbeat", "reached", "none needed", "confirm", "failed", "late"],
)
def test_anything_heard_ends_the_silence(heard: Told, ends: bool) -> None:  # noqa: FBT001
    """Any sign of life of now ends it; an attempt that failed, or a report from before, does not."""
    timeline = opened().until(at(12))
    timeline.tell(heard)
    cleared = [each for each in timeline.course(SILENT) if "cleared" in each]
    assert cleared == (["12:00 cleared recovered"] if ends else [])


def test_a_late_report_moves_the_beginning_of_the_silence() -> None:
    """What was observed at nine and came at eleven says that something was heard at nine."""
    timeline = opened().until(at(11))
    timeline.tell(Told(at(9), "confirm", {}, received=at(11)))
    timeline.until(at(12))
    assert timeline.course(SILENT) == ["10:30 yellow", "11:00 cleared recovered", "11:30 yellow"]


def test_a_kommun_without_open_points_may_be_silent() -> None:
    """Closed points and no incident: no news is no alert."""
    timeline = opened(status(at(9), lifecycle="closed")).until(at(9, day=2))
    assert timeline.course(SILENT) == []


def test_closing_the_last_point_ends_the_silence() -> None:
    """A kommun whose last open point turns out to have been closed long ago is not waited for."""
    timeline = opened().until(at(12))
    timeline.tell(status(at(8, 30), lifecycle="closed")._replace(received=at(12)))
    assert timeline.course(SILENT) == ["10:30 yellow", "12:00 cleared closed"]


def test_another_kommun_is_heard_for_itself_alone() -> None:
    """Reports of a neighbour do not end the silence."""
    timeline = opened().until(at(12))
    timeline.tell(Told(at(12), "heartbeat", {}, point="2482-_"))
    assert timeline.node.firing()[SILENT] == "yellow"


# -- silence and its points --------------------------------------------------------------------------------------------


def test_silence_mutes_its_points_staleness_and_lets_it_go() -> None:
    """A stale point of a silent kommun names the silence; when another point is heard it stands for itself again."""
    timeline = opened().until(at(13))
    timeline.tell(Told(at(13), "heartbeat", {}, point="2480-annan"))
    found = [(each["changed_at"], each["status"], each["inhibited_by"]) for each in timeline.alerts(STALE)]
    assert [(state, muted) for _, state, muted in found] == [("firing", SILENT), ("firing", None)]
    assert found[1][0] == when(at(13))
    assert len({each["alert_id"] for each in timeline.alerts(STALE)}) == 1


def test_silence_that_begins_mutes_what_was_stale_already() -> None:
    """A point stale while others still reported is muted when all fall silent: its state and alert are written anew."""
    timeline = opened()
    for hour in range(9, 14):
        timeline.tell(Told(at(hour), "confirm", {}, point="2480-annan"))
    assert timeline.course(STALE) == ["12:00 yellow"]
    timeline.until(at(16))
    assert timeline.course(SILENT) == ["15:30 yellow"]
    assert timeline.alerts(STALE)[-1]["inhibited_by"] == SILENT
    (stale,) = (each for each in timeline.state(POINT)["alerts"] if each["key"] == STALE)
    assert stale == {"key": STALE, "level": "yellow", "inhibited_by": SILENT}
    assert timeline.state(POINT)["as_of"].startswith(when(at(15, 30))[:16])


def test_a_report_of_the_stale_point_itself_clears_both() -> None:
    """The silent point that reports again has neither alert left."""
    timeline = opened().until(at(13))
    timeline.tell(staff(at(13), 4, 4))
    assert timeline.node.firing() == {}


def test_silence_shows_in_the_coverage_of_pictures() -> None:
    """Pictures count silent kommuner, and the points in them as stale and silent: never as none."""
    timeline = opened().until(at(11))
    coverage = timeline.picture("24")["coverage"]
    assert coverage["kommuner"] | {"total": 0} == {"total": 0, "with_points": 1, "reporting": 1, "silent": 1}
    coverage = timeline.until(at(21)).picture("24")["coverage"]
    assert (coverage["expected"], coverage["on_time"], coverage["stale"], coverage["silent"]) == (1, 0, 0, 1)
    assert coverage["oldest"] == when(at(8))
    (child,) = (each for each in timeline.picture("24")["areas"] if each["code"] == "2480")
    assert child["coverage"]["kommuner"]["silent"] == 1


def test_silence_is_not_closed() -> None:
    """A point in a silent kommun stays open and keeps its condition until that is too old to know."""
    timeline = opened().until(at(19))
    assert timeline.state(POINT)["condition"] == "green"
    timeline.until(at(21))
    state = timeline.state(POINT)
    assert state["facts"]["lifecycle"]["value"] == "open"
    assert (state["condition"], state["freshness"]) == ("unknown", "silent")


# -- incidents ---------------------------------------------------------------------------------------------------------


def test_a_kommun_of_an_incident_that_was_never_heard_counts_from_its_start() -> None:
    """Without any point or report, the kommun is silent 150 min after the incident began."""
    timeline = Timeline()
    timeline.order(incident(at(9), "2480"))
    timeline.until(at(22))
    assert timeline.course(SILENT) == ["11:30 yellow", "15:00 red", "21:00 critical"]


def test_what_was_heard_before_an_incident_does_not_count() -> None:
    """A sign of life before the incident is none of it: the wait begins with the incident."""
    timeline = Timeline()
    timeline.tell(Told(at(8), "activation", {"state": "active"}, point=ITSELF))
    timeline.order(incident(at(9), "2480"))
    assert timeline.until(at(12)).course(SILENT) == ["11:30 yellow"]


def test_none_needed_is_an_answer() -> None:
    """A kommun of an incident that says that nothing is needed is heard, and must be heard again."""
    timeline = Timeline()
    timeline.order(incident(at(9), "2480"))
    timeline.until(at(12))
    timeline.tell(Told(at(12), "activation", {"state": "none_needed"}, point=ITSELF))
    timeline.until(at(15))
    assert timeline.course(SILENT) == ["11:30 yellow", "12:00 cleared recovered", "14:30 yellow"]


def test_an_incident_that_ends_takes_the_silence_with_it() -> None:
    """When its `until` passes, a kommun without open points is not waited for any more."""
    timeline = Timeline()
    timeline.order(incident(at(9), "2480", until=when(at(13))))
    timeline.until(at(14))
    assert timeline.course(SILENT) == ["11:30 yellow", "13:00 cleared closed"]


def test_an_incident_that_ends_leaves_open_points_waited_for() -> None:
    """After the incident the open points are a reason of their own, from what was last heard."""
    timeline = opened()
    timeline.order(incident(at(8, 30), "2480", until=when(at(13))))
    assert timeline.until(at(15)).course(SILENT) == ["10:30 yellow", "14:00 red"]


def test_an_incident_that_is_called_off_for_a_kommun_ends_its_silence() -> None:
    """The same incident ordered again with fewer areas lets go of those that it leaves out."""
    timeline = Timeline()
    timeline.order(incident(at(9), "2480", "2482"))
    timeline.until(at(12))
    timeline.order(order("incident", at(12), incident(at(9), "2482")["data"], id_="less"))
    assert timeline.course(SILENT) == ["11:30 yellow", "12:00 cleared closed"]
    assert timeline.node.firing() == {"area.silent/2482": "yellow"}


def test_an_incident_declared_afterwards_counts_from_its_start() -> None:
    """An incident declared at noon to have begun at nine finds the silent kommuner at once."""
    timeline = Timeline()
    timeline.order(order("incident", at(12), incident(at(9), "24")["data"], id_="late"))
    assert len(timeline.node.firing()) == len(timeline.node.area.kommuner())
    assert timeline.course(SILENT) == ["12:00 yellow"]
    assert timeline.alerts(SILENT)[0]["raised_at"] == when(at(11, 30))


def test_an_incident_to_come_waits() -> None:
    """An incident that begins tomorrow makes nobody silent today."""
    timeline = Timeline()
    timeline.order(order("incident", at(9), incident(at(9, day=1), "2480")["data"], id_="coming"))
    assert timeline.until(at(12, day=1)).course(SILENT) == ["11:30+1 yellow"]


def test_pictures_name_the_kommuner_of_an_incident_that_said_nothing() -> None:
    """`incident_silent` lists them from the start of the incident until each is heard, and is empty when it ends."""
    timeline = Timeline()
    timeline.order(incident(at(9), "2480", "2482", until=when(at(13))))

    def unheard() -> list[str]:
        return timeline.picture("24")["coverage"]["incident_silent"]

    assert unheard() == ["2480", "2482"]
    timeline.tell(Told(at(10), "heartbeat", {}, point=ITSELF))
    assert unheard() == ["2482"]
    timeline.until(at(13))
    assert unheard() == []


def test_what_is_heard_at_the_very_start_of_an_incident_counts() -> None:
    """A sign of life at the instant at which the incident begins is one in the incident."""
    timeline = Timeline()
    timeline.tell(Told(at(9), "heartbeat", {}, point=ITSELF))
    timeline.order(incident(at(9), "2480"))
    assert timeline.picture("24")["coverage"]["incident_silent"] == []


# -- red share ---------------------------------------------------------------------------------------------------------

SPEC = RuleSpec.model_validate(
    {"yellow": {"limit": 0.1}, "red": {"limit": 0.25}, "critical": {"limit": 0.5}, "min_open": 4, "min_red": 2}
)


@pytest.mark.parametrize(
    ("opened", "grave", "level"),
    [
        (3, 3, None),
        (4, 1, None),
        (4, 2, "critical"),
        (5, 2, "red"),
        (8, 2, "red"),
        (9, 2, "yellow"),
        (20, 2, "yellow"),
        (21, 2, None),
        (20, 1, None),
        (20, 5, "red"),
        (20, 10, "critical"),
        (40, 0, None),
    ],
)
def test_red_share_has_exact_bounds(opened: int, grave: int, level: str | None) -> None:
    """At least 4 open and 2 red; yellow from 10 %, red from 25 %, critical from 50 %, the bounds included."""
    verdict = red_share(opened, grave, SPEC, instant(0), None)
    assert (verdict.level if verdict is not None else None) == level


def shared(points: int, dark: int, kommun: str = "2480") -> list[Told]:
    """So many open points of which so many are without power."""
    story: list[Told] = []
    for n in range(points):
        power = {"source": "none" if n < dark else "mains"}
        for told in (
            register(at(8)),
            status(at(8), lifecycle="open"),
            resources(at(8), power=power),
            staff(at(8), 4, 4),
        ):
            story += [told._replace(point=f"{kommun}-p{n}")]
    return story


def test_red_share_is_of_kommun_and_lan() -> None:
    """Two of four points dark in one kommun: critical there; in the län two of twelve are yellow; none above."""
    timeline = Timeline(area="SE")
    timeline.tell(*shared(4, 2), *shared(8, 0, kommun="2482"))
    shares = {key: level for key, level in timeline.node.firing().items() if key.startswith("area.red_share")}
    assert shares == {"area.red_share/2480": "critical", "area.red_share/24": "yellow"}


def test_red_share_goes_up_and_down_in_one_alert() -> None:
    """Levels follow the share within one alert, and it clears when the share is small again."""
    timeline = Timeline()
    timeline.tell(*shared(8, 2))
    timeline.tell(resources(at(9), power={"source": "none"})._replace(point="2480-p5"))
    timeline.tell(resources(at(9, 1), power={"source": "none"})._replace(point="2480-p6"))
    for n, minute in ((0, 10), (1, 11), (5, 12)):
        timeline.tell(resources(at(9, minute), power={"source": "mains"})._replace(point=f"2480-p{n}"))
    key = "area.red_share/2480"
    assert timeline.course(key)[-4:] == ["08:00 red", "09:01 critical", "09:10 red", "09:12 cleared recovered"]
    standing = timeline.alerts(key)[-4:]
    assert len({each["alert_id"] for each in standing}) == 1
    assert len({each["raised_at"] for each in standing}) == 1


def test_yellow_points_are_no_share() -> None:
    """Points that are short, but not red, do not count."""
    timeline = Timeline()
    timeline.tell(*shared(4, 0), *(staff(at(9), 3, 4)._replace(point=f"2480-p{n}") for n in range(4)))
    assert set(timeline.node.firing().values()) == {"yellow"}


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        (staff(at(9), 1, 4), True),
        (backup(at(9), 5), True),
        (resources(at(9), heat={"indoor_c": 14}), True),
        (resources(at(9), water={"source": "tank", "litres": 10}), True),
        (status(at(9), occupancy=50, capacity_day=50), False),
        (resources(at(8, 10), comms={"can_call_112": False}), False),
    ],
    ids=["staff", "power", "heat", "water", "crowded", "112"],
)
def test_power_staff_heat_and_water_make_a_share(told: Told, counts: bool) -> None:  # noqa: FBT001
    """A red by power, staff, heat or water counts in the share; others are grave in their own right alone."""
    timeline = Timeline()
    timeline.tell(*shared(4, 0))
    for n in range(4):
        timeline.tell(register(at(8, 5), planned_services=["heat"])._replace(point=f"2480-p{n}"))
    for n in range(2):
        timeline.tell(told._replace(point=f"2480-p{n}"))
    timeline.until(at(9, 30))
    reds = [key for key, level in timeline.node.firing().items() if level != "yellow" and key.endswith(("p0", "p1"))]
    assert len(reds) == 2
    assert ("area.red_share/2480" in timeline.node.firing()) == counts


def test_a_red_that_lost_power_mutes_counts_once() -> None:
    """A point both dark and cold is one point in the share."""
    timeline = Timeline()
    timeline.tell(*shared(20, 2))
    for n in range(2):
        timeline.tell(
            register(at(8, n + 1), planned_services=["heat"])._replace(point=f"2480-p{n}"),
            resources(at(8, n + 1), heat={"indoor_c": 14})._replace(point=f"2480-p{n}"),
        )
    assert timeline.node.firing()["area.red_share/2480"] == "yellow"


def test_closing_points_takes_the_share_away() -> None:
    """Fewer than four open points are no share any more."""
    timeline = Timeline()
    timeline.tell(*shared(4, 2))
    timeline.tell(status(at(9), lifecycle="closed")._replace(point="2480-p3"))
    assert "area.red_share/2480" not in timeline.node.firing()


def test_alerts_of_areas_stand_in_the_pictures_of_all_areas_around_them() -> None:
    """The silence of a kommun is counted in its own picture, its län's and the nation's."""
    timeline = Timeline(area="SE")
    timeline.tell(register(at(8)), status(at(8), lifecycle="open"))
    timeline.until(at(11))
    for code in ("2480", "24", "norra", "SE"):
        assert timeline.picture(code)["alerts"]["area.silent"]["yellow"] == 1
    assert "area.silent" not in timeline.picture("25")["alerts"]
