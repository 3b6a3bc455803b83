import gzip
from typing import Any

import orjson
import pytest
from starlette.requests import Request

from gateway_kit import state_of
from vardkase.gateway import negotiate
from vardkase.gateway.documents import Held, Point, around
from vardkase.gateway.filters import Box, area_of, asked_area, page_of
from vardkase.gateway.matching import match
from vardkase.gateway.nearest import room_of
from vardkase.gateway.needed import needs_of
from vardkase.gateway.negotiate import Packed, answer, takes_gzip
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase.logistics.distance import kilometres
from vardkase_contracts.areas import CIVO, KOMMUNER, Area
from vardkase_contracts.instants import parse
from vardkase_contracts.vocab import REALITIES


def asked(**headers: str) -> Request:
    """A request with these headers."""
    return Request(
        {
            "type": "http",
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }
    )


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("", False),
        ("gzip", True),
        ("br, GZIP", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.001", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("deflate, *;q=0.5", True),
        ("identity", False),
        ("gzipped", False),
        (";;,,q=", False),
    ],
)
def test_what_is_taken_is_as_the_rfc_says(accepted: str, *, takes: bool) -> None:
    """`Accept-Encoding`, with its qualities and star."""
    assert takes_gzip({"accept-encoding": accepted}) is takes


@pytest.mark.parametrize(
    ("given", "status"),
    [('"a"', 304), ('W/"a"', 304), ('"b", "a"', 304), ("*", 304), ('"b"', 200), ("a", 304), ("", 200), ('"ab"', 200)],
)
def test_a_tag_that_is_known_is_not_answered_again(given: str, status: int) -> None:
    """`If-None-Match`, weak or strong, one or several."""
    told = answer(asked(if_none_match=given), b"{}", "a")
    assert told.status_code == status
    assert told.headers["etag"] == '"a"'
    assert told.headers["vary"] == "accept-encoding, authorization, cookie"


def test_compressed_answers_are_kept_within_bounds() -> None:
    """The least used is forgotten; what is made anew is the same to the byte."""
    body = bytes(range(256)) * 40
    packed = Packed(most=2 * len(negotiate.gzipped(body)) + 10)
    first = packed.of("a", body)
    assert gzip.decompress(first) == body
    packed.of("b", body)
    assert packed.of("a", b"not looked at: it is kept") is first
    packed.of("c", body)
    assert packed.of("a", b"kept still, used lately") is first
    assert packed.of("b", b"x" * 2000) != first, "forgotten"
    assert negotiate.gzipped(body) == first


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "nan,0,1,1",
        "inf,0,1,1",
        "1e2,0,1,1",
        "-181,0,1,1",
        "0,-91,1,1",
        "0,5,1,4",
        "0,,1,1",
    ],
)
def test_what_is_no_box_is_refused(text: str) -> None:
    """One problem that names the parameter."""
    with pytest.raises(Problem) as refused:
        Box.parse(text)
    assert (refused.value.status, refused.value.field) == (400, "bbox")


def test_a_box_has_its_edges_and_can_cross_the_180th_meridian() -> None:
    """What lies on an edge is in it; what has no position is in none."""
    box = Box.parse("17.9, 59.2, 18.3, 59.5")
    assert box.holds((17.9, 59.2))
    assert box.holds((18.3, 59.5))
    assert not box.holds((18.31, 59.5))
    assert not box.holds(None)
    across = Box.parse("170,-10,-170,10")
    assert across.holds((180, 0))
    assert across.holds((-175, 0))
    assert not across.holds((0, 0))


def test_pages_neither_repeat_nor_leave_out_when_the_list_changes() -> None:
    """What is there from the first page to the last is on exactly one of them."""
    items = [f"p{number:03}" for number in range(0, 100, 2)]
    found: list[str] = []
    cursor: str | None = None
    for turn in range(100):
        page = page_of(items, str, limit=7, cursor=cursor)
        found += page.items
        cursor = page.cursor
        items = sorted({*items, f"p{(turn * 37) % 100:03}"} - {f"p{turn * 2 + 1:03}"})
        if cursor is None:
            break
    assert found == sorted(set(found))
    assert set(found) >= {f"p{number:03}" for number in range(0, 100, 2)}
    last = page_of(["a", "b"], str, limit=2, cursor=None)
    assert (last.cursor, last.matched) == (None, 2)


