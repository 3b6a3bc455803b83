import gc
import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from vardkase.domain.codec import merged_document
from vardkase.domain.fold import fold
from vardkase.domain.merge import Received
from vardkase.simulator.emission import Emission
from vardkase.simulator.shelters.dataset import Dataset, shipped_datasets
from vardkase.simulator.shelters.places import kommun_of, position_of
from vardkase.simulator.shelters.records import MAX_LINE, DatasetError
from vardkase.simulator.shelters.replay import Replay, Survey, survey
from vardkase_contracts.areas import KOMMUNER, LAN
from vardkase_contracts.instants import DAY, HOUR, MINUTE, SECOND, from_datetime, parse
from vardkase_contracts.reports import REPORT, RegisterReport, StatusReport, extras
from vardkase_contracts.subjects import ReportSubject, parse_report

START = parse("2026-01-10T00:00:00Z")
NEW = {"SHELTER_NAME": "Bygdegården", "CITY": "HOUMA", "STATE": "LA", "SHELTER_STATUS": "OPEN", "TOTAL_POPULATION": 5}


@cache
def raw() -> tuple[dict[str, Any], ...]:
    """The lines of the shipped extract, read without any of the program."""
    text = files("vardkase.simulator").joinpath("datasets", "ida-2021.jsonl").read_text(encoding="utf-8")
    return tuple(json.loads(line) for line in text.splitlines())


def replay(**options: Any) -> Replay:
    """The shipped extract."""
    return Replay(Dataset.find("ida-2021"), **{"start": START} | options)


def received(emissions: Iterator[Emission] | list[Emission]) -> list[Received]:
    """Emissions as a node takes them in."""
    return [
        Received(report=REPORT.validate_json(one.payload), received=one.at, digest=sha256(one.payload).digest())
        for one in emissions
    ]


def folded(emissions: list[Emission]) -> dict[str, dict[str, Any]]:
    """The merged states of what a node has taken in, by point."""
    return {state.id: merged_document(state) for state in fold(received(emissions)).values()}


@pytest.fixture
def told(tmp_path: Path) -> Any:
    """What is made of a dataset of these lines: the data of its reports, a list for each line."""

    def tell(*lines: Any, **options: Any) -> list[tuple[str, dict[str, Any]]]:
        return [
            (one.event["type"].split(".")[2], one.event["data"])
            for one in Replay(dataset(tmp_path, *lines), **{"start": START} | options)
        ]

    return tell


def dataset(folder: Path, *lines: Any) -> Dataset:
    """A file with these lines: `set` alone is a change of shelter 1; bytes are put in as they are."""
    text = b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    path = folder / "mine.jsonl"
    path.write_bytes(text)
    return Dataset.find(str(path))


def new(t: int = 0, shelter: int = 1, **fields: Any) -> dict[str, Any]:
    return {"t": t, "id": shelter, "new": True, "set": NEW | fields}


def change(t: int = 0, shelter: int = 1, **fields: Any) -> dict[str, Any]:
    return {"t": t, "id": shelter, "new": False, "set": fields}


def gone(t: int = 0, shelter: int = 1) -> dict[str, Any]:
    return {"t": t, "id": shelter, "gone": True}


def test_the_extract_is_shipped_small_and_with_its_credit() -> None:
    """It is there by its name, at most 60 kB, beside a file that says whose it is and what one may do with it."""
    folder = files("vardkase.simulator").joinpath("datasets")
    assert shipped_datasets() == ("ida-2021",)
    assert len(folder.joinpath("ida-2021.jsonl").read_bytes()) <= 60 * 1024
    credit = folder.joinpath("README.md").read_text(encoding="utf-8")
    assert "National Shelter System" in credit
    assert "public domain" in credit


def test_the_extract_gives_the_reports_it_always_gave() -> None:
    """Golden counts: of lines, shelters, reports of each kind, and what no report was made of."""
    one = replay()
    emissions = list(one)
    kinds = Counter(emission.subject.rsplit(".", 1)[1] for emission in emissions)
    assert kinds == {"register": 83, "status": 316}
    counts = one.counts
    assert (counts.changes, counts.shelters, counts.registers, counts.statuses) == (450, 70, 83, 316)
    assert (counts.gone, counts.silent) == (117, 5)
    assert survey(Dataset.find("ida-2021")) == Survey(
        changes=450, shelters=70, gone=117, first=1629928168 * SECOND, length=1348999 * SECOND
    )


