import asyncio
import gzip
import json
import socket
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from geojson_pydantic import Feature, FeatureCollection

from gateway_kit import Running, running_gateway
from public_kit import POINT, kommun, public_gateway, put, side, tell
from servers import Eventually, NatsServer
from vardkase.federation import topology
from vardkase.gateway import negotiate
from vardkase.runtime.jetstream.api import call
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, iso
from vardkase_contracts.schemas import example


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path, eventually: Eventually) -> AsyncIterator[Running]:
    """One of a län."""
    async with public_gateway(nats_server.url, tmp_path) as running:
        await eventually(lambda: side(running).whole, what="what is public is read")
        yield running


class Reader:
    """A reader of the public stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.last: str | None = None
        self._lines = answer.aiter_lines()

    async def next(self, *, within: float = 10.0) -> tuple[str, Any]:
        """The next event and its data; what tells that the gateway is live is passed over."""
        async with asyncio.timeout(within):
            while True:
                kind, data = await self._one()
                if kind != "live":
                    return kind, data

    async def until(self, kind: str) -> list[Any]:
        """The data of all events until one of this kind."""
        found: list[Any] = []
        while True:
            got, data = await self.next()
            if got == kind:
                return found
            found.append(data)

    async def _one(self) -> tuple[str, Any]:
        told: dict[str, str] = {}
        async for line in self._lines:
            if not line and "event" in told:
                self.last = told.get("id", self.last)
                return told["event"], json.loads(told["data"])
            name, _, value = line.partition(": ")
            told[name] = value
        raise AssertionError("the stream ended")


@asynccontextmanager
async def reading(gateway: Running, query: str = "", **headers: str) -> AsyncIterator[Reader]:
    """A reader of the public stream, from a client of its own."""
    async with (
        gateway.client(None) as client,
        client.stream("GET", f"/public/v1/stream?{query}", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        yield Reader(answer)


async def test_anyone_sees_what_is_public(gateway: Running, eventually: Eventually) -> None:
    """Without a token: the points as GeoJSON, which kommuner take part, and one point by itself."""
    await put(gateway, eventually, "2480-_", kommun("2480"))
    await tell(gateway, eventually)
    everything = await gateway.http.get("/public/v1/points")
    assert everything.status_code == 200
    assert everything.headers["content-type"] == "application/geo+json"
    collection = FeatureCollection.model_validate(everything.json())
    assert [feature.id for feature in collection.features] == [POINT]
    assert everything.json()["kommuner"] == ["2480"]
    assert everything.json()["live"] is True
    one = await gateway.http.get(f"/public/v1/points/{POINT}")
    Feature.model_validate(one.json())
    who = (await gateway.http.get("/public/v1/kommuner")).json()
    assert (who["of"], who["taking_part"]) == (15, 1)


async def test_a_point_that_is_gone_is_told_apart_from_one_that_never_was(
    gateway: Running, eventually: Eventually
) -> None:
    """410 with a tombstone, 404 without; both as problems that anyone's page may read."""
    await put(gateway, eventually, POINT, {"id": POINT, "gone": True})
    gone = await gateway.http.get(f"/public/v1/points/{POINT}")
    never = await gateway.http.get("/public/v1/points/2480-never")
    assert [(each.status_code, each.headers["content-type"]) for each in (gone, never)] == [
        (410, "application/problem+json"),
        (404, "application/problem+json"),
    ]
    assert gone.headers["access-control-allow-origin"] == "*"
    assert (await gateway.http.get("/public/v1/points")).json()["gone"] == [POINT]


async def test_answers_are_cached_and_open_to_all_pages(gateway: Running, eventually: Eventually) -> None:
    """A shared cache may keep them; who has one is answered 304; no cookie; a licence; CORS, asked for first too."""
    await tell(gateway, eventually)
    for path in ("/public/v1/points", "/public/v1/kommuner", f"/public/v1/points/{POINT}", "/publik"):
        first = await gateway.http.get(path)
        assert first.status_code == 200
        assert first.headers["cache-control"] == "public, max-age=15"
        assert "cookie" not in first.headers.get("vary", "").lower()
        assert "set-cookie" not in first.headers
        again = await gateway.http.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        if path.startswith("/public/"):
            assert first.headers["access-control-allow-origin"] == "*"
            assert 'rel="license"' in first.headers["link"]
    asked = {"origin": "https://example.org", "access-control-request-method": "GET"}
    first = await gateway.http.options("/public/v1/points", headers=asked)
    assert first.status_code == 204
    assert "last-event-id" in first.headers["access-control-allow-headers"]
    restricted = await gateway.http.options("/v1/points", headers=asked)
    assert "access-control-allow-origin" not in restricted.headers


