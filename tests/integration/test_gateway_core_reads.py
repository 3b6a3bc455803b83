import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway_kit import Running, running_gateway, state_of
from servers import Eventually, NatsServer
from vardkase_contracts.picture import PICTURE
from vardkase_contracts.state import STATE


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_gateway(nats_server.url, tmp_path) as running:
        yield running


async def held(gateway: Running, eventually: Eventually, kind: str, sequence: int) -> None:
    """Wait until the gateway has taken in what was stored."""
    live = gateway.house.live
    await eventually(lambda: live.last_seq[kind] >= sequence, what=f"{kind} {sequence}")  # type: ignore[index]


async def test_a_picture_is_the_streams_bytes_and_not_sent_twice(gateway: Running, eventually: Eventually) -> None:
    """What is answered is byte for byte what was published; who has it is answered 304; a newer one has another tag."""
    await held(gateway, eventually, "picture", await gateway.picture("24"))
    first = await gateway.http.get("/v1/pictures/lan/24", headers={"accept-encoding": "identity"})
    assert first.status_code == 200
    picture = PICTURE.validate_json(first.content)
    assert (picture.level, picture.code) == ("lan", "24")
    again = await gateway.http.get("/v1/pictures/lan/24", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await held(gateway, eventually, "picture", await gateway.picture("24", as_of="2026-11-20T03:00:00Z"))
    newer = await gateway.http.get("/v1/pictures/lan/24", headers={"if-none-match": first.headers["etag"]})
    assert newer.status_code == 200
    assert newer.headers["etag"] != first.headers["etag"]


async def test_what_is_long_is_compressed_for_who_takes_it(gateway: Running, eventually: Eventually) -> None:
    """Compressed, it is the same bytes, has a weak tag, and that one is known again; `identity` is left as it is."""
    await held(gateway, eventually, "picture", await gateway.picture("24"))
    plain = await gateway.http.get("/v1/pictures/lan/24", headers={"accept-encoding": "gzip;q=0, identity"})
    assert "content-encoding" not in plain.headers
    async with gateway.http.stream("GET", "/v1/pictures/lan/24", headers={"accept-encoding": "br, gzip"}) as packed:
        raw = b"".join([part async for part in packed.aiter_raw()])
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content)
    known = await gateway.http.get("/v1/pictures/lan/24", headers={"if-none-match": f'"x", {packed.headers["etag"]}'})
    assert known.status_code == 304


