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
MARK: Final = "node.json"
_RETRY: Final = 0.05


class DataDir:
    """A data directory that this process has locked. Made by `open`, let go by `close` or by the process's end.

    Args:
        path: the directory.
        lock: the locked file's descriptor.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, settings: Settings) -> "DataDir":
        """Makes the directory if need be, locks it, and sees to it that it is this node's.

        Args:
            settings: `data_dir`, `node`, `area`, and how long to wait for the lock (`supervisor.lock_wait`).

        Raises:
            Failed: it is in use, cannot be made or cannot be written to, or what is in it cannot be read.
            Refused: it is another node's.
        """
        path = settings.data_dir
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Failed(f"the data directory {path} cannot be used ({error.strerror}): {_ANOTHER}") from None
        try:
            _lock(descriptor, path, settings.supervisor.lock_wait)
            _mark(path, settings)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor)

    def close(self) -> None:
        """Lets the directory go."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


_ANOTHER: Final = "choose another with --data-dir"


def _lock(descriptor: int, path: Path, wait: float) -> None:
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
                by = f" by process {holder}" if holder.isdigit() else ""
                raise Failed(f"the data directory {path} is in use{by}: stop that node, or {_ANOTHER}") from None
            time.sleep(_RETRY)
        except OSError as error:
            raise Failed(f"the data directory {path} cannot be locked ({error.strerror}): {_ANOTHER}") from None
        else:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            return


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
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise Failed(f"the data directory {path.parent} cannot be written to ({error.strerror}): {_ANOTHER}") from None
