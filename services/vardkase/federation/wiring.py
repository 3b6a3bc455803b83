"""What follows for one node from the federation: permissions, links, landing streams, sources, consumers. Pure.

A child's streams are read by its parent over the leaf link that the child dials, by a source with a consumer of its own
(ADR-60 of NATS): it converges in a second where a plain source takes half a minute. Such a source cannot be filtered,
and a child could put another's subjects into its stream; so it lands in a stream of that child, and the log takes from
there what is the child's to say.

    child: REPORTS ──up──► parent: CHILD_<code> ──its subjects alone──► REPORTS
    child: ORDERS_UP ─up─► parent: CHILD_<code>_ORDERS ──────────────► ORDERS_UP ──► ORDERS_DOWN
    parent: ORDERS_DOWN ──what concerns the child──► child: PARENT_ORDERS ──► ORDERS_DOWN

ORDERS_UP never reads ORDERS_DOWN, so nothing goes in a circle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vardkase.federation.plan import Node, Plan
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area, areas_of
from vardkase_contracts.vocab import REALITIES

UP: Final = "up"
"""The consumer at a child that its parent reads by, on each stream that goes up."""
ACCOUNT: Final = "TP"
"""The account that links join."""
PARENT_ORDERS: Final = "PARENT_ORDERS"
"""Where a parent's orders land at a child."""
_SECOND_NS: Final = 1_000_000_000
_UNACKNOWLEDGED: Final = 20_000
"""Messages under way on a link: at 20 ms one-way 5,000 carry 77,000 a second, 20,000 carry 139,000."""
_FIRST_WORD: Final = "10s"
"""How long a parent may take to say the first word on a link. By itself NATS waits for one second: with a satellite on
the way, or a parent that has all its children back at once, a link would never come up."""
_LEVELS: Final = ("kommun", "lan", "civo", "nation")
"""From the smallest area to the largest."""

GOES_UP: Final = (streams.REPORTS, streams.ORDERS_UP)
"""The streams of a child that its parent reads."""


def landing(code: str, stream: str) -> str:
    """The stream in which a child's stream lands: `CHILD_2480`, `CHILD_2480_ORDERS`."""
    return f"CHILD_{code}" if stream == streams.REPORTS else f"CHILD_{code}_ORDERS"


def delivery(code: str, stream: str) -> str:
    """The subject on which a child's stream is sent up its link."""
    return f"up.{code}.{'reports' if stream == streams.REPORTS else 'orders'}"


def down(code: str) -> str:
    """The consumer at a parent that a child reads the parent's orders by."""
    return f"down-{code}"


