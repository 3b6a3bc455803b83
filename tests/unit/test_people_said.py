"""Requests for reports, annotations and adoptions are folded like reports are: functions of the set of orders."""

import hashlib
import itertools
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.adapter import rules
from oracle.make import instant, order, when
from vardkase.domain import requests
from vardkase.domain.annotations import NOTES_KEPT, NOTES_LAST, NOTES_SHOWN, adoption_document, note_document
from vardkase.domain.order_check import refusal_of
from vardkase.domain.orders import Orders
from vardkase.domain.requests import SHOWN, requests_of
from vardkase.domain.snapshots import BadSnapshot, pack, unpack
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import DAY, MINUTE
from vardkase_contracts.orders import ORDER, AdoptOrder, Order

UMEA, LAN = Area("kommun", "2480"), Area("lan", "24")
AREAS = (UMEA, Area("kommun", "2482"), LAN, Area("nation", "SE"))
VERSION = "a" * 64


def decoded(event: dict[str, Any], about: str | None = None) -> Order:
    return ORDER.validate_json(orjson.dumps(event | ({} if about is None else {"subject": about})))


def request(
    minute: float, deadline: float = 120, *, by: tuple[str, str] = ("lan", "24"), id_: str = "o", **data: Any
) -> Order:
    """Somebody asks for reports; of all in the own area when nothing else is said."""
    said = {"id": "q", "areas": [by[1]], "deadline": when(deadline)} | data
    return decoded(order("report_request", minute, said, by=by, id_=id_))


def note(
    minute: float, about: str = "24", *, by: tuple[str, str] = ("lan", "24"), id_: str = "n", **data: Any
) -> Order:
    """Somebody annotates a picture."""
    return decoded(order("note", minute, {"note": "hej"} | data, by=by, id_=id_), about)


def adopt(
    minute: float, by: tuple[str, str] = ("lan", "24"), *, about: str | None = None, id_: str = "a", **data: Any
) -> AdoptOrder:
    """Somebody adopts their own picture."""
    said = {"level": by[0], "code": by[1], "version": VERSION, "sha256": VERSION} | data
    found = decoded(order("adopt", minute, said, by=by, id_=id_), about or by[1])
    assert isinstance(found, AdoptOrder)
    return found


def folded(*orders: Order) -> Orders:
    found = Orders()
    for each in orders:
        found.take(each)
    return found


def standing(orders: Orders, minute: float, area: Area = UMEA, heard: float | None = None) -> list[tuple[str, str]]:
    """The requests of an area's picture with their states, when its kommuner were last heard at a minute."""
    last = None if heard is None else instant(heard)
    return [(each["id"], each["state"]) for each in requests_of(orders.requests, area, lambda _: last, instant(minute))]


def said(orders: Orders, minute: float) -> Any:
    """All that pictures say of acts of people at a minute."""
    now = instant(minute)
    heard = {"2480": instant(12), "2482": instant(-5)}
    adoptions = [orders.adoptions.of(area.code, now) for area in AREAS]
    return (
        [requests_of(orders.requests, area, heard.get, now) for area in AREAS],
        [[note_document(each) for each in orders.notes.of(area.code, now)] for area in AREAS],
        [each and adoption_document(each) for each in adoptions],
    )


# -- requests ------------------------------------------------------------------------------------------------------


def test_a_request_waits_reminds_and_is_overdue_by_the_clock() -> None:
    """It reminds at the last quarter of its time, an hour before at the most, and is overdue at its deadline."""
    orders = folded(request(0, 120))
    assert [standing(orders, minute)[0][1] for minute in (0, 89.9, 90, 119.9, 120)] == [
        "open",
        "open",
        "reminded",
        "reminded",
        "overdue",
    ]
    assert standing(folded(request(0, 24 * 60)), 23 * 60 - 0.1) == [("q", "open")]
    assert standing(folded(request(0, 24 * 60)), 23 * 60) == [("q", "reminded")]


@pytest.mark.parametrize(("heard", "state"), [(None, "open"), (9.9, "open"), (10, "answered"), (11, "answered")])
def test_content_observed_since_it_was_given_answers(heard: float | None, state: str) -> None:
    """What was observed before is no answer, however late it comes."""
    assert standing(folded(request(10)), 20, heard=heard) == [("q", state)]


