"""The archive when processes are killed, frozen and away: nothing lost, nothing twice, nothing else disturbed."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from archive_kit import LAN, Archive, report

from postgres import Postgres
from servers import Dial, Eventually, NatsServer
from vardkase.federation import topology
from vardkase.runtime.jetstream.api import call


@pytest.fixture
def mortal(postgres: Postgres) -> Iterator[Postgres]:
    """The PostgreSQL of all tests, which is up again after each, whatever was done to it."""
    yield postgres
    if postgres.server.pid is None:
        postgres.start()


@pytest.fixture
async def archive(
    nats_server: NatsServer, dial: Dial, mortal: Postgres, tmp_path: Path, eventually: Eventually
) -> AsyncIterator[Archive]:
    nc = await dial(nats_server.url)
    await topology.ensure(nc, LAN, share=0.1)
    made = Archive(nc, await mortal.database(), tmp_path, eventually)
    yield made
    await made.stop()


def process(archive: Archive, nats: NatsServer, directory: Path) -> subprocess.Popen[bytes]:
    """An archiver as a process of its own, with small batches."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VARDKASE_")}
    own = {
        "AREA": "24",
        "NATS_URL": nats.url,
        "DATABASE_URL": archive.database,
        "DATA_DIR": str(directory),
        "HTTP_PORT": "0",
        "ARCHIVER_BATCH": "50",
        "ARCHIVER_BACKOFF_MIN": "10ms",
        "ARCHIVER_BACKOFF_MAX": "50ms",
    }
    with (directory / "archiver.out").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "vardkase.cli.main", "run", "archiver"],
            env=clean | {f"VARDKASE_{name}": value for name, value in own.items()},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )


async def whole(archive: Archive, count: int) -> bool:
    """Whether every report is there, once, in both tables."""
    found = await archive.rows("SELECT count(*) n, count(DISTINCT sequence) s, max(sequence) m FROM report")
    return found == [{"n": count, "s": count, "m": count}] and (
        await archive.value("SELECT count(*) FROM report_key") == count
    )


async def archived(archive: Archive) -> int:
    """How many are there."""
    if await archive.value("SELECT to_regclass('report')") is None:
        return 0
    return await archive.value("SELECT count(*) FROM report")


async def test_killed_in_the_middle_of_a_batch(
    archive: Archive, nats_server: NatsServer, tmp_path: Path, eventually: Eventually
) -> None:
    """SIGKILL at some moment of 5,000 reports, twice: each is there once when the third archiver is done."""
    count, chance = 5_000, random.Random(3)
    await archive.reports(*(report(slug=f"s{number % 40}") for number in range(count)))
    for least in (1, 1_500):
        running = process(archive, nats_server, tmp_path)
        await eventually(lambda: archived_at_least(archive, least), what="under way", within=30)  # noqa: B023 -- at once
        await asyncio.sleep(chance.random() / 50)  # some moment, not a wait
        running.kill()
        running.wait()
    assert await archived(archive) < count
    await archive.start()
    await archive.until_caught_up(within=30)
    assert await whole(archive, count)


async def archived_at_least(archive: Archive, count: int) -> bool:
    return await archived(archive) >= count


async def test_postgres_killed_under_it(archive: Archive, mortal: Postgres, eventually: Eventually) -> None:
    """SIGKILL to the server and all its processes in the middle: told, taken up again, each report there once."""
    count = 3_000
    await archive.start(archiver={"batch": 20, "linger": 0, "tick": 0.05, "backoff_min": 0.02, "backoff_max": 0.1})
    await archive.until_caught_up()
    writing = asyncio.ensure_future(archive.reports(*(report(slug=f"s{n % 40}") for n in range(count))))
    await eventually(lambda: archived_at_least(archive, 100), what="under way")
    await asyncio.to_thread(mortal.kill)
    await eventually(lambda: "database" in archive.told(), what="told")
    assert archive.metrics.registry.get_sample_value("vardkase_archive_up") == 0
    await writing  # the log takes everything meanwhile
    await asyncio.to_thread(mortal.start)
    await archive.until_caught_up(within=30)
    assert await whole(archive, count)
    assert archive.metrics.registry.get_sample_value("vardkase_archive_up") == 1


async def test_postgres_away_from_the_beginning(archive: Archive, mortal: Postgres, eventually: Eventually) -> None:
    """Without a database it starts, says why it is not ready, acknowledges nothing, and catches up."""
    await asyncio.to_thread(mortal.stop)
    try:
        await archive.start()
        await archive.reports(*(report() for _ in range(100)))
        await eventually(lambda: "onnect" in archive.told().get("database", ""), what="told")
        assert "waits for the database" in archive.told()["archive REPORTS"]
        names = [info["name"] for info in (await call(archive.nc, "CONSUMER.LIST.REPORTS"))["consumers"]]
        assert names == []
    finally:
        await asyncio.to_thread(mortal.start)
    await archive.until_caught_up()
    assert await whole(archive, 100)


async def test_postgres_frozen(archive: Archive, mortal: Postgres, eventually: Eventually) -> None:
    """It takes connections and never answers: every wait ends, readiness tells, and it goes on after the thaw."""
    await archive.start()
    await archive.reports(*(report() for _ in range(20)))
    await archive.until_caught_up()
    mortal.freeze()
    try:
        await archive.reports(*(report() for _ in range(20)))
        await eventually(lambda: "no answer in time" in archive.told().get("database", ""), what="told")
    finally:
        mortal.thaw()
    await archive.until_caught_up(within=20)
    assert await whole(archive, 40)


async def test_nats_killed_under_it(archive: Archive, nats_server: NatsServer, eventually: Eventually) -> None:
    """The server of the streams killed and back on the same store: nothing lost, nothing twice."""
    await archive.start()
    await archive.reports(*(report() for _ in range(300)))
    await eventually(lambda: archived_at_least(archive, 1), what="under way")
    nats_server.kill()
    nats_server.start()
    await archive.reports(*(report() for _ in range(50)))
    await archive.until_caught_up(within=30)
    assert await whole(archive, 350)


async def test_stopped_in_order_it_finishes_what_it_has_in_hand(
    archive: Archive, nats_server: NatsServer, tmp_path: Path, eventually: Eventually
) -> None:
    """SIGTERM: what is read is written and acknowledged, and the exit code is 0, also while the database is away."""
    running = process(archive, nats_server, tmp_path)
    await archive.reports(*(report() for _ in range(500)))
    await eventually(lambda: archived_at_least(archive, 1), what="under way", within=30)
    running.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(running.wait, 20) == 0
    info = await call(archive.nc, "CONSUMER.INFO.REPORTS.archiver")
    assert info["ack_floor"]["stream_seq"] == await archived(archive)
