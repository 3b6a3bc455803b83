"""The kommun's desk: the grid by keyboard, several points at once, a point's page, and the kommun itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
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
    desk,
    facts,
    kommun,
    profile,
    publish_state,
    reported,
    send,
)
from gateway_kit import Running
from servers import NatsServer
from vardkase.gateway.reporting.times import STOCKHOLM
from vardkase_contracts.instants import MINUTE, from_datetime, parse

pytestmark = pytest.mark.chromium

DESK = kit.Size(1280, 800)


@pytest.fixture
async def running(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    """A kommun's gateway."""
    async with kommun(nats_server.url, tmp_path / "node") as found:
        yield found


@pytest.mark.parametrize(("size", "theme"), [(DESK, "light"), (kit.PHONE, "dark")])
async def test_all_own_points_stand_in_the_grid(
    running: Running, open_page: OpenPage, size: kit.Size, theme: kit.Theme
) -> None:
    """The grid shows each point with what was last known and how old it is; axe finds no serious fault."""
    page = await desk(running, open_page, size=size, theme=theme)
    row = page.locator(f'tr[data-point="{POINT}"]')
    await expect(row).to_contain_text("Umedalens skola")
    await expect(row).to_contain_text("35 av 120")
    await expect(row).to_contain_text("reservkraft, 60")
    await expect(page.locator(f'tr[data-point="{OTHER}"]')).to_contain_text("förberedd")
    assert await kit.faults(page) == []
    assert not await kit.overflows(page)


async def test_the_grid_is_filled_in_by_keyboard(running: Running, open_page: OpenPage) -> None:
    """Numbers and Enter go down a column, Ctrl+Enter sends: a report a row, by telephone, only what was typed."""
    page = await desk(running, open_page, size=DESK)
    await page.get_by_role("textbox", name="Besökare, Ersboda folkets hus").focus()
    await page.keyboard.type("12")
    await page.keyboard.press("Enter")
    await page.keyboard.type("36")
    await expect(page.get_by_role("textbox", name="Besökare, Umedalens skola")).to_have_value("36")
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_role("textbox", name="Besökare, Ersboda folkets hus")).to_be_focused()
    await expect(page.get_by_role("button", name="Skicka 2 rader")).to_be_visible()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#status")).to_contain_text("2 rapporter mottagna")
    events = await reported(running)
    assert {each["subject"]: each["data"] for each in events} == {OTHER: {"occupancy": 12}, POINT: {"occupancy": 36}}
    assert {(each["channel"], each["quality"], each["role"]) for each in events} == {
        ("phone", "relayed", "krisledning")
    }
    assert {each["source"] for each in events} == {"urn:tp:kommun:2480:desk"}


async def test_staff_in_the_grid_asks_for_how_many_are_needed(running: Running, open_page: OpenPage) -> None:
    """Where it was reported how many are needed, the grid asks for it with the staff, and keeps what was typed."""
    page = await desk(running, open_page, size=DESK)
    kit.watched(page).forgive("422")
    needed = page.get_by_role("combobox", name="Behövs nu, Umedalens skola")
    await expect(needed).to_be_hidden()
    await page.get_by_role("textbox", name="Personal, Umedalens skola").fill("3")
    await expect(needed).to_be_visible()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(f'tr[data-point="{POINT}"] .error')).to_contain_text("Hur många behövs nu?")
    await expect(page.get_by_role("textbox", name="Personal, Umedalens skola")).to_have_value("3")
    assert await reported(running) == []
    assert await kit.faults(page) == []
    await needed.select_option(label="Samma: 4")
    await page.get_by_role("textbox", name="Personal, Umedalens skola").press("Control+Enter")
    await expect(page.locator("#status")).to_contain_text("1 rapport mottagna")
    assert [each["data"] for each in await reported(running)] == [{"staff": {"present": 3, "required": 4}}]