def test_questions_are_answered_by_a_note_that_names_the_request() -> None:
    """A report alone does not answer them; a note of the kommun does, and no other kommun's."""
    asked = request(0, questions=["Hur länge räcker bränslet?"])
    assert standing(folded(asked), 20, heard=10) == [("q", "open")]
    other = note(10, "2482", by=("kommun", "2482"), request="q")
    assert standing(folded(asked, other), 20, heard=10) == [("q", "open")]
    own = note(10, "2480", by=("kommun", "2480"), request="q", answers=["Till i morgon"])
    assert standing(folded(asked, own), 20) == [("q", "answered")]
    assert standing(folded(asked, own), 9) == [("q", "open")]


def test_a_wider_area_that_is_asked_answers_for_all_of_it() -> None:
    """The nation asks the län as such: its answer is the answer; but not of a län that stood in no question."""
    answer = note(10, "24", request="q")
    of_the_lan = request(0, by=("nation", "SE"), areas=["24"], questions=["Läget?"])
    of_the_kommun = request(0, by=("nation", "SE"), areas=["2480"], questions=["Läget?"])
    assert standing(folded(of_the_lan, answer), 20) == [("q", "answered")]
    assert standing(folded(of_the_kommun, answer), 20) == [("q", "open")]


def test_the_same_id_again_changes_or_ends_a_request() -> None:
    """A new deadline loses no answers; withdrawn, nobody is asked; and of another level the same id is another's."""
    longer = request(60, 600, id_="p")
    assert standing(folded(request(0, 120), longer), 300, heard=5) == [("q", "answered")]
    assert standing(folded(request(0, 120), longer), 300) == [("q", "open")]
    ended = request(60, 120, withdrawn=True, id_="p")
    assert [standing(folded(request(0, 120), ended), minute) for minute in (59, 60)] == [
        [("q", "open")],
        [("q", "withdrawn")],
    ]
    nation = request(60, 120, by=("nation", "SE"), withdrawn=True, id_="p")
    assert set(standing(folded(request(0, 120), nation), 70)) == {("q", "open"), ("q", "withdrawn")}


def test_a_picture_shows_what_concerns_it() -> None:
    """Of those above and its own; not those that ask others, nor, in the country's, what a län asks its kommuner."""
    orders = folded(request(0, id_="a", areas=["2480"]), request(0, by=("nation", "SE"), id_="b", areas=["24", "25"]))
    found = {area.code: len(standing(orders, 10, area)) for area in (*AREAS, Area("kommun", "2580"))}
    assert found == {"2480": 2, "2482": 1, "24": 2, "SE": 1, "2580": 1}


def test_a_request_reaches_no_further_than_the_area_it_is_about() -> None:
    """Who may ask one kommun asks no other by naming it."""
    orders = folded(decoded(order("report_request", 0, {"areas": ["2480", "25"], "deadline": when(9)}, id_="o")))
    assert [standing(orders, 1, area) for area in (UMEA, Area("kommun", "2580"))] == [[("o", "open")], []]


def test_a_picture_shows_a_bounded_number_those_that_wait_first() -> None:
    """However many there are: those that wait, by deadline; and none for ever."""
    orders = folded(*(request(n, 60 + n, id_=f"o{n}", id=f"q{n}") for n in range(2 * SHOWN)))
    assert [name for name, _ in standing(orders, 30)] == [f"q{n}" for n in range(SHOWN)]
    assert standing(orders, 60 + 2 * SHOWN + 24 * 60) == []


def test_what_a_picture_shows_of_texts_is_bounded_so_that_it_can_be_adopted() -> None:
    """Long texts push out those behind them, and never the first."""
    long = ["å" * 120] * 50
    orders = folded(*(request(n, 60 + n, id_=f"o{n}", id=f"q{n}", questions=long) for n in range(3)))
    assert [name for name, _ in standing(orders, 30)] == ["q0"]
    orders = folded(*(note(n, id_=f"n{n}", note="å" * 1400) for n in range(5)))
    assert [each.rank[1] for each in orders.notes.of("24", instant(30))] == ["n4", "n3"]
    orders = folded(note(0, note="\N{OWL}" * 2000))
    assert len(orders.notes.of("24", instant(30))) == 1


