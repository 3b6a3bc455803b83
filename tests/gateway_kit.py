"""A gateway in the test's own process, on a real nats-server: what it holds is published by hand."""

import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from vardkase.federation import topology
from vardkase.gateway.app import Gateway
from vardkase.gateway.house import House
from vardkase.gateway.principal import GatewayRole
from vardkase.runtime.jetstream.connection import Connection, connect
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import load
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.schemas import example
from vardkase_contracts.vocab import REALITIES, Reality


@dataclass
class Running:
    """A gateway that runs, a connection to publish with, and a client with a token of the whole area."""

    gateway: Gateway
    nc: Connection
    url: str
    token: str
    http: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.http = self.client(self.token)

    @property
    def house(self) -> House:
        assert self.gateway.house is not None
        return self.gateway.house

    def client(self, token: str | None, **headers: str) -> httpx.AsyncClient:
        """A client of its own, with a token or without. Who asks for it closes it."""
        given = headers | ({} if token is None else {"authorization": f"Bearer {token}"})
        return httpx.AsyncClient(base_url=self.url, headers=given, timeout=10.0)

    async def token_of(self, role: GatewayRole, area: str, *, point: str | None = None, realities: Any = None) -> str:
        """A new token's text."""
        made = await self.house.access.create(
            role=role, area=Area.parse(area), point=point, realities=realities or REALITIES, by="test"
        )
        return made[1]

    async def state(self, point: str, *, reality: Reality = "act", **changes: Any) -> int:
        """Publish a point's state; its sequence. See `state_of`."""
        document = state_of(point, reality=reality, **changes)
        return await self.publish(subjects.state(reality, point[:4], point[5:]), document)

    async def picture(self, code: str, *, reality: Reality = "act", **changes: Any) -> int:
        """Publish an area's picture; its sequence."""
        area = Area.parse(code)
        document = example("picture") | {"reality": reality, "level": area.level, "code": code, "name": area.name}
        return await self.publish(subjects.picture(reality, area), document | changes)

    async def alert(self, key: str, *, reality: Reality = "act", **changes: Any) -> int:
        """Publish a change of an alert; its sequence. See `alert_of`."""
        return await self.publish(subjects.alert(reality, key), alert_of(key, reality=reality, **changes))

    async def publish(self, subject: str, document: Any) -> int:
        """Publish something stored; its sequence."""
        data = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        answer = json.loads((await self.nc.request(subject, data, timeout=5)).data)
        return answer["seq"]


def state_of(point: str, *, reality: Reality = "act", facts: dict[str, Any] | None = None, **changes: Any) -> Any:
    """A state like the contract's example, about another point; `facts` are those that differ, None takes one away."""
    document = copy.deepcopy(example("state"))
    document |= {"id": point, "reality": reality, "kommun": point[:4], "lan": point[:2], "alerts": [], **changes}
    for aspect, value in (facts or {}).items():
        fact = document["facts"].get(aspect) or dict(document["facts"]["power"])
        if value is None:
            document["facts"].pop(aspect, None)
        else:
            document["facts"][aspect] = fact | {"value": value}
    return document


def alert_of(key: str, *, reality: Reality = "act", **changes: Any) -> Any:
    """An alert like the contract's example, with another key."""
    rule, _, about = key.partition("/")
    point = {"id": about, "name": None} if about[4:5] == "-" else None
    area = Area.parse(about[:4] if point else about)
    told = {"level": area.level, "code": area.code, "name": area.name}
    document = copy.deepcopy(example("alert"))
    return document | {"key": key, "reality": reality, "rule": rule, "point": point, "area": told} | changes


@asynccontextmanager
async def running_gateway(url: str, directory: Path, *, area: str = "SE", **settings: Any) -> AsyncIterator[Running]:
    """Start one on a server whose streams are made; it is whole when this yields."""
    made = load(**{"nats_url": url, "area": area, "data_dir": directory, "http_port": 0} | settings)
    metrics = Metrics()
    gateway = Gateway(made, metrics)
    nc = await connect(url, name="gateway", reconnect_wait=0.05)
    ours = await connect(url, name="test", reconnect_wait=0.05)
    try:
        await topology.ensure(ours, Area.parse(area), share=0.05)
        await gateway.start(nc)
        assert gateway.house is not None
        await gateway.house.live.until_whole()
        await gateway.house.given._follower.whole.wait()
        _, token = await gateway.house.access.create(role="admin", area=Area.parse(area), by="test")
        running = Running(gateway, ours, gateway.url, token)
        try:
            yield running
        finally:
            await running.http.aclose()
    finally:
        gateway.tasks.closing()
        await gateway.stop()
        await gateway.tasks.stop()
        await nc.close()
        await ours.close()
