"""Answers that are bytes already: `ETag` and `304`, and gzip where it is taken and worth it."""

import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_WORTH: Final = 1_024
"""Bytes below which nothing is compressed."""
_KEPT: Final = 16 << 20
"""Bytes of compressed answers that are kept."""


class Packed:
    """Compressed bodies by their tags, the least used forgotten first: one picture is asked for by thousands.

    Args:
        most: bytes that are kept.
    """

    def __init__(self, most: int = _KEPT) -> None:
        self._most = most
        self._size = 0
        self._held: OrderedDict[str, bytes] = OrderedDict()

    def of(self, etag: str, body: bytes) -> bytes:
        """The compressed body of a tag."""
        found = self._held.get(etag)
        if found is not None:
            self._held.move_to_end(etag)
            return found
        made = gzipped(body)
        self._held[etag] = made
        self._size += len(made)
        while self._size > self._most:
            self._size -= len(self._held.popitem(last=False)[1])
        return made


_packed: Final = Packed()


def gzipped(body: bytes) -> bytes:
    """gzip, without a time in it: the same bytes give the same."""
    packer = zlib.compressobj(level=5, wbits=31)
    return packer.compress(body) + packer.flush()


def takes_gzip(headers: Mapping[str, str]) -> bool:
    """Whether whoever asks takes gzip (RFC 9110, 12.5.3)."""
    star, gzip = False, None
    for part in headers.get("accept-encoding", "").split(","):
        name, _, rest = part.partition(";")
        wanted = rest.replace(" ", "").removeprefix("q=").rstrip("0").rstrip(".") != "" if "q=" in rest else True
        match name.strip().lower():
            case "gzip" | "x-gzip":
                gzip = wanted
            case "*":
                star = wanted
            case _:
                pass
    return star if gzip is None else gzip


def etag_of(body: bytes) -> str:
    """A tag of bytes that have none of their own."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def answer(
    request: Request,
    body: bytes,
    etag: str,
    *,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
    keep: bool = False,
) -> Response:
    """An answer that is not sent again to who has it.

    Args:
        request: what was asked.
        body: what is answered.
        etag: names these bytes, without quotes.
        media_type: of the body.
        headers: more of them. `cache-control` is `private, no-cache` unless given: kept, and asked about each time.
        keep: keep the compressed body: many ask for the same.
    """
    sent = {
        "etag": f'"{etag}"',
        "cache-control": "private, no-cache",
        "vary": "accept-encoding, authorization, cookie",
        **(headers or {}),
    }
    known = request.headers.get("if-none-match")
    if known is not None and _matches(known, etag):
        return Response(None, 304, sent)
    if len(body) >= _WORTH and takes_gzip(request.headers):
        sent |= {"content-encoding": "gzip", "etag": f'W/"{etag}"'}
        body = _packed.of(etag, body) if keep else gzipped(body)
    return Response(body, 200, sent, media_type)


def _matches(given: str, etag: str) -> bool:
    if given.strip() == "*":
        return True
    return any(part.strip().removeprefix("W/").strip('"') == etag for part in given.split(","))
