"""What nobody acknowledged in time, over HTTP; and on the services themselves, in real time."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway_kit import Running, running_gateway
from node import Node, subject_of
from servers import Eventually, NatsServer
from sse_client import listening
from vardkase.domain.escalation import Policy
from vardkase.federation import patience
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.client import new_id, new_report

KEY = "power.lost/2480-a"
SOON = {"red_sideways": 1.0, "red_up": 2.0, "critical_sideways": 1.0, "critical_up": 2.0}


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_gateway(nats_server.url, tmp_path, area="24") as running:
        yield running


def standing(since: str = "2026-11-20T02:00:00Z", **more: Any) -> dict[str, Any]:
    """A red alert that has stood since then."""
    told = {"since": {"yellow": since, "red": since}, "quieted": {}}
    return {"level": "red", "acks": [], "silences": [], "standing": told} | more


async def told(gateway: Running, eventually: Eventually, **alerts: dict[str, Any]) -> None:
    """Publish alerts by point, and wait until they are held."""
    last = 0
    for point, changes in alerts.items():
        last = await gateway.alert(f"power.lost/{point.replace('_', '-')[1:]}", **changes)
    await eventually(lambda: gateway.house.live.last_seq["alert"] >= last, what="all alerts held")


async def test_each_area_and_step_is_one_digest(gateway: Running, eventually: Eventually) -> None:
    """Of the alerts of the area that is asked for; who is told here, and what is left out, stands in it."""
    ack = {"level": "kommun", "code": "2480", "role": "tib", "at": "2026-11-20T02:00:00Z"}
    ack |= {"until": "2026-11-20T06:00:00Z", "note": None}
    await told(
        gateway,
        eventually,
        p2480_a=standing(),
        p2480_b=standing(level="critical"),
        p2482_c=standing(),
        p2480_acked=standing(acks=[ack]),
        p2480_yellow=standing(level="yellow"),
        p2480_over=standing(status="cleared", cleared_reason="recovered"),
    )
    answer = await gateway.http.get("/v1/escalations")
    assert answer.status_code == 200
    body = answer.json()
    assert body["next_at"] is None
    found = {each["key"]: ([one["key"][-6:] for one in each["alerts"]], each["here"]) for each in body["digests"]}
    assert found == {
        "escalation.sideways/2480": (["2480-b", "2480-a"], True),
        "escalation.sideways/2482": (["2482-c"], True),
        "escalation.up/24": (["2480-b", "2480-a", "2482-c"], True),
        "escalation.up/SE": (["2480-b", "2480-a", "2482-c"], False),
    }
    assert {each["key"]: each["counts"] for each in body["digests"]}["escalation.up/24"] == {"critical": 1, "red": 2}
    again = await gateway.http.get("/v1/escalations", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    other = (await gateway.http.get("/v1/escalations", params={"code": "2482"})).json()
    assert [(each["key"], each["left_out"]) for each in other["digests"]] == [
        ("escalation.sideways/2482", 0),
        ("escalation.up/24", 0),
        ("escalation.up/SE", 0),
    ]
    async with gateway.client(await gateway.token_of("kommun", "2480")) as kommun:
        own = (await kommun.get("/v1/escalations")).json()
        assert "2482" not in orjson.dumps(own).decode()
        assert (await kommun.get("/v1/escalations", params={"code": "24"})).status_code == 403


async def test_an_alert_says_who_is_told_of_it(gateway: Running, eventually: Eventually) -> None:
    """As it is served: the steps, when, and which have been reached; none of one that is mild or taken in."""
    ack = {"level": "kommun", "code": "2480", "role": "tib", "at": "2026-11-20T02:00:00Z"}
    ack |= {"until": "2126-11-20T06:00:00Z", "note": None}
    await told(
        gateway,
        eventually,
        p2480_a=standing("2099-01-01T00:00:00Z"),
        p2480_b=standing(),
        p2480_c=standing(acks=[ack]),
        p2480_d=standing(level="yellow"),
    )
    found = {
        slug: (await gateway.http.get(f"/v1/alerts/power.lost/2480-{slug}")).json()["escalation"] for slug in "abcd"
    }
    assert [(each["step"], each["code"], each["at"], each["reached"]) for each in found["a"]] == [
        ("sideways", "2480", "2099-01-01T00:30:00Z", False),
        ("up", "24", "2099-01-01T01:00:00Z", False),
        ("up", "SE", "2099-01-01T02:00:00Z", False),
    ]
    assert [each["reached"] for each in found["b"]] == [True, True, True]
    assert found["c"] == found["d"] == []


async def test_a_list_and_the_stream_say_it_too(gateway: Running, eventually: Eventually) -> None:
    """To whom, and when, as `/v1/alerts` and events have it, also those that are read from the log; else as it was."""
    ahead = standing("2099-01-01T00:00:00Z")
    await told(gateway, eventually, p2480_a=ahead, p2480_d=standing(level="yellow"))
    listed = {each["key"][-1]: each for each in (await gateway.http.get("/v1/alerts")).json()["alerts"]}
    steps = [(each["step"], each["code"], each["name"], each["at"]) for each in listed["a"]["escalation"]]
    assert steps == [
        ("sideways", "2480", "Umeå", "2099-01-01T00:30:00Z"),
        ("up", "24", "Västerbottens län", "2099-01-01T01:00:00Z"),
        ("up", "SE", "Sverige", "2099-01-01T02:00:00Z"),
    ]
    assert "escalation" not in listed["d"]
    asked = (await gateway.http.get("/v1/alerts/power.lost/2480-a")).text
    assert asked.count('"escalation"') == 1
    async with listening(gateway.http, "/v1/stream?kinds=alert") as source:
        await eventually(lambda: source.named("live"), what="the stream is live")
        assert {each["key"][-1]: each for each in source.named("alert")} == listed
        await told(gateway, eventually, p2480_e=ahead)
        await eventually(lambda: len(source.named("alert")) == 3, what="the new alert")
        assert source.named("alert")[-1]["escalation"] == listed["a"]["escalation"]
        first = source.events[0].id
    gateway.house.hub.recent.begin(gateway.house.live.last_seq["alert"])  # the log alone reaches back
    async with listening(gateway.http, "/v1/stream?kinds=alert", last=first) as source:
        await eventually(lambda: len(source.named("alert")) == 2, what="what was missed")
        assert source.named("alert")[-1]["escalation"] == listed["a"]["escalation"]


async def test_an_alert_whose_standing_cannot_be_read_is_held(gateway: Running, eventually: Eventually) -> None:
    """It is listed as ever, and told by itself; it alone is not escalated."""
    await told(gateway, eventually, p2480_a=standing(standing={"since": {"red": "x"}}), p2480_b=standing())
    listed = (await gateway.http.get("/v1/alerts")).json()["alerts"]
    assert len(listed) == 2
    assert (await gateway.http.get("/v1/alerts/power.lost/2480-a")).json()["escalation"] == []
    (first, *_) = (await gateway.http.get("/v1/escalations")).json()["digests"]
    assert [each["key"] for each in first["alerts"]] == ["power.lost/2480-b"]


async def test_an_exercise_has_its_own(gateway: Running, eventually: Eventually) -> None:
    """Nothing of it is told beside what is real."""
    await told(gateway, eventually, p2480_a=standing(reality="exe"))
    assert (await gateway.http.get("/v1/escalations")).json()["digests"] == []
    found = (await gateway.http.get("/v1/escalations", params={"reality": "exe"})).json()["digests"]
    assert {each["reality"] for each in found} == {"exe"}


def published(kind: str, point: str, data: dict[str, Any]) -> tuple[str, bytes]:
    """A report of now."""
    event = new_report(kind, point, data, reality="act").model_dump(mode="json", exclude_unset=True, by_alias=True)
    return subject_of(event), orjson.dumps(event)


def acknowledged(level: str) -> dict[str, Any]:
    """Somebody of the kommun has taken it in, now."""
    return {
        "specversion": "1.0",
        "id": new_id(),
        "source": "urn:tp:kommun:2480",
        "type": "se.trygghetspunkt.order.ack.v1",
        "subject": "2480",
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "reality": "act",
        "data": {"by": {"role": "tib", "level": "kommun", "code": "2480"}, "key": KEY, "level": level},
    }


async def test_on_real_time(tmp_path: Path, eventually: Eventually) -> None:
    """Reports come, nobody acknowledges: sideways, then up, each in its second; an acknowledgement ends all of it.

    The node tells its own settings, whatever those of a gateway are.
    """
    node = Node(
        tmp_path,
        eventually,
        VARDKASE_AREA="24",
        VARDKASE_ESCALATION_RED_SIDEWAYS="7s",
        VARDKASE_ESCALATION_CRITICAL_UP="0",
    )
    try:
        await node.start("intake", "aggregator")
        async with running_gateway(node.nats.url, tmp_path / "gateway", area="24", escalation=SOON) as gateway:

            async def keys() -> list[str]:
                return [each["key"] for each in (await gateway.http.get("/v1/escalations")).json()["digests"]]

            async def seen(key: str) -> float:
                await eventually(lambda: _in(keys, key), what=f"{key} told", within=15)
                return time.monotonic()

            found = await patience.ask(gateway.nc)
            assert found == Policy.after(red_sideways=7.0, red_up=3_600.0, critical_sideways=600.0, critical_up=0.0)
            await node.publish([published("status", "2480-a", {"lifecycle": "open"})])
            await node.publish([published("resources", "2480-a", {"power": {"source": "none"}})])
            await eventually(lambda: KEY in gateway.house.live.worlds["act"].alerts, what="the alert held", within=15)
            began = time.monotonic()
            assert await keys() == []
            sideways = await seen("escalation.sideways/2480")
            up = await seen("escalation.up/24")
            assert sideways - began > 0.5
            assert up - sideways > 0.5
            order = subjects.order("act", Area.parse("2480"), "ack")
            await gateway.publish(order, acknowledged("red"))
            await eventually(lambda: _none(keys), what="nothing to be told", within=15)
    finally:
        await node.stop()


async def _in(keys: Callable[[], Awaitable[list[str]]], key: str) -> bool:
    return key in await keys()


async def _none(keys: Callable[[], Awaitable[list[str]]]) -> bool:
    return not await keys()
