import json
from typing import Any

import pytest
from geojson_pydantic import FeatureCollection
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from acceptance.timeline import Timeline, at
from oracle.make import POINT, register, status
from vardkase.gateway.filters import Box
from vardkase.gateway.public.aging import as_read
from vardkase.gateway.public.answers import Answers, kommuner_answer
from vardkase.gateway.public.blocks import Blocks, Place, epoch_of
from vardkase.gateway.public.held import PublicPoints, Question
from vardkase_contracts.instants import HOUR, MINUTE, iso, parse

NOON = parse("2026-11-20T12:00:00Z")
LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"
STORE = "1a2b3c4d"


def document(point: str = "2480-a", **more: Any) -> dict[str, Any]:
    """A public point that is open and was heard of at noon."""
    return {
        "id": point,
        "name": "Umedalens skola",
        "kind": "trygghetspunkt",
        "position": {"lon": 20.2, "lat": 63.8},
        "planned_services": ["heat"],
        "status": "open",
        "availability": "normal",
        "services": {"heat": "available"},
        "crowding": "low",
        "message": {"sv": "Välkommen"},
        "updated_at": iso(NOON),
        "valid_until": iso(NOON + 4 * HOUR),
        "opens_at": None,
        "closes_at": None,
    } | more


def held(*documents: dict[str, Any], now: int = NOON) -> PublicPoints:
    """What is held of some documents, in this order."""
    points = PublicPoints()
    for sequence, each in enumerate(documents, points.last + 1):
        points.take(sequence, json.dumps(each).encode(), now)
    return points


def answers(points: PublicPoints, clock: list[float] | None = None) -> Answers:
    """Answers that are made anew at most once a second of a clock."""
    time = clock or [0.0]
    return Answers(points, licence=LICENCE, fresh=1.0, monotonic=lambda: time[0])


def asked(points: PublicPoints, question: Question | None = None) -> dict[str, Any]:
    """The answer to a question."""
    return json.loads(answers(points).answer(question or Question(), epoch=STORE, live=True).body)


def kommun(code: str, name: str) -> dict[str, Any]:
    return {"id": f"{code}-_", "kommun": code, "name": name, "takes_part": True}


def test_it_reads_as_the_node_would_tell_it_at_any_time() -> None:
    """What the gateway makes of an old document is what a node that still runs would have published by then."""
    timeline = Timeline()
    services = {"heat": {"state": "available"}, "food": {"state": "stopped"}}
    timeline.tell(
        register(at(8), publish="live", capacity_day=100),
        status(at(8, 3), lifecycle="open", availability="limited", occupancy=40, services=services),
    )
    told = timeline.node.world.public[POINT]
    for minutes in (4, 239, 240, 241, 700, 719, 720, 2000):
        timeline.until(at(8, minutes))
        assert as_read(told, timeline.now) == timeline.node.world.public[POINT]


def test_a_point_that_is_only_listed_does_not_age() -> None:
    """What a kommun shows without live status says nothing that could become old."""
    listed = {name: document()[name] for name in ("id", "name", "kind", "position")}
    assert as_read(listed, NOON + 1000 * HOUR) == listed


def test_time_alone_changes_what_is_held() -> None:
    """An answer changes when a point's word becomes too old, although nothing was published."""
    points = held(document())
    assert asked(points)["features"][0]["properties"]["crowding"] == "low"
    points.age(NOON + 4 * HOUR)
    read = asked(points)["features"][0]["properties"]
    assert (read["crowding"], read["availability"], read["services"]) == ("unknown", "unknown", {"heat": "unknown"})
    assert read["status"] == "open"
    points.age(NOON + 12 * HOUR)
    assert asked(points)["features"][0]["properties"]["status"] == "unconfirmed"


def test_the_answer_is_geojson_with_who_takes_part() -> None:
    """A feature collection by RFC 7946 that says which kommuner take part, what is gone, and what it rests on."""
    points = held(kommun("2480", "Umeå"), document(), document("2482-b"), {"id": "2480-old", "gone": True})
    answer = asked(points)
    FeatureCollection.model_validate(answer)
    assert answer["kommuner"] == ["2480"]
    assert answer["gone"] == ["2480-old"]
    assert (answer["numberMatched"], answer["numberReturned"]) == (2, 2)
    assert answer["license"] == LICENCE
    assert answer["last_event_id"] == f"{STORE}.4"
    assert answer["features"][0]["geometry"] == {"type": "Point", "coordinates": [20.2, 63.8]}
    assert answer["features"][0]["properties"]["kommun"] == "2480"


