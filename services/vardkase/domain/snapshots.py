"""An adopted picture's bytes on their way in an order, and out of it: the same bytes, and a hash that says so.

They travel and are kept with the order that adopts them, so whoever has the order has the picture, at every level and
in every archive, without a second store that could disagree with it.
"""

import base64
import binascii
import hashlib
import zlib
from typing import Any, Final, NamedTuple, cast

import orjson

from vardkase_contracts.orders import AdoptData

MOST: Final = 4 << 20
"""Bytes of a picture: what says that it is more is not unpacked."""
PACKED_MOST: Final = 60_000
"""Characters of a packed picture: it fits in an event of 64 KiB."""


class BadSnapshot(ValueError):  # noqa: N818 -- what it is
    """It is not the picture that the order says.

    Attributes:
        field: which field of the order is wrong.
    """

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class Packed(NamedTuple):
    """A picture as it stands in an order."""

    sha256: str
    """Of its bytes, in hex."""
    snapshot: str
    """Its bytes, zlib in base64."""


def pack(picture: bytes) -> Packed:
    """A picture's bytes, to stand in an order.

    Raises:
        BadSnapshot: it is too large for an event.
    """
    snapshot = base64.b64encode(zlib.compress(picture, 9)).decode()
    if len(snapshot) > PACKED_MOST:
        raise BadSnapshot("data.snapshot", f"The picture does not fit in an order: {len(snapshot)} characters packed")
    return Packed(hashlib.sha256(picture).hexdigest(), snapshot)


def unpack(data: AdoptData) -> bytes | None:
    """The bytes of the picture that an order adopts; `None` when it brings none.

    Raises:
        BadSnapshot: they are not those of the hash.
    """
    if data.snapshot is None:
        return None
    try:
        unpacker = zlib.decompressobj()
        picture = unpacker.decompress(base64.b64decode(data.snapshot, validate=True), MOST)
    except (binascii.Error, zlib.error):
        raise BadSnapshot("data.snapshot", "Should be zlib in base64") from None
    if not unpacker.eof or unpacker.unused_data:
        raise BadSnapshot("data.snapshot", f"Should be one picture of at most {MOST} bytes")
    if hashlib.sha256(picture).hexdigest() != data.sha256:
        raise BadSnapshot("data.sha256", "Should be the SHA-256 of the picture's bytes")
    return picture


def check(data: AdoptData, reality: str) -> None:
    """See that an order brings the picture that it says, if it brings any.

    Raises:
        BadSnapshot: it is another.
    """
    raw = unpack(data)
    if raw is None:
        return
    try:
        picture: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise BadSnapshot("data.snapshot", "Should be a picture's JSON") from None
    if not isinstance(picture, dict):
        raise BadSnapshot("data.snapshot", "Should be a picture's JSON")
    said = cast("dict[str, Any]", picture)
    wanted = {"reality": reality, "level": data.level, "code": data.code, "version": data.version}
    for name, value in wanted.items():
        if said.get(name) != value:
            raise BadSnapshot("data.snapshot", f"Should be the picture of this {name}: {value}")
