"""What the claims of an issuer's JWT open: a role, an area, realities. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vardkase.gateway.principal import ROLES, GatewayRole
from vardkase.runtime.errors import Refused
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import REALITIES, Reality

from . import tokens

ROLE: Final = "vardkase_role"
AREA: Final = "vardkase_area"
WORLDS: Final = "vardkase_realities"
_MOST: Final = 500
"""Most values of a claim that are looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A role in an area."""

    role: GatewayRole
    area: Area
    realities: frozenset[Reality]


def parse_grants(given: Sequence[str]) -> dict[str, Grant]:
    """What is set, by the claim's value, in order.

    Raises:
        Refused: it cannot be, in one line that names the variable.
    """
    found: dict[str, Grant] = {}
    for each in given:
        value, _, what = each.rpartition("=")
        role, _, where = what.partition(":")
        area, _, worlds = where.partition(":")
        try:
            grant = _grant(role, area, worlds.split("+") if worlds else None)
            _something(value)
        except ValueError as error:
            raise Refused(
                f"VARDKASE_OIDC_GRANTS: expected <value of the claim>=<role>:<area>[:act+exe+tst], such as "
                f"tib-ac=lan:24; {each!r}: {error}"
            ) from None
        found.setdefault(value, grant)
    return found


def granted(claims: Mapping[str, Any], claim: str, grants: Mapping[str, Grant]) -> Grant | None:
    """What a JWT's claims open; None: nothing.

    Args:
        claims: of a JWT that was verified.
        claim: the claim whose values `grants` names.
        grants: see `parse_grants`; empty: the claims say it themselves.
    """
    if grants:
        values = set(_texts(claims.get(claim))) - {""}
        return next((grant for value, grant in grants.items() if value in values), None)
    role, area, worlds = claims.get(ROLE), claims.get(AREA), claims.get(WORLDS)
    if not isinstance(role, str) or not isinstance(area, str):
        return None
    try:
        return _grant(role, area, None if worlds is None else _texts(worlds))
    except ValueError:
        return None


def _grant(role: str, area: str, worlds: Sequence[str] | None) -> Grant:
    known: GatewayRole | None = next((each for each in ROLES if each == role), None)
    if known is None:
        raise ValueError(f"there is no role {role!r}")
    realities: frozenset[Reality] = frozenset(each for each in REALITIES if worlds is None or each in worlds)
    if worlds is not None and (not worlds or len(realities) != len(set(worlds))):
        raise ValueError("the realities are act, exe and tst")
    where = Area.parse(area)
    tokens.check(role=known, area=where, realities=realities, point=None, label="", expires=None, now=0)
    return Grant(role=known, area=where, realities=realities)


def _something(value: str) -> None:
    if not value:
        raise ValueError("the value is missing")


def _texts(value: Any) -> list[str]:
    """The texts of a claim that is a text, or a list of nothing but texts; of another, none."""
    listed = value[:_MOST] if isinstance(value, list) else [value]
    return listed if all(isinstance(each, str) for each in listed) else []
