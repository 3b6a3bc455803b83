"""What a real Alertmanager is told, and what it notifies of that."""

import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from notify_kit import AlertmanagerServer, Sink, World, running_notifier, seen, streams_of
from servers import Eventually, NatsServer
from vardkase.notifier.app import Notifier
from vardkase.runtime.jetstream.connection import Connection
from vardkase_contracts.instants import iso

pytestmark = pytest.mark.alertmanager

Notifying = Callable[..., AbstractAsyncContextManager[Notifier]]
LOST, STAFF = "power.lost/2480-a", "staff.short/2480-a"


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def alertmanager(tmp_path: Path, sink: Sink) -> AsyncIterator[AlertmanagerServer]:
    made = AlertmanagerServer(tmp_path / "am", sink.url("/am"), wait="300ms", interval="500ms")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def notifying(nats_server: NatsServer, tmp_path: Path, alertmanager: AlertmanagerServer) -> Notifying:
    """Runs a notifier that tells the Alertmanager, with more settings when they are given."""
    return partial(running_notifier, nats_server.url, tmp_path / "n", alertmanager_url=alertmanager.url)


@pytest.fixture
async def world(nc: Connection) -> World:
    await streams_of(nc)
    return World(nc)


def later(seconds: float) -> str:
    return iso(round((time.time() + seconds) * 1e6))


def ack(level: str = "nation", code: str = "SE", until: float = 600) -> dict[str, object]:
    return {"level": level, "code": code, "role": "tib", "at": later(-1), "until": later(until), "note": None}


async def test_a_flood_in_a_kommun_is_one_notification_that_lists(
    notifying: Notifying, sink: Sink, world: World, eventually: Eventually
) -> None:
    """Twenty points lose power at once: one notification, then one that says that all is over."""
    async with notifying() as notifier:
        await eventually(lambda: notifier.desk.receivers and all(c.ok for c in notifier.checks()), what="told")
        keys = [f"power.lost/2480-p{number}" for number in range(20)]
        for key in keys:
            await world.alert(key, "critical")
        await eventually(lambda: sink.got, what="a notification")
        for key in keys:
            await world.clear(key, "critical")
        await eventually(lambda: len(sink.got) == 2, what="the end")
        assert seen(sink.got) == [
            ("power.lost", sorted(f"firing critical {key}" for key in keys)),
            ("power.lost", sorted(f"resolved critical {key}" for key in keys)),
        ]
        alerts = sink.got[1].json["alerts"]
        assert all(each["startsAt"] < each["endsAt"] < later(1) for each in alerts)


async def test_a_graver_level_is_no_twin_of_the_one_before(
    notifying: Notifying, sink: Sink, alertmanager: AlertmanagerServer, world: World, eventually: Eventually
) -> None:
    """Yellow, then red: the second notification has the red one alone, and the end is one."""
    async with notifying():
        await world.alert(STAFF, "yellow")
        await eventually(lambda: len(sink.got) == 1, what="yellow")
        await world.alert(STAFF, "red")
        await eventually(lambda: len(sink.got) == 2, what="red")
        assert alertmanager.alerts() == {STAFF: "red active"}
        await world.clear(STAFF, "red")
        await eventually(lambda: len(sink.got) == 3, what="the end")
    firing = [[line for line in alerts if line.startswith("firing")] for _, alerts in seen(sink.got)]
    assert firing == [[f"firing yellow {STAFF}"], [f"firing red {STAFF}"], []]
    assert f"resolved red {STAFF}" in seen(sink.got)[2][1]


async def test_an_ack_of_the_own_area_quiets_and_ends_nothing(
    notifying: Notifying, sink: Sink, alertmanager: AlertmanagerServer, world: World, eventually: Eventually
) -> None:
    """It becomes a silence there; one of another area does not; a worse level breaks it."""
    async with notifying():
        await world.alert(STAFF, "yellow", acks=[ack()])
        await world.alert(LOST, "red", acks=[ack("lan", "24")])
        await eventually(lambda: sink.got, what="the other one")
        assert alertmanager.alerts() == {STAFF: "yellow suppressed", LOST: "red active"}
        (silence,) = alertmanager.silences()
        assert (silence["createdBy"], silence["comment"][:17]) == ("vardkase SE", "kvitterad av tib ")
        await world.alert(STAFF, "red")
        await eventually(lambda: len(sink.got) == 2, what="the worse level")
        assert seen(sink.got)[1] == ("staff.short", [f"firing red {STAFF}"])
        await eventually(lambda: not alertmanager.silences(), what="no silence")


async def test_what_follows_from_another_is_muted_there(
    notifying: Notifying, sink: Sink, alertmanager: AlertmanagerServer, world: World, eventually: Eventually
) -> None:
    """Cold rooms without power are not told of; they stand there, suppressed."""
    async with notifying():
        await world.alert(LOST, "critical")
        await world.alert("heat.low/2480-a", "red", inhibited_by=LOST)
        await eventually(lambda: alertmanager.alerts().get("heat.low/2480-a") == "red suppressed", what="suppressed")
        await world.alert(STAFF, "red")
        await eventually(lambda: len(sink.got) == 2, what="two notifications")
        assert {rule for rule, _ in seen(sink.got)} == {"power.lost", "staff.short"}


