"""An issuer's public keys, fetched when they are needed and kept: bounded in size, in time, and in how often.

While the issuer does not answer the keys that are known hold, for a day; without any, nobody's JWT can be judged, which
is told apart from one that is wrong.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson

from vardkase.runtime.access_settings import OidcSettings
from vardkase.runtime.health import Check

log: Final = logging.getLogger(__name__)

LONGEST: Final = 256 << 10
"""Most bytes of an answer of the issuer."""
MOST_KEYS: Final = 50
"""Most keys of an issuer."""
_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_KTY: Final = {"RSA", "EC", "OKP"}
"""Public keys; never `oct`, which is a secret shared with whoever verifies."""
_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}


class KeysAway(Exception):  # noqa: N818 -- what happened
    """The issuer does not answer, or not as it should, and no key of it is known."""


class Keys:
    """The keys of one issuer.

    Args:
        settings: where they are, and how long they hold.
        changed: called when they are others than before.
        clock: monotonic seconds.
        transport: how to ask; the network unless given.
    """

    def __init__(
        self,
        settings: OidcSettings,
        *,
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._changed = changed
        self._clock = clock
        self._client = httpx.AsyncClient(
            timeout=settings.timeout,
            follow_redirects=False,
            transport=transport,
            headers={"accept": "application/json"},
            limits=httpx.Limits(max_connections=2),
        )
        self._keys: Mapping[str, dict[str, Any]] = {}
        self._fetched: float | None = None
        self._asked: float | None = None
        self._trouble = ""
        self._asking: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking
        await self._client.aclose()

    def check(self) -> Check:
        """Whether the issuer's keys are known. A node is ready without: whoever has a token is let in."""
        detail = self._trouble or (f"{len(self._keys)} keys" if self._fetched is not None else "not asked yet")
        return Check(name="issuer", ok=not self._trouble, detail=detail, needed=False)

    async def of(self, kid: str) -> dict[str, Any] | None:
        """The key of an id; None when the issuer has none.

        Raises:
            KeysAway: that cannot be found out.
        """
        if self._too_old():
            await self._fetch()
        elif self._age() > self._settings.refresh:
            self._begin()  # meanwhile those that are known hold
        if kid not in self._keys and self._may_ask():
            await self._fetch()  # it may be a new one
        if self._fetched is None or self._too_old():
            raise KeysAway(self._trouble or "the issuer's keys are not known")
        return self._keys.get(kid)

    def _age(self) -> float:
        return float("inf") if self._fetched is None else self._clock() - self._fetched

    def _too_old(self) -> bool:
        return self._age() > self._settings.stale

    def _may_ask(self) -> bool:
        return self._asked is None or self._clock() - self._asked >= self._settings.retry

    def _begin(self) -> asyncio.Task[None] | None:
        """Ask, once for all who wait; None: it was asked a moment ago."""
        if self._asking is None or self._asking.done():
            if not self._may_ask():
                return None
            self._asked = self._clock()
            self._asking = asyncio.create_task(self._ask(), name="issuer's keys")
        return self._asking

    async def _fetch(self) -> None:
        asking = self._begin()
        if asking is not None:
            await asyncio.shield(asking)

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(2 * self._settings.timeout):
                keys = read_keys(await self._get(self._settings.jwks_url or await self._discovered()))
        except (httpx.HTTPError, ValueError, TimeoutError) as error:
            self._trouble = f"the issuer's keys cannot be read: {error or type(error).__name__}"
            log.warning("%s", self._trouble)
            return
        self._trouble, self._fetched = "", self._clock()
        if keys != self._keys:
            self._keys = keys
            self._changed()

    async def _discovered(self) -> str:
        issuer = self._settings.issuer or ""
        said = await self._get(issuer.rstrip("/") + _WELL_KNOWN)
        if said.get("issuer") != issuer:
            raise ValueError("the configuration is another issuer's")
        url = said.get("jwks_uri")
        parts = urlsplit(url if isinstance(url, str) else "")
        plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not isinstance(url, str) or not parts.hostname or not (parts.scheme == "https" or plain):
            raise ValueError("the configuration names no https:// place of keys")
        return url

    async def _get(self, url: str) -> dict[str, Any]:
        """A JSON object.

        Raises:
            httpx.HTTPError: no answer, or not 200.
            ValueError: it is too long, or no JSON object.
        """
        body = bytearray()
        async with self._client.stream("GET", url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise ValueError(f"it answers {answer.status_code}")
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > LONGEST:
                    raise ValueError(f"its answer is longer than {LONGEST} bytes")
        found = orjson.loads(bytes(body))
        if not isinstance(found, dict):
            raise ValueError("its answer is no JSON object")  # noqa: TRY004 -- of what was read, not of a caller
        return found


def read_keys(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The keys of a JWKS that verify, by their ids; others are left out.

    Raises:
        ValueError: it is none, or has no such key, or too many.
    """
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ValueError(f"it is no list of at most {MOST_KEYS} keys")
    found: dict[str, dict[str, Any]] = {}
    for key in listed:
        if not isinstance(key, dict) or key.get("kty") not in _KTY or key.get("use", "sig") != "sig":
            continue
        kid, operations = key.get("kid"), key.get("key_ops", ["verify"])
        if isinstance(kid, str) and isinstance(operations, list) and "verify" in operations:
            found.setdefault(kid, key)
    if not found:
        raise ValueError("it has no key that verifies")
    return found