def test_every_report_is_one_that_a_node_accepts() -> None:
    """Each is valid by the contract, without fields it does not know, and says the same as its subject."""
    ids = set()
    for emission in replay():
        report = REPORT.validate_json(emission.payload)
        subject = parse_report(emission.subject)
        assert isinstance(subject, ReportSubject)
        assert (report.subject, report.kind, report.reality) == (subject.point, subject.kind, subject.reality)
        assert report.source.split(":")[3] == subject.kommun
        assert extras(report) == 0
        assert from_datetime(report.time) == emission.at
        assert report.quality == "relayed"
        ids.add((report.kommun, report.id))
    assert len(ids) == 399


def open_and_counted(until: int) -> dict[int, int | None]:
    """The shelters last said to be open up to a time of the dataset (µs), and how many were last said to be there."""
    status: dict[int, str] = {}
    people: dict[int, int | None] = {}
    for line in raw():
        if line["t"] * SECOND > until or "gone" in line:
            continue
        said = line["set"]
        if "SHELTER_STATUS" in said:
            status[line["id"]] = said["SHELTER_STATUS"].strip()
        if "TOTAL_POPULATION" in said:
            people[line["id"]] = said["TOTAL_POPULATION"] if isinstance(said["TOTAL_POPULATION"], int) else None
    return {shelter: people.get(shelter) for shelter, word in status.items() if word == "OPEN"}


@pytest.mark.parametrize("after", [0, 4 * DAY, 6 * DAY + 5 * HOUR, 9 * DAY, 16 * DAY])
def test_folded_it_has_the_open_points_and_the_people_of_the_file(after: int) -> None:
    """At any time the states hold as many open points, and in each as many people, as a count in the file alone."""
    states = folded([emission for emission in replay() if emission.at <= START + after])
    found = {
        int(point.rsplit("-", 1)[1]): facts["occupancy"]["value"] if "occupancy" in facts else None
        for point, facts in ((point, document["facts"]) for point, document in states.items())
        if facts["lifecycle"]["value"] == "open"
    }
    assert found == open_and_counted(raw()[0]["t"] * SECOND + after)
    assert found


def test_what_the_feed_did_not_know_is_no_fact() -> None:
    """Of every shelter: capacities, wheelchairs and pets are known exactly where the file last had a real value."""
    last: dict[int, dict[str, Any]] = {}
    for line in raw():
        last.setdefault(line["id"], {}).update(line.get("set", {}))
    profiles: dict[int, RegisterReport] = {}
    pets: dict[int, Any] = {}
    for emission in replay():
        report = REPORT.validate_json(emission.payload)
        shelter = int(report.slug.rsplit("-", 1)[1])
        if isinstance(report, RegisterReport):
            profiles[shelter] = report
        elif isinstance(report, StatusReport):
            pets |= {shelter: report.service_states()["pets"]} if (report := report.data).service_states() else {}
    assert profiles.keys() == last.keys()
    for shelter, said in last.items():
        data = profiles[shelter].data
        assert data.capacity_day == (said.get("EVACUATION_CAPACITY") or None)
        assert data.capacity_night == (said.get("POST_IMPACT_CAPACITY") or None)
        assert (data.accessibility == ("wheelchair",)) == (said.get("WHEELCHAIR_ACCESSIBLE") == "YES")
        both = said.get("WHEELCHAIR_ACCESSIBLE"), said.get("ADA_COMPLIANT")
        assert (data.accessibility == ()) == (both == ("NO", "NO"))
        assert (pets.get(shelter) == "stopped") == (said.get("PET_ACCOMMODATIONS_CODE") == "NONE")
        assert data.planned_services is None
        assert data.staff_required is None
        assert data.backup_type is None
    zeros = [said for said in last.values() if 0 in (said.get("EVACUATION_CAPACITY"), said.get("POST_IMPACT_CAPACITY"))]
    assert len(zeros) > 10
    assert sum(said.get("PET_ACCOMMODATIONS_CODE") == " " for said in last.values()) > 20


