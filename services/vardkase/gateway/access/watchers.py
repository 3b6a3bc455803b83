"""Those who have something open, a stream above all, that must be cut once they are let in no more. Pure."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from vardkase.gateway.principal import Principal

log: Final = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Watcher:
    principal: Principal
    ended: Callable[[], None]
    told: bool = field(default=False)


class Watchers:
    """Told, once each, when their principal is let in no more.

    Args:
        still: whether somebody would be let in still.
    """

    def __init__(self, still: Callable[[Principal], bool]) -> None:
        self._still = still
        self._of: dict[str, set[_Watcher]] = {}

    def __len__(self) -> int:
        """How many watch."""
        return sum(len(each) for each in self._of.values())

    def add(self, principal: Principal, ended: Callable[[], None]) -> Callable[[], None]:
        """Watch for somebody; what is returned ends it. Who is let in no more already is told at once."""
        watcher = _Watcher(principal, ended)
        self._of.setdefault(principal.id, set()).add(watcher)
        self._see(watcher)
        return lambda: self._remove(watcher)

    def look(self, identity: str) -> None:
        """Something of a token, a person or one of their sessions has changed."""
        for watcher in list(self._of.get(identity, ())):
            self._see(watcher)

    def look_at_all(self) -> None:
        """Time has gone on."""
        for identity in list(self._of):
            self.look(identity)

    def _see(self, watcher: _Watcher) -> None:
        if watcher.told or self._still(watcher.principal):
            return
        watcher.told = True
        self._remove(watcher)
        try:
            watcher.ended()
        except Exception:
            log.exception("what was open could not be cut")

    def _remove(self, watcher: _Watcher) -> None:
        of = self._of.get(watcher.principal.id)
        if of is not None:
            of.discard(watcher)
            if not of:
                del self._of[watcher.principal.id]
