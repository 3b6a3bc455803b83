"""The log as the aggregator reads it: a message of REPORTS becomes a report, or a refusal."""

import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterable

from nats.aio.client import Client
from pydantic import ValidationError

from vardkase.domain.fold import withdrawn_by
from vardkase.domain.merge import Copy, Identity, Received, identity, merge
from vardkase.domain.state import PointState
from vardkase.runtime.jetstream import headers
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import parse
from vardkase_contracts.refusals import Refusal, explain, mismatch
from vardkase_contracts.reports import REPORT, Report, WithdrawReport
from vardkase_contracts.vocab import Reality

from .identities import Identities

_AT_ONCE = 500


def decode(delivery: Delivery) -> Received | Refusal:
    """The report that a message holds. Intake has checked it; a log from elsewhere may still hold anything."""
    try:
        report = REPORT.validate_json(delivery.data)
    except ValidationError as error:
        return explain(delivery.data, error)
    if delivery.subject != _subject_of(report):
        where = subjects.parse_accepted(delivery.subject)
        if isinstance(where, subjects.SubjectError):
            return Refusal(where.reason, where.field, where.detail)
        disagreement = mismatch(where, report)
        if disagreement is not None:
            return disagreement
    return Received(report=report, received=received_at(delivery), digest=hashlib.sha256(delivery.data).digest())


def received_at(delivery: Delivery) -> int:
    """When a report was first received at any node, µs."""
    text = headers.value(delivery.head, b"Tp-Received")
    if text is not None:
        with contextlib.suppress(ValueError):
            return parse(text)
    return delivery.stored_at


def _subject_of(report: Report) -> str | None:
    """The subject that a report has in the log; `None` when it speaks for another kommun than its point's."""
    kommun, slug = report.kommun, report.subject[5:]
    if report.source_kommun != kommun:
        return None
    return _accepted(report.reality, kommun, slug, report.kind)


async def refold(
    nc: Client, identities: Identities, reality: Reality, points: Iterable[str], upto: int
) -> dict[str, PointState]:
    """Points folded anew from the log, up to a sequence: the copies that count, without those withdrawn.

    Raises:
        Incomplete: the log could not be read to the end.
    """
    states = {point: PointState(point, reality) for point in points}
    patterns = [_accepted(reality, point[:4], point[5:], ">") for point in states]
    async for some in _by_many(_received(nc, patterns, upto)):
        for item in _counting(identities, some):
            merge(states[item.report.subject], item)
    return states


async def withdrawn_in_log(
    nc: Client, identities: Identities, reality: Reality, kommuner: Iterable[str], upto: int
) -> set[Identity]:
    """The identities that the withdraws of kommuner name, of the copies that count, up to a sequence.

    Raises:
        Incomplete: the log could not be read to the end.
    """
    found: set[Identity] = set()
    patterns = [_accepted(reality, kommun, "*", "withdraw") for kommun in kommuner]
    async for some in _by_many(_received(nc, patterns, upto)):
        for item in _counting(identities, some):
            if isinstance(item.report, WithdrawReport):
                found.update(withdrawn_by(item.report))
    return found


def _accepted(reality: Reality, kommun: str, slug: str, kind: str) -> str:
    return f"{subjects.ROOT}.{reality}.accepted.{KOMMUNER[kommun].lan}.{kommun}.{slug}.{kind}"


def _counting(identities: Identities, items: list[Received]) -> Iterable[Received]:
    """Those of the reports that count: the winners of their identities, and not withdrawn."""
    known = identities.look_up(identity(item.report) for item in items)
    for item in items:
        held = known.get(identity(item.report))
        if held is None or held.copy != Copy(item.digest, item.received):
            continue
        if not held.withdrawn or isinstance(item.report, WithdrawReport):
            yield item


async def _received(nc: Client, patterns: list[str], upto: int) -> AsyncIterator[Received]:
    async for delivery in scan(nc, streams.REPORTS, patterns, end=upto):
        item = decode(delivery)
        if isinstance(item, Received):
            yield item


async def _by_many(items: AsyncIterator[Received]) -> AsyncIterator[list[Received]]:
    some: list[Received] = []
    async for item in items:
        some.append(item)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some
