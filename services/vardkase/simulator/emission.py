"""What comes out of a simulation: one report, on one subject, sent at one simulated instant."""

from dataclasses import dataclass
from typing import Any

import orjson

from vardkase_contracts.vocab import RefusalReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Emission:
    """A report as it is sent. Not every one is well formed: see `fault`."""

    at: int
    """When it is sent: simulated time, an instant in microseconds. What it tells of may be older (`event["time"]`)."""
    subject: str
    """The subject it is published on, `tp.v1.<reality>.report.…`."""
    event: dict[str, Any]
    """The CloudEvent. Not to be changed: a duplicate is the same object once more."""
    raw: bytes | None = None
    """The bytes that are sent instead of `event`, where the fault is in the bytes."""
    fault: RefusalReason | None = None
    """Why intake must refuse it; None for one that it must accept."""

    @property
    def payload(self) -> bytes:
        """The bytes to publish."""
        return orjson.dumps(self.event) if self.raw is None else self.raw
