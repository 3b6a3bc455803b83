"""What the public is told of a point: in its own words, in bands, as long as it is certain, and only when published."""

from typing import Any

import orjson
import pytest

from acceptance import restricted
from acceptance.public_feed import DIRE, listen, story, taken
from acceptance.timeline import Timeline, at
from oracle.make import POINT, Told, register, resources, services, staff, status, when
from vardkase.domain import public as projector
from vardkase_contracts.instants import HOUR, MINUTE
from vardkase_contracts.public import PUBLIC as DOCUMENT

NOTICE = "2480-_"
LIVE = register(at(8), publish="live", capacity_day=100)
OPEN = status(at(8, 3), lifecycle="open")
#: The fields of CONTRACT §5.
PROFILE = {"id", "name", "kind", "address", "position", "accessibility", "planned_services"}
LIVE_FIELDS = {"status", "availability", "services", "crowding", "message", "opens_at", "closes_at"}
TIMES = {"updated_at", "valid_until"}


def shown(*told: Told, at_: float | None = None) -> dict[str, Any]:
    """What the public has of the point after a story."""
    timeline = Timeline()
    timeline.tell(LIVE, *told)
    if at_ is not None:
        timeline.until(at_)
    return timeline.node.world.public[POINT]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "normal"),
        ({"occupancy": 79}, "normal"),
        ({"occupancy": 80}, "limited"),
        ({"occupancy": 100}, "limited"),
        ({"services": {"heat": {"state": "stopped"}}}, "limited"),
        ({"services": {"heat": {"state": "limited"}}}, "limited"),
        ({"services": {"heat": {"state": "available"}}}, "normal"),
        ({"services": {"heat": {"state": "planned"}}}, "normal"),
        ({"services": {"heat": {"state": None}}}, "normal"),
        ({"services": {"electricity": {"state": "stopped"}}}, "limited"),
    ],
)
def test_limited_is_told_only_where_published_facts_explain_it(more: dict[str, Any], expected: str) -> None:
    """A stopped or limited service and crowding explain `limited`; without them the public reads `normal`."""
    told = status(at(8, 3), lifecycle="open", availability="limited", **more)
    short = staff(at(8, 4), 0, 4)
    assert shown(told, short)["availability"] == expected


def test_full_is_told_as_it_is() -> None:
    """That a point takes nobody more is the public's, whatever the reason."""
    assert shown(status(at(8, 3), lifecycle="open", availability="full"))["availability"] == "full"


@pytest.mark.parametrize(
    ("occupancy", "band"),
    [(0, "low"), (49, "low"), (50, "medium"), (79, "medium"), (80, "high"), (99, "high"), (100, "full"), (400, "full")],
)
def test_crowding_is_a_band(occupancy: int, band: str) -> None:
    """Below 50, 80 and 100 % of the capacity."""
    assert shown(status(at(8, 3), lifecycle="open", occupancy=occupancy))["crowding"] == band


def test_crowding_is_unknown_without_a_count() -> None:
    """A number of visitors that was never said, or is unknown now, is no crowd."""
    assert shown(OPEN)["crowding"] == "unknown"
    assert (
        shown(status(at(8, 3), lifecycle="open", occupancy=90), status(at(9), occupancy=None))["crowding"] == "unknown"
    )


def test_the_capacity_by_night_gives_the_crowding_by_night() -> None:
    """From 22 the band is of the capacity by night."""
    timeline = Timeline()
    timeline.tell(register(at(20), publish="live", capacity_day=100, capacity_night=40))
    timeline.tell(status(at(21), lifecycle="open", occupancy=30))
    assert timeline.node.world.public[POINT]["crowding"] == "low"
    assert timeline.until(at(22)).node.world.public[POINT]["crowding"] == "medium"


# -- times -------------------------------------------------------------------------------------------------------------


def test_updated_at_is_rounded_down_and_valid_until_is_four_hours_on() -> None:
    """A status of 08:29 was updated at 08:15, and is valid until 12:15."""
    document = shown(status(at(8, 29.9), lifecycle="open"))
    assert document["updated_at"] == when(at(8, 15))
    assert document["valid_until"] == when(at(12, 15))


