"""The settings and the data directory: what can be seen on this computer without asking anybody."""

import contextlib
import errno
import fcntl
import json
import os
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from vardkase.doctor.finding import Findings
from vardkase.doctor.target import Target
from vardkase.runtime.datadir import LOCK, MARK
from vardkase.runtime.errors import Refused

_MIB: Final = 1 << 20
_LITTLE: Final = (100 * _MIB, 0.02)
"""Free bytes, and share of the file system, below which writes will soon fail."""
_LOW: Final = (1024 * _MIB, 0.10)
"""Below which somebody ought to make room."""
_NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "fuse.glusterfs", "ceph", "afs"}
)
_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_LOG_TAIL: Final = 256 * 1024
_RECENT_S: Final = 3600.0
_LOGGED: Final = re.compile(rb"^\[\d+\] (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)\.\d+ \[(ERR|FTL)\] (.*)$", re.MULTILINE)


def settings(found: Findings, wrong: str | None, rules: Callable[[], str]) -> None:
    """Whether the settings are such that a node would start.

    Args:
        found: where it is told.
        wrong: what is wrong with them, in one line; None when they are right.
        rules: reads the rules and gives their version.
    """
    if wrong is not None:
        found.error("settings", wrong, "rätta eller ta bort den inställningen; noden startar inte med den")
    else:
        names = sorted(name for name in os.environ if name.upper().startswith("VARDKASE_"))
        found.ok("settings", f"giltiga ({', '.join(names) or 'inga variabler satta'})")
    try:
        found.ok("rules", f"regeltabellen {rules()} kan läsas")
    except Refused as error:
        found.error("rules", str(error), "rätta filen, eller ta bort VARDKASE_RULES_FILE för de inbyggda reglerna")


def data_dir(found: Findings, target: Target) -> bool:
    """How the data directory is. Whether a node runs on it."""
    path = target.data_dir
    if path is None:
        found.skipped("data directory", "ingen känd här; ge den med --data-dir om noden körs på den här datorn")
        return False
    try:
        status = path.stat()
    except OSError as error:
        what = "finns inte" if error.errno == errno.ENOENT else f"kan inte nås ({error.strerror})"
        do = "ingen nod har körts där; starta en med vardkase up, eller ge rätt katalog med --data-dir"
        found.error("data directory", f"{path} {what}", do)
        return False
    _access(found, path, status)
    _mark(found, path, target)
    _room(found, path)
    _file_system(found, path)
    running = _running(found, path)
    _server_log(found, path)
    return running


