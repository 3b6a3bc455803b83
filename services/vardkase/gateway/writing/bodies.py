"""The body of a request, read with limits: how long, how slowly, and how much of all bodies at once."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from starlette.requests import ClientDisconnect, Request

from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem

_PART: Final = 4
"""One sender holds at the most one part of so many of all that is held."""
_LEAST: Final = 2 << 20
"""But one body always has room for itself, in bytes."""
_CLOSE: Final = {"connection": "close"}
"""What was not read is not waited for."""


class Bodies:
    """How much of all bodies is held at once, and how much of it by whom.

    Args:
        most: bytes; one sender has a part of them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._of = Counter[str]()
        self.held = 0

    @contextlib.contextmanager
    def room(self, request: Request) -> Iterator["Room"]:
        """Room for a request's body while it is read and dealt with: it grows with what comes."""
        who = _sender(request)
        room = Room(lambda size: self._take(who, size))
        try:
            yield room
        finally:
            self.held -= room.size
            self._of[who] -= room.size
            if not self._of[who]:
                del self._of[who]

    def _take(self, who: str, size: int) -> None:
        if self.held + size > self._most or self._of[who] + size > max(self._most // _PART, _LEAST):
            raise Problem(503, "busy", "Too much is being sent at once; send it again", headers={"retry-after": "1"})
        self.held += size
        self._of[who] += size


class Room:
    """What one body takes.

    Args:
        take: asks for so many bytes more; raises when there is no room.
    """

    def __init__(self, take: Callable[[int], None]) -> None:
        self._take = take
        self.size = 0

    def grow(self, size: int) -> None:
        """Take so many bytes more.

        Raises:
            Problem: there is no room now: 503.
        """
        self._take(size)
        self.size += size


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


def _sender(request: Request) -> str:
    """Who sends it, as far as is known by now."""
    who: Principal | None = getattr(request.state, "principal", None)
    if who is not None:
        return who.id
    return "" if request.client is None else request.client.host


def length_of(request: Request, limit: int) -> int:
    """How much a body can bring: what it says that it is long, or the limit when it does not say or says more.

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


async def read(request: Request, room: Room, *, limit: int, within: float) -> bytes:
    """The whole body.

    What is too long is read to its end and not kept (the server bounds that): who sends it would otherwise see a broken
    connection, and not the answer.

    Args:
        request: whose.
        room: what it may take.
        limit: bytes.
        within: seconds.

    Raises:
        Problem: it is longer (413), it did not come in time (408), or there is no room (503).
    """
    length_of(request, limit)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    parts.clear()
                else:
                    room.grow(len(part))
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
