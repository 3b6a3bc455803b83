"""What was last known, as the pages show it: old readings beside the questions, rows of the grid, what counts."""

import copy
import re
from typing import Any

from reporting_kit import fact, state
from vardkase.gateway.reporting import grid, pages, readings, view
from vardkase_contracts.instants import parse
from vardkase_contracts.schemas import example

NOW = parse("2026-11-20T03:10:00Z")
"""04:10 in Sweden."""
POINT = "2480-umedalen-skola"


def told(document: dict[str, Any]) -> dict[str, str]:
    return {name: each.told(NOW) for name, each in readings.readings(document).items()}


def test_old_readings_are_told_with_their_own_time() -> None:
    """Each reading is told with its unit and with when it was read, not with when the point was last heard."""
    found = told(example("state"))
    assert found["power.fuel_l"] == "senast 60\N{NO-BREAK SPACE}l kl 03:40"
    assert found["occupancy"] == "senast 35 kl 03:35"
    assert found["power"] == "senast reservkraft kl 03:40"
    assert "service.interpreter" not in found, "what is unknown now is no reading"


def test_a_report_that_did_not_read_the_fuel_leaves_the_reading_before_it() -> None:
    """The fuel that was last read is shown though a later report of the power did not read it."""
    document = copy.deepcopy(example("state"))
    later = fact({"source": "backup", "backup_state": "running"}, "2026-11-20T03:00:00Z", report="r2")
    document["facts"]["power"] = later
    document["timelines"]["reports"].append(["2026-11-20T03:00:00Z", 0, "r2", "urn:tp:kommun:2480", "observed", False])
    document["timelines"]["aspects"]["power"].append([2, later["value"]])
    found = told(document)
    assert found["power"] == "senast reservkraft kl 04:00"
    assert found["power.fuel_l"] == "senast 60\N{NO-BREAK SPACE}l kl 03:40"
    held = document | {"timelines": {"reports": [], "aspects": {}, "known": {}}}
    assert "power.fuel_l" not in told(held)


def test_a_reading_that_its_timeline_has_lost_is_still_known() -> None:
    """What the state keeps as last known, beside its timeline, is shown too."""
    document = copy.deepcopy(example("state"))
    document["facts"]["power"] = fact(None, "2026-11-20T03:00:00Z")
    lines = document["timelines"]
    lines["aspects"].pop("power")
    lines["known"]["power.endurance"] = [1, {"source": "backup", "fuel_l": 60.0, "fuel_l_per_h": 12.0}]
    assert told(document)["power.fuel_l"] == "senast 60\N{NO-BREAK SPACE}l kl 03:40"


def test_only_what_does_not_run_down_may_be_said_to_be_the_same() -> None:
    """The answer "samma" is offered for a rate and for how many are needed; never for fuel, visitors or staff."""
    document = example("state")
    beside = view.form(POINT, document, readings.profile(document), sid="s" * 8, now=NOW).beside
    assert beside["power.fuel_l_per_h"][0] == ("same:12", "Samma: 12\N{NO-BREAK SPACE}l/h")
    assert beside["staff.required"] == [("same:4", "Samma: 4"), ("plan", "Som planerat: 4")]
    assert not any("same:" in value for value, _ in beside.get("power.fuel_l", ()))
    assert readings.same(readings.readings(document), "power.fuel_l") is None


def test_a_refill_that_should_have_come_is_not_offered_as_the_same() -> None:
    """A time that has passed is not offered again."""
    document = example("state")
    later = view.form(POINT, document, {}, sid="s" * 8, now=parse("2026-11-20T05:30:00Z"))
    assert [text for _, text in later.beside["refill.at"]] == ["Vet inte"]
    before = view.form(POINT, document, {}, sid="s" * 8, now=NOW)
    assert before.beside["refill.at"][0] == ("same:2026-11-20T05:00:00Z", "Samma: kl 06:00")


def test_a_page_asks_for_what_a_section_would_lose() -> None:
    """What is known of a section beside its main answer, and other languages of the message, are asked for with it."""
    document = example("state")
    assert readings.asked(document, readings.readings(document)) == ["staff.required", "message.rest"]
    bare = state({"staff": fact({"present": 2}, "2026-11-20T02:40:00Z")})
    assert readings.asked(bare, readings.readings(bare)) == []


