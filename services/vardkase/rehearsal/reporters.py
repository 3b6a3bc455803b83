"""The intake of nodes without services: what the storm's points report is checked, signed and put into their log.

The same check, ids and headers as intake's; what it does not do is to keep INTAKE, since nothing here is killed between
the two streams. A report counts as sent when it is on the disk of its own kommun's server.
"""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from vardkase.intake.carried import fingerprint
from vardkase.intake.check import check
from vardkase.intake.memory import ORIGIN, RECEIVED
from vardkase.intake.recent import Recent
from vardkase.rehearsal.cast import kommun_node
from vardkase.rehearsal.ledger import Ledger, origin
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.patient import PatientWriter
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.setting_groups import WriterSettings
from vardkase.runtime.tasks import ended
from vardkase_contracts import signing, streams
from vardkase_contracts.instants import iso
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.signing import Signer

_MOST: Final = 20_000
"""Reports of a kommun that may wait for its server; the storm waits for what is beyond."""
_REMEMBERED: Final = 5_000
_BATCH: Final = 500
_FULL: Final = 0.05
_KOMMUN: Final = 5
"""The place of the kommun in a report's subject."""


class Reporter:
    """One kommun's reports on their way into its own log.

    Args:
        kommun: its code.
        signer: its key.
        ledger: is told what is on disk.
        ids: takes the message id of each report that is on disk.
    """

    def __init__(self, kommun: str, signer: Signer, ledger: Ledger, ids: Callable[[str], None]) -> None:
        self.kommun = kommun
        self._node = kommun_node(kommun)
        self._signer = signer
        self._ledger = ledger
        self._ids = ids
        self._recent = Recent(_REMEMBERED)
        self._waiting: deque[Outgoing] = deque()
        self._wake = asyncio.Event()
        self._numbered = 0
        self._stored = 0
        self._task: asyncio.Task[None] | None = None
        self.refused = 0
        self.repeated = 0

    def start(self, nc: Connection, metrics: Metrics) -> None:
        """Write what there is, until `stop`."""
        writer = PatientWriter(nc, streams.REPORTS, WriterSettings(), metrics)
        self._task = asyncio.create_task(self._write(writer), name=f"reports of {self.kommun}")

    async def stop(self) -> None:
        """Write no more."""
        task, self._task = self._task, None
        await ended(task)

    @property
    def waiting(self) -> int:
        """Reports that are not on disk."""
        return self._numbered - self._stored

    @property
    def trouble(self) -> BaseException | None:
        """What ended the writing."""
        task = self._task
        return task.exception() if task is not None and task.done() and not task.cancelled() else None

    def report(self, subject: str, data: bytes) -> None:
        """What a point, or the kommun, sends."""
        verdict = check(subject, data)
        if isinstance(verdict, Refusal) or verdict.where.kommun != self.kommun:
            self.refused += 1
            return
        signature = signing.sign(self._signer, subject, data)
        digest = fingerprint(data, signature)
        message_id = self._recent.message_id(verdict.identity, digest)
        if message_id is None:
            self.repeated += 1
            return
        self._recent.add(message_id, digest)
        self._numbered += 1
        headers = {
            RECEIVED: iso(time.time_ns() // 1000),
            ORIGIN: origin(self._node, self._numbered),
            signing.HEADER: signature,
        }
        self._waiting.append(
            Outgoing(subject=verdict.where.accepted, data=data, headers=headers, message_id=message_id)
        )
        self._wake.set()

    async def _write(self, writer: PatientWriter) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = [self._waiting[n] for n in range(min(_BATCH, len(self._waiting)))]
                await writer.write_once(batch)
                for each in batch:
                    self._waiting.popleft()
                    self._ids(each.message_id or "")
                self._stored += len(batch)
                self._ledger.sent(self.kommun, self._stored)


class Reporters:
    """All of them.

    Args:
        signers: the key of each kommun that takes part.
        ledger: is told what is on disk.
    """

    def __init__(self, signers: Mapping[str, Signer], ledger: Ledger) -> None:
        self.ids: dict[str, set[bytes]] = {kommun: set() for kommun in signers}
        """The message ids (digests of them) of what is on disk, by kommun."""
        self._all = {
            kommun: Reporter(kommun, signer, ledger, self._taker(kommun)) for kommun, signer in signers.items()
        }
        self.emitted = 0

    def start(self, connections: Mapping[str, Connection]) -> None:
        """Write from now on, each into its own kommun's server.

        Args:
            connections: by the node's name.
        """
        metrics = Metrics()
        for each in self._all.values():
            each.start(connections[kommun_node(each.kommun)], metrics)

    async def stop(self) -> None:
        """Write no more."""
        await asyncio.gather(*(each.stop() for each in self._all.values()))

    async def publish(self, messages: list[tuple[str, bytes]]) -> None:
        """Take in what is sent; what is for others than the cast is left out."""
        for subject, data in messages:
            parts = subject.split(".")
            reporter = self._all.get(parts[_KOMMUN]) if len(parts) > _KOMMUN else None
            if reporter is None:
                continue
            self.emitted += 1
            while reporter.waiting >= _MOST:  # noqa: ASYNC110 -- seldom, and soon over
                await asyncio.sleep(_FULL)
            reporter.report(subject, data)

    @property
    def waiting(self) -> int:
        """Reports that are not on disk."""
        return sum(each.waiting for each in self._all.values())

    @property
    def refused(self) -> int:
        """By the check."""
        return sum(each.refused for each in self._all.values())

    @property
    def repeated(self) -> int:
        """The same again."""
        return sum(each.repeated for each in self._all.values())

    @property
    def troubles(self) -> list[str]:
        """What ended the writing of some."""
        return [f"{each.kommun}: {each.trouble}" for each in self._all.values() if each.trouble is not None]

    def _taker(self, kommun: str) -> Callable[[str], None]:
        held = self.ids[kommun]
        return lambda message_id: held.add(id_digest(message_id))


def id_digest(message_id: str) -> bytes:
    """What a message id is remembered by: 12 bytes instead of some sixty."""
    return hashlib.blake2b(message_id.encode(), digest_size=12).digest()
