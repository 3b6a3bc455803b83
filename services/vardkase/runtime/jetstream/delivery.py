"""A message of a stream, as it is handed to whoever reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from nats.aio.msg import Msg

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_ACK: Final = "$JS.ACK."
_SHORT: Final = 9
"""`$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>`."""
_LONG: Final = 11
"""The same with `<domain>.<account>` after `ACK`, and perhaps a random token last."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of a stream."""

    subject: str
    """As it was published. What is not UTF-8 in it is U+FFFD."""
    data: bytes
    """The payload."""
    headers: Mapping[str, str]
    """Empty when there were none, or none that could be read."""
    sequence: int
    """In the stream."""
    stored_at: int
    """When the stream stored it, µs since the epoch."""
    pending: int
    """How many more the consumer had for its reader when this one was sent."""
    reply: str
    """Where it is acknowledged."""
    generation: int = field(default=0, compare=False, repr=False)
    """Which binding of its reader it came by: see `PullReader.ack`."""


class Position(NamedTuple):
    """What the server says of a message in its reply subject."""

    stream: int
    """Sequence in the stream."""
    consumer: int
    """Sequence of deliveries by the consumer: without gaps, from 1."""
    stored_at: int
    """µs since the epoch."""
    pending: int
    """How many follow."""


def position(reply: str) -> Position | None:
    """The position that a delivery's reply subject tells; None when it is no delivery (a status of the server)."""
    if not reply.startswith(_ACK):
        return None
    tokens = reply.split(".")
    first = 5 if len(tokens) == _SHORT else 7
    if len(tokens) != _SHORT and len(tokens) < _LONG:
        return None
    stream, consumer, nanoseconds, pending = map(int, tokens[first : first + 4])
    return Position(stream, consumer, nanoseconds // 1000, pending)


def delivery(msg: Msg, at: Position, *, generation: int = 0) -> Delivery:
    """The delivery that a message of nats-py is."""
    return Delivery(
        msg.subject,
        msg.data,
        msg.headers or _NO_HEADERS,
        at.stream,
        at.stored_at,
        at.pending,
        msg.reply,
        generation,
    )
