"""A thread beside the event loop that sees what the loop cannot: that it stands still, or that its supervisor is gone.

A loop that stands still answers nothing and logs nothing, and a client library that spins keeps it so for ever. The
thread logs every stack and ends the process, to be started anew.
"""

import asyncio
import faulthandler
import logging
import os
import selectors
import signal
import threading
import time
from collections.abc import Callable
from typing import Final

from vardkase.runtime.errors import FAILED

log: Final = logging.getLogger(__name__)

GO: Final = b"g"
"""What the supervisor writes on a lifeline when the service may start."""


class Watchdog:
    """The watch over one process.

    Args:
        stall: a loop that has not moved for so many seconds ends the process.
        beat: the loop moves the watch so often, in seconds.
        lifeline: reading end of the supervisor's pipe; its end asks the process to stop (SIGTERM).
        grace: seconds that the process has to stop then, before it is ended.
        on_lag: told how late each beat came, in seconds.
        end: ends the process with an exit code; another in tests.
    """

    def __init__(
        self,
        *,
        stall: float,
        beat: float = 0.25,
        lifeline: int | None = None,
        grace: float = 3.0,
        on_lag: Callable[[float], None] | None = None,
        end: Callable[[int], None] = os._exit,
    ) -> None:
        self._every = min(max(stall / 4, 0.01), 1.0)
        self._most = max(2, round(stall / self._every))
        self._beat_every = beat
        self._lifeline = lifeline
        self._grace = grace
        self._on_lag = on_lag
        self._end = end
        self._beats = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begins to watch the running loop. Call it from within the loop."""
        loop = asyncio.get_running_loop()

        def beat(due: float) -> None:
            self._beats += 1
            if self._on_lag is not None:
                self._on_lag(max(0.0, loop.time() - due))
            due = loop.time() + self._beat_every
            self._timer = loop.call_at(due, beat, due)

        beat(loop.time())
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch. Call it from within the loop."""
        self._stopped.set()
        if self._timer is not None:
            self._timer.cancel()

    def _watch(self) -> None:
        # Rounds without a beat are counted, not time: a computer that slept is no loop that stood still.
        seen, missed = -1, 0
        while not self._wait():
            beats = self._beats
            missed = missed + 1 if beats == seen else 0
            seen = beats
            if missed >= self._most:
                log.critical("the event loop stands still; ending", extra={"for_s": round(missed * self._every, 1)})
                time.sleep(0.2)  # the log's thread writes the line before the stacks
                faulthandler.dump_traceback(all_threads=True)
                self._end(FAILED)
                return

    def _wait(self) -> bool:
        """Waits a round; whether the watch is over."""
        if self._lifeline is None:
            return self._stopped.wait(self._every)
        with selectors.DefaultSelector() as selector:
            selector.register(self._lifeline, selectors.EVENT_READ)
            ended = bool(selector.select(self._every)) and os.read(self._lifeline, 1) == b""
        if ended and not self._stopped.is_set():
            log.warning("the supervisor is gone; stopping")
            os.kill(os.getpid(), signal.SIGTERM)
            if not self._stopped.wait(self._grace):
                log.critical("could not stop in time; ending", extra={"after_s": self._grace})
                time.sleep(0.2)
                self._end(FAILED)
            return True
        return self._stopped.is_set()


def wait_for_go(lifeline: int | None) -> bool:
    """Waits until the supervisor lets the service start; False when the supervisor is gone.

    A service is started (and imports what it needs) while its streams are being made: it must not look for them before.
    """
    return lifeline is None or os.read(lifeline, 1) == GO
