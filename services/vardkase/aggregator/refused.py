"""A message that the aggregator cannot take: told of in REJECTED, as intake tells of its own."""

import base64
import hashlib

from vardkase.runtime.jetstream.delivery import Delivery
from vardkase_contracts import subjects
from vardkase_contracts.instants import to_datetime
from vardkase_contracts.refusals import Refusal, RejectedData, RejectedEvent
from vardkase_contracts.vocab import Reality


def refused(delivery: Delivery, refusal: Refusal, node: str, reality: Reality) -> tuple[str, str, RejectedEvent]:
    """The subject, the message id and the event that tell of it."""
    _, _, _, lan, kommun, slug, *_ = [*delivery.subject.split("."), "_", "_", "_", "_"]
    origin = f"{node}/{delivery.sequence}"
    event = RejectedEvent(
        id=hashlib.sha256(f"{origin}/{delivery.subject}".encode()).hexdigest()[:32],
        source=f"urn:tp:node:{node}",
        subject=delivery.subject[:255],
        time=to_datetime(delivery.stored_at),
        reality=reality,
        data=RejectedData(
            reason=refusal.reason,
            field=refusal.field,
            detail=refusal.detail,
            bytes=base64.b64encode(delivery.data).decode(),
            origin=origin,
            received=to_datetime(delivery.stored_at),
        ),
    )
    return subjects.rejected(reality, lan, kommun, slug), f"aggregator/{origin}/{delivery.subject}", event
