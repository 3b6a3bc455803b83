"""Tokens as values: what one opens, how its secret looks, and how it is stored. Pure.

A token is `vk_<id>_<secret>`: the id is for people and the audit; the secret is 256 random bits, and only its SHA-256
is stored. No slow hash: that is for what people choose, and nobody can guess these.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import orjson

from vardkase.gateway.principal import ROLES, GatewayRole, Principal, within
from vardkase_contracts import ids, instants
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import REALITIES, Reality

BUCKET: Final = "TOKENS"
"""Where they are stored, each under its id."""
PREFIX: Final = "vk"
"""What a token begins with: so that it is known for one where it should not be."""
ID: Final = re.compile(r"[a-z0-9]{12}")
"""A token's id."""
SUBJECT_ID: Final = re.compile(r"oidc-[0-9a-f]{24}")
"""The id of a person of an issuer: see `oidc`."""
_TOKEN: Final = re.compile(rf"{PREFIX}_([a-z0-9]{{12}})_([A-Za-z0-9_-]{{43}})")
_ID_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
LABEL: Final = 80
"""Longest label."""
_LEVELS: Final = {
    "reporter": ("kommun",),
    "kommun": ("kommun",),
    "lan": ("lan", "civo"),
    "nation": ("nation",),
}
"""Which areas a role is for; the others are for any."""

Status = Literal["live", "expired", "revoked"]
"""Whether a token opens anything."""


class TokenError(ValueError):
    """No such token can be made: one line that says why, and what is wrong (`field`)."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A token, without its secret."""

    id: str
    role: GatewayRole
    area: Area
    realities: frozenset[Reality]
    point: str | None = None
    """The one point that it is bound to."""
    label: str = ""
    """What it is for: never a person's name."""
    created: int
    """Instants in µs."""
    created_by: str
    """The id of who made it: a token's, or `node` for whoever has the node's own NATS."""
    expires: int | None = None
    """From when on it opens nothing; None: never."""
    revoked: int | None = None
    """When it was revoked; None: it was not."""
    revoked_by: str | None = None
    hash: bytes
    """SHA-256 of its secret. Empty: no secret opens it (a person of an issuer who was shut out)."""

    def status(self, now: int) -> Status:
        """Whether it opens anything at an instant."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "live"

    def principal(self, session: str | None = None) -> Principal:
        """Who shows it."""
        return Principal(
            id=self.id,
            role=self.role,
            area=self.area,
            realities=self.realities,
            point=self.point,
            expires=self.expires,
            session=session,
        )

    def ended(self, now: int, by: str) -> "Token":
        """The same, revoked; as it is, when it was revoked before."""
        return self if self.revoked is not None else replace(self, revoked=now, revoked_by=by)

    def told(self, now: int) -> dict[str, Any]:
        """As it is told to whoever manages tokens: nothing of its secret, nor of the hash."""
        return {
            "id": self.id,
            "status": self.status(now),
            "role": self.role,
            "area": self.area.code,
            "realities": _in_order(self.realities),
            "point": self.point,
            "label": self.label,
            "created": instants.iso(self.created),
            "created_by": self.created_by,
            "expires": None if self.expires is None else instants.iso(self.expires),
            "revoked": None if self.revoked is None else instants.iso(self.revoked),
            "revoked_by": self.revoked_by,
        }


def new_token(
    *,
    role: GatewayRole,
    area: Area,
    realities: Iterable[Reality] = REALITIES,
    point: str | None = None,
    label: str = "",
    expires: int | None = None,
    now: int,
    by: str,
) -> tuple[Token, str]:
    """A new token and the text that shows it, which is nowhere else.

    Raises:
        TokenError: it cannot be, such as one for a point of another kommun.
    """
    check(role=role, area=area, realities=realities, point=point, label=label, expires=expires, now=now)
    identity = "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
    secret = secrets.token_urlsafe(32)
    token = Token(
        id=identity,
        role=role,
        area=area,
        realities=frozenset(realities),
        point=point,
        label=label,
        created=now,
        created_by=by,
        expires=expires,
        hash=digest(secret),
    )
    return token, f"{PREFIX}_{identity}_{secret}"


def check(
    *,
    role: GatewayRole,
    area: Area,
    realities: Iterable[Reality],
    point: str | None,
    label: str,
    expires: int | None,
    now: int,
) -> None:
    """See that such a token can be.

    Raises:
        TokenError: it cannot.
    """
    levels = _LEVELS.get(role)
    if levels is not None and area.level not in levels:
        raise TokenError("area", f"A token with the role {role} is for {' or '.join(levels)}, not for a {area.level}")
    if point is not None:
        if role != "reporter":
            raise TokenError("point", "Only a reporter is bound to one point")
        try:
            kommun, slug = ids.split_point_id(point)
        except ValueError as error:
            raise TokenError("point", str(error)) from None
        if kommun != area.code or slug == ids.KOMMUN_ITSELF:
            raise TokenError("point", f"The point does not lie in the kommun {area.code}")
    if not frozenset(realities):
        raise TokenError("realities", "A token opens at least one of act, exe and tst")
    if len(label) > LABEL or not label.isprintable():
        raise TokenError("label", f"A label is at most {LABEL} printable characters")
    if expires is not None and expires <= now:
        raise TokenError("expires", "A token that has expired already opens nothing")


def new_text() -> str:
    """What shows a token that nobody knows yet: see `adopted`."""
    identity = "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
    return f"{PREFIX}_{identity}_{secrets.token_urlsafe(32)}"


def adopted(text: str, *, role: GatewayRole, area: Area, now: int, by: str, label: str) -> Token:
    """The token that a text shows which was made before: for a node's own, which a store made anew does not know.

    Raises:
        TokenError: the text shows no token.
    """
    parts = split(text)
    if parts is None:
        raise TokenError("token", "It is no token")
    return Token(
        id=parts[0],
        role=role,
        area=area,
        realities=frozenset(REALITIES),
        label=label,
        created=now,
        created_by=by,
        hash=digest(parts[1]),
    )


def shut_out(subject: str, *, now: int, by: str, area: Area) -> Token:
    """What stands under the id of an issuer's person who is let in no more."""
    return Token(
        id=subject,
        role="reader",
        area=area,
        realities=frozenset(REALITIES),
        created=now,
        created_by=by,
        revoked=now,
        revoked_by=by,
        hash=b"",
    )


