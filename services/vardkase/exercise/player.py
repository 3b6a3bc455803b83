"""Plays a scenario in time. It remembers nothing: where it stands is what is in the node's log.

Before anything is sent it looks whether the exercise still goes on there: after an abort nothing more comes.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Literal, Protocol

from vardkase.domain.exercises import Exercises
from vardkase_contracts.instants import SECOND

from .plan import Step

LOOK: Final = 1.0
"""Seconds between two looks at the clock and the orders, at most: so soon after an abort nothing more is sent."""

Ending = Literal["played", "over"]
"""`played`: all was sent, and the exercise goes on; `over`: it was stopped or aborted everywhere, or its time is up."""
Became = Literal["sent", "known", "held"]
"""What became of a step: sent, in the log already, or not sent since the exercise was aborted or stopped there."""


class Post(Protocol):
    """The node that is played against."""

    async def now(self) -> int:
        """What the time is there, µs."""
        ...

    async def known(self) -> set[str]:
        """The ids of what was played already, by whomever."""
        ...

    async def exercises(self) -> Exercises:
        """The exercises that it has been told of."""
        ...

    async def send(self, step: Step) -> None:
        """Send something; it is on disk when this returns."""
        ...


class Player:
    """Plays the steps of one exercise for some kommuner.

    Args:
        exercise: its id.
        steps: what is sent, in order.
        kommuner: whose steps are played; those of larger areas only when all of their kommuner are among them.
        post: where.
        told: hears what became of each step.
        look: seconds between two looks.
    """

    def __init__(
        self,
        exercise: str,
        steps: Sequence[Step],
        kommuner: frozenset[str],
        post: Post,
        told: Callable[[Step, Became], None],
        *,
        look: float = LOOK,
    ) -> None:
        self._exercise = exercise
        self._steps = [each for each in steps if each.kommuner <= kommuner]
        self._kommuner = kommuner
        self._post = post
        self._told = told
        self._look = look
        self._at = 0
        self._known: set[str] = set()

    @property
    def left(self) -> int:
        """How many steps are to come."""
        return len(self._steps) - self._at

    async def run(self) -> Ending:
        """Play until all is sent, or the exercise is over. May be cancelled, and begun again, at any point."""
        self._known = await self._post.known()
        while True:
            now = await self._post.now()
            running = await self._running(now)
            await self._send_due(now, running)
            if not self.left:
                return "played"
            if not running:
                return "over"
            ahead = (self._steps[self._at].send_at - now) / SECOND
            await asyncio.sleep(min(self._look, max(0.0, ahead)))

    async def _send_due(self, now: int, running: frozenset[str]) -> None:
        looked = now
        while self.left and self._steps[self._at].send_at <= now:
            step = self._steps[self._at]
            if step.id in self._known:
                self._told(step, "known")
            else:
                moment = await self._post.now()
                if moment - looked >= self._look * SECOND:  # much is due at once: it may be aborted meanwhile
                    running, looked = await self._running(moment), moment
                if step.kommuner & running:
                    await self._post.send(step)
                    self._known.add(step.id)
                    self._told(step, "sent")
                else:
                    self._told(step, "held")
            self._at += 1

    async def _running(self, now: int) -> frozenset[str]:
        """Where it goes on."""
        exercises = await self._post.exercises()
        return frozenset(
            kommun
            for kommun in self._kommuner
            if any(each.id == self._exercise for each in exercises.standing(kommun, now).running)
        )
