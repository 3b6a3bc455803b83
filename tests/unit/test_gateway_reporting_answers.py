"""From answers to reports: what is asked for, what is refused, what is sent."""

import json
from random import Random
from typing import Any

import pytest

from reporting_kit import asked, form
from vardkase.gateway.reporting.check import answers, check
from vardkase.gateway.reporting.drafts import Draft, confirm, drafts, touched
from vardkase.gateway.reporting.events import Envelope, form_field
from vardkase.gateway.reporting.rules import table
from vardkase.gateway.writing.items import report_item
from vardkase_contracts.instants import parse

NOW = parse("2026-11-20T20:42:00Z")
"""21:42 in Sweden."""
POINT = "2480-umedalen-skola"


def wrong(given: dict[str, str], *ask: str) -> dict[str, str]:
    return check(answers(given.items()), table(ask))


def said(given: dict[str, str], *ask: str, needs: Any = None) -> dict[str, Any]:
    """What right answers say, by kind."""
    found = answers(given.items())
    assert check(found, table(ask)) == {}
    return {each.key: each.data for each in drafts(found, at=NOW, need_id="n1", needs=needs or {})}


def envelope(**more: Any) -> Envelope:
    given: dict[str, Any] = {
        "point": POINT,
        "reality": "act",
        "sid": "f0123456789abcdef",
        "at": NOW,
        "reporter": "form-abc",
        "role": "site_lead",
        "channel": "form",
    }
    return Envelope(**given | more)


# -- only what was touched ---------------------------------------------------------------------------------------------


def test_nothing_that_was_not_touched_is_sent() -> None:
    """Each answer makes its own fields and no others: an old reading has no way into a report."""
    assert said({"occupancy": "40"}) == {"status": {"occupancy": 40}}
    assert said({"lifecycle": "open", "need.day": "0", "need.priority": "normal", "refill.day": "3"}) == {
        "status": {"lifecycle": "open"}
    }
    assert said({"heat.indoor_c": "17,5"}) == {"resources": {"heat": {"indoor_c": 17.5}}}
    assert said({}) == {}


def test_a_form_that_was_only_opened_says_nothing() -> None:
    """Inputs that are never empty say nothing by themselves."""
    assert touched(answers({"do": "send", "need.priority": "normal", "opens.day": "0", "quality": ""}.items())) == set()


def test_services_are_said_one_by_one() -> None:
    """Of services only those that were answered are sent, and "vet inte" is null."""
    assert said({"service.heat": "stopped", "service.food": "unknown"}) == {
        "status": {"services": {"heat": {"state": "stopped"}, "food": {"state": None}}}
    }


# -- sections are whole ------------------------------------------------------------------------------------------------


def test_backup_power_asks_for_its_fuel_and_fuel_for_its_rate() -> None:
    """Backup power asks for fuel, and fuel for a rate: without one the new reading could not be run down."""
    assert list(wrong({"power": "backup"})) == ["power.fuel_l"]
    assert list(wrong({"power": "backup", "power.fuel_l": "45"})) == ["power.fuel_l_per_h"]
    assert wrong({"power": "backup", "power.endurance_h": "5"}) == {}


def test_a_rate_may_be_said_to_be_the_same() -> None:
    """The answer "samma" sends the rate that stood on the page, because somebody said so; "vet inte" leaves it out."""
    same = {"power": "backup", "power.fuel_l": "45", "power.fuel_l_per_h.is": "same:12.5"}
    assert said(same)["resources"]["power"] == {
        "source": "backup",
        "backup_state": "running",
        "fuel_l": 45.0,
        "fuel_l_per_h": 12.5,
    }
    unknown = said(same | {"power.fuel_l_per_h.is": "unknown"})["resources"]["power"]
    assert "fuel_l_per_h" not in unknown


def test_fuel_can_not_be_said_to_be_the_same() -> None:
    """What runs down is read or not read: there is no "samma" for fuel, whatever a page would send."""
    assert list(wrong({"power": "backup", "power.fuel_l.is": "same:60"})) == ["power.fuel_l.is"]


def test_fuel_that_was_not_read_is_left_out_and_the_old_reading_goes_on() -> None:
    """The answer "inte avläst" sends the source alone; the node runs the last known reading down."""
    assert said({"power": "backup", "power.fuel_l.is": "unknown"}) == {
        "resources": {"power": {"source": "backup", "backup_state": "running"}}
    }


def test_a_part_of_a_section_asks_for_what_would_be_lost() -> None:
    """Fuel without a source, staff needed without staff there, one means of communication: each asks for the rest."""
    assert list(wrong({"power.fuel_l": "45"})) == ["power"]
    assert list(wrong({"staff.required": "4"})) == ["staff.present"]
    assert list(wrong({"comms.mobile": "down"})) == ["comms.can_call_112"]
    assert list(wrong({"water.litres": "40"})) == ["water"]
    assert list(wrong({"shift.at": "07:00"})) == ["shift.covered"]
    assert list(wrong({"refill.confirmed": "yes"})) == ["refill.at"]


