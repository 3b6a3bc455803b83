"""Escalation: an alert that nobody takes in is told sideways, then up, as one digest each."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acceptance.node import Node
from acceptance.timeline import Timeline, at, clock
from oracle.make import POINT, Told, instant, order, register, resources, staff, status, when
from vardkase.domain.escalation import Digest, Patience, Policy, digests, served, standing_alert, steps, told
from vardkase_contracts.alert import ALERT
from vardkase_contracts.areas import NATION, Area
from vardkase_contracts.instants import MINUTE

KOMMUN, LAN = Area.parse("2480"), Area.parse("24")
STAFF, LOST = f"staff.short/{POINT}", f"power.lost/{POINT}"


class Watch:
    """Looks at what is to be told whenever an alert changes or the clock brings something, as a notifier does."""

    def __init__(self, timeline: Timeline, policy: Policy | None = None) -> None:
        self.timeline = timeline
        self.policy = policy or Policy()
        self.course: list[str] = []
        """What came, changed and went: "10:10 sideways 2480: power.lost", "10:40 sideways 2480: -"."""
        self._last: dict[str, str] = {}

    def look(self, until: float) -> "Watch":
        """Let the clock go on, and look at every instant at which anything may have changed."""
        stop = instant(until)
        while True:
            due = self._look()
            if self.timeline.now >= stop:
                return self
            self.timeline.go_on(min(stop, max(self.timeline.now + 1, min(due, self.timeline.node.world.next_due()))))

    def order(self, event: dict[str, Any]) -> "Watch":
        """An act, looked at when it is taken in."""
        self.timeline.order(event)
        self._look()
        return self

    def tell(self, *reports: Told) -> "Watch":
        """Reports, looked at when they are judged."""
        self.timeline.tell(*reports)
        self._look()
        return self

    def now(self) -> list[Digest]:
        """What is to be told now."""
        return digests_of(self.timeline.node, self.policy, self.timeline.now)

    def _look(self) -> int:
        found, due = _digests(self.timeline.node, self.policy, self.timeline.now)
        said = {digest.key: ", ".join(_short(each.alert.key) for each in digest.members) for digest in found}
        for key in sorted(said.keys() | self._last.keys()):
            if said.get(key) != self._last.get(key):
                name = key.removeprefix("escalation.").replace("/", " ")
                self.course.append(f"{clock(self.timeline.now)} {name}: {said.get(key, '-')}")
        self._last = said
        return due


def _short(key: str) -> str:
    return key.replace(f"/{POINT}", "")


def _digests(node: Node, policy: Policy, now: int) -> tuple[list[Digest], int]:
    last = {each["key"]: each for each in node.streams.alerts}
    return digests([one for each in last.values() if (one := standing_alert(each)) is not None], policy, now)


def digests_of(node: Node, policy: Policy, now: int) -> list[Digest]:
    return _digests(node, policy, now)[0]


def opened(*reports: Told, **more: Any) -> Watch:
    """A point that is open since eight, well supplied, and what more is told of it."""
    timeline = Timeline(**more)
    timeline.tell(register(at(8)), status(at(8), lifecycle="open"), staff(at(8), 4, 4))
    return Watch(timeline).tell(*reports)


def dark(minute: float, point: str = POINT) -> Told:
    return resources(minute, power={"source": "none"})._replace(point=point)


def went_dark(points: list[str]) -> list[Told]:
    """Points that opened, and then had no power."""
    opened_ = [status(at(8, 30), lifecycle="open")._replace(point=point) for point in points]
    return opened_ + [dark(at(9), point) for point in points]


def light(minute: float) -> Told:
    return resources(minute, power={"source": "mains"})


def ack(minute: float, key: str, level: str, by: tuple[str, str] = ("kommun", "2480"), **more: Any) -> dict[str, Any]:
    return order("ack", minute, {"key": key, "level": level, **more}, by=by, id_=f"ack-{minute}-{by[1]}")


def silence(minute: float, until: float, by: tuple[str, str] = ("kommun", "2480")) -> dict[str, Any]:
    data = {"matcher": {"point": POINT}, "from": when(minute), "until": when(until)}
    return order("silence", minute, data, by=by, id_=f"silence-{minute}")


# -- the rules, one story each ----------------------------------------------------------------------------------------


def test_a_red_goes_sideways_after_30_min_then_up_after_60_and_120() -> None:
    """First the kommun's own, then the län, then the nation; gone from all when it ends."""
    watch = opened(staff(at(9), 1, 4)).look(at(11, 30))
    watch.tell(staff(at(11, 30), 4, 4))
    watch.look(at(12))
    assert watch.course == [
        "09:30 sideways 2480: staff.short",
        "10:00 up 24: staff.short",
        "11:00 up SE: staff.short",
        "11:35 sideways 2480: -",
        "11:35 up 24: -",
        "11:35 up SE: -",
    ]


