import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from client_node import Admin, user

from conftest import NatsServer
from vardkase_contracts import subjects
from vardkase_contracts.client import (
    BatchIncomplete,
    Client,
    InvalidEvent,
    PublishRefused,
    Unconfirmed,
    connect,
    new_id,
    new_order,
    new_report,
)
from vardkase_contracts.reports import Report

POINT = "2480-umedalen-skola"
USERS = """
accounts { TP: { jetstream: enabled, users: [
  { user: admin, password: admin },
  { user: k2480, password: x, permissions: {
      publish: { allow: ["tp.v1.*.report.24.2480.>"] }
      subscribe: { allow: ["_INBOX.2480.>"] } } } ] } }
"""


class World:
    def __init__(self, server: NatsServer, admin: Admin, client: Client) -> None:
        self.server = server
        self.admin = admin
        self.client = client


@pytest.fixture
async def world(make_server: Callable[..., NatsServer]) -> AsyncIterator[World]:
    server = make_server(extra=USERS)
    url = user(server.url, "admin", "admin")
    async with aclosing(await Admin.connect(url)) as admin:
        await admin.make_streams()
        async with connect(url) as client:
            yield World(server, admin, client)


async def stored(admin: Admin, stream: str, sequence: int) -> dict[str, Any]:
    message = (await admin.api(f"STREAM.MSG.GET.{stream}", {"seq": sequence}))["message"]
    return {"subject": message["subject"], "data": base64.b64decode(message["data"]), "headers": message.get("hdrs")}


def occupancy(number: int, *, point: str = POINT, id: str | None = None) -> Report:  # noqa: A002
    return new_report("status", point, {"occupancy": number}, id=id)


async def test_a_report_is_stored_with_what_was_given_and_nothing_else(world: World) -> None:
    """The ack comes when the report is in the stream: under its subject, with its id, and only the given fields."""
    seen = datetime(2026, 11, 20, 2, 40, tzinfo=UTC)
    event = new_report("resources", POINT, {"power": {"source": "backup", "fuel_l": 60}}, observed_at=seen, seq=3)
    ack = await world.client.report(event)
    kept = await stored(world.admin, "INTAKE", ack.sequence)
    assert kept["subject"] == "tp.v1.act.report.24.2480.umedalen-skola.resources"
    assert f"Nats-Msg-Id: act.2480.{ack.id}" in base64.b64decode(kept["headers"]).decode()
    assert json.loads(kept["data"]) == {
        "specversion": "1.0",
        "id": ack.id,
        "source": "urn:tp:kommun:2480",
        "type": "se.trygghetspunkt.resources.v1",
        "subject": POINT,
        "time": "2026-11-20T02:40:00Z",
        "datacontenttype": "application/json",
        "reality": "act",
        "seq": 3,
        "data": {"power": {"source": "backup", "fuel_l": 60.0}},
    }


async def test_bytes_are_sent_unchanged(world: World) -> None:
    """An event given as bytes is checked and sent byte for byte, unknown fields too."""
    raw = json.dumps({**json.loads(occupancy(4).model_dump_json(exclude_unset=True)), "later": [1.0]}, indent=1)
    ack = await world.client.report(raw.encode())
    assert (await stored(world.admin, "INTAKE", ack.sequence))["data"] == raw.encode()


async def test_a_quick_repeat_is_told_as_a_duplicate(world: World) -> None:
    """The same report again at once is stored once, and the second ack says so."""
    event = occupancy(1)
    first, second = await asyncio.gather(world.client.report(event), world.client.report(event))
    assert (first.sequence, first.duplicate, second.sequence, second.duplicate) == (1, False, 1, True)


async def test_an_event_that_would_be_refused_is_not_sent(world: World) -> None:
    """A wrong field is named before anything is sent."""
    event = json.loads(occupancy(1).model_dump_json(exclude_unset=True))
    event["data"]["occupancy"] = -1
    with pytest.raises(InvalidEvent) as caught:
        await world.client.report(event)
    assert caught.value.field == "data.occupancy"
    with pytest.raises(InvalidEvent) as caught:
        await world.client.report_batch([occupancy(1), event])
    assert caught.value.field == "[1] data.occupancy"
    assert await world.admin.messages("INTAKE") == 0


