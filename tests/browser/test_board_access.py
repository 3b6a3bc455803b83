"""For everyone: axe-core finds no serious fault; by keyboard, on a telephone, on the wall and on paper."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from browser import kit
from browser.conftest import OpenPage
from browser.story import Story
from gateway_kit import Running

pytestmark = pytest.mark.chromium

KEY = "power.endurance/0684-vrigstad-bygdegard"
VIEWS = {
    "nation": "/",
    "lan": "/?omrade=06&flik=punkter",
    "point": "/?omrade=0684&punkt=0684-vrigstad-bygdegard",
    "alert": f"/?omrade=06&larm={KEY}&flik=behov",
    "exercise": "/?omrade=06&lage=exe",
    "wall": "/?omrade=06&vy=vagg",
    "report": "/?omrade=06&vy=rapport",
    "english": "/?omrade=06&sprak=en&flik=handelser",
}


async def settled(page: Page) -> None:
    await expect(page.locator(".connection")).to_contain_text(re.compile("Ansluten|Connected"))
    await expect(page.locator("main[aria-busy]")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_serious_fault_in_any_view(
    gateway: Running, story: Story, open_page: OpenPage, theme: kit.Theme
) -> None:
    """Every view of the board and the pages around it, large and small; dark, where colours alone differ, large."""
    del story
    faults: list[str] = []
    for size in (kit.WALL, kit.PHONE) if theme == "light" else (kit.WALL,):
        page = await open_page(base_url=gateway.url, theme=theme, size=size)
        await page.goto("/")
        await expect(page.get_by_label("Åtkomstnyckel")).to_be_visible()
        faults += [f"login: {each}" for each in await kit.faults(page)]
        await kit.log_in(page, gateway.token)
        views = (
            VIEWS
            if size == kit.WALL
            else {part: f"/?omrade=06&del={part}" for part in ("karta", "slut", "larm", "mer")}
        )
        for name, path in views.items():
            await page.goto(path)
            await settled(page)
            if name == "lan":
                await page.locator(".filters summary").click()
            faults += [f"{name} {size.width}: {each}" for each in await kit.faults(page)]
        await page.goto("/tillganglighet")
        faults += [f"statement: {each}" for each in await kit.faults(page)]
    assert faults == []


async def test_the_map_is_gone_about_by_arrows(board: Page) -> None:
    """The map is one stop of Tab; arrows go to what lies there; a card says what it is, and the label the same."""
    await settled(board)
    first = board.locator("#karta .links a[tabindex='0']")
    await expect(first).to_have_count(1)
    await board.locator("#karta .links a[data-area='06']").focus()
    await board.keyboard.press("ArrowUp")
    code = await board.evaluate("() => document.activeElement.dataset.area")
    assert code in {"05", "14", "18"}  # what lies north of Jönköpings län
    await expect(first).to_have_attribute("data-area", code)
    await board.locator("#karta .links a[data-area='06']").focus()
    await expect(board.locator("#karta .links a[data-area='06']")).to_have_attribute("aria-label", re.compile(":"))
    label = await board.locator("#karta .links a[data-area='06']").get_attribute("aria-label")
    assert (label or "").startswith("Jönköpings län: 6 öppna av 7, 1 kritiska, 1 röda, 1 gula, 2 gröna, 1 okända")
    assert (label or "").endswith("en del uppgifter är gamla eller saknas")


async def test_everything_can_be_reached_by_tab(board: Page) -> None:
    """From the top: skip link, places, worlds, tools, search, filters, map, lists, tabs; and the focus can be seen."""
    await board.goto("/?omrade=06")
    await settled(board)
    seen: list[str] = []
    for _ in range(60):
        await board.keyboard.press("Tab")
        seen.append(
            await board.evaluate(
                """() => {
                  const at = document.activeElement;
                  const style = at.className.baseVal ?? at.className;
                  return [at.closest('[id]')?.id ?? '', style, at.textContent.trim().slice(0, 30)].join('|');
                }"""
            )
        )
    assert seen[0].endswith("Till innehållet")
    text = "\n".join(seen)
    for reached in (
        "Sverige",
        "Övning",
        "Lägesrapport",
        "English",
        "search",
        "karta",
        "slut",
        "mer",
        "Punkter",
        "larm",
    ):
        assert reached in text, reached
    assert len({each for each in seen if each.startswith("karta|")}) <= 6  # buttons, an area, a point: no maze


@pytest.mark.slow
async def test_a_telephone_shows_one_part_at_a_time(gateway: Running, story: Story, open_page: OpenPage) -> None:
    """No sideways scrolling, down to 320 px; the parts are changed at the bottom, and details lie over them."""
    del story
    for size in (kit.PHONE, kit.NARROW):
        page = await open_page(base_url=gateway.url, size=size)
        await kit.log_in(page, gateway.token, "/?omrade=06")
        await settled(page)
        for part, shown in (("Tar slut", "#slut"), ("Larm", "#larm"), ("Mer", "#mer"), ("Karta", "#karta")):
            await page.locator(".parts").get_by_role("link", name=part).click()
            await expect(page.locator(shown)).to_be_visible()
            await expect(page.locator(".columns > .panel:visible")).to_have_count(1)
            assert not await kit.overflows(page), (size, part)
        await page.locator(".parts").get_by_role("link", name="Larm").click()
        await page.locator("#larm .row", has_text="Sävsjö skola").get_by_role("link").click()
        await expect(page.locator(".detail")).to_be_visible()
        assert not await kit.overflows(page)
        await page.get_by_role("button", name="Stäng").click()
        await expect(page.locator(".detail")).to_be_hidden()


async def test_text_can_be_made_twice_as_large(gateway: Running, story: Story, open_page: OpenPage) -> None:
    """At 200 % in an ordinary window nothing is cut off sideways (WCAG 1.4.4, 1.4.10)."""
    del story
    page = await open_page(base_url=gateway.url, size=kit.Size(640, 480), device_scale_factor=2)
    await kit.log_in(page, gateway.token, "/?omrade=06")
    await settled(page)
    assert not await kit.overflows(page)


async def test_the_wall_shows_all_without_scrolling(gateway: Running, story: Story, open_page: OpenPage) -> None:
    """Map, what runs short, alerts and numbers fit the screen; nothing else is there."""
    del story
    page = await open_page(base_url=gateway.url)
    await kit.log_in(page, gateway.token, "/?omrade=06&vy=vagg")
    await settled(page)
    for part in ("#karta", "#slut", "#larm", ".figures", "section.coverage"):
        await expect(page.locator(part)).to_be_in_viewport(ratio=1)
    await expect(page.locator("#mer")).to_be_hidden()
    assert await page.evaluate("() => document.documentElement.scrollHeight <= window.innerHeight")


async def test_what_is_printed_is_a_report_under_the_five_headings(board: Page, tmp_path: Path) -> None:
    """On paper there is the situation report alone, whatever was on the screen, and it says what it rests on."""
    await board.goto("/?omrade=06")
    await settled(board)
    await board.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    await board.emulate_media(media="print", color_scheme="light")
    await expect(board.locator(".report h2")).to_have_text(
        [
            "1. Händelseutveckling",
            "2. Tillstånd",
            "3. Förväntad utveckling",
            "4. Tillgängliga resurser",
            "5. Vidtagna och planerade åtgärder",
        ]
    )
    await expect(board.locator(".report .basis")).to_have_text(
        "3 av 4 kommuner aktuella, 6 av 7 punkter aktuella, äldsta uppgift 41 min, 1 inaktuella."
    )
    await expect(board.locator(".report .made")).to_contain_text("Automatisk bild")
    await expect(board.locator("main")).to_be_hidden()
    pdf = await board.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    pages = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert 1 <= len(pages) <= 3
    assert {(round(float(width)), round(float(height))) for width, height in pages} == {(595, 842)}
