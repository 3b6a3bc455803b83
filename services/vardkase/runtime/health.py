"""What a process tells of itself over HTTP: `/healthz` alive, `/readyz` able to do its work, `/metrics`.

Alive and ready are two questions. A process is alive as long as it answers; it is ready when every check holds, and
being connected is no such check: its consumers must exist *and* advance.
"""

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vardkase.runtime.exposition import CONTENT_TYPE

log: Final = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Endpoint = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application that answers one path."""

JSON: Final = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that must hold for a process to be ready."""

    name: str
    """What is checked: `nats`, `consumer INTAKE`."""
    ok: bool
    """Whether it holds now."""
    detail: str = ""
    """What was seen: for people."""
    needed: bool = True
    """Whether it must hold. What a node can do without is told all the same."""

    def told(self) -> dict[str, Any]:
        """The check as JSON."""
        told: dict[str, Any] = {"name": self.name, "ok": self.ok, "detail": self.detail}
        return told if self.needed else told | {"needed": False}


def readiness(name: str, checks: Sequence[Check]) -> tuple[int, bytes]:
    """Status and JSON body of `/readyz`: 200 when every check holds that is needed, else 503."""
    ready = all(check.ok or not check.needed for check in checks)
    body = {"ready": ready, "service": name, "checks": [check.told() for check in checks]}
    return 200 if ready else 503, json.dumps(body, ensure_ascii=False).encode()


def endpoints(
    name: str, checks: Callable[[], Sequence[Check]], exposition: Callable[[], bytes]
) -> list[tuple[str, Endpoint]]:
    """The three routes of a service.

    Args:
        name: the service.
        checks: what must hold for it to be ready, seen now. If it raises, the service is not ready.
        exposition: what `/metrics` shows.
    """

    def healthz() -> tuple[int, str, bytes]:
        return 200, JSON, json.dumps({"status": "ok", "service": name}).encode()

    def readyz() -> tuple[int, str, bytes]:
        try:
            seen = checks()
        except Exception:
            log.exception("readiness could not be found out")
            seen = [Check(name="checks", ok=False, detail="could not be found out; see the log")]
        status, body = readiness(name, seen)
        return status, JSON, body

    def metrics() -> tuple[int, str, bytes]:
        return 200, CONTENT_TYPE, exposition()

    return [("/healthz", _endpoint(healthz)), ("/readyz", _endpoint(readyz)), ("/metrics", _endpoint(metrics))]


def _endpoint(answer: Callable[[], tuple[int, str, bytes]]) -> Endpoint:
    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 -- ASGI's three
        if scope["method"] in {"GET", "HEAD"}:
            status, kind, body = answer()
        else:
            status, kind, body = 405, "text/plain", b"Only GET and HEAD.\n"
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return endpoint