async def test_another_kommuns_subject_is_refused_at_once_and_named(world: World) -> None:
    """A kommun's user that sends for another kommun is told so at once, not after a timeout."""
    async with connect(user(world.server.url, "k2480", "x"), inbox_prefix="_INBOX.2480") as client:
        await client.report(occupancy(1))
        with pytest.raises(PublishRefused) as caught:
            async with asyncio.timeout(2):
                await client.report(occupancy(1, point="2580-lulea-x"), timeout_s=30)
    assert caught.value.reason == "permission"
    assert caught.value.subject == "tp.v1.act.report.25.2580.lulea-x.status"


async def test_a_node_without_the_stream_is_told_of(world: World) -> None:
    """Where nothing stores reports, that is the answer."""
    await world.admin.api("STREAM.DELETE.INTAKE")
    with pytest.raises(PublishRefused) as caught:
        await world.client.report(occupancy(1))
    assert caught.value.reason == "no_stream"


async def test_a_full_stream_is_told_of(world: World) -> None:
    """A stream that takes no more refuses, and the error says full."""
    config = (await world.admin.api("STREAM.INFO.INTAKE"))["config"]
    await world.admin.api("STREAM.UPDATE.INTAKE", {**config, "max_msgs": 1, "discard": "new"})
    await world.client.report(occupancy(1))
    with pytest.raises(PublishRefused) as caught:
        await world.client.report(occupancy(2))
    assert caught.value.reason == "full"


async def test_what_the_stream_finds_too_large_is_told_of(world: World) -> None:
    """A message beyond the stream's own limit is refused as too large."""
    config = (await world.admin.api("STREAM.INFO.INTAKE"))["config"]
    await world.admin.api("STREAM.UPDATE.INTAKE", {**config, "max_msg_size": 200})
    with pytest.raises(PublishRefused) as caught:
        await world.client.report(occupancy(1))
    assert caught.value.reason == "too_large"


async def test_a_report_that_nobody_confirms_may_be_sent_again(world: World) -> None:
    """A silent server: the error says that the report may be stored; sent again, it is stored as one id."""
    event = occupancy(1)
    world.server.freeze()
    with pytest.raises(Unconfirmed, match="safe to send it again"):
        await world.client.report(event, timeout_s=0.3)
    world.server.thaw()
    again = await world.client.report(event)
    assert json.loads((await stored(world.admin, "INTAKE", again.sequence))["data"])["id"] == event.id


async def test_a_report_survives_a_restart_of_the_server(world: World) -> None:
    """A report that is sent while the server is down is stored when it is back."""
    world.server.kill()
    sending = asyncio.create_task(world.client.report(occupancy(1), timeout_s=20))
    await asyncio.sleep(0)
    world.server.start()
    assert (await sending).sequence == 1


async def test_a_batch_is_stored_whole_and_in_its_order(world: World) -> None:
    """The acks of a batch stand in the order of its events."""
    events = [occupancy(n) for n in range(300)]
    acks = await world.client.report_batch(events)
    assert [ack.id for ack in acks] == [event.id for event in events]
    assert sorted(ack.sequence for ack in acks) == list(range(1, 301))


async def test_a_batch_tells_which_were_not_stored(world: World) -> None:
    """One refused event does not stop the others, and stands at its place."""
    async with connect(user(world.server.url, "k2480", "x"), inbox_prefix="_INBOX.2480") as client:
        with pytest.raises(BatchIncomplete) as caught:
            await client.report_batch([occupancy(1), occupancy(2, point="2580-x"), occupancy(3)])
    assert [result is None for result in caught.value.results] == [False, True, False]
    assert isinstance(caught.value.errors[1], PublishRefused)