async def test_points_are_geojson_with_filters_boxes_and_pages(gateway: Running, eventually: Eventually) -> None:
    """A list holds what was asked for, in pages that neither repeat nor leave out a point, and names the next one."""
    for number in range(7):
        place = {"lon": 20.0 + number, "lat": 63.0}
        profile = {"name": f"Skola {number}", "kind": "trygghetspunkt", "position": place}
        level = "red" if number % 2 else "green"
        last = await gateway.state(f"2480-p{number}", facts={"profile": profile}, condition=level)
    last = await gateway.state("2480-gone", retired=True)
    last = await gateway.state("2480-_")
    last = await gateway.state("0180-slussen", facts={"profile": None})
    await held(gateway, eventually, "state", last)

    async def ids(query: str) -> list[str]:
        answer = await gateway.http.get(f"/v1/points?{query}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/geo+json"
        return [feature["id"] for feature in answer.json()["features"]]

    everything = await ids("code=2480")
    assert everything == [f"2480-p{number}" for number in range(7)]
    assert await ids("code=2480&condition=red") == ["2480-p1", "2480-p3", "2480-p5"]
    assert await ids("code=2480&condition=red&condition=green") == everything
    assert await ids("code=2480&retired=true") == ["2480-gone", *everything]
    assert await ids("bbox=21.5,60,23.5,64") == ["2480-p2", "2480-p3"]
    assert await ids("bbox=25.5,60,20.5,64") == ["2480-p0", "2480-p6"], "over the 180th meridian"
    assert "0180-slussen" in await ids("")
    found, path, pages = [], "/v1/points?code=24&limit=3", 0
    while path:
        pages += 1
        answer = await gateway.http.get(path)
        found += [feature["id"] for feature in answer.json()["features"]]
        assert answer.json()["numberMatched"] == 7
        path = answer.headers.get("link", "").removeprefix("<").partition(">")[0]
        assert answer.json().get("links", []) == ([{"rel": "next", "href": path}] if path else [])
    assert (found, pages) == (everything, 3)
    feature = (await gateway.http.get("/v1/points?code=0180")).json()["features"][0]
    assert feature["geometry"] is None


async def test_a_state_is_without_what_only_rules_look_at(gateway: Running, eventually: Eventually) -> None:
    """A feature's properties are the state as it was published, but for its timelines."""
    await held(gateway, eventually, "state", await gateway.state("2480-x"))
    answer = await gateway.http.get("/v1/points/2480-x")
    told, whole = answer.json()["properties"], state_of("2480-x")
    assert told == {name: value for name, value in whole.items() if name not in {"timelines", "others"}}
    timelines = {name: whole[name] for name in ("timelines", "others")}
    assert STATE.validate_json(json.dumps(told | timelines)).id == "2480-x"


async def test_realities_never_mix(gateway: Running, eventually: Eventually) -> None:
    """What is said in an exercise stands in no answer about what is real, nor the other way round."""
    await gateway.state("2480-real")
    await gateway.alert("power.lost/2480-real")
    last = await gateway.alert("power.lost/2480-play", reality="exe")
    await held(gateway, eventually, "alert", last)
    await held(gateway, eventually, "state", await gateway.state("2480-play", reality="exe"))
    for reality, own in (("act", "2480-real"), ("exe", "2480-play"), ("tst", None)):
        points = (await gateway.http.get(f"/v1/points?reality={reality}")).json()["features"]
        alerts = (await gateway.http.get(f"/v1/alerts?reality={reality}")).json()["alerts"]
        assert [each["id"] for each in points] == ([own] if own else [])
        assert [each["point"]["id"] for each in alerts] == ([own] if own else [])


async def test_alerts_are_listed_gravest_first_and_filtered(gateway: Running, eventually: Eventually) -> None:
    """The gravest first, then the oldest; cleared ones and muted ones when they are asked for."""
    await gateway.alert("power.lost/2480-a", level="yellow", raised_at="2026-11-20T01:00:00Z")
    await gateway.alert("staff.short/2480-b", level="critical", raised_at="2026-11-20T03:00:00Z")
    await gateway.alert("power.lost/2480-c", level="critical", raised_at="2026-11-20T02:00:00Z", inhibited_by=None)
    await gateway.alert("heat.low/2480-c", level="red", inhibited_by="power.lost/2480-c")
    await gateway.alert("area.silent/2401", level="yellow", raised_at="2026-11-20T04:00:00Z", inhibited_by=None)
    cleared = {"status": "cleared", "cleared_reason": "recovered"}
    await held(gateway, eventually, "alert", await gateway.alert("water.low/2480-d", level="red", **cleared))

    async def keys(query: str) -> list[str]:
        answer = await gateway.http.get(f"/v1/alerts?{query}")
        assert answer.status_code == 200, answer.text
        return [alert["key"] for alert in answer.json()["alerts"]]

    firing = await keys("")
    assert firing == [
        "power.lost/2480-c",
        "staff.short/2480-b",
        "heat.low/2480-c",
        "power.lost/2480-a",
        "area.silent/2401",
    ]
    assert await keys("status=cleared") == ["water.low/2480-d"]
    assert len(await keys("status=all")) == 6
    assert await keys("code=2401") == ["area.silent/2401"]
    assert await keys("rule=power.lost&alert_level=critical") == ["power.lost/2480-c"]
    assert await keys("inhibited=true") == ["heat.low/2480-c"]
    assert await keys("point=2480-b") == ["staff.short/2480-b"]
    one = await gateway.http.get("/v1/alerts?limit=2")
    assert one.json()["numberMatched"] == 5
    path = one.headers["link"].removeprefix("<").partition(">")[0]
    assert [each["key"] for each in (await gateway.http.get(path)).json()["alerts"]] == firing[2:4]


async def test_the_nearest_alternative_is_one_that_could_take_people(gateway: Running, eventually: Eventually) -> None:
    """Open, heard of lately, with known room and power for over 12 hours; null when there is none such."""

    async def place(slug: str, lon: float, *, lifecycle: str = "open", occupancy: int = 10, **changes: object) -> int:
        profile = {"name": slug, "kind": "trygghetspunkt", "position": {"lon": lon, "lat": 63.8}, "capacity_day": 100}
        facts = {
            "profile": profile,
            "lifecycle": lifecycle,
            "occupancy": occupancy,
            "power": {"source": "mains"},
            "capacity_day": None,
            "capacity_night": None,
        }
        given = {"dark": False, "runs_out_at": None, "freshness": "fresh"} | changes
        return await gateway.state(f"2480-{slug}", facts=facts, **given)

    await place("here", 20.20)
    await place("closed", 20.21, lifecycle="closed")
    await place("full", 20.22, occupancy=100)
    await place("stale", 20.23, freshness="stale")
    await held(gateway, eventually, "state", await place("dark", 20.24, dark=True))
    await held(gateway, eventually, "alert", await gateway.alert("power.lost/2480-here"))
    assert (await gateway.http.get("/v1/alerts/power.lost/2480-here")).json()["nearest"] is None
    await place("far", 21.5)
    await held(gateway, eventually, "state", await place("near", 20.40))
    nearest = (await gateway.http.get("/v1/alerts/power.lost/2480-here")).json()["nearest"]
    assert (nearest["id"], nearest["km"], nearest["room"]) == ("2480-near", 9.8, 90)
    assert (await gateway.http.get("/v1/points/2480-here")).json()["properties"]["nearest"] == nearest


async def test_needs_are_pressing_first_and_matched_with_surplus(gateway: Running, eventually: Eventually) -> None:
    """Open needs before surplus; a retired point's stand at its heir; the nearest surplus is proposed."""

    def need(need_id: str, **more: object) -> dict[str, object]:
        return {"need_id": need_id, "direction": "need", "kind": "fuel", "state": "requested", "unit": "l", **more}

    async def with_needs(point: str, lon: float, *needs: dict[str, object], **changes: object) -> int:
        document = state_of(point, **changes)
        fact = document["facts"]["power"]
        document["facts"]["needs"] = {str(each["need_id"]): fact | {"value": each} for each in needs}
        place = {"name": point, "kind": "trygghetspunkt", "position": {"lon": lon, "lat": 63.8}}
        document["facts"]["profile"] = fact | {"value": place}
        if document["retired"]:
            document["facts"]["retire"] = fact | {"value": {"replaced_by": "2480-b"}}
        return await gateway.publish(f"tp.v1.act.state.24.2480.{point[5:]}", document)

    urgent = need("1", quantity=200, priority="urgent", needed_by="2020-01-01T00:00:00Z")
    await with_needs("2480-a", 20.0, urgent, need("met", state="delivered"), retired=True)
    await with_needs("2480-b", 20.1, need("2", quantity=50, priority="low"))
    await with_needs("2480-c", 20.2, need("s", direction="surplus", quantity=150))
    last = await with_needs("2480-d", 20.9, need("s", direction="surplus", quantity=500))
    await held(gateway, eventually, "state", last)
    told = (await gateway.http.get("/v1/needs?match=true")).json()
    listed = [(each["point"], each["need_id"], each["overdue"]) for each in told["needs"]]
    assert listed == [("2480-b", "1", True), ("2480-b", "2", False), ("2480-c", "s", False), ("2480-d", "s", False)]
    pairs = [(each["need"]["need_id"], each["surplus"]["point"], each["quantity"]) for each in told["matches"]]
    assert pairs == [("1", "2480-c", 150), ("1", "2480-d", 50), ("2", "2480-d", 50)]
    assert [each["need_id"] for each in (await gateway.http.get("/v1/needs?direction=surplus&limit=1")).json()["needs"]]


async def test_what_is_asked_wrongly_is_a_problem_that_names_the_field(gateway: Running) -> None:
    """400 for a query, 404 for what there is not, 405 for a method: RFC 9457, with the field, telling nothing back."""
    for path, status, field in (
        ("/v1/points?limit=0", 400, "limit"),
        ("/v1/points?limit=5001", 400, "limit"),
        ("/v1/points?bbox=1,2,3", 400, "bbox"),
        ("/v1/points?bbox=nan,0,0,0", 400, "bbox"),
        ("/v1/points?bbox=0,10,0,5", 400, "bbox"),
        ("/v1/points?code=9999", 400, "code"),
        ("/v1/points?level=lan&code=2480", 400, "code"),
        ("/v1/points?level=kommun", 400, "code"),
        ("/v1/points?reality=real", 400, "reality"),
        ("/v1/points?condition=purple", 400, "condition.0"),
        ("/v1/points?cursor=%3Cscript%3E", 400, "cursor"),
        ("/v1/points?cursor=_w", 400, "cursor"),
        ("/v1/points/2480-x.y", 400, "point"),
        ("/v1/points/2480-nope", 404, None),
        ("/v1/pictures/lan/99", 404, "code"),
        ("/v1/pictures/kommun/24", 404, "code"),
        ("/v1/pictures/lan/24", 404, None),
        ("/v1/alerts/power.lost/2480-nope", 404, None),
        ("/v1/nope", 404, None),
        ("/v1/points/../../etc/passwd", 404, None),
    ):
        answer = await gateway.http.get(path)
        problem = answer.json()
        assert (answer.status_code, problem.get("field")) == (status, field), path
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == status
        assert "script" not in answer.text
        assert "detail" in problem
    wrong = await gateway.http.post("/v1/points")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")


async def test_head_is_get_without_a_body(gateway: Running, eventually: Eventually) -> None:
    """HEAD has the headers of GET, its length too."""
    await held(gateway, eventually, "picture", await gateway.picture("24"))
    plain = {"accept-encoding": "identity"}
    head, get = [await gateway.http.request(m, "/v1/pictures/lan/24", headers=plain) for m in ("HEAD", "GET")]
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(get.content))


