"""Getting one batch into a stream once, whatever happens to the link or the server meanwhile.

When no answer comes, what was stored and what was not is found out before anything is sent again: first a message that
the stream always refuses, whose refusal tells that all that was sent before it has been dealt with; then the stream is
searched from where it stood before.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import nats.errors
from nats.aio.client import Client

from vardkase.runtime.jetstream import api
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.batches import Marked, covers, mark_of, on_the_wire
from vardkase.runtime.jetstream.connection import ours
from vardkase.runtime.jetstream.errors import WriteConflict, WriteRefused, WriteTimeout
from vardkase.runtime.jetstream.headers import written
from vardkase.runtime.jetstream.values import Incomplete, scan

_PAUSES: Final = (0.05, 1.0)
"""Seconds between two attempts: the first, and the longest."""
_GLANCE: Final = 0.05
"""Seconds between two looks at whether the connection is back."""
_CONFLICTS: Final = {api.WRONG_LAST_SEQUENCE, api.WRONG_LAST_SEQUENCE_CONSTANT}
_PASSING: Final = {429, 503}
"""Errors that pass: too many batches under way, or JetStream is starting."""
_FEW: Final = 100
"""So many subjects are worth naming when the stream is searched."""
_PROBES: Final = 3
"""So often in a row none of a batch's ids may be known after all."""
_NO_SUCH_STREAM: Final = "no-such-stream"
_DENIED: Final = 403
_TOO_LONG: Final = 413

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Target:
    """Where a writer writes to."""

    nc: Client
    stream: str
    timeout: float
    """Seconds that one attempt may take."""
    patience: float
    """Seconds that a batch may take in all."""
    reached: int | None = None
    """A sequence that the stream is known to have reached."""
    retried: int = 0
    """How often something was sent again or searched for."""
    trouble: str = ""
    """Why the last attempt failed; empty when it did not."""
    tell: Callable[[str], None] = lambda _: None
    """Called with the reason whenever an attempt failed."""


_log = logging.getLogger(__name__)


