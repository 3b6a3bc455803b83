"""A whole node, as `vardkase up` runs it: started, asked how its links are, killed with all it has, started again."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psutil

from vardkase.rehearsal.values import LinkSeen
from vardkase.runtime import httpio
from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.connection import Connection, connect
from vardkase.runtime.orphans import die_with_parent

_READY: Final = 180.0
"""Seconds that a node may take to be ready: three hundred others start on the same computer."""
_STOPS: Final = 30.0
_ASKED: Final = 3.0
_LONGEST: Final = 1 << 20
_PREFIX: Final = "VARDKASE_"


class WholeNode:
    """A node with its services, in processes of its own.

    Args:
        name: of the node.
        directory: for its data and for what it says.
        variables: its settings, by the variable's name without its prefix, its ports among them; no others are taken
            from the environment.
    """

    def __init__(self, name: str, directory: Path, variables: Mapping[str, str]) -> None:
        self.name = name
        self._directory = directory
        self._variables = dict(variables)
        self._process: asyncio.subprocess.Process | None = None
        self._nc: Connection | None = None

    @property
    def nc(self) -> Connection:
        """A connection to its account, once it was started: made anew by itself."""
        if self._nc is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._nc

    async def start(self) -> None:
        """Start it; returns when it says that it is ready.

        Raises:
            Failed: it ended, or is not ready in time.
        """
        await self._begin()
        self._nc = await connect(
            f"nats://127.0.0.1:{self._variables['NATS_PORT']}",
            name="rehearsal",
            within=_ASKED * 10,
            reconnect_wait=0.1,
        )

    async def revive(self) -> None:
        """Start it again, on the same ports and data.

        Raises:
            Failed: it ended, or is not ready in time.
        """
        await self._begin()

    async def kill(self) -> None:
        """SIGKILL of all of it at once, as when the power goes."""
        process, self._process = self._process, None
        if process is None:
            return
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            supervisor = psutil.Process(process.pid)
            family = [supervisor, *supervisor.children(recursive=True)]
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        await process.wait()

    async def stop(self) -> None:
        """End it in order; killed when it takes too long."""
        if self._nc is not None:
            await self._nc.close()
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOPS):
                await process.wait()
        except TimeoutError:
            await self.kill()

    async def seen(self) -> Mapping[str, LinkSeen]:
        """How it sees its links, by the node at their other end; empty while it does not answer."""
        try:
            answer = await httpio.get(int(self._variables["HTTP_PORT"]), "/readyz", timeout=_ASKED, limit=_LONGEST)
            checks = json.loads(answer.body)["checks"]
        except (OSError, ValueError, LookupError):
            return {}
        return {
            name.removeprefix("link "): LinkSeen(up=bool(each["ok"]), detail=str(each["detail"]))
            for each in checks
            if (name := str(each["name"])).startswith("link ")
        }

    def memory(self) -> int:
        """Resident bytes of all its processes."""
        process = self._process
        total = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            if process is not None:
                supervisor = psutil.Process(process.pid)
                for each in (supervisor, *supervisor.children(recursive=True)):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        total += each.memory_info().rss
        return total

    async def _begin(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(_PREFIX)}
        environment |= {f"{_PREFIX}{name}": value for name, value in self._variables.items()}
        command = (sys.executable, "-m", "vardkase.cli.main", "up", "--json")
        log = self._directory / "node.log"
        with log.open("ab") as file:
            process = self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=file,
                env=environment,
                cwd=self._directory,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        told: dict[str, Any] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READY):
                line = await process.stdout.readline() if process.stdout is not None else b""
                with contextlib.suppress(ValueError):
                    told = json.loads(line)
        if not told.get("ready"):
            await self.kill()
            raise Failed(f"{self.name} was not ready in {_READY:g} s, or ended: see {log}")
