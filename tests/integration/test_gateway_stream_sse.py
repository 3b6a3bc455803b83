import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from gateway_kit import Running, running_gateway
from servers import Eventually, NatsServer
from sse_client import listening


class Make(Protocol):
    """Starts a gateway that ends with the test."""

    async def __call__(self, **settings: Any) -> Running:
        """With these settings of the group `web`."""
        ...


@pytest.fixture
async def make(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        async def made(**web: Any) -> Running:
            area = web.pop("area", "SE")
            settings = {"gather": 0.02} | web
            return await stack.enter_async_context(running_gateway(nats_server.url, tmp_path, area=area, web=settings))

        yield made


async def held(gateway: Running, eventually: Eventually, kind: str, sequence: int) -> None:
    """Wait until the gateway has taken in what was stored."""
    live = gateway.house.live
    await eventually(lambda: live.last_seq[kind] >= sequence, what=f"{kind} {sequence}")  # type: ignore[index]


def numbers(alerts: list[Any]) -> list[int]:
    """Which changes came, by the number that each was given."""
    return [int(each["alert_id"]) for each in alerts]


async def test_first_what_is_then_what_changes(make: Make, eventually: Eventually) -> None:
    """Alerts that stand and the area's picture, then `live`; from then on every change, with an id each."""
    gateway = await make()
    await gateway.picture("24")
    await gateway.picture("2480")
    await gateway.alert("power.lost/2480-x", alert_id="1")
    cleared = {"status": "cleared", "cleared_reason": "recovered"}
    await held(gateway, eventually, "alert", await gateway.alert("heat.low/2480-x", alert_id="2", **cleared))
    await held(gateway, eventually, "picture", await gateway.picture("2480"))
    async with listening(gateway.http, "/v1/stream?area=24") as source:
        await eventually(lambda: source.named("live"))
        assert [event.name for event in source.events] == ["alert", "picture", "live"]
        assert (source.named("picture")[0]["code"], numbers(source.named("alert"))) == ("24", [1])
        await gateway.alert("heat.low/2480-x", alert_id="3", **cleared)
        await gateway.alert("power.lost/0180-y", alert_id="4")
        await gateway.picture("2480")
        await gateway.picture("24", as_of="2026-11-20T09:00:00Z")
        await eventually(lambda: len(source.named("picture")) == 2)
        await eventually(lambda: numbers(source.named("alert")) == [1, 3])
        assert source.named("picture")[1]["as_of"] == "2026-11-20T09:00:00Z"
        assert all(event.id for event in source.events)


async def test_what_is_asked_for_is_what_comes(make: Make, eventually: Eventually) -> None:
    """States on request alone, pictures of the areas within on request, alerts left out on request."""
    gateway = await make()
    await gateway.state("2480-x")
    await gateway.picture("24")
    await held(gateway, eventually, "picture", await gateway.picture("2480"))
    await held(gateway, eventually, "alert", await gateway.alert("power.lost/2480-x"))
    path = "/v1/stream?area=24&kinds=state,picture&pictures=all"
    async with listening(gateway.http, path) as all_of_it, listening(gateway.http, "/v1/stream?kinds=state") as states:
        await eventually(lambda: all_of_it.named("live") and states.named("live"))
        assert sorted(each["code"] for each in all_of_it.named("picture")) == ["24", "2480"]
        await gateway.state("2480-y")
        await gateway.picture("2480")
        await gateway.alert("power.lost/2480-y")
        await gateway.state("0180-z")
        await eventually(lambda: [each["id"] for each in states.named("state")] == ["2480-x", "2480-y", "0180-z"])
        await eventually(lambda: len(all_of_it.named("picture")) == 3)
        assert [each["id"] for each in all_of_it.named("state")] == ["2480-x", "2480-y"]
        assert "timelines" not in states.named("state")[0]
        assert {event.name for event in all_of_it.events} == {"state", "picture", "live"}


@pytest.mark.parametrize("remembered", [1000, 2])
async def test_a_client_that_comes_back_has_missed_nothing(make: Make, eventually: Eventually, remembered: int) -> None:
    """Every change of an alert meanwhile comes once, in order, from memory or the log; of a picture the last."""
    gateway = await make(recent_alerts=remembered)
    await held(gateway, eventually, "picture", await gateway.picture("SE"))
    async with listening(gateway.http, "/v1/stream") as source:
        await eventually(lambda: source.named("live"))
        await gateway.alert("power.lost/2480-x", alert_id="0")
        await eventually(lambda: numbers(source.named("alert")) == [0])
    for number in range(1, 8):
        await gateway.alert(f"power.lost/2480-{number % 2}", alert_id=str(number))
        await gateway.picture("SE", as_of=f"2026-11-20T0{number}:00:00Z")
    last = await gateway.alert("power.lost/2480-x", alert_id="8", reality="exe")
    await held(gateway, eventually, "alert", last)
    async with listening(gateway.http, "/v1/stream", last=source.last) as again:
        await eventually(lambda: again.named("live"))
        assert numbers(again.named("alert")) == list(range(1, 8))
        assert [each["as_of"] for each in again.named("picture")] == ["2026-11-20T07:00:00Z"]
        await gateway.alert("power.lost/2480-x", alert_id="9")
        await eventually(lambda: numbers(again.named("alert")) == [*range(1, 8), 9])
    how = gateway.house.counts.began.labels("memory" if remembered > 10 else "log")
    assert how._value.get() == 1


async def test_a_client_goes_on_at_another_gateway(make: Make, eventually: Eventually) -> None:
    """No gateway has a state of its own: one that was started later goes on where another one broke off."""
    first = await make()
    await held(first, eventually, "picture", await first.picture("SE"))
    async with listening(first.http, "/v1/stream") as source:
        await eventually(lambda: source.named("live"))
    for number in range(5):
        await first.alert("power.lost/2480-x", alert_id=str(number))
    second = await make()
    async with listening(second.http, "/v1/stream", last=source.last) as again:
        await eventually(lambda: again.named("live"))
        assert numbers(again.named("alert")) == [0, 1, 2, 3, 4]
        assert not again.named("picture")
        assert not again.named("reset")


@pytest.mark.parametrize("last", ["000000000000.1.1.1", "nonsense", "1.2.3.4"])
async def test_what_is_not_known_is_begun_anew(make: Make, eventually: Eventually, last: str) -> None:
    """An id of other streams, or none of ours, is answered `reset`, and then with the whole."""
    gateway = await make()
    await gateway.alert("power.lost/2480-x", alert_id="1")
    await held(gateway, eventually, "alert", 1)
    await held(gateway, eventually, "picture", await gateway.picture("SE"))
    async with listening(gateway.http, "/v1/stream", last=last) as source:
        await eventually(lambda: source.named("live"))
        assert [event.name for event in source.events] == ["reset", "alert", "picture", "live"]


async def test_it_is_heard_when_there_is_nothing_to_tell(make: Make, eventually: Eventually) -> None:
    """A comment comes now and then, so that a client knows that it is connected; also to who takes no gzip."""
    gateway = await make(heartbeat=0.1)
    async with (
        gateway.client(gateway.token, **{"accept-encoding": "identity"}) as plain,
        listening(plain, "/v1/stream") as one,
        listening(gateway.http, "/v1/stream") as packed,
    ):
        await eventually(lambda: one.comments > 2 and packed.comments > 2)
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in one.headers


async def test_a_client_that_takes_nothing_harms_no_other_and_is_cut(make: Make, eventually: Eventually) -> None:
    """The others get everything at once; what waits for it is bounded by the number of areas; in the end it is cut."""
    gateway = await make(stalled=1.0)
    host, port = gateway.url.removeprefix("http://").split(":")
    stalled = socket.create_connection((host, int(port)))
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    path = "/v1/stream?kinds=picture&pictures=all"
    stalled.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.token}\r\n\r\n".encode())
    hub, large = gateway.house.hub, "x" * 20_000
    try:
        await eventually(lambda: len(hub) == 1)
        (slow,) = next(iter(hub._groups.values())).clients
        async with listening(gateway.http, path) as source:
            await eventually(lambda: source.named("live"))
            most = 0
            for number in range(100):
                await gateway.picture("24" if number % 2 else "2480", name=large, version=str(number))
                most = max(most, len(slow.waiting.pictures))
                await eventually(lambda n=number: source.events[-1].data.get("version") == str(n))
            assert most <= 2, "of each area the last alone waits"
            await eventually(lambda: len(hub) == 1, what="the one that takes nothing is cut")
            assert gateway.house.counts.cut.labels("stalled")._value.get() == 1
    finally:
        stalled.close()


