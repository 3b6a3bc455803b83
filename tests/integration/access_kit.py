"""A gateway's access on a real NATS, without the rest of the gateway; and the same behind HTTP, in process."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError

from vardkase.federation import topology
from vardkase.gateway import web
from vardkase.gateway.access import dependencies, routes
from vardkase.gateway.access.access import Access
from vardkase.gateway.access.audit import Audit
from vardkase.gateway.access.headers import SecurityHeaders
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem, answer_problem
from vardkase.runtime.clock import SystemClock
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings, load
from vardkase.runtime.tasks import Tasks
from vardkase_contracts import streams
from vardkase_contracts.areas import Area
from vardkase_contracts.audit import AUDIT, AuditEvent

AREA = Area.parse("24")


class Gate:
    """Access and audit of one gateway, and routes to try them on."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.tasks = Tasks()
        self.died: list[str] = []
        self.tasks.on_death = lambda name, error: self.died.append(f"{name}: {error!r}")
        self.access = Access(settings, self.metrics, self.tasks)
        self.audit = Audit(settings, self.metrics, SystemClock(), self.tasks)
        self.app = self._app()

    async def start(self, nc: Connection) -> None:
        await self.access.start(nc)
        await self.audit.start(nc)

    async def stop(self) -> None:
        self.tasks.closing()
        await self.audit.stop()
        await self.access.stop()
        await self.tasks.stop()

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def client(self, **options: Any) -> httpx.AsyncClient:
        """A client of the routes; what it asks for goes through no socket."""
        transport = httpx.ASGITransport(app=self.app, client=options.pop("address", ("192.0.2.1", 1)))
        return httpx.AsyncClient(transport=transport, base_url=options.pop("base_url", "http://test"), **options)

    def _app(self) -> FastAPI:
        app = FastAPI()
        no_exercises = SimpleNamespace(see=lambda *_: None)
        app.state.house = SimpleNamespace(
            settings=self.settings, access=self.access, audit=self.audit, area=AREA, exercises=no_exercises
        )
        app.include_router(routes.router)
        app.add_exception_handler(Problem, answer_problem)
        app.add_exception_handler(RequestValidationError, web._invalid)
        app.add_middleware(SecurityHeaders, origins=self.access.origins)

        @app.get("/picture/{code}")
        async def picture(
            request: Request, code: str, _: Annotated[Principal, Depends(dependencies.principal)]
        ) -> dict[str, str]:
            dependencies.may_read(request, Area.parse(code), "act")
            return {"code": code}

        @app.post("/act/{code}")
        async def act(
            request: Request, code: str, who: Annotated[Principal, Depends(dependencies.principal)]
        ) -> dict[str, str]:
            area = Area.parse(code)
            dependencies.may_order(request, "note", area, "act")
            await self.audit.act(who, "order.note", code, area, "act")
            return {"code": code}

        @app.get("/form")
        async def open_form(request: Request, k: str) -> dict[str, Any]:
            who, cookie = await dependencies.log_in(request, k, "form")
            return {"point": who.point, "cookie": cookie}

        @app.post("/form")
        async def send_form(
            request: Request, who: Annotated[Principal | None, Depends(dependencies.form_principal)]
        ) -> dict[str, Any]:
            if who is None:
                return {"who": None}
            dependencies.may_report(request, who.point or "", "act", "status")
            return {"who": who.id}

        @app.get("/page")
        async def page(who: Annotated[Principal | None, Depends(dependencies.optional_principal)]) -> dict[str, Any]:
            return {"who": None if who is None else who.id}

        @app.get("/public", dependencies=[Depends(dependencies.by_address)])
        async def public() -> dict[str, str]:
            return {}

        return app


def settings_of(tmp_path: Path, **access: Any) -> Settings:
    """Of a node for a län, with lively readers."""
    reader = {"heartbeat": 0.2, "check": 0.5}
    oidc = access.pop("oidc", {})
    return load(data_dir=tmp_path, area=AREA.code, access={"audit_linger": 0.02} | access, oidc=oidc, reader=reader)


@asynccontextmanager
async def gate(nc: Connection, settings: Settings) -> AsyncIterator[Gate]:
    """A started gateway's access; none of its tasks may end."""
    made = Gate(settings)
    try:
        async with asyncio.timeout(20):
            await made.start(nc)
        yield made
    finally:
        await made.stop()
    assert not made.died


async def make_streams(nc: Connection) -> None:
    """All that a node has, small."""
    await topology.ensure(nc, AREA, share=0.02)


async def audited(nc: Connection) -> list[AuditEvent]:
    """The whole audit, each event as the contract has it."""
    return [AUDIT.validate_json(each.data) async for each in scan(nc, streams.AUDIT, [])]


async def stored(nc: Connection, *names: str) -> str:
    """All that buckets and the audit hold, as one text: to look for secrets in."""
    texts = [
        f"{each.subject} {each.headers} {each.data.decode()}"
        for name in (*names, streams.AUDIT)
        async for each in scan(nc, name, [])
    ]
    return json.dumps(texts)
