"""The form without a connection: what is reported waits in the telephone, and is sent once."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from browser import kit
from browser.form_kit import POINT, OpenPage, form, form_link, kommun, reported, send
from gateway_kit import Running
from servers import Eventually, NatsServer
from vardkase_contracts.instants import MINUTE, SECOND, from_datetime, parse

pytestmark = pytest.mark.chromium


@pytest.fixture
async def running(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    """A kommun's gateway."""
    async with kommun(nats_server.url, tmp_path / "node") as found:
        yield found


async def fill_and_send(page: Page, visitors: str) -> None:
    await page.get_by_role("textbox", name="Hur många besökare?").fill(visitors)
    await send(page)


async def test_a_report_without_a_connection_waits_and_is_sent_once(
    running: Running, open_page: OpenPage, eventually: Eventually
) -> None:
    """Offline a report waits, also when the page is closed and opened; online it is sent once, with its own time."""
    page = await form(running, open_page)
    kit.watched(page).forgive("ERR_INTERNET_DISCONNECTED|ERR_FAILED")
    await page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
    await page.reload()  # once under the worker, which keeps the page
    await page.wait_for_selector("html.js")
    await page.context.set_offline(True)
    observed = from_datetime(datetime.now(UTC))
    await fill_and_send(page, "41")
    await expect(page.locator("#outbox")).to_contain_text("1 rapport väntar på att skickas")
    await expect(page.locator("#status")).to_contain_text("Ingen förbindelse")
    assert await kit.faults(page) == []
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Umedalens skola")
    await expect(page.locator("#outbox")).to_contain_text("1 rapport väntar på att skickas")
    assert await reported(running) == []
    await page.wait_for_timeout(3_000)  # it grows old in the outbox: this is what is measured
    await page.context.set_offline(False)
    await expect(page.locator("#outbox")).to_be_hidden()
    (event,) = await reported(running)
    assert event["data"] == {"occupancy": 41}
    assert abs(parse(event["time"]) - observed) < 2.5 * SECOND
    await page.reload()
    await page.wait_for_selector("html.js")
    await page.get_by_role("button", name="Oförändrat").click()
    await eventually(lambda: kinds(running, 2), what="the next report")
    assert [each["type"] for each in await reported(running)][1] == "se.trygghetspunkt.confirm.v1"


async def kinds(running: Running, many: int) -> bool:
    return len(await reported(running)) == many


@pytest.mark.slow
async def test_an_answer_that_was_lost_makes_no_second_report(running: Running, open_page: OpenPage) -> None:
    """Stored, and the answer lost on its way: it is sent again under the same id, and counts once."""
    page = await form(running, open_page)
    kit.watched(page).forgive("ERR_CONNECTION_RESET|ERR_FAILED")
    lost = 0
    ages: list[int] = []

    async def lose(route: Route) -> None:
        nonlocal lost
        if route.request.method != "POST":
            await route.continue_()
            return
        ages.append(int(dict(each.split("=", 1) for each in (route.request.post_data or "").split("&"))["age"]))
        if lost < 2:
            lost += 1
            await route.fetch()
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route("**/rapportera", lose)
    await fill_and_send(page, "41")
    await expect(page.locator("#outbox")).to_be_visible()
    await expect(page.locator("#outbox")).to_be_hidden()
    assert lost == 2
    assert ages == sorted(ages)
    assert len(await reported(running)) == 1


async def test_reports_are_sent_in_their_order(running: Running, open_page: OpenPage) -> None:
    """What was reported one after another arrives one after another, each with its own age."""
    page = await form(running, open_page)
    kit.watched(page).forgive("ERR_INTERNET_DISCONNECTED")
    await page.context.set_offline(True)
    for visitors in ("41", "42"):
        await fill_and_send(page, visitors)
        await page.wait_for_timeout(300)
    await expect(page.locator("#outbox li")).to_have_count(2)
    await page.context.set_offline(False)
    await expect(page.locator("#outbox")).to_be_hidden()
    events = await reported(running)
    assert [each["data"]["occupancy"] for each in events] == [41, 42]
    assert parse(events[0]["time"]) < parse(events[1]["time"])


