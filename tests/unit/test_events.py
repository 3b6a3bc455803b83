"""The course of events: what opened and closed, what was raised and cleared, where it belongs in time."""

from pathlib import Path

import pytest

from acceptance.node import Node
from acceptance.timeline import Timeline, at, clock
from oracle.adapter import received
from oracle.make import POINT, Told, given, instant, register, resources, staff, status, when
from vardkase.aggregator.events import SHOWN
from vardkase_contracts.instants import parse

DARK = {"source": "none"}
MAINS = {"source": "mains"}


def told_of(timeline: Timeline, code: str = "24") -> list[str]:
    """The events of an area's picture, newest first: "08:00 opened", "10:00 raised power.lost red"."""
    lines = []
    for event in timeline.picture(code)["events"]:
        more = [event[name] for name in ("rule", "level", "reason") if event[name] is not None]
        lines.append(" ".join([clock(parse(event["at"])), event["kind"], *more]))
    return lines


def test_opening_and_closing_are_events_of_all_areas_around() -> None:
    """A point that opens and closes shows in kommun, län, civilområde and nation, newest first, and nowhere else."""
    timeline = Timeline(area="SE")
    timeline.tell(register(at(7)), status(at(8), lifecycle="open"), status(at(8, 30), lifecycle="closed"))
    for code in ("2480", "24", "norra", "SE"):
        assert told_of(timeline, code) == ["08:30 closed", "08:00 opened"]
    assert told_of(timeline, "2482") == told_of(timeline, "25") == []


def test_an_event_names_its_point_and_kommun() -> None:
    """An event of a point says which; it has no alert's fields when it is none."""
    timeline = Timeline()
    timeline.tell(status(at(8), lifecycle="open"))
    (event,) = timeline.picture("2480")["events"]
    empty = dict.fromkeys(("key", "rule", "level", "reason"))
    assert event == {"at": when(at(8)), "kind": "opened", "point": POINT, "kommun": "2480"} | empty


def test_raising_and_clearing_are_events_and_changes_of_level_are_not() -> None:
    """An alert is told of when it is raised and when it is cleared, with its reason; not when it grows worse."""
    timeline = Timeline()
    timeline.tell(status(at(8), lifecycle="open"), resources(at(10), power=DARK), resources(at(11), power=MAINS))
    assert told_of(timeline)[:2] == [
        "11:00 cleared power.lost critical recovered",
        "10:00 raised power.lost red",
    ]


def test_alerts_of_areas_are_events_of_theirs() -> None:
    """A kommun that falls silent is an event in its län's picture, without a point."""
    timeline = Timeline()
    timeline.tell(status(at(8), lifecycle="open"), resources(at(8), power=MAINS), staff(at(8), 4, 4))
    timeline.until(at(11))
    (event, *_) = timeline.picture("24")["events"]
    assert (event["key"], event["point"], event["kommun"]) == ("area.silent/2480", None, "2480")


def test_a_point_that_goes_through_closing_closes_once() -> None:
    """Open, closing, closed: one event of opening and one of closing."""
    timeline = Timeline()
    timeline.tell(
        status(at(8), lifecycle="open"), status(at(8, 30), lifecycle="closing"), status(at(9, 30), lifecycle="closed")
    )
    assert told_of(timeline) == ["09:30 closed", "08:00 opened"]


def test_a_point_that_was_never_open_does_not_close() -> None:
    """From planned to closed is no event."""
    timeline = Timeline()
    timeline.tell(status(at(8), lifecycle="planned"), status(at(9), lifecycle="closed"))
    assert told_of(timeline) == []


def test_a_point_that_is_open_when_it_is_first_heard_of_has_opened() -> None:
    """Registered and opened in one batch is opened."""
    node = Node()
    node.receive(map(received, given([register(at(7)), status(at(8), lifecycle="open")])))
    node.judge(instant(at(8)))
    assert [event["kind"] for event in node.picture("24", instant(at(8)))["events"]] == ["opened"]


def test_a_late_event_stands_where_it_belongs() -> None:
    """What opened at eight and is known at nine stands below what happened at half past eight."""
    timeline = Timeline()
    timeline.tell(
        status(at(8, 30), lifecycle="open")._replace(point="2480-annan"),
        status(at(8), lifecycle="open")._replace(received=at(8, 50)),
    )
    assert told_of(timeline) == ["08:30 opened", "08:00 opened"]


