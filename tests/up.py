"""A whole node as one command, from a test that waits for it without an event loop."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

WITHIN: Final = 180.0
"""Seconds that it may take to be ready, on a machine that others use too."""


@contextmanager
def node_up(directory: Path, *, area: str = "24", **variables: str) -> Iterator[dict[str, Any]]:
    """Runs `vardkase up`; gives its ready line. Everything that it started ends with the block.

    Args:
        directory: for its data, and for what it says (`node.log`).
        area: whose picture it makes.
        variables: settings without their prefix.
    """
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("VARDKASE_")}
    settings = {"SUPERVISOR_HANG": "120s"} | variables
    command = [sys.executable, "-m", "vardkase.cli.main", "up", "--json", "--http-port", "0", "--nats-port", "0"]
    with (directory / "node.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--area", area, "--data-dir", str(directory / "data")],
            env=clean | {f"VARDKASE_{name}": value for name, value in settings.items()},
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
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        process.stdout.close()
