"""Nothing restricted gets out: not as a value, not as a time, and not by what the public feed does or leaves undone."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from acceptance import restricted
from acceptance.node import Node
from acceptance.public_feed import DIRE, QUIET, Feed, listen, story, taken
from acceptance.timeline import at
from oracle.adapter import received
from oracle.make import Told, given, instant, register, status, when
from vardkase.domain import public as projector
from vardkase_contracts.instants import MINUTE, parse
from vardkase_contracts.vocab import Reality

NOTICE = "2480-_"
LIVE = register(at(8), publish="live", capacity_day=100)
TOLD = status(at(8, 3), lifecycle="open", availability="full", occupancy=90, message={"sv": "Välkommen"})


@pytest.fixture(scope="module")
def plain() -> Feed:
    """What the public is told of the story alone."""
    return listen(story())


def leaks(plain: Feed, within: str = "") -> Iterator[str]:
    """Every restricted field that makes the public feed another one, by a value of it or its mere coming."""
    for field in restricted.restricted():
        if not field.name.startswith(within):
            continue
        data = restricted.put(restricted.least(field.kind, field.path), field.path, field.value)
        if field.kind in restricted.PUBLIC:
            expected, found = plain, listen(story(**{field.kind: data}))
        else:
            least = restricted.told(field.kind, QUIET, id="more")
            expected = listen(story(least)) if field.kind == "retire" else plain
            found = listen(story(restricted.told(field.kind, QUIET, data, id="more")))
        if found != expected:
            yield f"{field.name} = {field.value}"


# -- no restricted field -----------------------------------------------------------------------------------------------


def test_no_restricted_field_shows_in_the_public_feed(plain: Feed) -> None:
    """Whatever a restricted field says, the same documents come at the same instants as if it were not there."""
    assert list(leaks(plain)) == []


def test_the_check_sees_a_field_that_leaks(plain: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that is let through by mistake is named by the check above."""
    monkeypatch.setattr(projector, "_PROFILE", (*projector._PROFILE, "org_unit"))
    assert {name.partition(" = ")[0] for name in leaks(plain, "register.")} == {"register.org_unit"}


def test_the_check_sees_a_report_that_betrays_itself_by_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resources report that moved `updated_at` would be named by the check, too."""
    monkeypatch.setattr(projector, "_SEEN", (*projector._SEEN, "staff"))
    assert "resources.staff.present = 3" in list(leaks(listen(story()), "resources.staff."))


def test_every_field_of_the_contract_is_tried() -> None:
    """Each field is public by name, published in bands, or among those tried as restricted."""
    tried = {field.name for field in restricted.restricted()}
    public = {f"{kind}.{path}" for kind, paths in restricted.PUBLIC.items() for path in paths}
    assert set(restricted.fields()) == tried | public | restricted.BANDED
    assert tried.isdisjoint(public)


def test_no_envelope_shows_in_the_public_feed(plain: Feed) -> None:
    """Who reported, in what role, by what means, how surely and with what id stays inside."""
    for name, value in restricted.envelopes():
        told = story()
        told[1] = taken(restricted.told("status", at(8, 3.7), id="status"), **{name: value})
        assert listen(told) == plain, (name, value)


def test_no_marker_shows_when_all_is_said_at_once() -> None:
    """With every restricted field set, in a point that lacks everything, no restricted value stands in any document."""
    marked: dict[str, restricted.Restricted] = {}
    for field in restricted.restricted():
        held = marked.get(field.name)
        if held is None or (restricted.is_marked(field.value) and not restricted.is_marked(held.value)):
            marked[field.name] = field
    data = {kind: dict(least) for kind, least in restricted.LEAST.items()}
    for field in marked.values():
        before = restricted.least(field.kind, field.path) | data.get(field.kind, {})
        data[field.kind] = restricted.put(before, field.path, field.value)
    assert restricted.is_marked(data["resources"]["power"]["fuel_l"])
    assert restricted.is_marked(data["status"]["note"])
    more = [
        restricted.told(kind, QUIET + n, data[kind], id=f"more{n}")
        for n, kind in enumerate(data)
        if kind not in {*restricted.PUBLIC, "retire"}
    ]
    feed = listen(story(*more, register=data["register"], status=data["status"]))
    said = orjson.dumps([document for _, document in feed]).decode().lower()
    assert not restricted.is_marked(said)


def test_fields_that_the_contract_does_not_know_stay_inside(plain: Feed) -> None:
    """What a newer reporter adds anywhere in a report is not passed on."""
    least = restricted.LEAST
    for path in ("extra", "position.extra"):
        assert listen(story(register=restricted.put(least["register"], path, "hemligt"))) == plain
    for path in ("extra", "services.extra"):
        assert listen(story(status=restricted.put(least["status"], path, "hemligt"))) == plain
    told = story()
    told[1] = taken(restricted.told("status", at(8, 3.7), id="status"), extra="hemligt")
    assert listen(told) == plain


# -- no proxy ----------------------------------------------------------------------------------------------------------


def test_a_point_that_lacks_everything_looks_like_one_that_lacks_nothing(plain: Feed) -> None:
    """No power, staff, water, heat nor 112 changes nothing outside, hour by hour until the day after."""
    assert listen(story(*(one._replace(id=f"d{n}") for n, one in enumerate(DIRE)))) == plain


@pytest.mark.parametrize(("low", "high"), [(0, 49), (50, 79), (80, 99), (100, 1000)])
def test_within_a_band_nothing_shows(low: int, high: int) -> None:
    """The number of visitors within a band changes nothing outside."""
    one, other = (
        listen(story(status={**restricted.LEAST["status"], "occupancy": occupancy})) for occupancy in (low, high)
    )
    assert one == other


def test_crowding_is_unknown_without_a_capacity() -> None:
    """Where no capacity is known, or it is 0, any number of visitors reads `unknown` and explains nothing."""
    for profile in ({}, {"capacity_day": 0}):
        feeds = [
            listen(
                story(
                    register={**restricted.LEAST["register"], "capacity_day": None, **profile},
                    status={**restricted.LEAST["status"], "occupancy": occupancy},
                )
            )
            for occupancy in (0, 5_000)
        ]
        assert feeds[0] == feeds[1]
        documents = [document for _, document in feeds[0] if "crowding" in document]
        assert {document["crowding"] for document in documents} == {"unknown"}


# -- no exact time -----------------------------------------------------------------------------------------------------


def times(document: Any) -> Iterator[tuple[str, int]]:
    """Every time in a document, with the name it stands under."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from times(value)
        elif isinstance(value, str):
            try:
                yield name, parse(value)
            except ValueError:
                continue