def test_saying_the_same_again_is_no_event() -> None:
    """A point that says every hour that it is open has opened once."""
    timeline = Timeline()
    timeline.tell(*(status(at(hour), lifecycle="open") for hour in range(8, 11)))
    assert told_of(timeline)[-1:] == ["08:00 opened"]
    assert sum("opened" in each for each in told_of(timeline)) == 1


def test_events_are_of_the_last_day() -> None:
    """After 24 h an event is told of no more."""
    timeline = Timeline()
    timeline.tell(status(at(8), lifecycle="open"), status(at(8, 1), lifecycle="closed"))
    assert len(told_of(timeline.until(at(8, day=1)))) == 2
    assert told_of(timeline.until(at(8, 0.5, day=1))) == ["08:01 closed"]


def test_the_newest_fifty_are_told() -> None:
    """Of more than 50 events the newest stay, in every area."""
    timeline = Timeline()
    for n in range(60):
        timeline.tell(status(at(8, n), lifecycle="open")._replace(point=f"2480-p{n}"))
    events = timeline.picture("24")["events"]
    assert len(events) == SHOWN
    assert [event["at"] for event in events] == sorted((event["at"] for event in events), reverse=True)
    assert events[-1]["at"] == when(at(8, 10))


def test_an_event_too_late_for_the_fifty_is_left_out() -> None:
    """A late event older than the fifty that are shown pushes none of them out."""
    timeline = Timeline()
    for n in range(SHOWN):
        timeline.tell(status(at(8, n), lifecycle="open")._replace(point=f"2480-p{n}"))
    before = told_of(timeline)
    timeline.tell(status(at(7, 55), lifecycle="open")._replace(point="2480-sen", received=at(8, 50)))
    assert told_of(timeline) == before


@pytest.mark.parametrize("crashed", [False, True])
def test_a_restart_tells_nothing_twice_and_nothing_less(tmp_path: Path, crashed: bool) -> None:  # noqa: FBT001
    """A node that recalls a picture's events goes on with them; what opened meanwhile is told of."""
    timeline = Timeline(node=Node(directory=tmp_path))
    timeline.tell(register(at(7)), status(at(8), lifecycle="open"), resources(at(8, 10), power=DARK))
    if crashed:
        timeline.node.crash()
        events = timeline.picture("24")["events"]
        timeline.node = Node(timeline.node.streams, tmp_path)
        timeline.node.world.events.recall(timeline.node.area, events)
        timeline.node.judge(timeline.now)
    timeline.tell(status(at(8, 20), lifecycle="closed"))
    assert told_of(timeline) == [
        "08:20 closed",
        "08:20 cleared power.lost red closed",
        "08:10 raised power.lost red",
        "08:00 opened",
    ]


def test_a_log_that_is_read_again_from_its_beginning_tells_nothing_twice() -> None:
    """A node that lost its states goes through the log again; what its pictures told of stands once."""
    timeline = Timeline()
    timeline.tell(register(at(7)), status(at(8), lifecycle="open"), resources(at(8, 10), power=DARK))
    before = told_of(timeline)
    events = timeline.picture("24")["events"]
    timeline.node = Node(timeline.node.streams)
    timeline.node.world.events.recall(timeline.node.area, events)
    timeline.node.take(len(timeline.node.streams.log))
    timeline.node.judge(timeline.now)
    assert told_of(timeline) == before


def test_a_point_opened_in_the_backlog_of_a_restart_is_told_of(tmp_path: Path) -> None:
    """What opened while the node was down is an event when it is merged."""
    node = Node(directory=tmp_path)
    node.receive(map(received, given([register(at(7))])))
    node.judge(instant(at(7)))
    node.crash()
    node = Node(node.streams, tmp_path)
    node.receive(map(received, given([status(at(8), lifecycle="open")._replace(id="open")])))
    node.judge(instant(at(9)))
    (event,) = (each for each in node.picture("24", instant(at(9)))["events"] if each["kind"] == "opened")
    assert event["at"] == when(at(8))


def test_exercises_have_events_of_their_own() -> None:
    """What happens in an exercise is not told of in the real picture."""
    exe = Timeline(reality="exe")
    exe.tell(Told(at(8), "status", {"lifecycle": "open"}, reality="exe"))
    assert told_of(exe) == ["08:00 opened"]
    act = Timeline()
    act.node.receive(exe.node.streams.log)
    act.node.judge(exe.now)
    assert told_of(act) == []