def test_no_reading_stands_in_an_input() -> None:
    """Whatever is known, every input of a new page is empty: what nobody touches cannot be sent."""
    document = example("state")
    form = view.form(POINT, document, readings.profile(document), sid="s" * 8, now=NOW)
    html = pages.page(
        "rapportera.html", now=NOW, f=form, reality="act", home="act", thanks=False, may_try=True, worker=""
    ).decode()
    assert "checked" not in html
    inputs = re.findall(r'<input type="text"[^>]* value="([^"]*)"', html)
    assert len(inputs) > 15
    assert set(inputs) == {""}
    assert set(re.findall(r"<textarea[^>]*>([^<]*)<", html)) == {""}
    assert "senast 60\N{NO-BREAK SPACE}l" in html


def test_what_others_wrote_is_text() -> None:
    """Markup in names, notes and needs is shown as it was written."""
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    document = copy.deepcopy(example("state"))
    document["facts"]["message"]["value"] = {"sv": evil, "en": evil}
    document["facts"]["needs"]["diesel-1"]["value"] |= {"unit": evil, "note": evil}
    form = view.form(POINT, document, {"name": evil, "no": 1}, sid="s" * 8, now=NOW, given={"note": evil})
    html = pages.page(
        "rapportera.html", now=NOW, f=form, reality="act", home="act", thanks=False, may_try=True, worker=""
    ).decode()
    assert "<script>alert" not in html
    assert "<img" not in html
    assert html.count("&lt;script&gt;alert(1)") > 3


# -- the desk ----------------------------------------------------------------------------------------------------------


def test_rows_stand_in_the_order_that_was_asked_for() -> None:
    """By number; by condition, the worst first; by silence, who was never heard first."""
    made = [
        grid.row("2480-b", state({}, condition="green", freshness="fresh"), {"name": "B", "no": 1}),
        grid.row("2480-a", state({}, condition="critical", freshness="silent"), {"name": "A", "no": 2}),
        grid.row(
            "2480-c",
            state(
                {}, condition="unknown", freshness="fresh", last={"content": "2026-11-20T02:00:00Z", "contact": None}
            ),
            {"name": "C"},
        ),
    ]
    assert [[each.name for each in grid.ordered(made, by)] for by in grid.SORTS] == [
        ["B", "A", "C"],
        ["A", "C", "B"],
        ["A", "B", "C"],
    ]


def test_a_row_of_a_point_that_nothing_is_known_of_is_unknown_and_not_good() -> None:
    """A registered point that has said nothing is unknown."""
    row = grid.row("2480-x", {}, {"name": "X"})
    assert (row.condition, row.power, row.content, row.lifecycle) == ("unknown", "okänt", None, None)


def test_the_reports_that_count_are_told_one_by_one() -> None:
    """What may be withdrawn: each report that the state rests on, newest first, with all that it says."""
    found = grid.reports(example("state"), NOW)
    assert [each.report[-2:] for each in found] == ["AB", "AC", "AA"]
    assert found[0].texts == [
        "el: reservkraft, 60\N{NO-BREAK SPACE}l, 12\N{NO-BREAK SPACE}l/h",
        "personal: 2 av 4",
        "påfyllning: bekräftad",
    ]
    assert "35 besökare" in found[2].texts
    assert found[1].texts == ["behov drivmedel: begärt"]


def test_a_conflict_tells_who_said_what() -> None:
    """Two reporters who differ are told with their values, the one that counts first, and never by name."""
    values = [
        fact(31, "2026-11-20T02:40:00Z", report="b", source="urn:tp:kommun:2480:desk"),
        fact(22, "2026-11-20T02:35:00Z", report="a", source="urn:tp:kommun:2480:form-abc123"),
    ]
    (found,) = grid.conflicts(state({}, conflict=[{"aspect": "occupancy", "values": values}]), NOW)
    assert found.aspect == "besökare"
    assert [(each.texts[0], each.source) for each in found.said] == [
        ("31 besökare", "kommunens desk"),
        ("22 besökare", "formuläret på platsen"),
    ]
