"""What is foreseen and proposed, at the board: the trend beside the report, what it rests on, and saying yes."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from browser import kit
from browser.story import Point, Story
from gateway_kit import Running
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.instants import HOUR, MINUTE, iso
from vardkase_contracts.reports import REPORT

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

TRANAS = "0687-tranas-bibliotek"
FUEL = {"kind": "fuel", "unit": "l", "state": "requested"}


def timelines(now: int) -> dict[str, Any]:
    """Three readings of a tank that is used faster than was said."""
    readings = [(now - 130 * MINUTE, 60.0), (now - 70 * MINUTE, 48.0), (now - 10 * MINUTE, 36.0)]
    opened = [iso(now - 5 * HOUR), 0, "r0", "urn:tp:kommun:0687", "observed", False]
    return {
        "reports": [opened, *([iso(at), 0, f"r{at}", "urn:tp:kommun:0687", "observed", False] for at, _ in readings)],
        "aspects": {
            "lifecycle": [[0, "open"]],
            "power": [
                [place, {"source": "backup", "backup_state": "running", "fuel_l": litres, "fuel_l_per_h": 4.0}]
                for place, (_, litres) in enumerate(readings, 1)
            ],
        },
        "known": {},
    }


@pytest.fixture
async def told(story: Story) -> Story:
    """A point whose tank empties sooner than was said; one that needs fuel, and one that has some."""
    await story.tell(
        [
            Point(
                id=TRANAS,
                name="Tranås bibliotek",
                condition="yellow",
                left_h=9,
                place=(15.05, 58.0),
                needs=[FUEL | {"need_id": "n1", "direction": "need", "quantity": 200, "priority": "urgent"}],
                more={"timelines": timelines(story.now), "others": {}},
            ),
            Point(
                id="0680-ekhagen-kyrka",
                name="Ekhagens kyrka",
                place=(14.2, 57.77),
                needs=[FUEL | {"need_id": "s1", "direction": "surplus", "quantity": 500}],
            ),
        ]
    )
    return story


@pytest.mark.usefixtures("told")
async def test_the_trend_stands_beside_the_report_with_what_it_rests_on(board: Page) -> None:
    """In the list the interval, since it is another time; at the point why; and nothing of it is hard to reach."""
    row = board.locator(".shortpart.timed .row", has_text="Tranås bibliotek")
    await expect(row.locator(".trend")).to_contain_text("trend:")
    await row.get_by_role("link").click()
    foreseen = board.locator(".detail .foreseen")
    await expect(foreseen.get_by_role("heading")).to_have_text("Prognos")
    await expect(foreseen).to_contain_text("3 avläsningar")
    await expect(foreseen).to_contain_text("l/h")
    assert await kit.faults(board) == []
    assert await kit.overflows(board) == []


@pytest.mark.usefixtures("told")
async def test_a_kommuns_side_of_a_proposal_is_accepted(board: Page, gateway: Running) -> None:
    """Asked for by a button; said yes to one side, that is one report of its own kommun, with its counterpart."""
    await board.get_by_role("link", name="Behov").click()
    await board.get_by_role("button", name="Föreslå vem som kan hjälpa vem").click()
    row = board.locator(".proposals .row")
    await expect(row).to_contain_text("Drivmedel 200 l")
    await expect(row).to_contain_text("km fågelvägen")
    await expect(row).to_contain_text("Ekhagens kyrka, Jönköping → Tranås bibliotek, Tranås")
    assert await kit.faults(board) == []
    await row.get_by_role("button", name="Godta för den som behöver").click()
    await expect(row.locator(".told")).to_contain_text("Rapporterat")
    (sent,) = [one async for one in scan(gateway.nc, streams.INTAKE, [])]
    report = REPORT.validate_json(sent.data)
    assert (report.subject, report.kind) == (TRANAS, "need")
    data = report.model_dump(mode="json")["data"]
    assert (data["state"], data["counterpart"]) == ("assigned", {"point": "0680-ekhagen-kyrka", "need_id": "s1"})
