"""The reports that entered the log lately, to know a repeat before the log refuses a whole batch for it."""

from collections import OrderedDict
from typing import Final

#: More than the log's own duplicate window (2 min) holds at the rates that a nation has.
MOST: Final = 200_000


class Recent:
    """Message ids, and which bytes came under each first; bounded, the oldest forgotten."""

    def __init__(self, most: int = MOST) -> None:
        """Remember at most so many."""
        self._most = most
        self._digests: OrderedDict[str, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._digests)

    def message_id(self, identity: str, digest: bytes) -> str | None:
        """The message id under which a report enters the log; `None` when the same bytes have entered it lately.

        Another report under a known identity must enter too: which copy counts is the merge's to say, and it must not
        hang on which came first. It gets an id of its own.
        """
        held = self._digests.get(identity)
        if held is None:
            return identity
        if held == digest:
            return None
        copy = f"{identity}.{digest.hex()[:16]}"
        return None if copy in self._digests else copy

    def add(self, message_id: str, digest: bytes) -> None:
        """It is in the log."""
        self._digests[message_id] = digest
        if len(self._digests) > self._most:
            self._digests.popitem(last=False)
