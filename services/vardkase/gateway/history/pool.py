"""What is asked of the archive: by how many at once, for how long, and what is kept of the answers.

The live side knows nothing of it. When PostgreSQL is away, questions are answered so until it is back; nothing has to
be done for that.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter, OrderedDict
from typing import Final, Self

import nats.errors
from nats.aio.client import Client
from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client import Counter as CountedUp
from pydantic import SecretStr

from vardkase.archive.whole import READ
from vardkase.gateway.problems import Problem
from vardkase.runtime.clock import Clock, SystemClock
from vardkase.runtime.database import described
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.metrics import WIDE, Metrics
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts.instants import SECOND

from .asks import Ask, Order, Told
from .process import Lost, Process
from .times import Times

log: Final = logging.getLogger(__name__)

_BREATH: Final = 1.0
"""Seconds after PostgreSQL was found away in which nobody asks it again."""
_HEADS: Final = 1.0
"""Seconds that NATS may take to say where a stream stands."""
_AFTER: Final = 1.0
"""Seconds after a question's time that PostgreSQL ends its statement: a process that was killed cannot ask it to."""
_TICK: Final = 1.0
"""Seconds between two looks at whether a process is needed still."""
_AGAIN: Final = {"too_long": "60", "too_large": "60", "busy": "10"}
"""After how many seconds it is worth asking again, where 5 are too few."""
_SMALLER: Final = "ask about a smaller area"
_AWAY: Final = "The archive cannot be read now; what is now can be asked for as ever"
_BUSY: Final = "Too much is being asked about what was: ask again in a while"


