"""An alert's changes as messages of CAP 1.2 (OASIS Common Alerting Protocol), for systems that speak it.

Each change of an alert is a message of its own, and stays as it is: it is made from that change and from those before
it alone, never from the time at which it is asked for. The first of an alert is an `Alert`, the rest are `Update`s, its
end is a `Cancel`; each names those before it in `references`.

Its words are mapped in docs/app-developer.md. No event is ever called a VMA: that is another authority's to send.
"""

import hashlib
import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring
from zoneinfo import ZoneInfo

from vardkase_contracts.areas import Area
from vardkase_contracts.instants import parse, to_datetime

from .codec import canonical
from .texts import rule_words

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE: Final = "application/cap+xml"
#: Of the messages before it so many are named, the first among them (ours): beyond, those after the first are left out.
REFERENCES: Final = 200
#: Rules whose critical is `Extreme`: people's safety hangs on them. Every other critical is `Severe` (CONTRACT §6).
SAFETY: Final = frozenset(
    {"power.endurance", "power.battery", "power.lost", "power.not_connected", "heat.low", "water.low", "comms.112"}
)

_STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")
_STATUS: Final = {"act": "Actual", "exe": "Exercise", "tst": "Test"}
_NOTE: Final = {"exe": "ÖVNING. Exercise: nothing of this is real.", "tst": "PROV. Test: nothing of this is real."}
_RESTRICTION: Final = (
    "Endast för den som har behörighet till området (OSL 18 kap. 13 §). Får inte publiceras. "
    "Only for those with access to the area; not to be published."
)
_SEVERITY: Final = {"yellow": "Moderate", "red": "Severe", "critical": "Severe"}
_URGENCY: Final = {"yellow": "Future", "red": "Expected", "critical": "Immediate"}
_CLEARED: Final[Mapping[str, tuple[str, str]]] = {
    "recovered": ("Läget har förbättrats.", "The situation has improved."),
    "closed": ("Punkten är inte längre i det skede som larmet gäller.", "The point has left the stage it was about."),
    "withdrawn": ("Rapporterna bakom larmet är återkallade.", "The reports behind it were withdrawn."),
    "retired": ("Punkten är avvecklad.", "The point is retired."),
}
#: What XML 1.0 has no way to write.
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: What CAP forbids in senders and identifiers (space, comma, less-than, ampersand); and whatever else is no plain sign.
_FORBIDDEN: Final = re.compile(r"[^!-~]|[,<&>\"]")
_IDENTIFIER: Final = re.compile(r"urn:tp:cap:[!-~]{1,16}:(?:act|exe|tst):([!-~]{1,128}):([0-9]{1,18})-[0-9a-f]{8}")


class Told(NamedTuple):
    """A change of an alert as it stands in ALERTS."""

    #: Its place in the stream.
    sequence: int
    document: Mapping[str, Any]


class Message(NamedTuple):
    """What names a message, also in the `references` of those after it."""

    identifier: str
    sent: str


def sender_of(node: Area) -> str:
    """Who sends: the node of an area. The same in every message of a node."""
    return f"urn:tp:{node.level}:{plain(node.code)}"


def message_of(told: Told, node: Area) -> Message:
    """What names the message of a change.

    The identifier is of the alert, the change's place in the node's stream, and what it says: a stream that was made
    anew or restored from an older backup gives no two messages one name.
    """
    document = told.document
    digest = hashlib.sha256(canonical(document)).hexdigest()[:8]
    alert_id = plain(document["alert_id"])
    name = f"urn:tp:cap:{plain(node.code)}:{document['reality']}:{alert_id}:{told.sequence}-{digest}"
    return Message(name, local(document["changed_at"]))


def named(identifier: str) -> tuple[str, int] | None:
    """Of an identifier the alert's id (as `plain` makes it) and the change's place; None: it is none of ours."""
    found = _IDENTIFIER.fullmatch(identifier)
    return None if found is None else (found[1], int(found[2]))


def plain(text: str) -> str:
    """A text without what CAP forbids in senders, identifiers and references."""
    return _FORBIDDEN.sub("_", text)


def local(moment: str) -> str:
    """A time as CAP writes it: Swedish time with a numeric offset, without a fraction."""
    return to_datetime(parse(moment)).astimezone(_STOCKHOLM).replace(microsecond=0).isoformat()


def writable(text: str) -> str:
    """A text in which every sign that XML 1.0 cannot write is U+FFFD."""
    return _UNWRITABLE.sub("\ufffd", text)


class Before:
    """What names the messages of an alert before one: the first, and the latest."""

    def __init__(self) -> None:
        self._first: Message | None = None
        self._rest: deque[Message] = deque(maxlen=REFERENCES - 1)

    def add(self, message: Message) -> None:
        """The next one."""
        if self._first is None:
            self._first = message
        else:
            self._rest.append(message)

    def __iter__(self) -> Iterator[Message]:
        """Oldest first."""
        if self._first is not None:
            yield self._first
        yield from self._rest


