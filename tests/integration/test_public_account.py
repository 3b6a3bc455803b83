"""The public account: what everyone may read, and that they can read nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats.errors
import pytest

from node import Node, subject_of
from servers import Dial, Eventually
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.values import last_values
from vardkase_contracts import streams
from vardkase_contracts.instants import MINUTE, iso, parse
from vardkase_contracts.public import PUBLIC

NOW = parse("2026-11-20T12:07:31Z")


def event(number: int, kind: str, data: dict[str, Any], *, slug: str = "skola", reality: str = "act") -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "urn:tp:kommun:2480:hemlig",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": f"2480-{slug}",
        "time": iso(NOW - (60 - number) * MINUTE),
        "reality": reality,
        "role": "site_lead",
        "data": data,
    }


PROFILE = {
    "name": "Umedalens skola",
    "kind": "trygghetspunkt",
    "position": {"lon": 20.2, "lat": 63.8},
    "planned_services": ["heat"],
    "capacity_day": 8765,
    "staff_required": 7654,
    "org_unit": "HEMLIG-ENHET",
}


@pytest.fixture
async def node(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Node]:
    node = Node(tmp_path, eventually, VARDKASE_CLOCK_START=iso(NOW), VARDKASE_CLOCK_SPEED="0")
    await node.start("intake", "aggregator")
    yield node
    await node.stop()


async def test_the_public_reads_what_it_may_and_nothing_else(node: Node, dial: Dial) -> None:
    """Published points are there without a secret; hidden ones, exercises and restricted facts are not."""
    power = {"source": "backup", "backup_state": "running", "fuel_l": 4321.0, "fuel_l_per_h": 12.0}
    reports = [
        event(1, "register", PROFILE | {"publish": "live"}),
        event(2, "status", {"lifecycle": "open", "occupancy": 6543, "note": "HEMLIG-ANTECKNING"}),
        event(3, "resources", {"power": power, "staff": {"present": 3456, "required": 7654}}),
        event(4, "need", {"need_id": "HEMLIGT-BEHOV", "kind": "fuel", "quantity": 5432.0}),
        event(5, "register", PROFILE | {"publish": "listed"}, slug="listad"),
        event(6, "status", {"lifecycle": "open"}, slug="listad"),
        event(7, "register", PROFILE | {"name": "HEMLIG PLATS"}, slug="dold"),
        event(8, "status", {"lifecycle": "open"}, slug="dold"),
        event(9, "register", PROFILE | {"publish": "live", "name": "ÖVNING"}, slug="ovning", reality="exe"),
    ]
    await node.publish((subject_of(each), json.dumps(each).encode()) for each in reports)
    await node.until_quiet()
    reader = await dial(node.nats.public_url)
    raw = {each.subject: each.data async for each in last_values(reader, streams.PUBLIC, [])}
    assert set(raw) == {f"tp.v1.act.public.24.2480.{slug}" for slug in ("skola", "listad", "_")}
    for data in raw.values():
        PUBLIC.validate_json(data)
        for secret in (
            b"HEMLIG",
            b"hemlig",
            b"8765",
            b"7654",
            b"6543",
            b"4321",
            b"3456",
            b"5432",
            b"site_lead",
            b"12:07",
        ):
            assert secret not in data
    shown = json.loads(raw["tp.v1.act.public.24.2480.skola"])
    assert (shown["status"], shown["crowding"], shown["updated_at"]) == ("open", "medium", "2026-11-20T11:00:00Z")
    assert "status" not in json.loads(raw["tp.v1.act.public.24.2480.listad"])


async def test_the_public_cannot_name_what_is_restricted(node: Node, dial: Dial, eventually: Eventually) -> None:
    """No stream of the node, no subject of it and no write is within the public's reach."""
    reader = await dial(node.nats.public_url)
    for stream in (streams.STATE, streams.ALERTS, streams.REPORTS):
        with pytest.raises((NoAnswer, ApiError)):
            await call(reader, f"STREAM.INFO.{stream}", within=0.5)
    errors: list[str] = []

    async def told(error: Exception) -> None:
        errors.append(str(error).lower())

    reader._error_cb = told
    heard: list[str] = []

    async def on_message(message: Any) -> None:
        heard.append(message.subject)

    await reader.subscribe("tp.v1.>", cb=on_message)
    await eventually(lambda: any("permissions violation for subscription" in each for each in errors))
    await reader.publish("tp.v1.act.public.24.2480.skola", b"{}")
    await eventually(lambda: any("permissions violation for publish" in each for each in errors))
    with pytest.raises((NoAnswer, ApiError, nats.errors.Error, asyncio.TimeoutError)):
        await call(reader, f"STREAM.PURGE.{streams.PUBLIC}", within=0.5)
    await node.publish([(subject_of(event(1, "confirm", {})), json.dumps(event(1, "confirm", {})).encode())])
    await node.until_quiet()
    assert heard == []
