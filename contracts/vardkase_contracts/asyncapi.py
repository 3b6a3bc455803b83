"""The AsyncAPI 3.0 document of a node: its channels (the subjects), messages, operations and streams.

Complete in itself, so that a gateway can serve it. The streams that hold a channel's messages stand under
`x-streams`: AsyncAPI's bindings for NATS know no JetStream.
"""

from typing import Any, Final, NamedTuple

from vardkase_contracts import vocab
from vardkase_contracts.schemas import CLOUDEVENT, DOCUMENTS, Document, component_schemas, example
from vardkase_contracts.signing import HEADER
from vardkase_contracts.streams import STREAMS
from vardkase_contracts.subjects import FAMILIES, Family

VERSION: Final = "1.0.0"
"""The version of these contracts."""
ID: Final = "urn:tp:v1"
"""The document's own id."""

_INFO: Final = """\
Every level (kommun, län, the nation) runs the same node for its own area. Reports flow up as a log; states, pictures
and alerts are folded from it at each node. Everything is JSON in UTF-8.

- Reports are sent to `tp.v1.<reality>.report.…` and acknowledged by JetStream once they are durable; the node then
  checks them, and passes them on unchanged (`accepted`) or tells why not (`rejected`).
- A stream that keeps the last value of each subject gives a new reader the whole current picture at once, then changes.
- A field left out says nothing; `null` says "unknown now". Fields may be added; what stands here does not change.
- `act` is real (skarpt läge), `exe` an exercise (övning), `tst` a test (prov): three worlds that never mix.
- Restricted and public are two NATS accounts: the public one holds `public` alone.
"""

_SIGNED: Final = (
    "Optional: `<key id>:<base64>`, the Ed25519 signature of the `report` subject, a line feed and the exact bytes; "
    "the key id is the first 16 hexadecimal digits of the SHA-256 of the public key."
)
_HEADERS: Final[dict[str, dict[str, str]]] = {
    "report": {
        "Nats-Msg-Id": "Optional: an id of the publisher's, so that a quick repeat (100 ms) is not stored.",
        HEADER: f"{_SIGNED} Required or not by the federation's policy for the kommun.",
    },
    "accepted": {
        "Tp-Received": "When the report came in (RFC 3339): the INTAKE message's own timestamp.",
        "Tp-Origin": "Where it came in: `<node>/<INTAKE sequence>`.",
        "Nats-Msg-Id": "`<reality>.<kommun>.<id>`; of another copy with a part of its hash added.",
        HEADER: f"{_SIGNED} As it came in; over the `report` subject, not this one.",
    },
    "state": {"Tp-Writer": "The node that wrote it."},
    "picture": {"Tp-Writer": "The node that wrote it."},
    "alert": {"Tp-Writer": "The node that wrote it."},
}
"""Headers by family."""

_LAN: Final = "The län's code, two digits (`24`)"
_KOMMUN: Final = "The kommun's code, four digits (`2480`)"
_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "reality": {"description": "`act` skarpt läge, `exe` övning, `tst` prov.", "enum": list(vocab.REALITIES)},
    "lan": {"description": f"{_LAN}: the first two of the kommun's.", "examples": ["24"]},
    "kommun": {"description": f"{_KOMMUN}.", "examples": ["2480"]},
    "areaLan": {"description": f"{_LAN}; `_` for the nation and a civilområde.", "examples": ["24", "_"]},
    "areaKommun": {
        "description": f"{_KOMMUN}; a civilområde's code; `_` for a län and the nation.",
        "examples": ["2480", "norra", "_"],
    },
    "slug": {
        "description": "The point's own part of its id; `_` for the kommun itself.",
        "examples": ["umedalen-skola", "_"],
    },
    "reportKind": {"description": "The kind of report.", "enum": list(vocab.REPORT_KINDS)},
    "orderKind": {"description": "The kind of order.", "enum": list(vocab.ORDER_KINDS)},
    "rule": {
        "description": "The rule's name, `-` for its `.`.",
        "examples": [r.replace(".", "-") for r in vocab.RULES],
    },
}


class _Channel(NamedTuple):
    title: str
    tail: str
    """What stands after `tp.v1.<reality>.<family>.`, with parameters."""
    parameters: dict[str, str]
    """The parameter's description by its name in the address."""
    sent: bool
    """Whether the node sends; else it receives."""
    about: str


