"""Who is let in where: every role, in every area, at every route that there is.

What is expected stands in tables of its own, made of docs/access.md and not of the code: a route without a line, and a
line without a route, fail.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import pytest
from pydantic import BaseModel

from gateway_kit import Running, running_gateway
from servers import NatsServer
from vardkase.federation import topology
from vardkase.gateway import web
from vardkase.notifier.letters import Letter, Letters
from vardkase.runtime.jetstream.connection import Connection
from vardkase_contracts.areas import NATION
from vardkase_contracts.client import new_id, new_report
from vardkase_contracts.schemas import example

INSIDE: Final = {
    "2480": {"2480"},
    "0180": {"0180"},
    "24": {"2480", "24"},
    "01": {"0180", "01"},
    "norra": {"2480", "24", "norra"},
    "SE": {"2480", "0180", "24", "01", "norra", "SE"},
}
"""Which of the areas that are asked for lie in that of a token."""
LOOKS: Final = {"reader", "kommun", "lan", "nation", "admin"}
REPORTS: Final = {"reporter", "kommun", "admin"}
ORDERS: Final = {"kommun", "lan", "nation", "admin"}
DESK: Final = {"kommun", "admin"}

KOMMUNER: Final = ("2480", "0180")
AREAS: Final = ("2480", "0180", "24", "SE")


@dataclass(frozen=True, kw_only=True)
class Row:
    """Somebody who asks."""

    name: str
    role: str
    area: str
    point: str | None = None
    realities: tuple[str, ...] = ("act", "exe", "tst")
    state: Literal["live", "revoked", "expired", "nobody", "form"] = "live"
    by: Literal["token", "session"] = "token"

    def covers(self, target: str) -> bool:
        return "act" in self.realities and target in INSIDE[self.area]

    def covers_point(self, target: str) -> bool:
        return self.covers(target) and self.point in {None, f"{target}-skolan"}


def rows() -> Iterator[Row]:
    for role, areas in {
        "reader": ("2480", "24", "norra", "SE", "0180"),
        "reporter": ("2480", "0180"),
        "kommun": ("2480", "0180"),
        "lan": ("24", "01", "norra"),
        "nation": ("SE",),
        "admin": ("2480", "24", "SE", "0180"),
    }.items():
        for area in areas:
            yield Row(name=f"{role} {area}", role=role, area=area)
    yield Row(name="link", role="reporter", area="2480", point="2480-skolan")
    yield Row(name="link of another point", role="reporter", area="2480", point="2480-badet")
    yield Row(name="exercise alone", role="admin", area="SE", realities=("exe",))
    yield Row(name="revoked", role="admin", area="SE", state="revoked")
    yield Row(name="expired", role="admin", area="SE", state="expired")
    yield Row(name="nobody", role="", area="2480", state="nobody")
    yield Row(name="form's session", role="reporter", area="2480", point="2480-skolan", state="form")
    for role, area in (("kommun", "2480"), ("lan", "24"), ("reader", "SE"), ("admin", "SE")):
        yield Row(name=f"{role} {area} logged in", role=role, area=area, by="session")


Rule = Callable[[Row, str], bool]


def looks(row: Row, target: str) -> bool:
    return row.role in LOOKS and row.covers(target)


def looks_at_point(row: Row, target: str) -> bool:
    return row.role in LOOKS | {"reporter"} and row.covers_point(target)


def looks_at_any_point(row: Row, target: str) -> bool:
    return row.point is None and looks_at_point(row, target)


def reports(row: Row, target: str) -> bool:
    return row.role in REPORTS and row.covers_point(target)


def orders(row: Row, target: str) -> bool:
    return row.role in ORDERS and row.covers(target)


def orders_at_home(row: Row, _: str) -> bool:
    return row.role in ORDERS and row.covers(row.area)


def says_what_a_point_is(row: Row, target: str) -> bool:
    return row.role in REPORTS and row.point is None and row.covers(target)


def asks_for_reports(row: Row, target: str) -> bool:
    return row.role in ORDERS - {"kommun"} and row.covers(target)


def at_the_desk(row: Row, target: str) -> bool:
    return row.role in DESK and row.covers(target)


def manages_links(row: Row, _: str) -> bool:
    return row.role in {"admin", "kommun"}


def makes_tokens(row: Row, target: str) -> bool:
    return row.role == "admin" and row.covers(target)


def makes_links(row: Row, target: str) -> bool:
    return row.role in {"admin", "kommun"} and row.covers(target)


def shuts_out(row: Row, _: str) -> bool:
    return row.role == "admin" and row.realities == ("act", "exe", "tst")


def looks_anywhere(row: Row, _: str) -> bool:
    return row.role in LOOKS and row.covers(row.area)


def of_the_whole_node(row: Row, _: str) -> bool:
    return row.role in LOOKS and row.area == "SE" and "act" in row.realities


def known(_: Row, __: str) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A way to ask a route about a target."""

    rule: Rule | None
    """Who is let in; None: everyone, also without anything."""
    path: str = ""
    """With the target in it; the route's own unless given."""
    targets: tuple[str, ...] = ("2480",)
    params: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] | None = None
    json: Callable[[str], Any] | None = None
    text: str | None = None
    """A body in plain text, with the target in it."""
    kind: str = "application/json"
    looks_at_what_is_shown: bool = False
    """Everyone is let in, but who shows a token that opens nothing is told so."""
    refused: tuple[int, ...] = (403,)
    """What whoever is not let in is told; 404 where that there is something would be told by 403."""


