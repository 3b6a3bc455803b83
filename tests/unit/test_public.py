"""Nothing restricted gets out: not as a value, not as a time, and not by what the public feed does or leaves undone."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import orjson
import pytest

from acceptance import restricted
from acceptance.node import Node
from acceptance.timeline import Timeline, at
from oracle.adapter import received
from oracle.make import POINT, Told, given, instant, register, resources, services, staff, status, when
from vardkase.domain import public as projector
from vardkase.domain.merge import Received
from vardkase_contracts.instants import HOUR, MINUTE, parse
from vardkase_contracts.public import PUBLIC as DOCUMENT
from vardkase_contracts.reports import REPORT
from vardkase_contracts.vocab import Reality

NOTICE = "2480-_"
LIVE = register(at(8), publish="live", capacity_day=100)
OPEN = status(at(8, 3), lifecycle="open")
#: The fields of CONTRACT §5.
PROFILE = {"id", "name", "kind", "address", "position", "accessibility", "planned_services"}
LIVE_FIELDS = {"status", "availability", "services", "crowding", "message", "opens_at", "closes_at"}
TIMES = {"updated_at", "valid_until"}

#: What anybody who listens sees: when each document came, and what it says.
Feed = list[tuple[int, dict[str, Any]]]


def listen(items: Iterable[Received], *, reality: Reality = "act", until: float = at(12, day=1)) -> Feed:
    """All that the public is told of a story, from its first report to the end of the next day."""
    node = Node(reality=reality)
    feed: Feed = []

    def judge(now: int) -> None:
        feed.extend((now, document) for document in node.judge(now).public.values())

    now = 0
    for item in sorted(items, key=lambda each: each.received):
        while (due := node.world.next_due()) < item.received:
            judge(due)
        node.receive([item])
        judge(now := item.received)
    while (due := node.world.next_due()) <= instant(until):
        judge(max(now, due))
    return feed


def taken(report: Told, **envelope: Any) -> Received:
    """A report as it comes, with more in its envelope."""
    raw = orjson.dumps(restricted.event(report, **envelope))
    arrived = instant(report.minute if report.received is None else report.received)
    return Received(report=REPORT.validate_json(raw), received=arrived, digest=sha256(raw).digest())


def story(*more: Told, **replaced: Mapping[str, Any]) -> list[Received]:
    """A live point, open and limited for reasons of its own; with more told, or other data in its reports."""
    told = [
        restricted.told("register", at(8, 0.3), replaced.get("register"), id="register"),
        restricted.told("status", at(8, 3.7), replaced.get("status"), id="status"),
        *more,
    ]
    return [taken(one) for one in told]


#: When a report comes that is none of the public's business.
QUIET = at(9, 41.2)


@pytest.fixture(scope="module")
def plain() -> Feed:
    """What the public is told of the story alone."""
    return listen(story())


def leaks(plain: Feed, within: str = "") -> Iterator[str]:
    """Every restricted field that makes the public feed another one, by a value of it or its mere coming."""
    for field in restricted.restricted():
        if not field.name.startswith(within):
            continue
        data = restricted.put(restricted.LEAST.get(field.kind, {}), field.path, field.value)
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
    data = {kind: dict(least) for kind, least in restricted.LEAST.items()}
    for field in restricted.restricted():
        told = str(field.value).lower()
        if (
            restricted.MARKER in told
            or str(restricted.MARKED_NUMBER) in told
            or field.path not in data.get(field.kind, {})
        ):
            data[field.kind] = restricted.put(data.get(field.kind, {}), field.path, field.value)
    more = [
        restricted.told(kind, QUIET + n, data[kind], id=f"more{n}")
        for n, kind in enumerate(data)
        if kind not in {*restricted.PUBLIC, "retire"}
    ]
    feed = listen(story(*more, register=data["register"], status=data["status"]))
    said = orjson.dumps([document for _, document in feed]).decode().lower()
    assert data["resources"]["power"].keys() >= {"source", "fuel_l", "endurance_h"}
    assert restricted.MARKER not in said
    assert str(restricted.MARKED_NUMBER) not in said
    assert str(restricted.MARKED_NUMBER / 100) not in said


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

DIRE = [
    resources(
        at(9),
        power={"source": "none"},
        staff={"present": 0, "required": 4},
        water={"source": "tank", "litres": 0},
        heat={"indoor_c": -5},
        comms={"can_call_112": False},
        next_shift={"at": when(at(9, 30)), "covered": False},
    ),
    Told(at(9), "need", {"need_id": "n", "kind": "fuel", "priority": "urgent", "needed_by": when(at(9))}),
    Told(at(9), "contact", {"result": "failed"}),
    Told(at(9), "heartbeat", {"outbox_depth": 40}),
]


def test_a_point_that_lacks_everything_looks_like_one_that_lacks_nothing(plain: Feed) -> None:
    """No power, staff, water, heat nor 112 changes nothing outside, hour by hour until the day after."""
    assert listen(story(*(one._replace(id=f"d{n}") for n, one in enumerate(DIRE)))) == plain


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


# -- only what is real -------------------------------------------------------------------------------------------------


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