def test_old_requests_are_forgotten_and_too_many_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by area, and by time."""
    monkeypatch.setattr(requests, "ORDERS_KEPT", 5)
    orders = folded(*(request(n, id_=f"o{n}", id=f"q{n}") for n in range(9)))
    assert (len(orders.requests), orders.requests.left_out) == (5, 4)
    orders.requests.forget(instant(0) + 40 * DAY)
    assert len(orders.requests) == 0
    assert folded(request(0, 60 * 24 * 365)).requests.given(instant(0))[0].request.deadline == instant(0) + 30 * DAY


def test_answers_are_kept_of_a_bounded_number_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those answered last; and of one area a bounded number of answers to one."""
    monkeypatch.setattr(requests, "ANSWERED_KEPT", 2)
    answers = [note(n, "2480", by=("kommun", "2480"), id_=f"n{n}", request=f"q{n % 3}") for n in range(40)]
    asked = [request(0, 600, id_=f"o{n}", id=f"q{n}", questions=["?"], areas=["2480"]) for n in range(3)]
    assert sorted(standing(folded(*asked, *answers), 50)) == [("q0", "answered"), ("q1", "open"), ("q2", "answered")]
    assert sorted(standing(folded(*reversed(answers), *asked), 50)) == [
        ("q0", "answered"),
        ("q1", "open"),
        ("q2", "answered"),
    ]


# -- annotations ---------------------------------------------------------------------------------------------------


def test_notes_stand_newest_first_bounded_and_not_for_ever() -> None:
    """Ten of the last week; one that a wrong clock dated ahead waits for its time and hides none."""
    orders = folded(*(note(n, id_=f"n{n:03}") for n in range(2 * NOTES_KEPT)), note(10_000, id_="ahead"))
    now = instant(200)
    assert [each.rank[1] for each in orders.notes.of("24", now)] == [
        f"n{n:03}" for n in reversed(range(2 * NOTES_KEPT - NOTES_SHOWN, 2 * NOTES_KEPT))
    ]
    assert orders.notes.of("2480", now) == []
    assert orders.notes.of("24", instant(10_000))[0].rank[1] == "ahead"
    assert not orders.notes.of("24", instant(10_000) + NOTES_LAST)
    assert min(orders.notes.boundaries(now)) > now


def test_the_last_adoption_counts_once_its_time_has_come() -> None:
    """A later one takes its place; of another area it is another's."""
    orders = folded(adopt(10, id_="a"), adopt(20, id_="b", version="b" * 64), adopt(15, ("kommun", "2480"), id_="c"))
    found = [orders.adoptions.of("24", instant(minute)) for minute in (9, 10, 20)]
    assert [each and each.version[0] for each in found] == [None, "a", "b"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_order_and_repetition_of_orders_says_the_same(data: st.DataObject) -> None:
    """Requests, answers, notes and adoptions are a set: how they came does not matter."""
    minutes = st.integers(0, 40)
    lan, kommun, nation = ("lan", "24"), ("kommun", "2480"), ("nation", "SE")
    made: list[Order] = []
    for n in range(data.draw(st.integers(1, 9))):
        minute, by = data.draw(minutes), data.draw(st.sampled_from([lan, kommun, nation]))
        name = data.draw(st.sampled_from(["q", "r"]))
        made.append(
            data.draw(
                st.sampled_from(
                    [
                        request(minute, minute + 60, by=by, id_=f"o{n}", id=name, questions=["?"] * (n % 2)),
                        request(minute, minute + 60, by=by, id_=f"o{n}", id=name, withdrawn=True),
                        note(minute, by[1], by=by, id_=f"o{n}", request=name),
                        note(minute, by[1], by=by, id_=f"o{n}", note=f"{n}"),
                        adopt(minute, by, id_=f"o{n}", version=f"{n:064}"),
                    ]
                )
            )
        )
    came = data.draw(st.permutations(made + data.draw(st.lists(st.sampled_from(made), max_size=5))))
    straight, other = folded(*made), folded(*came)
    for minute in (0, 5, 13, 20, 41, 70, 100, 2000):
        assert said(other, minute) == said(straight, minute)


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(6)))
def test_what_too_many_leave_out_does_not_depend_on_how_they_came(places: list[int]) -> None:
    """Beyond the bound, too: the latest are kept."""
    made = [request(n, id_=f"o{n}", id=f"q{n % 4}") for n in range(6)]
    kept = requests.ORDERS_KEPT
    try:
        requests.ORDERS_KEPT = 3
        found = folded(*(made[place] for place in places))
        assert [each.request.rank[1] for each in found.requests.given(instant(50))] == ["o3", "o4", "o5"]
    finally:
        requests.ORDERS_KEPT = kept


