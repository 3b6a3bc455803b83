"""The pictures of the last minutes, by version: what somebody has looked at can be adopted, though it has moved on.

All gateways of a node read the same stream, and so hold the same.
"""

import zlib
from collections import OrderedDict
from typing import Final, NamedTuple

import orjson

from vardkase.runtime.clock import Clock
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import MINUTE
from vardkase_contracts.vocab import Reality

from .live import Change, Live

KEPT_FOR: Final = 15 * MINUTE
"""How long a version that is no longer the current one can be adopted, µs."""
KEPT_BYTES: Final = 32 << 20
"""At most so much is held, compressed: the oldest go first."""
_VERSION: Final = b'"version":"'
_LENGTH: Final = 64


class _Kept(NamedTuple):
    at: int
    packed: bytes


class RecentPictures:
    """The versions of pictures that were published lately.

    Args:
        live: tells of each.
        clock: when they are too old.
    """

    def __init__(self, live: Live, clock: Clock) -> None:
        self._live = live
        self._clock = clock
        self._kept: OrderedDict[tuple[Reality, str, str], _Kept] = OrderedDict()
        self._size = 0
        live.listen(self._take)
        live.on_reset(self._forget)

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, area: Area, reality: Reality, version: str) -> bytes | None:
        """The bytes of a version as they were published last; None: it is not known (any more)."""
        current = self._live.worlds[reality].pictures.get(area)
        if current is not None and version_in(current.data) == version:
            return current.data
        self._let_go()
        kept = self._kept.get((reality, area.code, version))
        return None if kept is None else zlib.decompress(kept.packed)

    def current(self, area: Area, reality: Reality) -> str | None:
        """The version of an area's picture now; None: there is none."""
        held = self._live.worlds[reality].pictures.get(area)
        return None if held is None else orjson.loads(held.data)["version"]

    def _take(self, change: Change) -> None:
        if change.kind != "picture":
            return
        version = version_in(change.held.data)
        if version is None:
            return
        key = (change.reality, change.areas[0].code, version)
        before = self._kept.pop(key, None)
        if before is not None:
            self._size -= len(before.packed)
        kept = self._kept[key] = _Kept(self._clock.now(), zlib.compress(change.held.data, 1))
        self._size += len(kept.packed)
        self._let_go()

    def _let_go(self) -> None:
        before = self._clock.now() - KEPT_FOR
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            if self._size <= KEPT_BYTES and kept.at >= before:
                return
            del self._kept[key]
            self._size -= len(kept.packed)

    def _forget(self) -> None:
        self._kept.clear()
        self._size = 0


def version_in(picture: bytes) -> str | None:
    """The version of a picture, found without reading all of it: there are hundreds a second.

    Its own stands after that of what was adopted, and nothing behind it has one; in a text it would be escaped.
    """
    at = picture.rfind(_VERSION)
    found = picture[at + len(_VERSION) : at + len(_VERSION) + _LENGTH] if at >= 0 else b""
    return found.decode() if len(found) == _LENGTH and found.isalnum() else None
