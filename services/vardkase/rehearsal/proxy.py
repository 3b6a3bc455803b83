"""A link that can be cut: a TCP proxy on loopback that resets, swallows or refuses what goes through it."""

import asyncio
import contextlib

HOST = "127.0.0.1"
_CHUNK = 65_536


class Proxy:
    """A TCP proxy to a server on this computer.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._refusing = False
        self._age = 0
        self.port = 0
        """Where it listens, once it is started."""

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{HOST}:{self.port}"

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End all."""
        if self._server is None:
            return
        self._server.close()
        self.reset()
        self._open.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hole(self) -> None:
        """From now nothing passes, and nothing is told of it. What was under way is gone when it heals."""
        self._open.clear()

    def heal(self) -> None:
        """Let new connections through; those that fell into the hole are reset."""
        self.reset()
        self._refusing = False
        self._open.set()

    def bury(self) -> None:
        """The connections that there are swallow everything for ever; new ones pass."""
        self._age += 1

    def cut(self) -> None:
        """Reset all, and refuse new connections until `heal`."""
        self._refusing = True
        self.reset()

    def reset(self) -> None:
        """Reset all connections."""
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        if not self._open.is_set():
            self._writers.add(writer)
            await self._open.wait()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(HOST, self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}
        for source, target in ((reader, up_writer), (up_reader, writer)):
            task = asyncio.ensure_future(self._pump(source, target, self._age))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, age: int) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                await self._open.wait()
                if age < self._age:
                    await asyncio.Event().wait()
                if target.transport.is_closing():
                    break
                target.write(data)
                await target.drain()
        self._writers.discard(target)
        target.transport.abort()
