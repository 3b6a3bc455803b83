"""The program as a person runs it: a process of its own, its exit code, and what it printed."""

import asyncio
import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

import pytest

from vardkase.cli.main import main

LIMIT_S = 60.0


class Done(NamedTuple):
    """What a command ended with."""

    code: int
    stdout: str
    stderr: str


async def program(*arguments: str, **variables: str) -> Done:
    """Run one command to its end, with these settings alone."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("VARDKASE_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vardkase.cli.main", *arguments),
        env=clean | {"COLUMNS": "120"} | variables,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def inside(*arguments: str, **variables: str) -> Done:
    """Run one command in a thread of this process, which is quicker: importing takes longer than most commands."""
    out, err = io.StringIO(), io.StringIO()

    def run() -> int:
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as ended:
                return int(ended.code or 0)
        return 0

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith("VARDKASE_")]:
            patch.delenv(name)
        for name, value in ({"COLUMNS": "120"} | variables).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["vardkase", *arguments])
        async with asyncio.timeout(LIMIT_S):
            code = await asyncio.to_thread(run)
    return Done(code, out.getvalue(), err.getvalue())