def test_a_tombstone_takes_the_point_away_and_a_new_document_brings_it_back() -> None:
    """What is gone is no feature any more; published again, it is no tombstone any more."""
    points = held(document(), {"id": "2480-a", "gone": True})
    assert (asked(points)["features"], asked(points)["gone"]) == ([], ["2480-a"])
    assert points.is_gone("2480-a")
    points.take(3, json.dumps(document()).encode(), NOON)
    assert len(asked(points)["features"]) == 1
    assert asked(points)["gone"] == []


def test_a_kommun_that_leaves_takes_part_no_more() -> None:
    """The tombstone of a kommun is no tombstone of a point."""
    points = held(kommun("2480", "Umeå"), {"id": "2480-_", "gone": True})
    assert (asked(points)["kommuner"], asked(points)["gone"]) == ([], [])


def test_what_is_not_on_the_list_goes_no_further() -> None:
    """A field that the contract does not call public is left out, even if the public stream had it."""
    points = held(document(staff={"present": 1}, fuel_l=60))
    assert "staff" not in asked(points)["features"][0]["properties"]
    assert "fuel_l" not in asked(points)["features"][0]["properties"]


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"id":"2480-a"}', b'{"id":"x","gone":true}'])
def test_what_is_no_public_document_changes_nothing(data: bytes) -> None:
    """It is refused, and what was held of others stays."""
    points = held(document())
    with pytest.raises(ValidationError):
        points.take(2, data, NOON)
    assert len(points) == 1


def test_questions() -> None:
    """Points are asked for by kommun, place, kind, status and service."""
    far = document("0180-c", position={"lon": 18.0, "lat": 59.3}, status="closed", kind="varmestuga")
    listed = {name: document("2482-d")[name] for name in ("id", "name", "kind", "position", "planned_services")}
    points = held(document(), far, listed)

    def ids(question: Question) -> list[str]:
        return [feature["id"] for feature in asked(points, question)["features"]]

    assert ids(Question()) == ["0180-c", "2480-a", "2482-d"]
    assert ids(Question(kommuner=frozenset({"2480", "2482"}))) == ["2480-a", "2482-d"]
    assert ids(Question(box=Box(17, 59, 19, 60))) == ["0180-c"]
    assert ids(Question(box=Box(170, 0, 18.5, 90))) == ["0180-c"]
    assert ids(Question(kinds=frozenset({"varmestuga"}))) == ["0180-c"]
    assert ids(Question(statuses=frozenset({"open"}))) == ["2480-a"]
    assert ids(Question(services=frozenset({"heat"}))) == ["0180-c", "2480-a", "2482-d"]
    assert ids(Question(services=frozenset({"heat", "food"}))) == []


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["2480", "2482", "0180"]), st.integers(0, 30), st.booleans()), max_size=60),
    st.integers(1, 7),
)
def test_pages_together_are_the_whole(told: list[tuple[str, int, bool]], limit: int) -> None:
    """Page by page one gets each point and each tombstone once, in order of id, never more at once than asked for."""
    documents = [
        document(f"{code}-p{number}") if there else {"id": f"{code}-p{number}", "gone": True}
        for code, number, there in told
    ]
    points = held(*documents)
    latest = {each["id"]: each for each in documents}
    question = Question(limit=limit)
    seen: list[str] = []
    while True:
        page = points.page(question)
        assert len(page.features) + len(page.gone) <= limit
        seen += sorted([json.loads(each)["id"] for each in page.features] + page.gone)
        assert page.matched == sum("gone" not in each for each in latest.values())
        if page.after is None:
            break
        question = Question(limit=limit, after=page.after)
    assert seen == sorted(latest)


@settings(deadline=None)
@given(st.data())
def test_who_reads_the_stream_now_and_then_has_what_is_held(data: st.DataObject) -> None:
    """However seldom a reader takes what has changed, and wherever it broke off, in the end it holds what is held."""
    points, sequence = PublicPoints(), 0
    blocks = Blocks(points)
    place, fresh = Place(STORE, 0), True
    mine: dict[str, Any] = {}
    for _ in range(data.draw(st.integers(0, 12))):
        for number, there in data.draw(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=8)):
            sequence += 1
            key = f"2480-p{number}"
            told = document(key, message={"sv": str(sequence)}) if there else {"id": key, "gone": True}
            points.take(sequence, json.dumps(told).encode(), NOON)
        if data.draw(st.booleans()):
            block = blocks.block(Question(), place, fresh=fresh)
            apply(mine, block.data)
            assert place.sequence <= block.position
            place, fresh = Place(STORE, block.position), False
    apply(mine, blocks.block(Question(), place, fresh=fresh).data)
    assert mine == {feature["id"]: feature for feature in asked(points)["features"]}