async def test_pages_of_points(gateway: Running, eventually: Eventually) -> None:
    """Who asks for little gets the way to the rest, and in the end has each point once."""
    for number in range(5):
        await tell(gateway, eventually, f"2480-p{number}")
    found: list[str] = []
    path: str | None = "/public/v1/points?limit=2"
    while path:
        answer = await gateway.http.get(path)
        assert answer.json()["numberMatched"] == 5
        found += [feature["id"] for feature in answer.json()["features"]]
        path = answer.links["next"]["url"] if "next" in answer.links else None
    assert found == [f"2480-p{number}" for number in range(5)]


WRONG: list[tuple[str, int, str]] = [
    ("bbox=1,2,3", 400, "bbox"),
    ("bbox=nan,0,1,1", 400, "bbox"),
    ("bbox=0,0,1e400,1", 400, "bbox"),
    ("bbox=0,9,1,1", 400, "bbox"),
    ("code=9999", 400, "code"),
    ("code=0180", 404, "code"),
    ("code=SE", 404, "code"),
    ("kind=castle", 400, "kind.0"),
    ("status=fine", 400, "status.0"),
    ("service=beer", 400, "service.0"),
    ("limit=0", 400, "limit"),
    ("limit=5001", 400, "limit"),
    ("limit=9" + "9" * 400, 400, "limit"),
    ("cursor=%00", 400, "cursor"),
    ("cursor=" + "a" * 500, 400, "cursor"),
    ("&".join(["kind=varmestuga"] * 40), 400, "kind"),
]


async def test_a_wrong_question_is_told_which_part(gateway: Running) -> None:
    """One clear answer that names the parameter, and says nothing back of what was sent."""
    for query, status, field in WRONG:
        answer = await gateway.http.get(f"/public/v1/points?{query}")
        assert (answer.status_code, answer.json()["field"]) == (status, field), query
        assert len(answer.content) < 600


async def test_the_stream_gives_what_is_and_then_what_changes(gateway: Running, eventually: Eventually) -> None:
    """A new reader is told all there is, then each change; what was gone before it came is not its concern."""
    await put(gateway, eventually, "2480-_", kommun("2480"))
    await tell(gateway, eventually)
    await put(gateway, eventually, "2480-old", {"id": "2480-old", "gone": True})
    async with reading(gateway) as reader:
        kinds = await reader.until("current")
        assert [each.get("id", each.get("kommun")) for each in kinds] == ["2480", POINT]
        await tell(gateway, eventually, status="closed")
        kind, feature = await reader.next()
        assert (kind, feature["properties"]["status"]) == ("point", "closed")
        Feature.model_validate(feature)
        await put(gateway, eventually, POINT, {"id": POINT, "gone": True})
        assert await reader.next() == ("gone", {"id": POINT, "gone": True})
        await put(gateway, eventually, "2480-_", {"id": "2480-_", "gone": True})
        assert await reader.next() == ("kommun", {"kommun": "2480", "takes_part": False})


async def test_a_reader_that_was_away_is_told_what_changed(gateway: Running, eventually: Eventually) -> None:
    """With `Last-Event-ID` (or the answer's own `last_event_id`) each point that changed comes once, and what went."""
    await tell(gateway, eventually, "2480-a")
    await tell(gateway, eventually, "2480-b")
    last = (await gateway.http.get("/public/v1/points")).json()["last_event_id"]
    await tell(gateway, eventually, "2480-a", status="closed")
    await tell(gateway, eventually, "2480-a", status="open")
    await put(gateway, eventually, "2480-b", {"id": "2480-b", "gone": True})
    for query, headers in ((f"last_event_id={last}", {}), ("", {"last-event-id": last})):
        async with reading(gateway, query, **headers) as reader:
            kind, feature = await reader.next()
            assert (kind, feature["id"], feature["properties"]["status"]) == ("point", "2480-a", "open")
            assert await reader.next() == ("gone", {"id": "2480-b", "gone": True})


