"""Copies of one identity are settled, what is withdrawn is left out, and what must be forgotten is folded anew."""

from pathlib import Path

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from acceptance.node import Node, Streams
from acceptance.timeline import Timeline, at
from oracle.adapter import received
from oracle.make import POINT, Told, backup, given, instant, register, resources, staff, status
from oracle.strategies import POINTS, stories
from vardkase.aggregator.admission import admit, concerned
from vardkase.domain.codec import merged_document
from vardkase.domain.fold import fold
from vardkase.domain.merge import Received, identity


def items(*told: Told) -> list[Received]:
    return [received(one) for one in given(told)]


def by_digest(*told: Told) -> list[Received]:
    """Copies of one identity, the one that counts first."""
    return sorted(items(*told), key=lambda item: item.digest)


def copies(*present: int, minute: float = 0) -> list[Received]:
    """Reports of one identity that say different numbers of staff, the one that counts first."""
    return by_digest(*(staff(minute, n, 9)._replace(id="same") for n in present))


# -- one batch ---------------------------------------------------------------------------------------------------------


def test_a_new_report_is_merged_and_noted() -> None:
    """A report never heard of is merged, and what it is is known from then on."""
    (item,) = items(staff(0, 1)._replace(id="a"))
    admission = admit([item], {})
    assert admission.merge == [item]
    assert (admission.refold, admission.conflicts, admission.repeats) == ({}, 0, 0)
    known = admission.known[identity(item.report)]
    assert (known.copy.digest if known.copy else None, known.point, known.withdrawn) == (item.digest, POINT, False)


def test_a_repetition_is_harmless_and_counted() -> None:
    """The same bytes again change nothing that is known, and are no conflict."""
    (item,) = items(staff(0, 1)._replace(id="a"))
    admission = admit([item, item], {})
    assert (admission.repeats, admission.conflicts, admission.refold) == (1, 0, {})


def test_the_lower_digest_wins_whichever_comes_first() -> None:
    """Of two copies the one with the lower SHA-256 counts; a point that merged the other forgets it."""
    winner, loser = copies(1, 2)
    first = admit([winner, loser], {})
    assert (first.merge, first.refold, first.conflicts) == ([winner], {}, 1)
    second = admit([loser, winner], {})
    assert (second.merge[-1], second.refold, second.conflicts) == (winner, {POINT: False}, 1)
    assert first.known == second.known


def test_a_conflict_over_two_points_folds_the_one_that_loses() -> None:
    """When copies are about different points, the point that merged the loser is folded anew."""
    one, other = staff(0, 1)._replace(id="same"), staff(0, 1)._replace(id="same", point="2480-annan")
    winner, loser = by_digest(one, other)
    admission = admit([winner], admit([loser], {}).known)
    assert admission.refold == {loser.report.subject: False}
    assert admission.merge == [winner]


def test_the_same_bytes_received_earlier_count_by_that_time() -> None:
    """Of equal bytes the earliest arrival counts; where that moves the effective time, the point is folded anew."""
    told = staff(60, 1)._replace(id="fast")
    late, early = items(told._replace(received=30))[0], items(told._replace(received=10))[0]
    admission = admit([early], admit([late], {}).known)
    assert admission.refold == {POINT: False}
    kept = admit([late], admit([early], {}).known)
    assert (kept.merge, kept.refold) == ([], {})


def test_a_withdrawn_report_is_not_merged_whichever_comes_first() -> None:
    """A withdraw before its report leaves it out; after it, its point is folded anew and says so."""
    report, withdraw = items(
        staff(0, 1)._replace(id="wrong"),
        Told(1, "withdraw", {"report_ids": ["wrong"]}, point="2480-_", id="w"),
    )
    before = admit([withdraw, report], {})
    assert (before.merge, before.refold) == ([withdraw], {})
    after = admit([report, withdraw], {})
    assert after.refold == {POINT: True}


def test_a_withdraw_cannot_be_withdrawn() -> None:
    """A withdraw that is named by another stays in force."""
    first, second, report = items(
        Told(0, "withdraw", {"report_ids": ["a"]}, id="w1"),
        Told(1, "withdraw", {"report_ids": ["w1"]}, id="w2"),
        staff(0, 1)._replace(id="a"),
    )
    admission = admit([first, second, report], {})
    assert report not in admission.merge
    assert admission.refold == {}


