"""`vardkase retention apply` at a set time of day, where `VARDKASE_RETENTION_AT` says so: see docs/adr/0043.

The same command, in a process of its own. A policy that is new, or was changed, is told a day before it counts.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from vardkase.archive.retention import policy as policies
from vardkase.cli.times import day_and_clock, parse_coming
from vardkase.runtime.errors import Refused
from vardkase.runtime.exposition import family
from vardkase.runtime.health import Check
from vardkase.runtime.orphans import die_with_parent
from vardkase.runtime.settings import Settings

log: Final = logging.getLogger(__name__)

Outcome = Literal["applied", "announced", "failed", "refused"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("applied", "announced", "failed", "refused")
"""What a time that came led to: what was old enough went; a new policy was told; it did not all go; it is no policy."""
ANNOUNCED: Final = "retention.json"
"""In the data directory: which policy was told, by the SHA-256 of its file."""
APPLY: Final = (sys.executable, "-m", "vardkase.cli.main", "retention", "apply", "--yes", "--by-timer", "--json")
_GLANCE: Final = 60.0
"""Seconds between two looks at the clock: it may be set, and a computer may have slept."""
_LONGEST: Final = 6 * 3600.0
"""Seconds that a run may take: a länsstyrelse's years take minutes."""
_ENDS: Final = 10.0
"""Seconds that one that is stopped has to end in order."""
_SAID: Final = 2_000
"""Characters of what a run says that are logged."""


class RetentionTimer:
    """Lets go of what the policy says, once a day. Work of the supervisor (`Standing`).

    Args:
        settings: `retention_at`, `retention_file`, `data_dir`.
        environment: of the command; asked each time.
        command: what is run.
        now: the time, for tests.
        glance: seconds between two looks at it.

    Raises:
        Refused: there is no policy to go by, or no archive.
    """

    def __init__(
        self,
        settings: Settings,
        environment: Callable[[], Mapping[str, str]],
        *,
        command: Sequence[str] = APPLY,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        glance: float = _GLANCE,
    ) -> None:
        if settings.retention_at is None or settings.retention_file is None or not settings.archive:
            raise Refused("VARDKASE_RETENTION_AT: expected VARDKASE_RETENTION_FILE too, and an archive")
        self._at = settings.retention_at
        self._file = settings.retention_file
        self._told = settings.data_dir / ANNOUNCED
        self._environment = environment
        self._command = command
        self._now = now
        self._glance = glance
        self._counts = dict.fromkeys(OUTCOMES, 0)
        self._applied_at = 0.0
        self._last: Outcome | None = None
        self._next = self._coming()

    async def run(self) -> None:
        """Wait for the time, day after day, until cancelled. A node that does not run then waits for the next."""
        while True:
            await asyncio.sleep(self._glance)
            if self._now() < self._next:
                continue
            self._next = self._coming()
            self._last = outcome = await self._once()
            self._counts[outcome] += 1
            if outcome == "applied":
                self._applied_at = time.time()

    def checks(self) -> Sequence[Check]:
        """Whether the last time went well. A node is ready without."""
        ok = self._last not in {"failed", "refused"}
        last = "" if self._last is None else f"{self._last}; "
        return (Check(name="retention", ok=ok, detail=f"{last}next {day_and_clock(self._next)}", needed=False),)

    def exposition(self) -> str:
        """Its metrics as Prometheus' text."""
        runs = [({"outcome": outcome}, float(count)) for outcome, count in self._counts.items()]
        return family(
            "vardkase_retention_runs_total", "counter", "Times that the timer of retention came, by outcome", runs
        ) + family(
            "vardkase_retention_applied_timestamp_seconds",
            "gauge",
            "When the timer last let go of all that was old enough; 0: not since the node started",
            [({}, self._applied_at)],
        )

    def _coming(self) -> datetime:
        return parse_coming(self._at, option="VARDKASE_RETENTION_AT", now=self._now())

    async def _once(self) -> Outcome:
        try:
            policy = await asyncio.to_thread(policies.load, self._file)
            new = await asyncio.to_thread(self._announce)
        except (Refused, OSError) as error:
            log.error("nothing goes by retention: its policy cannot be used", extra={"error": str(error)})  # noqa: TRY400
            return "refused"
        kept = {name: keep.days for name, keep in policy.items() if keep.days is not None}
        if new:
            when = day_and_clock(self._next)
            log.warning("a new policy of retention: it counts from the next time", extra={"days": kept, "next": when})
            return "announced"
        if not kept:
            return "applied"  # everything is kept for ever
        return await self._apply()

    def _announce(self) -> bool:
        """Whether the policy is another than the one that was told last; then it is told now.

        Raises:
            OSError: that cannot be remembered, or the file cannot be read.
        """
        digest = hashlib.sha256(self._file.read_bytes()).hexdigest()
        with contextlib.suppress(FileNotFoundError, ValueError, AttributeError):
            if json.loads(self._told.read_bytes()).get("sha256") == digest:
                return False
        new = self._told.with_suffix(".new")
        with open(new, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(json.dumps({"sha256": digest}))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._told)
        return True

    async def _apply(self) -> Outcome:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(self._environment()),
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        except OSError as error:
            log.error("retention cannot be run", extra={"error": str(error)})  # noqa: TRY400 -- one line says it
            return "failed"
        try:
            async with asyncio.timeout(_LONGEST):
                said, _ = await process.communicate()
        except TimeoutError:
            log.error("retention was stopped: it took too long", extra={"seconds": _LONGEST})  # noqa: TRY400
            return "failed"
        finally:
            await _ended(process)
        told = {"code": process.returncode, "said": said.decode(errors="replace").strip()[-_SAID:]}
        if process.returncode != 0:
            log.error("not all went by retention; it is tried again the next time", extra=told)
            return "failed"
        log.info("retention was applied", extra=told)
        return "applied"


def timer_of(settings: Settings, environment: Callable[[], Mapping[str, str]]) -> tuple[RetentionTimer, ...]:
    """The timer that is set; none, unless one is.

    Raises:
        Refused: see `RetentionTimer`.
    """
    return () if settings.retention_at is None else (RetentionTimer(settings, environment),)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """See to it that it has ended: in order, if it does so soon."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_ENDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
