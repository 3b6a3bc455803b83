"""What writing to a stream can end in."""

from typing import Final

from vardkase.runtime.jetstream.api import STORE_FAILED

_FULL: Final = {STORE_FAILED, 10002, 10023, 10047}
"""The stream's limit, the account's, the server's resources, its disk."""


class WriteFailed(Exception):  # noqa: N818 -- what happened
    """Writing to a stream failed. The kinds below say how."""


class WriteConflict(WriteFailed):
    """Compare-and-set was refused: somebody else wrote to the subject.

    Attributes:
        subject: the subject.
    """

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} has another last sequence than expected: somebody else writes to it")
        self.subject = subject


class WriteRefused(WriteFailed):
    """The server refuses the message, or the batch.

    Attributes:
        code: JetStream's own number of the error; 403 when this user may not publish there, 413 when the message is
            longer than the server takes.
        description: in the server's words.
    """

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{description} ({code})")
        self.code = code
        self.description = description

    @property
    def full(self) -> bool:
        """Whether the stream or its disk is full: the same may be stored later."""
        return self.code in _FULL


class WriteTimeout(WriteFailed):
    """The server did not confirm in time. What was written may be stored or not."""
