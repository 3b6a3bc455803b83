"""What is merged follows the federation's file: when the keys or the policy of kommuner change, so does what counts.

Most changes concern nothing that is in the log: a new key, a policy from now on. Then the headers are read, and that is
all. What was refused and is right by the new file is admitted; what was merged and would be refused goes, and its
points are folded anew. So two nodes with the same log and the same file have the same states, whichever they had first.

The log is read behind the lane, which takes the result in small parts, between what is fresh.
"""

import asyncio
import contextlib
import logging
from array import array
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from nats.aio.client import Client

from vardkase.domain.merge import Copy, Identity, Received, identity
from vardkase.federation.signatures import MERGED, Claim, Outcome, Signing, look
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.values import Incomplete, scan
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.reports import WithdrawReport
from vardkase_contracts.vocab import Reality

from .log import decode, received_at
from .verifying import Verifier, looked, signature_of

log: Final = logging.getLogger(__name__)

_TOGETHER: Final = 50
"""Kommuner that are read for at once: each is a filter of a consumer."""
_AT_ONCE: Final = 500
"""Reports that the lane takes at once."""
_AHEAD: Final = 2
"""Such parts that wait for the lane."""
_AGAIN: Final = 5.0
"""Seconds until a log that could not be read is read again."""


class Gone(NamedTuple):
    """A report that was merged, and would be refused now."""

    key: Identity
    copy: Copy
    point: str
    is_withdraw: bool


Some = Sequence[Gone] | Sequence[Received]
"""What the lane is to do at once: take reports away, or merge them."""


class Change(NamedTuple):
    """How the signatures of kommuner were judged, and are from now on."""

    before: Mapping[str, Sequence[Signing]]
    """By kommun: all the ways in which something that is merged was judged."""
    after: Mapping[str, Signing]

    @classmethod
    def between(cls, before: Mapping[str, Sequence[Signing]], after: Mapping[str, Signing]) -> "Change":
        """What differs, of the kommuner of `after`."""
        differ = {kommun for kommun, of in after.items() if set(before[kommun]) != {of}}
        return cls({each: before[each] for each in differ}, {each: after[each] for each in differ})

    @property
    def kommuner(self) -> frozenset[str]:
        """Those of which it changed."""
        return frozenset(self.after)

    def concerns(self, delivery: Delivery) -> bool:
        """Whether another verdict on a message is possible. Needs its headers alone."""
        kommun = delivery.subject.split(".")[5]
        received, signature = received_at(delivery), signature_of(delivery)
        now = _basis(self.after[kommun], signature, received)
        return any(_basis(each, signature, received) != now for each in self.before[kommun])


class Rejudging:
    """Judges the signatures of one reality's log by a change.

    Args:
        reality: whose.
        nc: a connection.
        verifier: verifies.
        change: how they were judged, and are from now on.
        upto: the last sequence of the log that was judged as before.
    """

    def __init__(self, reality: Reality, nc: Client, verifier: Verifier, change: Change, upto: int) -> None:
        self._reality: Reality = reality
        self._nc = nc
        self._verifier = verifier
        self.change = change
        self._upto = upto
        self._found: asyncio.Queue[Some] = asyncio.Queue(_AHEAD)
        self._task: asyncio.Task[None] | None = None
        self.held: frozenset[str] = frozenset()
        """Kommuner of which only a part is done: nothing of them is to be judged."""

    def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._run(), name=f"judging signatures anew {self._reality}")

    @property
    def is_done(self) -> bool:
        """Whether all of it was taken.

        Raises:
            Exception: what it ended by: a fault of ours.
        """
        if self._task is None or not self._task.done():
            return False
        self._task.result()
        return self._found.empty()

    def take(self) -> Some | None:
        """What is to be done now; None: nothing yet."""
        with contextlib.suppress(asyncio.QueueEmpty):
            return self._found.get_nowait()
        return None

    async def stop(self) -> None:
        """Leave it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        while True:
            try:
                await self._judge()
            except (Incomplete, NoAnswer, ApiError) as error:
                log.warning("signatures cannot be judged anew: %s; trying again", error, extra=self._told)
            else:
                return
            await asyncio.sleep(_AGAIN)  # all of it from the beginning: what was done already changes nothing

    @property
    def _told(self) -> dict[str, object]:
        return {"reality": self._reality}

    async def _judge(self) -> None:
        kommuner = sorted(self.change.kommuner)
        for start in range(0, len(kommuner), _TOGETHER):
            some = kommuner[start : start + _TOGETHER]
            patterns = [subjects.accepted_filter(self._reality, Area("kommun", code)) for code in some]
            concerned = array("Q")
            async for each in self._scan(patterns, headers_only=True):
                if self.change.concerns(each):
                    concerned.append(each.sequence)
            if concerned:
                log.info("%d reports are judged anew", len(concerned), extra=self._told)
                self.held |= frozenset(some)
                await self._judge_these(patterns, concerned)
        self.held = frozenset()

    async def _judge_these(self, patterns: Sequence[str], concerned: "array[int]") -> None:
        """First what goes, then what comes: of an identity that lost its copy another may count."""
        wanted = frozenset(concerned)
        any_gone = False
        async for counts, some in self._judged(patterns, lambda each: each.sequence in wanted, concerned[0]):
            gone = [_gone(item) for item, does in zip(some, counts, strict=True) if not does]
            if gone:
                any_gone = True
                await self._found.put(gone)
        first = 1 if any_gone else concerned[0]
        async for counts, some in self._judged(patterns, lambda each: any_gone or each.sequence in wanted, first):
            if comes := [item for item, does in zip(some, counts, strict=True) if does]:
                await self._found.put(comes)

    async def _judged(
        self, patterns: Sequence[str], wanted: Callable[[Delivery], bool], first: int
    ) -> AsyncIterator[tuple[list[bool], list[Received]]]:
        """The reports of the log that are wanted, many at a time, and whether each counts."""
        some: list[tuple[Delivery, Received]] = []
        async for each in self._scan(patterns, start=first):
            if wanted(each) and isinstance(item := decode(each), Received):
                some.append((each, item))
            if len(some) == _AT_ONCE:
                yield await self._counts(some), [item for _, item in some]
                some = []
        if some:
            yield await self._counts(some), [item for _, item in some]

    async def _counts(self, some: Iterable[tuple[Delivery, Received]]) -> list[bool]:
        after = self.change.after
        found: list[Outcome | Claim | None]
        found = [looked(after[item.report.kommun], each, item.received) for each, item in some]
        return [each is None or each in MERGED for each in await self._verifier.outcomes(self._reality, found)]

    def _scan(self, patterns: Sequence[str], *, start: int = 1, headers_only: bool = False) -> AsyncIterator[Delivery]:
        return scan(self._nc, streams.REPORTS, patterns, start=start, end=self._upto, headers_only=headers_only)


def _basis(of: Signing, signature: str | None, received: int) -> object:
    """What a verdict hangs on beside the bytes: equal for two that cannot differ."""
    found = look(of, signature=signature, received=received, subject="", data=b"")
    if isinstance(found, Claim):
        return tuple(found.keys)
    return found is None or found in MERGED


def _gone(item: Received) -> Gone:
    report = item.report
    return Gone(identity(report), Copy(item.digest, item.received), report.subject, isinstance(report, WithdrawReport))