def test_what_the_page_asked_for_must_be_answered() -> None:
    """What was known when the page was made is asked for with its section, and not by a page that never asked."""
    assert wrong({"staff.present": "3"}) == {}
    assert list(wrong({"staff.present": "3"}, "staff.required")) == ["staff.required"]
    assert said({"staff.present": "3", "staff.required.is": "same:4"}, "staff.required") == {
        "resources": {"staff": {"present": 3, "required": 4}}
    }
    assert said({"staff.present": "3", "staff.required.is": "plan"}, "staff.required") == {
        "resources": {"staff": {"present": 3}}
    }
    comms = {"comms.can_call_112": "up"}
    assert list(wrong(comms, "comms.rakel")) == ["comms.rakel"]
    assert said(comms | {"comms.rakel": "unknown"}, "comms.rakel") == {"resources": {"comms": {"can_call_112": True}}}


def test_what_belongs_to_another_source_is_left_out() -> None:
    """Who typed litres and then chose the mains means the mains."""
    assert said({"power": "mains", "power.fuel_l": "x", "power.why": "fault", "power.battery_h": "3"}) == {
        "resources": {"power": {"source": "mains"}}
    }


@pytest.mark.parametrize(
    ("why", "power"),
    [
        (None, {"source": "none"}),
        ("missing", {"source": "none"}),
        ("not_connected", {"source": "backup", "backup_state": "not_connected"}),
        ("fault", {"source": "backup", "backup_state": "fault"}),
        ("off", {"source": "backup", "backup_state": "off"}),
    ],
)
def test_no_power_says_why(why: str | None, power: dict[str, str]) -> None:
    """No power with a generator that does not run says what is the matter with it."""
    given = {"power": "none"} | ({} if why is None else {"power.why": why})
    assert said(given) == {"resources": {"power": power}}


def test_a_public_message_takes_its_other_languages_along_or_drops_them() -> None:
    """A message is replaced as a whole, so the other languages are kept or dropped, as somebody chose."""
    asks = ("message.rest",)
    assert list(wrong({"message.sv": "Öppet"}, *asks)) == ["message.rest"]
    kept = 'same:{"en":"Open","ar":"مفتوح"}'
    assert said({"message.sv": "Öppet", "message.rest.is": kept}, *asks)["status"]["message"] == {
        "sv": "Öppet",
        "en": "Open",
        "ar": "مفتوح",
    }
    assert said({"message.sv": "Öppet", "message.rest.is": "drop"}, *asks)["status"]["message"] == {"sv": "Öppet"}
    assert list(wrong({"message.en": "Open"})) == ["message.sv"]
    assert said({"message.is": "drop"}) == {"status": {"message": None}}


# -- times -------------------------------------------------------------------------------------------------------------


def test_times_of_day_are_the_next_ones_from_when_it_was_observed() -> None:
    """A "21:10" said at 21:42 is tomorrow's, "23:30" tonight's, and days can be added."""
    refill = {"refill.at": "21:10", "refill.confirmed": "yes"}
    assert said(refill)["resources"]["refill"] == {"confirmed": True, "eta": "2026-11-21T20:10:00Z"}
    assert said(refill | {"refill.at": "2330"})["resources"]["refill"]["eta"] == "2026-11-20T22:30:00Z"
    assert said(refill | {"refill.day": "2"})["resources"]["refill"]["eta"] == "2026-11-23T20:10:00Z"


def test_a_shift_whose_time_is_not_known_is_said_without_one() -> None:
    """Not to know the time leaves it out; "samma" sends what stood on the page."""
    given = {"shift.covered": "no", "shift.at.is": "unknown"}
    assert said(given)["resources"]["next_shift"] == {"covered": False}
    same = said(given | {"shift.at.is": "same:2026-11-21T06:00:00Z"})["resources"]["next_shift"]
    assert same == {"covered": False, "at": "2026-11-21T06:00:00Z"}


# -- needs -------------------------------------------------------------------------------------------------------------


def test_a_need_is_sent_whole_with_what_is_new_of_it() -> None:
    """A need is replaced as a whole, so "på väg" is sent with the rest of it."""
    known = {"diesel-1": {"need_id": "diesel-1", "kind": "fuel", "quantity": 200.0, "unit": "l", "state": "requested"}}
    found = said({"needs.diesel-1": "under_way"}, needs=known)
    assert found == {"need-diesel-1": known["diesel-1"] | {"state": "under_way"}}