def test_told_again_it_changes_nothing() -> None:
    """A second play with the same start is the same to the byte; folded twice it is what it was folded once."""
    once, again = list(replay()), list(replay())
    assert [(one.subject, one.payload) for one in once] == [(one.subject, one.payload) for one in again]
    assert folded(again[::-1] + once) == folded(once)


@pytest.mark.parametrize("other", [{"start": START + SECOND}, {"reality": "exe"}, {"longest_gap": HOUR}])
def test_another_play_is_never_taken_for_the_same(other: dict[str, Any]) -> None:
    """Where a report differs, so does its id: another start, other gaps, another reality."""
    first = {(one.event["id"], one.payload) for one in replay()}
    second = {(one.event["id"], one.payload) for one in replay(**other)}
    same = {id_ for id_, _ in first} & {id_ for id_, _ in second}
    assert same == {id_ for id_, _ in first & second}
    assert len(same) < 20


def test_the_same_lines_under_another_name_are_another_dataset(tmp_path: Path) -> None:
    """The dataset's name is in its ids."""
    lines = [new(), change(60, TOTAL_POPULATION=9)]
    ids = {one.event["id"] for one in Replay(dataset(tmp_path, *lines), start=START)}
    other = (tmp_path / "mine.jsonl").rename(tmp_path / "other.jsonl")
    assert ids.isdisjoint(one.event["id"] for one in Replay(Dataset.find(str(other)), start=START))


def test_nothing_reaches_act_unless_it_is_told_to() -> None:
    """All reports, registers too, go to `tst`, or to the reality that was named."""
    for reality in ("tst", "exe", "act"):
        options = {} if reality == "tst" else {"reality": reality}
        assert {(one.event["reality"], one.subject.split(".")[2]) for one in replay(**options)} == {(reality, reality)}


def test_what_was_hit_together_stays_together() -> None:
    """A state is one län, a city one kommun, whatever its spelling; points of a kommun lie near it and apart."""
    assert {kommun_of(n, "LA", "Houma").code for n in range(50)} == {kommun_of(7, "la", " HOUMA ").code}
    assert len({kommun_of(n, "LA", f"City {n}").lan for n in range(200)}) == 1
    assert len({kommun_of(n, "LA", f"City {n}").code for n in range(200)}) > 8
    assert len({kommun_of(1, state, "Springfield").lan for state in ("AK", "FL", "CA", "NY")}) == 4
    assert kommun_of(1, "XX", "a").lan == kommun_of(2, "XX", "b").lan
    assert {kommun_of(n, None, None).lan for n in range(400)} == set(LAN)
    places = [position_of(n, KOMMUNER["2480"]) for n in range(50)]
    assert len(set(places)) == 50
    lon, lat = KOMMUNER["2480"].position
    assert all(abs(place[0] - lon) < 0.3 and abs(place[1] - lat) < 0.1 for place in places)


@pytest.mark.parametrize(
    ("word", "lifecycle"),
    [("OPEN", "open"), ("open ", "open"), ("CLOSED", "closed"), ("ALERT", "planned"), ("STANDBY", "prepared")],
)
def test_a_status_is_a_lifecycle(told: Any, word: str, lifecycle: str) -> None:
    """Each word of the National Shelter System has its own; only `FULL` says something of room."""
    assert told(new(SHELTER_STATUS=word))[1] == ("status", {"lifecycle": lifecycle, "occupancy": 5})


def test_full_is_open_without_room_until_it_is_said_to_be_open(told: Any) -> None:
    """After `FULL`, `OPEN` takes `full` back, and does not say that there is room."""
    _, first, second, third = told(
        new(SHELTER_STATUS="FULL"), change(60, SHELTER_STATUS="OPEN"), change(90, SHELTER_STATUS="OPEN")
    )
    assert first[1] == {"lifecycle": "open", "availability": "full", "occupancy": 5}
    assert second[1] == {"lifecycle": "open", "availability": None}
    assert third[1] == {"lifecycle": "open"}


