"""Signed webhooks: told once of each change, tried again, given up at last; one never holds up another."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from notify_kit import Got, Sink, World, hooks_file, running_notifier, streams_of, verified
from servers import Eventually, NatsServer
from vardkase.notifier.app import Notifier
from vardkase.notifier.letters import Letter, Letters
from vardkase.runtime.jetstream.connection import Connection

LOST, STAFF = "power.lost/2480-a", "staff.short/2480-a"


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def world(nc: Connection) -> World:
    await streams_of(nc)
    return World(nc)


def sample(notifier: Notifier, name: str, **labels: str) -> float | None:
    return notifier.metrics.registry.get_sample_value(name, labels)


async def letters(nc: Connection) -> list[Letter]:
    return [each async for each in Letters(nc).all()]


async def test_a_course_is_told_once_and_signed(
    nats_server: NatsServer, tmp_path: Path, sink: Sink, world: World, eventually: Eventually
) -> None:
    """Raised, changed, cleared; each signed, with an id of its own and the whole alert; nothing for an ack."""
    file = hooks_file(tmp_path, larm=f'url = "{sink.url("/a")}"')
    async with running_notifier(nats_server.url, tmp_path / "n", notify={"webhooks": file}) as notifier:
        await world.alert(LOST, "yellow")
        await eventually(lambda: len(sink.got) == 1, what="raised")
        await world.alert(LOST, "yellow", acks=[{"level": "lan", "code": "24", "role": "tib", "at": "", "until": ""}])
        await world.alert(LOST, "critical")
        await eventually(lambda: len(sink.got) == 2, what="changed")
        await world.clear(LOST, "critical")
        await eventually(lambda: len(sink.got) == 3, what="cleared")
        await eventually(
            lambda: sample(notifier, "vardkase_notify_seconds_count", receiver="larm") == 3, what="counted"
        )
        assert sample(notifier, "vardkase_notifications_total", receiver="larm", outcome="sent") == 3
    assert sink.told("/a") == [f"raised yellow {LOST}", f"changed critical {LOST}", f"cleared critical {LOST}"]
    assert len({each.headers["webhook-id"] for each in sink.got}) == 3
    assert all(verified(each, b"s" * 32) for each in sink.got)
    assert not verified(sink.got[0], b"t" * 32)
    data = sink.got[2].json["data"]
    assert (data["alert"]["key"], data["status"], data["labels"]["lan"]) == (LOST, "cleared", "24")


async def test_each_hears_of_what_it_asked_for(
    nats_server: NatsServer, tmp_path: Path, sink: Sink, world: World, eventually: Eventually
) -> None:
    """Levels, rules, areas and realities are the receiver's; an exercise reaches who asked for it, and nobody else."""
    file = hooks_file(
        tmp_path,
        grave=f'url = "{sink.url("/grave")}"\nlevels = ["critical"]',
        power=f'url = "{sink.url("/power")}"\nrules = ["power.*"]',
        umea=f'url = "{sink.url("/umea")}"\nareas = ["2480"]',
        ovning=f'url = "{sink.url("/exe")}"\nrealities = ["exe"]',
    )
    async with running_notifier(nats_server.url, tmp_path / "n", notify={"webhooks": file}):
        await world.alert("power.lost/2482-b", "critical")
        await world.alert(STAFF, "yellow")
        await world.alert(LOST, "red", reality="exe")
        await world.alert(LOST, "red", reality="tst")
        await eventually(lambda: len(sink.got) == 4, what="all")
    assert sink.told("/grave") == ["raised critical power.lost/2482-b"]
    assert sink.told("/power") == ["raised critical power.lost/2482-b"]
    assert sink.told("/umea") == [f"raised yellow {STAFF}"]
    assert sink.told("/exe") == [f"raised red {LOST}"]
    assert sink.to("/exe")[0].json["data"]["annotations"]["summary"].startswith("ÖVNING")


