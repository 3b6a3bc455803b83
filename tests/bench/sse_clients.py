"""Many clients of one stream in one process: what came to each and when, written to a file at the end of its input.

    python tests/bench/sse_clients.py HOST PORT PATH CLIENTS STALLED FILE TOKEN [TOKEN ...]

A client takes gzip, as browsers do. All who ask the same are told the same bytes, so a part is read once for all: what
is measured is the gateway, not the reading of a thousand copies. Beside them, STALLED others ask and take nothing.
"""

import asyncio
import json
import socket
import sys
import time
import zlib
from array import array
from pathlib import Path
from typing import Any

import uvloop


class Part:
    """A part of the stream as it was sent: which alerts it tells of, and when it came to whom."""

    def __init__(self, packed: bytes) -> None:
        self.alerts: list[tuple[str, str | None]] = []
        """Each change: what it is told apart by, and the report that it rests on."""
        self.pictures = 0
        self.live = False
        self.times = array("d")
        text = packed
        if not packed.startswith(b"\x1f\x8b"):
            text = zlib.decompressobj(wbits=-15).decompress(packed)
        for event in text.split(b"\n\n"):
            name, data = _parsed(event)
            if name == b"alert":
                alert = json.loads(data)
                report = alert["evidence"][0]["report"] if alert["rule"] == "staff.short" else None
                self.alerts.append((f"{alert['key']} {alert['changed_at']} {alert['level']}", report))
            self.pictures += name == b"picture"
            self.live |= name == b"live"


def _parsed(event: bytes) -> tuple[bytes, bytes]:
    found = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
    return found.get(b"event", b""), found.get(b"data", b"")


class Listening(asyncio.Protocol):
    """One client."""

    known: dict[bytes, Part] = {}  # noqa: RUF012 -- shared on purpose

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._buffer = bytearray()
        self._begun = False
        self.parts: list[Part] = []
        self.live = asyncio.get_running_loop().create_future()
        self.lost = False
        self.bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Ask."""
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's
        """It was cut, or ended."""
        self.lost = True
        if not self.live.done():
            self.live.set_exception(ConnectionError("lost before it was live"))

    def data_received(self, data: bytes) -> None:
        """Some of the stream: HTTP's chunks, each a part."""
        self.bytes += len(data)
        buffer = self._buffer
        buffer += data
        if not self._begun:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not buffer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(bytes(buffer[:500]).decode())
            del buffer[: end + 4]
            self._begun = True
        while (line := buffer.find(b"\r\n")) >= 0:
            size = int(buffer[:line], 16)
            if len(buffer) < line + 2 + size + 2:
                return
            packed = bytes(buffer[line + 2 : line + 2 + size])
            del buffer[: line + 2 + size + 2]
            part = self.known.get(packed)
            if part is None:
                part = self.known[packed] = Part(packed)
            part.times.append(time.monotonic())
            self.parts.append(part)
            if part.live and not self.live.done():
                self.live.set_result(None)


async def run(host: str, port: int, path: str, clients: int, stalled: int, tokens: list[str]) -> dict[str, Any]:
    """Listen until there is a line of input; what came."""
    loop = asyncio.get_running_loop()

    def request(number: int) -> bytes:
        token = tokens[number % len(tokens)]
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Accept-Encoding: gzip", f"Authorization: Bearer {token}"]
        return "\r\n".join([*lines, "", ""]).encode()

    deaf = [socket.create_connection((host, port)) for _ in range(stalled)]
    for number, each in enumerate(deaf):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        each.sendall(request(number))
    listening: list[Listening] = []
    for first in range(0, clients, 50):
        batch = [
            (await loop.create_connection(lambda n=number: Listening(request(n)), host, port))[1]
            for number in range(first, min(first + 50, clients))
        ]
        await asyncio.gather(*(each.live for each in batch))
        listening += batch
    print("live", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    parts = {id(part): place for place, part in enumerate(Listening.known.values())}
    for each in deaf:
        each.close()
    return {
        "parts": [{"alerts": part.alerts, "times": list(part.times)} for part in Listening.known.values()],
        "clients": [[parts[id(part)] for part in each.parts] for each in listening],
        "pictures": [sum(part.pictures for part in each.parts) for each in listening],
        "bytes": sum(each.bytes for each in listening),
        "lost": sum(each.lost for each in listening),
    }


if __name__ == "__main__":
    uvloop.install()
    host, port, path, clients, stalled, file, *tokens = sys.argv[1:]
    told = asyncio.run(run(host, int(port), path, int(clients), int(stalled), tokens))
    Path(file).write_text(json.dumps(told))