def cap(told: Told, before: Before, node: Area) -> bytes:
    """The message of a change, as XML in UTF-8.

    Args:
        told: the change.
        before: the messages of the same alert before it.
        node: whose it is.
    """
    document, sender = told.document, sender_of(node)
    mine, earlier = message_of(told, node), list(before)
    root = Element("alert", {"xmlns": NAMESPACE})
    _put(root, "identifier", mine.identifier)
    _put(root, "sender", sender)
    _put(root, "sent", mine.sent)
    _put(root, "status", _STATUS[document["reality"]])
    firing = "Update" if earlier else "Alert"
    _put(root, "msgType", firing if document["status"] == "firing" else "Cancel")
    _put(root, "source", "Vårdkase")
    _put(root, "scope", "Restricted")
    _put(root, "restriction", _RESTRICTION)
    if document["reality"] in _NOTE:
        _put(root, "note", _NOTE[document["reality"]])
    if earlier:
        _put(root, "references", " ".join(f"{sender},{each.identifier},{each.sent}" for each in earlier))
    for language in ("sv-SE", "en-GB"):
        _info(root, document, language, node)
    return tostring(root, encoding="utf-8", xml_declaration=True)


def headline(document: Mapping[str, Any], language: str) -> str:
    """The alert in a line."""
    text: str = document["text"]["sv" if language == "sv-SE" else "en"]
    if document["status"] == "firing":
        return text
    return f"{'Upphört' if language == 'sv-SE' else 'Ended'}: {text}"


def _info(root: Element, document: Mapping[str, Any], language: str, node: Area) -> None:
    swedish, firing, rule = language == "sv-SE", document["status"] == "firing", document["rule"]
    words = rule_words(rule)[0 if swedish else 1]
    info = SubElement(root, "info")
    _put(info, "language", language)
    _put(info, "category", "Infra")
    _put(info, "event", f"{'Trygghetspunkt' if swedish else 'Support point'}: {words}")
    _put(info, "responseType", "Assess" if firing else "AllClear")
    _put(info, "urgency", _URGENCY[document["level"]] if firing else "Past")
    _put(info, "severity", severity(rule, document["level"]))
    _put(info, "certainty", certainty(document))
    _named(info, "eventCode", "urn:tp:rule", rule)
    _put(info, "onset", local(document["raised_at"]))
    _put(info, "senderName", f"Vårdkase, {node.name}")
    _put(info, "headline", headline(document, language))
    _put(info, "description", " ".join(_description(document, swedish=swedish)))
    for name, value in _parameters(document):
        _named(info, "parameter", f"urn:tp:{name}", value)
    _area(info, document)


def severity(rule: str, level: str) -> str:
    """How grave it is, in CAP's words."""
    return "Extreme" if level == "critical" and rule in SAFETY else _SEVERITY[level]


def certainty(document: Mapping[str, Any]) -> str:
    """How sure it is: reported, computed by the clock, or resting on what is not known any more."""
    if document["evidence_lost"]:
        return "Possible"
    return "Likely" if document["derived"] else "Observed"


def _description(document: Mapping[str, Any], *, swedish: bool) -> Iterator[str]:
    yield f"{headline(document, 'sv-SE' if swedish else 'en-GB')}."
    point, place = document["point"], document["area"]["name"]
    if point is not None:
        yield f"{'Punkt' if swedish else 'Point'} {point['id']}, {place}."
    if document["status"] != "firing":
        yield _CLEARED.get(document["cleared_reason"] or "", ("", ""))[0 if swedish else 1]
        return
    if document["runs_out_at"] is not None:
        at = local(document["runs_out_at"]).replace("T", " ")[:16]
        yield f"Strömmen räcker enligt rapporterna till {at}." if swedish else f"Power lasts until {at} as reported."
    if document["derived"]:
        yield "Beräknat av klockan, utan ny rapport." if swedish else "Computed by the clock, without a new report."
    if document["evidence_lost"]:
        yield "Underlaget är inte längre känt." if swedish else "What it rests on is not known any more."


def _parameters(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "key", document["key"]
    yield "alert_id", document["alert_id"]
    yield "level", document["level"]
    yield "rules_version", document["rules_version"]
    if document["runs_out_at"] is not None:
        yield "runs_out_at", local(document["runs_out_at"])
    if document["cleared_reason"] is not None:
        yield "cleared_reason", document["cleared_reason"]
    if document["inhibited_by"] is not None:
        yield "inhibited_by", document["inhibited_by"]
    for ack in document["acks"]:
        yield "acknowledged", f"{ack['level']}/{ack['code']} {ack['role']} {local(ack['until'])}"
    for silence in document.get("silences", ()):
        yield "silenced", f"{silence['level']}/{silence['code']} {silence['role']} {local(silence['until'])}"


def _area(info: Element, document: Mapping[str, Any]) -> None:
    """No polygon and no circle: a message stays as it is, and a point may move, or its place be undecided."""
    told = document["area"]
    area = SubElement(info, "area")
    _put(area, "areaDesc", told["name"])
    for kommun in Area(told["level"], told["code"]).kommuner():
        _named(area, "geocode", "Kommun", kommun)


def _named(parent: Element, tag: str, name: str, value: str) -> None:
    pair = SubElement(parent, tag)
    _put(pair, "valueName", name)
    _put(pair, "value", value)


def _put(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = writable(text)
