"""A whole node as one command, from a test that waits for it without an event loop; its processes can be killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

WITHIN: Final = 60.0
"""Seconds that something may take, on a machine that others use too."""


class Up:
    """A node that runs.

    Args:
        process: the supervisor's.
        told: its ready line.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", told: dict[str, Any]) -> None:
        self._process = process
        self.told = told

    def pids(self) -> dict[str, int]:
        """Its processes that run now: each service by its name, `nats-server`, `postgres`."""
        found: dict[str, int] = {}
        for each in psutil.Process(self._process.pid).children():
            with contextlib.suppress(psutil.Error):
                words = each.cmdline()
                if words and each.status() != psutil.STATUS_ZOMBIE:
                    program = Path(words[0]).name
                    is_service = words[-2:-1] == ["run"]
                    found[words[-1] if is_service else program.partition(":")[0]] = each.pid
        return found

    def signal(self, name: str, number: int) -> None:
        """Send a signal to one of them, and to those that it started."""
        process = psutil.Process(self.pids()[name])
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                each.send_signal(number)


@contextmanager
def node_up(directory: Path, *, area: str = "24", **variables: str) -> Iterator[Up]:
    """Runs `vardkase up`, until it is ready. Everything that it started ends with the block.

    Args:
        directory: for its data, and for what it says (`node.log`).
        area: whose picture it makes.
        variables: settings without their prefix.
    """
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("VARDKASE_")}
    command = [sys.executable, "-m", "vardkase.cli.main", "up", "--json", "--http-port", "0", "--nats-port", "0"]
    with (directory / "node.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--area", area, "--data-dir", str(directory / "data")],
            env=clean | {f"VARDKASE_{name}": value for name, value in variables.items()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=directory,
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, (directory / "node.log").read_text()[-2000:]
        yield Up(process, json.loads(line))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        process.stdout.close()


def until(condition: Callable[[], bool], what: str, within: float = WITHIN) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in {within:g} s"
        time.sleep(0.05)
