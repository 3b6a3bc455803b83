"""A silent kommun that somebody tried to reach in vain is worse than one that is silent."""

from typing import Any

import pytest

from acceptance.node import Node
from acceptance.timeline import Timeline, at
from oracle.make import POINT, Told, instant, order, register, resources, staff, status, when

SILENT, ITSELF = "area.silent/2480", "2480-_"


def opened(*told: Told) -> Timeline:
    """A point that is open since eight, well supplied, and what more is told."""
    timeline = Timeline()
    timeline.tell(register(at(8)), status(at(8), lifecycle="open"), resources(at(8), power={"source": "mains"}))
    timeline.tell(staff(at(8), 4, 4), *told)
    return timeline


def failed(minute: float, point: str = POINT, **more: Any) -> Told:
    """Somebody tried to reach a point in vain."""
    return Told(minute, "contact", {"result": "failed"}, point=point, **more)


@pytest.mark.parametrize("point", [POINT, "2480-annan", ITSELF])
def test_a_silent_kommun_that_is_not_reached_is_worse(point: str) -> None:
    """From the attempt on each level is one step worse: red instead of yellow, critical instead of red."""
    timeline = opened().until(at(11))
    timeline.tell(failed(at(11), point))
    timeline.until(at(21))
    timeline.tell(Told(at(21), "confirm", {}))
    assert timeline.course(SILENT) == ["10:30 yellow", "11:00 red", "14:00 critical", "21:00 cleared recovered"]
    assert {each["raised_at"] for each in timeline.alerts(SILENT)} == {when(at(10, 30))}


def test_an_attempt_before_the_silence_is_told_counts_when_it_is() -> None:
    """Who tried at nine, an hour after the last word, has made it worse from its first level on."""
    timeline = opened().until(at(9))
    timeline.tell(failed(at(9)))
    timeline.until(at(15))
    assert timeline.course(SILENT) == ["10:30 red", "14:00 critical"]


def test_an_attempt_before_the_last_word_says_nothing() -> None:
    """What was heard after the attempt was heard: the silence since is one that nobody has looked into."""
    timeline = opened(failed(at(8, 30))).until(at(9))
    timeline.tell(Told(at(9), "confirm", {}))
    timeline.until(at(13))
    assert timeline.course(SILENT) == ["11:30 yellow"]


def test_reaching_them_ends_the_silence_and_the_step() -> None:
    """One that succeeds ends it; the silence after it begins anew, as mild as any."""
    timeline = opened().until(at(11))
    timeline.tell(failed(at(11)))
    timeline.tell(Told(at(12), "contact", {"result": "reached"}))
    timeline.until(at(15))
    assert timeline.course(SILENT) == ["10:30 yellow", "11:00 red", "12:00 cleared recovered", "14:30 yellow"]


def test_an_attempt_told_late_counts_from_when_it_was_made() -> None:
    """It is a report like any other: the kommun is worse when it is known, and would have been since then."""
    timeline = opened().until(at(13))
    timeline.tell(failed(at(11), received=at(13)))
    timeline.until(at(13, 30))
    assert timeline.course(SILENT) == ["10:30 yellow", "13:00 red"]


def test_a_restart_does_not_forget_the_attempt() -> None:
    """It is in the state that is gone on from."""
    timeline = opened().until(at(11))
    timeline.tell(failed(at(11)))
    again = Node(timeline.node.streams)
    again.take(len(again.streams.log))
    again.judge(instant(at(11, 30)))
    assert again.firing()[SILENT] == "red"
    again.drive(instant(at(11, 30)), instant(at(14)))
    assert again.firing()[SILENT] == "critical"


def test_an_attempt_withdrawn_was_none() -> None:
    """A wrong report is taken back, and the level with it."""
    timeline = opened().until(at(11))
    timeline.tell(failed(at(11), id="tried"))
    timeline.tell(Told(at(11, 5), "withdraw", {"report_ids": ["tried"]}, point=ITSELF))
    assert timeline.course(SILENT) == ["10:30 yellow", "11:00 red", "11:05 yellow"]


def test_an_incident_s_kommun_that_was_tried_before_it_is_not_worse() -> None:
    """An attempt counts when it is later than the instant that the silence is counted from."""
    timeline = Timeline()
    timeline.tell(failed(at(8), ITSELF))
    data = {"id": "storm", "name": "Storm Alfa", "areas": ["2480"], "from": when(at(9))}
    timeline.order(order("incident", at(9), data, id_="storm"))
    timeline.until(at(12))
    assert timeline.course(SILENT) == ["11:30 yellow"]
    timeline.tell(failed(at(12), ITSELF))
    assert timeline.course(SILENT) == ["11:30 yellow", "12:00 red"]
