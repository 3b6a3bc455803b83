"""Ids: of points, events, needs, incidents and reporters. What they look like, and how they are put together."""

import re
from typing import Final, NamedTuple

SLUG: Final = r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?"
"""A point's own part of its id: 1-40 of a-z, 0-9 and -, neither first nor last -."""
KOMMUN: Final = r"[0-9]{4}"
"""A kommun's code (whether it exists, `areas` knows)."""
EVENT_ID: Final = r"[A-Za-z0-9_-]{1,64}"
"""An event's id, and a need's."""
REPORTER: Final = r"[A-Za-z0-9._-]{1,64}"
"""The part of a source that tells one reporter of a kommun from another. Never a person's name."""
SOURCE: Final = rf"urn:tp:kommun:{KOMMUN}(?::{REPORTER})?"
"""A report's source."""
INCIDENT: Final = r"[A-Za-z0-9._-]{1,64}"
"""An incident's id."""
RULE: Final = r"[a-z0-9]{1,32}(?:\.[a-z0-9_]{1,32}){1,3}"
"""A rule's name, such as power.endurance."""

KOMMUN_ITSELF: Final = "_"
"""In a slug's place: the report, alert or state is about the kommun itself."""

_SLUG: Final = re.compile(SLUG)


class PointId(NamedTuple):
    """A point's id in its parts; `slug` is `_` for the kommun itself."""

    kommun: str
    slug: str

    def __str__(self) -> str:
        return f"{self.kommun}-{self.slug}"


def is_slug(text: str) -> bool:
    """Whether it can be a point's slug (`_` is not: it stands for the kommun)."""
    return _SLUG.fullmatch(text) is not None


def split_point_id(point: str) -> PointId:
    """The parts of `<kommun>-<slug>` or `<kommun>-_`. Whether the kommun exists is not looked up.

    Raises:
        ValueError: it is not a point's id.
    """
    kommun, dash, slug = point[:4], point[4:5], point[5:]
    if dash != "-" or not (kommun.isascii() and kommun.isdigit()) or not (slug == KOMMUN_ITSELF or is_slug(slug)):
        raise ValueError("a point's id is <kommun>-<slug>, such as 2480-umedalen-skola")
    return PointId(kommun, slug)


def kommun_source(kommun: str, reporter: str | None = None) -> str:
    """The source of a kommun's reports: `urn:tp:kommun:<code>[:<reporter>]`."""
    return f"urn:tp:kommun:{kommun}" if reporter is None else f"urn:tp:kommun:{kommun}:{reporter}"
