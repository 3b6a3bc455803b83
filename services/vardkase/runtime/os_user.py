"""A program that refuses to run as root, run as a user of its own: PostgreSQL is one.

That user must get to its directory, and a data directory is closed to others. So it is let through each directory on
the way that is closed to it, by an entry in the directory's access control list: it may pass, and neither read nor
list; nobody else is let anywhere.
"""

import contextlib
import errno
import os
import pwd
import shutil
import struct
import subprocess
import time
from pathlib import Path
from typing import Final, NamedTuple

from vardkase.runtime.errors import Failed

_ACL: Final = "system.posix_acl_access"
_VERSION: Final = struct.pack("<I", 2)
_ENTRY: Final = struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY: Final = 0xFFFFFFFF
_SEARCH: Final = 1
_ADDING: Final = 5.0
"""Seconds that adding a user may take."""


class User(NamedTuple):
    """A user of the operating system."""

    name: str
    uid: int
    gid: int


def user_instead_of_root(name: str) -> User | None:
    """The user to run such a program as: none when this process is not root's; else the one of this name.

    It is made when it is not there: without a home, a password or a shell.

    Raises:
        Failed: it cannot be made.
    """
    if os.geteuid() != 0:
        return None
    found = _look_up(name)
    if found is None:
        program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if program is None:
            raise Failed(f"the user {name} is not there, and useradd is not, which could make it")
        command = [program, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        try:
            made = subprocess.run(  # noqa: S603 -- every part of it is ours
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_ADDING, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failed(f"the user {name} cannot be made: {error}") from None
        ends = time.monotonic() + (_ADDING if made.returncode else 0.0)
        while (found := _look_up(name)) is None and time.monotonic() < ends:
            time.sleep(0.1)  # somebody else may be making it: useradd does not wait for another
        if found is None:
            raise Failed(f"the user {name} cannot be made: {' '.join(made.stderr.split()) or made.returncode}")
    return found


def _look_up(name: str) -> User | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return User(name, entry.pw_uid, entry.pw_gid)


def let_through(path: Path, user: User) -> None:
    """Let a user pass through every directory above a path.

    Raises:
        Failed: one of them cannot be opened to it, such as on a file system without access control lists.
    """
    for directory in path.absolute().parents:
        try:
            _let_into(directory, user)
        except OSError as error:
            raise Failed(
                f"{directory} cannot be opened to the user {user.name} ({error.strerror}): choose another place, "
                "run as a user that is not root, or give VARDKASE_DATABASE_URL"
            ) from None


def _let_into(directory: Path, user: User) -> None:
    status = directory.stat()
    if status.st_mode & _SEARCH or status.st_uid == user.uid:
        return
    entries = _entries(directory, status.st_mode)
    group = max(entries.get((_GROUP_OBJ, _NOBODY), 0), entries.get((_MASK, _NOBODY), 0))
    wanted = {
        **entries,
        (_USER, user.uid): entries.get((_USER, user.uid), 0) | _SEARCH,
        (_MASK, _NOBODY): group | _SEARCH,
    }
    if wanted != entries:
        packed = b"".join(_ENTRY.pack(tag, allowed, who) for (tag, who), allowed in sorted(wanted.items()))
        os.setxattr(directory, _ACL, _VERSION + packed)


def _entries(directory: Path, mode: int) -> dict[tuple[int, int], int]:
    """What the directory's list allows to whom; without a list, what its mode does."""
    with contextlib.suppress(OSError):
        packed = os.getxattr(directory, _ACL)
        if packed[:4] != _VERSION:
            raise OSError(errno.ENOTSUP, "its access control list is of another kind")
        return {(tag, who): allowed for tag, allowed, who in _ENTRY.iter_unpack(packed[4:])}
    return {
        (_USER_OBJ, _NOBODY): mode >> 6 & 7,
        (_GROUP_OBJ, _NOBODY): mode >> 3 & 7,
        (_OTHER, _NOBODY): mode & 7,
    }
