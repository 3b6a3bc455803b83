"""How often somebody may ask: a bucket of requests for each, refilled as time goes. Bounded, and in this process alone.

Several gateways each have their own: what is bounded is the work of one, not a quota.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from vardkase.runtime.access_settings import AccessSettings

MOST: Final = 20_000
"""Most that are remembered, by some 200 bytes each; beyond them whoever asked longest ago is forgotten, and full."""


class Buckets:
    """A bucket for each key.

    Args:
        rate: requests a second, on average.
        burst: requests at once.
        most: keys that are remembered.
        clock: monotonic seconds.
    """

    def __init__(
        self, rate: float, burst: float, *, most: int = MOST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._left)

    def take(self, key: str, cost: float = 1.0) -> float:
        """Take a request out of a key's bucket; 0 when there was one, else the seconds until there is.

        Args:
            key: whose.
            cost: what the request costs; at most a whole bucket, so that it is possible at all.
        """
        now = self._clock()
        left = self._refilled(key, now)
        cost = min(cost, self._burst)
        wait = 0.0 if left >= cost else (cost - left) / self._rate
        self._left[key] = (left if wait else left - cost, now)
        self._left.move_to_end(key)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return wait

    def _refilled(self, key: str, now: float) -> float:
        left, at = self._left.get(key, (self._burst, now))
        return min(self._burst, left + (now - at) * self._rate)


def whole_seconds(wait: float) -> str:
    """Seconds to wait as `Retry-After` says them."""
    return str(max(1, math.ceil(wait)))


@lru_cache(maxsize=4096)
def one_of(address: str) -> str:
    """Whose an address is: of IPv6 the /64, since whoever has one has all of it."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)))
    return str(ip)


class Limits:
    """Who may ask how often.

    Args:
        settings: how often.
        clock: monotonic seconds.
    """

    def __init__(self, settings: AccessSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.principals = Buckets(settings.rate, settings.burst, clock=clock)
        """By the id of a token or a person."""
        self.addresses = Buckets(settings.address_rate, settings.address_burst, clock=clock)
        """By `one_of` an address."""
        self.failures = Buckets(settings.failure_rate, settings.failure_burst, clock=clock)
        """By `one_of` an address: attempts to be let in that failed."""
