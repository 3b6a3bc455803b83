"""Pages for tests to look at; at the end, all of them must have been quiet."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from browser import kit

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