def test_no_time_is_exact_but_those_of_opening() -> None:
    """All times but `opens_at` and `closes_at`, which the kommun announces, are whole quarters of an hour."""
    odd = [
        one._replace(minute=one.minute + 0.123, id=f"o{n}")
        for n, one in enumerate([*DIRE, Told(at(10), "confirm", {})])
    ]
    opens = status(at(8, 7.7), opens_at=when(at(8, 1.5)), closes_at=when(at(20, 1.5)), occupancy=20)
    feed = listen(story(*odd, opens._replace(id="opens")))
    found = [(name, time) for _, document in feed for name, time in times(document)]
    assert {name for name, _ in found} == {"updated_at", "valid_until", "opens_at", "closes_at"}
    assert all(time % (15 * MINUTE) == 0 for name, time in found if name not in {"opens_at", "closes_at"})


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("activation", {"state": "active"}),
        ("need", {"need_id": "n"}),
        ("heartbeat", {}),
        ("contact", {"result": "failed"}),
    ],
)
def test_what_the_kommun_reports_of_itself_stays_inside(kind: str, data: dict[str, Any], plain: Feed) -> None:
    """Reports about the kommun itself change nothing outside: not even that it takes part."""
    assert listen(story(Told(QUIET, kind, data, point=NOTICE, id="itself"))) == plain


@pytest.mark.parametrize("reality", ["exe", "tst"])
def test_exercises_and_tests_are_never_public(reality: Reality) -> None:
    """The same story as an exercise or a test tells the public nothing."""
    told = [one._replace(reality=reality, id=f"x{n}") for n, one in enumerate([LIVE, TOLD, *DIRE])]
    assert listen(map(taken, told), reality=reality) == []


def test_an_exercise_changes_nothing_of_what_is_real() -> None:
    """A live point of skarpt läge stays as it is while it is exercised on, with equal ids."""
    act, exe = Node(), Node(reality="exe")
    real = [received(one) for one in given([LIVE, TOLD])]
    act.receive(real)
    act.judge(instant(at(9)))
    before = list(act.streams.public)
    exercised = given(
        [LIVE._replace(reality="exe"), status(at(9), lifecycle="closed", availability="full")._replace(reality="exe")]
    )
    for node in (act, exe):
        node.receive(map(received, exercised))
        node.judge(instant(at(9, 1)))
    assert act.streams.public == before
    assert exe.streams.public == []