async def test_alerts_are_never_left_out(make: Make, eventually: Eventually) -> None:
    """Who has more alerts waiting than may wait is cut, and gets every one of them when it comes back."""
    gateway = await make(unsent_alerts=20)
    host, port = gateway.url.removeprefix("http://").split(":")
    stalled = socket.create_connection((host, int(port)))
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.sendall(f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.token}\r\n\r\n".encode())
    try:
        await eventually(lambda: len(gateway.house.hub) == 1)
        epoch, before = gateway.house.live.epoch, gateway.house.hub.position
        number = 0
        while len(gateway.house.hub) and number < 600:
            text = {"sv": "x" * 8_000, "en": "x"}
            await gateway.alert("power.lost/2480-x", alert_id=str(number), text=text)
            number += 1
        await eventually(lambda: not len(gateway.house.hub), what="it is cut")
        assert gateway.house.counts.ended.labels("alerts")._value.get() == 1
    finally:
        stalled.close()
    async with listening(gateway.http, "/v1/stream", last=before.id(epoch)) as again:
        await eventually(lambda: len(again.named("alert")) == number)
        assert numbers(again.named("alert")) == list(range(number))


async def test_a_token_that_is_revoked_hears_nothing_more(make: Make, eventually: Eventually) -> None:
    """Its streams end at once; another token's go on; coming back with it is answered 401."""
    gateway = await make()
    text = await gateway.token_of("reader", "SE")
    async with gateway.client(text) as reader:
        async with listening(reader, "/v1/stream") as source, listening(gateway.http, "/v1/stream") as other:
            await eventually(lambda: source.named("live") and other.named("live"))
            await gateway.house.access.revoke(text.split("_")[1], by="test")
            await eventually(source.ended.is_set)
            assert not other.ended.is_set()
        assert (await reader.get("/v1/stream")).status_code == 401


