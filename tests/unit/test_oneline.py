"""The one-line report: what is said over SMS, Rakel or telephone when there is no internet."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vardkase_contracts import vocab
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.client.events import decode_report
from vardkase_contracts.instants import DAY, HOUR, MINUTE, iso
from vardkase_contracts.instants import parse as instant
from vardkase_contracts.oneline import LONGEST, Line, LineError, normal, parse, reports, sentence, words

THE_ONE = "TP SKARPT 0310 2480 17 O B42/80 P2 E11 S3/4 V1 N:FUEL"
RECEIVED = instant("2026-11-20T02:15:00Z")


def line(text: str, received: int = RECEIVED) -> Line:
    found = parse(text, received)
    assert isinstance(found, Line), str(found)
    return found


def wrong(text: str, received: int = RECEIVED) -> LineError:
    found = parse(text, received)
    assert isinstance(found, LineError), found
    return found


def made(text: str, received: int = RECEIVED) -> dict[str, Any]:
    """The reports' data, by kind."""
    events = [json.loads(each) for each in reports(line(text, received), "2480-x", "sms")]
    return {event["type"].split(".")[2]: event["data"] for event in events}


def test_the_example_says_what_it_looks_like() -> None:
    """The line of the page becomes a status, resources and a need, relayed, seen at ten past three in Sweden."""
    events = [json.loads(each) for each in reports(line(THE_ONE), "2480-x", "rakel")]
    for event in events:
        assert (event["time"], event["quality"], event["channel"]) == ("2026-11-20T02:10:00Z", "relayed", "rakel")
        assert (event["subject"], event["source"], event["reality"]) == ("2480-x", "urn:tp:kommun:2480:rad", "act")
    assert made(THE_ONE) == {
        "status": {"lifecycle": "open", "occupancy": 42, "capacity_night": 80},
        "resources": {
            "power": {"source": "backup", "backup_state": "running", "endurance_h": 11.0},
            "staff": {"present": 3, "required": 4},
            "water": {"source": "mains"},
        },
        "need": {"need_id": "rad-n-fuel", "direction": "need", "kind": "fuel", "state": "requested"},
    }
    assert sentence(line(THE_ONE), RECEIVED, "Umedalens skola") == (
        "SKARPT LÄGE. Umeå (2480), punkt 17 Umedalens skola, fredag 20 november kl 03.10: öppen; 42 besökare, "
        "80 platser nu; reservkraft i drift, räcker 11 timmar; 3 i personalen av 4 som behövs; vatten från ledning; "
        "behov: drivmedel."
    )


def test_all_unchanged_confirms_and_nothing_else() -> None:
    """ALLT OFÖRÄNDRAT is a confirm, and stands alone."""
    assert made("tp skarpt 0310 2480 17 allt oförändrat") == {"confirm": {}}
    assert line("TP SKARPT 0310 2480 17 OFORANDRAT") == line("TP SKARPT 0310 2480 17 ALLT OFÖRÄNDRAT")
    assert wrong("TP SKARPT 0310 2480 17 ALLT OFÖRÄNDRAT O").place == 8
    assert wrong("TP SKARPT 0310 2480 17 ALLT").place == 7


def test_unknown_is_said_and_is_not_left_out() -> None:
    """A question mark is null in the report; what is not said is not in it."""
    assert made("TP SKARPT 0310 2480 17 B? P? S? V? H? K?") == {
        "status": {"occupancy": None},
        "resources": {"power": None, "staff": None, "water": None, "heat": None, "comms": None},
    }


@pytest.mark.parametrize(
    ("said", "resources"),
    [
        ("P0", {"power": {"source": "none"}}),
        ("P1", {"power": {"source": "mains"}}),
        ("P3 E1,5", {"power": {"source": "battery", "battery_h": 1.5}}),
        ("P4", {"power": {"source": "backup", "backup_state": "off"}}),
        ("P5", {"power": {"source": "backup", "backup_state": "not_connected"}}),
        ("P6", {"power": {"source": "backup", "backup_state": "fault"}}),
        (
            "D60/12.5 P2",
            {"power": {"source": "backup", "backup_state": "running", "fuel_l": 60, "fuel_l_per_h": 12.5}},
        ),
        ("V0", {"water": {"source": "tank", "litres": 0}}),
        ("V2/400", {"water": {"source": "tank", "litres": 400}}),
        ("H-5", {"heat": {"indoor_c": -5.0}}),
        ("K0-MI+R", None),
        ("K0+R-MI", {"comms": {"rakel": "up", "mobile": "down", "internet": "down", "can_call_112": False}}),
    ],
)
def test_each_code_is_what_the_table_says(said: str, resources: dict[str, Any] | None) -> None:
    """Power, water, heat and communications by their codes; each section is whole."""
    text = f"TP SKARPT 0310 2480 17 {said}"
    if resources is None:
        assert wrong(text).token == said
    else:
        assert made(text) == {"resources": resources}


