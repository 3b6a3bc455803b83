"""Whether an order says what can be done: what its form alone does not tell (`ORDER` checks that).

An order reaches no further than the area it is about: who may give orders about a kommun (a permission on its subject)
neither silences nor changes the rules of its neighbour.
"""

from vardkase_contracts.areas import Area
from vardkase_contracts.orders import (
    AdoptOrder,
    ExerciseOrder,
    IncidentOrder,
    Order,
    ReportRequestOrder,
    RulesOrder,
    SilenceOrder,
)
from vardkase_contracts.refusals import Refusal

from .overrides import BadOverride, parse
from .places import exists, is_point, lies_in
from .rules import Rules
from .snapshots import BadSnapshot, check

_NO_AREA = "There is no such area"
_NO_KOMMUN = "The point's kommun is none"


def refusal_of(order: Order, base: Rules) -> Refusal | None:  # noqa: PLR0911 -- one case a kind of order
    """Why an order of the right form cannot be followed; `None` when it can.

    Args:
        order: of any kind.
        base: the node's own table of rules.
    """
    if not exists(order.subject):
        return Refusal("schema", "subject", _NO_AREA)
    match order:
        case IncidentOrder() | ReportRequestOrder():
            unknown = next((code for code in order.data.areas if not exists(code)), None)
            return None if unknown is None else Refusal("schema", "data.areas", _NO_AREA)
        case ExerciseOrder():
            misplaced = (_misplaced("data.areas", code, order.subject) for code in order.data.areas)
            return next(filter(None, misplaced), None)
        case SilenceOrder():
            matcher = order.data.matcher
            return _misplaced("data.matcher.area", matcher.area, order.subject) or _misplaced(
                "data.matcher.point", matcher.point, order.subject
            )
        case RulesOrder():
            return _misplaced("data.scope", order.data.scope, order.subject) or _bad_override(order, base)
        case AdoptOrder() if order.data.snapshot is not None or order.data.sha256 is not None:
            return not_own(order) or _bad_snapshot(order)
        case _:
            return None


def not_own(order: AdoptOrder) -> Refusal | None:
    """Why an order does not adopt the picture of the level that gives it: a level answers for its own alone.

    Of orders that bring no picture, those of before there were any, one that does not is followed and counts nowhere.
    """
    data = order.data
    if data.code != order.subject:
        return Refusal("subject_mismatch", "data.code", "Should be the area that the order is about")
    if Area.parse(data.code).level != data.level:
        return Refusal("subject_mismatch", "data.level", "Should be the level of the area")
    if (data.by.level, data.by.code) != (data.level, data.code):
        return Refusal("subject_mismatch", "data.by", "A level adopts its own picture alone")
    return None


def _bad_snapshot(order: AdoptOrder) -> Refusal | None:
    try:
        check(order.data, order.reality)
    except BadSnapshot as bad:
        return Refusal("schema", bad.field, str(bad))
    return None


def _misplaced(field: str, place: str | None, about: str) -> Refusal | None:
    if place is None:
        return None
    if not exists(place):
        return Refusal("schema", field, _NO_KOMMUN if is_point(place) else _NO_AREA)
    if not lies_in(place, about):
        return Refusal("subject_mismatch", field, "Should lie in the area that the order is about")
    return None


def _bad_override(order: RulesOrder, base: Rules) -> Refusal | None:
    try:
        parse(order.data.override, base, of_point=is_point(order.data.scope))
    except BadOverride as bad:
        return Refusal("range" if bad.out_of_range else "schema", bad.field, bad.detail)
    return None