async def test_there_is_room_for_so_many(make: Make, eventually: Eventually) -> None:
    """One client too many is answered 503 with the time to wait, and taken in when another has gone."""
    gateway = await make(clients=2)
    async with listening(gateway.http, "/v1/stream"):
        async with listening(gateway.http, "/v1/stream"):
            full = await gateway.http.get("/v1/stream")
            assert (full.status_code, full.headers["retry-after"]) == (503, "5")
        await eventually(lambda: len(gateway.house.hub) == 1)
        async with listening(gateway.http, "/v1/stream") as third:
            await eventually(lambda: third.named("live"))


async def test_outside_of_its_area_nothing_is_told(make: Make) -> None:
    """A kommun's token hears nothing of its län, nor of another reality than it opens; without one there is 401."""
    gateway = await make()
    async with gateway.client(await gateway.token_of("kommun", "2480", realities=("exe",))) as kommun:
        for path in ("/v1/stream?area=24&reality=exe", "/v1/stream?area=2401&reality=exe", "/v1/stream"):
            assert (await kommun.get(path)).status_code == 403
        async with listening(kommun, "/v1/stream?reality=exe"):
            await asyncio.sleep(0)
    async with gateway.client(None) as nobody:
        assert (await nobody.get("/v1/stream")).status_code == 401