def down_delivery(code: str) -> str:
    """The subject on which a parent's orders are sent down a child's link."""
    return f"down.{code}.orders"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A stream elsewhere that a stream here reads, by a consumer that is there."""

    into: str
    """The stream here."""
    node: str
    """The node that has the other one: its domain."""
    stream: str
    """The stream there."""
    consumer: str
    """Its consumer there."""
    deliver: str
    """The subject on which that consumer sends."""

    def config(self) -> dict[str, Any]:
        """As it stands in the configuration of the stream here."""
        return {
            "name": self.stream,
            "external": {"api": f"$JS.{self.node}.API", "deliver": ""},
            "consumer": {"name": self.consumer, "deliver_subject": self.deliver},
        }


def consumer(name: str, deliver: str, filters: Sequence[str] = ()) -> dict[str, Any]:
    """The configuration of a consumer that another node's source reads by.

    Args:
        name: of the consumer.
        deliver: the subject on which it sends.
        filters: what it sends; empty: everything.
    """
    config: dict[str, Any] = {
        "durable_name": name,
        "deliver_subject": deliver,
        "deliver_policy": "all",
        "ack_policy": "flow_control",
        "flow_control": True,
        "idle_heartbeat": _SECOND_NS,
        "replay_policy": "instant",
        "max_deliver": -1,
        "max_ack_pending": _UNACKNOWLEDGED,
    }
    return config | ({"filter_subjects": list(filters)} if filters else {})


def concerns(area: Area) -> tuple[str, ...]:
    """The subjects of orders that concern an area: about it, what is in it, and the areas above it."""
    found = list(subjects.family_filters("order", None, area))
    own = area.kommuner()
    # Gotland's län has one kommun: it covers the län, and is not above it.
    larger = _LEVELS[_LEVELS.index(area.level) + 1 :]
    above = {
        each for code in own for each in areas_of(code) if each.level in larger and set(own) <= set(each.kommuner())
    }
    for each in sorted(above, key=lambda one: len(one.kommuner())):
        subject = subjects.order("act", each, "ack").split(".")
        found.append(f"{subjects.ROOT}.*.order.{subject[4]}.{subject[5]}.*")
    return tuple(found)


def sources_up(plan: Plan, name: str) -> tuple[Source, ...]:
    """What a node reads of its children."""
    return tuple(
        Source(
            into=landing(child.area, stream),
            node=child_name,
            stream=stream,
            consumer=UP,
            deliver=delivery(child.area, stream),
        )
        for child_name, child in plan.children(name).items()
        for stream in GOES_UP
    )


def source_down(plan: Plan, name: str) -> Source | None:
    """What a node reads of its parent; None: it has none."""
    node = plan.nodes[name]
    if node.parent is None:
        return None
    return Source(
        into=PARENT_ORDERS,
        node=node.parent,
        stream=streams.ORDERS_DOWN,
        consumer=down(node.area),
        deliver=down_delivery(node.area),
    )


def local_sources(plan: Plan, name: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """What the node's own streams read of its other streams: of each child only what is the child's to say."""
    children = plan.children(name).values()
    families: tuple[tuple[str, subjects.Family], ...] = ((streams.REPORTS, "accepted"), (streams.ORDERS_UP, "order"))
    found: dict[str, list[Mapping[str, Any]]] = {
        stream: [
            _filtered(landing(child.area, stream), subjects.family_filters(family, None, child.where))
            for child in children
        ]
        for stream, family in families
    }
    found[streams.ORDERS_DOWN] = [{"name": streams.ORDERS_UP}]
    if plan.nodes[name].parent is not None:
        found[streams.ORDERS_DOWN].append({"name": PARENT_ORDERS})
    return found


def consumers(plan: Plan, name: str) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """The consumers of a node that others read by, by stream and name."""
    node = plan.nodes[name]
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    if node.parent is not None:
        for stream in GOES_UP:
            found[stream, UP] = consumer(UP, delivery(node.area, stream))
    for child in plan.children(name).values():
        found[streams.ORDERS_DOWN, down(child.area)] = consumer(
            down(child.area), down_delivery(child.area), concerns(child.where)
        )
    return found


def up_inbox(code: str) -> str:
    """Where a child answers what its parent asks of it."""
    return f"up.{code}.inbox"


def down_inbox(code: str) -> str:
    """Where a parent answers what a child asks of it."""
    return f"down.{code}.inbox"


def same_question(code: str) -> str:
    """Where a child asks whether its parent has the same message in a place of its orders: see `sameness.py`."""
    return f"up.{code}.same"


def link_permissions(plan: Plan, child: str) -> Mapping[str, Any]:
    """What a child's link may do at its parent: what sourcing needs, and nothing else.

    Sent up: what its consumers deliver, answers to the parent's questions, and the questions with which it takes its
    place on the parent's orders. Sent down: the parent's questions about the child's streams that go up, its orders,
    and what keeps both flows in step.
    """
    node = plan.nodes[child]
    if node.parent is None:
        raise ValueError(f"{child} has no parent")
    own = f"{streams.ORDERS_DOWN}.{down(node.area)}"
    return {
        "publish": {
            "allow": [
                f"up.{node.area}.>",
                "$JSC.R.>",
                f"$JS.{node.parent}.API.CONSUMER.RESET.{own}",
                f"$JS.{node.parent}.API.CONSUMER.INFO.{own}",
                f"$JS.{node.parent}.API.CONSUMER.PAUSE.{own}",
                f"$JS.FC.{own}.>",
            ],
        },
        "subscribe": {
            "allow": [
                *_asked_of(child),
                *(f"$JS.FC.{stream}.{UP}.>" for stream in GOES_UP),
                f"down.{node.area}.>",
                "$JSC.R.>",
            ],
        },
    }


def _asked_of(child: str) -> list[str]:
    """What a parent may ask of a child: about the streams that go up, and nothing that changes more than a place."""
    api = f"$JS.{child}.API"
    return [
        question
        for stream in GOES_UP
        for question in (
            f"{api}.CONSUMER.RESET.{stream}.{UP}",
            f"{api}.CONSUMER.INFO.{stream}.{UP}",
            f"{api}.CONSUMER.PAUSE.{stream}.{UP}",
            f"{api}.STREAM.INFO.{stream}",
            f"{api}.STREAM.MSG.GET.{stream}",
        )
    ]


#: What a child lets neither out nor in, whatever its parent's server allows: the parent is trusted with orders and to
#: pass reports on, not with the child's own streams, tokens and clients. A list of denials has no exceptions, so what
#: may be asked of JetStream is left out of it call by call.
_OURS_ALONE: Final = ("tp.>", "$KV.>", "$O.>", "_INBOX.>", "_R_.>", "$JS.API.>", "$JS.ACK.>", "$JS.EVENT.>", "$SYS.>")
_STREAM_CALLS: Final = (
    *("CREATE", "UPDATE", "DELETE", "PURGE", "SNAPSHOT", "RESTORE", "TEMPLATE", "PEER", "LEADER", "NAMES", "LIST"),
    "MSG.DELETE",
)
_CONSUMER_CALLS: Final = ("CREATE", "DURABLE", "DELETE", "UNPIN", "LEADER", "MSG", "NAMES", "LIST")


def _kept_from_parent(plan: Plan, name: str) -> list[str]:
    """What nobody beyond the link may do here."""
    api = f"$JS.{name}.API"
    calls = [
        *(f"{api}.STREAM.{call}.>" for call in _STREAM_CALLS),
        *(f"{api}.CONSUMER.{call}.>" for call in _CONSUMER_CALLS),
        *(f"{api}.{call}" for call in ("STREAM.NAMES", "STREAM.LIST", "INFO")),
        *(f"{api}.{call}.>" for call in ("DIRECT", "META", "ACCOUNT", "SERVER", "INFO")),
    ]
    others = [
        f"{api}.{kind}.{stream}{rest}"
        for stream in _NOT_UP
        for kind, rest in (
            ("STREAM.INFO", ""),
            ("STREAM.MSG.GET", ""),
            ("CONSUMER.INFO", ".*"),
            ("CONSUMER.RESET", ".*"),
            ("CONSUMER.PAUSE", ".*"),
        )
    ]
    parts = [child.area for child in plan.children(name).values()]
    readers = [
        f"{api}.CONSUMER.{call}.{stream}.{reader}"
        for call in ("RESET", "PAUSE")
        for stream in GOES_UP
        for reader in (*_READERS, *(f"{each}-{code}" for each in _BY_PART for code in parts))
    ]
    return [*_OURS_ALONE, *calls, *others, *readers]


_NOT_UP: Final = tuple(
    name
    for name in (
        *(stream.name for stream in streams.STREAMS),
        *(
            f"KV_{bucket}"
            for bucket in ("TOKENS", "SESSIONS", "HTTP_KNOWN", "NOTIFIED", "NOTIFY_DEAD", "LINKS", "NODE")
        ),
        PARENT_ORDERS,
    )
    if name not in GOES_UP
)


#: The consumers of the node's own services: to move one would make a service miss what it has not read.
_BY_PART: Final = tuple(f"aggregator-{reality}" for reality in REALITIES)
"""Those that there are of each child's part of the log too."""
_READERS: Final = ("archiver", "aggregator-orders", *_BY_PART)


