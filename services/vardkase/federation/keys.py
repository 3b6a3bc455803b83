"""Keys: of links (nkeys of NATS), and of signatures (Ed25519). Public ones are text; secret ones are files of 0600."""

import base64
import binascii
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import nacl.exceptions
import nacl.signing
import nkeys

from vardkase.runtime.errors import Failed

_MODE: Final = 0o600
_OTHERS: Final = 0o077
_BYTES: Final = 32
_LONGEST: Final = 64 << 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A key: what everyone may know of it, and what nobody may."""

    public: str
    secret: str = field(repr=False)


def new_user() -> Pair:
    """A key of a link or of a reporter: an nkey of the kind user."""
    seed = nkeys.encode_seed(os.urandom(_BYTES), nkeys.PREFIX_BYTE_USER)
    pair = nkeys.from_seed(bytearray(seed))
    try:
        return Pair(public=_text(pair), secret=seed.decode())
    finally:
        pair.wipe()


def new_signer() -> Pair:
    """A key that reports are signed with: Ed25519, base64."""
    made = nacl.signing.SigningKey.generate()
    return Pair(public=base64.b64encode(bytes(made.verify_key)).decode(), secret=base64.b64encode(bytes(made)).decode())


def user_of(seed: str) -> Pair:
    """The key whose secret part this is.

    Raises:
        ValueError: it is no seed of a user's nkey. The text itself is not in the error.
    """
    try:
        pair = nkeys.from_seed(bytearray(seed.strip().encode()))
        public = _text(pair)
        pair.wipe()
    except (nkeys.NkeysError, ValueError, UnicodeError):
        raise ValueError("expected the seed of a user's nkey (SU…)") from None
    return Pair(public=check_user(public), secret=seed.strip())


def _text(pair: nkeys.KeyPair) -> str:
    return cast("bytes", pair.public_key).decode()  # the library's own types say otherwise


def check_user(public: str) -> str:
    """A public nkey of the kind user, as it is.

    Raises:
        ValueError: it is none.
    """
    fault = ValueError("expected the public nkey of a user: 56 characters, U first")
    if len(public) != 56 or not public.startswith("U"):
        raise fault
    try:
        raw = base64.b32decode(public)
    except binascii.Error:
        raise fault from None
    if binascii.crc_hqx(raw[:-2], 0) != int.from_bytes(raw[-2:], "little"):
        raise ValueError("a character of the nkey is wrong: its checksum does not fit")
    return public


def check_signer(public: str) -> bytes:
    """The 32 bytes of a public Ed25519 key.

    Raises:
        ValueError: it is none.
    """
    try:
        raw = base64.b64decode(public, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _BYTES:
        raise ValueError("expected a public Ed25519 key: 32 bytes in base64")
    return raw


def signer_of(secret: str) -> nacl.signing.SigningKey:
    """The key to sign with.

    Raises:
        ValueError: it is none. The text itself is not in the error.
    """
    try:
        return nacl.signing.SigningKey(base64.b64decode(secret.strip(), validate=True))
    except (binascii.Error, ValueError, nacl.exceptions.CryptoError):
        raise ValueError("expected a secret Ed25519 key: 32 bytes in base64") from None


def write_secret(path: Path, text: str) -> None:
    """Write a file that this user alone can read; one that is there stays.

    Raises:
        Failed: it is there, or cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Failed(f"{path}: is there already; a secret is never overwritten") from None
    except OSError as error:
        raise Failed(f"{path}: cannot be written: {error.strerror or error}") from None


def read_secret(path: Path) -> str:
    """What a file of a secret holds.

    Raises:
        Failed: it cannot be read, or others can read it too.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _OTHERS:
                raise Failed(f"{path}: others can read it (mode {mode & 0o777:o}); expected 600: chmod 600")
            return file.read(_LONGEST).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not a text'}") from None
