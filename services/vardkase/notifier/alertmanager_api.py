"""Alertmanager's HTTP API v2, as much of it as is used: alerts, silences."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson

LARGEST: Final = 64 << 20
"""The longest answer that is read, in bytes."""
_TOLD: Final = 300


class Away(Exception):  # noqa: N818 -- what happened
    """The receiver does not take what is sent, now: a line that holds no secret."""


def where(url: str) -> str:
    """A URL without what may be secret in it: user, password, path and query."""
    parts = urlsplit(url)
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def reason(error: Exception) -> str:
    """What went wrong with a request, without its URL."""
    text = str(error) if isinstance(error, httpx.ConnectError) else ""
    return f"{type(error).__name__}{f': {text}' if text else ''}"


def client(*, timeout: float, connections: int) -> httpx.AsyncClient:
    """A client that goes where it is told and nowhere else: no redirect, no proxy of the environment, no cookie kept.

    Args:
        timeout: seconds that connecting, sending, or waiting for the next bytes may take.
        connections: the most at once.
    """
    return httpx.AsyncClient(
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=60),
        headers={"user-agent": "vardkase-notifier"},
    )


class AlertmanagerApi:
    """One Alertmanager.

    Args:
        url: its base URL, with a user and password if it asks for them.
        timeout: seconds that one request may take in all.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        self.where: Final = where(url)
        self._base = url.rstrip("/") + "/api/v2"
        self._timeout = timeout
        self._http = client(timeout=timeout, connections=2)

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def post_alerts(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Tell of alerts; it knows repeats by their labels.

        Raises:
            Away: it did not take them.
        """
        await self._ask("POST", "/alerts", alerts)

    async def alerts(self, *matchers: str) -> list[dict[str, Any]]:
        """The alerts that it holds, those that are silenced or inhibited too.

        Args:
            matchers: such as `node="lan-24"`; all of them.

        Raises:
            Away: it did not tell.
        """
        return await self._list("/alerts", matchers)

    async def started(self) -> str:
        """When it was started, as it tells it: another one has forgotten all alerts.

        Raises:
            Away: it did not tell.
        """
        answer = await self._ask("GET", "/status", None)
        return str(answer.get("uptime", "")) if isinstance(answer, dict) else ""

    async def silences(self) -> list[dict[str, Any]]:
        """Its silences, those that have ended too.

        Raises:
            Away: it did not tell.
        """
        return await self._list("/silences", ())

    async def post_silence(self, silence: Mapping[str, Any]) -> str:
        """Make a silence, or change the one whose id is given; its id.

        Raises:
            Away: it did not take it.
        """
        answer = await self._ask("POST", "/silences", silence)
        if not isinstance(answer, dict) or not isinstance(answer.get("silenceID"), str):
            raise Away("it gave no id of the silence")
        return answer["silenceID"]

    async def expire_silence(self, silence: str) -> None:
        """End a silence; one that it does not know has ended.

        Raises:
            Away: it did not.
        """
        await self._ask("DELETE", f"/silence/{silence}", None, fine=(404,))

    async def _list(self, path: str, matchers: Sequence[str]) -> list[dict[str, Any]]:
        answer = await self._ask("GET", path, None, params=[("filter", each) for each in matchers])
        if not isinstance(answer, list):
            raise Away("its answer is no list")
        return [each for each in answer if isinstance(each, dict)]

    async def _ask(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        params: Sequence[tuple[str, str]] = (),
        fine: Sequence[int] = (),
    ) -> Any:
        content = None if body is None else orjson.dumps(body)
        request = self._http.build_request(
            method,
            self._base + path,
            content=content,
            params=list(params),
            headers={"content-type": "application/json"},
        )
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._http.send(request, stream=True)
                try:
                    text = await _read(answer)
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise Away(reason(error)) from None
        if answer.status_code in fine:
            return None
        if not answer.is_success:
            said = text[:_TOLD].decode("utf-8", "replace")
            raise Away(f"{method} {path}: {answer.status_code} {said}".strip())
        try:
            return orjson.loads(text) if text else None
        except orjson.JSONDecodeError:
            raise Away(f"{method} {path}: its answer is no JSON") from None


async def _read(answer: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in answer.aiter_bytes():
        size += len(part)
        if size > LARGEST:
            raise Away("its answer is too long")
        parts.append(part)
    return b"".join(parts)
