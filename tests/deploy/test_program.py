"""What a container asks of the program, and the settings of a cluster."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from vardkase.runtime.datadir import STARTED
from vardkase.runtime.health import Check, readiness
from vardkase.runtime.httpio import Answer, HttpServer
from vardkase.runtime.settings import PREFIX
from vardkase.runtime.sockets import listen, url


async def program(*words: str, **variables: str) -> tuple[int, str]:
    """Run a command. Its exit code, and what it said."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "vardkase.cli.main", *words),
        env=clean | variables,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, said.decode()


async def test_ready_says_what_the_node_says(tmp_path: Path) -> None:
    """0 when the node is ready; 1 with what it lacks, and not what it can do without; 1 when there is no node."""
    checks = [Check(name="nats", ok=True), Check(name="link SE", ok=False, detail="down", needed=False)]

    async def readyz() -> Answer:
        status, body = readiness("node", checks)
        return Answer(status=status, body=body)

    variables = {"VARDKASE_DATA_DIR": str(tmp_path)}
    code, said = await program("ready", **variables)
    assert (code, "no node runs" in said) == (1, True)
    bound = listen("127.0.0.1", 0)
    server = HttpServer({"/readyz": readyz})
    await server.start(bound)
    (tmp_path / STARTED).parent.mkdir()
    (tmp_path / STARTED).write_text(json.dumps({"ops": url(bound)}))
    assert await program("ready", **variables) == (0, "redo\n")
    checks.append(Check(name="intake: lane act", ok=False, detail="REPORTS is full"))
    assert await program("ready", **variables) == (1, "inte redo\n  intake: lane act: REPORTS is full\n")
    await server.stop()
    code, said = await program("ready", **variables)
    assert (code, "does not answer" in said) == (1, True)
    assert (await program("ready"))[0] == 2


@pytest.mark.parametrize(
    ("copies", "why"),
    [("3", "expected 1, or the URL of a cluster"), ("2", "expected 1, 3 or 5"), ("0", "expected 1, 3")],
)
async def test_copies_that_cannot_be_kept_are_refused(tmp_path: Path, copies: str, why: str) -> None:
    """A server of the node's own keeps one copy, and an even number is no use: one line that names the variable."""
    variables = {"VARDKASE_DATA_DIR": str(tmp_path), "VARDKASE_ARCHIVE": "off", "VARDKASE_GATEWAY": "off"}
    ports = ("--http-port", "0", "--nats-port", "0")
    code, said = await program("up", *ports, **variables, VARDKASE_NATS_REPLICAS=copies)
    assert code == 2
    assert "VARDKASE_NATS_REPLICAS: " in said
    assert why in said
