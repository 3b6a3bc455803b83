# ruff: noqa: N818 -- an error is named for what happened, and stands in an except clause
"""What can go wrong for a client, each with what a program needs to act on it."""

from collections.abc import Mapping, Sequence
from typing import Literal

RefusedBecause = Literal["permission", "no_stream", "full", "too_large", "server"]
"""Why the server took no message: this user may not; nothing stores that subject here; the stream is full;
the message is too large; another reason, in the detail."""

UnreadableBecause = Literal["permission", "no_stream", "server"]
"""Why the server gives no values: this user may not; there is no such stream here; another reason, in the detail."""


class ClientError(Exception):
    """Any error of the client. Programming errors (a wrong type, a closed feed) are Python's own."""


class ConnectFailed(ClientError):
    """No connection could be made in the time given, or the server turned the credentials down."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"cannot connect to {url}: {detail}")
        self.url = url
        """Where to, without passwords."""
        self.detail = detail
        """What the last attempt met."""


class ConnectionGone(ClientError):
    """The connection is closed for good: by `close`, or by the server (credentials revoked or expired)."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the connection is closed: {detail}")
        self.detail = detail
        """By whom, or what the server said."""


class InvalidEvent(ClientError, ValueError):
    """A report or an order that every node would refuse; nothing was sent."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        """Where, as a path: `data.power.fuel_l`."""
        self.detail = detail
        """What is wrong with it."""


class PublishRefused(ClientError):
    """The server did not store the event. Sending it again unchanged will not help, but for `full`."""

    def __init__(self, subject: str, reason: RefusedBecause, detail: str) -> None:
        super().__init__(f"{subject}: {detail}")
        self.subject = subject
        """What was published to."""
        self.reason: RefusedBecause = reason
        """Why, for a program."""
        self.detail = detail
        """Why, for a person."""


class Unconfirmed(ClientError):
    """No answer in time: the event may be stored, or may yet be. It is safe to send it again, unchanged."""

    def __init__(self, subject: str, detail: str) -> None:
        super().__init__(f"{subject}: {detail}")
        self.subject = subject
        """What was published to."""
        self.detail = detail
        """What was waited for, and how long."""


class BatchIncomplete(ClientError):
    """Some events of a batch were not confirmed; each one's error stands at its place."""

    def __init__(self, results: Sequence[object], errors: Mapping[int, ClientError]) -> None:
        first = min(errors)
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{len(errors)} of {len(results)} not confirmed; event {first}: {errors[first]}{more}")
        self.results = tuple(results)
        """By place in the batch: an `Ack`, or None where there is an error."""
        self.errors = dict(errors)
        """By place in the batch."""


class ReadRefused(ClientError):
    """The server gives no values of this kind to this user."""

    def __init__(self, stream: str, reason: UnreadableBecause, detail: str) -> None:
        super().__init__(f"{stream}: {detail}")
        self.stream = stream
        """The stream that was to be read."""
        self.reason: UnreadableBecause = reason
        """Why, for a program."""
        self.detail = detail
        """Why, for a person."""


class InvalidValue(ClientError):
    """A stored value that this version of the contracts cannot read. The feed goes on after it."""

    def __init__(self, subject: str, sequence: int, detail: str) -> None:
        super().__init__(f"{subject} (sequence {sequence}): {detail}")
        self.subject = subject
        """What it was published to."""
        self.sequence = sequence
        """Its place in the stream."""
        self.detail = detail
        """What could not be read."""
