"""One service as a child process: started, asked how it is, started again when it dies, for ever."""

import asyncio
import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import Final

from vardkase.runtime import httpio
from vardkase.runtime.backoff import Backoff
from vardkase.runtime.errors import DONE, FAILED, WRONG_USE
from vardkase.runtime.health import Check
from vardkase.runtime.setting_groups import SupervisorSettings
from vardkase.runtime.sockets import listen
from vardkase.runtime.watchdog import GO

log: Final = logging.getLogger(__name__)

READY_LIMIT: Final = 1 << 20
"""Longest answer about readiness, in bytes."""
_KILLED: Final = 5.0
"""Seconds to wait for a process that was killed: one that hangs in the kernel may never end."""
METRICS_LIMIT: Final = 16 << 20
"""Longest answer with metrics, in bytes."""


class Child:
    """A service's process, or the wait for its next one.

    Its socket is bound here and handed down, so that its port outlives it: who asks during a restart waits a moment
    instead of being refused. The writing end of a pipe is held here, whose end tells the child that this process died.

    Args:
        name: of the service.
        command: what runs it.
        environment: gives the variables for an HTTP socket's and a lifeline's descriptor.
        settings: how long things may take.
        go: set while the service may start; its process is started before that, to import what it needs.
        changed: called when it may have become ready.
        lease: a descriptor that it inherits and keeps: see `DataDir.lease`.
        needed: whether the node is ready only when this service is.
        handed: more descriptors that it inherits.
    """

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str],
        environment: Callable[[int, int], dict[str, str]],
        settings: SupervisorSettings,
        go: asyncio.Event,
        changed: Callable[[], None],
        lease: int | None = None,
        needed: bool = True,
        handed: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.needed = needed
        self.restarts = 0
        self.pid: int | None = None
        """Of the process that runs now."""
        self.refused = False
        """It ended with "wrong use" before it was ever ready: starting it again cannot help."""
        self._command = command
        self._environment = environment
        self._settings = settings
        self._go = go
        self._changed = changed
        self._inherited = (*(() if lease is None else (lease,)), *handed)
        self._socket = listen("127.0.0.1", 0)
        self.port: int = self._socket.getsockname()[1]
        """Where it answers, on loopback."""
        self._backoff = Backoff(least=settings.backoff_min, most=settings.backoff_max)
        self._process: asyncio.subprocess.Process | None = None
        self._spawning = asyncio.Lock()
        self._stopping = False
        self._ever_ready = False
        self._answered = False
        self._heard = 0.0
        self._checks: Sequence[Check] = ()
        self._not_ready("starting")

    @property
    def checks(self) -> Sequence[Check]:
        """What it said when it was last asked, or why it says nothing."""
        return self._checks

    @property
    def ready(self) -> bool:
        """Whether every check held when it was last asked."""
        return all(check.ok for check in self._checks)

    async def run(self) -> None:
        """Keeps a process running until `stop`, or until it refuses its settings."""
        while not self._stopping:
            started = time.monotonic()
            code = await self._once()
            if self._stopping:
                return
            if code == WRONG_USE and not self._ever_ready:
                self.refused = True
                self._not_ready("refused its settings")
                return
            if time.monotonic() - started >= self._settings.stable:
                self._backoff.reset()
            wait = self._backoff.next()
            self.restarts += 1
            self._not_ready(f"ended with {code}; starts again in {wait:.1f} s")
            log.error(
                "a service ended; starting it again",
                extra={"child": self.name, "code": code, "wait_s": round(wait, 2), "restarts": self.restarts},
            )
            await asyncio.sleep(wait)

    async def watch(self) -> None:
        """Asks it how it is, again and again; kills it when it has answered nothing for too long."""
        while True:
            await self._ask()
            # At the start every tenth of a second counts; later, the truth within a second is enough.
            await asyncio.sleep(self._settings.poll if self._ever_ready else min(0.1, self._settings.poll))
            # Imports take their time on a busy machine: who has not answered yet has longer than who has.
            patience = self._settings.hang if self._answered else max(self._settings.hang, self._settings.slow_start)
            if self._process is not None and time.monotonic() - self._heard > patience:
                log.error("a service answers nothing; killing it", extra={"child": self.name, "pid": self.pid})
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                self._heard = time.monotonic()

    async def metrics(self) -> str:
        """Its metrics as text.

        Raises:
            OSError: it does not answer in time.
        """
        timeout = self._settings.probe_timeout
        answer = await httpio.get(self.port, "/metrics", timeout=timeout, limit=METRICS_LIMIT)
        return answer.body.decode(errors="replace")

    async def stop(self, hurry: asyncio.Event) -> None:
        """Asks the process to finish, waits, and kills it when it takes too long or when `hurry` is set."""
        self._stopping = True
        async with self._spawning:  # one that is being started now must be stopped too
            process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            ended = asyncio.ensure_future(process.wait())
            hurried = asyncio.ensure_future(hurry.wait())
            await asyncio.wait({ended, hurried}, timeout=self._settings.stop_grace, return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
            if not ended.done():
                log.error("a service did not stop; killing it", extra={"child": self.name, "pid": process.pid})
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await asyncio.wait({ended}, timeout=_KILLED)
        self._not_ready("stopped")

    def close(self) -> None:
        """Lets its port go."""
        self._socket.close()

    async def _once(self) -> int:
        """Runs one process to its end; its exit code."""
        lifeline, ours = os.pipe()
        try:
            async with self._spawning:
                if self._stopping:
                    os.close(ours)
                    return DONE
                process = await self._start(lifeline)
        except OSError as error:
            log.error("a service cannot be started", extra={"child": self.name, "error": str(error)})  # noqa: TRY400
            os.close(ours)
            return FAILED
        finally:
            os.close(lifeline)
        try:
            return await self._until_end(process, ours)
        finally:
            os.close(ours)
            self._process = self.pid = None

    async def _start(self, lifeline: int) -> asyncio.subprocess.Process:
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment(self._socket.fileno(), lifeline),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=2,  # ours is for the ready line alone
            pass_fds=(self._socket.fileno(), lifeline, *self._inherited),
            start_new_session=True,  # Ctrl-C is for us; we stop it in the right order
        )
        self.pid = process.pid
        self._heard = time.monotonic()
        self._answered = False
        self._not_ready("starting")
        return process

    async def _until_end(self, process: asyncio.subprocess.Process, lifeline: int) -> int:
        going = asyncio.ensure_future(self._go.wait())
        ended = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait({going, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                with contextlib.suppress(BrokenPipeError):
                    os.write(lifeline, GO)
            return await ended
        finally:
            going.cancel()

    async def _ask(self) -> None:
        process = self._process
        if process is None or self._stopping:
            return
        timeout = self._settings.probe_timeout
        try:
            answer = await httpio.get(self.port, "/readyz", timeout=timeout, limit=READY_LIMIT)
            found = json.loads(answer.body)["checks"]
            checks = [self._check(f"{self.name}: {c['name']}", str(c["detail"]), ok=bool(c["ok"])) for c in found]
        except (OSError, ValueError, LookupError, TypeError) as error:
            if self._process is process:
                self._not_ready(str(error) if self._ever_ready else f"starting: {error}")
            return
        if self._process is not process or self._stopping:  # it ended meanwhile: what it said is no longer true
            return
        self._heard = time.monotonic()
        self._answered = True
        self._checks = checks
        self._ever_ready = self._ever_ready or self.ready
        self._changed()

    def _not_ready(self, detail: str) -> None:
        self._checks = (self._check(self.name, detail, ok=False),)

    def _check(self, name: str, detail: str, *, ok: bool) -> Check:
        return Check(name=name, ok=ok, detail=detail, needed=self.needed)