async def test_a_reader_of_another_store_begins_anew(gateway: Running, eventually: Eventually) -> None:
    """What it has does not count: it is told to forget it, and everything is told anew."""
    await tell(gateway, eventually)
    for last in ("zzzz.1", "none", "a.b.c", "\u00e5.1", "0" * 99):
        async with reading(gateway, f"last_event_id={last}") as reader:
            assert await reader.next() == ("reset", {}), last
            assert [each["id"] for each in await reader.until("current")] == [POINT]


async def test_a_store_that_was_made_anew_is_told_to_all(gateway: Running, eventually: Eventually) -> None:
    """Readers are told to forget what they have, and what the new store holds; so are new questions."""
    await tell(gateway, eventually, "2480-before")
    async with reading(gateway) as reader:
        await reader.until("current")
        await call(gateway.nc, "STREAM.DELETE.PUBLIC")
        await topology.ensure_public(gateway.nc, Area.parse("24"), share=0.05)
        await gateway.publish(subjects.public("2480", "after"), example("public.point") | {"id": "2480-after"})
        assert await reader.next(within=20) == ("reset", {})
        assert [each["id"] for each in await reader.until("current")] == ["2480-after"]
    answer = (await gateway.http.get("/public/v1/points")).json()
    assert [each["id"] for each in answer["features"]] == ["2480-after"]


async def test_the_stream_is_cut_to_an_area(gateway: Running, eventually: Eventually) -> None:
    """Who asks for a kommun hears of no other."""
    await tell(gateway, eventually, "2480-a")
    await tell(gateway, eventually, "2482-b")
    async with reading(gateway, "code=2482") as reader:
        assert [each["id"] for each in await reader.until("current")] == ["2482-b"]
        await tell(gateway, eventually, "2480-c")
        await tell(gateway, eventually, "2482-d")
        assert (await reader.next())[1]["id"] == "2482-d"


async def test_the_stream_is_compressed_for_who_takes_it(gateway: Running, eventually: Eventually) -> None:
    """The same events, in a gzip stream whose every piece can be read when it comes."""
    await tell(gateway, eventually)
    unpack, text = zlib.decompressobj(31), ""
    async with gateway.client(None) as client, client.stream("GET", "/public/v1/stream") as answer:
        assert answer.headers["content-encoding"] == "gzip"
        async for part in answer.aiter_raw():
            text += unpack.decompress(part).decode()
            if "event: live" in text:
                break
    assert f'"id":"{POINT}"' in text


async def test_what_is_long_is_compressed(gateway: Running, eventually: Eventually) -> None:
    """The whole country is a tenth of its size on the line."""
    for number in range(10):
        await tell(gateway, eventually, f"2480-p{number}")
    async with gateway.http.stream("GET", "/public/v1/points", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(raw))["numberReturned"] == 10


