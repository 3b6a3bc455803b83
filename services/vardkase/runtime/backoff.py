"""How long to wait before something that failed is tried again."""

import random
from typing import Final

_JITTER: Final = 0.5


class Backoff:
    """Waits that double from `least` to `most` seconds, each shortened by up to half at random.

    The jitter keeps what failed together from coming back together.
    """

    def __init__(self, *, least: float, most: float) -> None:
        self._least = least
        self._most = max(least, most)
        self._failures = 0

    def next(self) -> float:
        """The next wait, in seconds."""
        wait = min(self._most, self._least * 2 ** min(self._failures, 30))
        self._failures += 1
        return wait * (1 - _JITTER * random.random())  # noqa: S311 -- jitter is no secret

    def reset(self) -> None:
        """It went well: start over with the shortest."""
        self._failures = 0
