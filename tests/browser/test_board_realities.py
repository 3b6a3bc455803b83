"""An exercise can never be taken for the real thing, and hides nothing that is real."""

import re

import pytest
from playwright.async_api import Page, expect

from browser import kit
from browser.conftest import OpenPage
from browser.story import Alert, Point, Story, storm
from gateway_kit import Running

pytestmark = pytest.mark.chromium


@pytest.fixture
async def exercise(gateway: Running) -> Story:
    told = Story(gateway, reality="exe")
    await told.tell(*storm())
    return told


@pytest.fixture
async def page(gateway: Running, exercise: Story, open_page: OpenPage) -> Page:
    del exercise
    page = await open_page(base_url=gateway.url)
    await kit.log_in(page, gateway.token, "/?omrade=06&lage=exe")
    return page


async def test_an_exercise_says_so_everywhere(page: Page) -> None:
    """Banner, frame, title and print say that it is an exercise; the real world has none of what is in it."""
    await expect(page.locator(".banner.world")).to_contain_text("ÖVNING")
    await expect(page.locator(".banner.world")).to_be_in_viewport()
    await expect(page).to_have_title("ÖVNING · Jönköpings län · Vårdkase")
    await expect(page.locator("#slut .row")).to_have_count(4)
    await page.get_by_role("link", name="Lägesrapport").click()
    await expect(page.locator(".report .stamp")).to_contain_text("ÖVNING")
    await page.goto("/?omrade=06")
    await expect(page.locator(".banner.world")).to_be_hidden()
    await expect(page.locator("#slut .row")).to_have_count(0)


async def test_a_real_alert_breaks_through_an_exercise(page: Page, gateway: Running) -> None:
    """A real alert is shown over the exercise at once, in words, and leads to the real world; when it ends it goes."""
    real = page.locator(".banner.real")
    await expect(page.locator("#larm .scroll > .rows .row")).to_have_count(3)
    await expect(real).to_be_hidden()
    act = Story(gateway)
    point = Point(id="0687-tranas-sporthall", name="Tranås sporthall", condition="critical", dark=True)
    await act.tell([point], [Alert(rule="power.lost", about=point.id, level="critical")])
    await expect(real).to_contain_text("Skarpt läge: 1 larm")
    await expect(real).to_contain_text(re.compile("Kritisk: Tranås sporthall: .* sedan kl"))
    await expect(page.locator("#larm .scroll > .rows .row")).to_have_count(3)  # it is not mixed in
    await act.clear(f"power.lost/{point.id}")
    await expect(real).to_be_hidden()
    await act.tell([point], [Alert(rule="power.lost", about=point.id, level="critical")])
    await real.get_by_role("link", name="Till skarpt läge").click()
    await expect(page.locator(".banner.world")).to_be_hidden()
    await expect(page.locator("#larm .scroll > .rows .row")).to_have_count(1)


async def test_who_may_only_see_exercises_is_told_what_is_not_shown(
    gateway: Running, exercise: Story, open_page: OpenPage
) -> None:
    """A token of exercises alone opens the exercise, and the page says that no real alert is heard."""
    del exercise
    page = await open_page(base_url=gateway.url)
    await kit.log_in(page, await gateway.token_of("lan", "06", realities=["exe"]), "/?omrade=06")
    await expect(page).to_have_url(re.compile("lage=exe"))
    await expect(page.locator(".banner.world")).to_contain_text("ÖVNING")
    await expect(page.locator(".banner.real")).to_contain_text("Din behörighet visar inte skarpa larm")
    await expect(page.locator(".realities .world")).to_have_text(["Övning"])
