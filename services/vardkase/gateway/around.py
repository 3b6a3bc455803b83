"""What is around every route: how long it took, HEAD answered as GET without a body, and a wait while it all starts."""

import asyncio
import contextlib
import time
from typing import Final

from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .house import House

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"})
_AT_ONCE: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What is asked of it while it starts."""
_STREAMS: Final = frozenset({"/v1/stream", "/public/v1/stream"})


class Around:
    """ASGI middleware: plain functions, since it is passed by every request.

    Args:
        app: what is within.
        house: where requests are counted.
    """

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app = app
        self._house = house
        self._counts = house.counts
        self._seconds: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method: str = scope["method"]
        if method == "HEAD" and scope["path"] not in _STREAMS:
            scope = {**scope, "method": "GET"}  # the server leaves the body out: its own scope still says HEAD
        began, status = time.perf_counter(), 500
        if not self._house.opened.is_set() and scope["path"] not in _AT_ONCE:
            # A moment of patience: most programs, and browsers' streams above all, take a 503 harder than a wait.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._house.settings.web.opening):
                    await self._house.opened.wait()

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            route = getattr(scope.get("route"), "path", "")
            if route not in _STREAMS:
                self._count(method, route, status, time.perf_counter() - began)

    def _count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Methods, routes and statuses are few: looking up the labels anew each time would cost more than the rest."""
        known = (method if method in _METHODS else "other", route, status)
        counted = self._seconds.get(known)
        if counted is None:
            counted = self._seconds[known] = self._counts.request_seconds.labels(*known[:2], str(status))
        counted.observe(seconds)
