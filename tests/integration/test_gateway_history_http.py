"""Time travel and history over HTTP: what is answered is what the log says, the same for the same question."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archived import Filled, filled, sha256
from gateway_kit import Running, running_gateway
from histories import LAN, POINTS, START, STORY, Act, Log, at, came, instants_of, logs, row, state_of, view, world_of
from servers import NatsServer
from vardkase.archive.replay import canonical
from vardkase.domain.document import document
from vardkase.domain.picture import Pictures
from vardkase.gateway.documents import Held, Point, trimmed
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import MINUTE, iso, parse
from vardkase_contracts.vocab import Reality

FAST: dict[str, Any] = {"history": {"settle": 0.05, "caught_up": 0.3, "connect_timeout": 1, "kept": 1}}


@asynccontextmanager
async def gateway_of(nats: NatsServer, database: str, directory: Path, **changes: Any) -> AsyncIterator[Running]:
    """A gateway with an archive."""
    history = {"history": {**FAST["history"], **changes}}
    async with running_gateway(nats.url, directory, area="24", database_url=database, **history) as running:
        yield running


@pytest.fixture
async def archive(database: str) -> AsyncIterator[Filled]:
    async with filled(database) as made:
        yield made


@pytest.fixture
async def gateway(nats_server: NatsServer, database: str, archive: Filled, tmp_path: Path) -> AsyncIterator[Running]:
    del archive  # its tables are there first
    async with gateway_of(nats_server, database, tmp_path) as running:
        yield running


# -- what is answered is what the log says -----------------------------------------------------------------------------


class Asking:
    """Puts logs into the archive and asks about them, from a thread of its own."""

    def __init__(self, archive: Filled, gateway: Running) -> None:
        self._archive = archive
        self._loop = asyncio.get_running_loop()
        self._http = httpx.Client(
            base_url=gateway.url, headers={"authorization": f"Bearer {gateway.token}"}, timeout=30
        )

    def put(self, log: Log) -> None:
        asyncio.run_coroutine_threadsafe(self._archive.put(log), self._loop).result(30)

    def get(self, path: str, **query: Any) -> httpx.Response:
        given = {name: value for name, value in query.items() if value is not None}
        answer = self._http.get(path, params=given, headers={"accept-encoding": "identity"})
        assert answer.status_code in {200, 404}, answer.text
        if answer.status_code == 200:
            assert answer.headers["vardkase-sha256"] == sha256(answer.content)
            assert answer.headers["etag"] == f'"{sha256(answer.content)}"'
        return answer

    def close(self) -> None:
        self._http.close()


def features_of(log: Log, reality: Reality, area: Area, at_: int, basis: Any, by: int) -> list[dict[str, Any]]:
    """The points of an area as GeoJSON, recomputed from the log."""
    world = world_of(log, reality, at_, basis, by)
    found = []
    for name in sorted(world.states):
        state = world.states[name]
        if name.endswith("_") or state.kommun not in area.kommuner() or state.is_empty or state.retired:
            continue
        whole = orjson.loads(orjson.dumps(document(state, world.clocks[name], at_)))
        found.append(orjson.loads(Point(whole, Held(0, 0, trimmed(whole), "")).feature))
    return found


@pytest.mark.slow
async def test_http_answers_what_a_recomputation_from_the_log_says(gateway: Running, archive: Filled) -> None:
    """For random streams of reports: pictures, points and histories, at any instant, on both bases."""
    asking = Asking(archive, gateway)

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data(), logs(most=16))
    def agree(data: st.DataObject, log: Log) -> None:
        asking.put(log)
        for basis in ("known", "observed"):
            reality = data.draw(st.sampled_from(("act", "act", "exe")))
            area = data.draw(st.sampled_from((LAN, Area.parse("2480"), Area.parse("2401"))))
            instant = data.draw(instants_of(log))
            by = instant if basis == "known" else data.draw(st.one_of(st.just(log.end), instants_of(log)))
            known = None if basis == "known" else iso(by)
            query = {"reality": reality, "at": iso(instant), "basis": basis, "known": known}
            world = world_of(log, reality, instant, basis, by)
            expected = Pictures(world.rollup, reality).of(area, world.surroundings(), instant)
            expected.update(world.said(area, instant))
            picture = asking.get(f"/v1/pictures/{area.level}/{area.code}", **query)
            assert picture.content == canonical(expected)
            features = features_of(log, reality, area, instant, basis, by)
            points = asking.get("/v1/points", code=area.code, **query)
            assert points.json()["features"] == features
            point = data.draw(st.sampled_from(POINTS[:3]))
            one = asking.get(f"/v1/points/{point}", **query)
            of_point = features_of(log, reality, Area.parse(point[:4]), instant, basis, by)
            of_point = [each for each in of_point if each["id"] == point]
            if of_point:
                assert one.json() == of_point[0]
            told = asking.get(f"/v1/points/{point}/history", reality=reality, basis=basis, known=iso(by), limit=1000)
            version, _ = view(state_of(came(log, by), point, reality))
            if told.status_code == 200:
                assert told.json()["reports"][-1]["version"]["after"] == version
            else:
                assert version is None

    try:
        await asyncio.to_thread(agree)
    finally:
        asking.close()


async def test_the_same_question_has_the_same_bytes(gateway: Running, archive: Filled) -> None:
    """What comes later changes nothing of what was known; of what is now known, what is named by `known` stays."""
    await archive.put(STORY)
    known = {"at": at(10)}
    first = await gateway.http.get("/v1/pictures/kommun/2480", params=known)
    observed = await gateway.http.get("/v1/pictures/kommun/2480", params={"at": at(45), "basis": "observed"})
    pinned = {"at": at(45), "basis": "observed", "known": observed.headers["vardkase-known"]}
    more = Log((*STORY.rows, row(200_000, "status", {"occupancy": 50}, at=START + 40 * MINUTE)))
    before = {"at": at(45), "basis": "observed", "known": at(100)}
    then = await gateway.http.get("/v1/pictures/kommun/2480", params=before)
    await archive.put(more)
    again = await gateway.http.get("/v1/pictures/kommun/2480", params=known)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert (await gateway.http.get("/v1/pictures/kommun/2480", params=before)).content == then.content
    assert first.headers["vardkase-reports"] == "4"
    tag = {"if-none-match": first.headers["etag"]}
    same = await gateway.http.get("/v1/pictures/kommun/2480", params=known, headers=tag)
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["vardkase-sha256"] == sha256(first.content)
    assert (await gateway.http.get("/v1/pictures/kommun/2480", params=pinned)).status_code == 200
    latest = await gateway.http.get("/v1/pictures/kommun/2480", params={"at": at(45), "basis": "observed"})
    assert latest.json()["condition"]["occupancy"]["sum"] == 50
    assert then.json()["condition"]["occupancy"]["sum"] == 1


async def test_pages_of_points_are_of_one_reading(gateway: Running, archive: Filled) -> None:
    """Following the links gives every point once, also while more comes in; filters hold in all of them."""
    await archive.put(STORY)
    for query in ({"at": at(100)}, {"at": at(100), "basis": "observed"}):
        page = await gateway.http.get("/v1/points", params={**query, "limit": 1, "lifecycle": "open"})
        found = [page.json()]
        await archive.put(Log((*STORY.rows, row(150_000, "status", {"lifecycle": "open"}, point="2480-aa"))))
        while "next" in page.links:
            page = await gateway.http.get(page.links["next"]["url"])
            assert page.status_code == 200, page.text
            found.append(page.json())
        names = [feature["id"] for each in found for feature in each["features"]]
        assert names == ["2401-a", "2480-a", "2480-b"]
        assert {each["numberMatched"] for each in found} == {3}


async def test_a_history_tells_before_and_after(gateway: Running, archive: Filled) -> None:
    """Each report with what it changed; a late one changes no fact; a withdraw takes back what it names."""
    await archive.put(STORY)
    answer = await gateway.http.get("/v1/points/2480-a/history")
    told = answer.json()
    assert (told["numberMatched"], told["basis"]) == (5, "known")
    changed = [[change["what"] for change in entry["changes"]] for entry in told["reports"]]
    assert changed[3] == ["facts.occupancy", "last.content"]
    power = next(each for each in told["reports"][2]["changes"] if each["what"] == "facts.power")
    assert (power["before"], power["after"]["value"]) == (None, {"source": "none"})
    back = next(each for each in told["reports"][4]["changes"] if each["what"] == "facts.power")
    assert (back["before"]["value"], back["after"]) == ({"source": "none"}, None)
    assert [entry["counts"] for entry in told["reports"]] == [True, True, False, True, True]
    assert told["reports"][2]["why_not"] == "withdrawn"
    assert "data" not in told["reports"][4]["report"]  # it is about the kommun
    observed = (await gateway.http.get("/v1/points/2480-a/history", params={"basis": "observed"})).json()
    assert [entry["changes"] for entry in observed["reports"] if not entry["counts"]] == [[]]
    newest = (await gateway.http.get("/v1/points/2480-a/history", params={"order": "newest", "limit": 2})).json()
    assert [entry["sha256"] for entry in newest["reports"]] == [e["sha256"] for e in told["reports"][:2:-1]]
    pages, link = [], "/v1/points/2480-a/history?limit=2"
    while link:
        page = await gateway.http.get(link)
        pages += page.json()["reports"]
        link = page.links.get("next", {}).get("url", "")
    assert pages == told["reports"]


async def test_what_must_not_be_shown_is_not_shown(gateway: Running, archive: Filled) -> None:
    """A redacted report's content is in no history, and its texts in no state of then; that it came stays told."""
    order = {
        "specversion": "1.0",
        "id": "o1",
        "source": "urn:tp:kommun:2480",
        "type": "se.trygghetspunkt.order.redact.v1",
        "subject": "2480",
        "time": at(100),
        "reality": "act",
        "data": {
            "by": {"role": "krisledning", "level": "kommun", "code": "2480"},
            "identity": {"reality": "act", "kommun": "2480", "id": "r1"},
            "reason": "namn",
        },
    }
    act = Act(START + 100 * MINUTE, 1, START + 100 * MINUTE, json.dumps(order).encode(), order)
    await archive.put(Log(STORY.rows, (act,)))
    history = await gateway.http.get("/v1/points/2480-a/history")
    then = await gateway.http.get("/v1/points/2480-a", params={"at": at(5)})
    listed = await gateway.http.get("/v1/points", params={"at": at(5)})
    for answer in (history, then, listed):
        assert answer.status_code == 200
        assert "Anna" not in answer.text
    assert history.json()["reports"][1]["redacted"]
    assert then.json()["properties"]["facts"]["lifecycle"]["value"] == "open"
    foreign = order | {"subject": "2401", "source": "urn:tp:kommun:2401"}  # not its to hide
    act = Act(START + 100 * MINUTE, 1, START + 100 * MINUTE, json.dumps(foreign).encode(), foreign)
    await archive.put(Log(STORY.rows, (act,)))
    assert "Anna" in (await gateway.http.get("/v1/points/2480-a/history")).text