async def test_after_a_restart_it_goes_on_where_it_was(
    nats_server: NatsServer, tmp_path: Path, sink: Sink, world: World, eventually: Eventually
) -> None:
    """What was told is not told again; what came and went meanwhile is not told; what changed is told as it is now."""
    async with running_notifier(nats_server.url, tmp_path / "n", webhooks=sink.url("/a")):
        await world.alert(LOST, "yellow")
        await world.alert(STAFF, "yellow")
        await eventually(lambda: len(sink.got) == 2, what="two")
    await world.alert(LOST, "red")
    await world.alert(LOST, "critical")
    await world.clear(STAFF, "yellow")
    await world.alert("water.low/2480-a")
    await world.clear("water.low/2480-a")
    await world.alert("heat.low/2480-a")
    sink.got.clear()
    async with running_notifier(nats_server.url, tmp_path / "n", webhooks=sink.url("/a")):
        await eventually(lambda: len(sink.got) == 3, what="three")
        await world.alert("comms.112/2480-a")
        await eventually(lambda: len(sink.got) == 4, what="one more")
    assert sorted(sink.told(sink.got[0].path)) == [
        f"changed critical {LOST}",
        f"cleared yellow {STAFF}",
        "raised red comms.112/2480-a",
        "raised red heat.low/2480-a",
    ]


@pytest.mark.parametrize("how", ["closed", "hangs", "500", "slow answers 429"])
async def test_one_that_does_not_answer_holds_up_nobody(
    nats_server: NatsServer, tmp_path: Path, sink: Sink, world: World, eventually: Eventually, how: str
) -> None:
    """The other is told at once; this one, when it is back, of what is so then, once."""
    broken = Sink()
    wrong = {"hangs": (200, 60.0), "500": (500, 0.0), "slow answers 429": (429, 0.3)}
    if how in wrong:
        broken.behaviour["/b"] = lambda _: wrong[how]
        await broken.start()
    file = hooks_file(tmp_path, good=f'url = "{sink.url("/a")}"', bad=f'url = "{broken.url("/b")}"')
    own = {"webhooks": file, "timeout": 0.5}
    async with running_notifier(nats_server.url, tmp_path / "n", notify=own) as notifier:
        try:
            await world.alert(LOST, "yellow")
            await eventually(lambda: sample(notifier, "vardkase_notify_up", receiver="bad") == 0, what="noticed")
            for number in range(20):
                await world.alert(f"staff.short/2480-p{number}", "yellow")
            await world.alert(LOST, "red")
            await eventually(lambda: len(sink.got) == 22, what="the good one told", within=3)
            (bad,) = (each for each in notifier.checks() if each.name == "receiver bad")
            assert not bad.ok
            assert not bad.needed
            await broken.stop()
            broken.behaviour.clear()
            broken.got.clear()
            await broken.start()
            await eventually(lambda: len(broken.got) == 21, what="the other one told", within=15)
            await eventually(lambda: sample(notifier, "vardkase_notify_up", receiver="bad") == 1, what="seen")
        finally:
            await broken.stop()
    assert f"raised red {LOST}" in broken.told("/b")
    assert f"raised yellow {LOST}" not in broken.told("/b")


async def test_what_it_refuses_is_a_dead_letter_that_can_be_sent_again(
    nats_server: NatsServer, tmp_path: Path, sink: Sink, world: World, nc: Connection, eventually: Eventually
) -> None:
    """It is kept with its reason, holds up nothing else, and goes out again with the same id when somebody asks."""
    sink.behaviour["/a"] = lambda got: (422 if LOST in got.body.decode() else 200, 0)
    async with running_notifier(nats_server.url, tmp_path / "n", webhooks=sink.url("/a")) as notifier:
        await world.alert(LOST, "red")
        await world.alert(STAFF, "red")
        await eventually(lambda: len(sink.got) == 2, what="both tried")
        await eventually(lambda: letters(nc), what="a dead letter")
        (letter,) = await letters(nc)
        assert (letter.reason, letter.attempts, letter.key) == ("422 ok", 1, f"alert/act/{LOST}")
        await eventually(lambda: sample(notifier, "vardkase_notify_dead_letters") == 1, what="counted")
        assert not await Letters(nc).ask("webhook-0.msg_0", "test")

        assert await Letters(nc).ask(letter.name, "test")  # in vain: it is refused again
        await eventually(lambda: len(sink.got) == 3, what="tried again")

        async def kept() -> bool:
            return [(each.attempts, each.resend) for each in await letters(nc)] == [(2, None)]

        await eventually(kept, what="kept")
        sink.behaviour.clear()
        assert await Letters(nc).ask(letter.name, "test")
        await eventually(lambda: sample(notifier, "vardkase_notify_dead_letters") == 0, what="gone")
        await world.clear(LOST, "red")
        await eventually(lambda: len(sink.got) == 5, what="its end")
    assert len({each.headers["webhook-id"] for each in sink.got if LOST in each.body.decode()}) == 2
    assert sink.told("/a")[-1] == f"cleared red {LOST}"


