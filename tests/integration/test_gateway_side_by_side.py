"""Two gateways of one node: neither holds anything that the other has not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from gateway_kit import Running, running_gateway
from servers import Eventually, NatsServer

POINT = "2480-umedalen-skola"
PATHS = (
    "/v1/pictures/lan/24",
    "/v1/points",
    "/v1/points?limit=1",
    "/v1/points?condition=red",
    f"/v1/points/{POINT}",
    "/v1/alerts?status=all",
    f"/v1/alerts/power.lost/{POINT}",
    "/v1/needs",
    "/v1/me",
    "/openapi.json",
    "/asyncapi.json",
)


class Pair(NamedTuple):
    """Two gateways, and a client of each with the same token."""

    one: Running
    other: Running
    first: httpx.AsyncClient
    second: httpx.AsyncClient


@pytest.fixture
async def pair(nats_server: NatsServer, tmp_path: Path, eventually: Eventually) -> AsyncIterator[Pair]:
    """Some of what is told was there before them; some came while one of them ran; some while both did."""
    async with running_gateway(nats_server.url, tmp_path / "one", area="24") as one:
        await one.picture("24")
        for number in range(3):
            await one.state(f"2480-p{number}")
        await one.alert(f"power.lost/{POINT}", level="red")
        async with running_gateway(nats_server.url, tmp_path / "other", area="24") as other:
            await one.state(POINT, condition="red")
            await other.alert(f"power.lost/{POINT}", level="critical")
            await one.picture("24", as_of="2026-11-20T03:00:00Z")
            last = await other.state("2480-p1", condition="red")
            for each in (one, other):
                live = each.house.live
                await eventually(lambda live=live: live.last_seq["state"] >= last, what="all is taken in")
                await eventually(lambda live=live: live.last_seq["alert"] >= 2, what="alerts are taken in")
                await eventually(lambda live=live: live.last_seq["picture"] >= 2, what="pictures are taken in")
            async with other.client(one.token) as second:
                await eventually(lambda: _knows(second), what="the token is known there, too")
                yield Pair(one, other, one.http, second)


async def _knows(client: httpx.AsyncClient) -> bool:
    return (await client.get("/v1/me")).status_code == 200


async def test_they_answer_with_the_same_bytes(pair: Pair) -> None:
    """Every list, document and page is byte for byte the same at both, under the same tag; so either can answer 304."""
    for path in PATHS:
        one, other = await pair.first.get(path), await pair.second.get(path)
        assert one.status_code == other.status_code == 200, (path, one.text[:200], other.text[:200])
        assert one.content == other.content, path
        if "etag" in one.headers:
            again = await pair.second.get(path, headers={"if-none-match": one.headers["etag"]})
            assert again.status_code == 304, path


async def test_a_page_of_one_goes_on_at_the_other(pair: Pair) -> None:
    """The way to the next page leads on wherever it is asked for."""
    found: list[str] = []
    path: str | None = "/v1/points?limit=1"
    clients = [pair.first, pair.second]
    while path:
        clients.reverse()
        answer = await clients[0].get(path)
        found += [feature["id"] for feature in answer.json()["features"]]
        path = answer.links["next"]["url"] if "next" in answer.links else None
    assert found == sorted(found)
    assert len(found) == 4


Events = AsyncIterator[tuple[str, Any, str]]


@asynccontextmanager
async def reading(client: httpx.AsyncClient, last: str | None = None) -> AsyncIterator[Events]:
    """A stream of alerts: kind, data and id of each event."""
    headers = {} if last is None else {"last-event-id": last}
    async with client.stream("GET", "/v1/stream?kinds=alert,state", headers=headers) as answer:
        assert answer.status_code == 200

        async def events() -> Events:
            told: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    told[name] = value
                elif "event" in told:
                    yield told["event"], json.loads(told["data"]), told.get("id", "")
                    told = {}

        yield events()


async def test_a_reader_of_one_goes_on_at_the_other(pair: Pair, eventually: Eventually) -> None:
    """The id of an event is a place at both: what came while the reader was nowhere comes, all of it, and once."""
    async with asyncio.timeout(20), reading(pair.first) as events:
        async for kind, _, name in events:
            last = name
            if kind == "live":
                break
    for level in ("red", "yellow", "critical"):
        newest = await pair.one.alert(f"staff.short/{POINT}", level=level)
    await eventually(lambda: pair.other.house.live.last_seq["alert"] >= newest, what="all are taken in at the other")
    seen: list[str] = []
    async with asyncio.timeout(20), reading(pair.second, last) as events:
        async for kind, data, _ in events:
            assert kind != "reset"
            if kind == "alert":
                seen.append(data["level"])
            if kind == "live":
                break
    assert seen == ["red", "yellow", "critical"]


async def test_what_is_revoked_at_one_is_revoked_at_the_other(pair: Pair, eventually: Eventually) -> None:
    """A token that one makes opens the other; revoked at one, it opens neither."""
    made = await pair.first.post("/v1/tokens", json={"role": "reader", "area": "2480"})
    assert made.status_code == 201
    identity, secret = made.json()["id"], made.json().get("token") or made.json().get("secret")
    async with pair.other.client(secret) as known:
        await eventually(lambda: _knows(known), what="it opens the other")
        assert (await pair.first.delete(f"/v1/tokens/{identity}")).status_code == 200

        async def shut() -> bool:
            return (await known.get("/v1/me")).status_code == 401

        await eventually(shut, what="it opens it no more")