@pytest.mark.parametrize(
    ("field", "known", "path"),
    [
        ("TOTAL_POPULATION", 0, ("occupancy",)),
        ("SHELTER_STATUS", "CLOSED", ("lifecycle",)),
        ("PET_ACCOMMODATIONS_CODE", "NONE", ("services", "pets", "state")),
        ("PET_ACCOMMODATIONS_CODE", "YES", ("services", "pets", "state")),
    ],
)
@pytest.mark.parametrize("blank", [" ", "", None, "UNK"])
def test_unknown_is_left_out_and_takes_back_what_was_known(
    told: Any, field: str, known: object, path: tuple[str, ...], blank: str | None
) -> None:
    """What was never known is not mentioned; after it was, it is `null`, once; 0 people are known to be 0."""
    if blank == "UNK" and field == "TOTAL_POPULATION":
        blank = "  "
    *_, (_, first), (_, second), (_, third) = told(
        new(**{field: blank, "CITY": "A"}),
        change(1, **{field: known, "EVACUATION_CAPACITY": 0}),
        change(2, **{field: blank}),
        change(3, **{field: blank, "TOTAL_POPULATION" if field != "TOTAL_POPULATION" else "SHELTER_STATUS": "  "}),
    )

    def said(data: Any) -> Any:
        for key in path:
            data = data.get(key, "nothing") if isinstance(data, dict) else data
        return data

    assert said(first) not in (None, "nothing")
    assert said(second) is None
    assert said(third) == "nothing"


def test_capacities_of_nobody_and_answers_of_nobody_are_left_out(told: Any) -> None:
    """0 and blank capacities, `UNK` and half a denial say nothing; a later register without a value takes it back."""
    full = {"EVACUATION_CAPACITY": 40, "POST_IMPACT_CAPACITY": 20, "WHEELCHAIR_ACCESSIBLE": "YES"}
    none = {"EVACUATION_CAPACITY": 0, "POST_IMPACT_CAPACITY": " ", "WHEELCHAIR_ACCESSIBLE": "UNK"}
    (_, bare), _, (_, known), (_, again) = told(
        new(**none, ADA_COMPLIANT="NO"), change(1, **full), change(2, **none | {"ADA_COMPLIANT": " "})
    )
    assert not {"capacity_day", "capacity_night", "accessibility"} & bare.keys()
    assert (known["capacity_day"], known["capacity_night"], known["accessibility"]) == (40, 20, ["wheelchair"])
    assert again == bare
    denied = told(new(WHEELCHAIR_ACCESSIBLE="NO", ADA_COMPLIANT="NO"))[0][1]
    assert denied["accessibility"] == []


def test_a_point_keeps_its_place_and_takes_a_new_name(told: Any, tmp_path: Path) -> None:
    """Another city or coordinate says nothing; another name is a new profile of the same point."""
    assert len(told(new(), change(1, CITY="THIBODAUX", STATE="MS"), change(2, LATITUDE=1.5, LONGITUDE=2))) == 2
    _, _, (kind, profile) = told(new(), change(1, SHELTER_NAME=" Folkets\u0007  hus " + "x" * 200))
    assert kind == "register"
    assert profile["name"].startswith("Folkets hus xxx")
    assert len(profile["name"]) == 120
    assert told(new(SHELTER_NAME=" "))[0][1]["name"] == "Shelter 1"
    points = {one.event["subject"] for one in Replay(dataset(tmp_path, new(), change(1, CITY="B")), start=START)}
    assert len(points) == 1


def test_leaving_the_feed_is_silence(told: Any) -> None:
    """No report says so, least of all that it closed; coming back says what it said before, and no new profile."""
    assert [kind for kind, _ in told(new(), gone(60), new(120, TOTAL_POPULATION=7))] == ["register", "status", "status"]
    assert len(told(new(), gone(60))) == 2