async def test_one_notification_that_fails_again_and_again_is_given_up(
    nats_server: NatsServer, tmp_path: Path, sink: Sink, world: World, nc: Connection, eventually: Eventually
) -> None:
    """While others get through, it is tried a bounded number of times."""
    sink.behaviour["/a"] = lambda got: (500 if LOST in got.body.decode() else 200, 0)
    own = {"attempts": 3, "backoff_min": 0.01, "backoff_max": 0.05}
    async with running_notifier(nats_server.url, tmp_path / "n", webhooks=sink.url("/a"), notify=own):
        await world.alert(LOST, "red")
        number = 0

        async def buried() -> bool:
            nonlocal number
            number += 1
            await world.alert(f"staff.short/2480-p{number}")
            return bool(await letters(nc))

        await eventually(buried, what="given up")
        (letter,) = await letters(nc)
        assert letter.attempts == 3
        assert letter.reason == "500 ok"


async def test_a_redirect_is_not_followed(
    nats_server: NatsServer, tmp_path: Path, sink: Sink, world: World, nc: Connection, eventually: Eventually
) -> None:
    """Only places that were set are sent to, whatever one of them answers."""
    sink.behaviour["/a"] = lambda _: (307, 0)
    sink.headers["Location"] = sink.url("/secret")
    async with running_notifier(nats_server.url, tmp_path / "n", webhooks=sink.url("/a")):
        await world.alert(LOST, "red")
        await eventually(lambda: letters(nc), what="a dead letter")
        assert not sink.to("/secret")
        assert (await letters(nc))[0].reason == "307: a redirect is not followed"


async def test_no_secret_in_logs(
    nats_server: NatsServer,
    tmp_path: Path,
    world: World,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither a password in a URL, nor a token in its path or query, nor the secret."""
    caplog.set_level(logging.DEBUG)
    closed = Sink()
    url = f"http://user:hunter2@127.0.0.1:{closed.port}/hook-token-abc?key=query-token"
    async with running_notifier(
        nats_server.url, tmp_path / "n", webhooks=url, alertmanager_url=url, notify={"timeout": 0.3}
    ) as notifier:
        await world.alert(LOST)
        await eventually(lambda: not any(each.ok for each in _receivers(notifier)), what="both away")
        said = " ".join(each.detail for each in _receivers(notifier))
        secret = (tmp_path / "n" / "webhook.secret").read_text().strip()
    told = said + caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    assert "a receiver does not take notifications" in told
    for word in ("hunter2", "hook-token", "query-token", secret, secret.removeprefix("whsec_")):
        assert word not in told


def _receivers(notifier: Notifier) -> list:
    return [each for each in notifier.checks() if each.name.startswith("receiver")]


async def test_a_delivery_that_was_cut_off_is_known_by_its_id(
    nats_server: NatsServer, tmp_path: Path, sink: Sink, world: World, eventually: Eventually
) -> None:
    """A receiver that took it and could not say so gets it again with the same id, and can drop it."""
    answers = iter([(200, 60.0)])

    def first_hangs(_: Got) -> tuple[int, float]:
        return next(answers, (200, 0.0))

    sink.behaviour["/a"] = first_hangs
    async with running_notifier(nats_server.url, tmp_path / "n", webhooks=sink.url("/a"), notify={"timeout": 0.3}):
        await world.alert(LOST)
        await eventually(lambda: len(sink.got) == 2, what="again")
    assert len({each.headers["webhook-id"] for each in sink.got}) == 1
    assert sink.got[0].body == sink.got[1].body


async def test_a_flood_reaches_it_whole(
    nats_server: NatsServer, tmp_path: Path, sink: Sink, world: World, eventually: Eventually
) -> None:
    """Three hundred alerts at once: each told once, none lost."""
    async with running_notifier(nats_server.url, tmp_path / "n", webhooks=sink.url("/a")):
        await asyncio.gather(*(world.alert(f"power.lost/2480-p{number}") for number in range(300)))
        await eventually(lambda: len(sink.got) >= 300, what="all", within=20)
    assert len(set(sink.told("/a"))) == len(sink.got) == 300
