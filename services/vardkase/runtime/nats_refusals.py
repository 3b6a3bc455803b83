"""What the node's own NATS server has refused, counted from its log: it tells it nowhere else.

Who publishes or listens where he may not learns it from the server, and so does its log; a count makes it an alert.
"""

import asyncio
import logging
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vardkase.runtime.exposition import family
from vardkase.runtime.health import Check
from vardkase.runtime.nats_config import LOG_BYTES

log: Final = logging.getLogger(__name__)

_EVERY: Final = 5.0
"""Seconds between two looks."""
WHATS: Final = ("publish", "subscribe", "login", "tls")
_WORDS: Final = {
    b"Publish Violation": "publish",
    b"Subscription Violation": "subscribe",
    b"authentication error": "login",
    b"TLS handshake error": "tls",
    b"TLS leafnode handshake error": "tls",
}
_REFUSED: Final = re.compile(b"|".join(map(re.escape, _WORDS)))


class Refusals:
    """Counts what the server's log says that it has refused since this was made. Work of the supervisor (`Standing`).

    Args:
        path: of the log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = 0
        self._read = 0
        self._counts: Counter[str] = Counter()
        self.look()  # what was refused before counts no more
        self._counts.clear()

    @property
    def counts(self) -> dict[str, int]:
        """How often each kind was refused."""
        return {what: self._counts[what] for what in WHATS}

    def look(self) -> None:
        """Read what the server has logged since the last look: the end of it, when that is more than a whole log."""
        try:
            with self._path.open("rb") as file:
                told = os.fstat(file.fileno())
                # The server begins another file when one is full.
                if told.st_ino != self._file or told.st_size < self._read:
                    self._file, self._read = told.st_ino, 0
                file.seek(max(self._read, told.st_size - LOG_BYTES))
                data = file.read(LOG_BYTES)
                whole = data.rfind(b"\n") + 1
                self._read = file.tell() - (len(data) - whole)
        except OSError as error:
            log.debug("the server's log cannot be read: %s", error)
            return
        self._counts.update(_WORDS[found] for found in _REFUSED.findall(data[:whole]))

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(_EVERY)

    def checks(self) -> Sequence[Check]:
        """That something was refused makes a node not unready."""
        return ()

    def exposition(self) -> str:
        """The counts as Prometheus' text."""
        samples = [({"what": what}, float(count)) for what, count in self.counts.items()]
        text = "Times that the node's NATS server refused somebody to publish, to listen, or to enter"
        return family("vardkase_nats_refused_total", "counter", text, samples)
