"""The settings of access over HTTP: who is let in, for how long, how often, and whose word is taken for it."""

import ipaddress
import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_settings import NoDecode

from vardkase.runtime.setting_types import Count, Seconds, SecondsOrNone

DAY: Final = 86_400.0

_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}
_CLAIM: Final = re.compile(r"[A-Za-z0-9_:./-]{1,100}")


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError("expected IP addresses or networks with commas between, such as 10.0.0.0/8") from None


def _secure(value: str) -> str:
    """A key that came over a line which anyone can change is no key. Loopback is this computer's own."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or port == 0 or parts.username is not None or not (parts.scheme == "https" or plain):
        raise ValueError("expected a URL that starts with https://, without a password (http:// on loopback alone)")
    return value


def _claim(value: str) -> str:
    if not _CLAIM.fullmatch(value):
        raise ValueError("expected the name of a claim, such as groups")
    return value


Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_listed)]
"""IP networks; in the environment with commas between."""
SecureUrl = Annotated[str, AfterValidator(_secure)]
"""An https URL; http on loopback."""
Claim = Annotated[str, AfterValidator(_claim)]
"""The name of a JWT's claim."""
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""A way to sign with a key that is not known to whoever verifies: never a shared one, never none."""
Algorithms = Annotated[tuple[Algorithm, ...], NoDecode, BeforeValidator(_listed)]
"""Such ways; in the environment with commas between."""
Grants = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""`<value of the claim>=<role>:<area>[:<reality>+<reality>…]`, with commas between. What they say is checked where
areas are known: at the gateway's start."""


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


class AccessSettings(_Group):
    """Tokens, sessions, limits and the audit of the gateway."""

    session: Seconds = 0.5 * DAY
    """How long somebody who has logged in stays so."""
    form_session: Seconds = 14 * DAY
    """How long a phone that opened a point's link can report without opening it again, counted anew while it is used;
    at most 30 days."""
    sessions: Count = 100
    """Most sessions of one token, or one person of an issuer; one more ends the oldest."""
    trust: Seconds = 3600.0
    """How long what was known of tokens holds while NATS is away. Then nobody is let in: a token may have been revoked
    at another gateway meanwhile."""
    rate: Count = 50
    """Requests a second of one token or person, on average."""
    burst: Count = 200
    """Requests of one token or person at once."""
    address_rate: Count = 200
    """Requests a second from one address (an IPv6 /64), on average: offices and phone networks stand behind one."""
    address_burst: Count = 1000
    """Requests at once from one address."""
    failure_rate: Count = 1
    """Failed attempts to be let in a second from one address, on average. Beyond them, no attempt is looked at."""
    failure_burst: Count = 30
    """Failed attempts at once from one address."""
    proxies: Networks = ()
    """Reverse proxies that are believed about who asks, and how (X-Forwarded-For, -Proto, -Host)."""
    audit_timeout: Seconds = 5.0
    """How long an act may wait for its place in the audit. Then it is answered with 503."""
    audit_linger: SecondsOrNone = 0.2
    """How long what was read waits to be written with more of it."""
    audit_window: Seconds = 60.0
    """The same read, or the same refusal, is told of once in so long."""
    audit_backlog: Count = 10_000
    """Most events of reads and refusals that wait while the audit cannot be written. More are counted, and left out."""


class OidcSettings(_Group):
    """An issuer of OpenID Connect whose JWTs are taken for tokens. Without `issuer` none are."""

    issuer: SecureUrl | None = None
    """The issuer, as its tokens say it (`iss`)."""
    audience: str | None = None
    """Who its tokens are for (`aud`): this node, by the name that the issuer knows it by."""
    jwks_url: SecureUrl | None = None
    """Where its keys are. None: what `<issuer>/.well-known/openid-configuration` says."""
    algorithms: Algorithms = ("RS256", "PS256", "ES256", "EdDSA")
    """How it may sign."""
    claim: Claim = "groups"
    """The claim with what `grants` names: a text, or a list of them."""
    grants: Grants = ()
    """Whoever has one of these values has that role in that area, in all realities unless some are named; the first
    that fits holds. Empty: the claims `vardkase_role`, `vardkase_area` and `vardkase_realities` say it themselves."""
    leeway: SecondsOrNone = 30.0
    """How far the issuer's clock may be from this one's."""
    longest: Seconds = DAY
    """The longest that a JWT may hold from when it was issued. An issuer's longer ones are refused."""
    refresh: Seconds = 600.0
    """How old its keys may be before they are asked for again."""
    stale: Seconds = DAY
    """How old they may be at the most, while it does not answer."""
    retry: Seconds = 15.0
    """How long to wait before keys are asked for again: when it did not answer, or when a key was not among them."""
    timeout: Seconds = 5.0
    """How long its answer may take."""
