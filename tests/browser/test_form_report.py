"""The reporting form on a telephone: what it shows, what it sends, and what it leaves alone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import expect

from browser import kit
from browser.form_kit import (
    EVIL,
    OTHER,
    POINT,
    OpenPage,
    ago,
    choose,
    facts,
    form,
    form_link,
    kommun,
    profile,
    publish_state,
    reported,
    send,
)
from gateway_kit import Running
from servers import NatsServer
from vardkase_contracts.instants import SECOND, from_datetime, parse

pytestmark = pytest.mark.chromium


@pytest.fixture
async def running(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    """A kommun's gateway."""
    async with kommun(nats_server.url, tmp_path / "node") as found:
        yield found


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_four_questions_stand_on_the_first_screen(
    running: Running, open_page: OpenPage, theme: kit.Theme
) -> None:
    """On a telephone "Oförändrat", the four questions and "Skicka" are seen without scrolling; axe finds no fault."""
    page = await form(running, open_page, theme=theme)
    for name in (
        "Är punkten öppen?",
        "Hur många besökare?",
        "Vad går punkten på?",
        "Hur många i personalen är på plats?",
    ):
        await expect(page.get_by_text(name, exact=True)).to_be_in_viewport(ratio=1)
    await expect(page.get_by_role("button", name="Oförändrat")).to_be_in_viewport(ratio=1)
    await expect(page.locator(".send button").first).to_be_in_viewport(ratio=1)
    assert page.url == f"{running.url}/rapportera", "the link's secret does not stay in the address"
    for each in await page.locator("details.more > summary").all():
        await each.click()
    await choose(page, "power", "backup")
    assert await kit.faults(page) == []
    assert not await kit.overflows(page)


async def test_only_what_was_touched_is_sent(running: Running, open_page: OpenPage) -> None:
    """Old readings are shown and never sent: who answers one question sends that one."""
    page = await form(running, open_page)
    await expect(page.locator("#power-fuel_l-last")).to_contain_text("senast 60")
    await page.get_by_role("button", name="Hur många besökare?: öka").click()
    await expect(page.locator(".send button").first).to_have_text("Skicka 1 svar")
    await send(page)
    await expect(page.locator("#status")).to_contain_text("Mottagen")
    (event,) = await reported(running)
    assert event["data"] == {"occupancy": 36}
    assert (event["type"], event["subject"], event["reality"]) == ("se.trygghetspunkt.status.v1", POINT, "act")
    assert (event["role"], event["channel"]) == ("site_lead", "form")
    assert event["source"].startswith("urn:tp:kommun:2480:form-")


async def test_unchanged_is_one_tap(running: Running, open_page: OpenPage) -> None:
    """One tap on "Oförändrat" confirms, and sends nothing else: the fuel keeps the time at which it was read."""
    page = await form(running, open_page)
    await page.get_by_role("button", name="Oförändrat").click()
    await expect(page.locator("#status")).to_contain_text("Mottagen")
    (event,) = await reported(running)
    assert (event["type"], event["data"]) == ("se.trygghetspunkt.confirm.v1", {})


async def test_a_section_is_asked_for_whole(running: Running, open_page: OpenPage) -> None:
    """Who reads the fuel is asked for the rate, and for how many of the staff are needed; "samma" answers in a tap."""
    page = await form(running, open_page)
    await choose(page, "power", "backup")
    await page.get_by_role("textbox", name="Bränsle kvar").fill("45,5")
    await page.get_by_role("textbox", name="Hur många i personalen är på plats?").fill("3")
    await send(page)
    await expect(page.locator("#power-fuel_l_per_h-error")).to_be_visible()
    await expect(page.locator("#staff-required-error")).to_be_visible()
    assert await page.evaluate("document.activeElement.id") == "power-fuel_l_per_h"
    assert await kit.faults(page) == []
    assert await reported(running) == []
    await page.locator("label.chip", has_text="Samma: 12").click()
    await page.locator("label.chip", has_text="Samma: 4").click()
    await send(page)
    await expect(page.locator("#status")).to_contain_text("Mottagen")
    (event,) = await reported(running)
    assert event["data"] == {
        "power": {"source": "backup", "backup_state": "running", "fuel_l": 45.5, "fuel_l_per_h": 12},
        "staff": {"present": 3, "required": 4},
    }


