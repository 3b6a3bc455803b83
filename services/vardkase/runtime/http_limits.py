"""Bounds on who speaks HTTP with a service: how many connections there are, and how long one may take.

uvicorn alone keeps a connection that never asks, or never takes its answer, open for ever; and beyond its
`limit_concurrency` it answers nobody at all, not even the supervisor that asks whether the service lives.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS: Final = 100
"""Most connections at once; one more takes the place of the one that has waited longest."""
PATIENCE: Final = 10.0
"""Seconds from a connection's beginning, or its last answer, to its next answer's end; then it is cut."""


class BoundedHttp(H11Protocol):
    """uvicorn's HTTP/1.1, with as many connections as are foreseen, none of them idle for long."""

    since = 0.0
    """When its time began (monotonic seconds of the loop)."""
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] -- as uvicorn's own
        """A connection: it has its time, and a full house makes room for it."""
        super().connection_made(transport)
        self._begin()
        others = [
            other
            for other in self.connections
            if isinstance(other, BoundedHttp) and other is not self and not other.transport.is_closing()
        ]
        if len(others) >= CONNECTIONS:
            min(others, key=lambda other: other.since).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Answered: it has its time again, to take the answer and to ask once more."""
        super().on_response_complete()
        self._begin()

    def _begin(self) -> None:
        self.since = self.loop.time()
        if self._deadline is not None:
            self._deadline.cancel()
        # Not closed but cut: closing waits for as long as there is something that nobody takes.
        self._deadline = self.loop.call_later(PATIENCE, self.transport.abort)