def test_a_critical_goes_sooner() -> None:
    """10 min after it was told as critical, and 20; what it was before counts by the patience of red."""
    watch = opened(dark(at(9))).look(at(10, 20))
    assert watch.course == [
        "09:30 sideways 2480: power.lost",
        "09:50 up 24: power.lost",
        "10:10 up SE: power.lost",
    ]


def test_a_yellow_never_does() -> None:
    """For all the hours that it stands."""
    watch = opened(staff(at(9), 3, 4)).look(at(13))
    assert watch.timeline.node.firing()[STAFF] == "yellow"
    assert watch.course == []


def test_an_ack_in_time_quiets_it_until_it_lapses() -> None:
    """Who takes it in stops it; when the ack ends without another, the clock begins anew from there."""
    watch = opened(staff(at(9), 1, 4)).look(at(9, 20))
    watch.order(ack(at(9, 20), STAFF, "red", until=when(at(12))))
    watch.look(at(13, 10))
    assert watch.course == ["12:30 sideways 2480: staff.short", "13:00 up 24: staff.short"]


def test_an_ack_after_it_was_told_takes_it_from_the_digest() -> None:
    """Of those who acknowledged and of those above; what others have not taken in stays."""
    watch = opened(staff(at(9), 1, 4), dark(at(9))).look(at(10))
    assert watch.course[-1] == "10:00 up 24: power.lost, staff.short"
    watch.order(ack(at(10), LOST, "critical"))
    assert watch.course[-2:] == ["10:00 sideways 2480: staff.short", "10:00 up 24: staff.short"]


def test_an_ack_from_above_quiets_above_alone() -> None:
    """The län has it: the nation is not told, and the kommun's own are told as ever."""
    watch = opened(staff(at(9), 1, 4)).look(at(9, 10))
    watch.order(ack(at(9, 10), STAFF, "red", by=("lan", "24")))
    watch.look(at(12))
    assert watch.course == ["09:30 sideways 2480: staff.short"]


def test_a_worse_level_breaks_the_ack_and_begins_anew() -> None:
    """A red that was taken in turns critical: 10 min from then."""
    watch = opened(dark(at(9))).look(at(9, 5))
    watch.order(ack(at(9, 5), LOST, "red"))
    watch.look(at(9, 45))
    assert watch.course == ["09:40 sideways 2480: power.lost"]


def test_a_silence_quiets_as_an_ack_does() -> None:
    """Nobody is told while it lasts; after it the clock begins anew."""
    watch = opened(staff(at(9), 1, 4)).look(at(9, 10))
    watch.order(silence(at(9, 10), at(11)))
    watch.look(at(11, 40))
    assert watch.course == ["11:30 sideways 2480: staff.short"]


def test_what_another_alert_mutes_is_not_told() -> None:
    """The cold of a dark point is the dark's; when the power is back and the cold stays, it has its own time."""
    watch = opened(register(at(8, 1), planned_services=["heat"]), dark(at(9)))
    watch.tell(resources(at(9, 1), heat={"indoor_c": 10.0}))
    watch.look(at(9, 40))
    assert watch.course == ["09:30 sideways 2480: power.lost"]
    watch.tell(light(at(9, 40)))
    watch.look(at(10, 30))
    assert [each for each in watch.course if "heat" in each] == [
        "09:50 sideways 2480: heat.low",
        "10:00 up 24: heat.low",
        "10:20 up SE: heat.low",
    ]


def test_a_level_that_falls_and_rises_again_begins_anew_but_what_it_stayed_goes_on() -> None:
    """Critical, red for a while, critical again: red has stood all the time."""
    policy = Policy(red=Patience(60 * MINUTE, None), critical=Patience(20 * MINUTE, None))
    watch = opened()
    watch.policy = policy
    watch.tell(staff(at(9), 0, 4)).look(at(9, 10))
    watch.tell(staff(at(9, 10), 1, 4)).look(at(9, 30))
    watch.tell(staff(at(9, 30), 0, 4)).look(at(9, 55))
    assert watch.course == ["09:50 sideways 2480: staff.short"]
    watch.tell(staff(at(9, 55), 1, 4)).look(at(10, 10))
    assert watch.course[1:] == []


