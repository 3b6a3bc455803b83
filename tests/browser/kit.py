"""Looking at the gateway's pages with Chromium: what a page asks for, what it complains of, and how accessible it is.

A test that uses `page` or `open_page` (conftest.py) is marked `chromium`. At its end every page must have been quiet:
no error on its console, none that nobody caught, and no request to anything but this computer.
"""

import contextlib
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS: Final = 15_000
expect.set_options(timeout=PATIENCE_MS)

_OURS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_INSIDE: Final = frozenset({"data", "blob", "about"})
_SERIOUS: Final = frozenset({"serious", "critical"})

Theme = Literal["light", "dark"]


class Size(NamedTuple):
    """How large a window is, in px."""

    width: int
    height: int


WALL: Final = Size(1920, 1080)
PHONE: Final = Size(390, 844)
NARROW: Final = Size(320, 640)


@dataclass(slots=True)
class Watched:
    """What a page has said and asked for, as long as it was open."""

    errors: list[str] = field(default_factory=list[str])
    outside: list[str] = field(default_factory=list[str])
    forgiven: list[re.Pattern[str]] = field(default_factory=list[re.Pattern[str]])

    def forgive(self, pattern: str) -> None:
        """Expect errors like this one: a test that kills the gateway hears of it on the console."""
        self.forgiven.append(re.compile(pattern))

    def complaints(self) -> list[str]:
        """What should not have been."""
        wrong = [each for each in self.errors if not any(known.search(each) for known in self.forgiven)]
        return wrong + [f"asked outside this computer: {url}" for url in self.outside]


_watched: Final[dict[Page, Watched]] = {}


def watched(page: Page) -> Watched:
    """What a page has said so far."""
    return _watched[page]


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a screen."""
    path = shutil.which("chromium")
    assert path is not None, "mark the test with chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


async def new_page(
    browser: Browser,
    *,
    size: Size = WALL,
    theme: Theme = "light",
    base_url: str | None = None,
    javascript: bool = True,
    **more: Any,
) -> Page:
    """A page in a window of its own, with cookies of its own.

    Args:
        browser: see `chromium`.
        size: of the window; a narrow one is a telephone's, with touch.
        theme: what the system prefers.
        base_url: what `page.goto("/")` goes to.
        javascript: whether it runs any.
        more: of Playwright's `new_context`.
    """
    context = await browser.new_context(
        viewport={"width": size.width, "height": size.height},
        color_scheme=theme,
        reduced_motion="reduce",
        locale="sv-SE",
        timezone_id="Europe/Stockholm",
        has_touch=size.width < 500,
        java_script_enabled=javascript,
        **({} if base_url is None else {"base_url": base_url}),
        **more,
    )
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    watch(page)
    return page


def watch(page: Page) -> None:
    """Note what a page says and asks for. `new_page` does; a page that another opened is given here."""
    said = _watched[page] = Watched()

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            said.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def request(asked: Request) -> None:
        parts = urlsplit(asked.url)
        if parts.scheme not in _INSIDE and parts.hostname not in _OURS:
            said.outside.append(asked.url)

    page.on("console", console)
    page.on("pageerror", lambda error: said.errors.append(f"not caught: {error}"))
    page.on("request", request)


def forget(page: Page) -> list[str]:
    """What is to be complained of a page that is closed."""
    return _watched.pop(page).complaints()


async def faults(page: Page, *, but: tuple[str, ...] = ()) -> list[str]:
    """Serious and critical faults that axe-core finds in what is shown, a line each.

    Args:
        page: as it is now.
        but: ids of axe's rules that are left out, with the reason in the test.
    """
    found = await Axe().run(page)
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {node['html'][:160]}"
        for each in found.response["violations"]
        if each["impact"] in _SERIOUS and each["id"] not in but
        for node in each["nodes"]
    ]


async def log_in(page: Page, token: str, path: str = "/", *, enters: bool = True) -> None:
    """Open a page of the board as somebody new: paste the token, and be let in.

    Args:
        page: one that `base_url` was given for.
        token: what is pasted.
        path: of the page.
        enters: whether it opens anything; then this waits for the board.
    """
    await page.goto(path)
    await page.get_by_label("Åtkomstnyckel").fill(token)
    await page.get_by_role("button", name="Logga in").click()
    if enters:
        await page.locator(".board").wait_for()


async def overflows(page: Page) -> list[str]:
    """What makes one scroll sideways; empty: nothing does."""
    return await page.evaluate(
        """() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          if (scrollWidth <= clientWidth + 1) return [];
          const wide = [...document.body.querySelectorAll("*")].filter(
            (each) => each.getClientRects().length > 0 && each.getBoundingClientRect().right > clientWidth + 1);
          return [`${scrollWidth} of ${clientWidth} px`, ...wide.slice(-5).map((each) => each.outerHTML.slice(0, 120))];
        }"""
    )
