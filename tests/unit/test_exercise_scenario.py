"""A scenario is read with one clear error, and what it sends follows from it and the start alone."""

import re
from pathlib import Path
from typing import Any, Final

import pytest

from exercise_kit import START, made, status
from vardkase.exercise.plan import INJECT, steps_of
from vardkase.exercise.scenario import Scenario, ScenarioError, shipped
from vardkase_contracts.instants import HOUR, MINUTE, SECOND, iso
from vardkase_contracts.orders import NoteOrder, ReportRequestOrder

ROOT: Final = Path(__file__).parents[2]


def test_the_shipped_one_is_right() -> None:
    """The example can be played as it is, and names the same place twice for no inject."""
    assert shipped() == ("hoststorm-vasterbotten",)
    scenario = Scenario.load("hoststorm-vasterbotten")
    steps = steps_of(scenario, START)
    assert {each.event.reality for each in steps} == {"exe"}
    assert all(each.id.startswith(INJECT) for each in steps)
    assert len({each.id for each in steps}) == len(steps)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"areas": ["0180"]}, "areas.0"),
        ({"areas": []}, "areas"),
        ({"area": "99"}, "area"),
        ({"duration": "en timme"}, "duration"),
        ({"nmae": "y"}, "nmae"),
        ({"injects": [status("a", "3h")]}, "injects.0.at"),
        ({"injects": [status("a", "1m"), status("a", "2m")]}, "injects.1.name"),
        ({"injects": [status("a", "1m", "2409-skolan")]}, "injects.0"),
        ({"injects": [status("a", "1m", every="1s")]}, "injects.0"),
        ({"injects": [{"name": "a", "at": "1m"}]}, "injects.0"),
        ({"injects": [{"name": "a", "at": "1m", "message": {"to": "2409", "text": "hej"}}]}, "injects.0"),
        ({"injects": [status("a", "1m", expect=[{"within": "5m"}])]}, "injects.0.expect.0"),
        (
            {"injects": [status("a", "1m", expect=[{"report": {"from": "2409"}, "within": "5m"}])]},
            "injects.0.expect.0",
        ),
        (
            {"injects": [status("a", "1m", expect=[{"ack": {"rule": "power.out", "about": "2480"}, "within": "5m"}])]},
            "injects.0.expect.0.ack.rule",
        ),
    ],
)
def test_one_error_that_names_the_field(changes: dict[str, Any], field: str) -> None:
    """What is wrong is told with its field, and nothing else is."""
    with pytest.raises(ScenarioError) as caught:
        made(**changes)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"scenario x.yaml: {field}: ")


@pytest.mark.parametrize("page", ["ovning.md", "ett-ovningspass.md"])
def test_the_scenarios_of_the_docs_are_right(page: str) -> None:
    """Whoever begins with one that stands there can play it."""
    text = (ROOT / "docs" / "operations-centre" / page).read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    scenario = Scenario.parse(block.encode(), name=page)
    assert steps_of(scenario, START)


def test_what_a_first_scenario_gets_wrong_is_told_plainly() -> None:
    """A code without quotes is a number in YAML; a field that there is not is called that."""
    for text, said in {
        "area: 24": 'area: expected a text; a code stands within quotes in YAML: "2480"',
        "place: x": "place: there is no such field",
    }.items():
        whole = "id: ovning\nname: Övning\narea: '24'\nareas: ['2480']\nduration: 1h\ninjects: []\n"
        kept = [line for line in whole.splitlines() if not line.startswith(text.partition(":")[0] + ":")]
        with pytest.raises(ScenarioError) as caught:
            Scenario.parse("\n".join([text, *kept]).encode(), name="x.yaml")
        assert str(caught.value) == f"scenario x.yaml: {said}"


@pytest.mark.parametrize("raw", [b"- a", b"{", b"\xff\xfe", b"x" * (1 << 20) + b"xx"])
def test_no_scenario(raw: bytes) -> None:
    """A file that is none says so."""
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(raw, name="x.yaml")
    assert caught.value.field == "(file)"


def test_what_would_be_refused_is_found_before_anything_is_sent() -> None:
    """A report that no node would take is told with its place in the file."""
    wrong = {"point": "2480-skolan", "kind": "status", "data": {"occupancy": -4}}
    with pytest.raises(ScenarioError) as caught:
        steps_of(made({"name": "a", "at": "1m", "report": wrong}), START)
    assert caught.value.field == "injects.0.report.data.occupancy"


def test_the_same_every_time() -> None:
    """Two players of one file and one start send the same bytes under the same ids."""
    scenario = made(status("a", "5m", every="10m", until="30m"))
    one, other = steps_of(scenario, START), steps_of(scenario, START)
    assert [each.event.model_dump_json() for each in one] == [each.event.model_dump_json() for each in other]
    assert [each.due - START for each in one] == [5 * MINUTE, 15 * MINUTE, 25 * MINUTE]
    assert {each.id for each in one} & {each.id for each in steps_of(made(status("b", "5m")), START)} == set()


def test_times_in_data_are_from_the_inject_on() -> None:
    """A deadline of +30m is half an hour after the inject."""
    order = {"kind": "report_request", "area": "24", "data": {"areas": ["2480"], "deadline": "+30m"}}
    (step,) = steps_of(made({"name": "a", "at": "1h", "order": order}), START)
    assert isinstance(step.event, ReportRequestOrder)
    assert step.event.data.deadline.isoformat() == "2026-10-14T08:30:00+00:00"
    assert step.kommuner == frozenset(kommun for kommun in step.kommuner if kommun.startswith("24"))


def test_a_message_is_a_note_of_the_spelledning() -> None:
    """Players read it as what it is."""
    (step,) = steps_of(made({"name": "a", "at": "0s", "message": {"to": "2480", "text": "Ring upp"}}), START)
    assert isinstance(step.event, NoteOrder)
    assert (step.event.data.note, step.event.source) == ("SPELLEDNING: Ring upp", "urn:tp:lan:24:spelledning")


@pytest.mark.parametrize("lost", [False, True])
def test_a_silence_holds_back_as_a_line_that_is_down(*, lost: bool) -> None:
    """What was reported meanwhile comes when the line is back, with the time it was seen; or never."""
    silence = {"areas": ["2480"], "lasts": "30m", "lost": lost}
    scenario = made(
        {"name": "tyst", "at": "10m", "silence": silence},
        status("fore", "9m"),
        status("under", "20m"),
        status("grannen", "20m", "2482-skolan"),
        {"name": "ringer", "at": "25m", "contact": {"point": "2480-skolan"}},
    )
    found = {each.inject: (each.send_at - START, each.due - START) for each in steps_of(scenario, START)}
    wanted = {
        "fore": (9 * MINUTE, 9 * MINUTE),
        "grannen": (20 * MINUTE, 20 * MINUTE),
        "ringer": (25 * MINUTE, 25 * MINUTE),
    }
    assert found == (wanted if lost else wanted | {"under": (40 * MINUTE, 20 * MINUTE)})


def test_bounded() -> None:
    """A scenario that would send without end is refused."""
    with pytest.raises(ScenarioError, match="more than 5000"):
        steps_of(made(*(status(f"i{n}", "0s", every="10s") for n in range(10)), duration="2h"), START)
    assert len(steps_of(made(status("a", "0s", every="10s"), duration="2h"), START)) == 2 * HOUR // (10 * SECOND) + 1
    assert iso(START)
