"""What people do at the board: log in and out, acknowledge; and what is written to do harm does none."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from browser import kit
from browser.conftest import OpenPage
from browser.story import Alert, Point, Story
from gateway_kit import Running
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.instants import HOUR, iso
from vardkase_contracts.orders import ORDER

pytestmark = pytest.mark.chromium

KEY = "power.lost/0684-savsjo-skola"


async def orders(gateway: Running) -> list[dict[str, Any]]:
    return [json.loads(each.data) async for each in scan(gateway.nc, streams.ORDERS_UP, [])]


def ack_of(order: dict[str, Any]) -> dict[str, Any]:
    """The alert's ack that the aggregator would make of an order."""
    by, data = order["data"]["by"], order["data"]
    kept = {name: by[name] for name in ("level", "code", "role")}
    return kept | {"at": order["time"], "until": data["until"], "note": data["note"]}


async def test_an_alert_is_acknowledged_with_a_note(board: Page, gateway: Running, story: Story) -> None:
    """The order says what, by whom and why; the page says when the alert shows it, and who has taken it in."""
    await board.locator("#larm .row", has_text="Sävsjö skola").get_by_role("link").click()
    detail = board.locator(".detail")
    await expect(detail).to_contain_text("Underlag")
    await expect(detail).to_contain_text("reservkraft, i drift, 60 l, 12 l/h")
    await expect(detail.locator(".nearest")).to_contain_text("Ingen öppen punkt med känd plats")
    await expect(detail.locator(".escalation")).to_contain_text("till ersättare i Sävsjö kl")
    note = "Drivmedel beställt <script>alert(1)</script>"
    await detail.get_by_label("Anteckning").fill(note)
    await detail.get_by_label("I rollen").select_option("stab")
    await detail.get_by_label("Gäller i").select_option("2")
    await detail.get_by_role("button", name="Kvittera").click()
    await expect(detail.locator(".told")).to_contain_text("Sparat")
    (order,) = await orders(gateway)
    assert ORDER.validate_json(json.dumps(order)).kind == "ack"
    assert order["data"]["key"] == KEY
    assert order["data"]["level"] == "critical"
    assert order["data"]["note"] == note
    assert order["data"]["by"] == {"role": "stab", "level": "nation", "code": "SE"}
    alert = Alert(rule="power.lost", about="0684-savsjo-skola", level="critical", more={"acks": [ack_of(order)]})
    await story.tell([], [alert])
    await expect(detail.locator(".acks")).to_contain_text("stab, Sverige kl")
    await expect(detail.locator(".acks .note")).to_have_text(note)
    await expect(detail.get_by_role("button", name="Kvittera")).to_be_hidden()
    await board.keyboard.press("Escape")
    await board.locator("#larm summary", has_text="Kvitterade och dämpade").click()
    await expect(board.locator("#larm details .row.ack")).to_contain_text("Sävsjö skola")


