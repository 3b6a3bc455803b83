"""The board on a gateway whose streams are written by hand: what it shows, live, and the way from nation to point."""

import re

import pytest
from playwright.async_api import Page, expect

from browser.story import Alert, Point, Story

pytestmark = pytest.mark.chromium


async def test_what_runs_short_is_dark_first_then_unknown_then_by_when(board: Page) -> None:
    """The list is in the order of who needs help first, counts down, and marks whom it concerns."""
    names = board.locator("#slut .row .name")
    await expect(names).to_have_text(["Sävsjö skola", "Tranås sporthall", "Vrigstads bygdegård", "Tranås bibliotek"])
    row = board.locator("#slut .row", has_text="Vrigstads bygdegård")
    await expect(row.locator("time")).to_have_text(re.compile(r"^2:2[89]:\d\d$"))
    before = await row.locator("time").text_content()
    await expect(row.locator("time")).not_to_have_text(before or "")
    await expect(row.get_by_role("img", name="laddar medicinsk utrustning")).to_be_visible()
    dark = board.locator("#slut .row", has_text="Sävsjö skola")
    await expect(dark).to_contain_text("utan el")
    await expect(dark.get_by_role("img", name="övernattande")).to_be_visible()


async def test_a_change_is_shown_where_it_belongs_and_nothing_else_moves(board: Page, story: Story) -> None:
    """A new alert appears by itself; a row that stays is the same row, with the focus in it."""
    alerts = board.locator("#larm .scroll > .rows .row")
    await expect(alerts).to_have_count(3)
    kept = alerts.filter(has_text="Sävsjö skola")
    await kept.get_by_role("link").focus()
    await kept.evaluate("row => { row.seen = true; }")
    await story.tell([], [Alert(rule="heat.low", about="0684-savsjo-skola", level="critical")])
    await expect(alerts).to_have_count(4)
    assert await board.evaluate("() => document.activeElement.closest('.row').seen === true")
    await story.clear("heat.low/0684-savsjo-skola")
    await expect(alerts).to_have_count(3)
    await expect(board.locator("#larm summary", has_text="Nyligen upphörda")).to_be_visible()


async def test_from_the_nation_to_a_point_and_back(board: Page) -> None:
    """Län, kommun and point are opened from the map by keyboard; each has an address, and back goes back."""
    await board.locator("#karta .links a[data-area='06']").focus()
    await board.keyboard.press("Enter")
    await expect(board.get_by_role("heading", level=1)).to_have_text("Jönköpings län")
    await expect(board).to_have_url(re.compile(r"\?omrade=06$"))
    await board.locator("#karta .links a[data-area='0684']").focus()
    await board.keyboard.press("Enter")
    await expect(board.get_by_role("heading", level=1)).to_have_text("Sävsjö")
    point = board.locator("#karta .points a[data-point='0684-vrigstad-bygdegard']")
    await expect(point).to_have_attribute("aria-label", re.compile("Vrigstads bygdegård, röd, laddar medicinsk"))
    await point.focus()
    await board.keyboard.press("Enter")
    detail = board.locator(".detail")
    await expect(detail.get_by_role("heading", level=2)).to_be_focused()
    await expect(detail).to_contain_text("Öppen, röd")
    await expect(detail.locator(".services .stopped + dd")).to_have_text("värme")
    await board.keyboard.press("Escape")
    await expect(detail).to_be_hidden()
    await expect(point).to_be_focused()
    for title in ("Jönköpings län", "Sverige"):
        await board.locator(".crumbs a").last.click()
        await expect(board.get_by_role("heading", level=1)).to_have_text(title)
    await board.go_back()
    await expect(board.get_by_role("heading", level=1)).to_have_text("Jönköpings län")


async def test_what_is_not_known_never_looks_good(board: Page) -> None:
    """A kommun with an unknown point is not green, one with stale points is hatched, and the basis says what lacks."""
    await board.goto("/?omrade=06")
    fills = board.locator("#karta .ground .kommun.f-green:not(.outside)")
    await expect(fills).to_have_count(2)  # Jönköping, and Gislaved, which is hatched
    await expect(board.locator("#karta .ground .kommun.f-yellow:not(.outside)")).to_have_count(1)  # Tranås
    await expect(board.locator("#karta .doubt .h-much")).to_have_count(2)  # Tranås, Gislaved
    await expect(board.locator(".coverage .sentence")).to_contain_text(
        "3 av 4 kommuner aktuella, 6 av 7 punkter aktuella, äldsta uppgift 41 min"
    )
    await expect(board.locator(".coverage .missing")).to_have_text("1 inaktuella")
    await expect(board.locator("#karta a[data-point='0687-tranas-sporthall'] use").first).to_have_attribute(
        "href", "#i-unknown"
    )


