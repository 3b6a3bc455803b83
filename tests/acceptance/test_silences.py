"""Silences: alerts that nobody is notified of for a time. They are judged, told and counted as ever."""

from typing import Any

import orjson

from acceptance.node import Node
from acceptance.timeline import Timeline, at
from oracle.make import POINT, Told, instant, order, register, resources, staff, status, when
from vardkase_contracts.alert import ALERT

STAFF, LOST = f"staff.short/{POINT}", f"power.lost/{POINT}"


def opened(*told: Told, **more: Any) -> Timeline:
    """A point that is open since eight, and what more is told of it."""
    timeline = Timeline(**more)
    timeline.tell(register(at(8)), status(at(8), lifecycle="open"), *told)
    return timeline


def silence(
    minute: float,
    until: float,
    *,
    since: float | None = None,
    by: tuple[str, str] = ("lan", "24"),
    name: str | None = None,
    note: str | None = None,
    **matcher: str,
) -> dict[str, Any]:
    """Somebody silences alerts; those of the point when nothing else is said."""
    data: dict[str, Any] = {
        "matcher": matcher or {"point": POINT},
        "from": when(minute if since is None else since),
        "until": when(until),
    }
    data |= {name: value for name, value in (("id", name), ("note", note)) if value is not None}
    return order("silence", minute, data, by=by, id_=f"silence-{minute}-{by[1]}")


def silenced(document: dict[str, Any]) -> list[str]:
    """Whose silences stand in a document."""
    return [each["code"] for each in document["silences"]]


def told(timeline: Timeline, key: str) -> list[tuple[str, str, list[str]]]:
    """When an alert was told of, at which level, and by whom it was silenced then."""
    return [(each["changed_at"], each["level"], silenced(each)) for each in timeline.alerts(key)]


def test_a_silence_begins_and_ends_by_the_clock_and_is_told() -> None:
    """One ordered ahead begins without any report, ends so, and each is published at its minute."""
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(silence(at(9, 30), at(11), since=at(10), note="övertalig personal är på väg"))
    timeline.until(at(12))
    assert told(timeline, STAFF) == [
        (when(at(9)), "red", []),
        (when(at(10)), "red", ["24"]),
        (when(at(10, 45)), "red", ["24"]),  # it ends soon
        (when(at(11)), "red", []),
    ]
    assert timeline.alerts(STAFF)[1]["silences"] == [
        {
            "id": f"silence-{at(9, 30)}-24",
            "level": "lan",
            "code": "24",
            "role": "tib",
            "from": when(at(10)),
            "until": when(at(11)),
            "note": "övertalig personal är på väg",
        }
    ]
    for document in timeline.alerts(STAFF):
        assert len(ALERT.validate_json(orjson.dumps(document)).silences) == len(document["silences"])


def test_an_alert_raised_while_silenced_says_so_at_once() -> None:
    """The first thing that is told of an alert is that it is silenced."""
    timeline = opened()
    timeline.order(silence(at(9), at(12), area="2480"))
    timeline.tell(staff(at(10), 1, 4))
    assert told(timeline, STAFF) == [(when(at(10)), "red", ["24"])]


def test_a_silence_quiets_worse_levels_too() -> None:
    """It names no level: a worse one is told, and is as silenced."""
    timeline = opened(resources(at(9), power={"source": "none"}))
    timeline.order(silence(at(9, 10), at(12)))
    timeline.until(at(10))
    assert told(timeline, LOST) == [
        (when(at(9)), "red", []),
        (when(at(9, 10)), "red", ["24"]),
        (when(at(9, 30)), "critical", ["24"]),
    ]


def test_a_silence_changes_neither_level_nor_condition_nor_picture() -> None:
    """The point is as red as before, its state is not told of again, and the picture counts it as ever."""
    timeline = opened(staff(at(9), 1, 4), resources(at(9), power={"source": "mains"}))
    before, states = timeline.picture("24"), len(timeline.node.streams.states)
    timeline.order(silence(at(9), at(12)))
    assert silenced(timeline.alerts(STAFF)[-1]) == ["24"]
    assert len(timeline.node.streams.states) == states
    assert timeline.picture("24")["version"] == before["version"]
    assert timeline.state(POINT)["condition"] == "red"
    assert timeline.node.firing() == {STAFF: "red"}