async def test_several_points_are_opened_at_once(running: Running, open_page: OpenPage) -> None:
    """Space marks rows, and one button opens them all, as seen at the time that was said."""
    page = await desk(running, open_page, size=DESK)
    await page.get_by_role("textbox", name="Besökare, Ersboda folkets hus").press(" ")
    await page.get_by_role("textbox", name="Besökare, Umedalens skola").press(" ")
    await expect(page.locator("#many")).to_have_text("2")
    seen = datetime.now(UTC) - timedelta(minutes=20)
    await page.get_by_role("textbox", name="Sett kl").fill(f"{seen.astimezone(STOCKHOLM):%H:%M}")
    await page.get_by_role("combobox", name="Hört via").select_option("rakel")
    await page.get_by_role("button", name="Öppna", exact=True).click()
    await expect(page.locator("#status")).to_contain_text("2 rapporter mottagna")
    events = await reported(running)
    assert sorted(each["subject"] for each in events) == sorted([POINT, OTHER])
    for each in events:
        assert (each["data"], each["channel"]) == ({"lifecycle": "open"}, "rakel")
        assert abs(parse(each["time"]) - from_datetime(seen)) <= MINUTE


async def test_attempts_to_reach_a_point_are_noted(running: Running, open_page: OpenPage) -> None:
    """Somebody who answers, or does not, is noted; marking nobody is told of."""
    page = await desk(running, open_page, size=DESK)
    kit.watched(page).forgive("422")
    await page.get_by_role("button", name="Ej nådd").click()
    await expect(page.get_by_role("alert")).to_contain_text("Markera minst en punkt först.")
    await page.get_by_label("Markera Ersboda folkets hus").check()
    await page.get_by_role("button", name="Ej nådd").click()
    await expect(page.locator("#status")).to_contain_text("1 rapport")
    (event,) = await reported(running)
    assert (event["type"], event["subject"]) == ("se.trygghetspunkt.contact.v1", OTHER)
    assert event["data"] == {"result": "failed"}


async def test_a_kommun_says_that_nothing_is_needed(running: Running, open_page: OpenPage) -> None:
    """That there is no need is a report about the kommun itself."""
    page = await desk(running, open_page, size=DESK)
    await expect(page.get_by_text("Inget är sagt.")).to_be_visible()
    await page.get_by_role("button", name="Inget behov").click()
    await expect(page.locator("#status")).to_contain_text("1 rapport")
    (event,) = await reported(running)
    assert (event["subject"], event["data"]) == ("2480-_", {"state": "none_needed"})
    await publish_state(running, "2480-_", facts=facts(0, activation="none_needed"))
    await page.reload()
    await expect(page.get_by_role("button", name="Inget behov")).to_have_attribute("aria-pressed", "true")


async def test_the_grid_follows_what_others_report(running: Running, open_page: OpenPage) -> None:
    """What a point reports appears in its row by itself; what is being filled in is left alone."""
    page = await desk(running, open_page, size=DESK)
    await page.get_by_role("textbox", name="Besökare, Umedalens skola").fill("99")
    await publish_state(
        running,
        OTHER,
        content=ago(0),
        condition="red",
        facts=facts(14_400, profile=profile("Ersboda folkets hus", 2)) | facts(0, lifecycle="open", occupancy=77),
    )
    await expect(page.locator(f'tr[data-point="{OTHER}"]')).to_contain_text("77 av 120")
    await expect(page.locator(f'tr[data-point="{OTHER}"] .cond')).to_have_text("röd")
    await expect(page.get_by_role("textbox", name="Besökare, Umedalens skola")).to_have_value("99")


async def test_a_report_on_behalf_of_a_point(running: Running, open_page: OpenPage) -> None:
    """The point's page has all questions; who heard it over Rakel at a time says so."""
    page = await desk(running, open_page, f"/kommun/punkt/{POINT}", size=DESK)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Umedalens skola")
    assert await kit.faults(page) == []
    await page.get_by_role("combobox", name="Hört via").select_option("rakel")
    await choose(page, "power", "none")
    await choose(page, "power.why", "fault")
    await send(page)
    await expect(page.locator("#status")).to_contain_text("1 rapport")
    (event,) = await reported(running)
    assert event["data"] == {"power": {"source": "backup", "backup_state": "fault"}}
    assert (event["channel"], event["quality"]) == ("rakel", "relayed")