def plain(event: BaseModel) -> Any:
    return event.model_dump(mode="json", exclude_unset=True, by_alias=True)


def report(target: str) -> Any:
    return plain(new_report("confirm", f"{target}-skolan", {}, reality="act"))


def note(target: str) -> Any:
    return {"kind": "note", "area": target, "reality": "act", "role": "stab", "id": new_id(), "note": "a"}


def request_for_reports(target: str) -> Any:
    deadline = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    data = {"areas": [target], "questions": ["Hur länge räcker bränslet?"], "deadline": deadline}
    return note(target) | {"kind": "report_request", "data": data}


def retire(target: str) -> Any:
    return plain(new_report("retire", f"{target}-badet", {"reason": "riven"}, reality="act"))


def acceptance(target: str) -> Any:
    other = {"point": "1880-b", "need_id": "s"}
    return {"point": f"{target}-skolan", "need_id": "n", "report": "r", "counterpart": other}


FLEET: Final = {"trucks": [{"name": "A", "position": {"lon": 20.0, "lat": 63.0}, "litres": 500}]}
POINTS: Final = {"targets": KOMMUNER, "path": "/v1/points/{t}-skolan"}
GRID: Final = {"reality": "act", "sid": "s0123456789"}

TABLE: Final[dict[tuple[str, str], list[Cell]]] = {
    ("GET", "/v1/pictures/{level}/{code}"): [
        Cell(rule=looks, targets=KOMMUNER, path="/v1/pictures/kommun/{t}"),
        Cell(rule=looks, targets=("24", "01"), path="/v1/pictures/lan/{t}"),
        Cell(rule=looks, targets=("norra",), path="/v1/pictures/civo/{t}"),
        Cell(rule=looks, targets=("SE",), path="/v1/pictures/nation/{t}"),
        Cell(rule=looks, path="/v1/pictures/kommun/{t}", params={"at": "2026-01-01T00:00:00Z"}),
    ],
    ("GET", "/v1/orders"): [Cell(rule=looks, targets=AREAS, params={"code": "{t}"}), Cell(rule=looks_anywhere)],
    ("GET", "/v1/pictures/{level}/{code}/adopted"): [
        Cell(rule=looks, targets=KOMMUNER, path="/v1/pictures/kommun/{t}/adopted"),
        Cell(rule=looks, targets=("SE",), path="/v1/pictures/nation/{t}/adopted"),
    ],
    ("GET", "/v1/pictures/{level}/{code}/adopted/{version}"): [
        Cell(rule=looks, targets=KOMMUNER, path=f"/v1/pictures/kommun/{{t}}/adopted/{'0' * 64}"),
    ],
    ("GET", "/v1/points"): [
        Cell(rule=looks, targets=AREAS, params={"code": "{t}"}),
        Cell(rule=looks, targets=("24",), params={"code": "{t}", "at": "2026-01-01T00:00:00Z"}),
        Cell(rule=looks_anywhere),
    ],
    ("GET", "/v1/points/{point}"): [
        Cell(rule=looks_at_point, **POINTS),
        Cell(rule=looks_at_point, **POINTS, params={"at": "2026-01-01T00:00:00Z"}),
        Cell(rule=looks_at_any_point, targets=KOMMUNER, path="/v1/points/{t}-finns-inte"),
    ],
    ("GET", "/v1/points/{point}/history"): [
        Cell(rule=looks_at_point, targets=KOMMUNER, path="/v1/points/{t}-skolan/history")
    ],
    ("GET", "/v1/alerts"): [Cell(rule=looks, targets=AREAS, params={"code": "{t}"}), Cell(rule=looks_anywhere)],
    ("GET", "/v1/escalations"): [Cell(rule=looks, targets=AREAS, params={"code": "{t}"}), Cell(rule=looks_anywhere)],
    ("GET", "/v1/alerts.atom"): [Cell(rule=looks, targets=AREAS, params={"code": "{t}"}), Cell(rule=looks_anywhere)],
    ("GET", "/v1/alerts/{key:path}"): [
        Cell(rule=looks_at_point, targets=KOMMUNER, path="/v1/alerts/power.lost/{t}-skolan"),
        Cell(rule=looks_at_point, targets=KOMMUNER, path="/v1/alerts/heat.low/{t}-skolan"),
        Cell(rule=looks, targets=KOMMUNER, path="/v1/alerts/area.silent/{t}"),
        Cell(rule=looks, targets=("24", "01"), path="/v1/alerts/area.red_share/{t}"),
    ],
    ("GET", "/v1/needs"): [Cell(rule=looks, targets=AREAS, params={"code": "{t}"}), Cell(rule=looks_anywhere)],
    ("GET", "/v1/forecasts"): [Cell(rule=looks, targets=AREAS, params={"code": "{t}"}), Cell(rule=looks_anywhere)],
    ("GET", "/v1/points/{point}/forecast"): [
        Cell(rule=looks_at_point, targets=KOMMUNER, path="/v1/points/{t}-skolan/forecast")
    ],
    ("GET", "/v1/short"): [Cell(rule=looks, targets=AREAS, params={"code": "{t}"}), Cell(rule=looks_anywhere)],
    ("GET", "/v1/links"): [Cell(rule=looks, targets=AREAS, params={"code": "{t}"}), Cell(rule=looks_anywhere)],
    ("GET", "/v1/exercises"): [Cell(rule=looks, targets=AREAS, params={"code": "{t}"}), Cell(rule=looks_anywhere)],
    ("POST", "/v1/exercises/refile"): [
        Cell(rule=at_the_desk, targets=KOMMUNER, json=lambda t: {"kommun": t, "reports": ["x"], "role": "krisledning"})
    ],
    ("GET", "/v1/changes"): [
        Cell(rule=looks, targets=AREAS, params={"code": "{t}", "since": "2026-01-01T00:00:00Z"}),
        Cell(rule=looks_anywhere, params={"since": "2026-01-01T00:00:00Z"}),
    ],
    ("GET", "/v1/scorecards/{kommun}"): [Cell(rule=looks, targets=KOMMUNER, path="/v1/scorecards/{t}")],
    ("GET", "/overlamning"): [Cell(rule=looks, targets=AREAS, params={"omrade": "{t}"}), Cell(rule=looks_anywhere)],
    ("GET", "/kommun/aterkoppling"): [Cell(rule=looks, targets=KOMMUNER, params={"kod": "{t}"})],
    ("GET", "/v1/stream"): [
        Cell(rule=looks, targets=AREAS, params={"area": "{t}"}),
        Cell(rule=looks, targets=("24",), params={"area": "{t}", "kinds": "state", "pictures": "all"}),
        Cell(rule=looks_anywhere),
    ],
    ("POST", "/v1/reports"): [
        Cell(rule=reports, targets=KOMMUNER, json=report, kind="application/cloudevents+json"),
        Cell(rule=reports, targets=KOMMUNER, json=lambda t: [report(t)], kind="application/cloudevents-batch+json"),
        Cell(rule=says_what_a_point_is, targets=KOMMUNER, json=retire, kind="application/cloudevents+json"),
    ],
    ("POST", "/v1/lines"): [
        Cell(rule=reports, targets=KOMMUNER, text="TP SKARPT 0001 {t} 17 ALLT OFÖRÄNDRAT", kind="text/plain"),
        Cell(rule=says_what_a_point_is, targets=KOMMUNER, text="TP SKARPT 0001 {t} 18 O", kind="text/plain"),
    ],
    ("POST", "/v1/orders"): [
        Cell(rule=orders, targets=AREAS, json=note),
        Cell(rule=asks_for_reports, targets=AREAS, json=request_for_reports),
    ],
    ("GET", "/v1/notifications"): [
        Cell(rule=orders, targets=AREAS, params={"code": "{t}"}),
        Cell(rule=orders_at_home),
    ],
    ("POST", "/v1/notifications/{name}/resend"): [
        Cell(rule=orders, targets=KOMMUNER, path="/v1/notifications/{letter}/resend", refused=(403, 404))
    ],
    ("POST", "/v1/needs/accept"): [Cell(rule=reports, targets=KOMMUNER, json=acceptance)],
    ("POST", "/v1/fuel-round"): [
        Cell(rule=looks, targets=AREAS, json=lambda t: FLEET | {"code": t}),
        Cell(rule=looks_anywhere, json=lambda _: FLEET),
    ],
    ("POST", "/login"): [],  # lets in, and asks for nobody who is: tested with what it makes
    ("POST", "/logout"): [Cell(rule=None, looks_at_what_is_shown=True)],
    ("GET", "/v1/me"): [Cell(rule=known)],
    ("GET", "/v1/tokens"): [Cell(rule=manages_links)],
    ("POST", "/v1/tokens"): [
        Cell(rule=makes_tokens, targets=AREAS, json=lambda t: {"role": "reader", "area": t, "realities": ["act"]}),
        Cell(
            rule=makes_links,
            targets=KOMMUNER,
            json=lambda t: {"role": "reporter", "area": t, "point": f"{t}-skolan", "realities": ["act"]},
        ),
    ],
    ("DELETE", "/v1/tokens/{identity}"): [
        Cell(rule=makes_tokens, targets=AREAS, path="/v1/tokens/{reader}", refused=(403, 404)),
        Cell(rule=makes_links, targets=KOMMUNER, path="/v1/tokens/{link}", refused=(403, 404)),
        Cell(rule=shuts_out, path="/v1/tokens/oidc-000000000000000000000000"),
    ],
    ("GET", "/healthz"): [Cell(rule=None)],
    ("GET", "/readyz"): [Cell(rule=None)],
    ("GET", "/metrics"): [Cell(rule=of_the_whole_node)],
    ("GET", "/openapi.json"): [Cell(rule=None)],
    ("GET", "/asyncapi.json"): [Cell(rule=None)],
    ("GET", "/public/v1/points"): [Cell(rule=None)],
    ("GET", "/public/v1/points/{point}"): [Cell(rule=None, path="/public/v1/points/2480-skolan")],
    ("GET", "/public/v1/kommuner"): [Cell(rule=None)],
    ("GET", "/public/v1/stream"): [Cell(rule=None)],
    ("GET", "/public/v1/dcat"): [Cell(rule=None)],
    ("GET", "/publik"): [Cell(rule=None)],
    ("GET", "/publik/{name}"): [Cell(rule=None, path="/publik/publik.css")],
    ("GET", "/"): [
        Cell(rule=None, looks_at_what_is_shown=True)
    ],  # a page that asks to log in: what it shows, it asks for
    ("GET", "/tillganglighet"): [Cell(rule=None)],
    ("GET", "/board/static/{version}/{path:path}"): [Cell(rule=None, path="/board/static/x/y.css")],
    ("GET", "/board/clock"): [Cell(rule=known)],
    ("GET", "/rapportera"): [],  # of a form's session alone: `test_a_point_s_form`
    ("POST", "/rapportera"): [],
    ("POST", "/rapportera/stang"): [],
    ("GET", "/rapportera/tid"): [Cell(rule=None)],
    ("GET", "/rapportera/sw.js"): [Cell(rule=None)],
    ("GET", "/rapportera/static/{version}/{name}"): [Cell(rule=None, path="/rapportera/static/x/y.css")],
    ("GET", "/kommun"): [Cell(rule=looks, targets=KOMMUNER, params={"kod": "{t}"})],
    ("POST", "/kommun"): [
        Cell(rule=at_the_desk, targets=KOMMUNER, form=GRID | {"kod": "{t}", "do": "unchanged/{t}-skolan"})
    ],
    ("GET", "/kommun/punkt/{point}"): [Cell(rule=looks, targets=KOMMUNER, path="/kommun/punkt/{t}-skolan")],
    ("POST", "/kommun/punkt/{point}"): [
        Cell(rule=at_the_desk, targets=KOMMUNER, path="/kommun/punkt/{t}-skolan", form=GRID | {"do": "unchanged"})
    ],
    ("GET", "/kommun/punkt/{point}/aterkalla"): [
        Cell(rule=at_the_desk, targets=KOMMUNER, path="/kommun/punkt/{t}-skolan/aterkalla", params={"rapport": "x"})
    ],
    ("POST", "/kommun/punkt/{point}/aterkalla"): [
        Cell(
            rule=at_the_desk,
            targets=KOMMUNER,
            path="/kommun/punkt/{t}-skolan/aterkalla",
            form=GRID | {"rapport": "x"},
        )
    ],
    ("POST", "/kommun/aktivering"): [
        Cell(rule=at_the_desk, targets=KOMMUNER, form=GRID | {"kod": "{t}", "do": "none_needed"})
    ],
    ("GET", "/kommun/rad"): [Cell(rule=at_the_desk, targets=KOMMUNER, params={"kod": "{t}"})],
    ("POST", "/kommun/rad"): [
        Cell(
            rule=at_the_desk,
            targets=KOMMUNER,
            form={"kod": "{t}", "reality": "act", "channel": "sms", "rad": "TP SKARPT 0001 {t} 17 O", "do": "skicka"},
        )
    ],
    ("GET", "/kommun/register"): [Cell(rule=at_the_desk, targets=KOMMUNER, params={"kod": "{t}"})],
    ("POST", "/kommun/register"): [
        Cell(rule=at_the_desk, targets=KOMMUNER, form=GRID | {"kod": "{t}", "file": "bmFtbgo=", "crs": ""})
    ],
    ("GET", "/kommun/blad"): [Cell(rule=at_the_desk, targets=KOMMUNER, params={"kod": "{t}"})],
    ("POST", "/kommun/blad"): [
        Cell(rule=at_the_desk, targets=KOMMUNER, form=GRID | {"kod": "{t}", "pick": "{t}-skolan", "lasts": "30"})
    ],
    ("POST", "/kommun/blad/aterkalla"): [
        Cell(rule=at_the_desk, targets=KOMMUNER, form=GRID | {"kod": "{t}", "id": "{link}"})
    ],
}


