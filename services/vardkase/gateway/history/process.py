"""A process that answers questions, as the gateway holds it: started when needed, ended when it takes too long."""

import asyncio
import contextlib
import os
import sys
from typing import Final

from vardkase.runtime.setting_groups import HistorySettings

from .asks import FRAME, HEAD, ORDER, Head, Order, Told

_START: Final = 30.0
"""Seconds that a process may take to start: it has much to load, on a busy computer."""
_GRACE: Final = 5.0
"""Seconds after its time that a process ends itself, should the gateway be gone."""
_ENDS: Final = 2.0
"""Seconds that a process may take to be gone once it was killed."""
_PASSED_ON: Final = ("PATH", "LANG", "LC_", "TZ", "PYTHON", "VIRTUAL_ENV", "SSL_CERT_")
"""What of the environment a process is given, by what it begins with: none of the node's settings, and no secret."""
_LONGEST: Final = 256 << 20
"""Bytes of an answer."""


class Lost(Exception):  # noqa: N818 -- what happened
    """The process ended without an answer."""


class Process:
    """One process. It answers one question at a time.

    Args:
        settings: `memory` and `timeout`.
    """

    def __init__(self, settings: HistorySettings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Its id; None while it does not run."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    async def start(self) -> None:
        """See to it that it runs, and can be asked.

        Raises:
            Lost: it cannot be started.
        """
        if self.pid is not None:
            return
        await self.kill()
        await self._spawn()
        try:
            async with asyncio.timeout(_START):
                if self._process is not None and self._process.stdout is not None:
                    await self._head(self._process.stdout)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            await self.kill()
            raise Lost("it did not start") from error

    async def ask(self, order: Order) -> Told:
        """The answer. Who is cancelled while waiting must `kill` it: what it says next is nobody's.

        Raises:
            Lost: it ended, or was not started.
        """
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise Lost("it was not started")
        frame = ORDER.dump_json(order)
        try:
            process.stdin.write(len(frame).to_bytes(FRAME, "big") + frame)
            await process.stdin.drain()
            head = await self._head(process.stdout)
            body = await process.stdout.readexactly(head.size)
        except (OSError, asyncio.IncompleteReadError) as error:
            await self.kill()
            raise Lost(f"it ended ({process.returncode})") from error
        return Told(head=head, body=body)

    async def kill(self) -> None:
        """End it at once. Another question starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDS):
                await process.wait()

    async def _spawn(self) -> None:
        settings = self._settings
        environment = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
        limits = (str(settings.memory), str(settings.timeout + settings.caught_up + _GRACE))
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"{__package__}.worker",
                *limits,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=environment,
            )
        except OSError as error:
            raise Lost(f"it could not be started: {error.strerror or error}") from error

    @staticmethod
    async def _head(answers: asyncio.StreamReader) -> Head:
        size = int.from_bytes(await answers.readexactly(FRAME), "big")
        head = HEAD.validate_json(await answers.readexactly(size))
        if head.size > _LONGEST:
            raise OSError("an answer that is longer than any")
        return head
