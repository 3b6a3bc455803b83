"""Questions to the node at the other end of a link, and their answers: over subjects that are that link's alone.

A node's usual inboxes do not cross a link: whoever is at its other end could answer another's question.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from vardkase.runtime.jetstream.api import PREFIX, ApiError, NoAnswer
from vardkase.runtime.jetstream.connection import Connection

_LONGEST: Final = 4 << 20
"""Longest answer in bytes: a message of 2 MiB, in base64."""
_MOST: Final = 256
"""Questions that may wait for an answer."""


class Asking:
    """The questions to one node.

    Args:
        nc: the connection to one's own node.
        node: the other one: its JetStream domain.
        inbox: the subject that answers come back under; the link lets nothing else's answers through there.
        within: seconds that an answer may take.
    """

    def __init__(self, nc: Connection, node: str, inbox: str, within: float) -> None:
        self._nc = nc
        self._node = node
        self._inbox = inbox
        self._within = within
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._listening: Subscription | None = None
        self._asked = 0

    async def open(self) -> None:
        """Begin to listen for answers."""
        # The name of the inbox is new each time: an answer to a question of an earlier life is no answer.
        self._inbox = f"{self._inbox}.{self._nc.new_inbox().rpartition('.')[2]}"
        self._listening = await self._nc.subscribe(f"{self._inbox}.*", cb=self._answered)

    async def close(self) -> None:
        """Stop listening."""
        listening, self._listening = self._listening, None
        if listening is not None and self._nc.is_connected:
            await listening.unsubscribe()

    async def api(self, subject: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask the other node's JetStream.

        Args:
            subject: without the prefix: `STREAM.INFO.REPORTS`.
            body: the request.

        Raises:
            ApiError: it answered with an error.
            NoAnswer: it did not answer in time, or what came is no answer.
        """
        answer = await self.ask(f"{PREFIX.replace('$JS', f'$JS.{self._node}', 1)}.{subject}", body)
        if "error" in answer:
            raise ApiError.of(answer["error"])
        return answer

    async def ask(self, subject: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask on a subject.

        Raises:
            NoAnswer: nothing came in time, or what came is no answer.
        """
        if len(self._waiting) >= _MOST:
            raise NoAnswer(f"{self._node} is asked too much at once")
        self._asked += 1
        token = str(self._asked)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[token] = answer
        data = b"" if body is None else json.dumps(body).encode()
        try:
            async with asyncio.timeout(self._within):
                await self._nc.publish(subject, data, reply=f"{self._inbox}.{token}")
                raw = await answer
            found = json.loads(raw)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise NoAnswer(f"{self._node} does not answer: {str(error) or 'in time'}") from None
        except ValueError:
            raise NoAnswer(f"{self._node} answers with what is no answer") from None
        finally:
            del self._waiting[token]
        if not isinstance(found, dict):
            raise NoAnswer(f"{self._node} answers with what is no answer")
        return found

    async def _answered(self, message: Msg) -> None:
        waiting = self._waiting.get(message.subject.rpartition(".")[2])
        if waiting is None or waiting.done():
            return
        if len(message.data) > _LONGEST or (message.headers and message.headers.get("Status") == "503"):
            waiting.set_exception(nats.errors.NoRespondersError())
        else:
            waiting.set_result(message.data)