def routes_there_are() -> set[tuple[str, str]]:
    """Every route of the application, those of routers in routers too."""

    def walk(routes: Any) -> Iterator[tuple[str, str]]:
        for route in routes:
            inner = getattr(route, "original_router", None)
            if inner is not None:
                yield from walk(inner.routes)
            elif hasattr(route, "routes"):
                yield from walk(route.routes)
            else:
                yield from ((method, route.path) for method in route.methods)

    return set(walk(web.application().routes))


def test_every_route_has_its_line() -> None:
    """A route that nobody has said who may use is a fault, and so is a line about none."""
    assert routes_there_are() == set(TABLE)


def test_every_open_route_is_open_on_purpose() -> None:
    """What everyone may ask without showing anything: how the node is, the public side, and pages' empty shells."""
    everyone = {path for (_, path), cells in TABLE.items() if any(cell.rule is None for cell in cells)}
    assert everyone == {
        "/",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/asyncapi.json",
        "/logout",
        "/public/v1/points",
        "/public/v1/points/{point}",
        "/public/v1/kommuner",
        "/public/v1/stream",
        "/public/v1/dcat",
        "/publik",
        "/publik/{name}",
        "/tillganglighet",
        "/board/static/{version}/{path:path}",
        "/rapportera/tid",
        "/rapportera/sw.js",
        "/rapportera/static/{version}/{name}",
    }


