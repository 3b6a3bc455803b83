"""What an import would do: ids, differences, twins, places."""

import random
import time
from collections.abc import Mapping
from typing import Any

import pytest

from registers import read
from vardkase.registry import nearby, slugs
from vardkase.registry.candidates import Candidate
from vardkase.registry.known import Known, known
from vardkase.registry.plan import Plan, plan
from vardkase_contracts import ids
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.schemas import example

POSITION = (20.167364, 63.826738)
TAKEN = frozenset(KOMMUNER)


def row(line: int, name: str | None, *, slug: str | None = None, at: Any = POSITION, **said: Any) -> Candidate:
    named = said if name is None else {"name": name, **said}
    return Candidate(line=line, kommun="2480", slug=slug, said=named, position=at)


def held(point: str, name: str, *, at: Any = POSITION, retired: bool = False, **profile: Any) -> Known:
    whole = {
        "name": name,
        "kind": "trygghetspunkt",
        "position": {"lon": at[0], "lat": at[1]},
        "publish": "hidden",
        "staff_min": 2,
        "refill_lead_h": 4.0,
    } | profile
    return Known(id=point, profile=whole, report="r1", observed_at=1, retired=retired)


def planned(*rows: Candidate, knows: tuple[Known, ...] = ()) -> Plan:
    return plan(rows, (), {each.id: each for each in knows}, taken=TAKEN)


def codes(made: Plan) -> list[str]:
    return [each.code for each in made.problems]


def changed(made: Plan) -> Mapping[str, tuple[Any, Any]]:
    [step] = made.steps
    return {each.field: (each.old, each.new) for each in step.fields}


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Umedalens skola", "umedalens-skola"),
        ("Östra Ängbyhallen (nr 2)", "ostra-angbyhallen-nr-2"),
        ("  Café Ærø & Straße ", "cafe-aero-strasse"),
        ("学校", ""),
        ("---", ""),
    ],
)
def test_a_slug_is_the_name_in_plain_letters(name: str, slug: str) -> None:
    """å and ä become a, ö becomes o, the rest a hyphen; nothing is left of what has no such letters."""
    assert slugs.slug(name) == slug


def test_every_name_makes_a_slug_that_the_contract_takes() -> None:
    """At most 40 of a-z, 0-9 and -, whatever is typed; and told apart still."""
    chance = random.Random(3)
    for _ in range(3000):
        name = "".join(chance.choice("abcåäöÉ -_.,/19ØÞ学🏫\u0130ß") for _ in range(chance.randrange(1, 120)))
        made = slugs.slug(name)
        assert made == slugs.slug(name)
        assert not made or (ids.is_slug(made) and ids.is_slug(slugs.told_apart(made, name)))


def test_a_new_register_is_reported_whole_and_a_repeat_is_not_sent() -> None:
    """What the node then knows is what the file says: nothing is left to send."""
    first = plan(read("sweref99tm.csv").found, (), {}, taken=TAKEN)
    assert [(step.point, step.change) for step in first.steps] == [
        ("2480-umedalens-skola", "new"),
        ("2480-ostra-gymnasiet", "new"),
    ]
    knows = {
        step.point: Known(id=step.point, profile=step.profile, report="r", observed_at=1, retired=False)
        for step in first.steps
    }
    for form in ("sweref99tm.csv", "wgs84.csv"):
        again = plan(read(form).found, (), knows, taken=TAKEN)
        assert (again.to_send, again.missing, again.problems) == ([], (), ())


def test_what_the_file_has_no_column_for_stays_and_an_empty_cell_becomes_unknown() -> None:
    """A register replaces the whole profile: what the file does not speak of must not be lost by it."""
    knows = (held("2480-skolan", "Skolan", staff_required=4, capacity_day=100),)
    made = planned(row(2, "Skolan", capacity_day=None), knows=knows)
    assert changed(made) == {"capacity_day": (100, None)}
    assert made.steps[0].profile["staff_required"] == 4


def test_a_change_tells_each_field_old_and_new() -> None:
    """What is the same in another form is not told: order of services, a position within a metre."""
    knows = (held("2480-skolan", "Skolan", capacity_day=100, planned_services=["heat", "food"]),)
    near = (POSITION[0] + 0.000005, POSITION[1])
    made = planned(row(2, "Skolan", capacity_day=120, planned_services=["food", "heat"], at=near), knows=knows)
    assert changed(made) == {"capacity_day": (100, 120)}
    moved = planned(row(2, "Skolan", at=(20.2, 63.83)), knows=knows)
    assert list(changed(moved)) == ["position"]


