"""Answers that are bytes already: `ETag` and `304`, and gzip where it is taken and worth it."""

import asyncio
import hashlib
import re
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_WORTH: Final = 1_024
"""Bytes below which nothing is compressed."""
_LONG: Final = 64 << 10
"""Bytes from which compressing takes longer than others should wait: some milliseconds."""
_UNWANTED: Final = re.compile(r"q=0?(?:\.0*)?")
"""A quality of nothing."""
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
        return self.keep(etag, gzipped(body))

    def __contains__(self, etag: str) -> bool:
        """Whether a tag's compressed body is kept."""
        return etag in self._held

    def keep(self, etag: str, made: bytes) -> bytes:
        """Keep what was compressed elsewhere."""
        self._size += len(made) - len(self._held.pop(etag, b""))
        self._held[etag] = made
        while self._size > self._most:
            self._size -= len(self._held.popitem(last=False)[1])
        return made


_packed: Final = Packed()
_packing: Final[dict[str, asyncio.Future[bytes]]] = {}
"""What is being compressed, once for all who wait for it."""


def gzipped(body: bytes) -> bytes:
    """gzip, without a time in it: the same bytes give the same."""
    packer = zlib.compressobj(level=5, wbits=31)
    return packer.compress(body) + packer.flush()


def takes_gzip(headers: Mapping[str, str]) -> bool:
    """Whether whoever asks takes gzip (RFC 9110, 12.5.3)."""
    given = headers.get("accept-encoding")
    return given is not None and _takes(given)


@lru_cache(256)
def _takes(given: str) -> bool:
    star, gzip = False, None
    for part in given.split(","):
        name, _, rest = part.partition(";")
        wanted = _UNWANTED.fullmatch(rest.replace(" ", "")) is None
        match name.strip().lower():
            case "gzip" | "x-gzip":
                gzip = wanted
            case "*":
                star = wanted
            case _:
                pass
    return star if gzip is None else gzip


async def pack_ahead(request: Request, body: bytes, etag: str) -> None:
    """Compress what is long in a thread, so that `answer(…, keep=True)` finds it done: all others would wait for it."""
    if len(body) < _LONG or not takes_gzip(request.headers) or etag in _packed:
        return
    if (known := request.headers.get("if-none-match")) is not None and _matches(known, etag):
        return
    packing = _packing.get(etag)
    if packing is None:
        packing = _packing[etag] = asyncio.ensure_future(asyncio.to_thread(gzipped, body))
        packing.add_done_callback(lambda _: _packing.pop(etag, None))
    made = await asyncio.shield(packing)  # whoever hangs up takes it from nobody
    _packed.keep(etag, made)


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
    known = request.headers.get("if-none-match")
    if known is not None and _matches(known, etag):
        return _Made(b"", 304, _head(etag, None, None, packed=False), headers)
    packed = len(body) >= _WORTH and takes_gzip(request.headers)
    if packed:
        body = _packed.of(etag, body) if keep else gzipped(body)
    return _Made(body, 200, _head(etag, media_type, len(body), packed=packed), headers)


class _Made(Response):
    """An answer whose head is made once for all who are given it: half of what one costs is encoding its headers."""

    def __init__(
        self, body: bytes, status: int, head: Sequence[tuple[bytes, bytes]], more: Mapping[str, str] | None
    ) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        self.raw_headers = list(head)
        if more:
            self.headers.update(more)


@lru_cache(1024)
def _head(etag: str, media_type: str | None, length: int | None, *, packed: bool) -> tuple[tuple[bytes, bytes], ...]:
    """The head of an answer, by starlette: what it says of media types and lengths."""
    sent = {
        "etag": f'W/"{etag}"' if packed else f'"{etag}"',
        "cache-control": "private, no-cache",
        "vary": "accept-encoding, authorization, cookie",
    }
    if packed:
        sent["content-encoding"] = "gzip"
    if length is not None:
        sent["content-length"] = str(length)
    return tuple(Response(None, 304 if length is None else 200, sent, media_type).raw_headers)


def _matches(given: str, etag: str) -> bool:
    if given.strip() == "*":
        return True
    return any(part.strip().removeprefix("W/").strip('"') == etag for part in given.split(","))
