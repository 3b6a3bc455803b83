"""The archive of a node that `vardkase up` runs: there by itself, missed by nobody, asked by `vardkase replay`."""

import asyncio
import hashlib
import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from test_up import Up, command, environment

from servers import Eventually
from vardkase.cli import replay
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts.instants import from_datetime, iso
from vardkase_contracts.picture import Picture


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("archive"), "--area", "24")
    yield up
    up.close()


def checks(node: Up) -> dict[str, dict[str, Any]]:
    """The node's checks by name."""
    return {check["name"]: check for check in json.loads(node.get("/readyz")[1])["checks"]}


def told(node: Up, *arguments: str) -> str:
    """What a command of somebody at this node printed."""
    done = subprocess.run(
        command(*arguments),
        env=environment(DATA_DIR=str(node.directory / "data")),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def counted(node: Up) -> int:
    """How many reports are archived; -1 while the archive does not answer."""
    try:
        connection = await asyncpg.connect(node.ready["database"], timeout=2)
        try:
            return await connection.fetchval("SELECT count(*) FROM report")
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return -1


def postgres_of(node: Up) -> psutil.Process:
    """The node's PostgreSQL."""
    return next(each for each in psutil.Process(node.process.pid).children() if each.name() == "postgres")


async def test_it_is_archived_and_a_killed_postgres_disturbs_nobody(node: Up, eventually: Eventually) -> None:
    """PostgreSQL killed under a node: the node stays ready, reports are taken, and the archive catches up by itself."""
    await eventually(lambda: checks(node)["archiver: database"]["ok"], what="the archive is up", within=60)
    status = ("report", "status", "2480-skola", "lifecycle=open")
    await asyncio.to_thread(told, node, *status, "occupancy=1")

    async def there(count: int) -> bool:
        return await counted(node) == count

    await eventually(lambda: there(1), what="archived", within=20)
    postgres_of(node).send_signal(signal.SIGKILL)
    await asyncio.to_thread(told, node, *status, "occupancy=2")
    assert node.is_ready()
    await eventually(lambda: there(2), what="caught up", within=60)
    await eventually(lambda: checks(node)["postgres"]["ok"], what="told")
    assert checks(node)["postgres"]["needed"] is False
    metrics = node.get("/metrics")[1]
    assert 'vardkase_node_restarts_total{service="postgres"} 1' in metrics


async def test_replay_asks_it(node: Up, eventually: Eventually) -> None:
    """A picture of a moment ago, for people and for machines: the same question gives the same bytes and their hash."""
    await eventually(lambda: checks(node)["archiver: database"]["ok"], what="the archive is up", within=60)
    await asyncio.to_thread(told, node, "report", "status", "2480-bio", "lifecycle=open", "occupancy=7")

    async def there() -> bool:
        return await counted(node) >= 1

    await eventually(there, what="archived", within=20)
    at = iso(from_datetime(datetime.now(UTC)))
    question = ("replay", "--level", "kommun", "--code", "2480", "--at", at)
    first, again = [await asyncio.to_thread(told, node, *question, "--json") for _ in range(2)]
    assert first == again
    answer = json.loads(first)
    picture = Picture.model_validate_json(json.dumps(answer["picture"]))
    assert (picture.code, picture.condition.lifecycle.open >= 1) == ("2480", True)
    said = first[first.index('"picture": ') + len('"picture": ') :].rstrip()[:-1]
    assert hashlib.sha256(said.encode()).hexdigest() == answer["sha256"]
    shown = await asyncio.to_thread(told, node, *question, "--basis", "observed")
    assert "Umeå" in shown
    assert "sha256" in shown


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"at": "yesterday"}, "--at"),
        ({"at": "1h", "code": "2480", "level": "lan"}, "2480 is the code of a kommun"),
        ({"at": "1h", "code": "9999"}, "9999"),
        ({"at": "1h", "basis": "guessed"}, "expected known or observed"),
    ],
)
def test_a_wrong_question_is_refused(asked: dict[str, str], line: str) -> None:
    """One line that names what is wrong."""
    with pytest.raises(Refused, match=line):
        replay.command(**asked)


def test_an_archive_that_is_not_there_is_told() -> None:
    """No database: one line, and no password in it."""
    with pytest.raises(Failed, match="the archive cannot be read") as told:
        replay.command(at="1h", database="postgresql://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(told.value)


def test_without_an_archive(tmp_path: Path) -> None:
    """Switched off: nothing of it runs, and the ready line says so."""
    up = Up(tmp_path, "--area", "2480", variables={"ARCHIVE": "off"})
    try:
        assert up.ready["database"] is None
        assert not any("archiver" in name or name == "postgres" for name in checks(up))
        assert not (tmp_path / "data" / "postgres").exists()
    finally:
        assert up.end() == 0