def test_a_new_need_asks_for_what_it_is() -> None:
    """A need without a kind is asked for one; with it, it is requested."""
    assert list(wrong({"need.quantity": "200"})) == ["need.kind"]
    assert said({"need.kind": "fuel", "need.quantity": "200", "need.unit": "l", "need.at": "23:30"})["need"] == {
        "need_id": "n1",
        "kind": "fuel",
        "state": "requested",
        "direction": "need",
        "quantity": 200.0,
        "unit": "l",
        "needed_by": "2026-11-20T22:30:00Z",
    }


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "field", "told"),
    [
        ({"occupancy": "fyra"}, "occupancy", "Skriv ett helt tal, med siffror."),
        ({"occupancy": "12,5"}, "occupancy", "Skriv ett helt tal, med siffror."),
        ({"occupancy": "1000001"}, "occupancy", "Högst 1\N{NO-BREAK SPACE}000\N{NO-BREAK SPACE}000."),
        ({"heat.indoor_c": "-61"}, "heat.indoor_c", "Minst -60."),
        ({"heat.indoor_c": "varmt"}, "heat.indoor_c", "Skriv ett tal, till exempel 12 eller 12,5."),
        ({"closes.at": "i kväll"}, "closes.at", "Skriv ett klockslag, till exempel 21:10."),
        ({"lifecycle": "sönder"}, "lifecycle", "Välj ett av svaren."),
        ({"note": "x" * 2001}, "note", "Högst 2000 tecken. Nu är det 2001."),
        ({"note": "a\u0000b"}, "note", "Texten har tecken som inte går att skicka."),
        ({"need.kind": "fuel", "need.unit": "a\nb"}, "need.unit", "Texten har tecken som inte går att skicka."),
    ],
)
def test_what_is_wrong_is_told_in_swedish_at_its_field(given: dict[str, str], field: str, told: str) -> None:
    """What is wrong is told in Swedish, at its field."""
    assert wrong(given) == {field: told}


def test_a_value_and_vet_inte_contradict_each_other() -> None:
    """A number and "vet inte" at once is a mistake somebody must settle."""
    both = {"power": "backup", "power.fuel_l": "4", "power.fuel_l.is": "unknown", "power.fuel_l_per_h": "2"}
    assert list(wrong(both)) == ["power.fuel_l"]


def test_what_passes_makes_reports_that_every_node_takes() -> None:
    """Whatever is sent, either something is wrong, or all of its reports are valid and say what was touched."""
    random = Random(1)  # the same answers each time
    sections = {"power": "power", "staff": "staff.", "refill": "refill.", "next_shift": "shift.", "water": "water"}
    sections |= {"heat": "heat.", "comms": "comms."}
    made = refused = 0
    for _ in range(4_000):
        found, rules = answers(form(random, odd=0.1).items()), table(asked(random))
        if check(found, rules):
            refused += 1
            continue
        for draft in drafts(found, at=NOW, need_id="form-1", needs={}):
            made += 1
            report_item(envelope().event(draft))
            assert draft.said, "a report of nothing that was touched"
            if draft.kind == "resources":
                for section in draft.data:
                    assert any(name.startswith(sections[section]) for name in found)
    assert made > 500
    assert refused > 500


# -- ids ---------------------------------------------------------------------------------------------------------------


def test_the_same_answers_have_the_same_id_whenever_they_are_sent() -> None:
    """A retry has the id of what it repeats, though its time is made anew."""
    (first,) = drafts({"occupancy": "40"}, at=NOW, need_id="n", needs={})
    (again,) = drafts({"occupancy": "40"}, at=NOW + 3_600_000_000, need_id="n", needs={})
    ids = {json.loads(envelope(at=at).event(each))["id"] for at, each in ((NOW, first), (NOW + 1, again))}
    assert len(ids) == 1


def test_other_answers_from_the_same_page_have_another_id() -> None:
    """Who goes back in the browser and answers otherwise is not taken for one who sends the same again."""

    def id_of(draft: Draft, **more: Any) -> str:
        return json.loads(envelope(**more).event(draft))["id"]

    (one,) = drafts({"occupancy": "40"}, at=NOW, need_id="n", needs={})
    (other,) = drafts({"occupancy": "41"}, at=NOW, need_id="n", needs={})
    ids = [id_of(one), id_of(other), id_of(one, reality="tst"), id_of(one, point="2480-annan"), id_of(confirm())]
    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) <= 64
    assert len(id_of(one, sid="x" * 40)) <= 64


def test_a_refusal_leads_to_the_input() -> None:
    """What a node would refuse is told at the input that it came from."""
    fields = ["data.power.source", "data.next_shift.at", "data.occupancy", "data.services.heat.state", "id", None]
    assert [form_field(field) for field in fields] == ["power", "shift.at", "occupancy", "service.heat", None, None]