def test_needs_have_quantities_times_and_courses() -> None:
    """Of each kind one need, under an id of its own, so that the same need said again is the same need."""
    found = [
        json.loads(each)["data"]
        for each in reports(
            line("TP SKARPT 0310 2480 17 N:DRIVMEDEL/200L/AKUT/0600+MAT/KLAR G:PERSONAL/2PERS"), "2480-x", "sms"
        )
    ]
    assert found == [
        {
            "need_id": "rad-n-fuel",
            "direction": "need",
            "kind": "fuel",
            "state": "requested",
            "quantity": 200,
            "unit": "l",
            "priority": "urgent",
            "needed_by": "2026-11-20T05:00:00Z",
        },
        {"need_id": "rad-n-food", "direction": "need", "kind": "food", "state": "delivered"},
        {
            "need_id": "rad-g-staff",
            "direction": "surplus",
            "kind": "staff",
            "state": "requested",
            "quantity": 2,
            "unit": "persons",
        },
    ]


@pytest.mark.parametrize(
    ("text", "token", "place", "expected"),
    [
        ("", "", 1, "TP"),
        ("HEJ", "HEJ", 1, "TP"),
        ("TP", "", 2, "SKARPT"),
        ("TP SKARP 0310 2480 17 O", "SKARP", 2, "SKARPT"),
        ("TP SKARPT 2510 2480 17 O", "2510", 3, "0310"),
        ("TP SKARPT 3.10 2480 17 O", "3.10", 3, "0310"),
        ("TP SKARPT 0310B 2480 17 O", "0310B", 3, "A och B"),
        ("TP SKARPT 220310 2480 17 O", "220310", 3, "27 dygn"),
        ("TP SKARPT 210310 2480 17 O", "210310", 3, "27 dygn"),
        ("TP SKARPT 0310 9999 17 O", "9999", 4, "kommunens kod"),
        ("TP SKARPT 0310 2480 0 O", "0", 5, "1 till 999"),
        ("TP SKARPT 0310 2480 1000 O", "1000", 5, "1 till 999"),
        ("TP SKARPT 0310 2480 \u0661\u0667 O", "\u0661\u0667", 5, "1 till 999"),
        ("TP SKARPT 0310 2480 17", "", 6, "läget"),
        ("TP SKARPT 0310 2480 17 Ö", "Ö", 6, "läget"),
        ("TP SKARPT 0310 2480 17 O B42/8O", "B42/8O", 7, "B42/80"),
        ("TP SKARPT 0310 2480 17 O O", "O", 7, "redan"),
        ("TP SKARPT 0310 2480 17 B4 B4", "B4", 7, "redan"),
        ("TP SKARPT 0310 2480 17 E11 P1", "E11", 6, "P2 eller P3"),
        ("TP SKARPT 0310 2480 17 P3 D60", "D60", 7, "P2"),
        ("TP SKARPT 0310 2480 17 P7", "P7", 6, "P1 nät"),
        ("TP SKARPT 0310 2480 17 E9999 P2", "E9999", 6, "E11"),
        ("TP SKARPT 0310 2480 17 V1/400", "V1/400", 6, "V2/400"),
        ("TP SKARPT 0310 2480 17 H61", "H61", 6, "H19"),
        ("TP SKARPT 0310 2480 17 K1+RR", "K1+RR", 6, "högst en gång"),
        ("TP SKARPT 0310 2480 17 N:", "N:", 6, "FUEL"),
        ("TP SKARPT 0310 2480 17 N:FUEL+DRIVMEDEL", "N:FUEL+DRIVMEDEL", 6, "varje slag"),
        ("TP SKARPT 0310 2480 17 N:FUEL/200", "N:FUEL/200", 6, "200L"),
        ("TP SKARPT 0310 2480 17 N:FUEL/AKUT/AKUT", "N:FUEL/AKUT/AKUT", 6, "högst ett"),
        ("TP SKARPT 0310 2480 17 M:\x1b[2J", "M:\ufffd[2J", 6, "läget"),
        ("x" * (LONGEST + 1), "", 1, "320 tecken"),
    ],
)
def test_one_error_names_the_word_and_what_was_expected(text: str, token: str, place: int, expected: str) -> None:
    """Nothing is guessed: the first word that is wrong is told of, with what ought to stand there."""
    found = wrong(text)
    assert (found.token, found.place) == (token, place)
    assert expected in found.expected
    assert str(found).startswith(f"Ord {place}, ")