def test_a_withdraw_reaches_its_own_kommun_alone() -> None:
    """A kommun's withdraw does not touch another kommun's report of the same id."""
    report, withdraw = items(
        staff(0, 1)._replace(id="a"),
        Told(1, "withdraw", {"report_ids": ["a"]}, point="2482-_", id="w"),
    )
    admission = admit([withdraw, report], {})
    assert report in admission.merge


def test_a_withdraw_replaced_by_another_copy_is_told_anew() -> None:
    """When another copy of a withdraw wins, what its kommun has withdrawn must be read from the log."""
    named = [Told(0, "withdraw", {"report_ids": [each]}, id="w") for each in ("a", "b")]
    winner, loser = by_digest(*named)
    assert admit([winner], admit([loser], {}).known).rewithdraw == {"2480"}
    assert admit([loser], admit([winner], {}).known).rewithdraw == set()


def test_what_must_be_looked_up_is_the_batch_and_what_it_withdraws() -> None:
    """A batch concerns its own identities and those that its withdraws name."""
    batch = items(
        staff(0, 1)._replace(id="a"),
        Told(1, "withdraw", {"report_ids": ["b", "c"]}, id="w"),
    )
    assert concerned(batch) == {("act", "2480", each) for each in ("a", "b", "c", "w")}


# -- from end to end, with identities on disk --------------------------------------------------------------------------


def test_a_withdrawal_clears_what_rested_on_the_report(tmp_path: Path) -> None:
    """An alert from a report that is withdrawn clears as withdrawn, and the state is that of the rest of the log."""
    timeline = Timeline(node=Node(directory=tmp_path))
    timeline.tell(
        register(at(8)),
        status(at(8), lifecycle="open"),
        resources(at(9), power={"source": "mains"}, staff={"present": 4, "required": 4}),
        resources(at(10), power={"source": "none"})._replace(id="wrong"),
        Told(at(10, 5), "withdraw", {"report_ids": ["wrong"], "reason": "fel punkt"}, point="2480-_"),
    )
    assert timeline.course(f"power.lost/{POINT}") == ["10:00 red", "10:05 cleared withdrawn"]
    state = timeline.state(POINT)
    assert state["facts"]["power"]["value"] == {"source": "mains"}
    assert (state["condition"], state["last"]["content"]) == ("green", "2026-11-20T08:00:00Z")
    expected = [each for each in timeline.node.streams.log if each.report.id != "wrong"]
    assert timeline.node.versions() == {
        point: merged_document(each)["version"] for (_, point), each in fold(expected).items()
    }


def test_a_withdraw_that_comes_first_keeps_the_report_out(tmp_path: Path) -> None:
    """A report withdrawn before it arrives raises nothing, also after a restart between the two."""
    node = Node(directory=tmp_path)
    node.receive(items(Told(0, "withdraw", {"report_ids": ["wrong"]}, point="2480-_", id="w")))
    node.judge(instant(0))
    node.crash()
    node = Node(node.streams, tmp_path)
    story = status(0, lifecycle="open")._replace(id="o"), resources(1, power={"source": "none"})._replace(id="wrong")
    node.receive(items(*story))
    node.judge(instant(5))
    assert node.firing() == {}
    assert "power" not in node.streams.states[-1]["facts"]


def test_a_conflict_across_a_restart_is_settled_by_the_bytes(tmp_path: Path) -> None:
    """The copy with the lower SHA-256 takes the other's place, although that was merged by an earlier process."""
    winner, loser = copies(0, 3, minute=60)
    node = Node(directory=tmp_path)
    node.receive([*items(status(0, lifecycle="open")._replace(id="o")), loser])
    node.judge(instant(61))
    node.crash()
    node = Node(node.streams, tmp_path)
    admission = node.receive([winner])
    node.judge(instant(62))
    assert (admission.conflicts, admission.refold) == (1, {POINT: False})
    staff_now = node.streams.states[-1]["facts"]["staff"]["value"]
    assert staff_now == {"present": winner.report.data.staff.present, "required": 9}  # type: ignore[union-attr]