class Crowd:
    """A client for each row, and tokens that are made to be revoked."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.clients: dict[str, httpx.AsyncClient] = {}

    async def enter(self, stack: AsyncExitStack) -> None:
        access = self.running.house.access
        for row in rows():
            if row.state == "nobody":
                client = self.running.client(None)
            else:
                text = await self.running.token_of(
                    row.role,  # type: ignore[arg-type]
                    row.area,
                    point=row.point,
                    realities=row.realities,
                )
                identity = text.split("_")[1]
                client = self.running.client(None if row.by == "session" or row.state == "form" else text)
                if row.by == "session":
                    answer = await client.post("/login", json={"token": text})
                    assert answer.status_code == 200, answer.text
                    client.headers["origin"] = self.running.url
                if row.state == "form":
                    answer = await client.get("/rapportera", params={"k": text})
                    assert answer.status_code == 303, answer.text
                    client.headers["origin"] = self.running.url
                if row.state == "revoked":
                    await access.revoke(identity, by="test")
                if row.state == "expired":
                    token = access.token(identity)
                    assert token is not None
                    access._issued.mirror._values[identity] = type(token)(**_fields(token) | {"expires": 1})
            self.clients[row.name] = client
            stack.push_async_callback(client.aclose)

    async def asked(self, row: Row, method: str, route: str, cell: Cell, target: str) -> int:
        """What whoever asks is told."""
        words = {"t": target}
        if "{reader}" in cell.path:
            words["reader"] = (await self.running.token_of("reader", target)).split("_")[1]
        if "{letter}" in cell.path:
            words["letter"] = await given_up(self.running, target)
        if "{link}" in cell.path or "{link}" in str(cell.form):
            link = await self.running.token_of("reporter", target, point=f"{target}-skolan")
            words["link"] = link.split("_")[1]

        def told(text: str) -> str:
            for name, value in words.items():
                text = text.replace("{" + name + "}", value)
            return text

        options: dict[str, Any] = {"params": {name: told(value) for name, value in cell.params.items()}}
        if cell.form is not None:
            form = cell.form | ({"sid": f"s{new_id()}"} if "sid" in cell.form else {})
            options["data"] = {name: told(value) for name, value in form.items()}
        if cell.json is not None:
            options["json"] = cell.json(target)
            options["headers"] = {"content-type": cell.kind}
        if cell.text is not None:
            options["content"] = told(cell.text).encode()
            options["headers"] = {"content-type": cell.kind}
        client = self.clients[row.name]
        async with client.stream(method, told(cell.path or route), **options) as answer:
            return answer.status_code


async def given_up(running: Running, kommun: str) -> str:
    """A notification about a kommun that a receiver did not take; its name."""
    letter = Letter(
        receiver="larm",
        id=f"msg_{kommun:0<32}",
        what="raised",
        key=f"alert/act/area.silent/{kommun}",
        reality="act",
        level="red",
        areas=(kommun, kommun[:2], "SE"),
        at="2026-11-20T03:00:00Z",
        attempts=10,
        reason="500",
        body="{}",
    )
    await Letters(running.nc).put(letter)
    return letter.name


def _fields(token: Any) -> dict[str, Any]:
    return {name: getattr(token, name) for name in type(token).__slots__}


def expected(row: Row, cell: Cell, target: str) -> Literal["in", "nobody", "refused"]:
    if cell.rule is None:
        wrong = cell.looks_at_what_is_shown and row.state in {"revoked", "expired"}
        return "nobody" if wrong else "in"
    if row.state != "live":
        return "nobody"
    return "in" if cell.rule(row, target) else "refused"


async def world(running: Running) -> None:
    """Points, alerts and pictures in each of the areas, so that who is let in finds something."""
    for code in ("2480", "0180", "24", "01", "norra", "SE"):
        await running.picture(code)
    for kommun in KOMMUNER:
        for slug in ("skolan", "badet"):
            profile = {**example("state")["facts"]["profile"]["value"], "no": {"skolan": 17, "badet": 19}[slug]}
            await running.state(f"{kommun}-{slug}", facts={"profile": profile})
        await running.alert(f"power.lost/{kommun}-skolan")
        await running.alert(f"area.silent/{kommun}")
    for lan in ("24", "01"):
        await running.alert(f"area.red_share/{lan}")


_LIMITS: Final = ("rate", "burst", "address_rate", "address_burst", "failure_rate", "failure_burst")
OPEN_RATES: Final = dict.fromkeys(_LIMITS, 1_000_000)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_every_role_in_every_area_at_every_route(nats_server: NatsServer, nc: Connection, tmp_path: Path) -> None:
    """Whoever may is let in; who may not is told 403, and who is nobody 401: in every cell."""
    await topology.ensure_public(nc, NATION, share=0.05)
    async with (
        running_gateway(nats_server.url, tmp_path, access=OPEN_RATES, nats_public_url=nats_server.url) as running,
        AsyncExitStack() as stack,
    ):
        await world(running)
        crowd = Crowd(running)
        await crowd.enter(stack)
        wrong: list[str] = []
        lock = asyncio.Semaphore(6)

        async def see(row: Row, method: str, route: str, cell: Cell, target: str) -> None:
            async with lock:
                status = await crowd.asked(row, method, route, cell, target)
            wanted = expected(row, cell, target)
            if wanted == "in":
                right = status < 500 and status not in {401, 403}
            else:
                right = status in (cell.refused if wanted == "refused" else (401,))
            if not right:
                wrong.append(f"{row.name}: {method} {route} of {target}: {wanted}, but {status}")

        cells = [
            (row, method, route, cell, target)
            for (method, route), listed in TABLE.items()
            for cell in listed
            for target in cell.targets
            for row in rows()
            if (route, row.by) != ("/logout", "session")  # it would be another row from then on
        ]
        await asyncio.gather(*(see(*cell) for cell in cells))
        assert len(cells) > 2_000
        assert not wrong, "\n".join(sorted(wrong))


async def test_a_points_form_is_for_whoever_has_its_link(nats_server: NatsServer, tmp_path: Path) -> None:
    """Neither a token nor a board's session opens it, and a link to another point opens that point alone."""
    async with running_gateway(nats_server.url, tmp_path, access=OPEN_RATES) as running:
        await world(running)
        url = running.url
        link = await running.token_of("reporter", "2480", point="2480-skolan")
        for secret in (await running.token_of("reporter", "2480"), running.token, "vk_x"):
            async with running.client(None) as client:
                assert (await client.get("/rapportera", params={"k": secret})).status_code == 401
                assert (await client.get("/rapportera")).status_code == 401
        async with running.client(link) as client:
            assert (await client.get("/rapportera")).status_code == 401
        async with running.client(None, origin=url) as client:
            assert (await client.get("/rapportera", params={"k": link})).status_code == 303
            assert (await client.get("/rapportera")).status_code == 200
            form = {"point": "2480-skolan", "reality": "act", "sid": f"s{new_id()}", "do": "unchanged"}
            json = {"accept": "application/json"}
            other = await client.post("/rapportera", data=form | {"point": "2480-badet"}, headers=json)
            assert other.status_code == 409
            assert (await client.post("/rapportera", data=form, headers=json)).status_code == 202
            crossed = await client.post("/rapportera", data=form, headers=json | {"origin": "https://evil.example"})
            assert crossed.status_code == 403
            await running.house.access.revoke(link.split("_")[1], by="test")
            assert (await client.post("/rapportera", data=form, headers=json)).status_code == 401


async def test_what_is_open_is_cut_when_its_token_is_revoked(nats_server: NatsServer, tmp_path: Path) -> None:
    """A stream of events ends within a second, of a token and of a session opened with it."""
    async with running_gateway(nats_server.url, tmp_path, access=OPEN_RATES) as running:
        await world(running)
        text = await running.token_of("lan", "24")
        async with running.client(text) as client, running.client(None) as browser:
            assert (await browser.post("/login", json={"token": text})).status_code == 200

            async def until_cut(by: httpx.AsyncClient, begun: asyncio.Event) -> None:
                async with by.stream("GET", "/v1/stream", timeout=30) as answer:
                    assert answer.status_code == 200
                    async for _ in answer.aiter_bytes():
                        begun.set()

            begun = [asyncio.Event(), asyncio.Event()]
            streams = [
                asyncio.create_task(until_cut(by, event)) for by, event in zip((client, browser), begun, strict=True)
            ]
            await asyncio.gather(*(event.wait() for event in begun))
            await running.house.access.revoke(text.split("_")[1], by="test")
            done, waiting = await asyncio.wait(streams, timeout=5)
            assert not waiting
            for each in done:
                assert each.exception() is None or isinstance(each.exception(), httpx.TransportError)
