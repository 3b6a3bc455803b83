"""Escalation told by a real Alertmanager and a webhook, in real time with short patience."""

import json
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from notify_kit import AlertmanagerServer, Sink, World, hooks_file, running_notifier, seen, streams_of
from servers import Eventually, NatsServer
from vardkase.runtime.jetstream.connection import Connection
from vardkase_contracts.instants import iso

pytestmark = pytest.mark.alertmanager

ALL = "Ej kvitterat: 0 kritiska och 30 röda larm: Umeå"
SOON = {"red_sideways": 1.0, "red_up": 3.0, "critical_sideways": 1.0, "critical_up": 3.0}


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def alertmanager(tmp_path: Path, sink: Sink) -> Iterator[AlertmanagerServer]:
    made = AlertmanagerServer(tmp_path / "am", sink.url("/am"), wait="200ms", interval="300ms")
    made.start()
    yield made
    made.kill()


def standing(level: str = "red") -> dict[str, Any]:
    """An alert that is told of for the first time now."""
    now = iso(time.time_ns() // 1000)
    levels = ("yellow", "red", "critical")[: 2 if level == "red" else 3]
    return {"standing": {"since": dict.fromkeys(levels, now), "quieted": {}}}


def digests(sink: Sink) -> list[str]:
    """What Alertmanager notified of digests, in order."""
    return [line for _, lines in seen(sink.to("/am")) for line in lines if "escalation." in line]


def summaries(alertmanager: AlertmanagerServer) -> set[str]:
    """What the digests say that Alertmanager holds."""
    with urllib.request.urlopen(f"{alertmanager.url}/api/v2/alerts", timeout=5) as answer:
        held = json.load(answer)
    return {each["annotations"]["summary"] for each in held if each["labels"]["rule"].startswith("escalation.")}


async def test_a_storm_that_nobody_takes_in_is_one_digest_a_step(
    nats_server: NatsServer,
    tmp_path: Path,
    sink: Sink,
    alertmanager: AlertmanagerServer,
    nc: Connection,
    eventually: Eventually,
) -> None:
    """Thirty points of a kommun: sideways once, up once, though a notifier is started anew; both end with the last."""
    await streams_of(nc, "24")
    world = World(nc)
    keys = [f"power.lost/2480-p{number}" for number in range(30)]
    hooks = hooks_file(tmp_path, on=f'url = "{sink.url("/hook")}"')
    given: dict[str, Any] = {"alertmanager_url": alertmanager.url, "escalation": SOON, "notify": {"webhooks": hooks}}
    async with running_notifier(nats_server.url, tmp_path / "a", area="24", **given):
        for key in keys:
            await world.alert(key, event="one", **standing())
        await eventually(lambda: digests(sink), what="sideways", within=20)
    async with running_notifier(nats_server.url, tmp_path / "b", area="24", **given):
        await eventually(lambda: len(digests(sink)) == 2, what="up", within=20)
        assert digests(sink) == ["firing red escalation.sideways/2480", "firing red escalation.up/24"]
        await eventually(lambda: summaries(alertmanager) == {ALL}, what="both name all of them", within=20)
        for key in keys:
            await world.clear(key, event="one")
        await eventually(lambda: len(digests(sink)) == 4, what="the end", within=20)
    assert sorted(digests(sink)[2:]) == ["resolved red escalation.sideways/2480", "resolved red escalation.up/24"]
    told = [line for line in sink.told("/hook") if "escalation." in line]
    assert told == [
        "raised red escalation.sideways/2480",
        "raised red escalation.up/24",
        "cleared red escalation.sideways/2480",
        "cleared red escalation.up/24",
    ]
    body = next(each.json for each in sink.to("/hook") if each.json["type"] == "escalation.raised")
    assert body["data"]["escalation"]["alerts"][0]["key"] in keys
