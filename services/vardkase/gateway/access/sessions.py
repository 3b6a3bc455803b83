"""Sessions as values: who has logged in with a browser, by a token or an issuer's JWT. Pure.

The cookie holds 256 random bits; what is stored stands under their SHA-256. A session of a token says which token and
no more: what it opens is what the token opens now, and a token that is revoked takes its sessions with it.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import orjson

from vardkase.gateway.principal import ROLES, Principal
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import REALITIES

BUCKET: Final = "SESSIONS"
"""Where they are stored, each under the hash of its cookie."""

Kind = Literal["staff", "form"]
"""`staff`: of the board and the desk. `form`: of a point's form, which opens nothing but the form."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A session, without what the cookie holds."""

    kind: Kind
    who: str
    """The id of the token, or of the issuer's person."""
    granted: Principal | None = None
    """What the issuer's JWT gave. None: what the token opens."""
    created: int
    """Instants in µs."""
    expires: int


def new_secret() -> str:
    """What a cookie holds."""
    return secrets.token_urlsafe(32)


def key_of(cookie: str) -> str | None:
    """What a session is stored under; None when the cookie can be of none."""
    return hashlib.sha256(cookie.encode()).hexdigest() if _COOKIE.fullmatch(cookie) else None


def encode(session: Session) -> bytes:
    """A session as it is stored."""
    granted = session.granted
    held: dict[str, Any] = {
        "v": 1,
        "kind": session.kind,
        "who": session.who,
        "created": session.created,
        "expires": session.expires,
        "granted": None,
    }
    if granted is not None:
        held["granted"] = {
            "role": granted.role,
            "area": granted.area.code,
            "realities": sorted(granted.realities),
            "expires": granted.expires,
        }
    return orjson.dumps(held)


def decode(data: bytes) -> Session:
    """A session as it was stored.

    Raises:
        ValueError: it is not as `encode` writes it. Nobody is let in by what cannot be read.
    """
    try:
        return _read(orjson.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a session as it is stored") from error


def _read(held: Any) -> Session:
    if held["v"] != 1 or held["kind"] not in KINDS:
        raise ValueError("a session of another version")
    who, given = str(held["who"]), held["granted"]
    return Session(
        kind=held["kind"],
        who=who,
        granted=None if given is None else _granted(who, given),
        created=int(held["created"]),
        expires=int(held["expires"]),
    )


def _granted(who: str, given: dict[str, Any]) -> Principal:
    realities = frozenset(given["realities"])
    if given["role"] not in ROLES or not realities <= set(REALITIES):
        raise ValueError("a session of another version")
    return Principal(
        id=who,
        role=given["role"],
        area=Area.parse(given["area"]),
        realities=realities,
        expires=None if given["expires"] is None else int(given["expires"]),
    )