async def test_a_clock_that_is_set_meanwhile_moves_no_report(running: Running, open_page: OpenPage) -> None:
    """A telephone whose clock is put an hour forward while a report waits sends it with the time it was seen."""
    page = await open_page(base_url=running.url, size=kit.PHONE)
    kit.watched(page).forgive("ERR_INTERNET_DISCONNECTED")
    await page.context.add_init_script(
        "const now = Date.now; Date.now = () => now() + Number(localStorage.getItem('ahead') ?? 0);"
    )
    await page.goto(await form_link(running))
    await page.wait_for_selector("html.js")
    await page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
    await page.reload()
    await page.wait_for_selector("html.js")
    await page.context.set_offline(True)
    observed = from_datetime(datetime.now(UTC))
    await fill_and_send(page, "41")
    await expect(page.locator("#outbox li")).to_have_count(1)
    await page.evaluate("localStorage.setItem('ahead', '3600000')")
    await page.reload()
    await expect(page.locator("#outbox li")).to_have_count(1)
    await page.context.set_offline(False)
    await expect(page.locator("#outbox")).to_be_hidden()
    (event,) = await reported(running)
    assert abs(parse(event["time"]) - observed) < MINUTE / 4


async def test_what_waits_survives_a_link_that_was_revoked(running: Running, open_page: OpenPage) -> None:
    """When the link is revoked, what is reported waits, says so, and is sent when another link is opened."""
    page = await form(running, open_page)
    kit.watched(page).forgive("401")
    access = running.house.access
    (token,) = [each for each in access.list() if each.point == POINT]
    await access.revoke(token.id, by="test")
    await fill_and_send(page, "41")
    await expect(page.locator("#status")).to_contain_text("Öppna länken eller QR-koden igen")
    await expect(page.locator("#outbox li")).to_have_count(1)
    await page.goto(await form_link(running))
    await page.wait_for_selector("html.js")
    await expect(page.locator("#outbox")).to_be_hidden()
    assert [each["data"] for each in await reported(running)] == [{"occupancy": 41}]


async def test_what_is_refused_is_told_and_does_not_stop_the_rest(running: Running, open_page: OpenPage) -> None:
    """A report that the gateway refuses is kept and told of; those after it are sent."""
    page = await form(running, open_page)
    kit.watched(page).forgive("422")

    async def spoil(route: Route) -> None:
        body = route.request.post_data or ""
        await route.continue_(post_data=body.replace("occupancy=41", "occupancy=mycket"))

    await page.route("**/rapportera", spoil)
    await fill_and_send(page, "41")
    await expect(page.locator("#outbox")).to_contain_text("Skriv ett helt tal, med siffror.")
    await fill_and_send(page, "42")
    await expect(page.locator("#outbox li")).to_have_count(1)
    await expect(page.locator("#status")).to_contain_text("Mottagen")
    assert [each["data"] for each in await reported(running)] == [{"occupancy": 42}]
    await page.get_by_role("button", name="Ta bort").click()
    await expect(page.locator("#outbox")).to_be_hidden()


async def test_a_retry_is_answered_200_and_changes_nothing(running: Running, open_page: OpenPage) -> None:
    """The first answer is 202, that of a retry 200; the time is made of the age once."""
    page = await form(running, open_page, javascript=False)
    sent = {"point": POINT, "reality": "act", "sid": "f" * 20, "occupancy": "7", "refill.at": "21:10"}
    sent |= {"refill.confirmed": "yes", "do": "send"}
    statuses: list[int] = []
    for age in ("0", "86400000"):
        answer = await page.context.request.post(
            "/rapportera",
            form=sent | {"age": age},
            headers={"origin": running.url, "accept": "application/json"},
        )
        statuses.append(answer.status)
        assert json.loads(await answer.text())["stored"] is True
    assert statuses == [202, 200]
    events = await reported(running)
    assert sorted(each["type"] for each in events) == [
        "se.trygghetspunkt.resources.v1",
        "se.trygghetspunkt.status.v1",
    ]
    assert all(abs(parse(each["time"]) - from_datetime(datetime.now(UTC))) < MINUTE for each in events)


async def test_without_storage_the_page_says_that_it_must_stay_open(running: Running, open_page: OpenPage) -> None:
    """Where the browser keeps nothing, a report still waits while the page is open, and the page says so."""
    page = await open_page(base_url=running.url, size=kit.PHONE)
    kit.watched(page).forgive("ERR_INTERNET_DISCONNECTED")
    await page.context.add_init_script("indexedDB.open = () => { throw new Error('not here'); };")
    await page.goto(await form_link(running))
    await page.wait_for_selector("html.js")
    await page.context.set_offline(True)
    await fill_and_send(page, "41")
    await expect(page.locator("#outbox")).to_contain_text("Stäng inte sidan")
    await page.context.set_offline(False)
    await expect(page.locator("#outbox")).to_be_hidden()
    assert [each["data"] for each in await reported(running)] == [{"occupancy": 41}]
