"""The board says whether more can come: the links to the nodes below, where it says how complete the picture is."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from browser import kit
from browser.conftest import OpenPage
from browser.story import Story, storm
from gateway_kit import Running, running_gateway
from servers import NatsServer
from vardkase.federation.health import LinkHealth
from vardkase.federation.told import SUBJECT, document

pytestmark = pytest.mark.chromium


async def tell(gateway: Running, **of_jonkoping: Any) -> None:
    now = time.time()
    up = {"to": "child", "looked": True, "up": True, "since": now - 900, "seen": now, "waiting": 0, "behind_s": 0.0}
    links = [
        LinkHealth(node="lan-06", area="06", **(up | of_jonkoping)),
        LinkHealth(node="lan-24", area="24", **up),  # type: ignore[arg-type]
    ]
    await gateway.publish(SUBJECT, document("SE", "SE", links, now))


async def test_a_link_that_is_down_is_said(open_page: OpenPage, nats_server: NatsServer, tmp_path: Path) -> None:
    """Which and for how long, in the reader's language; of the area that is shown; that all are up is said quietly."""
    async with running_gateway(nats_server.url, tmp_path, node="SE") as gateway:
        await Story(gateway).tell(*storm())
        await tell(gateway, up=False, since=time.time() - 630, waiting=None, behind_s=None)
        page = await open_page(base_url=gateway.url)
        await kit.log_in(page, gateway.token)
        line = page.locator(".coverage .links")
        await expect(line).to_have_text("ingen länk till Jönköpings län sedan 10 min")
        await page.goto("/?sprak=en")
        await expect(line).to_have_text("no link to Jönköpings län for 10 min")
        await page.goto("/?omrade=24&sprak=sv")
        await expect(line).to_have_text("1 nod ansluten")
        await tell(gateway, waiting=2_400, behind_s=30.0)
        await page.goto("/?omrade=06")
        await expect(line).to_have_text(re.compile(r"Jönköpings län: 2\s400 rapporter på väg"))
        assert await kit.faults(page) == []
