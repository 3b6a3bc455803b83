"""The public page in a browser: what is open near me, live, and what it says when it cannot know."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Request, expect

from browser import kit
from gateway_kit import Running
from public_kit import kommun, public_gateway, put, side, tell
from servers import Eventually, NatsServer
from vardkase_contracts.instants import HOUR, MINUTE, iso

pytestmark = pytest.mark.chromium

UMEA = {"longitude": 20.263, "latitude": 63.825}
EVIL = '<script>window.ran=1</script><img src=x onerror="window.ran=1">'


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path, eventually: Eventually) -> AsyncIterator[Running]:
    """A län with three points that anyone may see; the nearest is closed."""
    async with public_gateway(nats_server.url, tmp_path) as running:
        await eventually(lambda: side(running).whole, what="what is public is read")
        await put(running, eventually, "2480-_", kommun("2480"))
        await put(running, eventually, "2482-_", kommun("2482"))
        here = {"lon": 20.263, "lat": 63.825}
        await tell(running, eventually, "2480-shut", name="Stängda salen", status="closed", position=here)
        await tell(running, eventually, "2480-near", name="Nära skola", position=here | {"lat": 63.83})
        await tell(running, eventually, "2482-far", name="Fjärran bygdegård", position={"lon": 20.95, "lat": 64.75})
        yield running


@pytest.fixture
async def near(gateway: Running, open_page: Any) -> Page:
    """The page on a telephone in Umeå."""
    page = await open_page(base_url=gateway.url, size=kit.PHONE, geolocation=UMEA, permissions=["geolocation"])
    await page.goto("/publik")
    return page


async def test_open_points_near_me(gateway: Running, near: Page) -> None:
    """The open ones, the nearest first, with how far it is; where I am is told to nobody; no cookie is set."""
    asked: list[Request] = []
    near.on("request", lambda request: asked.append(request))  # noqa: PLW0108 -- Playwright marks what it is given
    await near.get_by_role("button", name="Visa närmast mig").click()
    names = near.locator(".punkt h3")
    await expect(names).to_have_text(["Nära skola", "Fjärran bygdegård"])
    await expect(near.locator(".punkt").first).to_contain_text("550 m")
    await expect(near.locator(".punkt").first).to_contain_text("Uppgift från ca kl")
    told = " ".join(f"{each.url} {each.post_data or ''} {each.headers}" for each in asked)
    assert asked
    assert not re.search(r"20[.,]26|63[.,]82", told)
    assert await near.context.cookies() == []
    assert gateway.url in told


async def test_it_changes_while_one_looks(gateway: Running, near: Page, eventually: Eventually) -> None:
    """A point that opens comes, one that closes goes, and what has the focus keeps it."""
    await near.get_by_role("button", name="Visa närmast mig").click()
    await expect(near.locator(".punkt")).to_have_count(2)
    link = near.locator(".punkt", has_text="Fjärran").get_by_role("link")
    await link.focus()
    await tell(
        gateway, eventually, "2480-shut", name="Stängda salen", status="open", position={"lon": 20.2, "lat": 63.8}
    )
    await expect(near.locator(".punkt")).to_have_count(3)
    await expect(link).to_be_focused()
    await put(gateway, eventually, "2480-near", {"id": "2480-near", "gone": True})
    await expect(near.locator(".punkt h3")).to_have_text(["Stängda salen", "Fjärran bygdegård"])


async def test_an_old_word_is_not_taken_for_good(gateway: Running, near: Page, eventually: Eventually) -> None:
    """After `valid_until` a point says that its word is too old; after twelve hours not even that it is open counts."""
    now = gateway.house.clock.now()
    old = {"updated_at": iso(now - 5 * HOUR), "valid_until": iso(now - HOUR)}
    ancient = {"updated_at": iso(now - 13 * HOUR), "valid_until": iso(now - 9 * HOUR)}
    await tell(gateway, eventually, "2480-near", name="Nära skola", services={"heat": "available"}, **old)
    await tell(gateway, eventually, "2482-far", name="Fjärran bygdegård", **ancient)
    await near.get_by_label("Kommun", exact=True).select_option("2480")
    await near.get_by_role("button", name="Visa", exact=True).click()
    await expect(near.locator(".punkt")).to_contain_text("för gammal att lita på")
    await expect(near.locator(".punkt")).to_contain_text("Värme: osäkert")
    await near.get_by_label("Kommun", exact=True).select_option("2482")
    await near.get_by_label("Visa även").check()
    await near.get_by_role("button", name="Visa", exact=True).click()
    await expect(near.locator(".punkt")).to_contain_text("Obekräftat om den är öppen")


async def test_a_broken_connection_is_told_and_heals(gateway: Running, near: Page, eventually: Eventually) -> None:
    """While it cannot be reached the page says so, and how old what it shows is; then it goes on by itself."""
    await near.get_by_role("button", name="Visa närmast mig").click()
    await expect(near.locator(".punkt")).to_have_count(2)
    kit.watched(near).forgive("ERR_INTERNET_DISCONNECTED|ERR_FAILED|Failed to load")
    await near.context.set_offline(True)
    side(gateway).closing = True  # what ends the streams that are open
    side(gateway)._ring()
    await expect(near.get_by_role("status")).to_contain_text("Förbindelsen är bruten")
    await expect(near.get_by_role("status")).to_contain_text("hämtades kl")
    side(gateway).closing = False
    await tell(gateway, eventually, "2480-near", name="Nära skola", status="closed")
    await near.context.set_offline(False)
    await expect(near.get_by_role("status")).to_have_text("", timeout=40_000)
    await expect(near.locator(".punkt h3")).to_have_text(["Fjärran bygdegård"])


async def test_who_does_not_take_part_is_told(near: Page) -> None:
    """No points of a kommun that does not take part is no word that there are none."""
    await near.get_by_label("Kommun", exact=True).select_option("2401")
    await near.get_by_role("button", name="Visa", exact=True).click()
    await expect(near.locator(".varning")).to_contain_text("Det betyder inte att det saknas trygghetspunkter")
    await expect(near.locator("#deltagande")).to_have_text("2 av 15")


async def test_where_i_am_may_be_kept_to_oneself(gateway: Running, open_page: Any) -> None:
    """Refused, the page says so, and a kommun can be chosen instead."""
    page = await open_page(base_url=gateway.url, size=kit.PHONE)
    await page.goto("/publik")
    await page.get_by_role("button", name="Visa närmast mig").click()
    await expect(page.get_by_role("status")).to_contain_text("Välj kommun i stället")


async def test_what_a_kommun_writes_is_only_text(gateway: Running, near: Page, eventually: Eventually) -> None:
    """Markup in every field that a kommun writes is shown as it is, and runs nowhere."""
    await tell(
        gateway, eventually, "2480-near", name=EVIL, address=EVIL, message={"sv": EVIL, "en": EVIL}, closes_at=None
    )
    await near.get_by_role("button", name="Visa närmast mig").click()
    await expect(near.locator(".punkt h3").first).to_contain_text("<script>")
    assert await near.evaluate("window.ran") is None
    assert await near.locator("img").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_is_accessible(gateway: Running, open_page: Any, theme: str) -> None:
    """axe-core finds nothing grave, light or dark, on a telephone and where it is narrower; nothing is cut off."""
    for size in (kit.PHONE, kit.NARROW):
        page = await open_page(
            base_url=gateway.url, size=size, theme=theme, geolocation=UMEA, permissions=["geolocation"]
        )
        await page.goto("/publik")
        assert await kit.faults(page) == []
        await page.get_by_label("Visa även").check()
        await page.get_by_role("button", name="Visa närmast mig").click()
        await expect(page.locator(".punkt")).to_have_count(3)
        assert await kit.faults(page) == []
        assert not await kit.overflows(page)


async def test_it_works_without_javascript(gateway: Running, open_page: Any) -> None:
    """The same in plain HTML, by kommun."""
    page = await open_page(base_url=gateway.url, size=kit.PHONE, javascript=False)
    await page.goto("/publik")
    await page.get_by_role("link", name="Umeå").click()
    await expect(page.locator(".punkt h3")).to_have_text(["Nära skola"])
    await page.get_by_label("Visa även").check()
    await page.get_by_role("button", name="Visa", exact=True).click()
    await expect(page.locator(".punkt h3")).to_have_text(["Nära skola", "Stängda salen"])
    assert await page.get_by_role("button", name="Visa närmast mig").count() == 0


async def test_a_wrong_clock_makes_nothing_old(gateway: Running, open_page: Any, eventually: Eventually) -> None:
    """A telephone whose clock is a day ahead does not take a fresh word for an old one."""
    page = await open_page(base_url=gateway.url, size=kit.PHONE)
    await page.clock.install(time=gateway.house.clock.now() / 1e6 + 86_400)
    await tell(
        gateway, eventually, "2480-near", name="Nära skola", updated_at=iso(gateway.house.clock.now() - 5 * MINUTE)
    )
    await page.goto("/publik?kommun=2480")
    await expect(page.locator(".punkt")).to_contain_text("min sedan")
    await expect(page.locator(".punkt")).not_to_contain_text("för gammal")