@pytest.mark.parametrize(
    ("received", "said", "observed"),
    [
        ("2026-11-20T02:15:00Z", "0310", "2026-11-20T02:10:00Z"),
        ("2026-11-20T02:15:00Z", "2350", "2026-11-19T22:50:00Z"),
        ("2026-11-20T02:08:30Z", "0310", "2026-11-20T02:10:00Z"),  # a fast watch
        ("2026-11-20T02:07:30Z", "0310", "2026-11-19T02:10:00Z"),
        ("2026-11-20T02:15:00Z", "010310", "2026-11-01T02:10:00Z"),
        ("2026-03-05T02:15:00Z", "280310", "2026-02-28T02:10:00Z"),
        # Sunday 2026-10-25: 03.00 becomes 02.00. 02.30 comes at 00:30Z and 01:30Z.
        ("2026-10-25T00:40:00Z", "0230", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:40:00Z", "0230", "2026-10-25T01:30:00Z"),
        ("2026-10-25T01:40:00Z", "0230A", "2026-10-25T00:30:00Z"),
        ("2026-10-25T09:00:00Z", "250230B", "2026-10-25T01:30:00Z"),
        # Sunday 2026-03-29: 02.00 becomes 03.00.
        ("2026-03-29T01:40:00Z", "0330", "2026-03-29T01:30:00Z"),
        ("2026-03-29T00:30:00Z", "0230", "2026-03-28T01:30:00Z"),
        ("2026-03-29T06:30:00Z", "280230", "2026-03-28T01:30:00Z"),
    ],
)
def test_a_time_of_day_is_the_latest_that_has_been(received: str, said: str, observed: str) -> None:
    """In Swedish time, also around midnight, months' ends and the nights when the clock is set."""
    assert iso(line(f"TP SKARPT {said} 2480 17 O", instant(received)).observed) == observed


def test_a_time_that_never_was_is_not_guessed() -> None:
    """Half past two of the night in spring when the clock goes from two to three is refused, and says why."""
    for said in ("0230", "290230"):
        assert "visade aldrig 02.30" in wrong(f"TP SKARPT {said} 2480 17 O", instant("2026-03-29T01:40:00Z")).expected
    assert "A och B" in wrong("TP SKARPT 0330A 2480 17 O", instant("2026-10-25T06:40:00Z")).expected


def test_the_same_line_twice_is_one_report() -> None:
    """Later, in other words and another order, with the day told: the same ids; by the same means, the same bytes."""
    first = reports(line(THE_ONE), "2480-x", "sms")
    other = "  tp skarpt 200310 2480 017 n:drivmedel V1 S3/4 E11,0 P2 B42/80 o "
    assert reports(line(other, RECEIVED + 3 * DAY), "2480-x", "sms") == first
    by_radio = reports(line(THE_ONE, RECEIVED + 20 * HOUR), "2480-x", "rakel")
    assert [json.loads(each)["id"] for each in by_radio] == [json.loads(each)["id"] for each in first]
    for changed in (THE_ONE.replace("B42", "B43"), THE_ONE.replace("0310", "0309"), THE_ONE.replace("SKARPT", "PROV")):
        assert json.loads(reports(line(changed), "2480-x", "sms")[0])["id"] != json.loads(first[0])["id"]
    assert json.loads(reports(line(THE_ONE), "2480-y", "sms")[0])["id"] != json.loads(first[0])["id"]


# -- any line there can be ---------------------------------------------------------------------------------------------

UNKNOWN = st.just("?")
COUNT = st.integers(0, 99_999).map(str)
TENTHS = st.one_of(
    st.integers(0, 875).map(str), st.tuples(st.integers(0, 875), st.integers(0, 9)).map("{0[0]},{0[1]}".format)
)


def of(first: st.SearchStrategy[str], second: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(first, st.tuples(first, second).map("/".join))


def needs() -> st.SearchStrategy[str]:
    quantity = st.tuples(st.integers(0, 999_999), st.sampled_from(list(words.UNITS))).map("{0[0]}{0[1]}".format)
    by = st.tuples(st.integers(3, 23), st.integers(0, 59)).map("{0[0]:02}{0[1]:02}".format)
    parts = (quantity, st.just("AKUT"), by, st.sampled_from(list(words.NEED_STATES)))
    more = st.tuples(*(st.one_of(st.just(""), part) for part in parts))
    kinds = st.lists(
        st.sampled_from(list(words.NEED_KINDS)), min_size=1, max_size=4, unique_by=lambda word: words.NEED_KINDS[word]
    )

    def joined(kinds: list[str]) -> st.SearchStrategy[str]:
        one = [more.map(lambda rest, kind=kind: "/".join([kind, *filter(None, rest)])) for kind in kinds]
        return st.tuples(*one).map("+".join)

    return kinds.flatmap(joined)


POWER = st.one_of(
    st.sampled_from(["P0", "P1", "P4", "P5", "P6", "P?"]).map(lambda word: [word]),
    TENTHS.map(lambda hours: ["P3", f"E{hours}"]),
    st.tuples(TENTHS, of(COUNT, TENTHS)).map(lambda both: ["P2", f"E{both[0]}", f"D{both[1]}"]),
)
COMMS = st.tuples(st.sampled_from("01?"), st.sampled_from(["", "+R", "+RS", "-MI", "-M", "+FS-MIR"])).map(
    lambda both: "K" + "".join(both)
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(list(words.LIFECYCLES)).map(lambda word: [word]),
        "B": of(st.one_of(UNKNOWN, COUNT), COUNT).map(lambda said: [f"B{said}"]),
        "P": POWER,
        "S": st.one_of(UNKNOWN, of(COUNT, COUNT)).map(lambda said: [f"S{said}"]),
        "V": st.one_of(UNKNOWN, st.sampled_from("012"), COUNT.map("2/".__add__)).map(lambda said: [f"V{said}"]),
        "H": st.one_of(UNKNOWN, st.integers(-60, 59).map(str), st.just("-0,5")).map(lambda said: [f"H{said}"]),
        "K": COMMS.map(lambda word: [word]),
        "N": needs().map(lambda said: [f"N:{said}"]),
        "G": needs().map(lambda said: [f"G:{said}"]),
    },
).filter(bool)
MOMENTS = st.integers(instant("2025-01-01T00:00:00Z"), instant("2032-01-01T00:00:00Z"))


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, int]:
    """A line that is right, and when it comes."""
    received = draw(MOMENTS)
    observed = received - draw(st.integers(0, 26 * DAY))
    seen = Line(reality="act", observed=observed - observed % MINUTE, kommun="2480", no=1, unchanged=True)
    time = normal(seen).split()[2]
    kommun, no = draw(st.sampled_from(sorted(KOMMUNER))), draw(st.integers(1, 999))
    fields = [word for group in draw(FIELDS).values() for word in group]
    said = draw(st.permutations(fields)) if draw(st.booleans()) else ["ALLT", "OFÖRÄNDRAT"]
    return " ".join(["TP", draw(st.sampled_from(list(words.REALITIES))), time, kommun, str(no), *said]), received


