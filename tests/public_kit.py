"""A gateway whose public side is told by hand what anyone may see."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway_kit import Running, running_gateway
from servers import Eventually
from vardkase.federation import topology
from vardkase.gateway.public.side import PublicSide
from vardkase.runtime.jetstream.connection import connect
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, iso
from vardkase_contracts.schemas import example

POINT = "2480-umedalen-skola"
LIVELY = {"public": {"gather": 0.05, "fresh": 0.001}, "reader": {"heartbeat": 0.2, "check": 0.5}}


@asynccontextmanager
async def public_gateway(url: str, directory: Path, area: str = "24", **settings: Any) -> AsyncIterator[Running]:
    """A gateway that reads what is public, without a token."""
    nc = await connect(url, name="test")
    await topology.ensure_public(nc, Area.parse(area), share=0.05)
    await nc.close()
    async with running_gateway(url, directory, area=area, nats_public_url=url, **(LIVELY | settings)) as running:
        running.http.headers.pop("authorization")
        yield running


def side(gateway: Running) -> PublicSide:
    assert gateway.house.public is not None
    return gateway.house.public


async def tell(gateway: Running, eventually: Eventually, point: str = POINT, **changes: Any) -> int:
    """Publish what is public of a point, and wait until the gateway has it; its sequence."""
    now = gateway.house.clock.now()
    lively = {"updated_at": iso(now), "valid_until": iso(now + 4 * HOUR)}
    return await put(gateway, eventually, point, example("public.point") | lively | {"id": point} | changes)


async def put(gateway: Running, eventually: Eventually, key: str, document: dict[str, Any]) -> int:
    """Publish a public document, and wait until the gateway has it."""
    sequence = await gateway.publish(subjects.public(key[:4], key[5:]), document)
    await eventually(lambda: side(gateway).points.last >= sequence, what=f"{key} taken in")
    return sequence


def kommun(code: str) -> dict[str, Any]:
    return {"id": f"{code}-_", "kommun": code, "name": Area.parse(code).name, "takes_part": True}
