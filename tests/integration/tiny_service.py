"""A service as small as can be, run as a process by the tests of the runtime: `python tiny_service.py NAME`.

What it does wrong is asked for over NATS, on the subject `tiny.<name>.<fault>`.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence

from nats.aio.msg import Msg

from vardkase.runtime import logs, settings
from vardkase.runtime.errors import Ended, Refused
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.service import Application, application, serve
from vardkase.runtime.tasks import Tasks


class Tiny:
    """Answers `tiny.<name>.count` with how often it was asked, also by those that came while it was stopping."""

    def __init__(self, name: str, metrics: Metrics) -> None:
        self.name = name
        self.tasks = Tasks()
        self.healthy = True
        self._metrics = metrics
        self._asked = 0

    async def start(self, nc: Connection) -> None:
        """Subscribes; or fails, if its name says so."""
        if self.name == "fails":
            raise RuntimeError("cannot, being tiny")
        if os.environ.get("TINY_SLOW"):
            await asyncio.sleep(3600)
        await nc.subscribe(f"tiny.{self.name}.*", cb=self._answer)
        await nc.flush()
        self.tasks.spawn(self._work(), name="work")

    async def stop(self) -> None:
        """Finishes what it has in hand, which takes a moment."""
        await asyncio.sleep(float(os.environ.get("TINY_STOP", "0")))
        print(f"{self.name} finished", flush=True)  # noqa: T201

    def checks(self) -> Sequence[Check]:
        """Whether it was told to be ill."""
        return [Check(name="health", ok=self.healthy, detail="well" if self.healthy else "ill")]

    async def _answer(self, message: Msg) -> None:
        match message.subject.rpartition(".")[2]:
            case "count":
                self._asked += 1
                self._metrics.reports.labels("act", "status", "accepted").inc()
            case "ill":
                self.healthy = False
            case "die":
                self._dies.set()
            case "hang":
                await message.respond(b"ok")
                await asyncio.sleep(0.05)
                time.sleep(3600)  # noqa: ASYNC251 -- this is the fault
        await message.respond(str(self._asked).encode())

    async def _work(self) -> None:
        self._dies = asyncio.Event()
        await self._dies.wait()
        raise RuntimeError("the work is too much")


def build(loaded: settings.Settings, name: str) -> Application:
    """The application, as a real service's `app.build` makes it."""
    metrics = Metrics(process=True)
    return application(Tiny(name, metrics), loaded, metrics)


def main() -> None:
    """Runs it."""
    name = sys.argv[1]
    try:
        if name == "refuses":
            raise Refused("VARDKASE_RULES_FILE: expected other rules")
        loaded = settings.load()
        writer = logs.configure(loaded, name)
        code = serve(build(loaded, name), loaded)
        writer.close()
    except Ended as ended:
        sys.stderr.write(f"{ended}\n")
        sys.exit(ended.code)
    sys.exit(code)


if __name__ == "__main__":
    main()