async def test_unchanged_and_answers_at_once_is_a_question(running: Running, open_page: OpenPage) -> None:
    """Who has answered and taps "Oförändrat" is asked; Enter in a field sends answers, and is no "Oförändrat"."""
    page = await form(running, open_page)
    await page.get_by_role("textbox", name="Hur många besökare?").fill("40")
    await page.get_by_role("button", name="Oförändrat").click()
    await expect(page.locator("#status")).to_contain_text("Du har svarat på frågor")
    assert await reported(running) == []
    await page.get_by_role("textbox", name="Hur många besökare?").press("Enter")
    await expect(page.locator("#status")).to_contain_text("Mottagen")
    assert [each["data"] for each in await reported(running)] == [{"occupancy": 40}]


async def test_an_answer_can_be_taken_back(running: Running, open_page: OpenPage) -> None:
    """A button that was pressed by mistake is pressed again, and says nothing."""
    page = await form(running, open_page)
    await choose(page, "lifecycle", "closed")
    await choose(page, "lifecycle", "closed")
    await choose(page, "lifecycle", "open")
    await expect(page.locator(".send button").first).to_have_text("Skicka 1 svar")
    await choose(page, "lifecycle", "open")
    await expect(page.locator(".send button").first).to_have_text("Skicka")


async def test_trying_is_not_reporting(running: Running, open_page: OpenPage) -> None:
    """In "Prova" everything goes to the world of trials, which says so; the way back leads to the real one."""
    page = await form(running, open_page)
    await page.get_by_role("link", name="Prova formuläret").click()
    await expect(page.get_by_role("note")).to_contain_text("PROV")
    await page.get_by_role("textbox", name="Hur många besökare?").fill("12")
    await send(page)
    await expect(page.locator("#status")).to_contain_text("Mottagen")
    await page.get_by_role("link", name="Avsluta prov").click()
    await expect(page.get_by_role("note")).to_have_count(0)
    assert [each["reality"] for each in await reported(running)] == ["tst"]


async def test_an_exercise_says_so(running: Running, open_page: OpenPage) -> None:
    """A link of an exercise opens a form that says so, and reports into the exercise alone."""
    page = await form(running, open_page, link=await form_link(running, realities=("exe", "tst")))
    await expect(page.get_by_role("note")).to_contain_text("ÖVNING")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Umedalens skola")
    await page.get_by_role("textbox", name="Hur många besökare?").fill("12")
    await send(page)
    await expect(page.locator("#status")).to_contain_text("Mottagen")
    assert [each["reality"] for each in await reported(running)] == ["exe"]


async def test_script_in_text_is_text(running: Running, open_page: OpenPage) -> None:
    """Script in a name, a message, a need or an answer is shown as it was written, and never run."""
    await publish_state(
        running,
        POINT,
        content=ago(5),
        facts=facts(14_400, profile=profile(EVIL, 17))
        | facts(5, lifecycle="open", message={"sv": EVIL, "en": EVIL})
        | {"needs": facts(5, evil={"need_id": "evil", "kind": "other", "unit": EVIL, "quantity": 1.0, "note": EVIL})},
    )
    page = await form(running, open_page)
    await expect(page.get_by_role("heading", level=1)).to_have_text(EVIL)
    await page.get_by_text("Meddelanden", exact=True).click()
    await page.get_by_role("textbox", name="Anteckning till krisledningen").fill(EVIL)
    await send(page)
    await expect(page.locator("#status")).to_contain_text("Mottagen")
    assert await page.evaluate("window.ran") is None
    assert [each["data"] for each in await reported(running)] == [{"note": EVIL}]


async def test_the_time_is_the_servers(running: Running, open_page: OpenPage) -> None:
    """A telephone whose clock is three hours fast reports with the right time."""
    page = await open_page(base_url=running.url, size=kit.PHONE)
    await page.context.add_init_script("const now = Date.now; Date.now = () => now() + 3 * 3600_000;")
    await page.goto(await form_link(running))
    await page.wait_for_selector("html.js")
    await page.get_by_role("textbox", name="Hur många besökare?").fill("12")
    await send(page)
    await expect(page.locator("#status")).to_contain_text("Mottagen")
    (event,) = await reported(running)
    assert abs(parse(event["time"]) - from_datetime(datetime.now(UTC))) < 30 * SECOND


