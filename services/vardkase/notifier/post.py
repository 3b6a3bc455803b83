"""One attempt to deliver to a webhook, and what came of it."""

import asyncio
import time
from typing import Final, Literal, NamedTuple

import httpx

from . import signing
from .alertmanager_api import client, reason
from .hooks import Secreted

Outcome = Literal["taken", "refused", "away"]
"""`refused`: it will not take this one, however often it is tried; `away`: later perhaps."""

_NEVER: Final = frozenset({400, 410, 413, 414, 415, 422})
"""What it answers to what it will never take. A redirect is none of the places that were set: neither."""
_LONGEST_WAIT: Final = 600.0
_READ: Final = 200
"""Bytes of its answer that are read, for the reason."""


class Answer(NamedTuple):
    """What came of an attempt."""

    outcome: Outcome
    #: Why, in a line without secrets.
    reason: str
    #: Seconds that it asks to be left alone for.
    wait: float = 0.0


class Poster:
    """Delivers to one webhook.

    Args:
        to: which.
        timeout: seconds that one attempt may take in all.
        at_once: the most connections.
    """

    def __init__(self, to: Secreted, *, timeout: float, at_once: int) -> None:
        self._url = to.hook.url.get_secret_value()
        self._secret = to.secret
        self._timeout = timeout
        self._http = client(timeout=timeout, connections=at_once)

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def post(self, id: str, body: bytes) -> Answer:  # noqa: A002 -- the convention's word
        """One attempt, signed now."""
        headers = signing.headers(id=id, timestamp=int(time.time()), body=body, secret=self._secret)
        headers["content-type"] = "application/json"
        try:
            async with asyncio.timeout(self._timeout):
                request = self._http.build_request("POST", self._url, content=body, headers=headers)
                answer = await self._http.send(request, stream=True)
                try:
                    return await _outcome(answer)
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            return Answer("away", reason(error))


async def _outcome(answer: httpx.Response) -> Answer:
    status = answer.status_code
    if answer.is_success:
        await _beginning(answer, 1 << 16)  # to its end, if that is near: the connection can be used again
        return Answer("taken", "")
    said = (await _beginning(answer, _READ)).decode("utf-8", "replace")
    told = f"{status} {' '.join(said.split())}".strip()
    if answer.is_redirect or 300 <= status < 400:
        return Answer("refused", f"{status}: a redirect is not followed")
    if status in _NEVER:
        return Answer("refused", told)
    return Answer("away", told, _wait(answer.headers.get("retry-after", "")))


async def _beginning(answer: httpx.Response, most: int) -> bytes:
    read = b""
    async for part in answer.aiter_bytes():
        read += part
        if len(read) >= most:
            break
    return read[:most]


def _wait(text: str) -> float:
    return min(_LONGEST_WAIT, float(text)) if text.isdecimal() and len(text) < 10 else 0.0
