"""Asks for one path over and over on some connections, as fast as it is answered; prints what came of it as JSON.

python tests/bench/http_load.py HOST PORT PATH SECONDS CONNECTIONS [HEADER: VALUE ...]
"""

import asyncio
import json
import re
import sys
import time

import uvloop

_LENGTH = re.compile(rb"content-length: ([0-9]+)")


class Asking(asyncio.BufferedProtocol):
    """One connection: the next request goes out when the last answer is whole. Its bytes are counted, and not kept."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self._left = -1
        self._head = b""
        self._since = 0.0
        self._buffer = memoryview(bytearray(1 << 17))
        self.statuses: dict[str, int] = {}
        self.took: list[float] = []
        self.bytes = 0
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Ask."""
        self._transport = transport
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's
        """The end."""
        if not self.over.done():
            self.over.set_result(None)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next part is read into: always the same place."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """A part of an answer."""
        self.bytes += nbytes
        if self._left < 0:
            self._head += bytes(self._buffer[: min(nbytes, 4096)])
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            status = self._head[9:12].decode()
            self.statuses[status] = self.statuses.get(status, 0) + 1
            length = _LENGTH.search(self._head)
            self._left = int(length[1]) if length and status != "304" else 0
            nbytes -= end + 4  # the head comes in one part: it is written in one
        self._left -= nbytes
        if self._left <= 0:
            self.took.append(1000 * (time.perf_counter() - self._since))
            self._ask()

    def _ask(self) -> None:
        self._left, self._head = -1, b""
        self._since = time.perf_counter()
        if self._since > self._until:
            self._transport.close()
        else:
            self._transport.write(self._request)


async def load(host: str, port: int, path: str, seconds: float, connections: int, headers: list[str]) -> None:
    """Ask, and print."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    request, loop = "\r\n".join(lines).encode(), asyncio.get_running_loop()
    began = time.perf_counter()
    asking = [
        (await loop.create_connection(lambda: Asking(request, began + seconds), host, port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(each.over for each in asking))
    statuses: dict[str, int] = {}
    for each in asking:
        for status, count in each.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    took = sorted(time for each in asking for time in each.took)
    told = {
        "seconds": time.perf_counter() - began,
        "statuses": statuses,
        "bytes": sum(each.bytes for each in asking),
        "p50": took[len(took) // 2],
        "p99": took[int(len(took) * 0.99)],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    uvloop.install()
    host, port, path, seconds, connections, *headers = sys.argv[1:]
    asyncio.run(load(host, int(port), path, float(seconds), int(connections), headers))
