"""Reports in a file that a person carries: each one's exact bytes, and a signed manifest at the end.

One text file, a JSON document a line: what it is, the reports in the order of the log, the manifest. It is written
beside its name and moved there when it is whole; it is read whole, and verified, before anything is made of it. See
docs/adr/0039.
"""

import base64
import binascii
import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

import nacl.bindings
import nacl.exceptions
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vardkase.runtime.errors import Failed
from vardkase_contracts import signing, subjects
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.base import Count, KommunCode, Moment, Sha256
from vardkase_contracts.reports import MAX_BYTES
from vardkase_contracts.signing import Signer
from vardkase_contracts.subjects import SubjectError

MOST: Final = 200_000
"""Reports in a file."""
LARGEST: Final = 512 << 20
"""Bytes of a file."""
_WHAT: Final = {"vardkase": "reports", "version": 1}
_LINE: Final = 4 * MAX_BYTES
"""Bytes of a line: a report in base64, and what stands beside it."""
_CONTEXT: Final = b"vardkase carried reports 1\n"
"""Before what is signed, so that no signature of something else is one of a manifest."""
_PART: Final = ".part"


class Entry(NamedTuple):
    """A report as it stands in a log."""

    subject: str
    """Of the family `accepted`."""
    data: bytes
    """The event's exact bytes."""
    sequence: int
    """In the log that it was read from."""
    received: str
    """When it was received first (`Tp-Received`)."""
    origin: str
    """At which node, and as which message (`Tp-Origin`)."""
    signature: str | None
    """What its sender signed it with (`Tp-Signature`)."""


