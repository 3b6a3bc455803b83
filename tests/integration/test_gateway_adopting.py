"""Adopting over HTTP: the very picture that was seen, the same bytes for ever; and the orders that were given."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway_kit import Running, running_gateway
from servers import Eventually, NatsServer
from vardkase.domain.snapshots import unpack
from vardkase.gateway import given
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import ORDER, AdoptOrder

LAN = Area("lan", "24")
ADOPTED = "/v1/pictures/lan/24/adopted"
FIRST, SECOND, UNKNOWN = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_gateway(nats_server.url, tmp_path) as running:
        yield running


@pytest.fixture
async def lan(gateway: Running) -> AsyncIterator[httpx.AsyncClient]:
    """The länsstyrelse's staff."""
    async with gateway.client(await gateway.token_of("lan", "24")) as http:
        yield http


async def shown(gateway: Running, eventually: Eventually, version: str, code: str = "24", **more: Any) -> bytes:
    """A version of the picture, published, and followed: its bytes."""
    sequence = await gateway.picture(code, version=version, **more)
    await eventually(lambda: gateway.house.live.last_seq["picture"] >= sequence, what="the picture followed")
    return gateway.house.live.worlds["act"].pictures[Area.parse(code)].data


def adopting(version: str, *, area: str = "24", level: str = "lan", **more: Any) -> dict[str, Any]:
    data = {"level": level, "code": area, "version": version}
    return {"kind": "adopt", "area": area, "role": "tib", "note": "Stabsgenomgång", "data": data} | more


async def orders(gateway: Running) -> list[Any]:
    return [ORDER.validate_json(each.data) async for each in scan(gateway.nc, streams.ORDERS_UP, [])]


async def test_what_was_seen_is_adopted_and_read_back_byte_for_byte(
    gateway: Running, lan: httpx.AsyncClient, eventually: Eventually
) -> None:
    """Though the picture has moved on meanwhile: the version that was seen is what is kept, with its hash."""
    seen = await shown(gateway, eventually, FIRST)
    await shown(gateway, eventually, SECOND)
    answer = await lan.post("/v1/orders", json=adopting(FIRST))
    assert answer.status_code == 202, answer.text
    (order,) = await orders(gateway)
    assert isinstance(order, AdoptOrder)
    assert unpack(order.data) == seen
    await eventually(lambda: listed(lan, 1), what="the adoption followed")
    (entry,) = (await lan.get(ADOPTED)).json()["adopted"]
    digest = hashlib.sha256(seen).hexdigest()
    assert entry == {
        "at": order.time.isoformat().replace("+00:00", "Z"),
        "by": {"role": "tib", "level": "lan", "code": "24"},
        "note": "Stabsgenomgång",
        "version": FIRST,
        "sha256": digest,
        "order": order.id,
    }
    kept = await lan.get(f"{ADOPTED}/{FIRST}")
    assert (kept.status_code, kept.content) == (200, seen)
    assert kept.headers["repr-digest"] == f"sha-256=:{base64.b64encode(bytes.fromhex(digest)).decode()}:"
    assert "immutable" in kept.headers["cache-control"]
    again = await lan.get(f"{ADOPTED}/{FIRST}", headers={"if-none-match": kept.headers["etag"]})
    assert again.status_code == 304
    await shown(gateway, eventually, FIRST, as_of="2026-11-21T00:00:00Z")
    assert (await lan.post("/v1/orders", json=adopting(FIRST, note="igen"))).status_code == 202
    await eventually(lambda: listed(lan, 2), what="the second adoption followed")
    assert (await lan.get(f"{ADOPTED}/{FIRST}")).content == seen
    assert (await lan.get(f"{ADOPTED}/{SECOND}")).status_code == 404


async def listed(lan: httpx.AsyncClient, count: int) -> bool:
    return len((await lan.get(ADOPTED)).json()["adopted"]) == count


