"""A PostgreSQL of the node's own: made, killed, left behind, refused; what it keeps, and who may read it."""

import asyncio
import os
import signal
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from servers import Eventually
from vardkase.runtime import os_user
from vardkase.runtime.beside import Beside
from vardkase.runtime.errors import Failed
from vardkase.runtime.postgres import OS_USER, EmbeddedPostgres
from vardkase.runtime.setting_groups import SupervisorSettings
from vardkase.runtime.settings import Settings

Make = Callable[[], EmbeddedPostgres]


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory. Not in pytest's own: a run that begins elsewhere closes those to the server's user."""
    with tempfile.TemporaryDirectory(prefix="vardkase-test-") as directory:
        yield Path(directory)


@pytest.fixture
async def make(home: Path) -> AsyncIterator[Make]:
    servers: list[EmbeddedPostgres] = []

    def make() -> EmbeddedPostgres:
        server = EmbeddedPostgres(Settings(data_dir=home))
        server.prepare()
        servers.append(server)
        return server

    yield make
    for server in servers:
        if server.pid is not None:
            os.kill(server.pid, signal.SIGKILL)
        await server.stop()


async def ask(server: EmbeddedPostgres, query: str) -> object:
    connection = await asyncpg.connect(server.url.get_secret_value())
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def patiently(server: EmbeddedPostgres) -> None:
    """Start it, as a node does: again and again while what a kill left of it is ending."""
    while True:
        try:
            await server.start()
        except Failed:
            await asyncio.sleep(0.05)
        else:
            return


async def test_its_lives(make: Make, home: Path) -> None:
    """Made whole or not at all; the same port, password and rows after any end; one that was left behind is ended."""
    half = home / "postgres" / "cluster.new"
    half.parent.mkdir(mode=0o700)
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")  # the making was cut off
    server = make()
    await server.start()
    files = sorted(path.name for path in (home / "postgres").iterdir())
    assert files == ["cluster", "password", "postgres.log"]
    url = server.url
    assert await ask(server, "CREATE TABLE t AS SELECT 7 AS n") is None
    assert await ask(server, "SHOW fsync") == await ask(server, "SHOW synchronous_commit") == "on"
    assert await ask(server, "SHOW listen_addresses") == "127.0.0.1"
    await only_we_may_read_it(server, home)
    assert server.pid is not None
    for number in (signal.SIGKILL, signal.SIGINT):
        os.kill(server.pid, number)
        await server.wait()
        await patiently(server)
        assert server.url == url
        assert await ask(server, "SELECT n FROM t") == 7

    left = server.pid
    after = make()  # a node that knows nothing of the first one's process
    await patiently(after)
    assert not psutil.pid_exists(left)
    assert await ask(after, "SELECT n FROM t") == 7
    await after.stop()

    as_server = {"user": OS_USER} if os.geteuid() == 0 else {}
    other = await asyncio.create_subprocess_exec("sleep", "60", **as_server)
    try:  # after a power cut the pid in its file may be another program's, of the same user
        pid_file = home / "postgres" / "cluster" / "postmaster.pid"
        pid_file.write_text(f"{other.pid}\n{home}\n0\n5432\n\n127.0.0.1\n0 0\nready\n")
        await after.start()
        assert await ask(after, "SELECT n FROM t") == 7
        assert other.returncode is None
    finally:
        other.kill()
        await other.wait()


async def only_we_may_read_it(server: EmbeddedPostgres, home: Path) -> None:
    """The password is this user's alone, nobody gets in without it, and root's server is not root's."""
    assert stat.S_IMODE((home / "postgres" / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "postgres" / "cluster").stat().st_mode) == 0o700
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url.get_secret_value().replace("vardkase:", "vardkase:x"))
    for directory in (home, home / "postgres"):
        assert not directory.stat().st_mode & 0o007
    if os.geteuid() == 0:
        assert psutil.Process(server.pid).username() == OS_USER


async def test_a_cluster_of_another_version_is_refused(make: Make, home: Path) -> None:
    """What another major version made is left alone, and the line says what to do."""
    cluster = home / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("12\n")
    (home / "postgres" / "password").write_text("secret")
    with pytest.raises(Failed, match="was made by PostgreSQL 12"):
        await make().start()


async def test_a_lost_password_is_told(make: Make, home: Path) -> None:
    """Without its password the database cannot be opened: said, not made anew beside it."""
    (home / "postgres" / "cluster").mkdir(parents=True)
    with pytest.raises(Failed, match="password is gone"):
        make()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lets another user through")
def test_a_user_is_let_through_and_nobody_else(home: Path) -> None:
    """The entry in the list lets one user pass; the mode for others stays; again changes nothing."""
    home.chmod(0o750)
    user = os_user.User("nobody", 65534, 65534)
    for _ in range(2):
        os_user.let_through(home / "x", user)
        assert stat.S_IMODE(home.stat().st_mode) & 0o007 == 0
    entries = os_user._entries(home, 0)
    assert entries[os_user._USER, 65534] == 1
    assert entries[os_user._GROUP_OBJ, os_user._NOBODY] == 5


class Sleeping:
    """A server that only sleeps, and cannot be started the first time."""

    def __init__(self) -> None:
        self.starts = 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.starts += 1
        if self.starts == 1:
            raise Failed("not yet")
        self._process = await asyncio.create_subprocess_exec("sleep", "60")

    async def wait(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


async def test_what_runs_beside_is_started_again_and_its_check_tells(eventually: Eventually) -> None:
    """A server that cannot be started, or dies, is started again; the node is ready without it, and says how it is."""
    server = Sleeping()
    beside = Beside("postgres", server, SupervisorSettings(backoff_min=0.1, backoff_max=0.2))
    running = asyncio.ensure_future(beside.run())
    await eventually(lambda: "not yet" in beside.check().detail, what="told")
    assert not beside.check().needed
    await eventually(lambda: beside.check().ok, what="up")
    await server.stop()
    await eventually(lambda: "ended with" in beside.check().detail, what="told")
    await eventually(lambda: beside.check().ok, what="up again")
    assert beside.restarts == 2
    running.cancel()
    await beside.stop()
    assert not beside.check().ok