def reporter_permissions(kommun: str) -> Mapping[str, Any]:
    """What a kommun without a node may do where it publishes: send reports of its own, and hear the answers."""
    area = Area("kommun", kommun)
    return {
        "publish": {"allow": list(subjects.family_filters("report", None, area))},
        "subscribe": {"allow": [f"{inbox(kommun)}.>"]},
    }


def inbox(kommun: str) -> str:
    """Where a kommun without a node hears answers: a prefix of its own, so that none hears another's."""
    return f"_INBOX.{kommun}"


def users(plan: Plan, name: str) -> list[dict[str, Any]]:
    """The users of the node's account besides its own: its children's links."""
    return [
        {"nkey": key, "permissions": link_permissions(plan, child), "allowed_connection_types": ["LEAFNODE"]}
        for child, node in plan.children(name).items()
        for key in node.link
    ]


def reporters(plan: Plan, name: str) -> list[dict[str, Any]]:
    """The users of the reporters' account: kommuner without a node, that publish here."""
    return [
        {"nkey": key, "permissions": reporter_permissions(code), "allowed_connection_types": ["STANDARD"]}
        for code, reporter in sorted(plan.reporters.items())
        if reporter.node == name
        for key in reporter.keys
    ]


def remote(plan: Plan, name: str, *, seed: str, tls: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The link to the parent in the server's configuration; None: there is no parent.

    What is published here must not cross the link as plain interest, or it is stored twice; nor must a client of the
    parent's write into this node's streams.

    Args:
        plan: the federation.
        name: the node.
        seed: the secret part of its link's key.
        tls: how the link is encrypted; None: it is not.
    """
    node: Node = plan.nodes[name]
    if node.parent is None:
        return None
    url = plan.nodes[node.parent].leaf
    config: dict[str, Any] = {
        "urls": [url],
        "nkey": seed,
        "account": ACCOUNT,
        "first_info_timeout": _FIRST_WORD,
        "deny_exports": list(_OURS_ALONE),
        "deny_imports": _kept_from_parent(plan, name),
    }
    return config | ({"tls": dict(tls)} if tls else {})


def _filtered(stream: str, filters: Sequence[str]) -> Mapping[str, Any]:
    if len(filters) == 1:
        return {"name": stream, "filter_subject": filters[0]}
    return {"name": stream, "subject_transforms": [{"src": each, "dest": ""} for each in filters]}
