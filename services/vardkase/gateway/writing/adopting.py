"""Adopting over HTTP: the gateway puts the very picture into the order that adopts it."""

from typing import Final

import orjson

from vardkase.domain.snapshots import BadSnapshot, pack
from vardkase.gateway.house import House
from vardkase.gateway.problems import Problem
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import AdoptOrder
from vardkase_contracts.refusals import Refusal

from .items import CheckedOrder, check_order, refused

_GONE: Final = "This version of the picture is not known here (any more): look at the picture again, and adopt that"


def with_picture(house: House, order: AdoptOrder, found: CheckedOrder, *, short: bool) -> CheckedOrder:
    """The order with the picture that it adopts.

    Args:
        house: which pictures are known.
        order: as it was sent, and is allowed.
        found: the same, checked.
        short: it was sent in short: the picture is the gateway's to put in. A whole event keeps its bytes.

    Raises:
        Problem: 409, the version is not known here: `current` says which one is; 422.
    """
    data = order.data
    area = Area.parse(order.subject)
    picture = house.pictures.find(area, order.reality, data.version)
    if picture is None:
        problem = Problem(409, "stale", _GONE, field="data.version", reason="stale")
        problem.more["current"] = house.pictures.current(area, order.reality)
        raise problem
    if not short:
        if data.snapshot is None:
            detail = "A whole event brings the picture; in short, the gateway puts it in"
            raise refused(Refusal("schema", "data.snapshot", detail))
        return found
    try:
        sha256, snapshot = pack(picture)
    except BadSnapshot as bad:
        raise refused(Refusal("too_large", bad.field, str(bad))) from bad
    event = orjson.loads(found.item.data)
    event["data"] |= {"sha256": sha256, "snapshot": snapshot}
    whole = check_order(orjson.dumps(event), house.writing.rules, once=found.item.once)
    if isinstance(whole, Refusal):
        raise refused(whole)
    return whole
