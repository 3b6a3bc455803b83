"""Asking for reports, annotating, adopting, and a silence that ends: told by the clock."""

import hashlib
from typing import Any

import orjson
import pytest

from acceptance.node import Node
from acceptance.timeline import Timeline, at, clock
from oracle.make import POINT, Told, instant, order, register, staff, status, when
from vardkase.domain.snapshots import pack
from vardkase_contracts.instants import MINUTE, parse
from vardkase_contracts.picture import PICTURE

STAFF = f"staff.short/{POINT}"
NEIGHBOUR = "2482-boda"


def opened(*told: Told, **more: Any) -> Timeline:
    """A point that is open since eight, and what more is told of it."""
    timeline = Timeline(**more)
    timeline.tell(register(at(8)), status(at(8), lifecycle="open"), *told)
    return timeline


def request(minute: float, deadline: float, areas: list[str], *, id_: str = "o", **data: Any) -> dict[str, Any]:
    """The länsstyrelse asks for reports."""
    return order("report_request", minute, {"id": "q", "areas": areas, "deadline": when(deadline)} | data, id_=id_)


def note(minute: float, by: tuple[str, str], about: str, *, id_: str = "n", **data: Any) -> dict[str, Any]:
    """Somebody annotates a picture, or answers."""
    return order("note", minute, {"note": "Elverk på väg"} | data, by=by, id_=id_) | {"subject": about}


def adopted(timeline: Timeline, code: str, minute: float, *, id_: str) -> dict[str, Any]:
    """Somebody adopts their picture as it is."""
    picture = timeline.until(minute).picture(code)
    packed = pack(orjson.dumps(picture))
    data = {"level": picture["level"], "code": code, "version": picture["version"], "note": "Stabsgenomgång"}
    data |= {"sha256": packed.sha256, "snapshot": packed.snapshot}
    timeline.order(order("adopt", minute, data, by=(picture["level"], code), id_=id_))
    return picture


def asked(timeline: Timeline, code: str) -> tuple[str, int, list[str]]:
    """How the one request stands in an area's picture: state, how many have answered, who has not."""
    (found,) = timeline.picture(code)["requests"]
    assert found["asked"] == found["answered"] + len(found["missing"])
    return found["state"], found["answered"], found["missing"]


def happened(timeline: Timeline, code: str) -> list[str]:
    """What people did, newest first, in an area's picture."""
    return [f"{clock(parse(each['at']))} {each['kind']}" for each in timeline.picture(code)["acts"]]


def test_a_request_is_answered_kommun_by_kommun_and_closes() -> None:
    """Who has answered and who has not is always seen; by the clock they are reminded; the last one closes it."""
    timeline = opened()
    timeline.order(request(at(9), at(11), ["2480", "2482"], note="Läget inför natten?"))
    assert asked(timeline, "24") == ("open", 0, ["2480", "2482"])
    timeline.tell(status(at(9, 20), occupancy=3))
    assert asked(timeline, "24") == ("open", 1, ["2482"])
    assert asked(timeline, "2480") == ("answered", 1, [])
    timeline.until(at(10, 30))
    assert asked(timeline, "24")[0] == "reminded"
    assert asked(timeline, "2482")[0] == "reminded"
    timeline.until(at(11))
    assert asked(timeline, "24") == ("overdue", 1, ["2482"])
    timeline.tell(Told(at(11, 5), "activation", {"state": "none_needed"}, point="2482-_"))
    assert asked(timeline, "24") == ("answered", 2, [])
    assert happened(timeline, "24") == ["11:00 overdue", "10:30 reminded", "09:00 requested"]
    assert happened(timeline, "2480") == ["09:00 requested"]
    timeline.until(at(11, 1, day=1))
    assert timeline.picture("24")["requests"] == []