async def test_an_alert_that_was_escalated_is_marked(board: Page, story: Story) -> None:
    """In the list to whom last, and when; in the detail every step, also those ahead, which are no mark yet."""
    about = "0684-savsjo-skola"
    waited = {"since": dict.fromkeys(("yellow", "red", "critical"), iso(story.now - HOUR // 4)), "quieted": {}}
    await story.tell([], [Alert(rule="power.lost", about=about, level="critical", more={"standing": waited})])
    row = board.locator("#larm .row", has_text="Sävsjö skola")
    await expect(row.locator(".tag.escalated")).to_have_text(
        re.compile(r"eskalerat till ersättare i Sävsjö kl \d\d:\d\d")
    )
    await row.get_by_role("link").click()
    steps = board.locator(".detail .escalation li")
    await expect(steps.nth(0)).to_contain_text("Ej kvitterat i tid: till ersättare i Sävsjö kl")
    await expect(steps.nth(1)).to_contain_text("Om ingen kvitterar: till Jönköpings län kl")
    waited["since"] = dict.fromkeys(waited["since"], iso(story.now - HOUR // 2))
    await story.tell([], [Alert(rule="power.lost", about=about, level="critical", more={"standing": waited})])
    await expect(steps.nth(1)).to_contain_text("Ej kvitterat i tid: till Jönköpings län kl")
    await expect(row.locator(".tag.escalated")).to_contain_text("eskalerat till Jönköpings län kl")
    waited["since"] = dict.fromkeys(waited["since"], iso(story.now))
    await story.tell([], [Alert(rule="power.lost", about=about, level="critical", more={"standing": waited})])
    await expect(row.locator(".tag.escalated")).to_have_count(0)


async def test_what_cannot_be_stored_is_said_and_sent_again_as_the_same(board: Page, gateway: Running) -> None:
    """Without an answer nothing is said to be acknowledged; pressed again the act counts once."""
    kit.watched(board).forgive("ERR_FAILED|503")
    await board.goto(f"/?larm={KEY}")
    button = board.get_by_role("button", name="Kvittera")
    await expect(button).to_be_visible()
    sent: list[Any] = []

    async def lose(route: Any) -> None:
        sent.append(route.request.post_data_json)
        if len(sent) == 1:  # stored, and the answer lost
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await board.route("**/v1/orders", lose)
    await button.click()
    await expect(board.locator(".ack .told")).to_contain_text("Ingen kontakt. Inget har kvitterats")
    await button.click()
    await expect(board.locator(".ack .told")).to_contain_text("Sparat")
    assert sent[0]["id"] == sent[1]["id"]
    assert len({order["id"] for order in await orders(gateway)}) == 1


async def test_where_else_people_could_go_is_looked_up(board: Page, story: Story) -> None:
    """An alert names the nearest open point with room and power, and leads to it."""
    mains = {"power": {"source": "mains"}, "capacity_day": 80, "capacity_night": 80}
    await story.tell([Point(id="0684-hjaltevad-skola", name="Hjältevads skola", facts=mains, place=(14.7, 57.41))])
    await board.goto(f"/?omrade=06&larm={KEY}")
    nearest = board.locator(".detail .nearest")
    told = re.compile(r"Hjältevads skola.*Sävsjö · [\d,]+ km · 38 lediga platser · elnät")
    await expect(nearest).to_contain_text(told)
    await nearest.get_by_role("link").click()
    await expect(board.locator(".detail h2")).to_have_text("Hjältevads skola")


async def test_nothing_that_somebody_wrote_is_run(gateway: Running, story: Story, open_page: OpenPage) -> None:
    """Script in every text that the board shows is text: it stands there as it was written."""
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    need = {
        "need_id": "n1",
        "direction": "need",
        "kind": "fuel",
        "quantity": 1,
        "unit": evil[:32],
        "state": "requested",
        "note": evil,
    }
    point = Point(id="0684-savsjo-skola", name=evil, condition="critical", dark=True, needs=[need])
    profile = {"name": evil, "kind": "trygghetspunkt", "position": {"lon": 14.66, "lat": 57.4}, "address": evil}
    point.facts = {"profile": profile, "message": {"sv": evil}, "note": evil}
    ack = {
        "level": "kommun",
        "code": "0684",
        "role": "tib",
        "at": iso(story.now),
        "until": iso(story.now + HOUR),
        "note": evil,
    }
    evidence = [{"aspect": evil, "value": {evil: evil}, "observed_at": None, "report": None}]
    text = {"sv": f"Kritisk: {evil}: {evil}", "en": evil}
    more = {"acks": [ack], "evidence": evidence, "text": text, "point": {"id": point.id, "name": evil}}
    await story.tell([point], [Alert(rule="power.lost", about=point.id, level="critical", more=more)])
    page = await open_page(base_url=gateway.url)
    page.on("dialog", lambda dialog: pytest.fail(f"run: {dialog.message}"))
    await kit.log_in(page, gateway.token)
    await expect(page.locator("#slut .row .name").first).to_have_text(evil)
    for path in (
        f"/?omrade=06&larm={KEY}",
        f"/?omrade=0684&punkt={point.id}",
        "/?omrade=06&flik=behov",
        "/?omrade=06&vy=rapport",
    ):
        await page.goto(path)
        await expect(page.locator(".detail, #mer, .report").filter(has_text=evil).first).to_be_visible()
    assert await page.locator("img, main script").count() == 0


async def test_who_may_not_acknowledge_is_not_asked_to(gateway: Running, story: Story, open_page: OpenPage) -> None:
    """A reader sees the alert without the form; a län's reader sees no way out of the län."""
    del story
    page = await open_page(base_url=gateway.url)
    await kit.log_in(page, await gateway.token_of("reader", "06"), f"/?omrade=SE&larm={KEY}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Jönköpings län")
    await expect(page).to_have_url(re.compile("omrade=06"))
    await expect(page.locator(".detail")).to_contain_text("Underlag")
    await expect(page.locator("form.ack")).to_be_hidden()
    await expect(page.locator(".crumbs a")).to_have_count(0)
    await expect(page.locator("#karta .links a")).to_have_count(13)


async def test_in_and_out(gateway: Running, story: Story, open_page: OpenPage) -> None:
    """A wrong token is refused in words; out is out; a session whose token is revoked ends by itself, and says so."""
    del story
    page = await open_page(base_url=gateway.url)
    kit.watched(page).forgive("status of 401|ERR_INCOMPLETE_CHUNKED")
    await page.goto("/")
    await page.get_by_role("button", name="Logga in").click()
    await expect(page.locator(".told.wrong")).to_have_text("Klistra in åtkomstnyckeln.")
    await kit.log_in(page, "vk_0123456789ab_wrong", enters=False)
    await expect(page.locator(".told.wrong")).to_contain_text("gäller inte")
    await expect(page.get_by_label("Åtkomstnyckel")).to_be_focused()
    await page.get_by_label("Åtkomstnyckel").fill(gateway.token)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sverige")
    await page.get_by_role("button", name="Logga ut").click()
    await expect(page.get_by_label("Åtkomstnyckel")).to_be_visible()
    token = await gateway.token_of("lan", "06")
    await kit.log_in(page, token)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Jönköpings län")
    answer = await gateway.http.get("/v1/tokens")
    identity = next(each["id"] for each in answer.json()["tokens"] if each["role"] == "lan")
    assert (await gateway.http.delete(f"/v1/tokens/{identity}")).status_code == 200
    await expect(page.get_by_text("Du har loggats ut. Logga in igen.")).to_be_visible(timeout=30_000)