async def test_what_cannot_be_asked_is_told_by_its_field(gateway: Running, archive: Filled) -> None:
    """A clear 400 for what means nothing, 404 for what was not, 403 for what is another's."""
    await archive.put(STORY)
    picture, future = "/v1/pictures/lan/24", iso(parse("2099-01-01T00:00:00Z"))
    for query, field in (
        ({"at": "yesterday"}, "at"),
        ({"at": "2026-01-10"}, "at"),
        ({"at": "1999-01-01T00:00:00Z"}, "at"),
        ({"at": future}, "at"),
        ({"at": "9" * 39}, "at"),
        ({"basis": "known"}, "at"),
        ({"known": at(1)}, "at"),
        ({"at": at(1), "known": at(1)}, "known"),
        ({"at": at(1), "basis": "observed", "known": future}, "known"),
        ({"at": at(1), "basis": "guessed"}, "basis"),
    ):
        answer = await gateway.http.get(picture, params=query)
        assert (answer.status_code, answer.json()["field"]) == (400, field), query
    for query in ({"cursor": "MTIz"}, {"cursor": "x"}, {"limit": 0}, {"limit": 10_000}, {"order": "odd"}):
        assert (await gateway.http.get("/v1/points/2480-a/history", params=query)).status_code == 400
    assert (await gateway.http.get("/v1/points", params={"at": at(9), "cursor": "_w"})).status_code == 400
    assert (await gateway.http.get("/v1/points/2480-zz", params={"at": at(9)})).status_code == 404
    assert (await gateway.http.get("/v1/points/2480-zz/history")).status_code == 404
    plus = await gateway.http.get(f"{picture}?at=2026-01-10T01:30:00+01:00")  # a `+` that came as a blank
    assert plus.headers["vardkase-at"] == "2026-01-10T00:30:00Z"
    async with gateway.client(await gateway.token_of("nation", "SE")) as above:
        assert (await above.get("/v1/pictures/nation/SE", params={"at": at(9)})).status_code == 404
    token = await gateway.token_of("reader", "2401")
    async with gateway.client(token) as other, gateway.client(None) as nobody:
        assert (await other.get("/v1/pictures/kommun/2401", params={"at": at(9)})).status_code == 200
        for path in (picture, "/v1/points/2480-a", "/v1/points?code=2480"):
            assert (await other.get(path, params={"at": at(9), "code": "2480"})).status_code == 403
            assert (await nobody.get(path, params={"at": at(9)})).status_code == 401
        assert (await other.get("/v1/points/2480-a/history")).status_code == 403