@pytest.mark.parametrize(
    "told",
    [
        resources(at(11), power={"source": "backup"}),
        Told(at(11), "need", {"need_id": "n"}),
        Told(at(11), "heartbeat", {}),
        Told(at(11), "contact", {"result": "reached"}),
        status(at(11), note="personalen räcker inte"),
        register(at(11), publish="live", capacity_day=100, staff_min=5, backup_type="fixed"),
    ],
    ids=["resources", "need", "heartbeat", "contact", "note", "register"],
)
def test_a_report_of_what_is_restricted_does_not_move_updated_at(told: Told) -> None:
    """Only what the public sees, and confirmations of it, say when it was updated."""
    assert shown(OPEN, told)["updated_at"] == when(at(8))


@pytest.mark.parametrize(
    "told",
    [
        status(at(11), lifecycle="open"),
        status(at(11), availability="normal"),
        services(at(11), heat="available"),
        status(at(11), message={"sv": "Soppa"}),
        Told(at(11), "confirm", {}),
    ],
    ids=["lifecycle", "availability", "services", "message", "confirm"],
)
def test_a_report_of_what_is_public_moves_updated_at(told: Told) -> None:
    """Each public part of a status, and a confirmation, is an update."""
    assert shown(OPEN, told)["updated_at"] == when(at(11))


# -- what is too old ---------------------------------------------------------------------------------------------------

TOLD = status(
    at(8, 3),
    lifecycle="open",
    availability="full",
    occupancy=90,
    services={"heat": {"state": "available"}},
    message={"sv": "Välkommen"},
)


def test_after_four_hours_what_changes_is_unknown() -> None:
    """At `valid_until` availability, services and crowding read unknown; the point is still open, with its message."""
    timeline = Timeline()
    timeline.tell(LIVE, TOLD)
    before = dict(timeline.until(at(12) - 0.001).node.world.public[POINT])
    after = timeline.until(at(12)).node.world.public[POINT]
    assert (before["availability"], before["services"], before["crowding"]) == ("full", {"heat": "available"}, "high")
    assert after == before | {"availability": "unknown", "services": {"heat": "unknown"}, "crowding": "unknown"}


def test_after_twelve_hours_not_even_open_is_certain() -> None:
    """Twelve hours after `updated_at` the status is unconfirmed, never closed."""
    assert shown(TOLD, at_=at(20) - 0.001)["status"] == "open"
    assert shown(TOLD, at_=at(20))["status"] == "unconfirmed"


def test_a_confirmation_makes_it_valid_again() -> None:
    """That nothing has changed brings back what was said."""
    document = shown(TOLD, Told(at(21), "confirm", {}))
    assert (document["status"], document["availability"], document["updated_at"]) == ("open", "full", when(at(21)))


@pytest.mark.parametrize(
    ("lifecycle", "expected"),
    [
        ("planned", "planned"),
        ("prepared", "planned"),
        ("establishing", "opening"),
        ("open", "open"),
        ("closing", "open"),
        ("closed", "closed"),
        (None, "unconfirmed"),
    ],
)
def test_the_lifecycle_is_told_in_the_publics_words(lifecycle: str | None, expected: str) -> None:
    """Planned and prepared are planned, closing is open, and what nobody knows is unconfirmed."""
    assert shown(status(at(8, 3), lifecycle=lifecycle))["status"] == expected


# -- hidden, listed, gone ----------------------------------------------------------------------------------------------


def test_a_hidden_point_is_never_mentioned() -> None:
    """A point that the kommun does not publish leaves no document, also when it opens, retires or is withdrawn."""
    withdraw, retire = Told(at(10), "withdraw", {"report_ids": ["h1"]}), Told(at(11), "retire", {})
    told = [register(at(8)), OPEN, *DIRE, withdraw, retire]
    assert listen(taken(one._replace(id=f"h{n}")) for n, one in enumerate(told)) == []


def test_an_unregistered_point_is_never_mentioned() -> None:
    """A point that only reports was never published by its kommun."""
    assert listen([taken(OPEN._replace(id="o"))]) == []


