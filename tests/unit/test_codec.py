"""A state as a document and back; and its version, which is equal wherever the same reports were merged."""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import fields
from itertools import permutations
from typing import Any

import orjson
import pytest

from acceptance.chance import Chance
from oracle.adapter import judged, received
from oracle.make import POINT, Told, backup, given, instant, register, resources, services, staff, status, when
from vardkase.domain.codec import VERSIONED, canonical, load, merged_document, merged_json, version_of
from vardkase.domain.fold import fold
from vardkase.domain.judge import conflicts
from vardkase.domain.merge import merge
from vardkase.domain.state import MAX_NEEDS, PointState

EVERYTHING: Sequence[Told] = (
    register(-600, publish="live", planned_services=["heat"], address="Umedalsvägen 1"),
    status(0, lifecycle="open", availability="normal", occupancy=3, message={"sv": "Hej", "en": "Hi"}, note="ok"),
    status(1, capacity_day=20, capacity_night=10, opens_at="2026-11-20T09:30:00.5+01:00", closes_at=when(600)),
    services(2, heat="available", charging=None),
    backup(3, 5.25, fuel_l=60, fuel_l_per_h=12),
    resources(4, staff={"present": 2, "required": 4}, water={"litres": 100.5, "source": "tank"}),
    resources(5, heat={"indoor_c": 19.5}, comms={"mobile": "up", "can_call_112": True}, refill=None),
    resources(6, next_shift={"at": when(200), "covered": False})._replace(reporter="b", seq=7),
    staff(7, None)._replace(reporter="b"),
    Told(8, "need", {"need_id": "n1", "kind": "fuel", "quantity": 40, "unit": "l"}),
    Told(9, "heartbeat", {"outbox_depth": 2}),
    Told(10, "contact", {"result": "reached"}),
    Told(11, "confirm", {}),
    Told(20, "status", {"occupancy": 4}, received=12),
    Told(30, "retire", {"reason": "riven", "replaced_by": "2480-annan"}),
)


def state(*told: Told) -> PointState:
    """The state of the point after a story."""
    return fold(map(received, given(told)))["act", POINT]


def document(of: PointState) -> dict[str, Any]:
    """As it comes back from a stream."""
    return orjson.loads(orjson.dumps({"id": of.id, "reality": of.reality, **merged_document(of)}))


def test_a_state_survives_the_stream() -> None:
    """What is loaded from a document is the state that it was made of, in every part."""
    before = state(*EVERYTHING)
    after = load(document(before))
    for part in (each.name for each in fields(PointState) if each.compare):
        one, other = getattr(before, part), getattr(after, part)
        if part == "timelines":
            one, other = ({name: list(each) for name, each in lines.items()} for lines in (one, other))
        assert one == other, part


@pytest.mark.parametrize("seed", range(25))
def test_merging_goes_on_where_the_document_ends(seed: int) -> None:
    """A state stored at any time, loaded and merged on, has the version of one that was never stored."""
    chance = Chance(seed)
    story = [chance.report(n, 7 * n, [POINT]) for n in range(40)]
    items = [received(one) for one in given(one for one in story if one.kind != "withdraw")]
    stored = PointState(POINT, "act")
    for item in items:
        merge(stored, item)
        if chance.random() < 0.3:
            stored = load(document(stored))
    chance.shuffle(items)
    whole = PointState(POINT, "act")
    for item in items:
        merge(whole, item)
    assert merged_document(stored) == merged_document(whole)


def test_what_is_written_again_in_part_is_what_would_be_written_whole() -> None:
    """After every report, and whatever of the last document is used again, the JSON and its version are the whole's."""
    one = PointState(POINT, "act")
    for item in map(received, given(EVERYTHING)):
        merge(one, item)
        written = merged_json(one)
        assert orjson.loads(orjson.dumps(written)) == orjson.loads(orjson.dumps(merged_document(one)))


def test_what_was_known_before_the_timelines_window_survives() -> None:
    """The last known value, that has left its timeline behind unknown ones, is kept in the document."""
    readings = (staff(10 * n, None) for n in range(1, 60))
    after = load(document(state(status(0, lifecycle="open"), staff(0, 1, 4), backup(0, 90), *readings)))
    assert after.known["staff"][1] == {"present": 1, "required": 4}
    verdicts = judged(after, instant(600)).verdicts
    assert verdicts["staff.short"].level == "red"
    assert verdicts["staff.short"].evidence_lost


