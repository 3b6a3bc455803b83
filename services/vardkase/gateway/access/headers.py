"""Headers by which a browser protects whoever uses it: on every answer, unless the route says otherwise."""

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .origin import Origins

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing but our own files, nothing inline, in nobody's frame."""
_PAGES: Final = {
    "content-security-policy": CSP,
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_ALL: Final = {
    "x-content-type-options": "nosniff",
    # Not `no-referrer`: a browser would then say of our own forms, too, that they come from nowhere (`Origin: null`).
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_HSTS: Final = "max-age=31536000"
_NO_STORE: Final = "no-store"
_BARE: Final = "default-src 'none'; frame-ancestors 'none'"
"""Of what is no page: should a browser show it all the same, nothing in it runs."""


class SecurityHeaders:
    """ASGI middleware: adds what an answer does not say itself.

    Args:
        app: what is within.
        origins: tells https from http.
    """

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                self._add(headers)
                if self._origins.of(scope, Headers(scope=scope)).secure:
                    headers.setdefault("strict-transport-security", _HSTS)
            await send(message)

        await self._app(scope, receive, sent)

    def _add(self, headers: MutableHeaders) -> None:
        for name, value in _ALL.items():
            headers.setdefault(name, value)
        if headers.get("content-type", "").startswith("text/html"):
            for name, value in _PAGES.items():
                headers.setdefault(name, value)
        else:
            headers.setdefault("content-security-policy", _BARE)
        if "set-cookie" in headers:
            headers.setdefault("cache-control", _NO_STORE)
