"""From where a request comes: its address, behind proxies too, and whether our own page sent it (CSRF). Pure."""

import ipaddress
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from .limits import one_of

_MOST_HOPS: Final = 20
_PORTS: Final = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """From where a request comes."""

    address: str
    """Whose address: `limits.one_of`."""
    scheme: str
    """`http` or `https`, as the person's browser speaks it."""
    host: str
    """The host and port that it asked for."""

    @property
    def secure(self) -> bool:
        """Whether the browser speaks https."""
        return self.scheme == "https"


class Origins:
    """Finds out from where requests come.

    Args:
        proxies: networks of reverse proxies that are believed; of nobody else a header says anything.
    """

    def __init__(self, proxies: Sequence[str]) -> None:
        self._proxies = tuple(ipaddress.ip_network(each) for each in proxies)

    def of(self, scope: Scope, headers: Headers) -> Origin:
        """From where a request comes."""
        client = scope.get("client")
        peer = client[0] if client else ""
        scheme, host = scope.get("scheme", "http"), headers.get("host", "")
        if not self._is_proxy(peer):
            return Origin(address=one_of(peer), scheme=scheme, host=host)
        hops = [hop.strip() for hop in ",".join(headers.getlist("x-forwarded-for")).split(",") if hop.strip()]
        address = peer
        for hop in reversed(hops[-_MOST_HOPS:]):
            address = hop
            if not self._is_proxy(hop):
                break
        told = _last(headers, "x-forwarded-proto")
        return Origin(
            address=one_of(address),
            scheme=told if told in _PORTS else scheme,
            host=_last(headers, "x-forwarded-host") or host,
        )

    def is_secure(self, scope: Scope) -> bool:
        """Whether the browser speaks https."""
        if not self._proxies:
            return scope.get("scheme") == "https"
        return self.of(scope, Headers(scope=scope)).secure

    def _is_proxy(self, address: str) -> bool:
        if not self._proxies:
            return False
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        return any(ip in network for network in self._proxies)


def is_ours(origin: Origin, headers: Headers, *, must_say: bool) -> bool:
    """Whether a request that changes something was sent by a page of ours.

    A browser says so in `Sec-Fetch-Site`, or where it does not (plain http) in `Origin`, or in `Referer`; no page can
    make it say otherwise.

    Args:
        origin: of the request.
        headers: of it.
        must_say: whether one that says nothing is refused; a program says nothing, a browser always does.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    said = headers.get("origin") or headers.get("referer")
    if said is None:
        return not must_say
    try:
        parts = urlsplit(said)
        asked = urlsplit(f"{origin.scheme}://{origin.host}")
        theirs = (parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme))
        ours = (asked.scheme, asked.hostname, asked.port or _PORTS.get(asked.scheme))
    except ValueError:
        return False
    return parts.hostname is not None and theirs == ours


def _last(headers: Headers, name: str) -> str:
    """What the nearest proxy says."""
    return ",".join(headers.getlist(name)).rpartition(",")[2].strip().lower()
