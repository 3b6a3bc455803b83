"""Sending what must not be lost: until the server says that it is stored, refuses it, or the time is out."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vardkase_contracts.client.connection import Connection, Denied, NoAnswer, NoResponders
from vardkase_contracts.client.errors import PublishRefused, RefusedBecause, Unconfirmed

_NO_STREAM_RETRIES: Final = 2
_NO_STREAM_WAIT_S: Final = 0.25
"""A server that is starting, or a cluster without a leader, has no responders for a moment."""
_FULL: Final = frozenset({10023, 10047, 10077})
"""JetStream's errors for too little storage, and for a stream that takes no more."""
_TOO_LARGE: Final = 10054


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What the server said when it stored a message."""

    sequence: int
    """Its place in the stream."""
    duplicate: bool
    """Whether the same id had just been stored: then it was not stored again."""


class Publisher:
    """Publishes to streams, and tells every refusal apart."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        message_id: str,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> Stored:
        """Store a message. While the connection is lost it waits, and sends again, as long as there is time.

        Args:
            subject: where to.
            payload: at most what the server takes.
            message_id: makes a quick repeat harmless (`Nats-Msg-Id`).
            timeout_s: how long to try, in seconds.
            headers: beside those that are always there.

        Raises:
            PublishRefused: not stored.
            Unconfirmed: no answer in time; it may be stored.
            ConnectionGone: the connection is closed for good.
        """
        if len(payload) > self._connection.max_payload:
            detail = f"{len(payload)} bytes; the server takes at most {self._connection.max_payload}"
            raise PublishRefused(subject, "too_large", detail)
        deadline = time.monotonic() + timeout_s
        why, unheard = "no connection", 0
        sent = {"Nats-Msg-Id": message_id, "Content-Type": "application/cloudevents+json", **(headers or {})}
        while (left := deadline - time.monotonic()) > 0:
            if self._connection.gone is not None:
                raise self._connection.gone
            try:
                async with asyncio.timeout(left):
                    await self._connection.up.wait()
                left = max(deadline - time.monotonic(), 0.001)
                answer = await self._connection.request(subject, payload, headers=sent, timeout_s=left)
            except Denied as error:
                raise PublishRefused(subject, "permission", f"this user may not publish here ({error})") from error
            except NoResponders as error:
                unheard += 1
                if unheard > _NO_STREAM_RETRIES:
                    raise PublishRefused(subject, "no_stream", "no stream at this node stores this subject") from error
                await asyncio.sleep(_NO_STREAM_WAIT_S)
            except NoAnswer as error:
                why = str(error)
            except TimeoutError:
                break
            else:
                return self._stored(subject, json.loads(answer.data))
        raise Unconfirmed(subject, f"not confirmed within {timeout_s:g} s ({why}); it is safe to send it again")

    @staticmethod
    def _stored(subject: str, answer: dict[str, Any]) -> Stored:
        error = answer.get("error")
        if error is None:
            return Stored(sequence=answer["seq"], duplicate=answer.get("duplicate", False))
        number = error.get("err_code")
        reason: RefusedBecause = "full" if number in _FULL else "too_large" if number == _TOO_LARGE else "server"
        raise PublishRefused(subject, reason, f"{error.get('description', 'unknown error')} ({number})")
