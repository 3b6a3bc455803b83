"""An exercise reaches the nodes that take part, and an abort all that it concerns: up, down, and also late."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from federation.conftest import Three
from federation.kit import Level
from oracle import adapter
from vardkase.domain.exercises import Standing
from vardkase.gateway.exercises import HeldExercises
from vardkase.gateway.metrics import GatewayMetrics
from vardkase.runtime.clock import SystemClock
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.tasks import Tasks
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.client import new_order
from vardkase_contracts.instants import iso, to_datetime

pytestmark = pytest.mark.slow


async def order(level: Level, state: str, areas: list[str], about: str) -> None:
    """An order about the exercise, given at a node."""
    now = SystemClock().now()
    data = {"id": "ovning-x", "name": "Övning X", "areas": areas, "from": iso(now), "state": state}
    who: dict[str, Any] = {"role": "stab", "acting_for": about, "reality": "exe", "given_at": to_datetime(now)}
    event = new_order("exercise", about, data, **who).model_dump_json(exclude_unset=True, by_alias=True)
    subject = subjects.order("exe", Area.parse(about), "exercise")
    await StreamWriter(level.nc, streams.ORDERS_UP).write([Outgoing(subject=subject, data=event.encode())])


@asynccontextmanager
async def gateway_at(level: Level) -> AsyncIterator[HeldExercises]:
    """What a gateway at a node knows of exercises."""
    tasks = Tasks()
    counts = GatewayMetrics(CollectorRegistry())
    held = HeldExercises(level.settings(), adapter.rules(), SystemClock(), tasks, counts)
    held.start(level.nc)
    try:
        yield held
    finally:
        tasks.closing()
        await tasks.stop()


async def test_a_lans_exercise_and_a_kommuns_abort(three: Three) -> None:
    """The kommun's node knows of the län's exercise; while the link is down its abort holds at home, and then above."""
    eventually, link = three.federation.eventually, three.federation.links["lan-24"]
    async with gateway_at(three.lan) as lan, gateway_at(three.kommun) as kommun, gateway_at(three.nation) as nation:

        def says(held: HeldExercises, wanted: Callable[[Standing], object]) -> Callable[[], bool]:
            return lambda: bool(wanted(held.standing("2480")))

        await order(three.lan, "running", ["24"], "24")
        for held in (lan, kommun, nation):
            await eventually(says(held, lambda found: found.running), what="the exercise", within=20)
        link.cut()
        await order(three.kommun, "aborted", ["2480"], "2480")
        await eventually(says(kommun, lambda found: found.aborted), what="the abort at home")
        assert lan.standing("2480").aborted is None
        link.heal()
        for held in (lan, nation):
            await eventually(says(held, lambda found: found.aborted), what="the abort above", within=30)
            assert held.standing("2482").running, "the neighbour goes on"
        await order(three.lan, "aborted", ["24"], "24")
        await eventually(lambda: lan.standing("2482").aborted is not None, what="all aborted")
