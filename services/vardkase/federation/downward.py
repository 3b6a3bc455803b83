"""What a child asks of its parent about the orders that come down; and what the parent answers.

The parent sends a child only the orders that concern it. So their sequences have holes, and the child may not look into
the parent's stream: it asks whether the parent still has the same message in a place, and hears yes or no.
"""

import json
import logging
from collections.abc import Callable, Collection
from typing import Final

import nats.errors
from nats.aio.msg import Msg

from vardkase.federation import wiring
from vardkase.federation.asking import Asking
from vardkase.federation.landing import Landing, Place, get
from vardkase.federation.tended import Missing, There, quietly_same
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.connection import Connection
from vardkase_contracts import streams

log: Final = logging.getLogger(__name__)

_LONGEST: Final = 1024
"""Longest question in bytes."""


class Parent:
    """The parent's orders.

    Args:
        asking: questions to the parent.
        code: of the node's own area.
    """

    def __init__(self, asking: Asking, code: str) -> None:
        self._asking = asking
        self._code = code

    async def there(self, have: Place | None) -> There:
        """How the parent's orders stand, as far as they concern this node.

        Raises:
            ApiError, NoAnswer: the parent does not tell.
        """
        del have
        info = await self._asking.api(f"CONSUMER.INFO.{streams.ORDERS_DOWN}.{wiring.down(self._code)}")
        try:
            return There(
                last=int(info["delivered"]["stream_seq"]),
                waiting=int(info["num_pending"]),
                paused=bool(info.get("paused")),
            )
        except (LookupError, TypeError, ValueError):
            raise ApiError(500, 0, "the parent's answer about its orders cannot be read") from None

    async def same(self, place: Place) -> bool:
        """Whether the parent has the same order there.

        Raises:
            NoAnswer: it does not answer.
        """

        async def ask() -> bool:
            question = {"seq": place.there, "digest": place.digest}
            return (await self._asking.ask(wiring.same_question(self._code), question)).get("same") is not False

        return await quietly_same(ask)

    async def parted(self, landing: Landing, have: Place) -> int:
        """Orders are few, and are folded as a set: all are read again."""
        del landing, have
        return 0

    async def whole(self, landing: Landing, have: Place, there: There) -> Missing:
        """Whether one is missing is not seen from sequences; what waits is."""
        del landing, have, there
        return Missing(0)

    def begun(self, landing_first: int, after: int) -> None:
        """Nothing follows from it."""


class Sameness:
    """Answers children whether an order is still the same in a place.

    Args:
        nc: a connection to the node's account.
        children: the codes of the children's areas, asked each time.
    """

    def __init__(self, nc: Connection, children: Callable[[], Collection[str]]) -> None:
        self._nc = nc
        self._children = children

    async def start(self) -> None:
        """Answer from now on, until the connection ends."""
        await self._nc.subscribe(wiring.same_question("*"), cb=self._answer)

    async def _answer(self, asked: Msg) -> None:
        code = asked.subject.split(".")[1]
        # Who asks is known by the subject: a link may send under its own alone. Answers go there, too.
        if code not in self._children() or not asked.reply.startswith(f"{wiring.down_inbox(code)}."):
            return
        try:
            same = await self._same(asked.data)
            await self._nc.publish(asked.reply, json.dumps({"same": same}).encode())
        except (ApiError, NoAnswer, nats.errors.Error) as error:
            log.debug("a child's question is not answered: %s", error)

    async def _same(self, raw: bytes) -> bool | None:
        try:
            question = json.loads(raw[:_LONGEST])
            sequence, digest = int(question["seq"]), str(question["digest"])
        except (ValueError, LookupError, TypeError):
            return None
        found = await get(self._nc, streams.ORDERS_DOWN, seq=sequence) if sequence > 0 else None
        return found is not None and found.digest == digest