def test_the_clock_changes_nothing_between_boundaries() -> None:
    """Whoever looks again at each boundary, and then alone, misses nothing."""
    orders = folded(
        request(0, 120, questions=["?"]),
        note(30, "2480", by=("kommun", "2480"), request="q"),
        note(50, id_="m"),
        adopt(70),
    )
    kinds = (orders.requests, orders.notes, orders.adoptions)
    now, seen = instant(-1), []
    while (due := min((at for each in kinds for at in each.boundaries(now)), default=None)) is not None:
        seen.append(due)
        now = due
    pairs = itertools.pairwise([instant(-1), *seen, instant(20 * 24 * 60)])
    for begin, end in pairs:
        minutes = [(each - instant(0)) / MINUTE for each in (begin, end - 1)]
        assert said(orders, minutes[0]) == said(orders, minutes[1])


# -- snapshots -----------------------------------------------------------------------------------------------------


def picture(**more: Any) -> bytes:
    return orjson.dumps({"reality": "act", "level": "lan", "code": "24", "version": VERSION, "events": []} | more)


def adopting(raw: bytes, **more: Any) -> AdoptOrder:
    packed = pack(raw)
    return adopt(0, **({"sha256": packed.sha256, "snapshot": packed.snapshot} | more))


def test_an_order_brings_the_very_bytes() -> None:
    """What is unpacked is what was packed; without a picture there is none, and that is no fault."""
    raw = picture(name="Västerbottens län")
    found = adopting(raw)
    assert unpack(found.data) == raw
    assert refusal_of(found, rules()) is None
    before = adopt(0, sha256=None)
    assert unpack(before.data) is None
    assert refusal_of(before, rules()) is None
    assert folded(before).adoptions.of("24", instant(1)) is None


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (adopting(picture(), sha256="b" * 64), "data.sha256"),
        (adopting(picture(version="b" * 64)), "data.snapshot"),
        (adopting(picture(code="25")), "data.snapshot"),
        (adopting(picture(reality="exe")), "data.snapshot"),
        (adopting(b"no picture"), "data.snapshot"),
        (adopting(b'"' + b" " * (5 << 20) + b'"'), "data.snapshot"),
        (adopting(picture(), snapshot="QUJDREVGR0hJSktM"), "data.snapshot"),
        (adopting(picture(), code="2480", level="kommun"), "data.code"),
        (adopting(picture(), level="nation"), "data.level"),
        (adopt(0, ("nation", "SE"), about="24", level="lan", code="24"), "data.by"),
    ],
    ids=[
        "hash",
        "version",
        "area",
        "reality",
        "no json",
        "too large",
        "no zlib",
        "another's",
        "no such level",
        "by another",
    ],
)
def test_an_order_that_brings_another_picture_is_refused(found: AdoptOrder, field: str) -> None:
    """Everywhere, and not at the gateway alone: the order is what is kept."""
    refusal = refusal_of(found, rules())
    assert refusal is not None
    assert refusal.field == field


def test_a_picture_that_fits_in_no_order_is_not_packed() -> None:
    """It is said, rather than cut off."""
    noise = hashlib.shake_256(b"noise").digest(100_000)
    with pytest.raises(BadSnapshot):
        pack(noise)
