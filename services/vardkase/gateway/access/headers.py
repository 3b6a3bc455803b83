"""Headers by which a browser protects whoever uses it: on every answer, unless the route says otherwise."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .origin import Origins

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing but our own files, nothing inline, in nobody's frame."""
Header = tuple[bytes, bytes]

_ALL: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    # Not `no-referrer`: a browser would then say of our own forms, too, that they come from nowhere (`Origin: null`).
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_OF_PAGES: Final[tuple[Header, ...]] = (
    *_ALL,
    (b"content-security-policy", CSP.encode()),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
# Of what is no page: should a browser show it all the same, nothing in it runs.
_OF_OTHERS: Final[tuple[Header, ...]] = (
    *_ALL,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
_NO_STORE: Final = (b"cache-control", b"no-store")


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
                message["headers"] = self._completed(list(message.get("headers", ())), scope)
            await send(message)

        await self._app(scope, receive, sent)

    def _completed(self, headers: list[Header], scope: Scope) -> list[Header]:
        given = {name.lower(): value for name, value in headers}
        is_page = given.get(b"content-type", b"").startswith(b"text/html")
        headers += [each for each in (_OF_PAGES if is_page else _OF_OTHERS) if each[0] not in given]
        if b"set-cookie" in given and b"cache-control" not in given:
            headers.append(_NO_STORE)
        if self._origins.is_secure(scope) and _HSTS[0] not in given:
            headers.append(_HSTS)
        return headers
