"""The streams and buckets of a node as data, made and mended from it. Nothing else makes streams.

Limits retention and file storage throughout. The log refuses what is new rather than lose what is old; of states,
pictures and what is public the last value of each subject is kept, so that a new reader has the whole picture at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nats.aio.client import Client

from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.api import STREAM_NOT_FOUND, ApiError, call
from vardkase_contracts import streams
from vardkase_contracts.areas import Area
from vardkase_contracts.subjects import Family, family_filters
from vardkase_contracts.vocab import REALITIES, Reality

_MIB: Final = 1 << 20
_SECOND_NS: Final = 1_000_000_000
_DAY_NS: Final = 86_400 * _SECOND_NS

_LAST: Final[Mapping[str, Any]] = {"max_msgs_per_subject": 1, "allow_direct": True}


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """How one of the contract's streams, or a bucket of keys and values, is kept."""

    name: str
    #: Room in MiB on a disk that has it; on a smaller one all shrink alike.
    room: int
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: The subjects of what is no stream of the contract's, or of one that takes nothing but from its sources; None:
    #: those of its family.
    subjects: tuple[str, ...] | None = None


def _bucket(name: str, *, room: int, longest: int, **more: Any) -> Kept:
    """A bucket as NATS' own clients know them (`nats kv ls TOKENS`): the last value of each key."""
    bounds = {"max_msg_size": longest, "allow_rollup_hdrs": True, "deny_delete": True}
    return Kept(name=f"KV_{name}", room=room, more={**_LAST, **bounds, **more}, subjects=(f"$KV.{name}.>",))


