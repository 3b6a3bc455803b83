"""The dead letters seen by the notifier: how many there are, and which are to be sent again."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from nats.aio.client import Client

from vardkase.federation.topology import DEAD_LETTERS
from vardkase.runtime.jetstream.bucket import prefix
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.follow import Follower
from vardkase.runtime.settings import Settings

from .letters import STREAM, Letter, read
from .metrics import NotifierMetrics
from .webhook import Webhook

log: Final = logging.getLogger(__name__)


class Postbox:
    """Follows the bucket of dead letters, and has those sent again that somebody asked for.

    Args:
        settings: how to read.
        webhooks: who can be sent to, by name.
        metrics: where they are counted.
    """

    def __init__(self, settings: Settings, webhooks: Mapping[str, Webhook], metrics: NotifierMetrics) -> None:
        self._webhooks = webhooks
        self._metrics = metrics
        self._there: set[str] = set()
        self._asked: dict[str, Letter] = {}
        self._bell = asyncio.Event()
        self._follower = Follower(
            STREAM, [f"{prefix(DEAD_LETTERS)}>"], settings, take=self._take, reset=self._there.clear
        )

    async def follow(self, nc: Client) -> None:
        """Follow it, until cancelled."""
        await self._follower.run(nc)

    async def lead(self) -> None:
        """Send what is asked for, one after another, until cancelled."""
        while True:
            self._bell.clear()
            while self._asked:
                name, letter = next(iter(self._asked.items()))
                webhook = self._webhooks.get(letter.receiver)
                if webhook is None:
                    log.warning("a dead letter is for no receiver that is set", extra={"receiver": letter.receiver})
                else:
                    await webhook.resend(letter)
                self._asked.pop(name, None)
            await self._bell.wait()

    def _take(self, deliveries: Sequence[Delivery]) -> None:
        for each in deliveries:
            name = each.subject.removeprefix(prefix(DEAD_LETTERS))
            letter = read(each)
            if letter is None:
                self._there.discard(name)
                self._asked.pop(name, None)
                continue
            self._there.add(name)
            if letter.resend is None:
                self._asked.pop(name, None)
            else:
                self._asked[name] = letter
                self._bell.set()
        self._metrics.dead.set(len(self._there))
