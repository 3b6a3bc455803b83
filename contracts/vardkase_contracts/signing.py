"""Proof of origin: what is signed of a report, and how the signature stands beside it. Needs no cryptography itself.

A report is signed where it is made, with an Ed25519 key of its kommun, over the subject that it is sent to and its
exact bytes. The signature travels in a header and is never a part of the event; intake passes both on unchanged, so
whoever merges the report can tell that nobody on the way has altered it, moved it to another point, kommun or
reality, or made it up.

    signed     <report subject> LF <the event's bytes>
    header     Tp-Signature: <key id>:<signature, base64>
    key id     the first 16 hexadecimal digits of the SHA-256 of the public key's 32 bytes

In the log the report stands under `accepted`; what was signed is still the `report` subject (`report_subject`).
"""

import base64
import binascii
import hashlib
import re
from typing import Final, NamedTuple, Protocol

from vardkase_contracts.subjects import ROOT

HEADER: Final = "Tp-Signature"
"""The header that a signature stands in."""
SIGNATURE_BYTES: Final = 64
"""The length of an Ed25519 signature."""
KEY_BYTES: Final = 32
"""The length of a public Ed25519 key."""
LONGEST_HEADER: Final = 256
"""What intake carries of a header's value, in characters: more is no signature, and stays none when it is cut."""
_KEY_ID_DIGITS: Final = 16
_FORM: Final = re.compile(r"([0-9a-f]{16}):([A-Za-z0-9+/]{86}==)")


class Signature(NamedTuple):
    """A signature as it stands in a header."""

    key: str
    """The id of the key that it is said to be made with. Ids are short: several keys can have one."""
    signature: bytes
    """64 bytes."""


class Signer(Protocol):
    """Whoever can sign reports: it holds the secret key."""

    @property
    def public_key(self) -> bytes:
        """The public key, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of a message, 64 bytes."""
        ...


def key_id(public_key: bytes) -> str:
    """The id by which a signature names its key.

    Raises:
        ValueError: a public key has 32 bytes.
    """
    if len(public_key) != KEY_BYTES:
        raise ValueError(f"a public Ed25519 key has {KEY_BYTES} bytes")
    return hashlib.sha256(public_key).hexdigest()[:_KEY_ID_DIGITS]


def message(report_subject: str, data: bytes) -> bytes:
    """What is signed.

    Args:
        report_subject: the subject that the report is sent to, of the family `report`.
        data: the event's exact bytes.
    """
    return b"%b\n%b" % (report_subject.encode(), data)


def report_subject(accepted: str) -> str:
    """The subject that a report was sent to, by the one that it has in the log.

    Raises:
        ValueError: it is not of the family `accepted`.
    """
    root, slash, rest = accepted.partition(".accepted.")
    if not slash or not root.startswith(f"{ROOT}.") or root.count(".") != 2:
        raise ValueError(f"not a subject of accepted reports: {accepted[:80]}")
    return f"{root}.report.{rest}"


def header(signature: Signature) -> str:
    """A signature as the header's value."""
    return f"{signature.key}:{base64.b64encode(signature.signature).decode()}"


def parse(value: str) -> Signature | None:
    """The signature in a header's value; None when it is none."""
    found = _FORM.fullmatch(value)
    if found is None:
        return None
    try:
        raw = base64.b64decode(found[2], validate=True)
    except binascii.Error:
        return None
    return Signature(found[1], raw)


def sign(signer: Signer, report_subject: str, data: bytes) -> str:
    """The header's value for a report.

    Args:
        signer: holds the key.
        report_subject: the subject that the report is sent to.
        data: the event's exact bytes.
    """
    return header(Signature(key_id(signer.public_key), signer.sign(message(report_subject, data))))