def _access(found: Findings, path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        do = "kör vardkase doctor som samma användare som noden"
        found.warning("owner", f"{path} ägs av användare {status.st_uid}, den här är {os.geteuid()}", do)
    elif status.st_mode & 0o067:  # a group may pass through: to the archive, whose user is another
        seen = f"{path} kan läsas av andra (läge {status.st_mode & 0o777:o}); där finns lösenord"
        found.warning("owner", seen, f"chmod 700 {path}")
    else:
        found.ok("owner", f"{path} är bara den här användarens")
    if not os.access(path, os.W_OK | os.X_OK) or os.statvfs(path).f_flag & os.ST_RDONLY:
        found.error(
            "writable", f"{path} kan inte skrivas", "ge noden rätt att skriva där; är filsystemet skrivskyddat?"
        )
    else:
        found.ok("writable", f"{path} kan skrivas")


def _mark(found: Findings, path: Path, target: Target) -> None:
    try:
        mark = json.loads((path / MARK).read_bytes())
        area, node = str(mark["area"]), str(mark["node"])
    except FileNotFoundError:
        found.warning("whose", f"{path} har ingen {MARK}: ingen nod har startat där", "är det rätt katalog?")
        return
    except (OSError, ValueError, LookupError, TypeError) as error:
        found.error("whose", f"{path / MARK} kan inte läsas: {error}", "återställ filen; noden startar inte utan den")
        return
    settings = target.settings
    if settings is not None and "area" in settings.model_fields_set and settings.area != area:
        seen = f"katalogen är noden {node}s (område {area}), men VARDKASE_AREA är {settings.area}"
        found.error("whose", seen, "ge rätt --data-dir, eller rätt område")
    else:
        found.ok("whose", f"noden {node}, område {area}")


def _room(found: Findings, path: Path) -> None:
    room = os.statvfs(path)
    free, whole = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
    share = free / whole if whole else 1.0
    seen = f"{_size(free)} ledigt av {_size(whole)} ({share:.0%})"
    do = "gör plats på disken; när den är full lagras inga rapporter (avsändaren får veta det)"
    if free < _LITTLE[0] or (share < _LITTLE[1] and free < 10 * _LOW[0]):
        found.error("free space", seen, do)
    elif free < _LOW[0] or (share < _LOW[1] and free < 20 * _LOW[0]):
        found.warning("free space", seen, do)
    else:
        found.ok("free space", seen)
    if room.f_files:
        left = room.f_favail / room.f_files
        seen = f"{left:.0%} av inoderna lediga"
        if left < 0.05:
            (found.error if left < 0.01 else found.warning)("inodes", seen, "ta bort små filer på filsystemet")
        else:
            found.ok("inodes", seen)


def _file_system(found: Findings, path: Path) -> None:
    kind = _kind_of(path)
    if kind is None:
        found.skipped("file system", "slaget kan inte ses här")
    elif kind in _NETWORK:
        do = "lägg katalogen på en lokal disk: lås och synkade skrivningar behövs"
        found.warning("file system", f"{kind}, ett nätverksfilsystem", do)
    elif kind in _MEMORY:
        found.warning("file system", f"{kind}, i minnet: allt är borta efter en omstart", "lägg katalogen på en disk")
    else:
        found.ok("file system", f"{kind}, lokalt")


def _kind_of(path: Path) -> str | None:
    """The kind of the file system that a path is on, by the longest mount point above it."""
    whole = str(path.resolve())
    best, kind = -1, None
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
            left, _, right = line.partition(" - ")
            mount = left.split(" ")[4].replace("\\040", " ")
            if (whole == mount or whole.startswith(mount.rstrip("/") + "/")) and len(mount) >= best:
                best, kind = len(mount), right.split(" ")[0]
    return kind


def _running(found: Findings, path: Path) -> bool:
    """Whether a supervisor holds the directory: it locks a file for as long as it lives."""
    try:
        descriptor = os.open(path / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        what = "ingen nod går" if error.errno == errno.ENOENT else f"låset kan inte läsas ({error.strerror})"
        found.error("running", what, "starta noden: vardkase up")
        return False
    holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        found.ok("running", f"noden går (process {holder})")
        return True
    except OSError as error:
        found.skipped("running", f"låset kan inte prövas: {error.strerror}")
        return False
    else:
        found.error("running", f"ingen nod går (den senaste var process {holder})", "starta noden: vardkase up")
        return False
    finally:
        os.close(descriptor)


def _server_log(found: Findings, path: Path) -> None:
    """What nats-server has complained of in the last hour."""
    log = path / "nats" / "nats-server.log"
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_TAIL))
            text = file.read(_LOG_TAIL)
    except OSError:
        return  # a NATS of somebody else's, or a node that never started: other checks say so
    lines = [
        words.decode(errors="replace")
        for when, _, words in _LOGGED.findall(text)
        if b':vardkase-doctor"' not in words  # what an examination tries, and must not be let
        and _age_s(when) < _RECENT_S
    ]
    if lines:
        seen = f"{len(lines)} fel i NATS logg den senaste timmen, senast: {lines[-1][:200]}"
        found.warning("nats log", seen, f"läs {log}")
    else:
        found.ok("nats log", "inga fel i NATS logg den senaste timmen")


def _age_s(when: bytes) -> float:
    """How long ago a line was written; the server writes local time."""
    return time.time() - datetime.strptime(when.decode(), "%Y/%m/%d %H:%M:%S").astimezone().timestamp()


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
