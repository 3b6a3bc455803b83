"""Programs that a bench measures beside ours: each in a process of its own, which prints what it took as JSON."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_HERE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Took:
    """What a program says of its work, from the first message to the last effect."""

    reports: int
    seconds: float
    cpu: float
    """Its own CPU seconds."""

    def tell(self) -> None:
        """To the bench that started this program."""
        print(json.dumps([self.reports, self.seconds, self.cpu]))

    @classmethod
    def told(cls, line: bytes) -> Self:
        """What the program has printed."""
        return cls(*json.loads(line))


async def run_program(name: str, *arguments: str, within: float = 900.0) -> Took:
    """Run a program of this directory to its end.

    Raises:
        RuntimeError: it failed; what it said stands above.
        TimeoutError: it took too long, and was killed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_HERE / name), *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(within):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"{name} failed")
    return Took.told(out.splitlines()[-1])
