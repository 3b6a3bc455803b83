"""Exercises on the board: a discreet line in skarpt läge, what the spelledning says, and the abort for all to see."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from browser import kit
from browser.conftest import OpenPage
from browser.story import Story, storm
from gateway_kit import Running
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.client import new_id, new_order
from vardkase_contracts.instants import iso, to_datetime

pytestmark = pytest.mark.chromium

BANNER = "ÖVNING AVBRUTEN – SKARPT LÄGE"  # noqa: RUF001 -- as it is written
SEEN_MS = 12_000


async def order(gateway: Running, kind: Any, area: str, data: dict[str, Any]) -> None:
    """An order of the spelledning, in övning."""
    at = to_datetime(gateway.house.clock.now())
    who: dict[str, Any] = {"role": "stab", "acting_for": area, "reality": "exe", "system": "spelledning"}
    event = new_order(kind, area, data, **who, given_at=at, id=new_id())
    document = event.model_dump(mode="json", exclude_unset=True, by_alias=True)
    await gateway.publish(subjects.order("exe", Area.parse(area), kind), document)


async def exercise(gateway: Running, state: str, area: str = "06", areas: tuple[str, ...] = ("06",)) -> None:
    now = iso(gateway.house.clock.now())
    data = {"id": "ovning-x", "name": "Övning Höststorm", "areas": list(areas), "from": now, "state": state}
    await order(gateway, "exercise", area, data)


@pytest.fixture
async def page(gateway: Running, open_page: OpenPage) -> Page:
    await Story(gateway).tell(*storm())
    page = await open_page(base_url=gateway.url)
    await kit.log_in(page, gateway.token, "/?omrade=06")
    return page


async def test_a_line_in_the_real_world_and_an_abort_for_all(page: Page, gateway: Running) -> None:
    """In skarpt läge one line while it goes on; an abort stands at the top in both worlds, in words."""
    line, aborted = page.locator(".banner.going-on"), page.locator(".banner.aborted")
    await expect(page.locator("#slut .row")).to_have_count(4)
    await expect(line).to_be_hidden()
    await exercise(gateway, "running")
    await expect(line).to_contain_text("Övning pågår: Övning Höststorm", timeout=SEEN_MS)
    await expect(page.locator("#slut .row")).to_have_count(4)
    await expect(page.locator(".banner.world")).to_be_hidden()
    await exercise(gateway, "aborted")
    await expect(aborted).to_contain_text(BANNER, timeout=SEEN_MS)
    await expect(line).to_be_hidden()
    await expect(aborted).to_be_in_viewport()
    await page.goto("/?omrade=06&lage=exe")
    await expect(aborted).to_contain_text("Inget tas emot som övning", timeout=SEEN_MS)
    await expect(page.locator(".banner.world")).to_contain_text("Läget är skarpt")


async def test_what_the_spelledning_says_is_in_the_exercise_alone(page: Page, gateway: Running) -> None:
    """A message stands under the banner in övning, and nowhere in skarpt läge."""
    await exercise(gateway, "running")
    await order(gateway, "note", "06", {"note": "SPELLEDNING: Spelledning ringer: hur länge räcker bränslet?"})
    messages = page.locator(".banner.spelledning")
    await expect(page.locator(".banner.going-on")).to_be_visible(timeout=SEEN_MS)
    await expect(messages).to_be_hidden()
    await page.goto("/?omrade=06&lage=exe")
    await expect(messages).to_contain_text("hur länge räcker bränslet?", timeout=SEEN_MS)


async def test_one_kommun_aborts(page: Page, gateway: Running) -> None:
    """The län sees in which kommun it was aborted, and that it goes on elsewhere."""
    await exercise(gateway, "running")
    await exercise(gateway, "aborted", "0680", ("0680",))
    await expect(page.locator(".banner.aborted")).to_contain_text("i Jönköping", timeout=SEEN_MS)
    await expect(page.locator(".banner.going-on")).to_contain_text("Övning pågår", timeout=SEEN_MS)
    await page.goto("/?omrade=0682")
    await expect(page.locator(".banner.going-on")).to_contain_text("Övning pågår", timeout=SEEN_MS)
    await expect(page.locator(".banner.aborted")).to_be_hidden()