def test_a_late_report_of_before_the_request_is_no_answer() -> None:
    """It says how it was before anybody asked; one observed since, that comes late, is."""
    timeline = opened()
    timeline.order(request(at(9), at(11), ["2480"]))
    timeline.tell(status(at(8, 50), occupancy=3)._replace(received=at(9, 10)))
    assert asked(timeline, "24")[0] == "open"
    timeline.until(at(11, 10))
    timeline.tell(status(at(9, 30), occupancy=4)._replace(received=at(11, 20)))
    assert asked(timeline, "24")[0] == "answered"


def test_a_withdrawn_answer_is_none() -> None:
    """State is a function of the set of reports, and so is who has answered."""
    timeline = opened()
    timeline.order(request(at(9), at(11), ["2480"]))
    timeline.tell(status(at(9, 20), occupancy=3)._replace(id="wrong"))
    assert asked(timeline, "24")[0] == "answered"
    timeline.tell(Told(at(9, 30), "withdraw", {"report_ids": ["wrong"], "reason": "fel punkt"}))
    assert asked(timeline, "24")[0] == "open"


def test_questions_wait_for_an_answer_and_the_deadline_can_be_moved() -> None:
    """A report answers no question; a note that names the request does, and a later deadline forgets it not."""
    timeline = opened()
    timeline.order(request(at(9), at(10), ["2480", "2482"], questions=["Hur länge räcker bränslet?"]))
    timeline.tell(status(at(9, 20), occupancy=3))
    assert asked(timeline, "24")[1] == 0
    timeline.order(note(at(9, 40), ("kommun", "2480"), "2480", request="q", answers=["Till kl. 18"]))
    assert asked(timeline, "24") == ("open", 1, ["2482"])
    timeline.until(at(10, 10))
    assert asked(timeline, "24")[0] == "overdue"
    timeline.order(request(at(10, 20), at(12), ["2480", "2482"], questions=["Hur länge räcker bränslet?"], id_="p"))
    assert asked(timeline, "24") == ("open", 1, ["2482"])
    timeline.order(request(at(10, 30), at(12), ["2480", "2482"], withdrawn=True, id_="r"))
    assert asked(timeline, "24")[0] == "withdrawn"


def test_a_note_stands_on_the_picture_for_a_week_and_changes_nothing_reported() -> None:
    """A higher level annotates: newest first, told as an event, and the picture's version is the one it was."""
    timeline = opened()
    before = timeline.until(at(9)).picture("2480")["version"]
    timeline.order(note(at(9), ("lan", "24"), "2480", id_="a"))
    timeline.order(note(at(9, 30), ("nation", "SE"), "2480", id_="b", note="Mobilt reservnät begärt"))
    picture = timeline.picture("2480")
    assert [(each["by"]["code"], each["note"]) for each in picture["notes"]] == [
        ("SE", "Mobilt reservnät begärt"),
        ("24", "Elverk på väg"),
    ]
    assert picture["version"] == before
    assert happened(timeline, "2480") == ["09:30 noted", "09:00 noted"]
    assert timeline.picture("24")["notes"] == []
    timeline.until(at(9, 15, day=7))
    assert [each["id"] for each in timeline.picture("2480")["notes"]] == ["b"]


def test_an_adopted_picture_says_so_and_events_count_from_it() -> None:
    """By whom and of which version; what happened before is in that one; what has changed since, its version tells."""
    timeline = opened(staff(at(8, 30), 4, 4))
    first = adopted(timeline, "24", at(9, 5), id_="a")
    picture = timeline.picture("24")
    assert picture["adopted"] == {
        "at": when(at(9, 5)),
        "by": {"role": "tib", "level": "lan", "code": "24"},
        "version": first["version"],
        "note": "Stabsgenomgång",
        "sha256": hashlib.sha256(orjson.dumps(first)).hexdigest(),
    }
    assert picture["version"] == first["version"]
    assert (picture["events"], [each["kind"] for each in picture["acts"]]) == ([], ["adopted"])
    assert timeline.picture("2480")["adopted"] is None
    timeline.tell(staff(at(9, 30), 1, 4))
    picture = timeline.picture("24")
    assert picture["version"] != picture["adopted"]["version"]
    assert {each["kind"] for each in picture["events"]} == {"raised"}
    second = adopted(timeline, "24", at(10), id_="b")
    picture = timeline.until(at(10, 5, day=2)).picture("24")
    assert (picture["adopted"]["version"], picture["adopted"]["at"]) == (second["version"], when(at(10)))
    assert [each["order"] for each in picture["acts"]] == ["b"]
    assert all(each["at"] >= when(at(10)) for each in picture["events"])
    PICTURE.validate_json(orjson.dumps(picture))


