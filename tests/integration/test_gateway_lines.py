"""One-line reports over HTTP and at the desk: read strictly, shown before they are sent, stored once."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway_kit import Running, running_gateway
from servers import Eventually, NatsServer
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.audit import AUDIT
from vardkase_contracts.client import new_id
from vardkase_contracts.instants import HOUR, MINUTE
from vardkase_contracts.oneline import Line, normal
from vardkase_contracts.schemas import example

TEXT = {"content-type": "text/plain; charset=utf-8"}


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path, eventually: Eventually) -> AsyncIterator[Running]:
    """Of Västerbotten; two points have numbers of their own, two share one, one is retired, one has none."""
    async with running_gateway(nats_server.url, tmp_path, area="24") as running:
        for slug, no, retired in (
            ("skolan", 17, False),
            ("badet", 18, False),
            ("a", 20, False),
            ("b", 20, False),
            ("gamla", 21, True),
            ("c", None, False),
        ):
            profile = {**example("state")["facts"]["profile"]["value"], "name": slug.capitalize(), "no": no}
            await running.state(f"2480-{slug}", facts={"profile": profile}, retired=retired)
        points = running.house.live.worlds["act"].points
        await eventually(lambda: len(points) == 6, what="the states are held")
        yield running


def said(gateway: Running, rest: str, *, ago: int = 5 * MINUTE, reality: str = "SKARPT", kommun: str = "2480") -> str:
    """A line, observed some time ago."""
    observed = gateway.house.clock.now() - ago
    line = Line(reality="act", observed=observed - observed % MINUTE, kommun="2480", no=1, unchanged=True)
    return f"TP {reality} {normal(line).split()[2]} {kommun} {rest}"


async def post(client: httpx.AsyncClient, text: str, **query: Any) -> httpx.Response:
    return await client.post("/v1/lines", content=text.encode(), headers=TEXT, params=query)


async def stored(gateway: Running) -> list[tuple[str, dict[str, Any]]]:
    return [(one.subject, json.loads(one.data)) async for one in scan(gateway.nc, streams.INTAKE, [])]


async def test_a_line_is_stored_and_said_back(gateway: Running) -> None:
    """202 with the sentence and the normal form; in INTAKE stand ordinary reports, relayed, by the channel; audited."""
    text = said(gateway, "17 o B42/80 P2 E11 S3/4 V1 N:DRIVMEDEL")
    answer = await post(gateway.http, text, channel="rakel")
    assert answer.status_code == 202
    told = answer.json()
    (line,) = told["lines"]
    assert told["stored"] is True
    assert line["point"] == "2480-skolan"
    assert line["line"].endswith("2480 17 O B42/80 P2 E11 S3/4 V1 N:FUEL")
    assert line["text"].startswith("SKARPT LÄGE. Umeå (2480), punkt 17 Skolan, ")
    assert [(each["kind"], each["duplicate"]) for each in line["reports"]] == [
        ("status", False),
        ("resources", False),
        ("need", False),
    ]
    events = await stored(gateway)
    assert [subject for subject, _ in events] == [
        f"tp.v1.act.report.24.2480.skolan.{kind}" for kind in ("status", "resources", "need")
    ]
    assert {(event["quality"], event["channel"]) for _, event in events} == {("relayed", "rakel")}
    audit = [AUDIT.validate_json(one.data).data async for one in scan(gateway.nc, streams.AUDIT, [])]
    assert ("report.submit", "2480-skolan") in {(each.what, each.on) for each in audit}
    counted = gateway.house.writing.counts._received.labels("line", "act", "stored")._value.get()
    assert counted == 3

    again = await post(gateway.http, line["line"], channel="sms")
    assert again.status_code == 200
    assert [each["duplicate"] for each in again.json()["lines"][0]["reports"]] == [True] * 3
    assert len(await stored(gateway)) == 3


async def test_a_dry_run_stores_nothing(gateway: Running) -> None:
    """What is understood is told, and that is all."""
    answer = await post(gateway.http, said(gateway, "18 ALLT OFÖRÄNDRAT"), dry_run="true")
    assert (answer.status_code, answer.json()["stored"]) == (200, False)
    assert answer.json()["lines"][0]["text"].endswith(": allt oförändrat.")
    assert await stored(gateway) == []


@pytest.mark.parametrize(
    ("rest", "token", "place", "expected"),
    [
        ("17 O B42/8O", "B42/8O", 7, "B42/80"),
        ("19 O", "19", 5, "ingen punkt har numret i registret för Umeå (2480); väntade 17, 18, 20"),
        ("20 O", "20", 5, "flera punkter har numret"),
        ("21 O", "21", 5, "ingen punkt har numret"),
    ],
)
async def test_what_is_wrong_names_the_word(gateway: Running, rest: str, token: str, place: int, expected: str) -> None:
    """422 with the word, its place and what was expected: an unknown number, one of two points, a retired one."""
    answer = await post(gateway.http, said(gateway, rest))
    problem = answer.json()
    assert answer.status_code == 422
    assert (problem["type"], problem["token"], problem["place"]) == ("urn:tp:problem:line", token, place)
    assert expected in problem["expected"]
    assert problem["detail"].startswith(f'Ord {place}, "{token}": ')
    assert await stored(gateway) == []


async def test_lines_are_stored_whole_or_not_at_all(gateway: Running) -> None:
    """Of several none is stored unless all are right; which one is not, is told; more than twenty are too many."""
    good, bad = said(gateway, "17 O"), said(gateway, "18 P9")
    answer = await post(gateway.http, f"{good}\n\n{bad}\n")
    assert (answer.status_code, answer.json()["index"]) == (422, 1)
    assert await stored(gateway) == []
    assert (await post(gateway.http, "\n".join([good] * 21))).status_code == 413
    assert (await post(gateway.http, "")).status_code == 422
    assert (await gateway.http.post("/v1/lines", content=b"\xff", headers=TEXT)).status_code == 422
    assert (await gateway.http.post("/v1/lines", content=good)).status_code == 415
    both = await post(gateway.http, f"{good}\r\n{said(gateway, '18 X B0')}")
    assert both.status_code == 202
    assert len(await stored(gateway)) == 2


async def test_a_line_opens_no_more_than_the_token_does(gateway: Running) -> None:
    """A point's link reports of its point alone, and learns nothing of other numbers; a län's token reports nothing."""
    link = await gateway.token_of("reporter", "2480", point="2480-skolan")
    kommun = await gateway.token_of("kommun", "2480")
    lan = await gateway.token_of("lan", "24")
    trial = await gateway.token_of("kommun", "2480", realities=("tst",))
    for token, rest, status in (
        (link, "17 O", 202),
        (link, "18 O", 403),
        (link, "19 O", 403),
        (lan, "17 O", 403),
        (lan, "19 O", 403),
        (trial, "17 O", 403),
        (kommun, "18 O", 202),
    ):
        async with gateway.client(token) as client:
            assert (await post(client, said(gateway, rest))).status_code == status, (rest, status)
    async with gateway.client(kommun) as client:
        assert (await post(client, said(gateway, "17 O", kommun="2482"))).status_code == 403
    assert (await post(gateway.http, said(gateway, "17 O", kommun="0180"))).status_code == 403


async def test_an_exercise_reads_the_register_of_the_real_world(gateway: Running) -> None:
    """ÖVNING finds point 17 by its number in skarpt läge, and stays an exercise."""
    answer = await post(gateway.http, said(gateway, "17 U", reality="ÖVNING"))
    assert answer.status_code == 202
    assert answer.json()["lines"][0]["text"].startswith("ÖVNING. ")
    assert [subject for subject, _ in await stored(gateway)] == ["tp.v1.exe.report.24.2480.skolan.status"]


async def test_the_desk_shows_what_was_understood_before_it_sends(gateway: Running) -> None:
    """First the sentence and nothing stored; what is sent is the normal form that was shown, so the day is settled."""
    token = await gateway.token_of("kommun", "2480")
    async with gateway.client(None) as browser:
        assert (await browser.post("/login", json={"token": token})).status_code == 200
        browser.headers["origin"] = gateway.url
        form = {"kod": "2480", "reality": "act", "channel": "rakel", "sid": f"s{new_id()}"}
        assert "Enradsrapport" in (await browser.get("/kommun", params={"kod": "2480"})).text
        assert (await browser.get("/kommun/rad", params={"kod": "2480"})).status_code == 200

        wrong = await browser.post("/kommun/rad", data=form | {"rad": "TP <b>", "do": "tolka"})
        assert wrong.status_code == 422
        assert "Ord 2, &#34;&lt;b&gt;&#34;: väntade SKARPT" in wrong.text

        text = said(gateway, "17 O B42", ago=3 * HOUR)
        shown = await browser.post("/kommun/rad", data=form | {"rad": text, "do": "tolka"})
        assert shown.status_code == 200
        assert "öppen; 42 besökare" in shown.text
        assert await stored(gateway) == []

        sent = await browser.post("/kommun/rad", data=form | {"rad": text, "do": "skicka"})
        assert (sent.status_code, sent.headers["location"]) == (303, "/kommun?kod=2480&reality=act&klar=1")
        ((_, event),) = await stored(gateway)
        assert (event["channel"], event["data"]) == ("rakel", {"lifecycle": "open", "occupancy": 42})
