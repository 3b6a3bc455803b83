"""Whether an order reaches further than the area that it is about: who may give it was asked for that area alone.

Beside what every node checks of an order (`vardkase.domain.order_check`). A key, an area or a report that an order
names lies in the area that the order is about.
"""

from collections.abc import Iterable
from typing import Final

from vardkase.domain.order_check import not_own
from vardkase.domain.places import exists, lies_in
from vardkase_contracts.orders import AckOrder, AdoptOrder, IncidentOrder, Order, RedactOrder, ReportRequestOrder
from vardkase_contracts.refusals import Refusal

_ELSEWHERE: Final = "Should lie in the area that the order is about"
_NO_AREA: Final = "There is no such area"


def beyond(order: Order) -> Refusal | None:
    """What of an order lies outside the area that it is about; `None` when all lies in it.

    Args:
        order: one that `refusal_of` lets pass.
    """
    about = order.subject
    match order:
        case AckOrder():
            return _outside("data.key", order.data.key.partition("/")[2], about)
        case IncidentOrder() | ReportRequestOrder():
            return _any_outside("data.areas", order.data.areas, about)
        case AdoptOrder():
            return not_own(order)
        case RedactOrder():
            if order.data.identity.reality != order.reality:
                return Refusal("subject_mismatch", "data.identity.reality", "Should be the reality of the order")
            return _outside("data.identity.kommun", order.data.identity.kommun, about)
        case _:
            return None


def _any_outside(field: str, places: Iterable[str], about: str) -> Refusal | None:
    return next(filter(None, (_outside(field, place, about) for place in places)), None)


def _outside(field: str, place: str, about: str) -> Refusal | None:
    if lies_in(place, about):
        return None
    if not exists(place):
        return Refusal("schema", field, _NO_AREA)
    return Refusal("subject_mismatch", field, _ELSEWHERE)
