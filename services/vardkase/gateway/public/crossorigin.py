"""Anyone's page may read what is public (CORS): every answer says so, refusals too."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PREFIX: Final = "/public/"
_ANYONE: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"etag, link, retry-after"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)
_PREFLIGHT: Final = (
    *_ANYONE,
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"if-none-match, last-event-id"),
    (b"access-control-max-age", b"86400"),
    (b"cache-control", b"no-store"),
)


class CrossOrigin:
    """ASGI middleware around the whole application; only what lies under `/public/` is touched.

    Args:
        app: what is within.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and _asks(scope):
            await send({"type": "http.response.start", "status": 204, "headers": list(_PREFLIGHT)})
            await send({"type": "http.response.body", "body": b""})
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = {name for name, _ in _ANYONE}
                others = [pair for pair in message.get("headers", ()) if pair[0].lower() not in ours]
                message = {**message, "headers": [*others, *_ANYONE]}
            await send(message)

        await self._app(scope, receive, sent)


def _asks(scope: Scope) -> bool:
    """Whether a browser asks first, before it lets another's page send a request."""
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])
