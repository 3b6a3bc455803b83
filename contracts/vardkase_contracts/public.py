"""Public: what anyone may see of a point. Made by an allow-list; nothing here betrays a restricted field."""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from vardkase_contracts import vocab
from vardkase_contracts.base import (
    Address,
    Code,
    Frozen,
    KommunCode,
    KommunRef,
    Moment,
    Name,
    PointOrKommunRef,
    PointRef,
    PublicText,
)


class PublicPosition(Frozen):
    """A place on earth (WGS 84)."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    """Longitude in degrees."""
    lat: Annotated[float, Field(ge=-90, le=90)]
    """Latitude in degrees."""


class PublicPoint(Frozen):
    """A point as the public sees it. A point that is only `listed` has nothing from `status` on."""

    id: PointRef
    """The point."""
    name: Name
    """What it is called."""
    kind: vocab.PointKind
    """What kind of place it is."""
    address: Address | None = None
    """Where to go."""
    position: PublicPosition
    """Where it is."""
    accessibility: tuple[Code, ...] = ()
    """Codes of what makes it accessible."""
    planned_services: tuple[vocab.ServiceCode, ...] = ()
    """What it is meant to give."""
    status: vocab.PublicStatus | None = None
    """Whether it is open; `unconfirmed` after 12 h without a word."""
    availability: Literal[vocab.Availability, "unknown"] | None = None
    """Whether it can take more."""
    services: dict[vocab.ServiceCode, Literal[vocab.ServiceState, "unknown"]] | None = None
    """What it gives now."""
    crowding: vocab.Crowding | None = None
    """How full it is, in bands."""
    message: dict[str, PublicText] | None = None
    """Text by language."""
    opens_at: Moment | None = None
    """When it opens."""
    closes_at: Moment | None = None
    """When it closes."""
    updated_at: Moment | None = None
    """When its live fields were last reported, rounded to 15 minutes."""
    valid_until: Moment | None = None
    """After this, take availability, services and crowding as unknown."""


class PublicTombstone(Frozen):
    """The point, or the kommun, is no longer shown."""

    id: PointOrKommunRef
    """The point, or `<kommun>-_`."""
    gone: Literal[True]
    """That it is gone."""


class PublicKommun(Frozen):
    """A kommun takes part, so that an empty map never means "no points"."""

    id: KommunRef
    """`<kommun>-_`."""
    kommun: KommunCode
    """Its code."""
    name: Name
    """Its name."""
    takes_part: Literal[True]
    """That it publishes points."""


Public = PublicTombstone | PublicKommun | PublicPoint
"""What stands under a public subject."""

PUBLIC: Final[TypeAdapter[Public]] = TypeAdapter(Public)
"""Decodes what stands under a public subject."""
