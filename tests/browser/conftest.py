"""Pages for tests to look at; at the end, all of them must have been quiet."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from browser import kit
from browser.story import Story, storm
from gateway_kit import Running, running_gateway
from servers import NatsServer

OpenPage = Callable[..., Awaitable[Page]]
"""See `kit.new_page`, without the browser."""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with kit.chromium() as found:
        yield found


@pytest.fixture
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """Opens pages, each in a window of its own. All must have been quiet at the end."""
    pages: list[Page] = []

    async def opened(**given: Any) -> Page:
        page = await kit.new_page(browser, **given)
        pages.append(page)
        return page

    yield opened
    complaints: list[str] = []
    for page in pages:
        await page.context.close()
        complaints += kit.forget(page)
    assert complaints == []


@pytest.fixture
async def page(open_page: OpenPage) -> Page:
    """A page in a large window."""
    return await open_page()


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    """A gateway in this process; what it shows is published by hand."""
    async with running_gateway(nats_server.url, tmp_path) as running:
        yield running


@pytest.fixture
async def story(gateway: Running) -> Story:
    """A storm over three kommuner, told to the gateway."""
    told = Story(gateway)
    await told.tell(*storm())
    return told


@pytest.fixture
async def board(gateway: Running, story: Story, open_page: OpenPage) -> Page:
    """The board of the nation, logged in."""
    del story
    page = await open_page(base_url=gateway.url)
    await kit.log_in(page, gateway.token)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sverige")
    return page
