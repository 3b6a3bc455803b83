"""What would go by a policy, and letting it go: each month is told to the audit before it does."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, NamedTuple

from nats.aio.client import Client

from vardkase.archive.store import Store
from vardkase.archiver.partitions import Month
from vardkase.runtime.database import Away
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase_contracts.instants import iso, to_datetime

from .deciding import deciding
from .gone import Gone, Letting
from .months import TABLES, Part, boundary, old, parts_of
from .policy import CLASSES, Class, Keep, Policy
from .streams import SHORTENED, reach, shorten

Outcome = Literal["done", "failed"]
Tell = Callable[[str, Outcome], Awaitable[None]]
"""Tells the audit what goes, and what came of it."""
_LONGEST: Final = 255


class Old(NamedTuple):
    """A month that is old enough to go."""

    name: str
    rows: int
    bytes: int


class Step(NamedTuple):
    """What would go of one class."""

    of: Class
    keep: Keep
    before: int | None
    """What is from before this instant (µs) may go."""
    months: Sequence[Old]
    orders: int = 0
    """Of orders: how many are old enough, whether their time has ended or not."""


class Done(NamedTuple):
    """What became of one class."""

    of: Class
    months: Sequence[Gone]
    streamed: int
    """Messages that went of its stream."""
    trouble: str = ""
    """Why not all went that should; empty: it did."""


async def plan(store: Store, policy: Policy, now: int) -> list[Step]:
    """What would go, of each class. Nothing is changed.

    Args:
        store: the archive.
        policy: how long each class is kept.
        now: µs.

    Raises:
        Away: the database does not answer.
    """
    steps: list[Step] = []
    for of in CLASSES:
        keep = policy[of]
        before = boundary(keep, now)
        months = [] if of not in TABLES else old(await parts_of(store, TABLES[of]), before)
        orders = 0
        if of == "orders" and before is not None:
            query = "SELECT count(*) AS n FROM act WHERE stored_at < $1"
            (orders,) = [row["n"] async for row in store.rows(query, to_datetime(before))]
        steps.append(Step(of, keep, before, [await _sized(store, month) for month in months], orders))
    return steps


async def _sized(store: Store, part: Part) -> Old:
    query = f"SELECT count(*) AS n, pg_total_relation_size('{part.name}') AS bytes FROM {part.name}"  # noqa: S608
    (row,) = [row async for row in store.rows(query)]
    return Old(part.name, row["n"], row["bytes"])


async def needed(store: Store, steps: Sequence[Step]) -> list[tuple[str, str, str]]:
    """The old reports that something still rests on, where reports are to go.

    The store must be closed before anything goes: who reads holds the tables.

    Raises:
        Away: the database does not answer.
    """
    for step in steps:
        if step.of == "reports" and step.months and step.before is not None:
            return await deciding(store, step.before)
    return []


async def let_go(
    letting: Letting, nc: Client, steps: Sequence[Step], kept: Sequence[tuple[str, str, str]], tell: Tell
) -> list[Done]:
    """Let go of what a plan names; what cannot go now stays, and is told.

    Args:
        letting: what deletes.
        nc: the node's account, for the streams.
        steps: the plan.
        kept: as `needed` gives it.
        tell: the audit. Nothing goes that it does not know of.

    Raises:
        Away: the database is lost.
    """
    await letting.remember(kept)
    return [
        await _class(letting, nc, step, step.before, tell)
        for step in steps
        if step.before is not None and (step.months or step.orders or step.of in SHORTENED)
    ]


async def _class(letting: Letting, nc: Client, step: Step, before: int, tell: Tell) -> Done:
    months: list[Gone] = []
    streamed, trouble = 0, ""
    for month in step.months:
        about = _about(step, month.name, f"{month.rows} rows, less those still needed")
        await tell(about, "done")
        try:
            months.append(await letting.month(_part(step.of, month.name)))
        except Away as error:
            await tell(about, "failed")
            trouble = f"{month.name}: {error}"
            break
    if step.orders:
        about = _about(step, "act", f"orders before {iso(before)} whose time has ended")
        await tell(about, "done")
        months.append(await letting.orders(before))
    if step.of in SHORTENED and not trouble:
        streamed, trouble = await _stream(letting, nc, step, before, tell)
    return Done(step.of, months, streamed, trouble)


async def _stream(letting: Letting, nc: Client, step: Step, before: int, tell: Tell) -> tuple[int, str]:
    """Shorten a class's stream as far as it is archived. Returns how many messages went, and what went wrong."""
    stream, told = SHORTENED[step.of], ""
    try:
        last = await reach(nc, stream, before, await letting.stream_position(stream))
        if not last:
            return 0, ""
        told = _about(step, stream, f"archived messages before {iso(before)}, up to {last}")
        await tell(told, "done")
        return await shorten(nc, stream, last), ""
    except (ApiError, NoAnswer) as error:
        if told:
            await tell(told, "failed")
        return 0, f"{stream}: {error}"


def _part(of: Class, name: str) -> Part:
    year, month = name.rsplit("_", 2)[1:]
    return Part(TABLES[of], Month(int(year), int(month)))


def _about(step: Step, what: str, how_much: str) -> str:
    return f"{step.of} {what}: {how_much}; decision {step.keep.decision}"[:_LONGEST]
