"""Time travel when something is away, behind, slow or too much: told in time, the live side unharmed, healed alone."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from archived import Filled, filled
from gateway_kit import Running, running_gateway
from histories import START, STORY, Act, Log, at, row
from postgres import Postgres
from servers import Dial, Eventually, NatsServer
from vardkase.archiver.app import Archiver
from vardkase.gateway.history.asks import ORDER, Ask, Order, Told
from vardkase.gateway.history.pool import Archive
from vardkase.gateway.history.reading import Reading
from vardkase.gateway.history.worker import answer as answered
from vardkase.gateway.problems import Problem
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts.instants import MINUTE, iso

PICTURE = "/v1/pictures/kommun/2480"
FAST: dict[str, Any] = {"settle": 0.05, "caught_up": 0.3, "connect_timeout": 1}


@contextlib.asynccontextmanager
async def gateway_of(nats: NatsServer, database: str, directory: Path, **history: Any) -> AsyncIterator[Running]:
    """A gateway with an archive, and a picture to show."""
    given = {"history": {**FAST, **history}}
    async with running_gateway(nats.url, directory, area="24", database_url=database, **given) as running:
        await running.picture("2480")
        yield running


def archive_of(gateway: Running) -> Archive:
    """Its archive."""
    assert gateway.house.archive is not None
    return gateway.house.archive


def children() -> list[psutil.Process]:
    """The processes that read the archive."""
    found: list[psutil.Process] = []
    for each in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # one that was killed and not yet waited for is a zombie
            if "history.worker" in " ".join(each.cmdline()):
                found.append(each)
    return found


@pytest.fixture
async def archive(database: str) -> AsyncIterator[Filled]:
    async with filled(database) as made:
        await made.put(STORY)
        yield made


async def live_goes_on(gateway: Running) -> None:
    """The picture of now is there, fast."""
    began = time.monotonic()
    answer = await gateway.http.get(PICTURE)
    assert answer.status_code == 200
    assert time.monotonic() - began < 1


async def test_postgres_away_harms_history_alone_and_heals(
    nats_server: NatsServer, postgres: Postgres, database: str, archive: Filled, tmp_path: Path, eventually: Eventually
) -> None:
    """Killed, or frozen: 503 with Retry-After in time, the picture of now as ever; back: answered again."""
    del archive
    async with gateway_of(nats_server, database, tmp_path, kept=1) as gateway:
        then = {"at": at(10)}
        first = await gateway.http.get(PICTURE, params=then)
        assert first.status_code == 200

        async def turned_away(code: str) -> None:
            began = time.monotonic()
            for path in (PICTURE, "/v1/points/2480-a/history"):
                answer = await gateway.http.get(path, params=then if path == PICTURE else {})
                assert (answer.status_code, answer.json()["type"]) == (503, f"urn:tp:problem:{code}")
                assert int(answer.headers["retry-after"]) > 0
                assert "password" not in answer.text
            assert time.monotonic() - began < 6
            await live_goes_on(gateway)

        async def healed() -> bool:
            return (await gateway.http.get(PICTURE, params=then)).status_code == 200

        await asyncio.to_thread(postgres.kill)
        await turned_away("history_away")
        await asyncio.to_thread(postgres.start)
        await eventually(healed, within=20)
        await asyncio.to_thread(postgres.freeze)
        try:
            await turned_away("history_away")
        finally:
            await asyncio.to_thread(postgres.thaw)
        await eventually(healed, within=20)
        again = await gateway.http.get(PICTURE, params=then)
        assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])


async def test_without_an_archive_there_is_no_history(nats_server: NatsServer, tmp_path: Path) -> None:
    """A node without one says so, and shows what is now."""
    async with running_gateway(nats_server.url, tmp_path, area="24") as gateway:
        await gateway.picture("2480")
        answer = await gateway.http.get(PICTURE, params={"at": at(1)})
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:tp:problem:no_archive")
        assert (await gateway.http.get("/v1/points/2480-a/history")).status_code == 404


async def test_what_is_not_archived_yet_is_not_told_to_be_nothing(
    nats_server: NatsServer, database: str, archive: Filled, tmp_path: Path, dial: Dial, eventually: Eventually
) -> None:
    """While the archive is behind the log it is said so; caught up, what was then is told, and stays so."""
    await archive.put(Log(()))
    async with gateway_of(nats_server, database, tmp_path) as gateway:
        subject = "tp.v1.act.accepted.24.2480.a.status"
        for row in STORY.rows[1:2]:
            await gateway.nc.request(subject, row.data, headers={"Tp-Received": iso(row.stored_at)})
        then = {"at": iso(time.time_ns() // 1000)}
        behind = await gateway.http.get(PICTURE, params=then)
        assert (behind.status_code, behind.json()["type"]) == (503, "urn:tp:problem:history_behind")
        assert behind.headers["retry-after"] == "5"
        archive._session.close()  # an archive has one writer
        nc = await dial(nats_server.url)
        own = {"linger": 0.01, "tick": 0.05, "backoff_min": 0.02}
        archiver = Archiver(
            Settings(area="24", data_dir=tmp_path, database_url=database, archiver=own),
            Metrics(),  # type: ignore[arg-type]
        )
        await archiver.start(nc)
        try:

            async def there() -> bool:
                return (await gateway.http.get(PICTURE, params=then)).status_code == 200

            await eventually(there, within=20)
            answer = await gateway.http.get(PICTURE, params=then)
            assert answer.json()["condition"]["lifecycle"]["open"] == 1
        finally:
            archiver.tasks.closing()
            await archiver.stop()


async def test_a_bus_that_is_away_leaves_old_times_to_be_asked(
    nats_server: NatsServer, database: str, archive: Filled, tmp_path: Path, eventually: Eventually
) -> None:
    """Without NATS what the archive knows to be complete is told; of the rest it is said that it is not known."""
    later = row(200, "status", {"lifecycle": "open"}, point="2480-b")
    order = {"type": "se.trygghetspunkt.order.note.v1", "subject": "24", "reality": "act"}
    act = Act(later.stored_at, 1, later.stored_at, b"{}", order)
    await archive.put(Log((*STORY.rows, later), (act,)))
    insert = (
        "INSERT INTO alert_change (stored_at, sequence, reality, data) VALUES (to_timestamp($1), 1, 'act', '{}'::bytea)"
    )
    moment = datetime.fromtimestamp(later.stored_at / 1e6, UTC)
    await archive._session._partitions.make("alert_change", [moment])
    await archive._session._connection.execute(insert, later.stored_at / 1e6)
    async with gateway_of(nats_server, database, tmp_path) as gateway:
        house = gateway.house
        nats_server.kill()
        await eventually(lambda: not house.bus.is_connected)
        answer = await archive_of(gateway).ask(_ask(START + 10 * MINUTE), "somebody")
        assert answer.head.reports == 4
        with pytest.raises(Problem, match="not yet where you ask"):
            await archive_of(gateway).ask(_ask(later.stored_at + MINUTE), "somebody")
        nats_server.start()


def _ask(instant: int) -> Ask:
    return Ask(what="picture", reality="act", area="2480", at=instant, basis="known", by=instant)


async def test_what_takes_too_long_is_ended_and_others_are_answered(
    nats_server: NatsServer, database: str, archive: Filled, tmp_path: Path
) -> None:
    """A question over its time is answered 503, its process is gone, its query too; the next is answered."""
    async with gateway_of(nats_server, database, tmp_path, timeout=3.0, kept=1) as gateway:
        connection = archive._session._connection
        assert (await gateway.http.get(PICTURE, params={"at": at(10)})).status_code == 200
        async with connection.transaction():
            await connection.execute("LOCK TABLE report IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            asking = asyncio.create_task(gateway.http.get(PICTURE, params={"at": at(11)}))
            await asyncio.sleep(0.1)
            for _ in range(5):
                await live_goes_on(gateway)
            answer = await asking
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:tp:problem:history_too_long")
            assert 3 <= time.monotonic() - began < 9
            assert not children()
        assert (await gateway.http.get(PICTURE, params={"at": at(10)})).status_code == 200


async def test_a_killed_process_is_replaced(
    nats_server: NatsServer, database: str, archive: Filled, tmp_path: Path, eventually: Eventually
) -> None:
    """Killed while it reads: 503, to be asked again. Idle: the next question starts another. Stopped: none left."""
    del archive
    async with gateway_of(nats_server, database, tmp_path, kept=1, idle=0.3) as gateway:
        assert (await gateway.http.get(PICTURE, params={"at": at(10)})).status_code == 200
        (process,) = children()
        process.send_signal(signal.SIGSTOP)
        asking = asyncio.create_task(gateway.http.get(PICTURE, params={"at": at(11)}))
        await eventually(lambda: archive_of(gateway)._busy)
        process.kill()
        answer = await asking
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:tp:problem:history_lost")
        assert (await gateway.http.get(PICTURE, params={"at": at(10)})).status_code == 200
        await eventually(lambda: not children(), within=5)  # asked nothing for a while
        assert (await gateway.http.get(PICTURE, params={"at": at(10)})).status_code == 200
        assert len(children()) == 1
    assert not children()


async def test_nobody_has_all_of_it(
    nats_server: NatsServer, database: str, archive: Filled, tmp_path: Path, eventually: Eventually
) -> None:
    """One token has some questions under way, all together some more; the same question is answered once for all."""
    async with gateway_of(nats_server, database, tmp_path, kept=1, each=2, waiting=2, timeout=20) as gateway:
        connection = archive._session._connection
        second = await gateway.token_of("reader", "24")
        third = await gateway.token_of("reader", "2480")
        async with gateway.client(second) as two, gateway.client(third) as three:
            async with connection.transaction():
                await connection.execute("LOCK TABLE report IN ACCESS EXCLUSIVE MODE")
                asking = [asyncio.create_task(gateway.http.get(PICTURE, params={"at": at(n)})) for n in (1, 2)]
                await eventually(lambda: archive_of(gateway)._waiting == 1 and archive_of(gateway)._busy, within=20)
                limited = await gateway.http.get(PICTURE, params={"at": at(3)})
                assert limited.status_code == 429
                assert limited.headers["retry-after"]
                same = [asyncio.create_task(three.get(PICTURE, params={"at": at(n)})) for n in (1, 2)]
                asking += [asyncio.create_task(two.get(PICTURE, params={"at": at(4)}))]
                await eventually(lambda: archive_of(gateway)._waiting == 2)
                busy = await two.get(PICTURE, params={"at": at(5)})
                assert (busy.status_code, busy.json()["type"]) == (503, "urn:tp:problem:history_busy")
            answers = await asyncio.gather(*asking, *same)
        assert [answer.status_code for answer in answers] == [200] * 5
        assert answers[0].content == answers[3].content
        assert not archive_of(gateway)._under_way


async def test_what_was_answered_is_kept_within_bounds(
    nats_server: NatsServer, database: str, archive: Filled, tmp_path: Path, postgres: Postgres
) -> None:
    """The same picture of then needs no archive a second time; the least used are forgotten."""
    del archive
    async with gateway_of(nats_server, database, tmp_path, kept=20_000) as gateway:
        first = [await gateway.http.get(PICTURE, params={"at": at(n)}) for n in range(12)]
        assert archive_of(gateway)._size <= 20_000
        await asyncio.to_thread(postgres.kill)
        try:
            kept = await gateway.http.get(PICTURE, params={"at": at(11)})
            assert kept.content == first[11].content
            assert (await gateway.http.get(PICTURE, params={"at": at(0)})).status_code == 503
        finally:
            await asyncio.to_thread(postgres.start)


async def test_a_process_is_bounded(nats_server: NatsServer, database: str, archive: Filled, tmp_path: Path) -> None:
    """It may take so much memory, waits for what is live, knows no setting and no secret of the node."""
    del archive
    async with gateway_of(nats_server, database, tmp_path, memory=900 << 20, kept=1) as gateway:
        assert (await gateway.http.get(PICTURE, params={"at": at(10)})).status_code == 200
        (process,) = children()
        assert process.rlimit(psutil.RLIMIT_AS) == (900 << 20, 900 << 20)
        assert process.nice() > psutil.Process().nice()
        told = " ".join([*process.cmdline(), *process.environ(), *process.environ().values()])
        assert "postgresql://" not in told
        assert "VARDKASE_" not in told


def test_what_does_not_fit_is_told_and_the_process_goes_on() -> None:
    """Out of memory, or a fault of ours: an answer that says so, never none."""

    class Failing(Reading):
        def __init__(self, error: Exception) -> None:
            super().__init__()
            self._error = error

        async def answer(self, order: Order) -> Told:
            del order
            raise self._error

    order = Order(
        ask=_ask(START),
        database="postgresql://x",
        name="x",
        federation=None,
        rules_file=None,
        connect_timeout=1,
        statement_timeout=1,
        heads={},
        patience=0,
    )
    with asyncio.Runner() as runner:
        for error, failure in ((MemoryError(), "too_large"), (ValueError("x"), "fault")):
            told = answered(runner, Failing(error), ORDER.dump_json(order))
            assert told.head.failure == failure
    assert ORDER.validate_json(ORDER.dump_json(order)) == order
