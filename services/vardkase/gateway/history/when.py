"""When a query asks about: at what time, by what basis, and what is known of it."""

from typing import Annotated, Final, NamedTuple

from fastapi import Query

from vardkase.archive.store import Basis
from vardkase.gateway.problems import Problem
from vardkase_contracts.instants import FIRST, from_datetime, parse

_EARLIEST: Final = from_datetime(FIRST)
_LONGEST: Final = 40

AtQuery = Annotated[
    str | None,
    Query(
        description="As it was at this time (RFC 3339 with an offset), from the archive. Unless given: now.",
        max_length=_LONGEST,
        examples=["2026-11-20T03:40:00+01:00"],
    ),
]
BasisQuery = Annotated[
    Basis | None,
    Query(description="`known`: as it was known at this node then. `observed`: as it is now known that it was."),
]
KnownQuery = Annotated[
    str | None,
    Query(
        description="With `basis=observed`: as it was known at this time (RFC 3339) that it was. It is told in every "
        "such answer (`Vardkase-Known`): with it the same question has the same answer for ever.",
        max_length=_LONGEST,
    ),
]


class When(NamedTuple):
    """What time is asked about, in the node's time."""

    at: int
    """The instant, µs."""
    basis: Basis
    known: int | None
    """What came later does not count, µs; None: all that has come counts."""


async def asked_when(at: AtQuery = None, basis: BasisQuery = None, known: KnownQuery = None) -> When | None:
    """When a query asks about: a dependency. None: now.

    Raises:
        Problem: 400; a time is none, or something is given that means nothing so.
    """
    if at is None:
        given = "basis" if basis is not None else "known"
        if basis is not None or known is not None:
            raise Problem(400, "at_missing", f"{given} needs at: the time that is asked about", field="at")
        return None
    asked = basis or "known"
    if known is not None and asked == "known":
        raise Problem(400, "known_without_observed", "known goes with basis=observed alone", field="known")
    return When(instant("at", at), asked, None if known is None else instant("known", known))


def instant(field: str, text: str) -> int:
    """The instant of a time in a query, µs. A `+` that came as a blank is taken for what was meant.

    Raises:
        Problem: 400; it is none.
    """
    try:
        found = parse(text.replace(" ", "+"))
    except ValueError:
        raise Problem(
            400, "time", "expected a time in RFC 3339 with an offset: 2026-11-20T03:40:00+01:00", field=field
        ) from None
    if found < _EARLIEST:
        raise Problem(400, "time", "expected a time after the year 2000", field=field)
    return found