class Manifest(BaseModel):
    """What a file holds."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)

    node: str = Field(max_length=64, pattern=r"^[ -~]+$")
    """The node that it was written at."""
    area: str = Field(max_length=20, pattern=r"^[A-Za-z0-9]+$")
    """What of the log was read: the reports of this area."""
    made: Moment
    count: Count
    sha256: Sha256
    """Of all lines before the manifest."""
    kommuner: tuple[KommunCode, ...] = Field(max_length=290)
    """Whose reports are in it."""
    realities: tuple[str, ...] = Field(max_length=3)
    first: Count
    """The sequence of the first report in the log; 0 when there is none."""
    last: Count
    received_from: str = Field(max_length=40)
    """The earliest first arrival among them; empty when there is none."""
    received_upto: str = Field(max_length=40)


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """A file that is whole and as it was signed. By whom, is for the caller to judge."""

    manifest: Manifest
    key: bytes
    """The public key that it was signed with."""
    entries: tuple[Entry, ...]

    @property
    def key_id(self) -> str:
        """By which a person knows the key."""
        return signing.key_id(self.key)


class Broken(Exception):  # noqa: N818 -- what the file is
    """A file that is not to be believed: what is wrong with it, and where, in Swedish."""


class Writing:
    """A file that is being written.

    Args:
        path: what it is to be called; nothing is there before `finish`.
        node: where it is written.
        area: whose reports.

    Raises:
        Failed: it is there already, or cannot be written.
    """

    def __init__(self, path: Path, *, node: str, area: str) -> None:
        self._path = path
        self._node = node
        self._area = area
        self._hash = hashlib.sha256()
        self._count = self._size = self._first = self._last = 0
        self._kommuner: set[str] = set()
        self._realities: set[str] = set()
        self._received: list[str] = []
        if path.exists():
            raise Failed(f"{path}: finns redan; en fil skrivs aldrig över")
        self._part = path.with_name(path.name + _PART)
        try:
            self._file = os.fdopen(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        except OSError as error:
            raise self._failed(error) from None
        self._line(_WHAT)

    @property
    def count(self) -> int:
        """Reports in it."""
        return self._count

    def add(self, entry: Entry) -> None:
        """A report, in the order of the log.

        Raises:
            Failed: it cannot be written (the stick is full, or was pulled out), or it would be too many.
        """
        _, _, reality, _, _, kommun, *_ = entry.subject.split(".")
        if self._count == MOST or self._size > LARGEST - 2 * _LINE:
            self.abandon()
            raise Failed(
                f"{self._path}: mer än {MOST} rapporter eller {LARGEST >> 20} MiB; "
                "ta ut dem i delar med --since och --until"
            )
        self._line(
            {
                "subject": entry.subject,
                "sequence": entry.sequence,
                "received": entry.received,
                "origin": entry.origin,
                "signature": entry.signature,
                "sha256": hashlib.sha256(entry.data).hexdigest(),
                "data": base64.b64encode(entry.data).decode(),
            }
        )
        self._count += 1
        self._first = self._first or entry.sequence
        self._last = entry.sequence
        self._kommuner.add(kommun)
        self._realities.add(reality)
        if entry.received:
            self._received = [
                min([*self._received[:1], entry.received]),
                max([*self._received[1:], entry.received]),
            ]

    def finish(self, made: str, signer: Signer) -> Manifest:
        """Sign it, sync it to disk and give it its name.

        Args:
            made: when, RFC 3339.
            signer: holds the key.

        Raises:
            Failed: it cannot be written.
        """
        document = {
            "node": self._node,
            "area": self._area,
            "made": made,
            "count": self._count,
            "sha256": self._hash.hexdigest(),
            "kommuner": sorted(self._kommuner),
            "realities": sorted(self._realities),
            "first": self._first,
            "last": self._last,
            "received_from": self._received[0] if self._received else "",
            "received_upto": self._received[1] if self._received else "",
        }
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        signature = signer.sign(_CONTEXT + text.encode())
        self._line(
            {
                "manifest": text,
                "key": base64.b64encode(signer.public_key).decode(),
                "signature": base64.b64encode(signature).decode(),
            }
        )
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.rename(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            self.abandon()
            raise self._failed(error) from None
        return Manifest.model_validate_json(text)

    def abandon(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError):  # what it still holds cannot be written either: that is why it is left
            self._file.close()
        self._part.unlink(missing_ok=True)

    def _line(self, document: Mapping[str, Any]) -> None:
        line = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            self._file.write(line)
        except OSError as error:
            self.abandon()
            raise self._failed(error) from None
        self._hash.update(line)
        self._size += len(line)

    def _failed(self, error: OSError) -> Failed:
        return Failed(f"{self._path}: kan inte skrivas: {error.strerror or error}; ingen fil lämnades kvar")


def read(path: Path) -> Carried:
    """A file, verified from its first line to its last.

    Raises:
        Broken: it is none, is cut off, or is not as it was signed.
        Failed: it cannot be read.
    """
    digest = hashlib.sha256()
    entries: list[Entry] = []
    last: dict[str, Any] | None = None
    for number, line in enumerate(_lines(path), 1):
        if last is not None:
            _broken(number, "något står efter innehållsförteckningen")
        document = _document(number, line)
        if number == 1:
            if document != _WHAT:
                _broken(number, "det är ingen fil med rapporter, eller av en annan version")
        elif "manifest" in document:
            last = document
            continue
        else:
            if len(entries) == MOST:
                _broken(number, f"fler än {MOST} rapporter")
            entries.append(_entry(number, document, entries[-1].sequence if entries else 0))
        digest.update(line)
    if last is None:
        raise Broken("filen är avbruten: innehållsförteckningen i slutet saknas. Kopiera den igen")
    manifest, key = _manifest(last)
    _agrees(manifest, entries, digest.hexdigest())
    return Carried(manifest=manifest, key=key, entries=tuple(entries))


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > LARGEST:
                raise Broken(f"filen är större än {LARGEST >> 20} MiB")
            number = 0
            while line := file.readline(_LINE + 1):
                number += 1
                if not line.endswith(b"\n"):
                    if len(line) > _LINE:
                        _broken(number, "raden är för lång")
                    raise Broken(f"filen är avbruten på rad {number}. Kopiera den igen")
                yield line
    except OSError as error:
        raise Failed(f"{path}: kan inte läsas: {error.strerror or error}; inget är inläst") from None


def _document(number: int, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        _broken(number, "raden är inte JSON")
    return found


def _entry(number: int, document: Mapping[str, Any], after: int) -> Entry:
    match document:
        case {
            "subject": str(subject),
            "sequence": int(sequence),
            "received": str(received),
            "origin": str(origin),
            "signature": str() | None as signature,
            "sha256": str(sha256),
            "data": str(text),
        }:
            pass
        case _:
            _broken(number, "raden är ingen rapport")
    where = subjects.parse_accepted(subject)
    if isinstance(where, SubjectError):
        _broken(number, f"ämnet är inte en rapports: {where.detail}")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        _broken(number, "innehållet är inte base64")
    if hashlib.sha256(data).hexdigest() != sha256:
        _broken(number, f"innehållet är ändrat: kontrollsumman stämmer inte ({subject}, nummer {sequence} i loggen)")
    if len(data) > MAX_BYTES:
        _broken(number, "rapporten är för lång")
    if sequence <= after:
        _broken(number, "rapporterna står inte i loggens ordning")
    if signature is not None and (len(signature) > signing.LONGEST_HEADER or not signature.isprintable()):
        _broken(number, "rapportens signatur är ingen")
    return Entry(subject, data, sequence, received[:40], origin[:120], signature)


def _manifest(document: Mapping[str, Any]) -> tuple[Manifest, bytes]:
    try:
        text = str(document["manifest"])
        key = base64.b64decode(str(document["key"]), validate=True)
        signature = base64.b64decode(str(document["signature"]), validate=True)
        if len(key) != signing.KEY_BYTES or len(signature) != signing.SIGNATURE_BYTES:
            raise ValueError("lengths")  # noqa: TRY301 -- one error for all that is wrong with it
        nacl.bindings.crypto_sign_open(signature + _CONTEXT + text.encode(), key)
        return Manifest.model_validate_json(text), key
    except nacl.exceptions.BadSignatureError:
        raise Broken("innehållsförteckningen är ändrad: signaturen stämmer inte") from None
    except (KeyError, ValueError, ValidationError):
        raise Broken("innehållsförteckningen i slutet kan inte läsas") from None


def _agrees(manifest: Manifest, entries: list[Entry], digest: str) -> None:
    if manifest.count != len(entries):
        raise Broken(f"{manifest.count} rapporter skulle finnas i filen, men den har {len(entries)}")
    if manifest.sha256 != digest:
        raise Broken("filen är ändrad: kontrollsumman för hela innehållet stämmer inte med den som är signerad")
    kommuner = {each.subject.split(".")[5] for each in entries}
    if kommuner != set(manifest.kommuner) or not kommuner <= KOMMUNER.keys():
        raise Broken("filens kommuner är andra än de som innehållsförteckningen nämner")


def _broken(number: int, what: str) -> NoReturn:
    raise Broken(f"rad {number}: {what}")
