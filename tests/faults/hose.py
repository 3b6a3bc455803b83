"""Bytes straight into a NATS server, faster and wilder than any client library lets one send them.

Only what a hostile or hurried client would do is here: no waiting, headers that are none, subjects of any bytes.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit
from uuid import uuid4

_ANSWER: Final = re.compile(rb"MSG [^ ]+ 1 (\d+)\r\n")
_NUMBER: Final = re.compile(r"\d+$")
_PATIENCE: Final = 10.0
"""Seconds without an answer after which those that are due are not waited for any more."""
_PART: Final = 256 << 10
"""Bytes that are written at once."""


class Raw(NamedTuple):
    """One message as it goes over the wire."""

    subject: bytes
    data: bytes
    headers: bytes = b""
    """With their first line and their blank one; none when empty."""


class Hose:
    """A connection that publishes without waiting, and counts the answers of the stream.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 4222
        self._inbox = f"_INBOX.{uuid4().hex}".encode()
        self._pong = asyncio.Event()
        self._silent = 0
        self.sent = 0
        self.acknowledged = 0
        """Messages that the stream said it has stored."""
        self.refused: dict[str, int] = {}
        """Answers that said no, by their words."""
        self.ended = ""
        """What the server ended the connection with."""

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
        await self._reader.readline()
        options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True, "name": "hose"}
        self._writer.write(b"CONNECT %s\r\nSUB %s 1\r\nPING\r\n" % (json.dumps(options).encode(), self._inbox))
        self._reading = asyncio.create_task(self._read())
        await self._pong.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reading.done():
            self._reading.result()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def send(
        self,
        messages: Iterable[Raw],
        *,
        rate: float | None = None,
        answered: bool = True,
        ahead: int | None = None,
    ) -> float:
        """Send all of them; the seconds that it took.

        Args:
            messages: what is sent.
            rate: messages a second; None is as fast as the server reads.
            answered: whether the stream is asked to answer each.
            ahead: most messages that wait for an answer; a server with more waiting than it may hold drops what comes.
        """
        began = time.monotonic()
        first = self.sent
        part: list[bytes] = []
        size = 0
        inbox = self._inbox + b" " if answered else b""
        for one in messages:
            if one.headers:
                sizes = b"%d %d" % (len(one.headers), len(one.headers) + len(one.data))
                piece = b"HPUB %s %s%s\r\n%s%s\r\n" % (one.subject, inbox, sizes, one.headers, one.data)
            else:
                piece = b"PUB %s %s%d\r\n%s\r\n" % (one.subject, inbox, len(one.data), one.data)
            part.append(piece)
            size += len(piece)
            self.sent += 1
            if size >= _PART or (rate is not None and self.sent % 200 == 0):
                await self._write(part)
                size = 0
                if ahead is not None:
                    await self._keep_pace(ahead)
                if rate is not None:
                    await asyncio.sleep(max(0.0, began + (self.sent - first) / rate - time.monotonic()))
        await self._write(part)
        return time.monotonic() - began

    async def settled(self, within: float = 30.0, still: float = 30.0) -> None:
        """Wait until every message is answered, or no answer has come for a while."""
        self._pong.clear()
        self._writer.write(b"PING\r\n")
        deadline = time.monotonic() + within
        async with asyncio.timeout(within):
            await self._pong.wait()
        seen, since = self.answers, time.monotonic()
        while self.answers < self.sent and time.monotonic() - since < still and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            if self.answers != seen:
                seen, since = self.answers, time.monotonic()

    @property
    def answers(self) -> int:
        """How many messages were answered, one way or the other."""
        return self.acknowledged + sum(self.refused.values())

    async def _keep_pace(self, ahead: int) -> None:
        """Wait until no more than so many are unanswered, or no answer comes any more."""
        seen, since = self.answers, time.monotonic()
        while self.sent - self._silent - self.answers > ahead:
            await asyncio.sleep(0.002)
            if self.answers != seen:
                seen, since = self.answers, time.monotonic()
            elif time.monotonic() - since > _PATIENCE:
                self._silent = self.sent - self.answers

    async def _write(self, part: list[bytes]) -> None:
        if self.ended:
            raise ConnectionError(self.ended)
        self._writer.write(b"".join(part))
        part.clear()
        await self._writer.drain()

    async def _read(self) -> None:
        buffer = bytearray()
        while got := await self._reader.read(1 << 20):
            buffer += got
            self._take(buffer)
        self.ended = self.ended or "the server closed the connection"

    def _take(self, buffer: bytearray) -> None:
        """Take what is complete out of the buffer."""
        at = 0
        while (end := buffer.find(b"\r\n", at)) >= 0:
            line = bytes(buffer[at : end + 2])
            if (match := _ANSWER.fullmatch(line)) is not None:
                length = int(match[1])
                if len(buffer) < end + 4 + length:
                    break
                self._answered(bytes(buffer[end + 2 : end + 2 + length]))
                at = end + 4 + length
                continue
            if line.startswith(b"HMSG"):
                length = int(line.split()[-1])
                if len(buffer) < end + 4 + length:
                    break
                self._refuse("no stream takes the subject")
                at = end + 4 + length
                continue
            at = end + 2
            if line == b"PONG\r\n":
                self._pong.set()
            elif line == b"PING\r\n":
                self._writer.write(b"PONG\r\n")
            elif line.startswith(b"-ERR"):
                self._refuse(line.decode().strip())
        del buffer[:at]

    def _answered(self, body: bytes) -> None:
        if b'"error"' in body:
            self._refuse(json.loads(body)["error"]["description"])
        else:
            self.acknowledged += 1

    def _refuse(self, words: str) -> None:
        words = _NUMBER.sub("…", words)
        self.refused[words] = self.refused.get(words, 0) + 1
