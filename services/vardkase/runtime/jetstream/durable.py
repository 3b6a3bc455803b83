"""A reader's consumer as the server keeps it: made when it is missing, given its filters, set to a place."""

from collections.abc import Sequence
from typing import Any, Final

from nats.aio.client import Client

from vardkase.runtime.jetstream.api import CONSUMER_NOT_FOUND, TIMEOUT, ApiError, call

_ACK_WAIT: Final = 600.0
"""Seconds after which the server repeats what was not acknowledged. Long: after a crash the reset repeats it at once,
and a reader that waits for a full stream must not be sent the same over and over."""
_WITHIN: Final = 0.5
"""Half the seconds that JetStream is given at first to answer when binding: a link may break meanwhile."""
_SECOND: Final = 1_000_000_000
_ALL: Final[dict[str, Any]] = {"ack_policy": "all", "deliver_policy": "all", "replay_policy": "instant"}


class NotOurs(Exception):  # noqa: N818 -- what is the matter
    """There is a consumer of this name that cannot be read so: its text is one line that names it."""


class Durable:
    """A durable pull consumer that acknowledges all up to a message.

    Args:
        nc: a connection.
        stream: the stream's name.
        name: the consumer's.
        filters: the subjects that it reads; they must not overlap.
        most: messages that may be sent and not acknowledged.
    """

    def __init__(self, nc: Client, *, stream: str, name: str, filters: Sequence[str], most: int) -> None:
        self._nc = nc
        self._stream = stream
        self._name = name
        self._where = f"{stream}.{name}"
        self._filters = sorted(filters)
        self._limits = {"ack_wait": int(_ACK_WAIT * _SECOND), "max_ack_pending": most}
        self._within = _WITHIN

    async def stream(self) -> dict[str, Any]:
        """The stream's info."""
        return await self._ask(f"STREAM.INFO.{self._stream}")

    async def info(self, within: float) -> dict[str, Any]:
        """The consumer's info, in so many seconds."""
        return await call(self._nc, f"CONSUMER.INFO.{self._where}", within=within)

    async def find(self) -> dict[str, Any] | None:
        """The consumer's info, once it has our filters and limits; None when there is no such consumer.

        Raises:
            NotOurs: it is of another kind.
            ApiError: the server refuses.
            NoAnswer: the server does not answer.
        """
        try:
            info = await self._ask(f"CONSUMER.INFO.{self._where}")
        except ApiError as error:
            if error.err_code != CONSUMER_NOT_FOUND:
                raise
            return None
        config = info["config"]
        if config.get("deliver_subject") or any(config.get(name) != value for name, value in _ALL.items()):
            raise NotOurs(f"the consumer {self._name} of the stream {self._stream} is of another kind; delete it")
        filters = config.get("filter_subjects") or [config.get("filter_subject", "")]
        if sorted(filters) != self._filters or any(config.get(name) != value for name, value in self._limits.items()):
            return await self._ask(f"CONSUMER.DURABLE.CREATE.{self._where}", self._request())
        return info

    async def make(self, after: int) -> dict[str, Any]:
        """Make it, to read on after this sequence. Its info.

        Raises:
            ApiError: the server refuses.
            NoAnswer: the server does not answer.
        """
        await self._ask(f"CONSUMER.DURABLE.CREATE.{self._where}", self._request() | {"action": "create"})
        return await self.reset(after)

    async def reset(self, after: int) -> dict[str, Any]:
        """Have it send everything after this sequence again, whatever was acknowledged. Its info.

        Raises:
            ApiError: the server refuses.
            NoAnswer: the server does not answer.
        """
        return await self._ask(f"CONSUMER.RESET.{self._where}", {"seq": after + 1})

    def _request(self) -> dict[str, Any]:
        config = _ALL | self._limits | {"durable_name": self._name, "filter_subjects": self._filters, "max_deliver": -1}
        return {"stream_name": self._stream, "config": config}

    async def _ask(self, subject: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask JetStream; a little longer each time that it did not answer."""
        self._within = min(2 * self._within, TIMEOUT)
        answer = await call(self._nc, subject, body, within=self._within)
        self._within = _WITHIN
        return answer
