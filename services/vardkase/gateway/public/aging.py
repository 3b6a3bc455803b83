"""What time alone makes of a public document: the node writes it again when it is due, but a node may be away.

CONTRACT §5: after `valid_until` availability, services and crowding read `unknown`; eight hours later (twelve after
the word) not even that it is open is taken for known. Pure.
"""

from collections.abc import Mapping
from typing import Any, Final

from vardkase.domain.public import UNCONFIRMED, VALID
from vardkase_contracts.instants import parse

FOREVER: Final = 1 << 62
"""An instant that never comes (µs)."""
_STALE: Final = UNCONFIRMED - VALID
"""From `valid_until` until the point is unconfirmed, µs."""


def ages_at(document: Mapping[str, Any]) -> tuple[int, int]:
    """When a public point's live fields stop counting, and when its status does (µs); never for what is not live."""
    valid_until = document.get("valid_until")
    if valid_until is None:
        return FOREVER, FOREVER
    until = parse(valid_until)
    return until, until + _STALE


def as_read(document: Mapping[str, Any], now: int) -> dict[str, Any]:
    """A public point as it is to be read at an instant (µs)."""
    stale, unconfirmed = ages_at(document)
    aged = dict(document)
    if now >= stale:
        aged["availability"] = aged["crowding"] = "unknown"
        aged["services"] = dict.fromkeys(document.get("services") or (), "unknown")
    if now >= unconfirmed:
        aged["status"] = "unconfirmed"
    return aged
