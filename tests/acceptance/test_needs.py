"""Needs that are not met in time, and what becomes of them when a point is gone."""

from acceptance.timeline import Timeline, at
from oracle.make import POINT, Told, register, status, when

OVERDUE = "need.overdue"
A, B, C = "2480-a", "2480-b", "2480-c"


def need(minute: float, by: float, point: str = A, **more: object) -> Told:
    """Fuel is needed, urgently."""
    data = {"need_id": "n1", "kind": "fuel", "priority": "urgent", "needed_by": when(by)} | more
    return Told(minute, "need", data, point=point)


def retire(minute: float, point: str, heir: str | None) -> Told:
    """A point is gone, and another comes in its place."""
    return Told(minute, "retire", {"replaced_by": heir}, point=point)


def opened(*points: str) -> Timeline:
    """Points that are open since eight."""
    timeline = Timeline()
    for point in points:
        timeline.tell(register(at(7))._replace(point=point, received=at(8)))
        timeline.tell(status(at(8), lifecycle="open")._replace(point=point))
    return timeline


def test_a_need_that_nobody_meets_is_told() -> None:
    """Yellow when the time is past, red two hours later, until somebody is under way."""
    timeline = opened(A)
    timeline.tell(need(at(8, 30), at(9)))
    timeline.until(at(11, 30))
    timeline.tell(need(at(11, 30), at(9), state="under_way"))
    assert timeline.course(f"{OVERDUE}/{A}") == ["09:00 yellow", "11:00 red", "11:30 cleared recovered"]


def test_a_need_reported_again_is_the_same_alert() -> None:
    """Saying again what is needed changes neither the alert's id nor since when it stands."""
    timeline = opened(A)
    timeline.tell(need(at(8, 30), at(9)), need(at(9, 30), at(9), state="assigned"))
    assert len(timeline.alerts(f"{OVERDUE}/{A}")) == 1
    assert timeline.node.world.judged[A].judgement.verdicts[OVERDUE].raised_at == timeline.now - 30 * 60_000_000


def test_a_kommun_has_needs_of_its_own() -> None:
    """A need of the kommun itself is overdue without any open point, under the kommun's name."""
    timeline = Timeline()
    timeline.tell(need(at(8), at(9), point="2480-_"))
    (alert,) = timeline.until(at(10)).alerts(f"{OVERDUE}/2480-_")
    assert alert["point"] == {"id": "2480-_", "name": "Umeå"}


def test_needs_move_to_the_point_that_comes_in_place() -> None:
    """When a point is gone its overdue need is its successor's: cleared here as retired, raised there."""
    timeline = opened(A, B)
    timeline.tell(need(at(8, 30), at(9)))
    timeline.until(at(9, 10))
    timeline.tell(retire(at(9, 10), A, B))
    assert timeline.course(f"{OVERDUE}/{A}") == ["09:00 yellow", "09:10 cleared retired"]
    assert timeline.course(f"{OVERDUE}/{B}") == ["09:10 yellow"]
    assert timeline.alerts(f"{OVERDUE}/{B}")[0]["raised_at"] == when(at(9))


def test_needs_move_on_over_several_retirements() -> None:
    """A need that moved once moves again with the next retirement."""
    timeline = opened(A, B, C)
    timeline.tell(need(at(8, 30), at(9)), retire(at(9, 10), A, B), retire(at(9, 20), B, C))
    assert timeline.course(f"{OVERDUE}/{B}") == ["09:10 yellow", "09:20 cleared retired"]
    assert timeline.course(f"{OVERDUE}/{C}") == ["09:20 yellow"]


def test_a_need_that_the_old_point_still_reports_is_the_new_ones() -> None:
    """What comes in late under the old id counts for the successor."""
    timeline = opened(A, B)
    timeline.tell(retire(at(8, 30), A, B), need(at(8, 40), at(9)))
    timeline.until(at(9, 10))
    assert timeline.course(f"{OVERDUE}/{B}") == ["09:00 yellow"]


def test_meeting_a_need_under_the_old_id_clears_it_at_the_new_point() -> None:
    """The delivery that is reported of the point that is gone ends its successor's alert."""
    timeline = opened(A, B)
    timeline.tell(need(at(8, 30), at(9)), retire(at(9, 10), A, B), need(at(9, 20), at(9), state="delivered"))
    assert timeline.course(f"{OVERDUE}/{B}") == ["09:10 yellow", "09:20 cleared recovered"]


def test_a_retirement_that_was_wrong_gives_the_needs_back() -> None:
    """When the retirement is withdrawn, the need is the point's own again."""
    timeline = opened(A, B)
    timeline.tell(
        need(at(8, 30), at(9)),
        retire(at(9, 10), A, B)._replace(id="wrong"),
        Told(at(9, 20), "withdraw", {"report_ids": ["wrong"]}, point="2480-_"),
    )
    assert timeline.node.firing() == {f"{OVERDUE}/{A}": "yellow"} | {
        key: level for key, level in timeline.node.firing().items() if not key.startswith(OVERDUE)
    }


def test_two_that_replace_each_other_end() -> None:
    """A circle of successors is told of once, and nothing hangs."""
    timeline = opened(A, B)
    timeline.tell(need(at(8, 30), at(9)), retire(at(9, 10), A, B), retire(at(9, 20), B, A))
    assert not [key for key in timeline.node.firing() if key.startswith(OVERDUE)]


def test_a_successor_of_another_kommun_takes_the_needs() -> None:
    """Needs move over the border of a kommun, too."""
    timeline = opened(A, "2482-x")
    timeline.tell(need(at(8, 30), at(9)), retire(at(9, 10), A, "2482-x"))
    assert timeline.node.firing()[f"{OVERDUE}/2482-x"] == "yellow"


def test_a_successor_that_nobody_knows_yet_takes_them_when_it_comes() -> None:
    """Needs wait for a successor that has not reported, and are its own when it opens."""
    timeline = opened(A)
    timeline.tell(need(at(8, 30), at(9)), retire(at(9, 10), A, B))
    assert not [key for key in timeline.node.firing() if key.startswith(OVERDUE)]
    timeline.tell(status(at(9, 30), lifecycle="open")._replace(point=B))
    assert timeline.node.firing()[f"{OVERDUE}/{B}"] == "yellow"


def test_a_point_that_is_registered_again_has_come_back() -> None:
    """A register after the retirement brings the point and its needs back."""
    timeline = opened(A, B)
    timeline.tell(need(at(8, 30), at(9)), retire(at(9, 10), A, B), register(at(9, 20))._replace(point=A))
    assert f"{OVERDUE}/{A}" in timeline.node.firing()
    assert f"{OVERDUE}/{B}" not in timeline.node.firing()


def test_the_least_urgent_may_wait() -> None:
    """Needs of low and normal priority, surplus, and needs without a time are never overdue."""
    timeline = opened(POINT)
    for n, more in enumerate(
        ({"priority": "low"}, {"priority": "normal"}, {"direction": "surplus"}, {"needed_by": None})
    ):
        timeline.tell(need(at(8, 30), at(9), point=POINT, need_id=f"n{n}", **more))
    timeline.until(at(23))
    assert timeline.course(f"{OVERDUE}/{POINT}") == []
