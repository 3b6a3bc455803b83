"""A key to sign reports with, in memory. Needs PyNaCl (`vardkase-contracts[sign]`)."""

import base64
import binascii
import os
from pathlib import Path
from typing import Final, Self

import nacl.exceptions
import nacl.signing

_OTHERS: Final = 0o077
_LONGEST: Final = 4096
_FORM: Final = "expected a secret Ed25519 key: 32 bytes in base64"


class Ed25519Signer:
    """An Ed25519 key of a kommun's, to be given to `connect(…, signer=…)`.

    Args:
        secret: the 32 bytes of the secret key.

    Raises:
        ValueError: it is none.
    """

    def __init__(self, secret: bytes) -> None:
        try:
            self._key = nacl.signing.SigningKey(secret)
        except (ValueError, TypeError, nacl.exceptions.CryptoError):
            raise ValueError(_FORM) from None
        self._public = bytes(self._key.verify_key)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """The key that a file holds: 32 bytes in base64, as `vardkase federation` makes it. Nobody else may read it.

        Raises:
            OSError: it cannot be read; `PermissionError` when others can read it too.
            ValueError: it holds no such key. What it holds is not in the error.
        """
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & _OTHERS:
                raise PermissionError(f"{path}: others can read it (mode {mode & 0o777:o}); expected 600: chmod 600")
            text = file.read(_LONGEST)
        try:
            return cls(base64.b64decode(text.strip(), validate=True))
        except binascii.Error:
            raise ValueError(_FORM) from None

    @property
    def public_key(self) -> bytes:
        """The public key, 32 bytes: what goes into the federation's file."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, 64 bytes; the same for the same message."""
        return self._key.sign(message).signature

    def __repr__(self) -> str:
        return f"{type(self).__name__}(public_key={base64.b64encode(self._public).decode()!r})"