def test_everything_withdrawn_leaves_a_point_that_nothing_is_known_of(tmp_path: Path) -> None:
    """A point whose every report is withdrawn is empty in STATE, and counts nowhere."""
    node = Node(directory=tmp_path)
    node.receive(items(status(0, lifecycle="open")._replace(id="o")))
    node.judge(instant(0))
    node.receive(items(Told(1, "withdraw", {"report_ids": ["o"]}, point="2480-_", id="w")))
    node.judge(instant(1))
    state = [each for each in node.streams.states if each["id"] == POINT][-1]
    assert (state["facts"], state["condition"], state["registered"]) == ({}, "not_applicable", False)
    assert node.versions() == {}
    assert node.world.rollup.sums[node.area] == {}


# -- crashes -----------------------------------------------------------------------------------------------------------

STORIES = stories(points=(*POINTS[:2], "2480-_"), untidy=True)


def twins(streams: Streams) -> list[str]:
    """What is wrong in the log of alerts: said twice, or one id for two alerts, or two for one."""
    found: list[str] = []
    last: dict[str, dict] = {}
    ids: set[str] = set()
    for document in streams.alerts:
        before = last.get(document["key"])
        same = {name for name in document if name != "changed_at" and before and before[name] == document[name]}
        if before is not None and len(same) == len(document) - 1:
            found.append(f"said twice: {document['key']}")
        if before is not None and before["status"] == "firing":
            if before["alert_id"] != document["alert_id"]:
                found.append(f"two ids: {document['key']}")
        elif document["alert_id"] in ids:
            found.append(f"an id again: {document['key']}")
        ids.add(document["alert_id"])
        last[document["key"]] = document
    return found


def shown(streams: Streams) -> dict[str, dict]:
    """What the public sees in the end."""
    last = {document["id"]: document for document in streams.public}
    return {point: document for point, document in last.items() if not document.get("gone")}


@settings(max_examples=15, deadline=None)
@examples(st.data())
def test_crashes_anywhere_lose_nothing_and_make_no_twins(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Crashed between any two effects, before or after the commit: the states and alerts of one run."""
    told = [*data.draw(STORIES), register(-299, publish="live")._replace(id="live")]
    story = sorted(map(received, given(told)), key=lambda item: item.received)
    directory = tmp_path_factory.mktemp("node")
    node = Node(directory=directory)
    node.streams.log += story
    now = story[0].received
    for _ in range(data.draw(st.integers(1, 5))):
        node.take(data.draw(st.integers(node.read, len(story))))
        now = max([now, *(item.received for item in story[: node.read])])
        reach, commit = data.draw(st.sampled_from((3, 3, 0, 1, 2))), data.draw(st.booleans())
        if data.draw(st.booleans()):
            node.checkpoint(now, commit=commit)
        else:
            node.judge(now, reach=reach, commit=commit)
        if reach < 3 or not commit or data.draw(st.booleans()):
            node.crash()
            node = Node(node.streams, directory)
    node.take(len(story))
    now = max(now, story[-1].received)
    node.judge(now)
    node.crash()
    whole = Node()
    whole.receive(story)
    whole.judge(now)
    assert node.versions() == whole.versions()
    assert node.firing() == whole.firing()
    assert node.world.rollup.differs(whole.world.rollup) == []
    assert shown(node.streams) == shown(whole.streams)
    assert twins(node.streams) == []


def test_a_crash_after_the_alerts_makes_no_twin(tmp_path: Path) -> None:
    """Alerts that were stored before a crash are known to the next process: it stores the state and no second alert."""
    node = Node(directory=tmp_path)
    story = status(0, lifecycle="open")._replace(id="o"), backup(1, 2)._replace(id="b")
    node.receive(items(*story))
    node.judge(instant(5), reach=1)
    assert node.streams.states == []
    node.crash()
    node = Node(node.streams, tmp_path)
    assert node.read == 0
    node.take(2)
    node.judge(instant(6))
    assert len(node.streams.alerts) == 1
    assert len(node.streams.states) == 1
