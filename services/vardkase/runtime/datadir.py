"""The directory where a node keeps what it must not lose: one node, one process at a time."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Final

from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.settings import Settings

LOCK: Final = "vardkase.lock"
"""Locked by the node's supervisor alone."""
LEASE: Final = "services.lock"
"""Locked by the supervisor and, by inheritance, by all that it starts: free when the last of them has ended."""
MARK: Final = "node.json"
"""Whose directory it is."""
RUNNING: Final = Path("run", "node.json")
"""Where the node that runs here tells how it is reached: its ready line. Not there when none runs."""
STARTED: Final = Path("run", "started.json")
"""Where a node tells, as soon as it starts, how it can be asked what keeps it from being ready. Not there when none
runs."""
_RETRY: Final = 0.05


class DataDir:
    """A data directory that this process has locked. Made by `open`, let go by `close` or by the process's end.

    Args:
        path: the directory.
        lock: descriptor of the locked file.
        lease: descriptor of the other locked file.
    """

    def __init__(self, path: Path, lock: int, lease: int) -> None:
        self.path = path
        self.lease = lease
        """To be inherited by every process that uses the directory: a node that was killed leaves it locked until its
        services have noticed and ended."""
        self._lock = lock

    @classmethod
    def open(cls, settings: Settings) -> "DataDir":
        """Makes the directory if need be, locks it, and sees to it that it is this node's.

        Args:
            settings: `data_dir`, `node`, `area`, and how long to wait for the locks (`supervisor.lock_wait`,
                `supervisor.lease_wait`).

        Raises:
            Failed: it is in use, cannot be made or cannot be written to, or what is in it cannot be read.
            Refused: it is another node's.
        """
        path = settings.data_dir
        waits = settings.supervisor
        taken: list[int] = []
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            taken.append(_take(path, LOCK, waits.lock_wait, "is in use: stop that node"))
            taken.append(_take(path, LEASE, waits.lease_wait, "is still in use by what a killed node left: wait"))
            _mark(path, settings)
            for told in (RUNNING, STARTED):
                (path / told).unlink(missing_ok=True)  # of one that was killed
        except OSError as error:
            _close(taken)
            raise Failed(f"the data directory {path} cannot be used ({error.strerror}): {_ANOTHER}") from None
        except BaseException:
            _close(taken)
            raise
        return cls(path, *taken)

    def tell(self, line: str, *, where: Path = RUNNING) -> None:
        """Tells other programs of this user how the node is reached.

        Args:
            line: a JSON document.
            where: the file: `RUNNING` once the node is ready, `STARTED` before that.

        Raises:
            Failed: the directory cannot be written to.
        """
        told = self.path / where
        try:
            told.parent.mkdir(mode=0o700, exist_ok=True)
            _write(told, line)
        except OSError as error:
            raise Failed(f"the data directory {self.path} cannot be used ({error.strerror}): {_ANOTHER}") from None

    def close(self) -> None:
        """Lets the directory go: the node runs no more."""
        for told in (RUNNING, STARTED):
            (self.path / told).unlink(missing_ok=True)
        _close([self._lock, self.lease])


_ANOTHER: Final = "choose another with --data-dir"


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _take(path: Path, name: str, wait: float, otherwise: str) -> int:
    """Descriptor of the file, locked."""
    descriptor = os.open(path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
                os.close(descriptor)
                by = f" (process {holder})" if holder.isdigit() else ""
                raise Failed(f"the data directory {path} {otherwise}{by}, or {_ANOTHER}") from None
            time.sleep(_RETRY)
        else:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            return descriptor


def _mark(path: Path, settings: Settings) -> None:
    """Another node's streams hold another area's subjects under another domain: they are not to be opened as this's."""
    mark = path / MARK
    ours = {"area": settings.area, "node": settings.node}
    try:
        found = json.loads(mark.read_bytes())
        theirs = {"area": str(found["area"]), "node": str(found["node"])}
    except FileNotFoundError:
        _write(mark, json.dumps(ours))
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failed(f"{mark} cannot be read ({' '.join(str(error).split())}): restore it, or {_ANOTHER}") from None
    if theirs != ours:
        raise Refused(
            f"the data directory {path} belongs to node {theirs['node']} (area {theirs['area']}), not to "
            f"{ours['node']} (area {ours['area']}): {_ANOTHER}"
        )


def _write(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    with open(new, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
