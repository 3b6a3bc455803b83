"""The body of a request, read with limits: how long, how slowly, and how much of all bodies at once."""

import asyncio
import contextlib
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from starlette.requests import ClientDisconnect, Request

from vardkase.gateway.problems import Problem

_CLOSE: Final = {"connection": "close"}
"""What was not read is not waited for."""


class Bodies:
    """How much of all bodies is held at once.

    Args:
        most: bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.held = 0

    @contextlib.contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Keep room for a body while it is read and dealt with.

        Raises:
            Problem: there is none now: 503.
        """
        if self.held + size > self._most:
            raise Problem(503, "busy", "Too much is being sent at once; send it again", headers={"retry-after": "1"})
        self.held += size
        try:
            yield
        finally:
            self.held -= size


def media_type(request: Request, taken: Collection[str]) -> str:
    """The body's media type, in lower case and without parameters.

    Args:
        request: whose.
        taken: what it may be.

    Raises:
        Problem: 415; it is another, or told twice, or text in another encoding than UTF-8, or compressed.
    """
    told = request.headers.getlist("content-type")
    if len(told) > 1:
        raise Problem(415, "media_type", "One Content-Type should be given", field="Content-Type")
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise Problem(415, "content_encoding", "Bodies are taken as they are", field="Content-Encoding")
    kind, _, parameters = (told[0] if told else "").partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in {"utf-8", "utf8", "us-ascii"}:
            raise Problem(415, "media_type", "JSON is UTF-8", field="Content-Type")
    kind = kind.strip().lower()
    if kind not in taken:
        raise Problem(415, "media_type", f"Should be {' or '.join(taken)}", field="Content-Type")
    return kind


def length_of(request: Request, limit: int) -> int:
    """How much of a body is kept: what it says that it is long, or the limit when it does not say or says more.

    Raises:
        Problem: 400; what it says is no length. 413; it is longer, and asks whether it is to be sent at all.
    """
    told = request.headers.get("content-length")
    if told is None:
        return limit
    if not (told.isascii() and told.isdigit()) or len(told) > 15:
        raise Problem(400, "content_length", "Should be a number of bytes", field="Content-Length", headers=_CLOSE)
    if int(told) > limit and "expect" in request.headers:
        raise _too_large(limit, _CLOSE)
    return min(int(told), limit)


async def read(request: Request, *, limit: int, within: float) -> bytes:
    """The whole body.

    What is too long is read to its end and not kept (the server bounds that): who sends it would otherwise see a broken
    connection, and not the answer.

    Args:
        request: whose.
        limit: bytes.
        within: seconds.

    Raises:
        Problem: it is longer (413), or it did not come in time (408).
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    parts.clear()
                else:
                    parts.append(part)
    except TimeoutError:
        raise Problem(
            408, "too_slow", f"The body did not come within {within:g} s; nothing is stored", headers=_CLOSE
        ) from None
    except ClientDisconnect:
        raise Problem(400, "cut_off", "The body ended before its end; nothing is stored", headers=_CLOSE) from None
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def _too_large(limit: int, headers: Mapping[str, str] | None = None) -> Problem:
    return Problem(413, "too_large", f"At most {limit} bytes", headers=headers, reason="too_large")