async def test_filters_stand_in_the_address(board: Page) -> None:
    """What is chosen narrows lists and map, survives a reload, and is taken away again."""
    await board.goto("/?omrade=06")
    await board.locator(".filters summary").click()
    await board.get_by_role("checkbox", name="röd", exact=True).check()
    await board.get_by_role("checkbox", name="laddar medicinsk utrustning").check()
    await expect(board).to_have_url(re.compile("tillstand=red&marke=medical"))
    await expect(board.locator("#karta .points a")).to_have_count(1)
    await expect(board.locator("#larm .scroll > .rows .row")).to_have_count(1)
    await board.reload()
    await expect(board.locator("#slut .row .name")).to_have_text(["Vrigstads bygdegård"])
    await expect(board.locator(".found")).to_have_text("1 punkter")
    await board.get_by_role("button", name="Rensa").click()
    await expect(board.locator("#karta .points a")).to_have_count(7)
    await board.get_by_label("Sök punkt eller kommun").fill("tranås")
    await expect(board.locator("#slut .row .name")).to_have_text(["Tranås sporthall", "Tranås bibliotek"])
    await expect(board).to_have_url(re.compile(r"sok=tran"))


async def test_points_areas_needs_and_events_stand_below(board: Page, story: Story) -> None:
    """The map is there as tables too: areas worst first, points, needs the most pressing first, and what happened."""
    urgent = {"need_id": "n1", "direction": "need", "kind": "fuel", "quantity": 60, "unit": "l", "state": "requested"}
    urgent |= {"priority": "urgent", "needed_by": "2026-01-01T10:00:00Z"}
    usual = {"need_id": "n2", "direction": "need", "kind": "water", "state": "assigned", "priority": "normal"}
    spare = {"need_id": "n3", "direction": "surplus", "kind": "food", "state": "requested"}
    met = {"need_id": "n4", "direction": "need", "kind": "heat", "state": "delivered"}
    point = Point(id="0684-savsjo-skola", name="Sävsjö skola", condition="critical", dark=True)
    point.needs = [usual, spare, met, urgent]
    await story.tell([point])
    await board.goto("/?omrade=06")
    await expect(board.locator("table.areas tbody th .name").first).to_have_text("Sävsjö")
    await board.get_by_role("link", name="Punkter").click()
    await expect(board.locator("table.points tbody tr")).to_have_count(7)
    await expect(board.locator("table.points tbody th .name").first).to_have_text("Sävsjö skola")
    await board.get_by_role("link", name="Behov").click()
    needs = board.locator("#mer .row.need strong")
    await expect(needs).to_have_text(["Drivmedel 60 l", "Vatten", "Mat"])
    await expect(board.locator("#mer .row.need.late")).to_have_count(1)
    await board.get_by_role("link", name="Händelser").click()
    await expect(board.locator("#mer .row.event")).to_have_count(2)


async def test_english_light_and_dark_are_chosen_and_kept(board: Page) -> None:
    """The switches change language and colours at once, and the next visit remembers."""
    await board.get_by_role("link", name="English").click()
    await expect(board.locator("html")).to_have_attribute("lang", "en")
    await expect(board.get_by_role("heading", name="Runs out next")).to_be_visible()
    await board.get_by_role("link", name="Dark").click()
    await expect(board.locator("html")).to_have_attribute("data-theme", "dark")
    await board.goto("/")
    await expect(board.get_by_role("heading", name="Runs out next")).to_be_visible()
    await expect(board.locator("html")).to_have_attribute("data-theme", "dark")


async def test_both_languages_say_the_same_things(board: Page) -> None:
    """Each text in Swedish is there in English, and takes as much."""
    differences = await board.evaluate(
        """async () => {
          const base = document.documentElement.dataset.base;
          const [sv, en] = await Promise.all(["sv", "en"].map((each) => import(`${base}/js/words/${each}.js`)));
          const kind = (said) => (typeof said === "function" ? said.length : "text");
          const flat = (words) => Object.entries(words).flatMap(([family, own]) =>
            Object.entries(own).map(([key, said]) => [`${family}.${key}`, kind(said)]));
          const told = (words) => JSON.stringify(flat(words).sort());
          return told(sv.default) === told(en.default) ? [] : [told(sv.default), told(en.default)];
        }"""
    )
    assert differences == []
