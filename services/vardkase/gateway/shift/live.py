"""The live part of a handover report, of what a node holds. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from vardkase.archive.handover import Now
from vardkase.gateway.documents import Point
from vardkase.gateway.needed import needs_of
from vardkase.gateway.runningshort import running_short


def now_of(
    picture: Mapping[str, Any] | None, alerts: Iterable[Mapping[str, Any]], points: Iterable[Point], now: int
) -> Now:
    """The live part.

    Args:
        picture: the area's, as it was published last.
        alerts: of the area and what lies in it, cleared ones among them.
        points: of the area, its kommuner themselves among them.
        now: the node's time, µs.
    """
    held = list(points)
    needs = sorted(needs_of(held, now), key=lambda need: need.order)
    short = sorted(running_short(point for point in held if not point.is_kommun), key=lambda each: each[:3])
    return Now(
        picture=picture,
        alerts=[alert for alert in alerts if alert["status"] == "firing"],
        needs=[need.told() for need in needs],
        short=[each.told() for each in short],
        names={point.id: point.name for point in held if point.name},
    )
