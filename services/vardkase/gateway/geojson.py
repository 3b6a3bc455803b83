"""GeoJSON (RFC 7946), made of bytes that are there already."""

from collections.abc import Iterable
from typing import Final

import orjson

MEDIA_TYPE: Final = "application/geo+json"


def collection(features: Iterable[bytes], *, matched: int, link: str | None = None) -> bytes:
    """A collection of features.

    Args:
        features: as JSON.
        matched: how many there are in all, on other pages too.
        link: the `Link` header of the next page; None: there is none.
    """
    listed = list(features)
    more = {"numberMatched": matched, "numberReturned": len(listed)}
    if link is not None:
        more |= {"links": [{"rel": "next", "href": link[1 : link.index(">")]}]}
    return b'{"type":"FeatureCollection","features":[%s],%s' % (b",".join(listed), orjson.dumps(more)[1:])
