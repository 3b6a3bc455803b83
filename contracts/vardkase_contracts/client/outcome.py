"""What became of a report after it was stored: intake accepted it, or refused it and why."""

import asyncio
import base64
import binascii
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self

from pydantic import ValidationError

from vardkase_contracts import subjects, vocab
from vardkase_contracts.areas import NATION, Area
from vardkase_contracts.client.connection import Connection
from vardkase_contracts.client.errors import ReadRefused
from vardkase_contracts.client.events import EncodedReport
from vardkase_contracts.client.feed import Feed, Source
from vardkase_contracts.client.pull import Pace
from vardkase_contracts.refusals import RejectedEvent

_MOST_SOURCES: Final = 16

OutcomeStatus = Literal["accepted", "rejected", "unknown"]
"""`unknown`: not heard of in time, or this user may not see it. It is stored all the same, and nothing is lost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a report."""

    status: OutcomeStatus
    """Accepted, rejected, or not known (yet)."""
    reason: vocab.RefusalReason | None = None
    """Of a refusal: why, for a program."""
    field: str | None = None
    """Of a refusal: the field at fault; None when it is the message as a whole."""
    detail: str | None = None
    """Of a refusal, or an unknown outcome: why, for a person."""


class Outcomes:
    """Listens, from before the reports are sent, for what becomes of them. A context manager.

    A report is known again by its bytes, which intake passes on unchanged. A repeat of a report that was accepted
    earlier may never show up again: its outcome is `unknown`, unless it is the point's latest of its kind.
    """

    def __init__(self, connection: Connection, reports: Sequence[EncodedReport], *, pace: Pace | None = None) -> None:
        sources, only_new = _sources(reports)
        self._feed = Feed(
            connection,
            sources,
            decode=lambda data: data,
            when_slow="wait",
            only_new=only_new,
            pace=pace,
        )
        self._open = {report.payload for report in reports}
        self._known: dict[bytes, Outcome] = {}
        self._trouble = "intake has not answered"

    async def __aenter__(self) -> Self:
        await self._feed.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._feed.aclose()

    async def ready(self, timeout_s: float) -> None:
        """Wait until it listens; a later report cannot be missed. When it may not listen, outcomes are `unknown`."""
        try:
            async with asyncio.timeout(timeout_s):
                for data in await self._feed.current():
                    self._note(data)
        except (ReadRefused, TimeoutError) as error:
            self._trouble = str(error) or "the server has not answered"

    async def wait(self, reports: Iterable[EncodedReport], timeout_s: float) -> list[Outcome]:
        """What became of each report, in their order; at the latest after `timeout_s`."""
        wanted = list(reports)
        pending = {report.payload for report in wanted} - self._known.keys()
        deadline = time.monotonic() + timeout_s
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + deadline - time.monotonic()):
                while pending:
                    self._note(await anext(self._feed))
                    pending -= self._known.keys()
        except (ReadRefused, StopAsyncIteration) as error:
            self._trouble = str(error) or self._trouble
        except TimeoutError:
            pass  # what is not known by now is told as unknown
        unknown = Outcome(status="unknown", detail=self._trouble)
        return [self._known.get(report.payload, unknown) for report in wanted]

    def _note(self, data: bytes) -> None:
        if data in self._open:
            self._known[data] = Outcome(status="accepted")
            return
        if subjects_family(self._feed.subject) != "rejected":
            return
        try:
            refused = RejectedEvent.model_validate_json(data).data
            raw = base64.b64decode(refused.bytes, validate=True)
        except (ValidationError, binascii.Error):
            return  # not a refusal as we know it: it cannot be told whose it is
        if raw in self._open:
            self._known[raw] = Outcome(
                status="rejected", reason=refused.reason, field=refused.field, detail=refused.detail
            )


def subjects_family(subject: str | None) -> str | None:
    """The family of a subject of ours (`accepted`, `rejected`); None when it is none."""
    tokens = (subject or "").split(".")
    return tokens[3] if len(tokens) > 3 else None


def _sources(reports: Sequence[EncodedReport]) -> tuple[list[Source], bool]:
    exact = {
        source
        for r in reports
        for source in (
            Source("REPORTS", subjects.accepted(r.reality, r.kommun, r.slug, r.kind)),
            Source("REJECTED", subjects.rejected(r.reality, r.kommun[:2], r.kommun, r.slug)),
        )
    }
    if len(exact) <= _MOST_SOURCES:
        return sorted(exact), False
    areas: set[tuple[vocab.Reality, Area]] = {(r.reality, Area("kommun", r.kommun)) for r in reports}
    if 2 * len(areas) > _MOST_SOURCES:
        areas = {(r.reality, NATION) for r in reports}
    wide = {
        source
        for reality, area in areas
        for source in (
            Source("REPORTS", subjects.accepted_filter(reality, area)),
            Source("REJECTED", subjects.rejected_filter(reality, area)),
        )
    }
    return sorted(wide), True