def apply(mine: dict[str, Any], data: bytes) -> None:
    """What a reader does with events."""
    for each in data.decode().split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in each.split("\n"))
        told = json.loads(lines["data"])
        if lines["event"] == "gone":
            mine.pop(told["id"], None)
        else:
            mine[told["id"]] = told


def test_a_long_catching_up_comes_in_blocks() -> None:
    """Nobody is sent the whole country in one piece, and all who begin share the pieces."""
    points = held(*(document(f"2480-p{number}") for number in range(450)))
    blocks = Blocks(points)
    place, sizes = Place(STORE, 0), []
    while True:
        block = blocks.block(Question(), place, fresh=True)
        assert blocks.block(Question(), place, fresh=True) is block
        sizes.append(block.data.count(b"event: point"))
        place = Place(STORE, block.position)
        if not block.more:
            break
    assert sizes == [200, 200, 50]


def test_what_is_kept_to_be_shared_is_bounded() -> None:
    """Neither blocks nor answers grow with what is asked."""
    points = held(*(document(f"2480-p{number}") for number in range(300)))
    blocks, made = Blocks(points), answers(points)
    for number in range(300):
        blocks.block(Question(), Place(STORE, number), fresh=False)
        made.answer(Question(limit=number + 1), epoch=STORE, live=True)
    assert len(blocks) <= 128
    assert len(made) <= 64


def test_due_times_do_not_grow_with_what_is_replaced() -> None:
    """A point that is published for ever leaves no trail of times at which its documents would have become old."""
    points = PublicPoints()
    for sequence in range(1, 2000):
        points.take(sequence, json.dumps(document()).encode(), NOON)
    assert len(points._due) < 100


def test_an_answer_is_made_anew_at_most_once_a_second() -> None:
    """While much changes, those who ask share an answer that is at most so old; when nothing changes it is kept."""
    points, clock = held(document()), [0.0]
    made = answers(points, clock)
    first = made.answer(Question(), epoch=STORE, live=True)
    points.take(2, json.dumps(document("2480-b")).encode(), NOON)
    assert made.answer(Question(), epoch=STORE, live=True) is first
    clock[0] = 1.0
    second = made.answer(Question(), epoch=STORE, live=True)
    assert b"2480-b" in second.body
    clock[0] = 100.0
    assert made.answer(Question(), epoch=STORE, live=True) is second


def test_two_gateways_answer_with_the_same_bytes() -> None:
    """What one read from the beginning, and another from where it stood, is the same answer with the same tag."""
    documents = [kommun("2480", "Umeå"), document(), document("2480-b"), document(crowding="high")]
    long, late = held(*documents), PublicPoints()
    for sequence in (1, 3, 4):  # the second was replaced before the other gateway came
        late.take(sequence, json.dumps(documents[sequence - 1]).encode(), NOON)
    one, other = (answers(each).answer(Question(), epoch=STORE, live=True) for each in (long, late))
    assert one == other


def test_kommuner_that_do_not_take_part_are_named() -> None:
    """An empty map never means that there are no points: who does not take part stands there too."""
    points = held(kommun("2480", "Umeå"))
    area = [("2480", "Umeå"), ("2482", "Skellefteå")]
    told = json.loads(kommuner_answer(points, area, licence=LICENCE, live=True).body)
    assert (told["of"], told["taking_part"]) == (2, 1)
    assert told["kommuner"][1] == {"kommun": "2482", "name": "Skellefteå", "takes_part": False}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1a2b3c4d.17", Place("1a2b3c4d", 17)),
        ("", None),
        ("17", None),
        (".17", None),
        ("a.-1", None),
        ("a.\N{ARABIC-INDIC DIGIT ONE}", None),
        ("a.1.2", None),
        ("a\n.1", None),
        ("a." + "9" * 99, None),
    ],
)
def test_places(text: str, expected: Place | None) -> None:
    """Only what the stream itself gave as an id is a place in it."""
    assert Place.parse(text) == expected


def test_an_epoch_is_the_stores() -> None:
    """Two stores of one name have two epochs, and one store has one at every gateway."""
    assert epoch_of("2026-11-20T12:00:00.1Z") == epoch_of("2026-11-20T12:00:00.1Z") != epoch_of("2026-11-20T12:00:01Z")


def test_nothing_is_exact_in_time() -> None:
    """What comes out has no time that is finer than the quarter of an hour, whenever it was taken in."""
    points = held(document(), now=NOON + 7 * MINUTE + 13)
    properties = asked(points)["features"][0]["properties"]
    times = [properties[name] for name in ("updated_at", "valid_until")]
    assert all(parse(time) % (15 * MINUTE) == 0 for time in times)
    assert "stored" not in json.dumps(asked(points))
