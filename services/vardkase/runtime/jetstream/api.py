"""JetStream's JSON API: one request, one answer, one kind of error. For what nats-py lacks or rounds off."""

import json
from collections.abc import Mapping
from typing import Any, Final

import nats.errors
from nats.aio.client import Client

PREFIX: Final = "$JS.API"
"""What the subjects of the API begin with."""
TIMEOUT: Final = 5.0
"""Seconds that an answer may take unless the caller says otherwise."""

CONSUMER_NOT_FOUND: Final = 10014
STREAM_NOT_FOUND: Final = 10059
MESSAGE_NOT_FOUND: Final = 10037
WRONG_LAST_ID: Final = 10070
"""The last message id is not the expected one."""
WRONG_LAST_SEQUENCE: Final = 10071
"""Compare-and-set refused. The description ends with the sequence that the subject has now."""
WRONG_LAST_SEQUENCE_CONSTANT: Final = 10164
"""Compare-and-set refused, without saying what the subject has now: two messages of one batch on one subject."""
BATCH_INCOMPLETE: Final = 10176
"""A part of an atomic batch did not arrive, or was refused on its own (too long, no such subject)."""
BATCH_DUPLICATE: Final = 10201
"""An atomic batch held a message id that the stream, or the batch, has already."""
BATCH_TOO_MANY: Final = 10210
"""Too many atomic batches are begun and not committed (50 a stream)."""
EXPECTED_STREAM: Final = 10060
"""The message names another stream than its subject's."""
STORE_FAILED: Final = 10077
"""The stream could not store: with `discard: new` it is full."""


class NoAnswer(Exception):  # noqa: N818 -- what happened
    """JetStream did not answer in time, or nothing listens: the server is away, starting, or may not be asked."""


class ApiError(Exception):
    """JetStream answered with an error.

    Attributes:
        code: as in HTTP: 400, 404, 503.
        err_code: JetStream's own number.
        description: its words.
    """

    def __init__(self, code: int, err_code: int, description: str) -> None:
        super().__init__(f"{description} ({code}, {err_code})")
        self.code = code
        self.err_code = err_code
        self.description = description

    @classmethod
    def of(cls, error: Mapping[str, Any]) -> "ApiError":
        """The error of an answer's `error` object."""
        return cls(error.get("code", 0), error.get("err_code", 0), error.get("description", ""))


async def call(
    nc: Client, subject: str, body: Mapping[str, Any] | None = None, *, within: float = TIMEOUT
) -> dict[str, Any]:
    """Ask JetStream.

    Args:
        nc: a connection.
        subject: without the prefix: `STREAM.INFO.REPORTS`.
        body: the request.
        within: seconds that the answer may take.

    Raises:
        ApiError: it answered with an error.
        NoAnswer: it did not answer in time.
        nats.errors.ConnectionClosedError: the connection was closed for good.
    """
    data = b"" if body is None else json.dumps(body).encode()
    try:
        answer = json.loads((await nc.request(f"{PREFIX}.{subject}", data, timeout=within)).data)
    except (nats.errors.TimeoutError, nats.errors.NoRespondersError, nats.errors.OutboundBufferLimitError) as error:
        raise NoAnswer(f"JetStream does not answer {subject}: {error}") from error
    if "error" in answer:
        raise ApiError.of(answer["error"])
    return answer
