"""One webhook as a receiver: told once of each change that it wants to hear of, and tried again until it takes it."""

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, replace
from typing import Final

import orjson
from nats.aio.client import Client

from vardkase.runtime.backoff import Backoff
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.bucket import BucketAway
from vardkase.runtime.jetstream.values import Incomplete
from vardkase.runtime.setting_groups import NotifySettings
from vardkase_contracts.instants import SECOND, iso

from .hooks import Secreted
from .letters import Letter, Letters
from .memory import Memory
from .metrics import NotifierMetrics
from .notice import Notice
from .owed import Owed, owed
from .post import Answer, Poster
from .receiver import Desk
from .signing import delivery_id

log: Final = logging.getLogger(__name__)

_KNOWN: Final = 50_000
"""So many keys of one webhook are held in memory before those that have ended are let go of."""


@dataclass(slots=True)
class _Waiting:
    """A notice that is to be told, or may be."""

    notice: Notice
    since: float
    attempts: int = 0
    not_before: float = 0.0
    #: How many deliveries had succeeded when it was last tried.
    mark: int = -1


class Webhook:
    """One webhook.

    Of each key it is told what is so now, in order; what changed while it was away is told once, as it is now. While it
    fails, one request at a time asks whether it is back, with waits that grow.

    Args:
        to: which, with its secret.
        desk: what stands.
        nc: a connection to the node's account.
        settings: times and bounds.
        metrics: where it counts.
    """

    def __init__(
        self,
        to: Secreted,
        *,
        desk: Desk,
        nc: Client,
        settings: NotifySettings,
        metrics: NotifierMetrics,
    ) -> None:
        self.name = to.hook.name
        self._hook = to.hook
        self._desk = desk
        self._settings = settings
        self._metrics = metrics
        self._memory = Memory(nc, self.name)
        self._letters = Letters(nc)
        self._poster = Poster(to, timeout=settings.timeout, at_once=settings.at_once)
        self._backoff = Backoff(least=settings.backoff_min, most=settings.backoff_max)
        self._waiting: dict[str, _Waiting] = {}
        self._busy: set[str] = set()
        self._under_way: set[asyncio.Task[None]] = set()
        self._bell = asyncio.Event()
        self._leading = False
        self._trouble = ""
        self._asleep_until = 0.0
        self._taken = 0
        metrics.up.labels(self.name).set(1)

    # -- what is offered -----------------------------------------------------------------------------------------------

    def offer(self, notice: Notice) -> None:
        """A notice as it is now."""
        if not self._leading or notice.reality not in self._hook.realities:
            return
        if notice.key not in self._busy and owed(self._memory.get(notice.key), notice, self._hook) is None:
            self._waiting.pop(notice.key, None)  # it came and went
            return
        before = self._waiting.get(notice.key)
        self._waiting[notice.key] = _Waiting(notice, time.monotonic() if before is None else before.since)
        self._bell.set()

    def sweep(self) -> None:
        """Bound what is held."""
        self._memory.sweep(_KNOWN)
        self._metrics.waiting.labels(self.name).set(len(self._waiting))
        self._metrics.standing.labels(self.name).set(len(self._memory))

    def check(self) -> Check:
        """Whether it took what it was last told."""
        detail = self._trouble or f"{len(self._memory)} alerts stand there"
        if self._waiting:
            detail += f"; {len(self._waiting)} wait"
        return Check(name=f"receiver {self.name}", ok=not self._trouble, detail=detail, needed=False)

    async def close(self) -> None:
        """Close its connections."""
        await self._poster.close()

    # -- telling -------------------------------------------------------------------------------------------------------

    async def lead(self) -> None:
        """Tell it, until cancelled; what is under way then is finished, if that is soon done."""
        await self._load()
        self._waiting.clear()
        self._leading = True
        for notice in self._desk:
            self.offer(notice)
        for key, level in self._memory.standing():
            if (over := self._desk.gone(key, level)) is not None:
                self.offer(over)
        try:
            while True:
                await self._until_due()
                key = self._due()
                if key is not None:
                    task = asyncio.create_task(self._deliver(key), name=f"to {self.name}")
                    self._under_way.add(task)
                    task.add_done_callback(self._under_way.discard)
                    task.add_done_callback(lambda _: self._bell.set())
        finally:
            self._leading, self._trouble = False, ""
            if self._under_way:
                _, late = await asyncio.wait(set(self._under_way), timeout=self._settings.timeout + 1)
                for task in late:
                    task.cancel()

    async def _load(self) -> None:
        """Learn what it was told, however long that takes: without that, it would be told twice."""
        while True:
            try:
                await self._memory.load()
            except (Incomplete, ApiError, NoAnswer, ValueError) as error:
                log.warning("what was told is not known yet", extra={"receiver": self.name, "error": str(error)})
                await asyncio.sleep(self._settings.backoff_min)
            else:
                return

    def _room(self) -> bool:
        most = 1 if self._trouble else self._settings.at_once
        return len(self._under_way) < most and time.monotonic() >= self._asleep_until

    def _due(self) -> str | None:
        """The key that is next, made busy; None: none may be told now."""
        if not self._room():
            return None
        now = time.monotonic()
        for key, waiting in self._waiting.items():
            if key not in self._busy and waiting.not_before <= now:
                self._busy.add(key)
                return key
        return None

    async def _until_due(self) -> None:
        """Wait until something may be told, or may have become so."""
        self._bell.clear()
        if self._room() and self._first_due() <= time.monotonic():
            return
        wake = max(self._asleep_until, self._first_due())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(wake - time.monotonic(), self._settings.backoff_max))):
                await self._bell.wait()

    def _first_due(self) -> float:
        free = (waiting.not_before for key, waiting in self._waiting.items() if key not in self._busy)
        return min(free, default=time.monotonic() + self._settings.backoff_max)

    async def _deliver(self, key: str) -> None:
        try:
            waiting = self._waiting.pop(key)
            told = self._memory.get(key)
            due = owed(told, waiting.notice, self._hook)
            if due is None:
                return
            id = delivery_id(self.name, key, due.what, due.then.event, due.then.level, str(due.then.times))  # noqa: A001
            body = _body(waiting.notice, due, id, self._hook.name)
            answer = await self._poster.post(id, body)
            waiting.attempts += waiting.mark != self._taken
            waiting.mark = self._taken
            if answer.outcome == "taken":
                await self._was_taken(waiting, due)
            elif answer.outcome == "refused" or self._given_up(waiting):
                await self._bury(waiting, due, id, body, answer)
            else:
                self._later(waiting, answer)
        finally:
            self._busy.discard(key)

    def _given_up(self, waiting: _Waiting) -> bool:
        old = time.monotonic() - waiting.since > self._settings.patience
        return old or waiting.attempts >= self._settings.attempts or len(self._waiting) >= self._settings.waiting

    async def _was_taken(self, waiting: _Waiting, due: Owed) -> None:
        self._taken += 1
        self._fine()
        self._metrics.sent.labels(self.name, "sent").inc()
        stored_at = waiting.notice.stored_at
        if stored_at:
            took = max(0.0, time.time() - stored_at / SECOND)
            self._metrics.seconds.labels(self.name).observe(took)
        await self._memory.put(waiting.notice.key, due.then)

    def _fine(self) -> None:
        if self._trouble:
            log.info("a receiver takes notifications", extra={"receiver": self.name})
        self._trouble, self._asleep_until = "", 0.0
        self._backoff.reset()
        self._metrics.up.labels(self.name).set(1)

    def _later(self, waiting: _Waiting, answer: Answer) -> None:
        """It stays, unless there is something newer of its key; the receiver is left alone for a while."""
        if not self._trouble:
            log.warning(
                "a receiver does not take notifications; trying again",
                extra={"receiver": self.name, "error": answer.reason},
            )
        self._trouble = answer.reason
        self._metrics.up.labels(self.name).set(0)
        self._metrics.sent.labels(self.name, "failed").inc()
        now = time.monotonic()
        wait = max(self._backoff.next(), answer.wait)
        self._asleep_until = now + wait
        longest = self._settings.backoff_min * 2 ** min(waiting.attempts, 20)
        waiting.not_before = now + max(wait, min(self._settings.backoff_max, longest))
        newer = self._waiting.get(waiting.notice.key)
        if newer is None:
            self._waiting[waiting.notice.key] = waiting
        else:
            newer.since, newer.not_before = waiting.since, now + wait

    async def _bury(self, waiting: _Waiting, due: Owed, id: str, body: bytes, answer: Answer) -> None:  # noqa: A002
        """Give it up: a dead letter, and told as far as we are concerned, so that what comes next is told."""
        notice = waiting.notice
        letter = Letter(
            receiver=self.name,
            id=id,
            what=due.what,
            key=notice.key,
            reality=notice.reality,
            level=notice.level,
            areas=notice.areas,
            at=iso(round(time.time() * SECOND)),
            attempts=waiting.attempts,
            reason=answer.reason,
            body=body.decode(),
        )
        log.error(
            "a notification was given up; `vardkase notifications` lists it",
            extra={"receiver": self.name, "id": id, "error": answer.reason},
        )
        await self._keep(letter)
        self._metrics.sent.labels(self.name, "dead").inc()
        await self._memory.put(notice.key, due.then)

    async def _keep(self, letter: Letter) -> None:
        while True:
            try:
                await self._letters.put(letter)
            except BucketAway:
                await asyncio.sleep(self._settings.backoff_min)
            else:
                return

    # -- dead letters --------------------------------------------------------------------------------------------------

    async def resend(self, letter: Letter) -> None:
        """Send a dead letter again, once: taken away when it was taken, else kept with the reason."""
        answer = await self._poster.post(letter.id, letter.body.encode())
        try:
            if answer.outcome == "taken":
                self._metrics.sent.labels(self.name, "sent").inc()
                await self._letters.drop(letter.name)
            else:
                again = replace(letter, attempts=letter.attempts + 1, reason=answer.reason, resend=None)
                await self._letters.put(again)
        except BucketAway as error:
            log.warning("a dead letter could not be changed", extra={"receiver": self.name, "error": str(error)})


def _body(notice: Notice, due: Owed, id: str, receiver: str) -> bytes:  # noqa: A002
    """What is sent: the convention's `type`, `timestamp` and `data`, and in it all that is known."""
    quiet = notice.quiet
    at = notice.starts_at if notice.ends_at is None else notice.ends_at
    return orjson.dumps(
        {
            "type": f"{notice.kind}.{due.what}",
            "timestamp": iso(at),
            "data": {
                "id": id,
                "receiver": receiver,
                "reality": notice.reality,
                "status": "firing" if notice.stands and due.then.stands else "cleared",
                "labels": dict(notice.labels),
                "annotations": dict(notice.annotations),
                "quiet": None if quiet is None else {"why": quiet.why, "comment": quiet.comment},
                **notice.document,
            },
        }
    )
