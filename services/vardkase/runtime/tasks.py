"""Background tasks whose end is never overlooked."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

log: Final = logging.getLogger(__name__)

_AGAIN: Final = 0.25
"""Seconds until a task that was cancelled and goes on is cancelled again."""


class Tasks:
    """The background tasks of one service.

    A task that ends by itself, by an error or by returning, is a fault of the service unless it was said to be
    `finite`: it is logged, and `on_death` is told. From `closing` on all may return; `stop` cancels who is left.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._stopping = False
        self.on_death: Callable[[str, BaseException | None], None] | None = None
        """Told the name of a task that ended, and its error. Set by `application`, which ends the process."""

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, None], *, name: str, finite: bool = False) -> asyncio.Task[None]:
        """Runs it in the background.

        Args:
            coroutine: what to run.
            name: names it in logs.
            finite: it may return; an error is a fault all the same.
        """
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            error = None if task.cancelled() else task.exception()
            if self._stopping or (error is None and (finite or self._closing)):
                return
            log.error("a task ended that must not", extra={"task": name}, exc_info=error)
            if self.on_death is not None:
                self.on_death(name, error)

        task.add_done_callback(ended)
        return task

    def closing(self) -> None:
        """The service is being stopped: its tasks may return. An error is a fault still."""
        self._closing = True

    async def stop(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109 -- bounds the wait; what is left is told
        """Cancels what runs and waits for it, for at most `timeout` seconds. Errors on the way out are logged."""
        self._stopping = True
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if not tasks:
            return
        done, left = await asyncio.wait(tasks, timeout=timeout)
        for task in done:
            with contextlib.suppress(asyncio.CancelledError):
                if error := task.exception():
                    log.warning("a task ended with an error", extra={"task": task.get_name()}, exc_info=error)
        for task in left:
            log.error("a task did not stop", extra={"task": task.get_name(), "after_s": timeout})


async def ended(*tasks: asyncio.Task[None] | None) -> None:
    """End tasks, and see them ended, whatever they end with.

    Cancelled once they may go on: on Python 3.11 what nats-py waits with can return instead of being cancelled.

    Args:
        tasks: which; None stands for one that never began.
    """
    left = {each for each in tasks if each is not None and not each.done()}
    while left:
        for each in left:
            each.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN)
