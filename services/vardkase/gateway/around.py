"""What is around every route: how long it took, and HEAD answered as GET without a body."""

import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .house import House

_STREAMS: Final = frozenset({"/v1/stream", "/public/v1/stream"})


class Around:
    """ASGI middleware: plain functions, since it is passed by every request.

    Args:
        app: what is within.
        house: where requests are counted.
    """

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app = app
        self._counts = house.counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method: str = scope["method"]
        if method == "HEAD" and scope["path"] not in _STREAMS:
            scope = {**scope, "method": "GET"}  # the server leaves the body out: its own scope still says HEAD
        began, status = time.perf_counter(), 500

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
                known = method if method in {"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"} else "other"
                self._counts.request_seconds.labels(known, route, str(status)).observe(time.perf_counter() - began)