async def test_what_comes_again_after_an_end_that_was_muted_is_told_again(
    notifying: Notifying, sink: Sink, alertmanager: AlertmanagerServer, world: World, eventually: Eventually
) -> None:
    """Nobody can call 112, power is lost meanwhile and the telephones are back; gone again, it is told again."""
    calls = "comms.112/2480-a"
    async with notifying():
        await world.alert(calls, "critical", event="one")
        await eventually(lambda: len(sink.got) == 1, what="the warning")
        await world.alert(LOST, "critical")
        await world.clear(calls, "critical", event="one")
        await eventually(lambda: len(sink.got) == 2, what="power is lost")
        await eventually(lambda: calls not in alertmanager.alerts(), what="the warning's end is past")
        await world.alert(calls, "critical", event="two")
        await world.clear(LOST, "critical")
        await eventually(lambda: len(sink.got) == 4, what="the end, and another warning")
    told = {line for _, alerts in seen(sink.got[2:]) for line in alerts}
    assert {f"firing critical {calls}", f"resolved critical {LOST}"} <= told


async def test_exercises_stay_away_unless_they_are_asked_for(
    notifying: Notifying, alertmanager: AlertmanagerServer, world: World, eventually: Eventually
) -> None:
    """Of exe and tst an Alertmanager holds nothing, until its setting names them."""
    for reality in ("exe", "tst"):
        await world.alert(LOST, reality=reality)
    async with notifying():
        await world.alert(STAFF)
        await eventually(lambda: STAFF in alertmanager.alerts(), what="the real one")
        assert alertmanager.alerts() == {STAFF: "red active"}
    own = {"realities": "exe"}
    async with notifying(notify=own):
        await eventually(lambda: alertmanager.alerts() == {LOST: "red active"}, what="the exercise")


async def test_a_restart_tells_nobody_anything_twice(
    notifying: Notifying, sink: Sink, alertmanager: AlertmanagerServer, world: World, eventually: Eventually
) -> None:
    """What stood stands; what ended or changed meanwhile is told as that, once."""
    async with notifying():
        for key in (LOST, STAFF, "water.low/2480-a"):
            await world.alert(key, "yellow")
        await eventually(lambda: len(sink.got) == 3, what="three")
    await world.clear(LOST, "yellow")
    await world.alert(STAFF, "red")
    async with notifying():
        await eventually(lambda: len(sink.got) == 5, what="two more")
        wanted = {STAFF: "red active", "water.low/2480-a": "yellow active"}
        assert alertmanager.alerts() == wanted
        before = len(sink.got)
        await world.alert(LOST, "yellow", event="again")
        await eventually(lambda: len(sink.got) > before, what="something new")
    told = dict(seen(sink.got[3:5]))
    assert told["power.lost"] == [f"resolved yellow {LOST}"]
    assert [line for line in told["staff.short"] if line.startswith("firing")] == [f"firing red {STAFF}"]
    assert [rule for rule, _ in seen(sink.got[5:])] == ["power.lost"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_an_alertmanager_that_was_killed_knows_all_again(
    notifying: Notifying,
    tmp_path: Path,
    sink: Sink,
    alertmanager: AlertmanagerServer,
    world: World,
    eventually: Eventually,
    number: signal.Signals,
) -> None:
    """It forgets its alerts: what stands is told again and not notified twice, what ended meanwhile is resolved."""
    async with notifying() as notifier:
        await world.alert(LOST)
        await world.alert(STAFF, acks=[ack()])
        await world.alert("water.low/2480-a")
        await eventually(lambda: len(sink.got) == 2, what="two")
        log = tmp_path / "am" / "data" / "nflog"
        written = time.time()
        await eventually(lambda: log.exists() and log.stat().st_mtime > written, what="its memory on disk")
        alertmanager.kill(number)
        await world.clear(LOST)
        await world.alert("comms.112/2480-a")
        await eventually(lambda: not notifier.desk.receivers[0].check().ok, what="away")
        alertmanager.start()
        await eventually(lambda: len(sink.got) == 4, what="two more")
        assert sorted(seen(sink.got[2:])) == [
            ("comms.112", ["firing red comms.112/2480-a"]),
            ("power.lost", [f"resolved red {LOST}"]),
        ]
        assert alertmanager.alerts()[STAFF] == "red suppressed"
        assert notifier.desk.receivers[0].check().ok


async def test_of_two_notifiers_one_tells(
    notifying: Notifying, sink: Sink, world: World, eventually: Eventually
) -> None:
    """Side by side nothing is told twice; when one goes, the other goes on where it was."""
    async with notifying(webhooks=sink.url("/w")) as one:
        await eventually(lambda: _tells(one), what="one tells")
        two = notifying(webhooks=sink.url("/w"))
        other = await two.__aenter__()
        try:
            await world.alert(LOST)
            await eventually(lambda: sink.to("/w") and sink.to("/am"), what="told")
            assert not _tells(other)
            await one.stop()
            await world.alert(STAFF)
            await eventually(lambda: len(sink.to("/w")) == 2 and len(sink.to("/am")) == 2, what="told by the other")
        finally:
            await two.__aexit__(None, None, None)
    assert sink.told("/w") == [f"raised red {LOST}", f"raised red {STAFF}"]
    assert [rule for rule, _ in seen(sink.to("/am"))] == ["power.lost", "staff.short"]


def _tells(notifier: Notifier) -> bool:
    return any(check.name == "lease" and check.detail == "tells" for check in notifier.checks())