NOTIFIED: Final = "NOTIFIED"
"""The bucket of what receivers outside were told."""
DEAD_LETTERS: Final = "NOTIFY_DEAD"
"""The bucket of what they did not take."""
LINKS: Final = "LINKS"
"""The bucket in which a node tells how its links are: see `told`."""
NODE: Final = "NODE"
"""The bucket in which a node tells what holds for all of it, whatever computer is asked: see `patience`."""
LOG: Final = Kept(name=streams.REPORTS, room=8192, more={"duplicate_window": 120 * _SECOND_NS, "allow_direct": True})
"""The log."""
KEPT: Final = (
    # The raw messages, a week of them. The window is as small as the server allows: a forged message id must not
    # suppress a stranger's report. It refuses when full: whoever sends is told, and nothing is lost silently.
    Kept(name=streams.INTAKE, room=2048, more={"max_age": 7 * _DAY_NS, "duplicate_window": _SECOND_NS // 10}),
    LOG,
    # Beside INTAKE, which has the bytes: here the oldest may go.
    Kept(name=streams.REJECTED, room=512, more={"discard": "old", "duplicate_window": 120 * _SECOND_NS}),
    Kept(name=streams.STATE, room=2048, more=_LAST),
    Kept(name=streams.PICTURES, room=512, more=_LAST),
    Kept(name=streams.ALERTS, room=2048, more={"allow_direct": True}),
    Kept(name=streams.ORDERS_UP, room=256, more={"allow_direct": True}),
    Kept(name=streams.AUDIT, room=512),
)
"""The contract's, in the node's account."""
ORDERS_DOWN: Final = Kept(name=streams.ORDERS_DOWN, room=256, more={"allow_direct": True}, subjects=())
"""Of a node in a federation, besides: it takes nothing but from its sources."""
BUCKETS: Final = (
    # Whom the gateways let in, by hashes alone. What has ended long ago goes by itself (a message's own time to live).
    _bucket("TOKENS", room=64, longest=4096, allow_msg_ttl=True),
    _bucket("SESSIONS", room=32, longest=4096, allow_msg_ttl=True, max_age=31 * _DAY_NS),
    # What was sent over HTTP, to know it when it is sent again. Without it a repeat is taken in anew, and changes
    # nothing: so the oldest may go.
    _bucket("HTTP_KNOWN", room=1024, longest=_MIB // 8, discard="old", max_age=7 * _DAY_NS),
    # Which of several notifiers tells, and what each webhook was last told of each alert: without it, all that stands
    # is told again. What has ended goes by itself. Beside it what was not taken, a month of it; the oldest may go.
    _bucket(NOTIFIED, room=64, longest=4096, allow_msg_ttl=True),
    _bucket(DEAD_LETTERS, room=128, longest=_MIB // 4, discard="old", max_age=30 * _DAY_NS),
    # How the links are: one document, the last. Without it nothing is known of them until it is told again.
    _bucket(LINKS, room=16, longest=_MIB // 4, discard="old"),
    # What holds for the node, told by itself: a few short documents. Without it they are told at the next start.
    _bucket(NODE, room=1, longest=4096, discard="old"),
)
"""The gateways' own, and what the node tells of its links and of itself; in the node's account."""
OWN: Final = (*KEPT, *BUCKETS)
"""All in the account of a node that is alone."""
SHORTEST: Final = _SECOND_NS // 10
"""The smallest window for duplicates that the server takes, ns."""

Sources = Mapping[str, Sequence[Mapping[str, Any]]]
"""What streams read of other streams of the same node, by the stream's name: see `wiring.local_sources`."""

# Who reads it is anyone: what a reader makes there goes away with the reader.
PUBLIC: Final = Kept(
    name=streams.PUBLIC,
    room=256,
    more={**_LAST, "max_consumers": 5000, "consumer_limits": {"inactive_threshold": 300 * _SECOND_NS}},
)
"""In the public account."""

ROOM: Final = sum(kept.room for kept in (*OWN, PUBLIC)) * _MIB
"""The bytes that all streams may take on a disk that has them."""


def of_node(sources: Sources | None) -> tuple[Kept, ...]:
    """All streams and buckets in a node's account, but those that its links make.

    Args:
        sources: of a node in a federation; None: it is alone.
    """
    return OWN if sources is None else (*OWN, ORDERS_DOWN)


def orders_stream(*, federated: bool) -> str:
    """The stream with all orders that a node is to follow: those given here and below, and in a federation above."""
    return streams.ORDERS_DOWN if federated else streams.ORDERS_UP


def config(
    kept: Kept, area: Area, share: float = 1.0, sources: Sources | None = None, *, replicas: int = 1
) -> dict[str, Any]:
    """A stream's configuration at a node.

    Args:
        kept: how it is kept.
        area: the node's.
        share: of the room that it would have on a disk large enough.
        sources: of a node in a federation; None: it is alone.
        replicas: how many servers keep it.
    """
    made = {
        "name": kept.name,
        "subjects": list(_of_family(kept.name, area) if kept.subjects is None else kept.subjects),
        "retention": "limits",
        "storage": "file",
        "discard": "new",
        "max_bytes": max(_MIB, int(kept.room * share) * _MIB),
        "num_replicas": replicas,
        "allow_atomic": True,
        **kept.more,
    }
    if sources is not None and kept.name in sources:
        read = [dict(each) for each in sources[kept.name]]
        # What another node sends has ids of its choosing: one must not suppress a stranger's message.
        made |= {"sources": read} | ({"duplicate_window": SHORTEST} if read else {})
    return made


def _of_family(name: str, area: Area) -> list[str]:
    families: dict[str, Family] = {stream.name: stream.family for stream in streams.STREAMS}
    family = families[name]
    realities: tuple[Reality, ...] = ("act",) if family == "public" else REALITIES
    return [each for reality in realities for each in family_filters(family, reality, area)]


def differences(have: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Where a stream's configuration is not as it must be: what it has and what is wanted, by field.

    Args:
        have: as the server tells it.
        wanted: as `config` makes it; what it does not name is an operator's to set.
    """
    return {key: (have.get(key), value) for key, value in wanted.items() if _plain(have.get(key)) != _plain(value)}


async def ensure(
    nc: Client, area: Area, *, share: float = 1.0, sources: Sources | None = None, replicas: int = 1
) -> None:
    """Make the streams and buckets of the node's account, and mend those that are otherwise.

    Args:
        nc: a connection to the node's account.
        area: the node's.
        share: of the room that the streams would have on a disk large enough; a stream that is there keeps its room.
        sources: of a node in a federation; None: it is alone.
        replicas: how many servers keep each of them.

    Raises:
        Failed: one cannot be as it must be: one line that names it.
    """
    for kept in of_node(sources):
        await see_to(nc, config(kept, area, share, sources, replicas=replicas))


async def ensure_public(nc: Client, area: Area, *, share: float = 1.0, replicas: int = 1) -> None:
    """Make the stream of the public account, and mend it when it is otherwise.

    Raises:
        Failed: it cannot be as it must be.
    """
    await see_to(nc, config(PUBLIC, area, share, replicas=replicas))


async def fill_ratios(nc: Client, kept: Sequence[Kept] = KEPT) -> dict[str, float]:
    """How full streams are, each as a share of its room.

    Args:
        nc: a connection to their account.
        kept: which; those of the node's account unless given.

    Raises:
        ApiError, NoAnswer: one of them cannot be asked.
    """
    ratios: dict[str, float] = {}
    for each in kept:
        info = await call(nc, f"STREAM.INFO.{each.name}")
        room = info["config"].get("max_bytes", -1)
        ratios[each.name] = info["state"]["bytes"] / room if room > 0 else 0.0
    return ratios


async def see_to(nc: Client, wanted: dict[str, Any]) -> None:
    """Make one stream, or mend it when it is otherwise; one that is there keeps its room.

    Raises:
        Failed: it cannot be as it must be: one line that names it.
    """
    name = wanted["name"]
    try:
        have = (await call(nc, f"STREAM.INFO.{name}"))["config"]
    except ApiError as error:
        if error.err_code != STREAM_NOT_FOUND:
            raise
        await _made(nc, "CREATE", wanted)
        return
    # What an operator has set beyond what we name, its room above all, stays.
    mended = {**wanted, "max_bytes": have["max_bytes"] if have.get("max_bytes", -1) > 0 else wanted["max_bytes"]}
    if differences(have, mended):
        await _made(nc, "UPDATE", {**have, **mended})


def _plain(value: Any) -> Any:
    """What the server leaves out of its answer is what it calls false, or nothing; the order of a list says nothing."""
    if isinstance(value, Mapping):
        return tuple(sorted((key, repr(_plain(each))) for key, each in value.items() if each)) or None
    return sorted(map(_plain, value), key=repr) or None if isinstance(value, list) else value or None


async def _made(nc: Client, verb: str, wanted: dict[str, Any]) -> None:
    try:
        await call(nc, f"STREAM.{verb}.{wanted['name']}", wanted)
    except ApiError as error:
        what = "made" if verb == "CREATE" else "mended"
        raise Failed(f"the stream {wanted['name']} cannot be {what}: {error.description}") from None
