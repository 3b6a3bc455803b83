"""Messages on their way into a stream, and how they are cut into atomic batches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

MOST: Final = 1000
"""The most messages that the server takes in one atomic batch (10199 for more)."""
WRITER: Final = "Tp-Writer"
"""The header that tells a message of ours: `<writer's id>/<number>`."""
MESSAGE_ID: Final = "Nats-Msg-Id"
"""The header by which the server knows a repeat."""
_OVERHEAD: Final = 200
"""Bytes of protocol and headers beside a message's payload, roughly."""


class Outgoing(NamedTuple):
    """A message to be written: made with keywords. A tuple, since every message of every stream was one."""

    subject: str
    """Where to."""
    data: bytes
    """The payload."""
    headers: Mapping[str, str] | None = None
    """Headers of its own."""
    message_id: str | None = None
    """The id by which the stream knows a repeat, within its duplicate window and whatever the subject."""
    expected: int | None = None
    """Compare-and-set: the sequence that the subject's last message must have; 0 when there must be none."""


class Marked(NamedTuple):
    """A message with what it can be recognised by in the stream."""

    place: int
    """Its place among what was to be written."""
    message: Outgoing
    mark: str
    """Its message id, or its number by this writer."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers that it is published with."""
        headers = dict(self.message.headers or {})
        if self.message.message_id is None:
            headers[WRITER] = self.mark
        else:
            headers[MESSAGE_ID] = self.message.message_id
        if self.message.expected is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(self.message.expected)
        return headers


def on_the_wire(message: Outgoing, headers: Mapping[str, str]) -> int:
    """The bytes that the server counts against its longest message: payload and headers."""
    return len(message.data) + 12 + sum(len(name) + len(value.encode()) + 4 for name, value in headers.items())


def covers(pattern: str, subject: str) -> bool:
    """Whether a stream with this subject takes what is published on another; wildcards as NATS has them."""
    wanted, tokens = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        if len(tokens) <= len(wanted):
            return False
        tokens = tokens[: len(wanted)]
    return len(wanted) == len(tokens) and all(one in {"*", other} for one, other in zip(wanted, tokens, strict=True))


def mark_of(headers: Mapping[str, str]) -> str | None:
    """What a stored message is recognised by."""
    return headers.get(MESSAGE_ID) or headers.get(WRITER)


def cut(messages: Sequence[Marked], *, most: int, most_bytes: int) -> Iterator[list[Marked]]:
    """Cut into batches, in order: each subject at most once in a batch where compare-and-set is used on it.

    Args:
        messages: in order.
        most: messages of a batch.
        most_bytes: bytes of a batch, roughly; a longer message stands alone.
    """
    batch: list[Marked] = []
    compared: dict[str, bool] = {}
    size = 0
    for one in messages:
        message = one.message
        length = len(message.data) + len(message.subject) + _OVERHEAD
        compares = message.expected is not None
        clash = message.subject in compared and (compares or compared[message.subject])
        if batch and (len(batch) >= most or size + length > most_bytes or clash):
            yield batch
            batch, compared, size = [], {}, 0
        batch.append(one)
        compared[message.subject] = compares or compared.get(message.subject, False)
        size += length
    if batch:
        yield batch
