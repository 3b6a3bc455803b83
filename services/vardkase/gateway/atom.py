"""A feed of alerts (Atom, RFC 4287): an entry for the newest message of each alert, which leads to it as CAP."""

from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import Element, SubElement, tostring

from vardkase.domain.cap import MEDIA_TYPE as CAP
from vardkase.domain.cap import Told, headline, message_of, writable
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import Reality

MEDIA_TYPE: Final = "application/atom+xml"
NAMESPACE: Final = "http://www.w3.org/2005/Atom"
NEVER: Final = "1970-01-01T00:00:00Z"
"""When a feed was updated in which nothing ever was."""
_TITLE: Final = {"act": "", "exe": "ÖVNING: ", "tst": "PROV: "}


class Feed(NamedTuple):
    """What a feed is of."""

    node: Area
    area: Area
    reality: Reality
    here: str
    """Its own address: path and query."""
    later: str | None
    """That of the next page; None: this is the last."""


def atom(feed: Feed, changes: Iterable[Told]) -> bytes:
    """The feed as XML in UTF-8.

    Addresses in it are relative, to be resolved by its own: it is the same at every gateway of the node.

    Args:
        feed: whose.
        changes: the newest change of each alert, the last first.
    """
    entries = list(changes)
    root = Element("feed", {"xmlns": NAMESPACE, "xml:lang": "sv-SE"})
    _put(root, "id", f"urn:tp:feed:{feed.node.code}:{feed.reality}:{feed.area.level}:{feed.area.code}")
    _put(root, "title", f"{_TITLE[feed.reality]}Larm: {feed.area.name}")
    _put(root, "updated", entries[0].document["changed_at"] if entries else NEVER)
    author = SubElement(root, "author")
    _put(author, "name", f"Vårdkase, {feed.node.name}")
    SubElement(root, "link", {"rel": "self", "type": MEDIA_TYPE, "href": feed.here})
    if feed.later is not None:
        SubElement(root, "link", {"rel": "next", "type": MEDIA_TYPE, "href": feed.later})
    _put(root, "generator", "Vårdkase")
    _put(root, "rights", "Endast för den som har behörighet till området (OSL 18 kap. 13 §).")
    for told in entries:
        _entry(root, feed, told)
    return tostring(root, encoding="utf-8", xml_declaration=True)


def _entry(root: Element, feed: Feed, told: Told) -> None:
    document, message = told.document, message_of(told, feed.node)
    entry = SubElement(root, "entry")
    _put(entry, "id", message.identifier)
    _put(entry, "title", f"{_TITLE[feed.reality]}{headline(document, 'sv-SE')}")
    _put(entry, "updated", document["changed_at"])
    _put(entry, "published", document["changed_at"])
    query = urlencode({"reality": feed.reality, "message": message.identifier})
    href = f"/v1/alerts/{quote(document['key'])}?{query}"
    SubElement(entry, "link", {"rel": "alternate", "type": CAP, "href": href})
    for scheme, term in (
        ("rule", document["rule"]),
        ("level", document["level"]),
        ("status", document["status"]),
        ("area", document["area"]["code"]),
    ):
        SubElement(entry, "category", {"scheme": f"urn:tp:{scheme}", "term": term})
    _put(entry, "summary", headline(document, "en-GB"))


def _put(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = writable(text)
