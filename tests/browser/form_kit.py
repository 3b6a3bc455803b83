"""A gateway with a kommun's points, for tests of the form and the desk: what is known, and what was reported."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from browser.kit import PHONE
from gateway_kit import Running, running_gateway
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.instants import iso, parse

POINT = "2480-umedalen-skola"
OTHER = "2480-ersboda"
EVIL = '<script>window.ran=1</script><img src=x onerror="window.ran=1">'

OpenPage = Callable[..., Awaitable[Page]]


def ago(minutes: float) -> str:
    """An instant so many minutes ago, as it stands in documents."""
    then = datetime.now(UTC) - timedelta(minutes=minutes)
    return iso(int(then.timestamp()) * 1_000_000)


def facts(minutes: float, **values: Any) -> dict[str, Any]:
    """Facts of a state, all observed so many minutes ago by one report."""
    common = {"observed_at": ago(minutes), "seq": 0, "report": f"seed-{minutes:g}", "source": "urn:tp:kommun:2480"}
    return {name: common | {"value": value} for name, value in values.items()}


async def publish_state(running: Running, point: str, *, reality: str = "act", **more: Any) -> None:
    """Publish a state whose facts are these alone, with nothing in its timelines."""
    stated = {
        "timelines": {"reports": [], "aspects": {}, "known": {}},
        "last": {"content": more.pop("content", None), "confirmed": None, "heartbeat": None, "reached": None}
        | {"contact": more.pop("contact", None)},
        "conflict": more.pop("conflict", []),
        "runs_out_at": more.pop("runs_out_at", None),
    }
    own = more.pop("facts", {})
    subject = f"tp.v1.{reality}.state.{point[:2]}.{point[:4]}.{point[5:]}"
    document = {
        "id": point,
        "reality": reality,
        "kommun": point[:4],
        "lan": point[:2],
        "registered": "profile" in own,
        "retired": False,
        "facts": {"services": {}, "needs": {}} | own,
        "others": {},
        "version": "0" * 64,
        "as_of": ago(0),
        "freshness": "fresh",
        "link": "unknown",
        "condition": "green",
        "dark": False,
        "endurance_known": True,
        "alerts": [],
    }
    await running.publish(subject, document | stated | more)


def profile(name: str, no: int) -> dict[str, Any]:
    """A register."""
    return {
        "name": name,
        "kind": "trygghetspunkt",
        "position": {"lon": 20.17, "lat": 63.83},
        "no": no,
        "publish": "live",
        "planned_services": ["heat", "charging", "information"],
        "capacity_day": 120,
        "staff_required": 4,
    }


@asynccontextmanager
async def kommun(url: str, directory: Path, **settings: Any) -> AsyncIterator[Running]:
    """A gateway of Umeå kommun: one point on backup power with old readings, and one on the mains."""
    async with running_gateway(url, directory, area="2480", **settings) as running:
        await publish_state(
            running,
            POINT,
            content=ago(32),
            runs_out_at=iso(parse(ago(0)) + 3 * 3_600_000_000),
            facts=facts(14_400, profile=profile("Umedalens skola", 17))
            | facts(40, lifecycle="open", occupancy=35)
            | facts(
                32,
                power={"source": "backup", "backup_state": "running", "fuel_l": 60.0, "fuel_l_per_h": 12.0},
                staff={"present": 2, "required": 4},
            ),
        )
        await publish_state(
            running,
            OTHER,
            content=ago(70),
            facts=facts(14_400, profile=profile("Ersboda folkets hus", 2))
            | facts(70, lifecycle="prepared", power={"source": "mains"}, staff={"present": 3}),
        )
        yield running


async def reported(running: Running) -> list[dict[str, Any]]:
    """Every event that was stored, in order, as intake would read it."""
    subjects = ["tp.v1.*.report.>"]
    return [json.loads(each.data) async for each in scan(running.nc, streams.INTAKE, subjects)]


async def form_link(running: Running, point: str = POINT, realities: Any = ("act", "tst")) -> str:
    """The path of a link to a point's form."""
    return f"/rapportera?k={await running.token_of('reporter', '2480', point=point, realities=realities)}"


async def form(running: Running, open_page: OpenPage, *, link: str | None = None, **more: Any) -> Page:
    """The form of the point on a telephone, opened by a link, and ready."""
    page = await open_page(base_url=running.url, **({"size": PHONE} | more))
    await page.goto(link or await form_link(running))
    if more.get("javascript", True):
        await page.wait_for_selector("html.js")
    return page


async def choose(page: Page, name: str, value: str) -> None:
    """Answer a question by its button."""
    await page.locator(f'label.chip:has(input[name="{name}"][value="{value}"])').first.click()


async def send(page: Page) -> None:
    """Send the answers."""
    await page.locator(".send button[value=send]").first.click()


async def desk(running: Running, open_page: OpenPage, path: str = "/kommun", **more: Any) -> Page:
    """A page of the desk, of somebody of the kommun who has just logged in."""
    page = await open_page(base_url=running.url, **more)
    cookie = await running.http.post(
        "/login", json={"token": await running.token_of("kommun", "2480")}, headers={"authorization": ""}
    )
    name, _, value = cookie.headers["set-cookie"].partition(";")[0].partition("=")
    await page.context.add_cookies([{"name": name, "value": value, "url": running.url}])
    await page.goto(path)
    return page