async def test_two_who_differ_are_shown_and_the_wrong_one_is_withdrawn(running: Running, open_page: OpenPage) -> None:
    """A conflict shows both values and who said them; the wrong report is withdrawn, with a reason."""
    said = facts(3, a=31)["a"] | {"report": "desk-1", "source": "urn:tp:kommun:2480:desk"}
    other = facts(6, a=22)["a"] | {"report": "form-1", "source": "urn:tp:kommun:2480:form-abc"}
    await publish_state(
        running,
        POINT,
        content=ago(3),
        conflict=[{"aspect": "occupancy", "values": [said, other]}],
        facts=facts(14_400, profile=profile("Umedalens skola", 17)) | {"occupancy": said},
    )
    page = await desk(running, open_page, size=DESK)
    await page.get_by_role("link", name="Motsägelse").click()
    conflict = page.locator("#motsagelser")
    await expect(conflict).to_contain_text("31 besökare")
    await expect(conflict).to_contain_text("22 besökare")
    await expect(conflict).to_contain_text("formuläret på platsen")
    await conflict.get_by_role("link", name="Återkalla: 31 besökare").click()
    await expect(page.get_by_role("main")).to_contain_text("31 besökare")
    assert await kit.faults(page) == []
    await page.get_by_label("Varför?").fill("Felhört")
    await page.get_by_role("button", name="Återkalla rapporten").click()
    await expect(page.locator("#status")).to_contain_text("1 rapport")
    (event,) = await reported(running)
    assert event["type"] == "se.trygghetspunkt.withdraw.v1"
    assert event["data"] == {"report_ids": ["desk-1"], "reason": "Felhört"}


async def test_the_desk_works_without_javascript(running: Running, open_page: OpenPage) -> None:
    """Without JavaScript the grid, the buttons and the point's page are ordinary forms."""
    page = await desk(running, open_page, size=DESK, javascript=False)
    await page.get_by_role("textbox", name="Besökare, Umedalens skola").fill("36")
    await page.locator("#send").click()
    await expect(page.locator("#status")).to_contain_text("1 rapport mottagna")
    await page.get_by_label("Markera Ersboda folkets hus").check()
    await page.get_by_role("button", name="Stäng", exact=True).click()
    await expect(page.locator("#status")).to_contain_text("1 rapport mottagna")
    await page.get_by_role("link", name="Umedalens skola").click()
    await page.get_by_role("button", name="Oförändrat").click()
    await expect(page.locator("#status")).to_contain_text("1 rapport")
    assert [each["data"] for each in await reported(running)] == [{"occupancy": 36}, {"lifecycle": "closed"}, {}]


async def test_script_in_the_desk_is_text(running: Running, open_page: OpenPage) -> None:
    """Script in names, notes and messages is shown as it was written, and never run."""
    await publish_state(
        running,
        POINT,
        content=ago(5),
        facts=facts(14_400, profile=profile(EVIL, 17) | {"address": EVIL})
        | facts(5, lifecycle="open", message={"sv": EVIL}, note=EVIL),
    )
    page = await desk(running, open_page, size=DESK)
    await expect(page.locator(f'tr[data-point="{POINT}"] th')).to_contain_text(EVIL)
    await page.goto(f"/kommun/punkt/{POINT}")
    await expect(page.get_by_role("heading", level=1)).to_contain_text(EVIL)
    assert await page.evaluate("window.ran") is None


async def test_who_may_not_report_sees_no_buttons(running: Running, open_page: OpenPage) -> None:
    """A reader sees the grid and can do nothing; another kommun's staff is refused; nobody is asked to log in."""
    page = await open_page(base_url=running.url, size=DESK)
    kit.watched(page).forgive("401|403")
    answer = await page.goto("/kommun")
    assert answer is not None
    assert answer.status == 401
    assert "Umedalen" not in await page.content()
    assert await kit.faults(page) == []
    await page.get_by_label("Åtkomstnyckel").fill(await running.token_of("reader", "2480"))
    await page.get_by_role("button", name="Logga in").click()
    await expect(page.locator(f'tr[data-point="{POINT}"]')).to_contain_text("Umedalens skola")
    assert await page.locator("form#grid button:not(.default)").count() == 0
    answer = await page.goto("/kommun?kod=2401")
    assert answer is not None
    assert answer.status == 403
