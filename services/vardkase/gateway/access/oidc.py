"""An issuer's JWTs (OpenID Connect) taken for tokens: verified by its keys, and mapped to a role and an area.

PyJWT verifies; what is left to us is to let it verify the right thing. The ways to sign are set here and never taken
from the JWT alone; the key must be of the kind that the way needs; issuer, audience, subject and both times must stand.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import jwt

from vardkase.gateway.principal import Principal
from vardkase.runtime.access_settings import OidcSettings
from vardkase.runtime.errors import Refused
from vardkase.runtime.health import Check
from vardkase_contracts.instants import SECOND

from .grants import granted, parse_grants
from .keys import Keys

log: Final = logging.getLogger(__name__)

LONGEST: Final = 8192
"""Most characters of a JWT."""
_KNOWN: Final = 5_000
"""Most JWTs that are known to be right."""
_SHORTEST_RSA: Final = 2048
_KINDS: Final[Mapping[str, tuple[str, str | None]]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
} | dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None))
"""The kind of key, and its curve, that a way to sign needs."""


class Wrong(Exception):  # noqa: N818 -- what it is
    """A JWT that opens nothing, and why: for the log at its lowest level, and for tests. Holds nothing of it."""


class Issuer:
    """One issuer.

    Args:
        settings: of it.
        now: the time (µs).
        transport: how its keys are asked for; the network unless given.

    Raises:
        Refused: what is set cannot be.
    """

    def __init__(
        self, settings: OidcSettings, *, now: Callable[[], int], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        if settings.issuer is None or not settings.audience:
            raise Refused("VARDKASE_OIDC_AUDIENCE: expected who the issuer's tokens are for, as they say it (aud)")
        if not settings.algorithms:
            raise Refused("VARDKASE_OIDC_ALGORITHMS: expected at least one, such as RS256")
        self._settings = settings
        self._grants = parse_grants(settings.grants)
        self._now = now
        self._right: OrderedDict[bytes, Principal] = OrderedDict()
        self._keys = Keys(settings, changed=self._right.clear, transport=transport)

    async def stop(self) -> None:
        """Ask the issuer no more."""
        await self._keys.stop()

    def check(self) -> Check:
        """Whether its keys are known."""
        return self._keys.check()

    async def principal(self, text: str) -> Principal | None:
        """Who shows a JWT; None when it opens nothing.

        Raises:
            KeysAway: that cannot be found out now.
        """
        if len(text) > LONGEST or not text.isascii():
            return None
        digest = hashlib.sha256(text.encode()).digest()
        known = self._right.get(digest)
        if known is not None:
            if (known.expires or 0) <= self._now():
                del self._right[digest]
                return None
            return known
        try:
            principal = await self.judge(text)
        except Wrong as wrong:
            log.debug("a JWT opens nothing: %s", wrong)
            return None
        self._right[digest] = principal
        if len(self._right) > _KNOWN:
            self._right.popitem(last=False)
        return principal

    async def judge(self, text: str) -> Principal:
        """Who shows a JWT.

        Raises:
            Wrong: it opens nothing.
            KeysAway: that cannot be found out now.
        """
        try:
            header = jwt.get_unverified_header(text)
        except jwt.PyJWTError as error:
            raise Wrong(f"it is no JWT ({type(error).__name__})") from None
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in self._settings.algorithms:
            raise Wrong("it is signed in a way that is not allowed")
        if not isinstance(kid, str):
            raise Wrong("it names no key")
        key = await self._keys.of(kid)
        if key is None:
            raise Wrong("the issuer has no such key")
        return self._principal(self._verified(text, algorithm, key))

    def _verified(self, text: str, algorithm: str, key: Mapping[str, Any]) -> dict[str, Any]:
        kind, curve = _KINDS[algorithm]
        if key.get("kty") != kind or key.get("crv") != curve or key.get("alg", algorithm) != algorithm:
            raise Wrong("the key is not for that way to sign")
        try:
            public = jwt.PyJWK.from_dict(dict(key), algorithm=algorithm)
            if kind == "RSA" and public.key.key_size < _SHORTEST_RSA:
                raise Wrong("the key is too short")
            return jwt.decode(
                text,
                key=public,
                algorithms=[algorithm],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=self._settings.leeway,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise Wrong(f"it does not hold ({type(error).__name__})") from None

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        issued, expires = claims["iat"], claims["exp"]
        if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in (issued, expires)):
            raise Wrong("its times are no numbers")
        if expires - issued > self._settings.longest:
            raise Wrong("it holds for too long")
        grant = granted(claims, self._settings.claim, self._grants)
        if grant is None:
            raise Wrong("what it claims opens nothing here")
        return Principal(
            id=person_id(str(claims["iss"]), str(claims["sub"])),
            role=grant.role,
            area=grant.area,
            realities=grant.realities,
            expires=round((expires + self._settings.leeway) * SECOND),
        )


def person_id(issuer: str, subject: str) -> str:
    """What somebody of an issuer is called here: in the audit, and to shut them out.

    The same for the same person, and no name, which an issuer's subject may be: of SHA-256 of the issuer, a line break
    and the subject, the first 24 digits.
    """
    named = f"{issuer}\n{subject}"
    return f"oidc-{hashlib.sha256(named.encode()).hexdigest()[:24]}"
