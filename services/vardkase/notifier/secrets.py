"""The secrets that webhooks are signed with: in files that nobody else may read, and nowhere else."""

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Final

from vardkase.runtime.errors import Refused

PREFIX: Final = "whsec_"
"""What a secret begins with, as Standard Webhooks writes it; base64 follows."""
FILE: Final = "webhook.secret"
"""The file in the data directory, of a secret that the node has made."""
_SHORTEST: Final = 24
_LONGEST: Final = 64
_OTHERS: Final = 0o077
_LARGEST: Final = 4096


def read_secret(path: Path, setting: str) -> bytes:
    """The secret that a file holds: `whsec_` and 24 to 64 bytes in base64.

    Args:
        path: the file.
        setting: what names it, for the error.

    Raises:
        Refused: it cannot be read, others can read it too, or it holds no such secret. What it holds is not told.
    """
    text = read_private(path, setting, _LARGEST).decode("ascii", "replace").strip()
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(PREFIX) or not _SHORTEST <= len(secret) <= _LONGEST:
        raise Refused(f"{setting}: {path}: expected {PREFIX} and {_SHORTEST} to {_LONGEST} bytes in base64")
    return secret


def read_private(path: Path, setting: str, most: int) -> bytes:
    """What a file holds that nobody else may read.

    Raises:
        Refused: it cannot be read, is longer than `most` bytes, or others can read it too.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & _OTHERS:
                mended = f"(mode {mode & 0o777:o}); expected 600: chmod 600 {path}"
                raise Refused(f"{setting}: {path}: others can read it {mended}")
            text = file.read(most + 1)
    except OSError as error:
        raise Refused(f"{setting}: {path}: {error.strerror or error}") from None
    if len(text) > most:
        raise Refused(f"{setting}: {path}: expected at most {most} bytes")
    return text


def own_secret(data_dir: Path) -> bytes:
    """The secret of the node's own making: the same at every start.

    Raises:
        Refused: it can be neither read nor made.
    """
    path = data_dir / FILE
    if not path.exists():
        _make(path)
    return read_secret(path, "VARDKASE_NOTIFY_SECRET")


def _make(path: Path) -> None:
    """Whole or not at all, never for a moment for others to read, and never in place of another's."""
    fresh = path.with_suffix(f".{os.getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{PREFIX}{base64.b64encode(secrets.token_bytes(32)).decode()}\n")
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # another notifier made it at the same moment: that one holds
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise Refused(f"VARDKASE_NOTIFY_SECRET: {path} cannot be made: {error.strerror or error}") from None
