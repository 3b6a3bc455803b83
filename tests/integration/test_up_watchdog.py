"""The supervisor's own event loop stands still: seen by a thread beside it, and ended with all that it started."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from servers import Eventually
from vardkase.runtime import httpio

#: `vardkase up` whose event loop stands still from when somebody asks it for its metrics.
STANDING_STILL = """
import time
from vardkase.runtime.supervisor import Supervisor

async def stands_still(self):
    time.sleep(300)

Supervisor._metrics = stands_still
from vardkase.cli.main import main
main()
"""


def started(directory: Path) -> subprocess.Popen[bytes]:
    """The node, whose loop moves as yet."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VARDKASE_")}
    own = {"HEALTH_STALL": "2s", "ARCHIVE": "false", "GATEWAY": "false"}
    arguments = ["up", "--json", "--http-port", "0", "--nats-port", "0", "--data-dir", str(directory / "data")]
    with (directory / "told").open("wb") as told:
        return subprocess.Popen(
            [sys.executable, "-c", STANDING_STILL, *arguments],
            env=clean | {f"VARDKASE_{name}": value for name, value in own.items()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=told,
            start_new_session=True,
        )


@pytest.mark.slow
async def test_a_supervisor_that_stands_still_ends_with_all_its_children(
    tmp_path: Path, eventually: Eventually
) -> None:
    """With its stacks in the log and an exit code that has it started anew; nothing is left to stand in the way."""
    node = started(tmp_path)
    children: list[psutil.Process] = []
    try:
        assert node.stdout is not None
        ready = json.loads(node.stdout.readline() or (tmp_path / "told").read_text())
        children = psutil.Process(node.pid).children()
        assert len(children) >= 3
        with contextlib.suppress(OSError):  # it answers nothing, which is what was asked of it
            await httpio.get(urlsplit(ready["ops"]).port or 0, "/metrics", timeout=0.2, limit=1)
        await eventually(lambda: node.poll() is not None, what="ended", within=15.0)
        assert node.returncode == 1
        await eventually(lambda: not any(each.is_running() for each in children), what="no orphans", within=15.0)
        log = (tmp_path / "told").read_text()
        assert "the event loop stands still" in log
        assert "in stands_still" in log
    finally:
        node.kill()
        node.wait()
        for each in children:
            if each.is_running():
                each.kill()
        if node.stdout is not None:
            node.stdout.close()
