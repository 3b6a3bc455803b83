"""A message of a stream, as it is handed to whoever reads."""

from typing import Final, NamedTuple

from vardkase.runtime.jetstream.headers import read

_ACK: Final = b"$JS.ACK."
_SHORT: Final = 9
"""`$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>`."""
_LONG: Final = 11
"""The same with `<domain>.<account>` after `ACK`, and perhaps a random token last."""
_ANSWERS: Final = (b'{"type":"io.nats.', b'{"stream":"', b'{"error":', b"+ACK", b"-ERR")
"""How what the server answers begins. A document of ours begins with none of these."""


class Delivery(NamedTuple):
    """One message of a stream. A tuple, since every message of every stream is made one."""

    subject: str
    """As it was published. What is not UTF-8 in it is U+FFFD."""
    data: bytes
    """The payload."""
    head: bytes
    """The headers as they stand on the wire; empty when there are none."""
    sequence: int
    """In the stream."""
    stored_at: int
    """When the stream stored it, µs since the epoch."""
    pending: int
    """How many more the consumer had for its reader when this one was sent."""
    reply: str
    """Where it is acknowledged."""
    generation: int = 0
    """Which binding of its reader it came by: see `PullReader.ack`."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers, read anew each time: empty when there were none, or none that could be read."""
        return read(self.head) if self.head else {}


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


def is_answer(data: bytes) -> bool:
    """Whether this is an answer of the server, and no document that a service wrote.

    Who asks says where the answer goes, and no permission says where that may be: whoever may ask anything at all can
    have an answer stored where documents stand. He chooses the place, and nothing of what is in it.
    """
    return not data or data.startswith(_ANSWERS)


def position(reply: bytes) -> Position | None:
    """The position that a delivery's reply subject tells; None when it is no delivery (a status of the server)."""
    if not reply.startswith(_ACK):
        return None
    tokens = reply.split(b".")
    first = 5 if len(tokens) == _SHORT else 7
    if len(tokens) != _SHORT and len(tokens) < _LONG:
        return None
    stream, consumer, nanoseconds, pending = tokens[first : first + 4]
    return Position(int(stream), int(consumer), int(nanoseconds) // 1000, int(pending))