def test_only_the_alerts_that_match_are_told_again() -> None:
    """Other rules, other points and other kommuner hear nothing of it."""
    timeline = opened(staff(at(9), 1, 4), resources(at(9), power={"source": "none"}))
    timeline.tell(status(at(8), lifecycle="open")._replace(point="2482-boda", received=at(9)))
    timeline.tell(staff(at(9), 1, 4)._replace(point="2482-boda"))
    before = len(timeline.node.streams.alerts)
    timeline.order(silence(at(9, 10), at(12), rule="staff.short", area="2480"))
    assert [each["key"] for each in timeline.node.streams.alerts[before:]] == [STAFF]


def test_a_silence_is_extended_and_ended_by_its_id() -> None:
    """A later order with the same id takes its place, sooner or later."""
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(silence(at(9, 10), at(10), name="s"))
    timeline.order(silence(at(9, 20), at(14), since=at(9, 10), name="s"))
    timeline.until(at(11))
    timeline.order(silence(at(11), at(11), since=at(9, 10), name="s"))
    timeline.until(at(15))
    found = [(each["changed_at"], [one["until"] for one in each["silences"]]) for each in timeline.alerts(STAFF)]
    assert found == [
        (when(at(9)), []),
        (when(at(9, 10)), [when(at(10))]),
        (when(at(9, 20)), [when(at(14))]),
        (when(at(11)), []),
    ]


def test_an_alert_of_an_area_is_silenced_like_any_other() -> None:
    """Who silences a kommun silences its silence, too."""
    timeline = opened(staff(at(9), 4, 4))
    timeline.order(silence(at(10), at(13), area="24"))
    timeline.until(at(14))
    assert told(timeline, "area.silent/2480") == [
        (when(at(11, 30)), "yellow", ["24"]),
        (when(at(12, 30)), "yellow", ["24"]),  # it ends soon
        (when(at(13)), "yellow", []),
    ]
    timeline.order(silence(at(14), at(15), by=("kommun", "2480"), rule="area.silent"))
    assert told(timeline, "area.silent/2480")[-1] == (when(at(14)), "yellow", ["2480"])


def test_a_cleared_alert_says_what_silenced_its_end() -> None:
    """Whoever tells of ends knows that this one is nobody's to be told; and it is told once."""
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(silence(at(9, 10), at(12)))
    timeline.tell(staff(at(9, 20), 4, 4))
    timeline.until(at(13))
    assert [(each["status"], silenced(each)) for each in timeline.alerts(STAFF)] == [
        ("firing", []),
        ("firing", ["24"]),
        ("cleared", ["24"]),
    ]


def test_silences_of_an_exercise_silence_nothing_real() -> None:
    """What is silenced in the exercise is told in reality."""
    act, exe = Node(), Node(reality="exe")
    worlds = Timeline(node=act), Timeline(node=exe)
    for timeline in worlds:
        reality = timeline.node.world.reality
        timeline.tell(status(at(8), lifecycle="open")._replace(reality=reality))
        timeline.tell(staff(at(9), 1, 4)._replace(reality=reality))
    worlds[1].order(silence(at(9, 30), at(12)) | {"reality": "exe"})
    worlds[0].until(at(9, 40))
    assert [silenced(each.alerts(STAFF)[-1]) for each in worlds] == [[], ["24"]]


def test_a_restart_neither_forgets_a_silence_nor_tells_of_it_again() -> None:
    """All orders are read again before anything is judged."""
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(silence(at(9, 10), at(12)))
    again = Node(timeline.node.streams)
    again.take(len(again.streams.log))
    before = len(again.streams.alerts)
    assert not again.judge(instant(at(9, 30))).alerts
    assert len(again.streams.alerts) == before
    again.drive(instant(at(9, 30)), instant(at(12)))
    assert [silenced(each) for each in again.streams.alerts if each["key"] == STAFF] == [[], ["24"], ["24"], []]


def test_many_silences_of_others_do_not_touch_a_point() -> None:
    """Orders about other points judge nothing again."""
    timeline = opened(staff(at(9), 1, 4))
    for n in range(50):
        timeline.node.order(silence(at(9, n), at(12), point=f"2480-p{n}"))
    assert timeline.node.world.waiting == 0
