"""A bounded memory of an aspect: enough to say since when, the same whatever the order of arrival."""

from collections.abc import Iterator
from typing import Any

from vardkase_contracts.instants import MINUTE

from .stamps import Entry, Stamp

#: Of each of these spans, aligned to UTC, one stamp is kept (CONTRACT §4).
BUCKET = 5 * MINUTE
#: The newest bucket and the 71 before it: six hours.
BUCKETS = 72


class Timeline:
    """Of each 5-minute bucket the greatest stamp: the newest bucket, the 71 before it, and the greatest before those.

    What it holds is a function of the set of stamps added to it: order, repetition and batching do not matter. It holds
    at most 73 entries, in ascending order.
    """

    __slots__ = ("entries",)

    def __init__(self, entries: list[Entry] | None = None) -> None:
        self.entries: list[Entry] = entries if entries is not None else []

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @property
    def newest(self) -> Entry:
        """The entry with the greatest stamp; a timeline is never empty once made."""
        return self.entries[-1]

    def add(self, stamp: Stamp, value: Any) -> bool:
        """Take in a value; say whether that changed anything."""
        entries = self.entries
        if not entries:
            entries.append((stamp, value))
            return True
        bucket = stamp.time // BUCKET
        newest = entries[-1][0].time // BUCKET
        if bucket > newest:
            entries.append((stamp, value))
            self._forget(bucket - BUCKETS)
            return True
        if bucket <= newest - BUCKETS:
            return self._add_before(stamp, value, newest - BUCKETS)
        at = len(entries)
        while at and entries[at - 1][0].time // BUCKET > bucket:
            at -= 1
        if at and entries[at - 1][0].time // BUCKET == bucket:
            if entries[at - 1][0] >= stamp:
                return False
            entries[at - 1] = (stamp, value)
        else:
            entries.insert(at, (stamp, value))
        return True

    def _add_before(self, stamp: Stamp, value: Any, last_before: int) -> bool:
        first = self.entries[0][0]
        if first.time // BUCKET > last_before:
            self.entries.insert(0, (stamp, value))
            return True
        if first >= stamp:
            return False
        self.entries[0] = (stamp, value)
        return True

    def _forget(self, last_before: int) -> None:
        """Of what lies before the window keep the greatest alone."""
        entries = self.entries
        before = 0
        while entries[before][0].time // BUCKET <= last_before:
            before += 1
        if before > 1:
            del entries[: before - 1]