def test_a_silence_warns_before_it_ends_while_the_trouble_lasts() -> None:
    """In its last half hour the alert says so, once; and nothing is told of one whose trouble is over."""
    silence = {"matcher": {"point": POINT}, "from": when(at(9)), "until": when(at(13))}
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(order("silence", at(9), silence, id_="s"))
    timeline.until(at(14))
    found = [(clock(parse(each["changed_at"])), [one.get("ends_soon") for one in each["silences"]])
             for each in timeline.alerts(STAFF)]  # fmt: skip
    assert found == [("09:00", []), ("09:00", [None]), ("12:30", [True]), ("13:00", [])]
    quiet = opened(staff(at(9), 1, 4))
    quiet.order(order("silence", at(9), silence, id_="s"))
    quiet.tell(staff(at(10), 4, 4))
    quiet.until(at(14))
    assert [each["status"] for each in quiet.alerts(STAFF)] == ["firing", "firing", "cleared"]


def test_a_silence_that_is_prolonged_does_not_warn_of_its_first_end() -> None:
    """The later order takes its place, and warns before its own end."""
    timeline = opened(staff(at(9), 1, 4))
    for minute, until, id_ in ((at(9), at(10), "a"), (at(9, 40), at(12), "b")):
        data = {"id": "s", "matcher": {"point": POINT}, "from": when(at(9)), "until": when(until)}
        timeline.order(order("silence", minute, data, id_=id_))
    timeline.until(at(11, 50))
    warned = [
        clock(parse(each["changed_at"]))
        for each in timeline.alerts(STAFF)
        if any(one.get("ends_soon") for one in each["silences"])
    ]
    assert warned == ["11:30"]


@pytest.mark.parametrize("kind", ["report_request", "note", "adopt"])
def test_late_orders_and_restarts_say_the_same(kind: str) -> None:
    """Whenever an order came, and whoever reads them all anew, pictures say the same at one instant."""
    timeline = opened()
    made = {
        "report_request": request(at(9), at(11), ["2480", "2482"]),
        "note": note(at(9), ("lan", "24"), "24"),
        "adopt": order(
            "adopt", at(9), {"level": "lan", "code": "24", "version": "a" * 64, "sha256": "b" * 64}, id_="a"
        ),
    }[kind]
    timeline.order(made)
    timeline.until(at(10, 45))
    late = opened()
    late.order(made, arrives=at(10, 45))
    late.order(made, arrives=at(10, 45))
    again = Node(timeline.node.streams)
    again.take(len(again.streams.log))
    again.judge(instant(at(10, 45)))
    for code in ("2480", "24"):
        wanted = timeline.picture(code)
        for found in (late.picture(code), again.picture(code, instant(at(10, 45)))):
            for name in ("adopted", "acts", "notes", "requests", "version"):
                assert found[name] == wanted[name], name


def test_an_exercise_asks_nobody_in_reality() -> None:
    """A request, a note and an adoption in the exercise stand in its pictures alone."""
    act, exe = Timeline(node=Node()), Timeline(node=Node(reality="exe"))
    for made in (request(at(9), at(11), ["2480"]), note(at(9), ("lan", "24"), "24")):
        exe.order(made | {"reality": "exe"})
    found = [[len(each.picture("24")[name]) for name in ("requests", "notes")] for each in (act, exe)]
    assert found == [[0, 0], [1, 1]]
    assert act.now < instant(at(9)) + 24 * 60 * MINUTE