_AREA: Final = {"lan": "areaLan", "kommun": "areaKommun"}
_POINT: Final = {"lan": "lan", "kommun": "kommun", "slug": "slug"}
_CHANNELS: Final[dict[Family, _Channel]] = {
    "report": _Channel(
        "Reports",
        "{lan}.{kommun}.{slug}.{kind}",
        {**_POINT, "kind": "reportKind"},
        sent=False,
        about="Send a report here, at most 64 KiB. `{kind}`, `{slug}` and `{reality}` must be the report's own.",
    ),
    "accepted": _Channel(
        "Accepted reports",
        "{lan}.{kommun}.{slug}.{kind}",
        {**_POINT, "kind": "reportKind"},
        sent=True,
        about="The log: each report's original bytes, checked once, where it first arrived.",
    ),
    "rejected": _Channel(
        "Refused reports",
        "{lan}.{kommun}.{slug}",
        _POINT,
        sent=True,
        about="Why a report was refused, which field, and its bytes.",
    ),
    "state": _Channel(
        "States", "{lan}.{kommun}.{slug}", _POINT, sent=True, about="Each point's merged state; `_`: the kommun's own."
    ),
    "picture": _Channel("Pictures", "{lan}.{kommun}", _AREA, sent=True, about="Each area's picture."),
    "alert": _Channel(
        "Alerts",
        "{lan}.{kommun}.{slug}.{rule}",
        {**_AREA, "slug": "slug", "rule": "rule"},
        sent=True,
        about="Every change of an alert. About a kommun, a län or the nation, `{slug}` is `_`.",
    ),
    "public": _Channel(
        "Public points",
        "{lan}.{kommun}.{slug}",
        _POINT,
        sent=True,
        about="What anyone may see of a point. `_`: that the kommun takes part.",
    ),
    "order": _Channel(
        "Orders",
        "{lan}.{kommun}.{kind}",
        {**_AREA, "kind": "orderKind"},
        sent=False,
        about="Acts of people and overrides of rules, about an area.",
    ),
    "audit": _Channel("Audit", "{lan}.{kommun}", _AREA, sent=True, about="Who read, who acted, what was refused."),
}


def _documents(family: Family) -> list[Document]:
    """What stands under a family's subjects; accepted reports are the reports."""
    held = "report" if family == "accepted" else family
    return [document for document in DOCUMENTS if document.family == held]


def _message_name(family: Family, document: Document) -> str:
    return f"accepted.{document.name.removeprefix('report.')}" if family == "accepted" else document.name


def _message(family: Family, document: Document) -> dict[str, Any]:
    model = document.model
    event_type = model.model_fields["type"].annotation if document.content_type == CLOUDEVENT else None
    message: dict[str, Any] = {
        "name": _type_name(event_type) or document.name,
        "title": model.__name__,
        "summary": (model.__doc__ or "").strip().splitlines()[0],
        "contentType": document.content_type,
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }
    if family != "accepted":
        message["examples"] = [{"name": document.name, "payload": example(document.name)}]
    headers = _HEADERS.get(family)
    if headers:
        properties = {name: {"type": "string", "description": about} for name, about in headers.items()}
        message["headers"] = {"type": "object", "properties": properties}
    return message


def _type_name(annotation: Any) -> str | None:
    """The CloudEvents type that a `type` field allows: it is a `Literal` of one."""
    values: tuple[str, ...] = getattr(annotation, "__args__", ())
    return values[0] if values else None


def _channel(family: Family, channel: _Channel) -> dict[str, Any]:
    reality = "act" if family == "public" else "{reality}"
    names = {**({} if family == "public" else {"reality": "reality"}), **channel.parameters}
    messages = {
        _message_name(family, document): {"$ref": f"#/components/messages/{_message_name(family, document)}"}
        for document in _documents(family)
    }
    account = "public" if family == "public" else "restricted"
    return {
        "address": f"tp.v1.{reality}.{family}.{channel.tail}",
        "title": channel.title,
        "description": channel.about,
        "servers": [{"$ref": f"#/servers/{account}"}],
        "parameters": {name: {"$ref": f"#/components/parameters/{held}"} for name, held in names.items()},
        "messages": messages,
        "x-streams": [
            {"name": stream.name, "keeps": stream.keeps, "account": stream.account, "description": stream.about}
            for stream in STREAMS
            if stream.family == family
        ],
    }


def _operation(family: Family, channel: _Channel) -> dict[str, Any]:
    return {
        "action": "send" if channel.sent else "receive",
        "title": channel.title,
        "summary": channel.about,
        "channel": {"$ref": f"#/channels/{family}"},
        "messages": [
            {"$ref": f"#/channels/{family}/messages/{_message_name(family, document)}"}
            for document in _documents(family)
        ],
    }


def _server(account: str, about: str) -> dict[str, Any]:
    return {
        "host": "{address}",
        "protocol": "nats",
        "title": f"A node, {account}",
        "description": about,
        "variables": {"address": {"description": "Host and port.", "default": "127.0.0.1:4222"}},
    }


def asyncapi() -> dict[str, Any]:
    """The whole document. Actions are the node's: it receives reports and orders, and sends the rest."""
    return {
        "asyncapi": "3.0.0",
        "id": ID,
        "info": {
            "title": "Vårdkase",
            "version": VERSION,
            "description": _INFO,
            "license": {"name": "EUPL-1.2", "url": "https://eupl.eu/1.2/en/"},
        },
        "defaultContentType": CLOUDEVENT,
        "servers": {
            "restricted": _server(
                "restricted", "The restricted account: credentials of a kommun, a län or the nation."
            ),
            "public": _server("public", "The public account: read only, `tp.v1.act.public.>` alone."),
        },
        "channels": {family: _channel(family, _CHANNELS[family]) for family in FAMILIES},
        "operations": {
            f"{'send' if channel.sent else 'receive'}{family.capitalize()}": _operation(family, channel)
            for family, channel in _CHANNELS.items()
        },
        "components": {
            "parameters": _PARAMETERS,
            "messages": {
                _message_name(family, document): _message(family, document)
                for family in FAMILIES
                for document in _documents(family)
            },
            "schemas": component_schemas(),
        },
    }