def test_points_that_are_not_in_the_file_are_told_of_and_left_alone() -> None:
    """Of the file's kommuner, but not retired ones, and nothing is sent about them."""
    knows = (
        held("2480-skolan", "Skolan"),
        held("2480-borta", "Borta", at=(20.3, 63.8)),
        held("2480-gammal", "Gammal", retired=True),
    )
    made = planned(row(2, "Skolan"), knows=knows)
    assert [each.id for each in made.missing] == ["2480-borta"]
    assert made.to_send == []


def test_an_id_of_a_retired_point_is_never_used_again() -> None:
    """Neither by its id nor by its name."""
    knows = (held("2480-gammal", "Gammal", retired=True),)
    for each in (row(2, "Ny", slug="gammal"), row(2, "Gammal")):
        made = planned(each, knows=knows)
        assert (codes(made), made.steps) == (["retired"], ())
        assert made.errors[0].line == 2


def test_rows_of_one_name_get_ids_of_their_own_in_any_order() -> None:
    """The ids do not depend on the order, nor on which of the rows the file has."""
    rows = [row(2, "Hallen", at=(20.1, 63.8)), row(3, "Hallen", at=(20.2, 63.8)), row(4, "Hallen", at=(20.3, 63.8))]
    made = {step.profile["position"]["lon"]: step.point for step in planned(*rows).steps}
    assert len(set(made.values())) == 3
    assert {step.profile["position"]["lon"]: step.point for step in planned(*rows[::-1]).steps} == made
    assert all(ids.split_point_id(point) for point in made.values())


def test_a_registered_point_keeps_its_id_when_another_of_its_name_is_added() -> None:
    """And the one that was told apart keeps its id when the other is taken out."""
    both = (row(2, "Hallen", at=(20.1, 63.8)), row(3, "Hallen", at=(20.2, 63.8)))
    made = planned(*both, knows=(held("2480-hallen", "Hallen", at=(20.2, 63.8)),))
    by_line = {step.line: step for step in made.steps}
    assert (by_line[3].point, by_line[3].change, by_line[2].change) == ("2480-hallen", "unchanged", "new")
    apart = by_line[2].point
    alone = planned(both[0], knows=(held(apart, "Hallen", at=(20.1, 63.8)),))
    assert [(step.point, step.change) for step in alone.steps] == [(apart, "unchanged")]


def test_a_name_whose_id_is_another_points_makes_an_id_of_its_own() -> None:
    """A registered point that was given the id is not overwritten by a stranger of that name."""
    made = planned(row(2, "Hallen"), knows=(held("2480-hallen", "Ishallen", at=(20.3, 63.8)),))
    [step] = made.steps
    assert step.change == "new"
    assert step.point.startswith("2480-hallen-")


def test_the_same_id_twice_is_an_error_of_the_second() -> None:
    """Which of two rows is right cannot be told."""
    made = plan(read("same_id.csv").found, (), {}, taken=TAKEN)
    [problem] = made.errors
    assert (problem.line, problem.code) == (3, "twice")
    assert "rad 2" in problem.text
    assert [step.point for step in made.steps] == ["2480-umedalen"]


def test_a_row_without_a_name_cannot_be_registered() -> None:
    """A name is required; without an id there is not even a point."""
    assert codes(plan(read("without_name.csv").found, (), {}, taken=TAKEN)) == ["id"]
    [problem] = planned(row(2, None, slug="skolan")).errors
    assert (problem.field, problem.text) == ("name", "namn: saknas")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"capacity_day": -1}, "kapacitet dag: minst 0 väntades"),
        ({"no": 1000}, "nummer: högst 999 väntades"),
        ({"address": "x" * 241}, "adress: högst 240 tecken väntades"),
        ({"refill_lead_h": 0}, "ledtid för påfyllning (h): mer än 0 väntades"),
    ],
)
def test_values_out_of_bounds_are_told_in_swedish(said: dict[str, Any], text: str) -> None:
    """The contract's bounds, before anything is sent."""
    [problem] = planned(row(2, "Skolan", **said)).errors
    assert problem.text == text


def test_a_row_of_a_kommun_that_the_node_does_not_take_is_an_error() -> None:
    """It would be refused by the node's streams."""
    made = plan([row(2, "Skolan")], (), {}, taken=frozenset())
    assert codes(made) == ["not_here"]


def test_a_point_outside_its_kommun_is_a_warning_with_how_far_and_where() -> None:
    """Near a simplified border it is a maybe; far from it the text asks whether the coordinates are right."""
    [far] = plan(read("outside_kommun.csv").found, (), {}, taken=TAKEN).problems
    assert (far.severity, far.line, far.code) == ("warning", 3, "outside_kommun")
    assert "km utanför Umeå" in far.text
    assert "Vännäs" in far.text
    near = planned(row(2, "Skolan", kind="varmestuga", at=(19.91, 63.87)))
    assert codes(near) == ["near_border"]


