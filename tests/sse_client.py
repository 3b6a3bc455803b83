"""A client of server-sent events, as a browser is one: it keeps the last id, and can come back with it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx


class Event(NamedTuple):
    """One event."""

    name: str
    data: Any
    id: str | None


class EventSource:
    """Reads a stream in the background; what came is in `events`, comments are counted."""

    def __init__(self, http: httpx.AsyncClient, path: str, *, last: str | None = None) -> None:
        self._http = http
        self._path = path
        self.events: list[Event] = []
        self.comments = 0
        self.last = last
        """The last id."""
        self.ended = asyncio.Event()
        self.began = asyncio.Event()
        self.headers: httpx.Headers = httpx.Headers()

    def named(self, name: str) -> list[Any]:
        """The data of all events of a name."""
        return [event.data for event in self.events if event.name == name]

    async def run(self) -> None:
        """Read until it ends."""
        headers = {} if self.last is None else {"last-event-id": self.last}
        try:
            async with self._http.stream("GET", self._path, headers=headers, timeout=None) as answer:
                assert answer.status_code == 200, (await answer.aread(), answer.status_code)
                self.headers = answer.headers
                self.began.set()
                with contextlib.suppress(httpx.HTTPError):
                    await self._read(answer)
        finally:
            self.began.set()
            self.ended.set()

    async def _read(self, answer: httpx.Response) -> None:
        name, data, own = "message", "", None
        async for line in answer.aiter_lines():
            if line.startswith(":"):
                self.comments += 1
            elif line.startswith("id: "):
                own = self.last = line[4:]
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
            elif not line and data:
                self.events.append(Event(name, json.loads(data), own))
                name, data, own = "message", "", None


@asynccontextmanager
async def listening(http: httpx.AsyncClient, path: str, *, last: str | None = None) -> AsyncIterator[EventSource]:
    """A client that listens within the block."""
    source = EventSource(http, path, last=last)
    task = asyncio.ensure_future(source.run())
    try:
        await source.began.wait()
        if task.done():
            task.result()
        yield source
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