async def test_what_many_ask_for_at_once_is_compressed_once(
    gateway: Running, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crowd that comes at the same moment costs no more than one, and nobody waits for it to be done for each."""
    made: list[int] = []
    gzipped = negotiate.gzipped

    def counted(body: bytes) -> bytes:
        made.append(len(body))
        return gzipped(body)

    monkeypatch.setattr(negotiate, "gzipped", counted)
    for number in range(40):
        await tell(gateway, eventually, f"2480-p{number}", message={"sv": f"{number}" * 200, "en": "x" * 500})
    answers = await asyncio.gather(*(gateway.http.get("/public/v1/points") for _ in range(20)))
    assert {each.status_code for each in answers} == {200}
    assert len({each.content for each in answers}) == 1
    assert len(made) == 1


async def crowd(gateway: Running, many: int) -> None:
    """Publish many open points of a kommun at once."""
    now = gateway.house.clock.now()
    lively = {"updated_at": iso(now), "valid_until": iso(now + 4 * HOUR), "message": {"sv": "\u00e5" * 500}}
    documents = [example("public.point") | lively | {"id": f"2480-p{number}"} for number in range(many)]
    told = [(subjects.public("2480", each["id"][5:]), json.dumps(each).encode()) for each in documents]
    await asyncio.gather(*(gateway.nc.request(subject, data, timeout=10) for subject, data in told))


async def test_a_page_shows_no_more_than_foreseen(gateway: Running, eventually: Eventually) -> None:
    """Of a kommun with more points than are foreseen, the page shows 500, and says that there are more."""
    await crowd(gateway, 520)
    await eventually(lambda: len(side(gateway).points) == 520)
    page = (await gateway.http.get("/publik?kommun=2480")).text
    assert page.count('<li class="punkt') == 500
    assert "det finns fler" in page


async def test_streams_are_as_many_as_foreseen(nats_server: NatsServer, tmp_path: Path, eventually: Eventually) -> None:
    """One more is told to come back later; when one ends there is room again."""
    settings = {"public": {"clients": 5, "clients_address": 2}}
    async with public_gateway(nats_server.url, tmp_path, **settings) as gateway:
        await eventually(lambda: side(gateway).whole)
        async with reading(gateway):
            async with reading(gateway):
                refused = await gateway.http.get("/public/v1/stream")
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "15")
            await eventually(lambda: len(side(gateway).streams) == 1, what="the stream has ended")
            async with reading(gateway) as reader:
                await reader.until("current")
        await eventually(lambda: not len(side(gateway).streams), what="the streams have ended")


async def test_a_reader_that_takes_nothing_is_cut_and_harms_no_other(
    nats_server: NatsServer, tmp_path: Path, eventually: Eventually
) -> None:
    """Its connection ends; nothing is kept for it meanwhile, and the other one hears each change."""
    async with public_gateway(nats_server.url, tmp_path, web={"stalled": 0.5}) as gateway:
        await eventually(lambda: side(gateway).whole)
        await crowd(gateway, 900)
        await eventually(lambda: len(side(gateway).points) == 900)
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await asyncio.to_thread(lazy.connect, ("127.0.0.1", int(gateway.url.rpartition(":")[2])))
            lazy.sendall(b"GET /public/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
            await eventually(lambda: len(side(gateway).streams) == 1, what="the lazy one has begun")
            async with reading(gateway) as reader:
                assert len(await reader.until("current")) == 900
                await eventually(lambda: len(side(gateway).streams) == 1, what="the lazy one is cut")
                await tell(gateway, eventually, "2480-p1", status="closed")
                kind, feature = await reader.next()
                assert (kind, feature["id"]) == ("point", "2480-p1")


async def test_before_what_is_public_was_read_the_answer_is_503(
    nats_server: NatsServer, tmp_path: Path, eventually: Eventually
) -> None:
    """Never an empty list that could be taken for "no points"; the rest of the gateway answers meanwhile."""
    async with running_gateway(nats_server.url, tmp_path, area="24", nats_public_url=nats_server.url) as gateway:
        for path in ("/public/v1/points", "/public/v1/kommuner", "/public/v1/stream", "/publik"):
            answer = await gateway.http.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2"), path
        assert (await gateway.http.get("/healthz")).status_code == 200
        await topology.ensure_public(gateway.nc, Area.parse("24"), share=0.05)
        await eventually(lambda: side(gateway).whole, within=20)
        assert (await gateway.http.get("/public/v1/points")).status_code == 200


async def test_a_node_without_a_public_account_says_so(nats_server: NatsServer, tmp_path: Path) -> None:
    """503, and the rest of the gateway answers."""
    async with running_gateway(nats_server.url, tmp_path, area="24") as gateway:
        answer = await gateway.http.get("/public/v1/points")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:tp:problem:not_published")


async def test_two_gateways_give_the_same(
    gateway: Running, nats_server: NatsServer, tmp_path: Path, eventually: Eventually
) -> None:
    """Byte for byte, with the same tags; a reader of one goes on at the other where it was."""
    await put(gateway, eventually, "2480-_", kommun("2480"))
    for number in range(5):
        await tell(gateway, eventually, f"2480-p{number}")
    await tell(gateway, eventually, "2480-p1", status="closed")
    async with public_gateway(nats_server.url, tmp_path / "other") as other:
        await eventually(lambda: side(other).points.last == side(gateway).points.last)
        for path in ("/public/v1/points", "/public/v1/points?limit=2", "/public/v1/kommuner"):
            one, two = await gateway.http.get(path), await other.http.get(path)
            assert (one.content, one.headers["etag"]) == (two.content, two.headers["etag"])
        async with reading(gateway) as reader:
            await reader.until("current")
            last = reader.last
        await tell(gateway, eventually, "2480-p3", status="closed")
        async with reading(other, f"last_event_id={last}") as reader:
            kind, feature = await reader.next()
            assert (kind, feature["id"], feature["properties"]["status"]) == ("point", "2480-p3", "closed")


async def test_an_unreadable_document_stops_nothing(gateway: Running, eventually: Eventually) -> None:
    """It is counted and left out; what comes after it is taken in."""
    await gateway.publish(subjects.public("2480", "odd"), {"id": "2480-odd"})
    await tell(gateway, eventually)
    assert [each["id"] for each in (await gateway.http.get("/public/v1/points")).json()["features"]] == [POINT]
    assert gateway.house.metrics.registry.get_sample_value("vardkase_public_unreadable_total") == 1


async def test_the_page_works_without_javascript(gateway: Running, eventually: Eventually) -> None:
    """The open points of a kommun in plain HTML: what they give, how old the word is, and who takes part."""
    await put(gateway, eventually, "2480-_", kommun("2480"))
    await tell(gateway, eventually, name="Umedalens skola", services={"heat": "available", "food": "stopped"})
    await tell(gateway, eventually, "2480-shut", name="Stängda salen", status="closed")
    page = (await gateway.http.get("/publik?kommun=2480")).text
    assert "Umedalens skola" in page
    assert "Värme" in page
    assert "Mat: nere just nu" in page
    assert "Uppgift från ca kl" in page
    assert "1 av 15" in page
    assert "Stängda salen" not in page
    assert "Stängda salen" in (await gateway.http.get("/publik?kommun=2480&alla=1&tjanst=")).text
    elsewhere = (await gateway.http.get("/publik?kommun=2482")).text
    assert "visar inga punkter här" in elsewhere
    assert "2480" in (await gateway.http.get("/publik")).text


async def test_what_a_kommun_writes_is_text_on_the_page(gateway: Running, eventually: Eventually) -> None:
    """Markup in any field is shown as it is, and runs nowhere."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    texts = {"name": evil, "address": evil, "message": {"sv": evil}, "accessibility": ["wheelchair"]}
    await put(gateway, eventually, "2480-_", kommun("2480"))
    await tell(gateway, eventually, **texts)
    page = (await gateway.http.get("/publik?kommun=2480")).text
    assert evil not in page
    assert "<img" not in page
    assert page.count("<script") == 1


ASTRAY: list[tuple[str, int]] = [
    ("/publik?kommun=0180", 404),
    ("/publik?kommun=24<b", 400),
    ("/publik?tjanst=<script>", 400),
    ("/publik/../web.py", 404),
    ("/publik/publik.html", 404),
    ("/publik/..%2fpublik.html", 404),
    ("/publik/%2e%2e/app.py", 404),
    ("/publik/publik.js%00", 404),
    ("/publik/", 404),
]


async def test_there_is_nothing_else_under_the_page(gateway: Running) -> None:
    """Its files are a fixed few: no path leads to another, and no parameter comes back."""
    for path, status in ASTRAY:
        answer = await gateway.http.get(path)
        assert answer.status_code == status, path
        assert "<script>" not in answer.text


async def test_files_of_the_page_are_kept_by_browsers(gateway: Running) -> None:
    """Every file that the page names is there, of its own kind, and may be kept as long as its address stands."""
    page = (await gateway.http.get("/publik")).text
    named = [part.split('"')[0] for part in page.split('"/publik/')[1:]]
    assert len(named) == 3
    for each in named:
        answer = await gateway.http.get(f"/publik/{each}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
