"""The page says when its own connection is gone and how old what it shows is, and comes back by itself."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from browser import kit
from browser.conftest import OpenPage
from browser.story import Alert, Story, storm
from gateway_kit import running_gateway
from servers import NatsServer

pytestmark = pytest.mark.chromium

AWAY = "ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED|status of 503"
"""What a browser says on its console while nobody answers."""


@pytest.mark.slow
async def test_a_gateway_that_goes_away_is_noticed_and_what_was_missed_comes(
    open_page: OpenPage, nats_server: NatsServer, tmp_path: Path
) -> None:
    """While it is away the page says how old it is and keeps what it had; after, it has what came meanwhile, once."""
    async with running_gateway(nats_server.url, tmp_path) as first:
        port = int(first.url.rpartition(":")[2])
        story = Story(first)
        await story.tell(*storm())
        page = await open_page(base_url=first.url)
        kit.watched(page).forgive(AWAY)
        await kit.log_in(page, first.token, "/?omrade=06")
        alerts = page.locator("#larm .scroll > .rows .row")
        await expect(alerts).to_have_count(3)
        await expect(page.locator(".connection")).to_have_class("connection good")
    says = re.compile(r"Ingen kontakt med noden\. Det som visas är \d+ (s|min) gammalt")
    await expect(page.locator(".banner.lost")).to_contain_text(says)
    await expect(page.locator(".connection")).to_contain_text("Ingen kontakt sedan")
    await expect(alerts).to_have_count(3)
    async with running_gateway(nats_server.url, tmp_path / "again", http_port=port) as second:
        missed = Story(second)
        missed.points, missed.alerts = story.points, story.alerts
        await missed.tell([], [Alert(rule="heat.low", about="0687-tranas-sporthall", level="red")])
        await expect(alerts).to_have_count(4, timeout=30_000)
        await expect(page.locator(".banner.lost")).to_be_hidden()
        await expect(page.locator(".connection")).to_have_class("connection good")


async def test_a_connection_that_is_only_slow_to_die_is_doubted(
    open_page: OpenPage, nats_server: NatsServer, tmp_path: Path
) -> None:
    """When heartbeats do not come although the connection stands, the page doubts it, and says since when."""
    async with running_gateway(nats_server.url, tmp_path) as gateway:
        await Story(gateway).tell(*storm())
        page = await open_page(base_url=gateway.url)
        await page.clock.install()
        await kit.log_in(page, gateway.token, "/?omrade=06")
        await expect(page.locator(".connection")).to_have_class("connection good")
        await page.clock.fast_forward(37_000)
        await expect(page.locator(".connection")).to_contain_text(re.compile(r"Inget hört på|Ingen kontakt sedan"))
        await page.clock.run_for(10_000)
        await expect(page.locator(".connection")).to_have_class("connection good")
        await page.goto("about:blank")  # or it asks a gateway that has ended, and complains