async def test_of_many_signs_of_life_the_last_that_counts_is_told(gateway: Running, archive: Filled) -> None:
    """By its effective time: a late one is not the last, a fast clock is held back, what was withdrawn never was."""
    await archive.put(
        Log(
            (
                row(1, "heartbeat", {}),
                row(50, "heartbeat", {}),
                row(60, "heartbeat", {}, at=START + 20 * MINUTE),
                row(70, "heartbeat", {}, at=START + 700 * MINUTE),
                row(80, "heartbeat", {}, at=START + 75 * MINUTE),
                row(90, "heartbeat", {}, point="2480-b"),
                row(95, "withdraw", {"report_ids": ["r80"], "reason": "fel"}, point="2480-_"),
                row(96, "heartbeat", {"outbox_depth": 1}, id="r70", at=START + 700 * MINUTE),
            )
        )
    )

    async def last(minute: float, **query: str) -> str:
        answer = await gateway.http.get("/v1/points/2480-a", params={"at": at(minute), **query})
        return answer.json()["properties"]["last"]["heartbeat"]

    assert await last(65) == at(50)
    assert await last(75) == at(70)
    assert await last(85) == at(75)
    assert await last(95.5) == at(70)
    assert await last(30, basis="observed") == at(20)
    assert await last(72, basis="observed", known=at(94)) == at(70)
    assert await last(78, basis="observed", known=at(94)) == at(75)
    assert await last(78, basis="observed", known=at(95)) == at(70)
