"""What processes ask of the kernel, in order, as strace(1) sees it: when what was stored is on disk, and when told.

The kernel's word is the only one that counts here: a library may say that it syncs.
"""

import asyncio
import contextlib
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from servers import Eventually

_CALLS: Final = "fsync,fdatasync,write,writev,pwrite64,pwritev,sendto,sendmsg"
_LINE: Final = re.compile(r"^(\d+)\s+[\d.]+ (?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)$")


def why_not() -> str:
    """Why nothing can be traced here; empty when it can."""
    try:
        done = subprocess.run(["strace", "-e", "trace=none", "true"], capture_output=True, text=True, check=False)
    except OSError:
        return "needs strace (Debian's package `strace`)"
    return "" if done.returncode == 0 else f"may not trace processes here: {done.stderr.strip()[-200:]}"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the kernel: of a sync when it had returned, of a write when it began."""

    name: str
    text: str
    """Its arguments as strace shows them: a file descriptor with its path or its socket, then the bytes."""


class Trace:
    """What some processes do while the block of `tracing` runs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def calls(self) -> list[Call]:
        """What was seen so far, in order."""
        begun: dict[tuple[str, str], str] = {}
        found: list[Call] = []
        for line in self._path.read_text(errors="replace").splitlines():
            match = _LINE.match(line)
            if match is None:
                continue
            thread, name, rest = match.groups()
            is_sync = name in {"fsync", "fdatasync"}
            if "<unfinished ...>" in rest:
                begun[thread, name] = rest
                if not is_sync:
                    found.append(Call(name, rest))
            elif "resumed>" in line:
                before = begun.pop((thread, name), "")
                if is_sync and "= 0" in rest:
                    found.append(Call(name, before))
            elif not is_sync or "= 0" in rest:
                found.append(Call(name, rest))
        return found

    def first(self, names: Iterable[str], *words: str, after: int = -1) -> int | None:
        """The place of the first call of one of these names with all these words, after a place; None without one."""
        wanted = set(names)
        for place, call in enumerate(self.calls()):
            if place > after and call.name in wanted and all(word in call.text for word in words):
                return place
        return None


SYNC: Final = ("fsync", "fdatasync")
SEND: Final = ("write", "writev", "sendto", "sendmsg")
STORE: Final = ("write", "writev", "pwrite64", "pwritev")


@contextlib.asynccontextmanager
async def tracing(processes: Iterable[psutil.Process], path: Path, eventually: Eventually) -> AsyncIterator[Trace]:
    """Trace processes, with all their threads, while the block runs."""
    traced = list(processes)
    which = [word for process in traced for word in ("-p", str(process.pid))]
    with path.with_suffix(".told").open("wb") as told:
        strace = await asyncio.to_thread(
            subprocess.Popen,
            ["strace", "-f", "-yy", "-ttt", "-s", "600", "-o", path, "-e", f"trace={_CALLS}", *which],
            stderr=told,
        )
    try:
        await eventually(lambda: all(map(_is_traced, traced)), what="strace attached")
        yield Trace(path)
    finally:
        strace.send_signal(signal.SIGTERM)
        strace.wait(20)


@contextlib.asynccontextmanager
async def held(pid: int, path: Path) -> AsyncIterator[None]:
    """The first thread of a process, where its event loop runs, stands still in the kernel while the block runs."""
    waiting = "epoll_wait,epoll_pwait"
    hold = ["-e", f"trace={waiting}", "-e", f"inject={waiting}:delay_enter=60000000"]
    command = ["strace", "-o", path, *hold, "-p", str(pid)]
    strace = await asyncio.to_thread(subprocess.Popen, command, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        strace.terminate()
        strace.wait(10)


def _is_traced(process: psutil.Process) -> bool:
    threads = Path(f"/proc/{process.pid}/task").iterdir()
    return all("TracerPid:\t0\n" not in (thread / "status").read_text() for thread in threads)
