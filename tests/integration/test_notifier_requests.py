"""Requests for reports told by a real Alertmanager and a webhook, in real time, with two notifiers."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from notify_kit import AlertmanagerServer, Sink, World, hooks_file, running_notifier, seen, streams_of
from servers import Eventually, NatsServer
from vardkase.notifier import app
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.connection import Connection
from vardkase_contracts import streams
from vardkase_contracts.instants import HOUR, MINUTE, iso


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def alertmanager(tmp_path: Path, sink: Sink) -> Iterator[AlertmanagerServer]:
    grouped = ("reality", "rule", "request", "level")
    made = AlertmanagerServer(tmp_path / "am", sink.url("/am"), wait="200ms", interval="300ms", group_by=grouped)
    made.start()
    yield made
    made.kill()


def request(minutes: float, *missing: str, **more: Any) -> dict[str, Any]:
    """A länsstyrelse asked two kommuner an hour ago, and wants to know in so many minutes."""
    now = time.time_ns() // 1000
    return {
        "id": "q",
        "by": {"role": "tib", "level": "lan", "code": "24"},
        "at": iso(now - HOUR),
        "note": None,
        "areas": ["2480", "2482"],
        "questions": [],
        "remind_at": iso(now + round((minutes - 15) * MINUTE)),
        "deadline": iso(now + round(minutes * MINUTE)),
        "state": "open",
        "asked": 2,
        "answered": 2 - len(missing),
        "missing": list(missing),
        **more,
    }


@pytest.mark.alertmanager
async def test_a_request_is_told_once_whoever_tells(
    nats_server: NatsServer,
    tmp_path: Path,
    sink: Sink,
    alertmanager: AlertmanagerServer,
    nc: Connection,
    eventually: Eventually,
) -> None:
    """Two notifiers, one of which goes: those asked, the reminder, the missed deadline in one notice, and its end."""
    await streams_of(nc, "24")
    world = World(nc)
    hooks = hooks_file(tmp_path, on=f'url = "{sink.url("/hook")}"\nkinds = ["request"]')
    made: dict[str, Any] = {"alertmanager_url": alertmanager.url, "notify": {"webhooks": hooks}}

    async def pictures(minutes: float, *missing: str) -> None:
        await world.picture("24", request(minutes, *missing))
        for kommun in ("2480", "2482"):
            mine = [each for each in missing if each == kommun]
            await world.picture(kommun, request(minutes, *mine, asked=1, answered=1 - len(mine)))

    async with running_notifier(nats_server.url, tmp_path / "b", area="24", **made):
        async with running_notifier(nats_server.url, tmp_path / "a", area="24", **made):
            await pictures(60, "2480", "2482")
            await eventually(lambda: len(sink.to("/hook")) >= 3, what="all are told", within=20)
            await pictures(60, "2482")
            await eventually(lambda: len(sink.to("/hook")) == 4, what="one has answered", within=20)
        await pictures(0, "2482")
        await eventually(lambda: len(sink.to("/hook")) == 6, what="the reminder and the deadline", within=20)
        await eventually(lambda: len(_lines(sink)) == 6, what="Alertmanager notifies of them", within=20)
    async with running_notifier(nats_server.url, tmp_path / "c", area="24", **made):
        await pictures(0)
        await eventually(lambda: len(sink.to("/hook")) == 8, what="the end", within=20)
        await eventually(lambda: len(_lines(sink)) == 8, what="Alertmanager notifies of the end", within=20)
    asked, asker = "request.asked", "request.given"
    assert sorted(sink.told("/hook")) == [
        f"changed red {asked}/2482/24.q",
        f"changed red {asker}/24/24.q",
        f"cleared red {asked}/2482/24.q",
        f"cleared red {asker}/24/24.q",
        f"cleared yellow {asked}/2480/24.q",
        f"raised yellow {asked}/2480/24.q",
        f"raised yellow {asked}/2482/24.q",
        f"raised yellow {asker}/24/24.q",
    ]
    assert sorted(_lines(sink)) == [
        f"firing red {asked}/2482/24.q",
        f"firing red {asker}/24/24.q",
        f"firing yellow {asked}/2480/24.q",
        f"firing yellow {asked}/2482/24.q",
        f"firing yellow {asker}/24/24.q",
        f"resolved red {asked}/2482/24.q",
        f"resolved red {asker}/24/24.q",
        f"resolved yellow {asked}/2480/24.q",
    ]
    changed = [each.json["data"] for each in sink.to("/hook") if each.json["type"] == "request.changed"]
    assert [each["request"]["missing"] for each in changed] == [["2482"], ["2482"]]


async def test_alerts_are_told_though_pictures_are_not_known(
    nats_server: NatsServer,
    tmp_path: Path,
    sink: Sink,
    nc: Connection,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They wait for pictures for a bounded time; requests are told once the pictures are there."""
    monkeypatch.setattr(app, "_PICTURES", 0.3)
    await streams_of(nc, "24")
    await call(nc, f"STREAM.DELETE.{streams.PICTURES}")
    world = World(nc)
    await world.alert("power.lost/2480-x")
    async with running_notifier(nats_server.url, tmp_path / "a", area="24", webhooks=[sink.url("/hook")]):
        await eventually(lambda: sink.told("/hook") == ["raised red power.lost/2480-x"], what="the alert", within=20)
        await streams_of(nc, "24")
        await world.picture("2480", request(60, "2480", asked=1, answered=0))
        await eventually(lambda: len(sink.to("/hook")) == 2, what="the request", within=20)
    assert sink.told("/hook")[1] == "raised yellow request.asked/2480/24.q"


def _lines(sink: Sink) -> list[str]:
    """What Alertmanager notified of, each once; without the end of a milder level.

    That is muted while the graver one stands, if its group is looked at in time: here all goes in an instant.
    """
    found = [line for _, lines in seen(sink.to("/am")) for line in lines]
    milder = {f"resolved yellow {each}/24.q" for each in ("request.asked/2482", "request.given/24")}
    return [line for line in dict.fromkeys(found) if line not in milder]