class HistoryMetrics:
    """What was asked of the archive.

    Args:
        registry: the process's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.questions: Final = CountedUp(
            "vardkase_history_questions",
            "Questions about what was, by what came of them",
            ["what", "outcome"],
            registry=registry,
        )
        self.seconds: Final = Histogram(
            "vardkase_history_seconds", "Time to answer one from the archive", ["what"], buckets=WIDE, registry=registry
        )
        self.waiting: Final = Gauge("vardkase_history_waiting", "Questions that wait for a process", registry=registry)
        self.processes: Final = Gauge(
            "vardkase_history_processes", "Processes that read the archive", registry=registry
        )
        self.kept: Final = Gauge("vardkase_history_kept_bytes", "Bytes of answers that are kept", registry=registry)


class Archive:
    """Answers questions about what was.

    Args:
        settings: of the node: `database_url`, `rules_file`, group `history`.
        metrics: where its own are registered.
        clock: the node's.
        tasks: where its background task runs.
    """

    def __init__(self, url: SecretStr, settings: Settings, metrics: Metrics, clock: Clock, tasks: Tasks) -> None:
        self._url = url
        self._node = settings.node
        self._rules_file = settings.rules_file
        self._federation = settings.federation
        self._settings = settings.history
        self._tasks = tasks
        self._nc: Client | None = None
        self._idle: list[tuple[float, Process]] = []
        self._busy: set[Process] = set()
        self._room = asyncio.Semaphore(settings.history.workers)
        self._asking: dict[Ask, asyncio.Task[Told]] = {}
        self._under_way: Counter[str] = Counter()
        self._kept: OrderedDict[Ask, Told] = OrderedDict()
        self._size = 0
        self._waiting = 0
        self._away_until = 0.0
        self.times: Final = Times(settings, clock, SystemClock())
        """The node's time, and that of things stored."""
        self.counts: Final = HistoryMetrics(metrics.registry)

    @classmethod
    def of(cls, settings: Settings, metrics: Metrics, clock: Clock, tasks: Tasks) -> Self | None:
        """The archive of a node; None when it has none."""
        url = settings.database_url
        return None if url is None or not settings.archive else cls(url, settings, metrics, clock, tasks)

    async def start(self, nc: Client) -> None:
        """Be ready to be asked. Nothing is asked of PostgreSQL before that."""
        self._nc = nc
        self.counts.waiting.set_function(lambda: self._waiting)
        self.counts.processes.set_function(lambda: len(self._idle) + len(self._busy))
        self.counts.kept.set_function(lambda: self._size)
        self._tasks.spawn(self._end_idle(), name="history processes")

    async def stop(self) -> None:
        """End the processes; who waits for an answer is turned away."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        processes = [*self._busy, *(process for _, process in self._idle)]
        self._idle.clear()
        await asyncio.gather(*(process.kill() for process in processes))

    def settled(self) -> int:
        """The latest instant, µs, in the time of things stored, at which nothing more will turn out to be stored."""
        return self.times.real_now() - round(self._settings.settle * SECOND)

    async def ask(self, ask: Ask, who: str) -> Told:
        """The answer to a question.

        Args:
            ask: the question.
            who: the id of who asks: nobody has more than some questions under way.

        Raises:
            Problem: 400, 404, 429; 503 with Retry-After while it cannot be answered.
        """
        kept = self._kept.get(ask)
        if kept is not None:
            self._kept.move_to_end(ask)
            self.counts.questions.labels(ask.what, "kept").inc()
            return kept
        if self._under_way[who] >= self._settings.each:
            self.counts.questions.labels(ask.what, "limited").inc()
            raise Problem(
                429,
                "history_limit",
                "Your questions about what was are still being answered: wait for them",
                headers={"retry-after": "5"},
            )
        self._under_way[who] += 1
        try:
            told = await self._shared(ask)
        except Problem as problem:
            self.counts.questions.labels(ask.what, problem.code.removeprefix("history_")).inc()
            raise
        finally:
            self._under_way[who] -= 1
            if not self._under_way[who]:
                del self._under_way[who]
        failure = told.head.failure
        self.counts.questions.labels(ask.what, failure or "answered").inc()
        if failure is not None:
            raise self._problem(told)
        return told

    # -- asking ------------------------------------------------------------------------------------------------------

    async def _shared(self, ask: Ask) -> Told:
        """The answer; one answer for all who ask the same at the same time, whoever of them goes away."""
        task = self._asking.get(ask)
        if task is None:
            if time.monotonic() < self._away_until:
                raise _turned_away("away", _AWAY)
            if self._waiting >= self._settings.waiting:
                raise _turned_away("busy", _BUSY)
            task = self._asking[ask] = asyncio.create_task(self._answer(ask), name=f"history {ask.what}")
            task.add_done_callback(lambda _: self._asking.pop(ask, None))
            task.add_done_callback(_ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise _turned_away("stopping", "The gateway is being stopped: ask again") from None
            raise

    async def _answer(self, ask: Ask) -> Told:
        began = time.monotonic()
        await self._until_settled(ask.by)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._settings.patience):
                await self._room.acquire()
        except TimeoutError:
            raise _turned_away("busy", _BUSY) from None
        finally:
            self._waiting -= 1
        try:
            told = await self._by_process(ask)
        finally:
            self._room.release()
        self.counts.seconds.labels(ask.what).observe(time.monotonic() - began)
        if told.head.failure == "away":
            self._away_until = time.monotonic() + _BREATH
        elif told.head.failure is None:
            self._keep(ask, told)
        return told

    async def _until_settled(self, by: int) -> None:
        """Wait for the moment after which nothing more is stored until then."""
        ahead = by - self.settled()
        if ahead > 0:
            await asyncio.sleep(min(ahead / SECOND, self._settings.settle))

    async def _by_process(self, ask: Ask) -> Told:
        order = Order(
            ask=ask,
            database=self._url.get_secret_value(),
            name=f"gateway {self._node}",
            rules_file=self._rules_file,
            federation=self._federation,
            connect_timeout=self._settings.connect_timeout,
            statement_timeout=self._settings.timeout + self._settings.caught_up + _AFTER,
            heads=await self._heads(),
            patience=self._settings.caught_up,
        )
        process = self._idle.pop()[1] if self._idle else Process(self._settings)
        self._busy.add(process)
        answered = False
        limit = self._settings.timeout + self._settings.caught_up
        try:
            await process.start()
            async with asyncio.timeout(limit):
                told = await process.ask(order)
            answered = True
        except TimeoutError:
            log.warning("a question about what was took too long", extra={"what": ask.what, "area": ask.area})
            raise _turned_away("too_long", f"That took longer than {self._settings.timeout:g} s: {_SMALLER}") from None
        except Lost as error:
            log.error("a process that reads the archive was lost: %s", error, extra={"what": ask.what})  # noqa: TRY400
            raise _turned_away("lost", "It could not be answered: ask again") from None
        finally:
            self._busy.discard(process)
            if answered:
                self._idle.append((time.monotonic(), process))
            else:
                await process.kill()
        return told

    async def _heads(self) -> dict[str, tuple[str, int]]:
        """Where the streams stand. Of one that is not told of, the archive itself must say whether it has all."""
        if self._nc is None or not self._nc.is_connected:
            return {}
        found: dict[str, tuple[str, int]] = {}
        with contextlib.suppress(ApiError, NoAnswer, nats.errors.Error):
            for stream in READ:
                info = await call(self._nc, f"STREAM.INFO.{stream}", within=_HEADS)
                state = info["state"]
                found[stream] = (info["created"], state["last_seq"] if state["messages"] else 0)
        return found

    # -- what is told ------------------------------------------------------------------------------------------------

    def _problem(self, told: Told) -> Problem:
        detail = told.head.detail
        match told.head.failure:
            case "away":
                log.warning("the archive is away", extra={"database": described(self._url), "why": detail})
                return _turned_away("away", _AWAY)
            case "behind":
                return _turned_away("behind", "The archive is not yet where you ask: ask again in a moment")
            case "not_found":
                return Problem(404, "not_found", detail)
            case "cursor":
                return Problem(400, "cursor", detail, field="cursor")
            case "too_large":
                return _turned_away("too_large", f"That is more than fits in memory: {_SMALLER}")
            case _:
                log.error("a question about what was could not be answered", extra={"trace": detail})
                raise RuntimeError("a question about what was could not be answered; its trace is in the log")

    # -- what is kept ------------------------------------------------------------------------------------------------

    def _keep(self, ask: Ask, told: Told) -> None:
        """Keep an answer: it stays as it is. Not what may have to be hidden one day."""
        size = len(told.body)
        if ask.what != "picture" or size > self._settings.kept:
            return
        self._kept[ask] = told
        self._size += size
        while self._size > self._settings.kept:
            self._size -= len(self._kept.popitem(last=False)[1].body)

    async def _end_idle(self) -> None:
        """End the processes that have been asked nothing for a while, for ever."""
        while True:
            await asyncio.sleep(min(_TICK, self._settings.idle))
            before = time.monotonic() - self._settings.idle
            old = [process for since, process in self._idle if since < before]
            self._idle = [each for each in self._idle if each[1] not in old]
            await asyncio.gather(*(process.kill() for process in old))


def _turned_away(why: str, detail: str) -> Problem:
    return Problem(503, f"history_{why}", detail, headers={"retry-after": _AGAIN.get(why, "5")})


def _ended(task: "asyncio.Task[Told]") -> None:
    """Who asked may have gone: its error is nobody's then."""
    if not task.cancelled():
        task.exception()
