"""The tools of a shift over HTTP: what has changed, the handover report, the scorecard; from a real archive."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from archived import Filled, filled, sha256
from gateway_kit import Running, running_gateway
from servers import NatsServer
from shifts import Night, a_night
from vardkase_contracts.instants import iso

FAST: dict[str, Any] = {"history": {"settle": 0.05, "caught_up": 0.3, "connect_timeout": 1}}
HEADINGS = [
    "1. Händelseutveckling",
    "2. Tillstånd",
    "3. Förväntad utveckling",
    "4. Tillgängliga resurser",
    "5. Vidtagna och planerade åtgärder",
]


@pytest.fixture
async def archive(database: str) -> AsyncIterator[Filled]:
    async with filled(database) as made:
        yield made


@pytest.fixture
async def gateway(nats_server: NatsServer, database: str, archive: Filled, tmp_path: Path) -> AsyncIterator[Running]:
    del archive  # its tables are there first
    async with running_gateway(nats_server.url, tmp_path, area="24", database_url=database, **FAST) as running:
        yield running


def text_of(answer: httpx.Response) -> str:
    """What a page says, without its marks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def page_through(gateway: Running, path: str, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list of changes."""
    found: list[dict[str, Any]] = []
    answer = await gateway.http.get(path, params=query)
    for _ in range(100):
        assert answer.status_code == 200, answer.text
        assert answer.headers["vardkase-sha256"] == sha256(answer.content)
        found += answer.json()["changes"]
        following = answer.links.get("next")
        if following is None:
            return found
        answer = await gateway.http.get(following["url"])
    raise AssertionError("the pages have no end")


# -- changes -----------------------------------------------------------------------------------------------------------


async def test_what_has_changed_is_told_in_order(gateway: Running, archive: Filled) -> None:
    """Each thing that is new, once; not what an alert repeats, what was withdrawn, or the text of a need's note."""
    night = a_night()
    await night.put(archive)
    found = await page_through(gateway, "/v1/changes", since=iso(night.ago(700)))
    assert [(each["what"], each["point"] or each["area"]) for each in found] == [
        ("point.opened", "2480-a"),
        ("kommun.activation", "2480-_"),
        ("alert.raised", "2480-a"),
        ("alert.level", "2480-a"),
        ("alert.acked", "2480-a"),
        ("need.requested", "2480-a"),
        ("order.report_request", "24"),
        ("order.silence", "24"),
        ("need.delivered", "2480-a"),
        ("alert.cleared", "2480-a"),
        ("point.closed", "2480-b"),
        ("alert.raised", "2401"),
        ("order.note", "2401"),
    ]
    assert found[0]["lifecycle"] == {"before": "prepared", "after": "open"}
    assert found[4]["alert"]["acks"][0]["note"] == "Elverk på väg"
    assert "hemligt" not in str(found)
    for limit in (1, 2, 5):
        assert await page_through(gateway, "/v1/changes", since=iso(night.ago(700)), limit=limit) == found


async def test_a_kommun_is_told_what_concerns_it(gateway: Running, archive: Filled) -> None:
    """What is asked of it by those above, and nothing of its neighbour's nor of the län's own."""
    night = a_night()
    await night.put(archive)
    found = await page_through(gateway, "/v1/changes", since=iso(night.ago(1000)), code="2480")
    assert [each["what"] for each in found if each["what"].startswith("order")] == ["order.report_request"]
    assert {each["point"] for each in found} <= {"2480-a", "2480-b", "2480-_", None}
    assert "Grannlänets" not in str(found)


async def test_pages_tell_of_what_had_come_when_the_first_was_asked_for(gateway: Running, archive: Filled) -> None:
    """What comes meanwhile is told by the next question; a cursor that is none of ours is refused."""
    night = a_night()
    await night.put(archive)
    first = await gateway.http.get("/v1/changes", params={"since": iso(night.ago(700)), "limit": 4})
    later = Night()
    later.alert(0, "heat.low/2480-a")
    await archive.add("ALERTS", later._held["ALERTS"])
    told = list(first.json()["changes"])
    answer = first
    while "next" in answer.links:
        answer = await gateway.http.get(answer.links["next"]["url"])
        told += answer.json()["changes"]
    assert "heat.low/2480-a" not in str(told)
    for wrong in ("MTIz", "x", "OTk5OTk5OTk5OTk5OTk5OS4xLjEuMQ"):
        refused = await gateway.http.get("/v1/changes", params={"since": iso(night.ago(700)), "cursor": wrong})
        assert (refused.status_code, refused.json()["field"]) == (400, "cursor")
    for since in (iso(night.ago(60 * 24 * 40)), iso(night.ago(-60))):
        refused = await gateway.http.get("/v1/changes", params={"since": since})
        assert (refused.status_code, refused.json()["field"]) == (400, "since")


# -- handover ----------------------------------------------------------------------------------------------------------


async def test_a_handover_report_says_what_the_next_shift_must_know(gateway: Running, archive: Filled) -> None:
    """Under the five headings, since the picture was adopted, with what it rests on."""
    night = a_night()
    night.alert(-9, "water.low/2480-a")  # the archive is further than what is asked of it, and has all until then
    await night.put(archive)
    await gateway.picture("24")
    await gateway.state("2480-a", runs_out_at=iso(night.ago(-180)), dark=False, endurance_known=True)
    await gateway.alert("heat.low/2480-a", level="critical", acks=[])
    await gateway.house.live.until_whole()
    answer = await gateway.http.get("/overlamning", params={"omrade": "24"})
    assert answer.status_code == 200, answer.text
    assert "<script" not in answer.text
    said = text_of(answer)
    places = [said.index(heading) for heading in HEADINGS]
    assert places == sorted(places)
    for expected in (
        "senast fastställda lägesbild: TiB, Västerbottens län",
        "Vid fastställandet: Lugnt",
        "Nya larm 2",
        "Avslutade larm 1",
        "Öppnade punkter 1",
        "Stängda punkter 1",
        "Begäran om lägesrapport : till Umeå. Bränsle?",
        "Tystade larm som börjar höras igen 1",
        "Nya behov 1",
        "Levererat 1",
        "Drivmedel 200 l, brådskande",
        "kritisk",
        "arkivet, 2 rapporter fram till",
    ):
        assert expected in said, f"{expected}: {said}"
    assert "hemligt" not in answer.text
    assert re.search(r"SHA-256 [0-9a-f]{64}", said)
    given = text_of(await gateway.http.get("/overlamning", params={"omrade": "24", "sedan": "6h"}))
    assert "tiden som angavs" in given
    assert "Nya larm 1" in given


async def test_a_time_that_is_none_is_told_in_the_page(gateway: Running, archive: Filled) -> None:
    """And the report is there all the same, since the last cut-off."""
    await a_night().put(archive)
    answer = await gateway.http.get("/overlamning", params={"sedan": "i går kväll"})
    assert answer.status_code == 400
    assert "Tiden går inte att läsa" in text_of(answer)
    assert "1. Händelseutveckling" in text_of(answer)


async def test_without_the_archive_the_report_is_the_live_part(nats_server: NatsServer, tmp_path: Path) -> None:
    """It says so first of all, and never that nothing has happened."""
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    async with running_gateway(nats_server.url, tmp_path, area="24", database_url=nowhere, **FAST) as gateway:
        await gateway.picture("24")
        await gateway.alert("heat.low/2480-a", level="critical", acks=[])
        said = text_of(await gateway.http.get("/overlamning"))
        assert "Arkivet är borta" in said
        assert "Okänd: arkivet är borta." in said
        assert "Inget har ändrats" not in said
        assert "Larm som ingen har kvitterat 1" in said
        away = await gateway.http.get("/v1/changes", params={"since": iso(Night().ago(60))})
        assert away.status_code == 503


# -- scorecards --------------------------------------------------------------------------------------------------------


async def test_a_kommun_is_told_how_its_reports_came(gateway: Running, archive: Filled) -> None:
    """Lateness, what was refused by field, silences of open points, copies, unregistered points; what would help."""
    night = a_night()
    night.rejected(50, "schema", "data.power.fuel_l")
    night.rejected(40, "schema", "data.power.fuel_l")
    night.rejected(30, "not_json", None)
    night.rejected(30, "not_json", None, kommun="2401")
    night.report(700, "confirm", {}, identity="twice")
    night.report(700, "confirm", {}, identity="twice", late=1)
    night.report(10, "heartbeat", {"outbox_depth": 0}, late=500)
    night.report(5, "status", {"occupancy": 3}, late=-9)
    await night.put(archive)
    answer = await gateway.http.get("/v1/scorecards/2480")
    assert answer.status_code == 200, answer.text
    card = answer.json()
    assert card["rejected"]["total"] == 3
    assert [(each["reason"], each["field"], each["count"]) for each in card["rejected"]["reasons"]] == [
        ("schema", "data.power.fuel_l", 2),
        ("not_json", None, 1),
    ]
    assert "aGVtbGlndA" not in answer.text
    late = card["lateness"]
    assert late["reports"] == sum(late["bands"].values()) == card["reports"]["total"] - 1  # all but the sign of life
    assert (late["bands"]["5m"], late["bands"]["1h"], late["ahead"], late["max_s"]) == (1, 1, 1, 1200.0)
    assert card["copies"] == {"total": 1, "examples": [{"id": "twice", "point": "2480-a", "copies": 2}]}
    assert card["unregistered"] == ["2480-b"]
    assert [(each["point"], each["seconds"] // 60, each["until"] is None) for each in card["gaps"]] == [
        ("2480-a", 370, False),
        ("2480-a", 160, False),
    ]
    assert card["advice"]
    page = await gateway.http.get("/kommun/aterkoppling", params={"kod": "2480"})
    assert page.status_code == 200, page.text
    said = text_of(page)
    assert "3 rapporter togs inte emot, oftast för fel i fältet data.power.fuel_l." in said
    assert "1 punkt rapporterar utan att finnas i registret." in said


async def test_a_scorecard_of_nothing_is_no_praise(gateway: Running, archive: Filled) -> None:
    """Without reports it says that none came."""
    await Night().put(archive)
    card = (await gateway.http.get("/v1/scorecards/2401")).json()
    assert (card["reports"]["total"], card["lateness"]["p50_s"], card["advice"]) == (0, None, [])
    said = text_of(await gateway.http.get("/kommun/aterkoppling", params={"kod": "2401"}))
    assert "Inga rapporter har kommit" in said


async def test_a_kommun_that_is_none_has_no_scorecard(gateway: Running, archive: Filled) -> None:
    """Whoever asks for one is told so, or that they may not; it is no fault."""
    await Night().put(archive)
    assert (await gateway.http.get("/v1/scorecards/9999")).status_code in {403, 404}
    assert (await gateway.http.get("/kommun/aterkoppling", params={"kod": "9999"})).status_code == 404
    assert (await gateway.http.get("/overlamning", params={"omrade": "9999"})).status_code == 404


async def test_a_scorecard_is_bounded(gateway: Running, archive: Filled) -> None:
    """Of no more than 92 days; of each list the twenty that say most, and how many there are in all."""
    night = Night()
    for number in range(30):
        night.rejected(50, "schema", f"data.f{number}")
    await night.put(archive)
    card = (await gateway.http.get("/v1/scorecards/2480")).json()
    assert (card["rejected"]["total"], len(card["rejected"]["reasons"])) == (30, 20)
    refused = await gateway.http.get("/v1/scorecards/2480", params={"since": iso(night.ago(60 * 24 * 93))})
    assert (refused.status_code, refused.json()["field"]) == (400, "since")
