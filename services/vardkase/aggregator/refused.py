"""A message that the aggregator cannot take: told of in REJECTED, as intake tells of its own."""

from vardkase.runtime.jetstream.delivery import Delivery
from vardkase_contracts import subjects
from vardkase_contracts.refusals import Refusal, RejectedEvent, rejected
from vardkase_contracts.vocab import Reality


def refused(
    delivery: Delivery, refusal: Refusal, node: str, stream: str, reality: Reality
) -> tuple[str, str, RejectedEvent]:
    """The subject, the message id and the event that tell of it."""
    _, _, _, _, lan, kommun, slug, *_ = [*delivery.subject.split("."), "", "", "", ""]
    origin = f"{node}/{stream}/{delivery.sequence}"
    event = rejected(
        refusal,
        delivery.data,
        subject=delivery.subject,
        node=node,
        origin=origin,
        received=delivery.stored_at,
        reality=reality,
    )
    return subjects.rejected(reality, lan, kommun, slug), f"aggregator/{origin}", event