async def test_a_version_that_is_not_known_is_refused_and_the_current_one_named(
    gateway: Running, lan: httpx.AsyncClient, eventually: Eventually
) -> None:
    """Nothing is stored; whoever looks again adopts what there is."""
    await shown(gateway, eventually, FIRST)
    refused = await lan.post("/v1/orders", json=adopting(UNKNOWN))
    told = refused.json()
    assert (refused.status_code, told["reason"], told["field"], told["current"]) == (
        409,
        "stale",
        "data.version",
        FIRST,
    )
    assert await orders(gateway) == []
    assert (await lan.post("/v1/orders", json=adopting(told["current"]))).status_code == 202


async def test_a_level_adopts_its_own_picture_alone(
    gateway: Running, lan: httpx.AsyncClient, eventually: Eventually
) -> None:
    """The länsstyrelse neither adopts a kommun's picture nor the country's; who runs the node acts for either."""
    await shown(gateway, eventually, FIRST, "2480")
    kommun = adopting(FIRST, area="2480", level="kommun")
    answers = [
        await lan.post("/v1/orders", json=kommun),
        await lan.post("/v1/orders", json=adopting(FIRST, area="SE", level="nation")),
        await lan.post("/v1/orders", json=kommun | {"acting_for": "2480"}),
    ]
    assert [each.status_code for each in answers] == [422, 422, 403]
    assert (await gateway.http.post("/v1/orders", json=kommun | {"acting_for": "2480"})).status_code == 202


async def test_a_whole_event_brings_the_picture_or_is_refused(
    gateway: Running, lan: httpx.AsyncClient, eventually: Eventually
) -> None:
    """Its bytes are stored as they are, so that nothing can be put in; what it brings must be what it says."""
    await shown(gateway, eventually, FIRST)
    assert (await lan.post("/v1/orders", json=adopting(FIRST, id="short"))).status_code == 202
    (order,) = await orders(gateway)
    event = json.loads(order.model_dump_json(by_alias=True, exclude_unset=True)) | {"id": "whole"}
    kind = {"content-type": "application/cloudevents+json"}
    other = event | {"data": event["data"] | {"sha256": "d" * 64}}
    without = event | {"data": {name: value for name, value in event["data"].items() if name != "snapshot"}}
    answers = [await lan.post("/v1/orders", content=json.dumps(each), headers=kind) for each in (other, without, event)]
    assert [(each.status_code, each.json().get("field")) for each in answers] == [
        (422, "data.sha256"),
        (422, "data.snapshot"),
        (202, None),
    ]


async def test_orders_are_listed_newest_first_in_pages(
    gateway: Running, lan: httpx.AsyncClient, eventually: Eventually
) -> None:
    """Of an area and what lies in it, by kind, by whom and by the request that they answer; others' are not shown."""
    await shown(gateway, eventually, FIRST)
    request = {"areas": ["24"], "deadline": "2099-01-01T00:00:00Z", "id": "q1"}
    asked = {"kind": "report_request", "area": "24", "role": "tib", "id": "r", "data": request}
    sent = [
        asked,
        adopting(FIRST, id="a"),
        *({"kind": "note", "area": "2480", "role": "stab", "id": f"n{n}", "note": f"{n}"} for n in range(5)),
    ]
    for each in sent:
        assert (await lan.post("/v1/orders", json=each)).status_code == 202
    answer = {
        "kind": "note",
        "area": "2480",
        "role": "krisledning",
        "id": "answer",
        "note": "Lugnt",
        "data": {"request": "q1"},
    }
    elsewhere = {"kind": "note", "area": "25", "role": "stab", "id": "elsewhere", "note": "x"}
    async with gateway.client(await gateway.token_of("kommun", "2480")) as kommun:
        assert (await kommun.post("/v1/orders", json=answer)).status_code == 202
    assert (await gateway.http.post("/v1/orders", json=elsewhere)).status_code == 202
    wanted = ["answer", "n4", "n3", "n2", "n1", "n0", "a", "r"]
    await eventually(lambda: names_are(lan, {}, wanted), what="all orders followed")
    assert await names_are(lan, {"kind": ["adopt", "report_request"]}, ["a", "r"])
    assert await names_are(lan, {"code": "2480"}, wanted[:6])
    assert await names_are(lan, {"by": "2480"}, ["answer"])
    assert await names_are(lan, {"request": "q1"}, ["answer", "r"])
    assert await names_are(lan, {"reality": "exe"}, [])
    found: list[str] = []
    path = "/v1/orders?limit=3"
    while path:
        page = await lan.get(path)
        found += [each["id"] for each in page.json()["orders"]]
        path = page.links.get("next", {}).get("url", "")
    assert found == wanted
    (adopted,) = (await lan.get("/v1/orders", params={"kind": "adopt"})).json()["orders"]
    assert "snapshot" not in adopted["data"]
    assert adopted["data"]["sha256"]
    assert (await lan.get("/v1/orders", params={"code": "25"})).status_code == 403
    assert (await lan.get("/v1/orders", params={"cursor": "x"})).status_code == 400