def test_near_twins_are_found_in_the_file_and_among_the_registered() -> None:
    """Within 100 m; each pair is told once, with how far and whom."""
    [problem] = plan(read("near_twin.csv").found, (), {}, taken=TAKEN).problems
    assert (problem.severity, problem.code, problem.line) == ("warning", "near_twin", 3)
    assert "50 m från 2480-umedalens-skola (Umedalens skola, rad 2)" in problem.text
    made = planned(row(2, "Ny"), knows=(held("2480-gammal", "Gammal", at=(POSITION[0] + 0.001, POSITION[1])),))
    assert codes(made) == ["kind_assumed", "near_twin"]
    assert "redan registrerad" in made.problems[1].text
    apart = planned(
        row(2, "A", kind="varmestuga"), row(3, "B", kind="varmestuga", at=(POSITION[0] + 0.0025, POSITION[1]))
    )
    assert apart.problems == ()


def test_twins_are_those_that_a_comparison_of_all_with_all_finds() -> None:
    """The index misses nobody that has another within 100 m, and invents none."""
    chance = random.Random(7)
    places = [(round(chance.uniform(0, 3000), 1), round(chance.uniform(0, 3000), 1)) for _ in range(300)]
    places += [places[0], places[5], places[5]]

    def near(one: int) -> bool:
        return any(
            other != one and (places[one][0] - place[0]) ** 2 + (places[one][1] - place[1]) ** 2 <= 100**2
            for other, place in enumerate(places)
        )

    found = {at for pair in nearby.twins(places, new=len(places)) for at in (pair.one, pair.other)}
    assert found == {at for at in range(len(places)) if near(at)}


def test_a_new_point_of_no_stated_kind_is_a_trygghetspunkt_and_that_is_said() -> None:
    """Once for the file, not for every row; a registered point keeps its kind."""
    made = planned(row(2, "A"), row(3, "B", at=(20.3, 63.8)))
    assert codes(made) == ["kind_assumed"]
    assert {step.profile["kind"] for step in made.steps} == {"trygghetspunkt"}
    keeps = planned(row(2, "A"), knows=(held("2480-a", "A", kind="varmestuga"),))
    assert keeps.steps[0].profile["kind"] == "varmestuga"


def test_what_the_public_sees_before_and_after() -> None:
    """A new point comes from hidden; a file that does not speak of it leaves it as it is."""
    assert planned(row(2, "A", publish="live")).steps[0].publish == ("hidden", "live")
    assert planned(row(2, "A"), knows=(held("2480-a", "A", publish="listed"),)).steps[0].publish == ("listed", "listed")


def test_the_id_of_a_report_is_of_what_it_says_and_of_what_it_replaces() -> None:
    """The same import again has the same ids; going back to an earlier register is a report of its own."""
    one = planned(row(2, "A", capacity_day=5)).steps[0]
    assert one.report_id("act") == planned(row(9, "A", capacity_day=5)).steps[0].report_id("act")
    assert len(one.report_id("act")) <= 64
    again = planned(row(2, "A", capacity_day=5), knows=(held("2480-a", "A", capacity_day=6),)).steps[0]
    others = {one.report_id("act"), one.report_id("exe"), again.report_id("act")}
    assert len(others) == 3


def test_more_than_500_points_of_a_kommun_is_a_warning() -> None:
    """Registered ones count with those of the file."""
    chance = random.Random(1)
    rows = [
        row(line, f"Punkt {line}", kind="varmestuga", at=(chance.uniform(20.0, 20.4), chance.uniform(63.75, 63.9)))
        for line in range(2, 502)
    ]
    assert "many_points" not in codes(planned(*rows))
    assert "many_points" in codes(planned(*rows, knows=(held("2480-en-till", "En till", at=(20.5, 63.9)),)))


def test_a_state_is_read_as_what_the_node_knows() -> None:
    """Profile, report and time of a point's state; a kommun itself is no point."""
    document = example("state")
    found = known(document)
    assert found is not None
    assert (found.id, found.retired) == (document["id"], document["retired"])
    assert found.report == document["facts"]["profile"]["report"]
    assert known({**document, "id": "2480-_"}) is None


def test_twenty_thousand_rows_at_one_spot_take_seconds() -> None:
    """The time grows with the rows, not with their square, also where all are near each other."""
    rows = [row(line, f"Punkt {line}", kind="varmestuga") for line in range(2, 20_002)]
    began = time.process_time()
    made = planned(*rows)
    assert time.process_time() - began < 20
    assert len(made.steps) == 20_000