@given(lines())
def test_every_line_parses_back(case: tuple[str, int]) -> None:
    """What is right parses; its normal form says the same, and is its own normal form; its reports are right."""
    text, received = case
    found = parse(text[:LONGEST], received)
    if len(text) > LONGEST:
        return
    assert isinstance(found, Line), str(found)
    said = normal(found)
    again = parse(said, received)
    if len(said) <= LONGEST:
        assert again == found
        assert normal(again) == said
    assert sentence(found, received).endswith(".")
    made = [decode_report(each) for each in reports(found, f"{found.kommun}-x", "phone")]
    assert made
    assert len({each.id for each in made}) == len(made)
    assert {each.quality for each in made} == {"relayed"}
    assert all(each.kind in vocab.REPORT_KINDS for each in made)


PIECES = st.one_of(
    st.sampled_from(
        [*THE_ONE.split(), "ALLT", "OFÖRÄNDRAT", "290230", "0230A", "N:FUEL/", "K?+", "B?/", "D1/,", "H--1", "V2/"]
    ),
    st.text(max_size=12),
)


@given(st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=12).map(" ".join)), MOMENTS)
def test_any_text_is_a_line_or_one_error(text: str, received: int) -> None:
    """Whatever is written, nobody gets an exception; and what is told back of it can be printed."""
    found = parse(text, received)
    if isinstance(found, Line):
        assert parse(normal(found), received) == found
        assert reports(found, f"{found.kommun}-x", "sms")
    else:
        assert str(found).isprintable()
        assert found.expected