async def names_are(http: httpx.AsyncClient, params: dict[str, Any], wanted: list[str]) -> bool:
    answer = await http.get("/v1/orders", params=params)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["orders"]] == wanted


async def test_an_order_that_no_node_follows_is_not_listed(
    gateway: Running, lan: httpx.AsyncClient, eventually: Eventually
) -> None:
    """What somebody put into the stream by hand and the node refused is no order."""
    subject = "tp.v1.act.order.24._.note"
    await gateway.publish(subject, {"no": "order"})
    note = {"kind": "note", "area": "24", "role": "stab", "id": "n", "note": "x"}
    assert (await lan.post("/v1/orders", json=note)).status_code == 202
    await eventually(lambda: names_are(lan, {}, ["n"]), what="the order followed")


async def test_a_gateway_holds_the_latest_orders_and_says_that_there_are_more(
    nats_server: NatsServer, tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest are in the archive alone."""
    monkeypatch.setattr(given, "KEPT", 3)
    async with running_gateway(nats_server.url, tmp_path) as running:
        for n in range(5):
            note = {"kind": "note", "area": "24", "role": "stab", "id": f"n{n}", "note": "x", "acting_for": "24"}
            assert (await running.http.post("/v1/orders", json=note)).status_code == 202
        await eventually(lambda: names_are(running.http, {}, ["n4", "n3", "n2"]), what="the latest held")
        assert not (await running.http.get("/v1/orders")).json()["complete"]


def test_old_versions_go_first_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be adopted is bounded by bytes and by time; the current version is always known."""
    from vardkase.gateway import recentpictures
    from vardkase.gateway.documents import Held
    from vardkase.gateway.live import Change

    class Clock:
        def __init__(self) -> None:
            self.at = 0

        def now(self) -> int:
            return self.at

    class Live:
        def __init__(self) -> None:
            self.worlds: dict[str, Any] = {"act": type("World", (), {"pictures": {}})()}

        def listen(self, listener: Any) -> None:
            self.listener = listener

        def on_reset(self, told: Any) -> None:
            del told

    monkeypatch.setattr(recentpictures, "KEPT_BYTES", 400)
    live, clock = Live(), Clock()
    pictures = recentpictures.RecentPictures(live, clock)  # type: ignore[arg-type]
    for n in range(10):
        data = b'{"adopted":{"version":"%s"},"version":"%064d","events":[]}' % (b"f" * 64, n)
        held = live.worlds["act"].pictures[LAN] = Held(n, 0, data, "")
        live.listener(Change("act", "picture", "lan/24", (LAN,), held))
    known = [n for n in range(10) if pictures.find(LAN, "act", f"{n:064}") is not None]
    assert 0 < len(known) < 10
    assert known == list(range(10 - len(known), 10))
    clock.at = recentpictures.KEPT_FOR + 1
    assert [n for n in range(10) if pictures.find(LAN, "act", f"{n:064}") is not None] == [9]