def test_a_listed_point_shows_what_it_is_and_nothing_that_happens() -> None:
    """Of a `listed` point there is one document, without live fields, whatever it reports for a day."""
    least = {**restricted.LEAST["register"], "publish": "listed"}
    feed = listen(story(*(one._replace(id=f"d{n}") for n, one in enumerate(DIRE)), register=least))
    (only,) = (document for _, document in feed if document["id"] == POINT)
    assert only.keys() <= PROFILE


def test_a_live_point_has_the_contracts_fields_and_no_other() -> None:
    """Every document is one of the three in the contract, and has no field beside."""
    profile = {"address": "Umedalsvägen 1", "accessibility": ["wheelchair"], "planned_services": ["heat"]}
    feed = listen(story(register={**restricted.LEAST["register"], **profile}))
    for _, document in feed:
        DOCUMENT.validate_json(orjson.dumps(document))
    live = [document for _, document in feed if document["id"] == POINT and "status" in document]
    assert {name for document in live for name in document} == PROFILE | LIVE_FIELDS | TIMES


@pytest.mark.parametrize(
    "told",
    [
        Told(at(10), "retire", {"reason": "riven", "replaced_by": "2480-annan"}),
        Told(at(10), "withdraw", {"report_ids": ["live"]}, point=NOTICE),
        register(at(10), publish="hidden"),
    ],
    ids=["retired", "withdrawn", "hidden"],
)
def test_what_is_not_public_any_more_leaves_a_tombstone_alone(told: Told) -> None:
    """A point that is retired, withdrawn or hidden again leaves its id and that it is gone; so does its kommun."""
    timeline = Timeline()
    timeline.tell(LIVE._replace(id="live"), OPEN)
    before = len(timeline.node.streams.public)
    timeline.tell(told)
    assert timeline.node.streams.public[before:] == [{"id": POINT, "gone": True}, {"id": NOTICE, "gone": True}]
    timeline.tell(staff(at(11), 1, 4), status(at(12), occupancy=3))
    assert len(timeline.node.streams.public) == before + 2


def test_a_point_that_is_public_again_takes_the_tombstones_place() -> None:
    """A point published after it was hidden shows again, and its kommun takes part again."""
    timeline = Timeline()
    timeline.tell(LIVE, register(at(9)), register(at(10), publish="listed"))
    assert [each.get("gone") for each in timeline.node.streams.public if each["id"] == NOTICE] == [None, True, None]
    assert timeline.node.world.public[POINT]["name"] == "Umedalens skola"


def test_live_fields_go_when_a_point_is_only_listed() -> None:
    """A point that goes from live to listed stands without what it last said of itself."""
    assert shown(OPEN, register(at(9), publish="listed")).keys() <= PROFILE


# -- the kommun takes part ---------------------------------------------------------------------------------------------


def test_the_kommun_takes_part_from_its_first_public_point_to_its_last() -> None:
    """The notice comes with the first point, once, and goes with the last."""
    timeline = Timeline()
    for n in range(2):
        timeline.tell(LIVE._replace(minute=at(8, n), point=f"2480-p{n}"))
    notices = [each for each in timeline.node.streams.public if each["id"] == NOTICE]
    assert notices == [{"id": NOTICE, "kommun": "2480", "name": "Umeå", "takes_part": True}]
    for n in range(2):
        timeline.tell(Told(at(9, n), "retire", {}, point=f"2480-p{n}"))
    gone = [each["id"] for each in timeline.node.streams.public if each.get("gone")]
    assert gone == ["2480-p0", "2480-p1", NOTICE]


def test_a_late_report_does_not_bring_an_old_time_back() -> None:
    """What was observed before what is shown changes neither the times nor the words."""
    timeline = Timeline()
    timeline.tell(LIVE, TOLD)
    before = len(timeline.node.streams.public)
    timeline.tell(status(at(8, 1), availability="normal", lifecycle="closed")._replace(received=at(9)))
    assert len(timeline.node.streams.public) == before


def test_times_of_validity_are_those_of_the_contract() -> None:
    """Valid for 4 h, unconfirmed after 12."""
    assert (projector.VALID, projector.UNCONFIRMED, projector.ROUNDED) == (4 * HOUR, 12 * HOUR, 15 * MINUTE)