def test_the_version_is_the_sha256_of_canonical_json() -> None:
    """Sorted keys, no white space, UTF-8: anybody can compute it from the published parts."""
    published = document(state(*EVERYTHING))
    parts = {name: published[name] for name in VERSIONED}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical(parts) == text.encode()
    assert published["version"] == hashlib.sha256(text.encode()).hexdigest()


def test_the_order_of_keys_does_not_show() -> None:
    """Two documents that differ in the order of their keys alone have one version."""
    assert version_of({"a": 1, "b": {"c": 2, "d": 3}}) == version_of({"b": {"d": 3, "c": 2}, "a": 1})


def test_the_clock_does_not_show_in_the_version() -> None:
    """A state has the same version at any instant: nothing in it says when it was looked at."""
    one = state(*EVERYTHING)
    before = merged_document(one)["version"]
    judged(one, instant(5_000))
    assert merged_document(one)["version"] == before


@pytest.mark.parametrize("n", range(len(EVERYTHING)))
def test_every_report_shows_in_the_version(n: int) -> None:
    """A state without any one of its reports has another version."""
    whole = [one._replace(id=f"e{i}") for i, one in enumerate(EVERYTHING)]
    without = [*whole[:n], *whole[n + 1 :]]
    assert merged_document(state(*without))["version"] != merged_document(state(*whole))["version"]


def test_quality_and_an_adjusted_clock_stand_in_the_document_and_survive() -> None:
    """What is estimated says so, what came from a fast clock says so; what is plain says nothing."""
    fast = received(given([status(20, occupancy=4)._replace(received=5)])[0])
    assert fast.received == instant(5)
    one = PointState(POINT, "act")
    merge(one, fast)
    fact = document(one)["facts"]["occupancy"]
    assert (fact["clock_adjusted"], fact["observed_at"], "quality" in fact) == (True, when(5), False)
    assert load(document(one)).newest("occupancy") == one.newest("occupancy")


def test_a_state_stays_bounded() -> None:
    """After 3,000 readings of everything a document is not greater than after 1,000, whatever their order."""
    chance = random.Random(1)
    minutes = [n / 6 for n in range(3_000)]
    chance.shuffle(minutes)
    one, sizes = PointState(POINT, "act"), []
    for n, minute in enumerate(minutes):
        told = resources(minute, staff={"present": 2}, heat={"indoor_c": 20})._replace(id=f"r{n:04}")
        merge(one, received(given([told])[0]))
        merge(one, received(given([Told(minute, "need", {"need_id": f"n{n}"}, id=f"n{n:04}")])[0]))
        if n % 1_000 == 999:
            sizes.append(len(orjson.dumps(merged_document(one))))
    assert len(one.needs) == MAX_NEEDS
    assert all(len(list(timeline)) <= 73 for timeline in one.timelines.values())
    assert sizes[2] < 1.1 * sizes[0]


def test_conflicts_stand_in_one_order() -> None:
    """What two reporters contradict each other in is listed alike, whichever of the reports came first."""
    told = [
        resources(0, power={"source": "mains"}, staff={"present": 4})._replace(reporter="a", id="a"),
        resources(1, power={"source": "none"})._replace(reporter="b", id="b"),
        resources(2, staff={"present": 1})._replace(reporter="b", id="c"),
        status(3, lifecycle="open", occupancy=3)._replace(reporter="a", id="d"),
        status(4, lifecycle="closed")._replace(reporter="b", id="e"),
        status(5, occupancy=9)._replace(reporter="b", id="f"),
    ]
    found = set()
    for order in permutations(received(one) for one in given(told)):
        one = PointState(POINT, "act")
        for item in order:
            merge(one, item)
        found.add(tuple(each.aspect for each in conflicts(one)))
    assert found == {("lifecycle", "occupancy", "power", "staff")}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("timelines"),
        lambda document: document["facts"]["profile"].pop("observed_at"),
        lambda document: document["timelines"]["reports"].clear(),
        lambda document: document["last"].update(content="yesterday"),
    ],
    ids=["part", "fact", "table", "time"],
)
def test_what_is_no_state_is_told_of(spoil: Any) -> None:
    """A document that lacks a part or holds nonsense is an error, never half a state."""
    spoilt = document(state(*EVERYTHING))
    spoil(spoilt)
    with pytest.raises((KeyError, ValueError, TypeError, IndexError)):
        load(spoilt)


def test_instants_in_sections_are_in_utc() -> None:
    """A time with an offset is the same instant in UTC in the document, whoever wrote it."""
    value = document(state(*EVERYTHING))["facts"]["opens_at"]["value"]
    assert value == "2026-11-20T08:30:00.500000Z"