async def test_two_gateways_have_the_same_tags(gateway: Running, eventually: Eventually, tmp_path: Path) -> None:
    """A client that asks another gateway is told 304 all the same: none has a state of its own."""
    await held(gateway, eventually, "picture", await gateway.picture("24"))
    first = await gateway.http.get("/v1/pictures/lan/24")
    url = gateway.house.settings.nats_url
    assert url is not None
    async with running_gateway(url.get_secret_value(), tmp_path / "other") as other:
        known = {"if-none-match": first.headers["etag"]}
        assert (await other.http.get("/v1/pictures/lan/24", headers=known)).status_code == 304
        await asyncio.sleep(0)


async def test_a_stream_that_was_made_anew_is_read_anew(gateway: Running, eventually: Eventually) -> None:
    """When STATE is deleted and made again, what was held is gone, and what comes is held; without a restart."""
    await held(gateway, eventually, "state", await gateway.state("2480-old"))
    epoch = gateway.house.live.epoch
    info = json.loads((await gateway.nc.request("$JS.API.STREAM.INFO.STATE", b"", timeout=5)).data)["config"]
    await gateway.nc.request("$JS.API.STREAM.DELETE.STATE", b"", timeout=5)
    await gateway.nc.request("$JS.API.STREAM.CREATE.STATE", json.dumps(info).encode(), timeout=5)
    await gateway.state("2480-new")
    points = gateway.house.live.worlds["act"].points
    await eventually(lambda: set(points) == {"2480-new"}, within=20)
    assert gateway.house.live.epoch != epoch