# -- without JavaScript ------------------------------------------------------------------------------------------------


async def test_without_javascript_it_is_an_ordinary_form(running: Running, open_page: OpenPage) -> None:
    """Without JavaScript a report is sent and thanked for, and only what was touched is in it."""
    page = await form(running, open_page, javascript=False)
    await choose(page, "lifecycle", "open")
    await page.get_by_role("textbox", name="Hur många besökare?").fill("41")
    await send(page)
    await expect(page.locator("#status")).to_contain_text("Tack!")
    assert [each["data"] for each in await reported(running)] == [{"lifecycle": "open", "occupancy": 41}]
    await page.get_by_role("button", name="Oförändrat").click()
    await expect(page.locator("#status")).to_contain_text("Tack!")
    assert (await reported(running))[-1]["type"] == "se.trygghetspunkt.confirm.v1"


async def test_without_javascript_faults_stand_at_their_fields(running: Running, open_page: OpenPage) -> None:
    """Without JavaScript a fault is told in Swedish at its field, what was answered stays, and nothing is stored."""
    page = await form(running, open_page, javascript=False)
    await choose(page, "power", "backup")
    await page.get_by_role("textbox", name="Bränsle kvar").fill("fullt")
    await page.get_by_role("textbox", name="Hur många besökare?").fill("41")
    kit.watched(page).forgive("422")
    await send(page)
    await expect(page.locator("#power-fuel_l-error")).to_have_text("Skriv ett tal, till exempel 12 eller 12,5.")
    await expect(page.get_by_role("textbox", name="Hur många besökare?")).to_have_value("41")
    await expect(page.get_by_role("textbox", name="Bränsle kvar")).to_have_value("fullt")
    assert await reported(running) == []
    await page.get_by_role("textbox", name="Bränsle kvar").fill("45")
    await page.locator("label.chip", has_text="Samma: 12").click()
    await send(page)
    await expect(page.locator("#status")).to_contain_text("Tack!")
    assert next(iter(await reported(running)))["data"] == {"occupancy": 41}


async def test_a_form_that_is_sent_twice_counts_once(running: Running, open_page: OpenPage) -> None:
    """The same page sent twice counts once; other answers from the same page are another report."""
    page = await form(running, open_page, javascript=False)
    sid = await page.locator("input[name=sid]").get_attribute("value")
    for visitors, counted in (("41", 1), ("41", 1), ("14", 2)):
        sent = {"point": POINT, "reality": "act", "sid": sid or "", "occupancy": visitors, "do": "send"}
        answer = await page.context.request.post("/rapportera", form=sent, headers={"origin": running.url})
        assert "Tack!" in await answer.text()
        assert len(await reported(running)) == counted


async def test_a_form_of_another_point_is_not_taken(running: Running, open_page: OpenPage) -> None:
    """A page of another point, as after a second link was opened on the same telephone, is not reported as this one."""
    page = await form(running, open_page, javascript=False)
    sent = {"point": OTHER, "reality": "act", "sid": "s" * 20, "occupancy": "3", "do": "send"}
    answer = await page.context.request.post("/rapportera", form=sent, headers={"origin": running.url})
    assert (answer.status, await reported(running)) == (409, [])
    foreign = await page.context.request.post("/rapportera", form=sent, headers={"origin": "http://evil.example"})
    assert foreign.status == 403


async def test_without_a_link_nothing_is_shown(running: Running, open_page: OpenPage) -> None:
    """Without a link, with one that is broken, and with one that was revoked, the form says what to do and no more."""
    page = await open_page(base_url=running.url, size=kit.PHONE)
    kit.watched(page).forgive("401")
    for path in ("/rapportera", "/rapportera?k=vk_000000000000_" + "x" * 43):
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 401
        assert "Umedalen" not in await page.content()
        assert await kit.faults(page) == []
