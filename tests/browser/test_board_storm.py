"""The whole node with a storm running over it, and the board on top: nothing is made by hand."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import pytest
from playwright.async_api import Page, expect

from browser import kit
from browser.conftest import OpenPage
from browser.test_board_connection import AWAY
from servers import Eventually

pytestmark = [pytest.mark.chromium, pytest.mark.slow, pytest.mark.timeout(420)]

HOURS: Final = 9
SPEED: Final = 900
"""Nine hours in 36 s: then points are open, some run short, and time goes as it usually does."""
PATIENCE_MS: Final = 90_000
READY_S: Final = 150


@pytest.fixture
def storm(tmp_path: Path) -> Iterator[tuple[dict[str, Any], psutil.Process]]:
    """What `vardkase demo` says when it is ready, and its process."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("VARDKASE_")}
    command = (sys.executable, "-m", "vardkase.cli.main", "demo", "--json", "--http-port", "0", "--nats-port", "0")
    told = ("--hours", str(HOURS), "--speed", str(SPEED), "--area", "06", "--data-dir", str(tmp_path / "node"))
    with (tmp_path / "demo.log").open("wb") as log:
        demo = subprocess.Popen(
            [*command, *told], env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        )
    assert demo.stdout is not None
    too_long = threading.Timer(READY_S, demo.kill)
    too_long.start()
    try:
        line = demo.stdout.readline()
        assert line, (tmp_path / "demo.log").read_text()[-2000:]
        too_long.cancel()
        yield json.loads(line), psutil.Process(demo.pid)
    finally:
        too_long.cancel()
        demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=60)


async def number_of(page: Page, figure: str) -> int:
    told = await page.locator(f".figure.{figure} .value").text_content()
    return int(re.sub(r"\D", "", told or "") or 0)


async def test_a_storm_is_followed_acknowledged_and_outlives_its_gateway(
    storm: tuple[dict[str, Any], psutil.Process], open_page: OpenPage, eventually: Eventually
) -> None:
    """The board shows the storm grow, an alert is acknowledged, and it outlives a gateway that is killed."""
    told, node = storm
    page = await open_page(base_url=told["http"])
    page.context.set_default_timeout(PATIENCE_MS)
    kit.watched(page).forgive(AWAY)
    await kit.log_in(page, told["token"])
    await eventually(lambda: number_of(page, "open"), what="a point opens", within=90)
    first = await number_of(page, "open")
    await eventually(lambda: _more(page, first), what="more points open", within=90)
    async with httpx.AsyncClient(
        base_url=told["http"], headers={"authorization": f"Bearer {told['token']}"}, timeout=20
    ) as http:
        await eventually(lambda: _met(http), what="the clock meets real time", within=180)

    alerts = page.locator("#larm .scroll > .rows .row")
    await expect(alerts.first).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.locator("#karta .points a").first).to_be_attached()
    await page.locator("table.areas tbody th a").first.click()
    await expect(page).to_have_url(re.compile(r"omrade=\d{4}$"))

    await alerts.first.get_by_role("link").click(timeout=PATIENCE_MS)
    detail = page.locator(".detail")
    await detail.get_by_label("Anteckning").fill("Tankbil beställd")
    await detail.get_by_role("button", name="Kvittera").click()
    await expect(detail.locator(".acks .note")).to_have_text("Tankbil beställd", timeout=PATIENCE_MS)

    gateway = next(each for each in node.children(recursive=True) if each.cmdline()[-2:] == ["run", "gateway"])
    gateway.kill()
    connection = page.locator(".connection")
    await expect(connection).to_contain_text("Ingen kontakt")
    await expect(detail.locator(".acks .note")).to_have_text("Tankbil beställd")
    await expect(connection).to_have_class(re.compile("good|unready"), timeout=PATIENCE_MS)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()


async def _more(page: Page, than: int) -> bool:
    return await number_of(page, "open") > than


async def _met(http: httpx.AsyncClient) -> bool:
    clock = (await http.get("/board/clock")).json()
    return abs(datetime.fromisoformat(clock["now"]) - datetime.fromisoformat(clock["real"])) < timedelta(seconds=2)
