"""A disk that a test may fill: small, in a mount namespace of the node's own, and gone with the node."""

import errno
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_MIB: Final = 1 << 20


def why_not() -> str:
    """Why no disk can be made here; empty when one can."""
    try:
        done = subprocess.run(
            [*_unshare(), "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"needs unshare(1) and mount(8): {error}"
    return "" if done.returncode == 0 else f"may not mount a tmpfs in a namespace of its own: {done.stderr.strip()}"


def _unshare() -> list[str]:
    own = ["unshare", "--mount", "--propagation", "private"]
    return own if os.geteuid() == 0 else [*own, "--map-root-user"]


def mounted(where: Path, mebibytes: int) -> Sequence[str]:
    """A command that runs another with a disk of its own at a directory; nobody else ever sees it.

    Args:
        where: a directory that exists.
        mebibytes: its size.
    """
    script = f'mount -t tmpfs -o size={mebibytes}m,mode=0755 none "$1" && shift && exec "$@"'
    return [*_unshare(), "sh", "-c", script, "sh", str(where)]


def is_mounted(where: Path) -> bool:
    """Whether a disk of a test is seen outside its namespace: it must not be."""
    return f" {where} " in Path("/proc/mounts").read_text()


class Ballast:
    """A file that takes what is left of a disk in another process's namespace.

    Args:
        pid: a process that sees the disk.
        directory: on it, as that process sees it.
    """

    def __init__(self, pid: int, directory: Path) -> None:
        self._path = Path(f"/proc/{pid}/root{directory}/ballast")

    def fill(self, leave: int = 0) -> None:
        """Take all that is left but so many bytes."""
        with self._path.open("ab", buffering=0) as file:
            part = bytes(_MIB)
            while len(part) >= 4096:
                try:
                    file.write(part)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    part = part[: len(part) // 2]
        if leave:
            os.truncate(self._path, max(0, self._path.stat().st_size - leave))

    def empty(self) -> None:
        """Give it all back."""
        self._path.unlink(missing_ok=True)
