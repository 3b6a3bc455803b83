"""Talking to a node about its register: what it knows, and sending it what is new."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from nats.aio.client import Client as NatsClient

from vardkase.cli.node import Node, client_of, connection_of, signer_of
from vardkase.registry.known import Known, known
from vardkase.registry.plan import Step
from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.values import Incomplete, last_values
from vardkase_contracts import instants, streams, subjects
from vardkase_contracts.areas import KOMMUNER, NATION, Area
from vardkase_contracts.client import BatchIncomplete, Client, new_report
from vardkase_contracts.client.outcome import Outcome
from vardkase_contracts.reports import Report
from vardkase_contracts.vocab import Reality

_NAME: Final = "vardkase-register"
_ANSWER_S: Final = 3.0
_MOST_FILTERS: Final = 40
"""Kommuner that are asked about one by one; of more, everything is read."""
_BATCH: Final = 500
"""Reports that are sent at a time, and waited for before the next."""
_SEEN_S: Final = 20.0
"""Seconds to wait at most for the states: an aggregator that is away does not hold up whoever imports."""
_LOOK_S: Final = 0.25
"""Seconds between two looks at whether the states have it."""
_TICK: Final = instants.SECOND // 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What a node knows of some kommuner."""

    known: dict[str, Known]
    """Points by id."""
    taken: frozenset[str]
    """Codes of those kommuner that it takes reports of."""


@dataclass(kw_only=True, slots=True)
class Sent:
    """What became of what was sent."""

    stored: int = 0
    """On disk at the node."""
    accepted: int = 0
    """In the log."""
    rejected: list[tuple[Step, Outcome]] = field(default_factory=list[tuple[Step, Outcome]])
    """Refused by the node's check."""
    in_state: int | None = None
    """Seen in the node's states; None: not waited for."""

    @property
    def unchecked(self) -> int:
        """Stored, and the check not heard of in time."""
        return self.stored - self.accepted - len(self.rejected)


async def read_register(node: Node, reality: Reality, kommuner: Sequence[str]) -> Held:
    """What a node knows of the points of these kommuner.

    An exercise reads the register of the real world (CONTRACT §1) where it has none of its own.

    Raises:
        Failed: the node cannot be reached, or does not tell.
    """
    found: dict[str, Known] = {}
    try:
        nc = await connection_of(node, _NAME)
        try:
            taken = frozenset([code for code in kommuner if await _takes(nc, reality, code)])
            for world in dict.fromkeys(("act", reality)):
                async for each in _known(nc, world, kommuner):
                    if each.profile is not None or each.retired or each.id not in found:
                        found[each.id] = each
        finally:
            await nc.close()
    except (ApiError, NoAnswer, Incomplete) as error:
        raise Failed(f"the node at {node.nats} does not tell its register: {error}") from None
    return Held(known=found, taken=taken)


async def send(
    node: Node, steps: Sequence[Step], reality: Reality, *, wait_s: float, on_progress: Callable[[int], None]
) -> Sent:
    """Report each step's register, and wait until it is accepted and seen in the states.

    Args:
        node: where to.
        steps: what is new or has changed.
        reality: of the reports.
        wait_s: seconds to wait for each batch's check, and (20 s at most) for the states; 0 does not wait.
        on_progress: called with how many have been dealt with.

    Raises:
        Failed: the node cannot be reached, or some were not confirmed.
    """
    sent = Sent()
    accepted: list[Report] = []
    async with client_of(node, signer=signer_of(None)) as client:
        for first in range(0, len(steps), _BATCH):
            batch = steps[first : first + _BATCH]
            accepted += await _send_batch(client, batch, reality, sent, wait_s, len(steps))
            on_progress(first + len(batch))
    if wait_s and accepted:
        sent.in_state = await _until_seen(node, accepted, min(wait_s, _SEEN_S))
    return sent


async def _send_batch(
    client: Client, steps: Sequence[Step], reality: Reality, sent: Sent, wait_s: float, of: int
) -> list[Report]:
    """Those that were accepted, or may be."""
    reports = [_report(step, reality) for step in steps]
    try:
        acks = await client.report_batch(reports, outcome_s=wait_s or None)
    except BatchIncomplete as error:
        stored = sent.stored + sum(ack is not None for ack in error.results)
        raise Failed(
            f"{stored} av {of} rapporter lagrades, sedan: {next(iter(error.errors.values()))}; "
            "inget är förlorat, och samma import kan köras igen"
        ) from None
    sent.stored += len(acks)
    open_: list[Report] = []
    for step, report, ack in zip(steps, reports, acks, strict=True):
        if ack.outcome is not None and ack.outcome.status == "rejected":
            sent.rejected.append((step, ack.outcome))
            continue
        sent.accepted += ack.outcome is not None and ack.outcome.status == "accepted"
        open_.append(report)
    return open_


def _report(step: Step, reality: Reality) -> Report:
    """The register report of a step. It is later than what it replaces, also where the two clocks disagree."""
    now = instants.from_datetime(datetime.now(UTC))
    if step.known is not None and step.known.observed_at is not None:
        now = max(now, step.known.observed_at + _TICK)
    return new_report(
        "register",
        step.point,
        dict(step.profile),
        reality=reality,
        observed_at=instants.to_datetime(now),
        id=step.report_id(reality),
    )


async def _until_seen(node: Node, reports: Sequence[Report], wait_s: float) -> int:
    """How many of the reports are seen in the states, or newer ones, at the latest after so many seconds."""
    waited = {report.subject: instants.from_datetime(report.time) for report in reports}
    total = len(waited)
    reality = reports[0].reality
    deadline = time.monotonic() + wait_s
    try:
        nc = await connection_of(node, _NAME)
    except Failed as error:
        raise Failed(f"alla rapporter är lagrade, men noden svarar inte längre: {error}") from None
    try:
        while waited and time.monotonic() < deadline:
            points = list(waited)[:_BATCH]
            found = [subjects.state(reality, point[:4], point[5:]) for point in points]
            async for one in last_values(nc, streams.STATE, found):
                held = known(json.loads(one.data))
                if held is not None and held.observed_at is not None and held.observed_at >= waited.get(held.id, 0):
                    waited.pop(held.id, None)
            if waited.keys() >= set(points):
                await asyncio.sleep(_LOOK_S)
    except (ApiError, NoAnswer, Incomplete) as error:
        raise Failed(f"alla rapporter är lagrade, men nodens tillstånd kan inte läsas: {error}") from None
    finally:
        await nc.close()
    return total - len(waited)


async def _takes(nc: NatsClient, reality: Reality, kommun: str) -> bool:
    """Whether a stream of the node stores this kommun's reports."""
    subject = subjects.report_filter(reality, Area("kommun", kommun))
    found = await call(nc, "STREAM.NAMES", {"subject": subject}, within=_ANSWER_S)
    return bool(found.get("streams"))


async def _known(nc: NatsClient, reality: Reality, kommuner: Sequence[str]) -> AsyncGenerator[Known]:
    """The points of these kommuner."""
    areas = [Area("kommun", code) for code in kommuner] if len(kommuner) <= _MOST_FILTERS else [NATION]
    filters = [subjects.state_filter(reality, area) for area in areas]
    async for one in last_values(nc, streams.STATE, filters):
        if not one.data:
            continue
        held = known(json.loads(one.data))
        if held is not None and held.kommun in KOMMUNER:
            yield held