class Intake:
    """Stands in for the service: accepts what comes, but refuses an occupancy of 13."""

    def __init__(self, admin: Admin) -> None:
        self.admin = admin

    async def __aenter__(self) -> None:
        self._subscription = await self.admin.connection.subscribe("tp.v1.*.report.>", cb=self._take)

    async def __aexit__(self, *_: object) -> None:
        await self._subscription.unsubscribe()

    async def _take(self, message: Any) -> None:
        report = json.loads(message.data)
        _, _, reality, _, lan, kommun, slug, _ = message.subject.split(".")
        if report["data"].get("occupancy") != 13:
            await self.admin.connection.request(message.subject.replace(".report.", ".accepted."), message.data)
            return
        refusal = {
            "specversion": "1.0",
            "type": "se.trygghetspunkt.rejected.v1",
            "id": new_id(),
            "source": "urn:tp:nation:SE",
            "time": "2026-11-20T02:40:00Z",
            "data": {
                "reason": "range",
                "field": "data.occupancy",
                "detail": "An unlucky number",
                "bytes": base64.b64encode(message.data).decode(),
                "origin": "SE/1",
                "received": "2026-11-20T02:40:00Z",
            },
        }
        await self.admin.put(subjects.rejected(reality, lan, kommun, slug), refusal)


async def test_the_outcome_of_a_report_can_be_waited_for(world: World) -> None:
    """Accepted, or refused with the reason and the field; without an answer in time, unknown."""
    async with Intake(world.admin):
        accepted = await world.client.report(occupancy(1), outcome_s=5)
        refused = await world.client.report(occupancy(13), outcome_s=5)
    silent = await world.client.report(occupancy(2), outcome_s=0.2)
    assert accepted.outcome is not None
    assert accepted.outcome.status == "accepted"
    assert refused.outcome is not None
    assert (refused.outcome.status, refused.outcome.reason, refused.outcome.field) == (
        "rejected",
        "range",
        "data.occupancy",
    )
    assert silent.outcome is not None
    assert silent.outcome.status == "unknown"


async def test_a_repeat_of_the_latest_report_is_known_to_be_accepted(world: World) -> None:
    """Sent again long after, when intake drops the repeat: it is found in the log."""
    event = occupancy(1)
    async with Intake(world.admin):
        await world.client.report(event, outcome_s=5)
    again = await world.client.report(event, outcome_s=2)
    assert again.outcome is not None
    assert again.outcome.status == "accepted"


async def test_the_outcomes_of_a_batch_stand_in_its_order(world: World) -> None:
    """Also over so many kommuner that the whole log is listened to."""
    kommuner = ["2480", "2580", "1280", "0180", "1480", "0380", "0580", "0680", "0780", "0880"]
    numbers = [1, 13, 2, 13, 3, 4, 5, 6, 7, 8]
    events = [occupancy(n, point=f"{kommun}-x") for n, kommun in zip(numbers, kommuner, strict=True)]
    async with Intake(world.admin):
        acks = await world.client.report_batch(events, outcome_s=5)
    statuses = [ack.outcome.status if ack.outcome else None for ack in acks]
    assert statuses == ["rejected" if n == 13 else "accepted" for n in numbers]


async def test_who_may_not_see_outcomes_still_reports(world: World) -> None:
    """A user that may not read the log gets its report stored, and an unknown outcome that says why."""
    async with connect(user(world.server.url, "k2480", "x"), inbox_prefix="_INBOX.2480") as client:
        ack = await client.report(occupancy(1), outcome_s=5)
    assert ack.sequence == 1
    assert ack.outcome is not None
    assert ack.outcome.status == "unknown"
    assert "may not" in (ack.outcome.detail or "")


async def test_an_ack_of_an_alert_is_stored_as_an_order(world: World) -> None:
    """An order goes to its area's subject."""
    key = "power.endurance/2480-umedalen-skola"
    order = new_order("ack", "2480", {"key": key, "level": "red"}, role="tib", acting_for="24", note="Diesel på väg")
    ack = await world.client.order(order)
    kept = await stored(world.admin, "ORDERS_UP", ack.sequence)
    assert kept["subject"] == "tp.v1.act.order.24.2480.ack"
    data = json.loads(kept["data"])
    assert data["source"] == "urn:tp:lan:24"
    assert data["data"]["by"] == {"role": "tib", "level": "lan", "code": "24"}
    assert data["data"]["note"] == "Diesel på väg"
