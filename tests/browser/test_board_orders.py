"""What people do under Åtgärder: ask for reports, answer, note, adopt, silence, declare; each an order, then seen."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from browser import kit
from browser.conftest import OpenPage
from browser.story import Story
from gateway_kit import Running
from servers import Eventually
from vardkase.domain.snapshots import unpack
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, iso
from vardkase_contracts.orders import ORDER, AdoptOrder

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

LAN, PATH = "06", "/?omrade=06&flik=atgarder"
FIRST, SECOND = "a" * 64, "b" * 64
BY = {"role": "tib", "level": "lan", "code": LAN}


async def orders(gateway: Running) -> list[Any]:
    return [ORDER.validate_json(each.data) async for each in scan(gateway.nc, streams.ORDERS_UP, [])]


async def opened(gateway: Running, open_page: OpenPage, area: str = LAN, **more: Any) -> Page:
    """The board of somebody of the länsstyrelse, or of a kommun, at Åtgärder."""
    page = await open_page(base_url=gateway.url, **more)
    await kit.log_in(page, await gateway.token_of("lan" if len(area) == 2 else "kommun", area))
    await page.goto(f"{PATH.replace(LAN, area)}&del=mer")  # on a telephone one part is shown
    await expect(page.locator("main[aria-busy]")).to_have_count(0)
    await expect(page.locator(".acts")).to_be_visible()
    return page


def asked(story: Story, **more: Any) -> dict[str, Any]:
    """A request as it stands in a picture."""
    return {
        "id": "q1",
        "by": BY,
        "at": iso(story.now),
        "note": "Inför kvällens stab",
        "areas": [LAN],
        "questions": ["Hur länge räcker bränslet?"],
        "remind_at": iso(story.now + HOUR),
        "deadline": iso(story.now + 2 * HOUR),
        "state": "open",
        "asked": 13,
        "answered": 11,
        "missing": ["0684", "0687"],
    } | more


async def test_a_picture_is_adopted_as_it_was_when_the_form_was_opened(
    gateway: Running, story: Story, open_page: OpenPage, eventually: Eventually
) -> None:
    """What has come meanwhile is not adopted; the board says so, and what has changed since."""
    story.said[LAN] = {"version": FIRST}
    await story.pictures()
    page = await opened(gateway, open_page)
    acts = page.locator(".acts")
    await expect(acts).to_contain_text("Automatisk bild: inte fastställd av någon.")
    await eventually(lambda: gateway.house.pictures.current(Area("lan", LAN), "act") == FIRST, what="the first")
    await acts.get_by_role("button", name="Fastställ lägesbilden").click()
    await expect(acts.locator("form .about")).to_contain_text(FIRST[:12])
    story.said[LAN] = {"version": SECOND}
    await story.pictures()
    await eventually(
        lambda: gateway.house.pictures.current(Area("lan", LAN), "act") == SECOND, what="the second version"
    )
    await acts.get_by_label("Kommentar").fill("Stabsgenomgång 14 <b>x</b>")
    await acts.get_by_label("I rollen").select_option("stab")
    await acts.locator("form").get_by_role("button", name="Fastställ lägesbilden").click()
    await expect(acts.locator("form .told")).to_contain_text("Sparat")
    (order,) = await orders(gateway)
    assert isinstance(order, AdoptOrder)
    assert (order.data.version, order.data.by.role, order.data.by.code) == (FIRST, "stab", LAN)
    assert json.loads(unpack(order.data) or b"")["version"] == FIRST
    at = iso(story.now + 1)
    adopted = {"at": at, "by": BY | {"role": "stab"}, "version": FIRST, "note": order.data.note}
    adopted["sha256"] = order.data.sha256
    story.said[LAN] = {"version": SECOND, "adopted": adopted}
    await story.pictures()
    await expect(acts.locator("> .told")).to_have_text("Klart.")
    await expect(acts.locator(".adopted")).to_contain_text("Läget har ändrats sedan dess")
    await expect(acts.locator(".adopted .note")).to_have_text("Stabsgenomgång 14 <b>x</b>")
    await expect(acts).to_contain_text("fastställde lägesbilden")
    path = await acts.get_by_role("link", name="Öppna den fastställda bilden").get_attribute("href")
    async with gateway.client(await gateway.token_of("reader", LAN)) as reader:
        kept = await reader.get(path or "")
    assert hashlib.sha256(kept.content).hexdigest() == order.data.sha256
    story.said[LAN] |= {"version": FIRST}
    await story.pictures()
    await expect(acts.locator(".adopted")).to_contain_text("Inget av det bilden räknar har ändrats")
    await page.goto("/?omrade=06&vy=rapport")
    await expect(page.locator(".report .made")).to_contain_text("Fastställd samlad lägesbild")


async def test_reports_are_asked_for_and_who_is_missing_is_seen(
    gateway: Running, story: Story, open_page: OpenPage
) -> None:
    """The order says who is asked what by when; the list says who has not answered; it is withdrawn with a button."""
    page = await opened(gateway, open_page)
    acts = page.locator(".acts")
    await acts.get_by_role("button", name="Begär lägesrapport").click()
    form = acts.locator("form")
    await expect(form.get_by_role("heading")).to_be_focused()
    await form.get_by_label("Sävsjö").check()
    await form.get_by_label("Tranås").check()
    await expect(form.get_by_label("Alla i Jönköpings län")).not_to_be_checked()
    await form.get_by_label("Frågor utöver det vanliga").fill("Hur länge räcker bränslet?\n\n Behov i natt? ")
    await form.get_by_label("Svar inom").select_option("4")
    await form.get_by_label("Kommentar").fill("Inför kvällens stab")
    await form.get_by_role("button", name="Begär lägesrapport").click()
    await expect(form.locator(".told")).to_contain_text("Sparat")
    (order,) = await orders(gateway)
    data = order.data
    assert (order.kind, data.areas, data.questions) == (
        "report_request",
        ("0684", "0687"),
        ("Hur länge räcker bränslet?", "Behov i natt?"),
    )
    assert data.note == "Inför kvällens stab"
    assert 3.9 * HOUR < data.deadline.timestamp() * 1e6 - story.now < 4.1 * HOUR
    overdue = {"state": "overdue", "missing": ["0687"], "asked": 2, "answered": 1}
    story.said[LAN] = {"requests": [asked(story, id=order.id, **overdue)]}
    await story.pictures()
    await expect(acts.locator("> .told")).to_have_text("Klart.")
    await expect(form).to_have_count(0)
    row = acts.locator(".row", has_text="Inför kvällens stab").first
    await expect(row).to_contain_text("1 av 2 har svarat · tiden är ute")
    await expect(row).to_contain_text("Saknas: Tranås")
    await row.get_by_role("button", name="Återkalla begäran: Inför kvällens stab").click()
    await expect(acts.locator("> .told")).to_have_text("Klart.")
    last = (await orders(gateway))[-1]
    assert (last.data.id, last.data.withdrawn) == (order.id, True)


async def test_a_kommun_answers_the_questions_it_was_asked(gateway: Running, story: Story, open_page: OpenPage) -> None:
    """Question by question; the answer names the request, and the button goes when the picture shows it."""
    own = {"asked": 1, "answered": 0, "missing": ["0684"]}
    story.said["0684"] = {"requests": [asked(story, **own)]}
    await story.pictures()
    page = await opened(gateway, open_page, "0684", size=kit.PHONE)
    acts = page.locator(".acts")
    await expect(acts.get_by_role("button", name="Begär lägesrapport")).to_have_count(0)
    await acts.get_by_role("button", name="Svara på begäran: Inför kvällens stab").click()
    form = acts.locator("form")
    await expect(form).to_contain_text("Hur länge räcker bränslet?")
    await form.get_by_role("button", name="Svara på begäran").click()
    await expect(form.locator(".told")).to_have_text("Fyll i: anteckning.")
    await form.get_by_label("Svar").fill("Till i morgon kväll")
    await form.get_by_label("Anteckning").fill("Lugnt hos oss")
    await form.get_by_role("button", name="Svara på begäran").click()
    await expect(form.locator(".told")).to_contain_text("Sparat")
    (order,) = await orders(gateway)
    assert (order.kind, order.data.request, order.data.answers) == ("note", "q1", ("Till i morgon kväll",))
    answered = {"asked": 1, "answered": 1, "missing": [], "state": "answered"}
    story.said["0684"] = {"requests": [asked(story, **answered)]}
    await story.pictures()
    await expect(acts.locator("> .told")).to_have_text("Klart.")
    await expect(acts.get_by_role("button", name="Svara på begäran: Inför kvällens stab")).to_have_count(0)
    assert await kit.overflows(page) == []


async def test_notes_silences_and_incidents_are_given_and_ended(
    gateway: Running, story: Story, open_page: OpenPage
) -> None:
    """Each stands in what was decided lately; what runs is ended with a button."""
    page = await opened(gateway, open_page)
    acts = page.locator(".acts")
    await acts.get_by_role("button", name="Anteckna").click()
    await acts.get_by_label("Anteckning").fill("Mobilt elverk på väg")
    await acts.locator("form").get_by_role("button", name="Anteckna").click()
    await expect(acts.locator("form .told")).to_contain_text("Sparat")
    (note,) = await orders(gateway)
    story.said[LAN] = {"notes": [{"id": note.id, "at": iso(story.now), "by": BY, "note": note.data.note}]}
    await story.pictures()
    await expect(acts.locator("form")).to_have_count(0)
    await expect(acts.locator(".note", has_text="Mobilt elverk på väg").first).to_be_visible()

    await acts.get_by_role("button", name="Tysta larm").click()
    await acts.get_by_label("Vilka larm").select_option("freshness.stale")
    await acts.get_by_label("Varför").fill("Mobilnätet är nere")
    await acts.locator("form").get_by_role("button", name="Tysta larm").click()
    await expect(acts.locator(".running")).to_contain_text("Jönköpings län")
    await acts.get_by_role("button", name="Utlys händelse").click()
    await acts.get_by_label("Vad händelsen kallas").fill("Storm Alfa")
    await acts.locator("form").get_by_role("button", name="Utlys händelse").click()
    await expect(acts.locator(".running")).to_contain_text("händelse: Storm Alfa")
    await acts.get_by_role("button", name="Avsluta: Storm Alfa").click()
    await expect(acts.locator(".running")).not_to_contain_text("Storm Alfa")
    given = await orders(gateway)
    assert [each.kind for each in given] == ["note", "silence", "incident", "incident"]
    assert (given[1].data.matcher.rule, given[1].data.matcher.area) == ("freshness.stale", LAN)
    assert given[3].data.id == given[2].data.id
    assert abs((given[3].data.until - given[3].time).total_seconds()) < 5


async def test_an_incident_is_changed(gateway: Running, story: Story, open_page: OpenPage) -> None:
    """Another end, other areas, by the same id and from the same beginning; what is not touched stays."""
    del story
    page = await opened(gateway, open_page)
    acts = page.locator(".acts")
    await acts.get_by_role("button", name="Utlys händelse").click()
    await acts.get_by_label("Vad händelsen kallas").fill("Storm Alfa")
    await acts.get_by_label("Gäller i").select_option("4")
    await acts.locator("form").get_by_role("button", name="Utlys händelse").click()
    await acts.get_by_role("button", name="Ändra: Storm Alfa").click()
    form = acts.get_by_role("form", name="Ändra händelsen")
    await expect(form.get_by_label("Vad händelsen kallas")).to_have_value("Storm Alfa")
    await form.get_by_label("Sävsjö").check()
    await expect(form.get_by_label("Alla i Jönköpings län")).not_to_be_checked()
    await form.get_by_role("button", name="Ändra händelsen").click()
    await expect(form).to_have_count(0)
    await acts.get_by_role("button", name="Ändra: Storm Alfa").click()
    await expect(form.get_by_label("Sävsjö")).to_be_checked()
    await form.get_by_label("Gäller, räknat från nu").select_option("24")
    await form.get_by_role("button", name="Ändra händelsen").click()
    await expect(form).to_have_count(0)
    first, areas, longer = (each.data for each in await orders(gateway))
    assert {each.id for each in (areas, longer)} == {first.id}
    assert {each.from_ for each in (areas, longer)} == {first.from_}
    assert [each.areas for each in (first, areas, longer)] == [(LAN,), ("0684",), ("0684",)]
    assert areas.until == first.until
    assert 19 < (longer.until - first.until).total_seconds() / 3600 < 21


async def test_who_only_looks_is_offered_nothing(gateway: Running, story: Story, open_page: OpenPage) -> None:
    """A reader sees what was decided, and no button."""
    del story
    page = await open_page(base_url=gateway.url)
    await kit.log_in(page, await gateway.token_of("reader", LAN))
    await page.goto(PATH)
    await expect(page.locator(".acts .adopted")).to_be_visible()
    await expect(page.locator(".acts .actbar")).to_be_hidden()


async def test_no_serious_fault_under_acts(gateway: Running, story: Story, open_page: OpenPage, tmp_path: Path) -> None:
    """axe-core finds none in the lists and in each form, light and dark; and how it looks is kept to be looked at."""
    note = {"id": "n1", "at": iso(story.now - HOUR), "by": BY, "note": "Mobilt elverk från Vetlanda, framme 18:30"}
    adopted = {"at": iso(story.now - HOUR), "by": BY, "version": FIRST, "note": "Stabsgenomgång 14", "sha256": FIRST}
    story.said[LAN] = {"notes": [note], "requests": [asked(story)], "adopted": adopted}
    await story.pictures()
    faults: list[str] = []
    for theme in ("light", "dark"):
        page = await opened(gateway, open_page, theme=theme)
        acts = page.locator(".acts")
        await expect(acts.locator(".adopted")).to_be_visible()
        await page.screenshot(path=tmp_path / f"acts-{theme}.png")
        faults += [f"{theme}: {each}" for each in await kit.faults(page)]
        for name in ("Fastställ lägesbilden", "Begär lägesrapport", "Tysta larm", "Utlys händelse"):
            await acts.locator(".actbar").get_by_role("button", name=name).click()
            faults += [f"{theme} {name}: {each}" for each in await kit.faults(page)]
            await page.screenshot(path=tmp_path / f"acts-{theme}-{name.split()[0]}.png")
            await acts.get_by_role("button", name="Avbryt").click()
            await expect(acts.locator(".actbar").get_by_role("button", name=name)).to_be_focused()
    assert faults == []