def test_an_alert_found_late_is_new_to_people() -> None:
    """Reports of two hours ago come now: those who are on duty have their 30 min."""
    watch = opened().look(at(11))
    watch.tell(staff(at(9), 1, 4)._replace(received=at(11)))
    watch.look(at(11, 40))
    assert watch.timeline.alerts(STAFF)[0]["raised_at"] == when(at(9))
    assert watch.course == ["11:30 sideways 2480: staff.short"]


def test_a_new_critical_is_put_into_the_digest_there_is() -> None:
    """One digest, which says more; none beside it."""
    watch = opened(staff(at(9), 1, 4)).look(at(9, 40))
    watch.tell(dark(at(9, 40)))
    watch.look(at(10, 30))
    sideways = [each for each in watch.course if "sideways" in each]
    assert sideways == ["09:30 sideways 2480: staff.short", "10:10 sideways 2480: power.lost, staff.short"]
    (digest, *_) = watch.now()
    assert (digest.level, digest.counts()) == ("critical", {"critical": 1, "red": 1})
    assert told(digest)["text"]["sv"] == "Ej kvitterat: 1 kritiska och 1 röda larm: Umeå"


def test_a_storm_is_one_digest_for_each_area_and_step() -> None:
    """Sixty dark points of three kommuner: one for each kommun, for the län and for the nation."""
    points = [f"{kommun}-p{number}" for kommun in ("2480", "2482", "2401") for number in range(20)]
    watch = opened(*went_dark(points)).look(at(11))
    found = watch.now()
    assert [digest.key for digest in found] == [
        "escalation.sideways/2401",
        "escalation.sideways/2480",
        "escalation.sideways/2482",
        "escalation.sideways/24",  # so many are dark that the län has an alert of its own
        "escalation.up/24",
        "escalation.up/SE",
    ]
    (lan,) = (digest for digest in found if (digest.step, digest.area) == ("up", LAN))
    assert lan.counts()["critical"] >= 60
    document = told(lan)
    assert len(document["alerts"]) == 50
    assert document["left_out"] == len(lan.members) - 50
    assert len(orjson.dumps(document)) < 64 << 10


def test_a_lan_s_own_alert_goes_to_its_own_then_to_the_nation() -> None:
    """`area.red_share` of a län: nobody below is told of it."""
    watch = opened(*went_dark([f"2480-p{number}" for number in range(5)])).look(at(10, 30))
    places = {
        (each.step, each.area.code) for each in watch.now() for one in each.members if one.alert.key.endswith("/24")
    }
    assert places == {("sideways", "24"), ("up", "SE")}


def test_an_exercise_is_its_own() -> None:
    """What is practised is told apart, and says so."""
    exe = Timeline(node=Node(reality="exe"))
    exe.tell(status(at(8), lifecycle="open")._replace(reality="exe"))
    exe.tell(staff(at(9), 1, 4)._replace(reality="exe"))
    exe.until(at(10))
    (sideways, up) = digests_of(exe.node, Policy(), exe.now)
    assert (sideways.reality, up.reality) == ("exe", "exe")


# -- restart, and who tells -------------------------------------------------------------------------------------------


def test_a_restart_changes_nothing() -> None:
    """Where the alerts are recalled, the digests are the same, and so is what comes."""
    watch = opened(staff(at(9), 1, 4)).look(at(9, 45))
    again = Node(watch.timeline.node.streams)
    again.take(len(again.streams.log))
    again.judge(watch.timeline.now)
    assert digests_of(again, Policy(), watch.timeline.now) == watch.now()
    later = instant(at(10, 5))
    again.drive(watch.timeline.now, later)
    assert [each.key for each in digests_of(again, Policy(), later)] == [
        "escalation.sideways/2480",
        "escalation.up/24",
    ]


def test_an_alert_from_before_this_was_told_counts_from_its_last_change() -> None:
    """What an older program published is escalated too."""
    watch = opened(staff(at(9), 1, 4))
    document = {name: value for name, value in watch.timeline.alerts(STAFF)[-1].items() if name != "standing"}
    alert = standing_alert(document)
    assert alert is not None
    assert [(step, area.code, clock(due)) for step, area, due in steps(alert, Policy())] == [
        ("sideways", "2480", "09:30"),
        ("up", "24", "10:00"),
        ("up", "SE", "11:00"),
    ]


