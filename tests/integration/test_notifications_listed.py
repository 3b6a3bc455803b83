"""Dead letters by command and over HTTP: listed, sent again, dropped."""

import json
from pathlib import Path

import pytest

from gateway_kit import running_gateway
from notify_kit import Sink, World, running_notifier, streams_of
from program import inside
from servers import Eventually, NatsServer
from vardkase.notifier.letters import Letter, Letters
from vardkase.runtime.jetstream.connection import Connection


def letter(kommun: str, number: int = 1, reality: str = "act") -> Letter:
    """A notification that was given up."""
    return Letter(
        receiver="larm",
        id=f"msg_{number:032x}",
        what="raised",
        key=f"alert/{reality}/power.lost/{kommun}-a",
        reality=reality,
        level="red",
        areas=(f"{kommun}-a", kommun, kommun[:2], "SE"),
        at="2026-11-20T03:00:00Z",
        attempts=10,
        reason="500 ok",
        body="{}",
    )


async def test_they_are_listed_sent_again_and_dropped_by_command(nats_server: NatsServer, nc: Connection) -> None:
    """By their names, or all; one that is not there ends with 1, what is no name with 2."""
    await streams_of(nc)
    letters = Letters(nc)
    nats = ("--nats", nats_server.url)
    assert "Inga" in (await inside("notifications", "list", *nats)).stdout
    for number in (1, 2):
        await letters.put(letter("2480", number))
    listed = await inside("notifications", "list", "--json", *nats)
    names = [json.loads(line)["name"] for line in listed.stdout.splitlines()]
    assert names == [letter("2480", number).name for number in (1, 2)]
    assert "500 ok" in (await inside("notifications", "list", *nats)).stdout

    assert (await inside("notifications", "resend", names[0], *nats)).code == 0
    assert [each.resend async for each in letters.all()] == [None, "cli"]
    assert (await inside("notifications", "drop", "all", *nats)).code == 0
    assert [each async for each in letters.all()] == []
    assert (await inside("notifications", "drop", names[0], *nats)).code == 1
    assert (await inside("notifications", "drop", "not a name", *nats)).code == 2


async def test_staff_see_and_send_again_those_of_their_area(nats_server: NatsServer, tmp_path: Path) -> None:
    """Neither others' nor another reality's; who only looks sees none; what is in them is not told."""
    async with running_gateway(nats_server.url, tmp_path) as running:
        letters = Letters(running.nc)
        for each in (letter("2480", 1), letter("0180", 2), letter("2480", 3, "exe")):
            await letters.put(each)
        ours, others = letter("2480", 1).name, letter("0180", 2).name
        async with running.client(await running.token_of("lan", "24")) as lan:
            listed = (await lan.get("/v1/notifications")).json()
            assert [each["name"] for each in listed["notifications"]] == [ours]
            assert "body" not in listed["notifications"][0]
            assert (await lan.get("/v1/notifications", params={"reality": "exe"})).json()["numberMatched"] == 1
            assert (await lan.get("/v1/notifications", params={"code": "SE"})).status_code == 403
            assert (await lan.post(f"/v1/notifications/{others}/resend")).status_code == 404
            assert (await lan.post("/v1/notifications/larm.msg_1/resend")).status_code in {400, 422}
            assert (await lan.post(f"/v1/notifications/{ours}/resend")).status_code == 202
            assert (await lan.get("/v1/notifications")).json()["notifications"][0]["resend"] is True
        async with running.client(await running.token_of("reader", "24")) as reader:
            assert (await reader.get("/v1/notifications")).status_code == 403
            assert (await reader.post(f"/v1/notifications/{ours}/resend")).status_code == 403


@pytest.mark.parametrize("name", ["larm", "gone"])
async def test_one_of_a_receiver_that_is_no_more_stays(
    nats_server: NatsServer, nc: Connection, tmp_path: Path, eventually: Eventually, name: str
) -> None:
    """It cannot be sent; it is kept, and keeps nothing else from being sent."""
    await streams_of(nc)
    sink = Sink()
    await sink.start()
    try:
        async with running_notifier(nats_server.url, tmp_path / "n", webhooks=sink.url("/a")):
            letters = Letters(nc)
            await letters.put(letter("2480"))
            assert await letters.ask(letter("2480").name, name)
            await World(nc).alert("power.lost/2480-a")
            await eventually(lambda: sink.got, what="told")
            assert [each.resend async for each in letters.all()] == [name]
    finally:
        await sink.stop()
