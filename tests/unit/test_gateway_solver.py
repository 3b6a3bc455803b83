"""Proposals and forecasts wait for their turn, few of them, and not for ever."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from vardkase.gateway.foresight import readings
from vardkase.gateway.foresight.readings import Readings
from vardkase.gateway.problems import Problem
from vardkase.gateway.solver import WAITING, Solver
from vardkase.logistics.transport import Unsolved
from vardkase_contracts.areas import Area


async def test_few_proposals_wait_and_one_is_solved_at_a_time() -> None:
    """One more than may wait is told 503, at once and counted; the others are answered in turn, beside the loop."""
    registry = CollectorRegistry()
    solver = Solver(registry)
    go, at_once, most = threading.Event(), 0, 0

    def work() -> int:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        go.wait(10)
        at_once -= 1
        return threading.get_ident()

    waiting = [asyncio.create_task(solver.solve("match", work)) for _ in range(WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await solver.solve("match", work)
    assert (refused.value.status, refused.value.code) == (503, "busy")
    go.set()
    found = await asyncio.gather(*waiting)
    assert most == 1
    assert threading.get_ident() not in found
    assert registry.get_sample_value("vardkase_solver_problems_total", {"what": "match", "outcome": "turned_away"}) == 1
    assert (
        registry.get_sample_value("vardkase_solver_problems_total", {"what": "match", "outcome": "solved"}) == WAITING
    )


async def test_what_takes_too_long_is_told_so() -> None:
    """A problem that has no answer in time is a 503 that says what to do; the next one is solved."""
    solver = Solver(CollectorRegistry())

    def work() -> None:
        raise Unsolved("time limit")

    with pytest.raises(Problem) as refused:
        await solver.solve("match", work)
    assert (refused.value.status, refused.value.code) == (503, "too_long")
    assert await solver.solve("match", lambda: 1) == 1


class Away:
    """A bus and what is held live, of which nothing comes."""

    epoch = "x"


class One:
    """A point whose state is not known yet."""

    id, kommun = "2480-a", "2480"

    held = SimpleNamespace(sequence=1)


async def test_few_questions_about_forecasts_wait_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """While STATE cannot be read they are told 503 in time, one more than may wait at once; too large an area, 400."""
    monkeypatch.setattr(readings, "_PATIENCE", 0.2)
    monkeypatch.setattr(readings, "MOST", 3)

    async def never(*_: Any) -> Any:
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr(readings, "last_values", never)
    registry = CollectorRegistry()
    own = Readings(registry)
    area = Area.parse("2480")

    def ask(points: int = 1) -> Any:
        away: Any = Away()
        point: Any = One()
        return own.of(away, away, "act", area, [point] * points)

    with pytest.raises(Problem) as large:
        await ask(4)
    assert large.value.status == 400
    waiting = [asyncio.create_task(ask()) for _ in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await ask()
    assert refused.value.status == 503
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(each, Problem) and each.status == 503 for each in answers)
    outcomes = {
        outcome: registry.get_sample_value("vardkase_forecast_questions_total", {"outcome": outcome})
        for outcome in ("too_many", "turned_away", "failed")
    }
    assert outcomes == {"too_many": 1, "turned_away": 1, "failed": 16}
