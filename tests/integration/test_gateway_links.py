"""`/v1/links`: what the node tells of its links, to who may read the area they concern."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway_kit import Running, running_gateway
from servers import Eventually, NatsServer
from vardkase.federation.health import LinkHealth
from vardkase.federation.told import SUBJECT, document


@pytest.fixture
async def lan(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_gateway(nats_server.url, tmp_path, area="24", node="lan-24") as running:
        yield running


def health(node: str, area: str, **given: Any) -> LinkHealth:
    return LinkHealth(node=node, area=area, **({"to": "child", "looked": True} | given))


async def tell(lan: Running, *links: LinkHealth, ago: float = 0.0) -> None:
    await lan.publish(SUBJECT, document("lan-24", "24", links, time.time() - ago))


async def asked(lan: Running, token: str | None = None, **query: str) -> Any:
    async with lan.client(token or lan.token) as http:
        answer = await http.get("/v1/links", params=query)
        return answer.json() if answer.status_code == 200 else answer.status_code


async def test_links_are_told_by_area(lan: Running, eventually: Eventually) -> None:
    """Each with up, since, last seen and lag; to a kommun that of its own node alone, and nothing of the parent's."""
    assert await asked(lan) == {
        "level": "lan", "code": "24", "node": "lan-24", "as_of": None, "children": [], "parent": None,
    }  # fmt: skip
    now = time.time()
    umea = health("kommun-2480", "2480", up=True, seen=now, since=now - 60, waiting=7, behind_s=1.5)
    skelleftea = health("kommun-2482", "2482", seen=now - 600, since=now - 590, detail="does not answer")
    nation = health("SE", "SE", to="parent", up=True, seen=now, since=now - 60, waiting=0, behind_s=0.0)
    await tell(lan, umea, skelleftea, nation)

    async def known() -> bool:
        return (await asked(lan))["as_of"] is not None

    await eventually(known, what="told")
    found = await asked(lan)
    up, down = found["children"]
    assert (up["node"], up["level"], up["code"], up["name"]) == ("kommun-2480", "kommun", "2480", "Umeå")
    assert (up["up"], up["lag_messages"], up["lag_s"]) == (True, 7, 1.5)
    assert (down["up"], down["lag_messages"], down["detail"]) == (False, None, "does not answer")
    assert down["last_seen"] < down["since"] < up["since"]
    assert found["parent"]["node"] == "SE"

    reader = await lan.token_of("reader", "2480")
    own = await asked(lan, reader)
    assert ([each["node"] for each in own["children"]], own["parent"]) == (["kommun-2480"], None)
    assert await asked(lan, reader, code="24") == 403
    assert await asked(lan, reader, code="2482") == 403
    assert await asked(lan, await lan.token_of("reporter", "2480")) == 403
    async with lan.client(None) as http:
        assert (await http.get("/v1/links")).status_code == 401
    async with lan.client(reader) as http:
        first = await http.get("/v1/links")
        again = await http.get("/v1/links", headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304


async def test_what_was_told_long_ago_says_nothing_of_now(lan: Running, eventually: Eventually) -> None:
    """The program that looks after the links is away: whether they are up is not known. What is no document is none."""
    now = time.time()
    await tell(lan, health("kommun-2480", "2480", up=True, seen=now - 90, since=now - 200, waiting=0), ago=60)

    async def told() -> bool:
        return bool((await asked(lan))["children"])

    await eventually(told, what="told")
    [one] = (await asked(lan))["children"]
    assert (one["up"], one["lag_messages"], one["lag_s"]) == (None, None, None)
    assert one["last_seen"] is not None
    await lan.publish(SUBJECT, {"stream": "INTAKE", "seq": 3})
    await tell(lan, health("kommun-2482", "2482", up=True, seen=now))

    async def newer() -> bool:
        return [each["node"] for each in (await asked(lan))["children"]] == ["kommun-2482"]

    await eventually(newer, what="the next document")


async def test_an_answer_of_the_server_is_no_document(lan: Running, eventually: Eventually) -> None:
    """Who may ask the server anything chooses where its answer goes: the picture stays what the node said last."""
    await lan.picture("24", name="Västerbottens län")
    await lan.alert("area.silent/2480")
    where = "tp.v1.act.picture.24._"
    answers = (b"", b'{"type":"io.nats.jetstream.api.v1.consumer_info_response"}', b'{"stream":"INTAKE","seq":1}')
    for number, answer in enumerate(answers, 1):
        await lan.nc.request(where, answer, timeout=5)
        await eventually(lambda number=number: lan.house.live.skipped == number, what="skipped")
    told = await lan.http.get("/v1/pictures/lan/24")
    assert (told.status_code, told.json()["code"]) == (200, "24")