def test_gaps_are_kept_and_can_be_cut(tmp_path: Path) -> None:
    """Times are the dataset's, moved to the start; of a gap no more is left than is wanted; small ones stay."""
    lines = [new(1000), change(1060, TOTAL_POPULATION=1), change(1060 + 86_400 * 20, TOTAL_POPULATION=2)]
    one = dataset(tmp_path, *lines, gone(1060 + 86_400 * 30))
    assert sorted({each.at - START for each in Replay(one, start=START)}) == [0, MINUTE, MINUTE + 20 * DAY]
    cut = Replay(one, start=START, longest_gap=6 * HOUR)
    assert sorted({each.at - START for each in cut}) == [0, MINUTE, MINUTE + 6 * HOUR]
    assert survey(one, longest_gap=6 * HOUR).length == MINUTE + 12 * HOUR
    assert survey(one).length == MINUTE + 30 * DAY


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"{\n", "(line)"),
        (b"[1]\n", "(line)"),
        (b'"' + b"a" * MAX_LINE + b'"\n', "(line)"),
        ({"id": 1, "new": False, "set": {"TOTAL_POPULATION": 1}}, "t"),
        ({"t": "9", "id": 1, "new": False, "set": {"TOTAL_POPULATION": 1}}, "t"),
        ({"t": 9e12, "id": 1, "new": False, "set": {"TOTAL_POPULATION": 1}}, "t"),
        ({"t": 9, "id": "a", "gone": True}, "id"),
        ({"t": 9, "id": 1, "gone": False}, "gone"),
        ({"t": 9, "id": 1, "set": {"TOTAL_POPULATION": 1}}, "new"),
        ({"t": 9, "id": 1, "new": False}, "set"),
        (change(9), "set"),
        (change(3, TOTAL_POPULATION=1), "t"),
        (change(9, 2, TOTAL_POPULATION=1), "id"),
        (gone(9, 2), "id"),
        (change(9, TOTAL_POPULATION="12"), "set.TOTAL_POPULATION"),
        (change(9, TOTAL_POPULATION=-1), "set.TOTAL_POPULATION"),
        (change(9, TOTAL_POPULATION=1.5), "set.TOTAL_POPULATION"),
        (change(9, TOTAL_POPULATION=True), "set.TOTAL_POPULATION"),
        (change(9, EVACUATION_CAPACITY=10**9), "set.EVACUATION_CAPACITY"),
        (change(9, POST_IMPACT_CAPACITY=[]), "set.POST_IMPACT_CAPACITY"),
        (change(9, SHELTER_STATUS="ÖPPEN"), "set.SHELTER_STATUS"),
        (change(9, WHEELCHAIR_ACCESSIBLE="MAYBE"), "set.WHEELCHAIR_ACCESSIBLE"),
        (change(9, PET_ACCOMMODATIONS_CODE="DOGS"), "set.PET_ACCOMMODATIONS_CODE"),
        (change(9, SHELTER_NAME=12), "set.SHELTER_NAME"),
        ({"t": 9, "id": 2, "new": True, "set": {"SHELTER_NAME": "A", "CITY": "B"}}, "set.STATE"),
    ],
)
def test_a_malformed_line_is_one_error_with_its_number_and_field(tmp_path: Path, line: Any, field: str) -> None:
    """The third line is at fault, below a good one and a blank one; the error is one line of text."""
    with pytest.raises(DatasetError) as caught:
        survey(dataset(tmp_path, new(5), b"\n", line, new(99)))
    assert (caught.value.line, caught.value.field) == (3, field)
    assert "\n" not in str(caught.value)
    assert f"line 3: {field}: " in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"name,city\n", b"\x1f\x8b\x08", b'{"type":"FeatureCollection"}\n'])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Nothing, a table, something compressed, GeoJSON: not a dataset."""
    with pytest.raises(DatasetError):
        survey(dataset(tmp_path, content))


def test_a_file_that_is_not_there_tells_what_is_shipped(tmp_path: Path) -> None:
    """So is a directory refused, and what can only be read once."""
    for path in (tmp_path / "none.jsonl", tmp_path, Path("/dev/stdin")):
        with pytest.raises(DatasetError, match="ida-2021"):
            Dataset.find(str(path))


def test_memory_follows_the_shelters_and_not_the_lines(tmp_path: Path) -> None:
    """Ten times the lines about the same shelters take no more memory to play."""

    def peak(lines: int) -> int:
        some = (change(n, n % 50, TOTAL_POPULATION=n % 90) for n in range(lines))
        one = dataset(tmp_path, *(new(0, n) for n in range(50)), *some)
        gc.collect()
        tracemalloc.start()
        survey(one)
        for _ in Replay(one, start=START):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(300), peak(6_000)
    assert many < few + 100_000
