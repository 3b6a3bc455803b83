"""The desk's register from a file, and the sheets for points' binders."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import segno
from playwright.async_api import expect

from browser import kit
from browser.form_kit import EVIL, POINT, OpenPage, desk, kommun, reported
from gateway_kit import Running
from servers import NatsServer
from vardkase.gateway.desk.sheets import qr

pytestmark = pytest.mark.chromium

DESK = kit.Size(1280, 800)
CSV = f"""Namn;Id;Lat;Long;Publicering;Kapacitet;Egen kolumn
Umedalens skola;umedalen-skola;63,8312;20,1733;live;140;x
Ny skola;ny-skola;63,82;20,25;live;80;x
{EVIL};elak;63,83;20,26;dold;10;x
Fel skola;fel-skola;63,82;20,24;live;många;x
"""


@pytest.fixture
async def running(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    """A kommun's gateway."""
    async with kommun(nats_server.url, tmp_path / "node") as found:
        yield found


async def test_a_register_is_looked_at_before_it_is_sent(running: Running, open_page: OpenPage) -> None:
    """The dry run shows what is new, what changes, what becomes public and what is wrong; only then it is sent."""
    page = await desk(running, open_page, "/kommun/register", size=DESK)
    kit.watched(page).forgive("422")
    assert await kit.faults(page) == []
    register = {"name": "register.csv", "mimeType": "text/csv", "buffer": CSV.encode()}
    await page.get_by_label("Fil", exact=True).set_input_files(register)
    await page.get_by_role("button", name="Visa vad som ändras").click()
    main = page.get_by_role("main")
    await expect(main).to_contain_text("2 nya · 1 ändras")
    await expect(main).to_contain_text("kapacitet dag: 120 → 140")
    await expect(main).to_contain_text("Blir synliga för allmänheten (1)")
    await expect(main).to_contain_text("Ersboda folkets hus")
    await expect(main).to_contain_text("Fel (1)")
    await expect(page.get_by_role("combobox", name="Egen kolumn")).to_be_visible()
    assert await page.evaluate("window.ran") is None
    assert await kit.faults(page) == []
    assert await reported(running) == []
    button = page.get_by_role("button", name="Skicka 3 punkter, 1 blir synliga")
    await button.click()
    await expect(page.get_by_role("alert")).to_contain_text("Rätta felen, eller hoppa över dem.")
    assert await reported(running) == []
    await page.get_by_label("Skicka de rader som är rätt").check()
    await button.click()
    await expect(page.locator("#status")).to_contain_text("3 punkter skickade")
    events = await reported(running)
    assert sorted(each["subject"] for each in events) == ["2480-elak", "2480-ny-skola", POINT]
    assert all(each["type"] == "se.trygghetspunkt.register.v1" for each in events)
    (changed,) = [each["data"] for each in events if each["subject"] == POINT]
    assert (changed["capacity_day"], changed["staff_required"]) == (140, 4)


async def test_a_file_that_cannot_be_used_says_why(running: Running, open_page: OpenPage) -> None:
    """An Excel file, an empty one and one that is no table are told of in Swedish, and nothing is stored."""
    page = await desk(running, open_page, "/kommun/register", size=DESK)
    kit.watched(page).forgive("422")
    for raw, told in ((b"PK\x03\x04", "Excelfil"), (b"  ", "filen är tom"), (b'{"a":1}', "inte GeoJSON")):
        await page.get_by_label("Fil", exact=True).set_input_files(
            {"name": "fil.csv", "mimeType": "text/csv", "buffer": raw}
        )
        await page.get_by_role("button", name="Visa vad som ändras").click()
        await expect(page.get_by_role("alert")).to_contain_text(told)
    assert await reported(running) == []


async def test_a_sheet_opens_the_points_form(running: Running, open_page: OpenPage) -> None:
    """A sheet is made with a link of its own, which opens that point alone, and opens nothing once it is revoked."""
    page = await desk(running, open_page, "/kommun/blad", size=DESK)
    assert await kit.faults(page) == []
    await page.get_by_label("17 Umedalens skola").check()
    await page.get_by_role("button", name="Gör blad för markerade").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Umedalens skola")
    assert await page.locator("svg.qr path").count() >= 1
    assert await page.locator(".paper tbody tr").count() > 15
    assert await kit.faults(page) == []
    (token,) = [each for each in running.house.access.list() if each.point == POINT]
    assert (token.role, token.realities) == ("reporter", frozenset({"act", "tst"}))
    paper = await page.pdf(format="A4", prefer_css_page_size=True)
    assert paper.count(b"/Type /Page\n") == 2, "a sheet is two pages"
    await page.goto("/kommun/blad")
    await page.get_by_role("button", name="Återkalla länken till Umedalens skola").click()
    await expect(page.locator("#status")).to_contain_text("Länken är återkallad.")
    assert [each.revoked is not None for each in running.house.access.list() if each.point == POINT] == [True]


def test_the_code_is_the_links(tmp_path: Path) -> None:
    """The code in a sheet is the link's, with its quiet zone; nothing in it runs or is styled."""
    link = "http://127.0.0.1:8080/rapportera?k=vk_abcdefghijkl_" + "A" * 43
    drawn = qr(link)
    expected = tmp_path / "expected.svg"
    segno.make(link, error="m", micro=False).save(expected, border=4, omitsize=True, svgclass="qr", lineclass=None)
    squares = re.compile(r' d="([^"]+)"')
    assert squares.findall(drawn) == squares.findall(expected.read_text(encoding="utf-8"))
    assert 'viewBox="0 0 49 49"' in drawn
    assert "style=" not in drawn
    assert "<script" not in drawn
