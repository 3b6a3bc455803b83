"""A one-line report at the desk: typed as it came, shown as it was understood, then sent."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from browser import kit
from browser.form_kit import EVIL, POINT, OpenPage, desk, kommun, reported
from gateway_kit import Running
from servers import NatsServer

pytestmark = pytest.mark.chromium


@pytest.fixture
async def running(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    """A kommun's gateway."""
    async with kommun(nats_server.url, tmp_path / "node") as found:
        yield found


@pytest.mark.parametrize(("size", "theme"), [(kit.Size(1280, 800), "light"), (kit.PHONE, "dark")])
async def test_a_line_is_shown_before_it_is_sent(
    running: Running, open_page: OpenPage, size: kit.Size, theme: kit.Theme
) -> None:
    """What is wrong names the word, what is right is said in Swedish, and only then it is sent; no serious fault."""
    page = await desk(running, open_page, size=size, theme=theme)
    kit.watched(page).forgive("422")
    await page.get_by_label("Enradsrapport").fill(f"TP {EVIL}")
    await page.get_by_role("button", name="Visa vad den säger").click()
    await expect(page.get_by_role("alert")).to_contain_text("väntade SKARPT, ÖVNING eller PROV")
    assert await kit.faults(page) == []
    assert not await kit.overflows(page)

    await page.get_by_label("Raden, som den kom").fill("tp skarpt 0001 2480 17 o b42/80 p2 e11 s3/4 v1 n:fuel")
    await page.get_by_label("Kom via").select_option("rakel")
    await page.get_by_role("button", name="Visa vad den säger").click()
    await expect(page.locator("#understood")).to_contain_text("punkt 17 Umedalens skola")
    await expect(page.locator("#understood")).to_contain_text("öppen; 42 besökare")
    assert await reported(running) == []
    assert await kit.faults(page) == []
    assert not await kit.overflows(page)

    await page.get_by_role("button", name="Skicka rapporten").click()
    await expect(page.locator("#status")).to_contain_text("3 rapporter mottagna")
    events = await reported(running)
    assert {each["subject"] for each in events} == {POINT}
    assert {(each["channel"], each["quality"]) for each in events} == {("rakel", "relayed")}
