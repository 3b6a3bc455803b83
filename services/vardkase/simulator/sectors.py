"""Parts of a kommun: what fails and comes back as one."""

import math
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from vardkase.simulator.sites import Site


class Placed(Protocol):
    """What has a place."""

    @property
    def site(self) -> Site:
        """Where it is."""
        ...


P = TypeVar("P", bound=Placed)


def middle(sites: Sequence[Site]) -> tuple[float, float]:
    """The middle of some places: longitude, latitude."""
    return (
        sum(site.position[0] for site in sites) / len(sites),
        sum(site.position[1] for site in sites) / len(sites),
    )


def sectors(points: Sequence[P], size: int) -> Iterator[list[P]]:
    """Points of a kommun in parts: sectors round its middle, as equal as can be, of about `size` points."""
    if not points:
        return
    lon, lat = middle([point.site for point in points])
    turned = sorted(points, key=lambda p: (math.atan2(p.site.position[1] - lat, p.site.position[0] - lon), p.site.id))
    count = max(1, round(len(turned) / size))
    for part in range(count):
        yield turned[part * len(turned) // count : (part + 1) * len(turned) // count]