@pytest.mark.parametrize(
    ("area", "node", "children", "tells"),
    [
        ("2480", "2480", (), True),
        ("24", "2480", (), False),
        ("2480", "24", (), True),
        ("2480", "24", ("2480",), False),
        ("2482", "24", ("2480",), True),
        ("24", "24", ("2480",), True),
        ("24", "SE", (), True),
        ("24", "SE", ("24",), False),
        ("2480", "SE", ("24",), False),
        ("2480", "SE", ("2480",), False),
        ("SE", "SE", ("24",), True),
    ],
)
def test_each_area_has_one_node_that_tells_it(area: str, node: str, children: tuple[str, ...], tells: bool) -> None:  # noqa: FBT001
    """Its own, else the nearest one above: so nobody is told twice, and nobody is left out."""
    assert served(Area.parse(area), Area.parse(node), frozenset(map(Area.parse, children))) == tells


def test_three_levels_tell_each_digest_once() -> None:
    """A kommun's, a län's and the nation's node judge for themselves; each digest is told by one of them."""
    areas = {code: Area.parse(code) for code in ("2480", "24", "SE")}
    told_by: dict[str, list[str]] = {}
    for code, area in areas.items():
        timeline = Timeline(area=code)
        reports = [status(at(8, 30), lifecycle="open"), staff(at(9), 1, 4), dark(at(9))]
        if code != "2480":
            reports += [each._replace(point="2482-boda") for each in reports]
        timeline.tell(*reports)
        timeline.order(ack(at(9, 20), STAFF, "red", until=when(at(15))))  # the kommun's act travels
        timeline.until(at(11, 30))
        below = frozenset(areas.values()) - {area}
        for digest in digests_of(timeline.node, Policy(), timeline.now):
            if served(digest.area, area, below):
                keys = [each.alert.key for each in digest.members]
                told_by.setdefault(f"{digest.key} by {code}", keys)
    boda = ["power.lost/2482-boda", "staff.short/2482-boda"]
    assert told_by == {
        "escalation.sideways/2480 by 2480": [LOST],
        "escalation.sideways/2482 by 24": boda,
        "escalation.up/24 by 24": [LOST, *boda],
        "escalation.up/SE by SE": [LOST, *boda],
    }


def test_none_is_never() -> None:
    """A patience of none turns a step off."""
    watch = opened()
    watch.policy = Policy(red=Patience(None, 60 * MINUTE), critical=Patience(None, None))
    watch.tell(staff(at(9), 1, 4)).look(at(10, 30))
    assert watch.course == ["10:00 up 24: staff.short"]


def test_documents_say_how_long_it_has_stood() -> None:
    """What is published is valid, and says since when of each level."""
    watch = opened(dark(at(9))).look(at(9, 40))
    found = [ALERT.validate_json(orjson.dumps(each)).standing for each in watch.timeline.alerts(LOST)]
    assert [None if each is None else sorted(each.since) for each in found] == [
        ["red", "yellow"],
        ["critical", "red", "yellow"],
    ]


@settings(max_examples=40, deadline=None, database=None)
@given(st.data())
def test_no_order_of_looking_matters(data: st.DataObject) -> None:
    """The digests at an instant are a function of the alerts: their order, and what was looked at before, are not."""
    points = [f"2480-p{number}" for number in range(4)]
    came = [status(at(8, 30), lifecycle="open")._replace(point=point) for point in points]
    for number, point in enumerate(points):
        came.append(staff(at(9, 5 * number), data.draw(st.integers(0, 4)), 4)._replace(point=point))
    watch = opened(*came)
    watch.timeline.until(at(9, data.draw(st.integers(20, 120))))
    last = {each["key"]: each for each in watch.timeline.node.streams.alerts}
    standing = [one for each in last.values() if (one := standing_alert(each)) is not None]
    now = watch.timeline.now
    made = digests(standing, Policy(), now)
    assert digests(data.draw(st.permutations(standing)), Policy(), now) == made
    assert made[1] > now
    for digest in made[0]:
        assert now >= digest.since
        assert digest.area in {KOMMUN, LAN, NATION}
        assert list(digest.members) == sorted(
            digest.members, key=lambda one: (one.alert.level != "critical", one.at, one.alert.key)
        )
