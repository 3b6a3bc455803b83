"""Saying yes to a proposal: what one side reports. Each kommun says so of its own; nobody edits another's. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

_LITTLE: Final = 1e-6
_TAIL: Final = 8


class NotOpen(Exception):  # noqa: N818 -- what it is
    """It cannot be agreed to any more, or not so much of it. The message says why."""


def accepted(
    value: Mapping[str, Any], counterpart: tuple[str, str], quantity: float | None = None
) -> list[dict[str, Any]]:
    """What is reported of a need, or a surplus, that is agreed to: the `data` of one `need` report, or of two.

    All of it: it is `assigned`, and names its counterpart. A part of it: the rest stays `requested` under its own id,
    and the part is one of its own, which says what it is a part of.

    Args:
        value: as it stands.
        counterpart: the other's point, and its need or surplus as it was proposed.
        quantity: how much; None: all of it.

    Raises:
        NotOpen: it is not asked for any more, or less is left.
    """
    if value["state"] != "requested":
        raise NotOpen(f"it is {value['state']}, not requested any more")
    whole: float | None = value.get("quantity")
    if quantity is not None and (quantity <= 0 or (whole is not None and quantity > whole * (1 + _LITTLE) + _LITTLE)):
        raise NotOpen(f"{quantity:g} of {0 if whole is None else whole:g} cannot be agreed to")
    agreed = {"state": "assigned", "counterpart": {"point": counterpart[0], "need_id": counterpart[1]}}
    if quantity is None or whole is None or quantity >= whole * (1 - _LITTLE):
        return [{**value, **agreed}]
    need_id: str = value["need_id"]
    told = f"{need_id}\n{counterpart[0]}\n{counterpart[1]}\n{quantity!r}\n{whole!r}"
    tail = hashlib.sha256(told.encode()).hexdigest()[:_TAIL]
    part = {
        **value,
        **agreed,
        "need_id": f"{need_id[: 64 - _TAIL - 1]}-{tail}",
        "part_of": value.get("part_of") or need_id,
        "quantity": quantity,
    }
    return [{**value, "quantity": float(f"{whole - quantity:.9g}")}, part]


def report_id(point: str, report: str, counterpart: tuple[str, str], quantity: float | None, number: int) -> str:
    """The id of one of those reports: the same for the same yes to the same report, so that it counts once."""
    told = f"{point}\n{report}\n{counterpart[0]}\n{counterpart[1]}\n{quantity!r}\n{number}"
    return f"accept-{hashlib.sha256(told.encode()).hexdigest()[:40]}"
