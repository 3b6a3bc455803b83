"""Retention at a set time of day: off unless set, a day's notice of a new policy, the command in its own process."""

import asyncio
import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from servers import Eventually
from vardkase.cli.main import COMMANDS
from vardkase.cli.retention_timer import ANNOUNCED, APPLY, RetentionTimer, timer_of
from vardkase.runtime.errors import Refused
from vardkase.runtime.settings import Settings, environment, load

POLICY = "[states]\nkeep_days = 400\ndecision = 'KS 2026/123'\n"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Now:
    """A clock that is set."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


def settings_of(tmp_path: Path, **changes: Any) -> Settings:
    file = tmp_path / "retention.toml"
    if not file.exists():
        file.write_text(POLICY, encoding="utf-8")
    return load(**{"data_dir": str(tmp_path), "retention_file": str(file), "retention_at": "03:30"} | changes)


def program(tmp_path: Path, after: str = "", *, before: str = "") -> tuple[str, ...]:
    """A command in the place of the real one: writes a line each time that it runs."""
    script = tmp_path / "apply.py"
    ran = tmp_path / "ran"
    said = f"with open({str(ran)!r}, 'a') as file: file.write('ran\\n')"
    script.write_text(f"import signal, sys, time\n{before}\n{said}\n{after}\n")
    return (sys.executable, str(script))


def runs(tmp_path: Path) -> int:
    ran = tmp_path / "ran"
    return len(ran.read_text().splitlines()) if ran.exists() else 0


@asynccontextmanager
async def running(timer: RetentionTimer) -> AsyncIterator[None]:
    task = asyncio.create_task(timer.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def timer(settings: Settings, now: Now, command: tuple[str, ...]) -> RetentionTimer:
    return RetentionTimer(settings, lambda: os.environ, command=command, now=now, glance=0.01)


def outcome(timer: RetentionTimer) -> dict[str, int]:
    """How often each outcome was, as the metrics tell."""
    lines = [line for line in timer.exposition().splitlines() if line.startswith("vardkase_retention_runs_total")]
    return {line.split('"')[1]: int(line.split()[-1]) for line in lines if int(line.split()[-1])}


async def test_a_policy_counts_from_the_day_after_it_was_told(tmp_path: Path, eventually: Eventually) -> None:
    """At half past three in Sweden: told, then let go of each day; changed, it is told again. Also after a restart."""
    now, settings, command = Now(), settings_of(tmp_path), program(tmp_path)
    first = timer(settings, now, command)
    assert first.checks()[0].detail == "next 21 nov 03:30"
    async with running(first):
        now.at = NOON + timedelta(hours=14, minutes=29)
        await asyncio.sleep(0.05)
        assert outcome(first) == {}
        now.at += timedelta(minutes=1)
        await eventually(lambda: outcome(first) == {"announced": 1}, what="the policy told")
    assert runs(tmp_path) == 0
    again = timer(settings, now, command)
    async with running(again):
        now.at += timedelta(days=1)
        await eventually(lambda: outcome(again) == {"applied": 1}, what="what is old gone")
        assert runs(tmp_path) == 1
        (tmp_path / "retention.toml").write_text(POLICY.replace("400", "40"), encoding="utf-8")
        now.at += timedelta(days=1)
        await eventually(lambda: outcome(again) == {"applied": 1, "announced": 1}, what="the change told")
        assert runs(tmp_path) == 1
        now.at += timedelta(days=1)
        await eventually(lambda: outcome(again) == {"applied": 2, "announced": 1}, what="the change in force")
    assert runs(tmp_path) == 2
    check = again.checks()[0]
    assert (check.ok, check.needed) == (True, False)
    (applied,) = (line for line in again.exposition().splitlines() if line.startswith("vardkase_retention_applied"))
    assert abs(float(applied.split()[1]) - time.time()) < 60, "to the second"


async def test_what_goes_wrong_is_told_and_tried_the_next_day(tmp_path: Path, eventually: Eventually) -> None:
    """A run that fails and a policy that is none: nothing ends, the check says so, the day after it is tried again."""
    now, settings = Now(), settings_of(tmp_path)
    failing = timer(settings, now, program(tmp_path, "sys.exit(1)"))
    async with running(failing):
        for day in (1, 2):
            now.at = NOON + timedelta(days=day)
            await eventually(lambda: sum(outcome(failing).values()) == day, what="a day")  # noqa: B023
        assert outcome(failing) == {"announced": 1, "failed": 1}
        assert not failing.checks()[0].ok
        (tmp_path / "retention.toml").write_text("[states]\nkeep_days = 1\n", encoding="utf-8")
        now.at += timedelta(days=1)
        await eventually(lambda: outcome(failing).get("refused") == 1, what="the policy refused")
        assert runs(tmp_path) == 1
        assert failing.checks()[0].detail.startswith("refused; next 24 nov")


async def test_a_run_ends_with_the_node(tmp_path: Path, eventually: Eventually) -> None:
    """Who stops the node stops the run: it is told to end, and is waited for."""
    now, settings = Now(), settings_of(tmp_path)
    (tmp_path / ANNOUNCED).write_text(json.dumps({"sha256": hashlib.sha256(POLICY.encode()).hexdigest()}))
    ends = "def end(*_):\n    open(sys.argv[0] + '.ended', 'w').close()\n    sys.exit(1)\n"
    ends += "signal.signal(signal.SIGTERM, end)"
    waits = timer(settings, now, program(tmp_path, "time.sleep(60)", before=ends))
    async with running(waits):
        now.at += timedelta(days=1)
        await eventually(lambda: runs(tmp_path) == 1, what="the run")
    assert (tmp_path / "apply.py.ended").exists()


def test_it_is_off_unless_set_and_needs_a_policy(tmp_path: Path) -> None:
    """Without a time there is none; a time without a policy or an archive, and what is no time, are refused."""
    settings = settings_of(tmp_path)
    assert timer_of(load(data_dir=str(tmp_path)), dict) == ()
    assert len(timer_of(settings, dict)) == 1
    with pytest.raises(Refused, match="VARDKASE_RETENTION_FILE"):
        timer_of(load(data_dir=str(tmp_path), retention_at="03:30"), dict)
    with pytest.raises(Refused, match="archive"):
        timer_of(settings_of(tmp_path, archive=False), dict)
    with pytest.raises(Refused, match="03:30"):
        settings_of(tmp_path, retention_at="half past three")
    assert APPLY[3] in COMMANDS
    assert environment(settings)["VARDKASE_RETENTION_FILE"] == str(tmp_path / "retention.toml")