def test_the_area_of_a_query_is_ones_own_unless_named() -> None:
    """Level and code must be of one area; the nation needs no code."""
    who = Principal(id="x", role="lan", area=Area.parse("24"), realities=frozenset(REALITIES))
    assert asked_area(who, None, None).code == "24"
    assert asked_area(who, "nation", None).code == "SE"
    assert asked_area(who, "kommun", "2480") == Area("kommun", "2480")
    for level, code in (("lan", "2480"), (None, "9999"), ("kommun", None), (None, "'; drop")):
        with pytest.raises(Problem) as refused:
            asked_area(who, level, code)  # type: ignore[arg-type]
        assert (refused.value.status, refused.value.field) == (400, "code")
    with pytest.raises(Problem) as missing:
        area_of("lan", "99", status=404)
    assert missing.value.status == 404


def test_what_lies_around_an_area() -> None:
    """Itself first, then what it lies in: an alert about it concerns those too."""
    for code in ("2480", "24", "SE", *CIVO):
        found = around(Area.parse(code))
        assert found[0] == Area.parse(code)
        assert found[-1] == Area.parse("SE")
        assert all(set(found[0].kommuner()) <= set(each.kommuner()) for each in found)
        assert len(set(found)) == len(found)


def test_room_is_by_what_is_in_force() -> None:
    """The night's capacity by night, a status' over the register's; unknown is unknown, and 0 is unknown."""
    noon, night = parse("2026-11-20T11:00:00Z"), parse("2026-11-20T23:00:00Z")
    facts: dict[str, Any] = {
        "profile": {"value": {"capacity_day": 100, "capacity_night": 40}},
        "occupancy": {"value": 30},
    }
    assert (room_of(facts, noon), room_of(facts, night)) == (70, 10)
    facts["capacity_day"] = {"value": 50}
    assert room_of(facts, noon) == 20
    assert room_of(facts | {"capacity_day": {"value": None}}, noon) == 70
    assert room_of(facts | {"occupancy": {"value": None}}, noon) is None
    assert room_of({"occupancy": {"value": 1}, "capacity_day": {"value": 0}}, noon) is None


def test_distances_are_those_of_a_globe() -> None:
    """Stockholm to Göteborg is 398 km as the crow flies."""
    assert kilometres((18.0686, 59.3293), (11.9746, 57.7089)) == pytest.approx(398, abs=2)
    assert kilometres((20, 63), (20, 63)) == 0


def needing(point: str, *needs: dict[str, Any]) -> Point:
    """A point with needs."""
    document = state_of(point)
    fact = document["facts"]["power"]
    document["facts"]["needs"] = {each["need_id"]: fact | {"value": each} for each in needs}
    position = KOMMUNER[point[:4]].position
    document["facts"]["profile"] = fact | {"value": {"position": {"lon": position[0], "lat": position[1]}}}
    point_held = Held(1, 0, orjson.dumps(document), "")
    return Point(document, point_held)


def need(need_id: str, quantity: float | None = None, unit: str | None = None, **more: Any) -> dict[str, Any]:
    """A need for fuel, or a surplus of it."""
    given = {"need_id": need_id, "direction": "need", "kind": "fuel", "state": "requested"}
    given |= {name: value for name, value in (("quantity", quantity), ("unit", unit)) if value is not None}
    return given | more


def test_proposals_never_give_more_than_there_is() -> None:
    """No surplus gives more than it has; units must agree; what is under way is left alone; unknown is all or none."""
    points = [
        needing("2480-a", need("1", 100, "l"), need("2", 100, "l"), need("3", 5, "kW"), need("4", state="under_way")),
        needing("2481-b", need("s", 150, "l", direction="surplus")),
        needing("0180-c", need("t", direction="surplus"), need("u", 10, "l", direction="surplus", state="assigned")),
    ]
    pairs = match(sorted(needs_of(points, 0), key=lambda each: each.order), 0)
    told = [(each.need.need_id, each.surplus.need_id, each.quantity) for each in pairs]
    assert told == [("1", "s", 100), ("2", "s", 50), ("3", "t", None)], (
        "each gets something: what is without a unit fits"
    )


def test_a_circle_of_retired_points_ends() -> None:
    """Reports can name heirs in a circle: whose the need is, is found all the same."""
    one, other = needing("2480-a", need("1")), needing("2480-b")
    documents = {"2480-a": one.document, "2480-b": other.document}
    points = []
    for point, heir in (("2480-a", "2480-b"), ("2480-b", "2480-a")):
        document = documents[point] | {"retired": True}
        document["facts"]["retire"] = {"value": {"replaced_by": heir}}
        points.append(Point(document, Held(1, 0, orjson.dumps(document), "")))
    assert [each.point.id for each in needs_of(points, 0)] == ["2480-b"]
