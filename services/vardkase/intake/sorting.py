"""A batch as it came, sorted: what enters the log and under which id, what is refused, what is a repeat."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.metrics import Metrics
from vardkase_contracts import signing, streams, subjects
from vardkase_contracts.instants import iso
from vardkase_contracts.refusals import Refusal, rejected
from vardkase_contracts.reports import extras
from vardkase_contracts.vocab import Reality, ReportKind

from .carried import fingerprint, signature_of
from .check import Accepted, check
from .memory import ORIGIN, RECEIVED, Memory

_ENVELOPE: Final = 4096
"""Room for what tells of a refused message beside its bytes, in bytes."""


@dataclass(slots=True)
class Sorted:
    """A batch on its way. Nothing of it is stored yet, but what enters is known to the memory already."""

    last: Delivery
    """What is acknowledged when all is stored."""
    accepted: list[Outgoing] = field(default_factory=list[Outgoing])
    kinds: list[ReportKind] = field(default_factory=list[ReportKind])
    """Of each of `accepted`."""
    refused: list[Outgoing] = field(default_factory=list[Outgoing])
    repeats: Counter[ReportKind] = field(default_factory=Counter[ReportKind])


class Sorter:
    """Sorts the messages of one reality.

    Args:
        reality: whose.
        node: the node's name.
        memory: what entered the log lately.
        longest: tells the longest message that the server takes now, in bytes.
        metrics: counts what is refused, ignored, or comes under an id that another has.
    """

    def __init__(
        self, reality: Reality, node: str, memory: Memory, longest: Callable[[], int], metrics: Metrics
    ) -> None:
        self._reality: Reality = reality
        self._node = node
        self._memory = memory
        self._longest = longest
        self._metrics = metrics

    def sort(self, batch: Sequence[Delivery]) -> Sorted:
        """Check each message. In the order in which they came, whatever is done with them."""
        batched = Sorted(batch[-1])
        ignored: Counter[ReportKind] = Counter()
        self._memory.anew(batch[0])
        for delivery in batch:
            if self._memory.knows(delivery):
                continue
            verdict = check(delivery.subject, delivery.data)
            if isinstance(verdict, Refusal):
                batched.refused.append(self._refusal(delivery, verdict))
                continue
            kind = verdict.where.kind
            if unknown := extras(verdict.report):
                ignored[kind] += unknown
            entry = self._entry(delivery, verdict)
            if entry is None:
                batched.repeats[kind] += 1
            else:
                batched.accepted.append(entry)
                batched.kinds.append(kind)
        for kind, count in ignored.items():
            self._metrics.extras_ignored.labels(self._reality, kind).inc(count)
        return batched

    def _entry(self, delivery: Delivery, verdict: Accepted) -> Outgoing | None:
        """How it stands in the log; `None` for a repeat."""
        identity = verdict.identity
        signature = signature_of(delivery.head)
        digest = fingerprint(delivery.data, signature)
        message_id = self._memory.message_id(identity, digest)
        if message_id is None:
            return None
        if message_id != identity:
            self._metrics.id_conflict.labels(self._reality).inc()
        self._memory.entering(message_id, digest)
        headers = {RECEIVED: iso(delivery.stored_at), ORIGIN: f"{self._node}/{delivery.sequence}"}
        if signature is not None:
            headers[signing.HEADER] = signature
        return Outgoing(
            subject=verdict.where.accepted,
            data=delivery.data,
            headers=headers,
            message_id=message_id,
        )

    def _refusal(self, delivery: Delivery, refusal: Refusal) -> Outgoing:
        self._metrics.rejected.labels(self._reality, refusal.reason).inc()
        origin = f"{self._node}/{delivery.sequence}"
        event = rejected(
            refusal,
            delivery.data[: max(0, self._longest() - _ENVELOPE) * 3 // 4],
            subject=delivery.subject,
            node=self._node,
            origin=origin,
            received=delivery.stored_at,
            reality=self._reality,
        )
        _, _, _, _, lan, kommun, slug, *_ = [*delivery.subject.split("."), "", "", ""]
        return Outgoing(
            subject=subjects.rejected(self._reality, lan, kommun, slug),
            data=event.model_dump_json(exclude_none=True).encode(),
            message_id=f"{streams.INTAKE}/{origin}/{delivery.stored_at}",
        )