class Attempts:
    """The attempts to store one batch.

    Args:
        target: where to.
        batch: the messages.
        once: leave out those whose message id the stream knows already; otherwise they are an error.
    """

    def __init__(self, target: Target, batch: list[Marked], *, once: bool = False) -> None:
        self._target = target
        self._nc = ours(target.nc)
        self._left = batch
        self._once = once
        self._repeats = False  # a message of the batch is known to the stream, and it was not yet found out which
        self._probes = 0
        self._stored: dict[int, int | None] = {}
        self._begun = time.monotonic()
        self._floor: int | None = None
        self._unsure = False  # an attempt had no answer, and it was not yet found out what became of it
        self._searched = False
        self._verdict: ApiError | None = None
        self._incomplete = 0
        self._reconnects = -1

    async def run(self) -> dict[int, int | None]:
        """Store the batch.

        Returns:
            The sequence of each message by its place; None for a repeat.

        Raises:
            WriteConflict: an `expected` does not hold.
            WriteRefused: the server refuses.
            WriteTimeout: not confirmed in time; stored or not.
        """
        pause, reason = _PAUSES[0], "no answer"
        while self._left:
            await self._connected(reason)
            try:
                if self._unsure:
                    await self._find_out()
                elif self._repeats:
                    await self._leave_out()
                else:
                    await self._send()
                continue
            except ApiError as error:
                if await self._again(error):
                    continue
                reason = self._meaning(error)
            except nats.errors.NoRespondersError:
                reason = f"no stream takes {self._left[-1].message.subject}"
            except (NoAnswer, Incomplete, nats.errors.OutboundBufferLimitError) as error:
                reason = str(error)
                self._allowed()
            self._failed(reason)
            self._in_time(reason, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _PAUSES[1])
        self._target.trouble = ""
        return self._stored

    def _failed(self, reason: str) -> None:
        if not self._target.trouble:
            _log.warning("writing to %s: %s; trying again", self._target.stream, reason)
        self._target.trouble = reason
        self._target.retried += 1
        self._target.tell(reason)

    def _in_time(self, reason: str, ahead: float = 0.0) -> None:
        if time.monotonic() + ahead > self._begun + self._target.patience:
            waited = f"{self._target.patience:g} s"
            raise WriteTimeout(f"writing to {self._target.stream} was not confirmed for {waited}: {reason}")

    async def _connected(self, reason: str) -> None:
        while not self._nc.is_connected:
            if self._nc.is_closed:
                raise nats.errors.ConnectionClosedError
            self._in_time(f"not connected ({reason})")
            self._target.trouble = "not connected"
            await asyncio.sleep(_GLANCE)

    async def _send(self) -> None:
        """One attempt: one message, or one atomic batch."""
        if self._floor is None:
            self._floor = self._target.reached = await self._reached()
        self._reconnects = self._nc.stats["reconnects"]
        batch, identity = self._left, uuid4().hex
        last, committing = batch[-1], batch[-1].headers
        if len(batch) > 1:
            number = str(len(batch))
            committing |= {"Nats-Batch-Id": identity, "Nats-Batch-Sequence": number, "Nats-Batch-Commit": "1"}
        before = [
            (one.message.subject, _block(one, identity, at), one.message.data) for at, one in enumerate(batch[:-1], 1)
        ]
        longest = max((len(head) + len(data) for _, head, data in before), default=0)
        if max(longest, on_the_wire(last.message, committing)) > self._nc.max_payload:  # it would end the connection
            raise WriteRefused(_TOO_LONG, f"a message is longer than {self._nc.max_payload} bytes")
        try:
            await self._nc.publish_all(before)
            self._unsure = True
            answer = await self._ask(last, committing, last.message.data)
        except (ApiError, nats.errors.NoRespondersError):
            self._unsure = False  # an answer, although not the one hoped for
            raise
        self._unsure = False
        if answer.get("duplicate"):
            raise ApiError(400, api.BATCH_DUPLICATE, "the stream knows this message id")
        stored = answer["seq"]
        self._stored |= {one.place: stored - back for back, one in enumerate(reversed(batch))}
        self._target.reached = max(self._target.reached or 0, stored)
        self._left = []

    async def _reached(self) -> int:
        if self._target.reached is not None:
            return self._target.reached
        return await self._last()

    async def _last(self) -> int:
        info = await call(self._nc, f"STREAM.INFO.{self._target.stream}", within=self._target.timeout)
        return info["state"]["last_seq"]

    async def _ask(self, one: Marked, headers: dict[str, str], data: bytes) -> dict[str, Any]:
        """Publish, and wait for the answer of the stream."""
        subject = one.message.subject
        try:
            reply = await self._nc.request(subject, data, timeout=self._target.timeout, headers=headers)
        except nats.errors.TimeoutError as error:
            raise NoAnswer(f"the stream {self._target.stream} does not answer") from error
        answer = json.loads(reply.data)
        if "error" in answer:
            raise ApiError.of(answer["error"])
        if answer.get("stream") != self._target.stream:
            raise WriteRefused(api.EXPECTED_STREAM, f"{subject} belongs to the stream {answer.get('stream')}")
        return answer

    async def _find_out(self) -> None:
        """Find out which of the messages are stored, once none of them is under way any more."""
        try:
            await self._ask(self._left[0], {"Nats-Expected-Stream": _NO_SUCH_STREAM}, b"")
        except ApiError as error:
            if error.err_code != api.EXPECTED_STREAM:
                raise
        subjects = sorted({one.message.subject for one in self._left})
        last, floor = await self._last(), self._floor or 0
        found = scan(
            self._nc,
            self._target.stream,
            subjects if len(subjects) <= _FEW else [],
            start=floor + 1 if last >= floor else 1,  # else the stream was made anew, or put back
            end=last,
            headers_only=True,
        )
        wanted = {one.mark: one.place for one in self._left}
        found_before = len(self._left)
        async with contextlib.aclosing(found):
            async for stored in found:
                place = wanted.get(mark_of(stored.headers) or "")
                if place is not None:
                    self._stored[place] = stored.sequence
        self._left = [one for one in self._left if one.place not in self._stored]
        self._unsure, self._searched = False, True
        verdict, self._verdict = self._verdict, None
        if verdict is not None and len(self._left) == found_before:
            await self._give_up(verdict)

    async def _again(self, error: ApiError) -> bool:
        """What an error of the stream means. True: at once again; false: after a pause.

        Raises:
            WriteConflict: compare-and-set.
            WriteRefused: for good.
        """
        code = error.err_code
        if code in _CONFLICTS or code == api.BATCH_DUPLICATE:
            if self._searched:  # perhaps it was we ourselves: an attempt that landed late
                self._unsure, self._verdict = True, error
            else:
                await self._give_up(error)
            return True
        if code == api.BATCH_INCOMPLETE:
            lost = self._reconnects != self._nc.stats["reconnects"]  # a part went down with the connection
            self._incomplete += not lost
            self._allowed()
            if self._incomplete > 1 and (fault := await self._fault()):
                raise WriteRefused(code, f"{error.description}: {fault}")
        elif code == api.STORE_FAILED or (error.code not in _PASSING and code != api.STREAM_NOT_FOUND):
            raise WriteRefused(code, error.description)
        return False

    def _meaning(self, error: ApiError) -> str:
        """An error that passes, for people."""
        if error.err_code == api.BATCH_INCOMPLETE:
            return f"{self._target.stream} stored only a part of what was sent, and dropped it: its disk may be full"
        return str(error)

    async def _fault(self) -> str:
        """Which of the messages the stream does not take, and why; empty when it is not for their form.

        The server drops what it cannot store of a batch without a word, and tells only that something is missing.
        """
        try:
            info = await call(self._nc, f"STREAM.INFO.{self._target.stream}", within=self._target.timeout)
        except (ApiError, NoAnswer):
            return ""
        subjects, most = info["config"].get("subjects", []), info["config"].get("max_msg_size", -1)
        for one in self._left:
            message = one.message
            if not any(covers(pattern, message.subject) for pattern in subjects):
                return f"{message.subject} is no subject that it takes"
            if 0 < most < on_the_wire(message, one.headers):
                return f"a message on {message.subject} is longer than the {most} bytes that it takes"
        return ""

    async def _leave_out(self) -> None:
        """Leave out what the stream knows, asking for each with a message that is refused if its id is new.

        The server looks at the id first, then at what the last id is expected to be, and stores neither.
        """
        impossible = uuid4().hex
        known: set[int] = set()
        for first in range(0, len(self._left), _FEW):
            part = self._left[first : first + _FEW]
            answers = await asyncio.gather(*(self._knows(one, impossible) for one in part))
            known |= {one.place for one, knows in zip(part, answers, strict=True) if knows}
        self._stored |= dict.fromkeys(known)
        self._left = [one for one in self._left if one.place not in known]
        self._repeats = False
        self._probes += not known
        if self._probes > _PROBES:
            raise WriteRefused(api.BATCH_DUPLICATE, "a message id is known, and the stream does not tell which")

    async def _knows(self, one: Marked, impossible: str) -> bool:
        try:
            answer = await self._ask(one, {"Nats-Msg-Id": one.mark, "Nats-Expected-Last-Msg-Id": impossible}, b"")
        except ApiError as error:
            if error.err_code == api.WRONG_LAST_ID:
                return False
            raise
        return answer.get("duplicate", False)

    async def _give_up(self, error: ApiError) -> None:
        if error.err_code == api.BATCH_DUPLICATE:
            if not self._once:
                raise WriteRefused(error.err_code, error.description)
            self._repeats = True
            return
        raise WriteConflict(await self._conflicting()) from error

    def _allowed(self) -> None:
        """nats-py tells of a refused publish on its error callback only: see `Connection.denied`.

        Raises:
            WriteRefused: this user may not publish there.
        """
        denied: dict[str, float] = getattr(self._nc, "denied", {})
        for one in self._left:
            if denied.get(one.message.subject.lower(), 0.0) > self._begun:
                raise WriteRefused(_DENIED, f"this user may not publish to {one.message.subject}")

    async def _conflicting(self) -> str:
        """The subject whose expectation does not hold: the server does not name it."""
        expecting = [one.message for one in self._left if one.message.expected is not None]
        for message in expecting[:-1]:
            try:
                got = await call(self._nc, f"STREAM.MSG.GET.{self._target.stream}", {"last_by_subj": message.subject})
                last = got["message"]["seq"]
            except ApiError:
                last = 0
            except NoAnswer:
                break
            if last != message.expected:
                return message.subject
        return (expecting or [self._left[-1].message])[-1].subject


def _block(one: Marked, batch: str, number: int) -> bytes:
    """The headers of a message that is a part of a batch, as they stand on the wire."""
    return written((*one.headers.items(), ("Nats-Batch-Id", batch), ("Nats-Batch-Sequence", str(number))))