def split(text: str) -> tuple[str, str] | None:
    """The id and the secret of a token's text; None when it is none."""
    match = _TOKEN.fullmatch(text)
    return None if match is None else (match[1], match[2])


def digest(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def opens(token: Token, secret: str, now: int) -> bool:
    """Whether a secret shows a token, and the token opens anything now.

    It takes as long for a wrong secret as for a right one.
    """
    return hmac.compare_digest(token.hash, digest(secret)) and token.status(now) == "live"


def may_make(
    manager: Principal, *, role: GatewayRole, area: Area, realities: Iterable[Reality], point: str | None = None
) -> bool:
    """Whether somebody may make a token, and see and revoke it: nobody gives what they do not have.

    An admin makes any for the area and what lies in it; a kommun's staff the links to its points' forms.
    """
    if not within(area, manager.area) or not frozenset(realities) <= manager.realities:
        return False
    return manager.role == "admin" or (manager.role == "kommun" and role == "reporter" and point is not None)


def may_manage(token: Token, manager: Principal) -> bool:
    """Whether somebody may see and revoke a token: whoever may make such a one."""
    return may_make(manager, role=token.role, area=token.area, realities=token.realities, point=token.point)


def may_shut_out(manager: Principal) -> bool:
    """Whether somebody may shut out an issuer's person, from their own area and in all realities."""
    return manager.role == "admin" and manager.realities == frozenset(REALITIES)


def encode(token: Token) -> bytes:
    """A token as it is stored."""
    return orjson.dumps(
        {
            "v": 1,
            "id": token.id,
            "role": token.role,
            "area": token.area.code,
            "realities": _in_order(token.realities),
            "point": token.point,
            "label": token.label,
            "created": token.created,
            "created_by": token.created_by,
            "expires": token.expires,
            "revoked": token.revoked,
            "revoked_by": token.revoked_by,
            "hash": token.hash.hex(),
        }
    )


def decode(data: bytes) -> Token:
    """A token as it was stored.

    Raises:
        ValueError: it is not as `encode` writes it. Nobody is let in by what cannot be read.
    """
    try:
        return _read(orjson.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a token as it is stored") from error


def _read(held: Any) -> Token:
    role, realities = held["role"], frozenset(held["realities"])
    if held["v"] != 1 or role not in ROLES or not realities <= set(REALITIES):
        raise ValueError("a token of another version")
    return Token(
        id=str(held["id"]),
        role=role,
        area=Area.parse(held["area"]),
        realities=realities,
        point=None if held["point"] is None else str(held["point"]),
        label=str(held["label"]),
        created=int(held["created"]),
        created_by=str(held["created_by"]),
        expires=None if held["expires"] is None else int(held["expires"]),
        revoked=None if held["revoked"] is None else int(held["revoked"]),
        revoked_by=None if held["revoked_by"] is None else str(held["revoked_by"]),
        hash=bytes.fromhex(held["hash"]),
    )


def gravest(realities: Iterable[Reality]) -> Reality:
    """Of some realities the one that something is told under which is of none: `act`, if that is among them."""
    return _in_order(realities)[0]


def _in_order(realities: Iterable[Reality]) -> list[Reality]:
    return [each for each in REALITIES if each in set(realities)]
