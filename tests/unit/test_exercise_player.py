"""A scenario is played in declared time: what is sent when, after a kill, an abort and a stop."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from exercise_kit import START, made, status
from vardkase.domain.exercises import Exercises
from vardkase.exercise.plan import Step, steps_of
from vardkase.exercise.player import Became, Player
from vardkase_contracts.client import new_order
from vardkase_contracts.instants import MINUTE, SECOND, iso, to_datetime
from vardkase_contracts.orders import ExerciseOrder

Told = list[tuple[str, Became]]
BOTH = frozenset({"2480", "2482"})


class World:
    """A node in declared time: each look at the clock moves it on by a second."""

    def __init__(self) -> None:
        self.at = START
        self.log: dict[str, tuple[int, Step]] = {}
        self.orders: list[ExerciseOrder] = []
        self.acts: list[tuple[int, Callable[[], None]]] = []
        self.dies_after: int | None = None
        self.order("running", ["2480", "2482"])

    def order(self, state: str, areas: list[str], about: str = "24") -> None:
        data = {"id": "ovning-x", "name": "X", "areas": areas, "from": iso(START), "state": state}
        who: dict[str, Any] = {"role": "stab", "acting_for": about, "reality": "exe"}
        made_ = new_order("exercise", about, data, **who, given_at=to_datetime(self.at))
        assert isinstance(made_, ExerciseOrder)
        self.orders.append(made_)

    def at_minute(self, minute: int, act: Callable[[], None]) -> None:
        self.acts.append((START + minute * MINUTE, act))

    async def now(self) -> int:
        self.at += SECOND
        for each in [each for each in self.acts if each[0] <= self.at]:
            self.acts.remove(each)
            each[1]()
        return self.at

    async def known(self) -> set[str]:
        return set(self.log)

    async def exercises(self) -> Exercises:
        found = Exercises()
        for each in self.orders:
            found.take(each)
        return found

    async def send(self, step: Step) -> None:
        if self.dies_after is not None and len(self.log) >= self.dies_after:
            raise asyncio.CancelledError  # as a kill would: between two sends, or after one that nobody remembers
        self.log[step.id] = (self.at, step)

    def sent(self) -> list[tuple[str, int]]:
        """What was sent, and how many minutes after the start."""
        return [(step.inject, (at - START) // MINUTE) for at, step in self.log.values()]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = asyncio.sleep

    async def at_once(_: float) -> None:
        await sleep(0)

    monkeypatch.setattr("vardkase.exercise.player.asyncio.sleep", at_once)


def player(
    world: World, *injects: dict[str, Any], kommuner: frozenset[str] = BOTH
) -> tuple[Player, list[tuple[str, Became]]]:
    told: Told = []
    steps = steps_of(made(*injects), START)
    return Player("ovning-x", steps, kommuner, world, lambda step, became: told.append((step.inject, became))), told


async def test_each_in_its_time() -> None:
    """Injects are sent when they are due, and then the player has nothing left to do."""
    world = World()
    one, told = player(world, status("b", "20m"), status("a", "5m"), status("c", "20m", "2482-skolan"))
    assert await one.run() == "played"
    assert world.sent() == [("a", 5), ("b", 20), ("c", 20)]
    assert {became for _, became in told} == {"sent"}


async def test_killed_and_begun_again() -> None:
    """A player that was killed sends the rest, and nothing twice, wherever it was killed."""
    injects = [status(f"i{n}", f"{5 * n}m") for n in range(6)]
    for survived in range(6):
        world = World()
        world.dies_after = survived
        one, _ = player(world, *injects)
        with pytest.raises(asyncio.CancelledError):
            await one.run()
        world.dies_after = None
        world.at = START + 12 * MINUTE
        other, told = player(world, *injects)
        assert await other.run() == "played"
        assert [name for name, _ in told] == [f"i{n}" for n in range(6)]
        assert [became for _, became in told] == ["known"] * survived + ["sent"] * (6 - survived)
        assert len(world.log) == 6
        assert {step.due for _, step in world.log.values()} == {START + 5 * n * MINUTE for n in range(6)}


async def test_nothing_more_after_an_abort() -> None:
    """In a kommun that aborts nothing more is sent; its neighbour's exercise goes on."""
    world = World()
    injects = [status(f"u{n}", f"{5 * n}m") for n in range(4)]
    injects += [status(f"s{n}", f"{5 * n}m", "2482-skolan") for n in range(4)]
    world.at_minute(7, lambda: world.order("aborted", ["2480"], about="2480"))
    one, told = player(world, *injects)
    assert await one.run() == "played"
    assert [name for name, _ in world.sent()] == ["s0", "u0", "s1", "u1", "s2", "s3"]
    assert [name for name, became in told if became == "held"] == ["u2", "u3"]


@pytest.mark.parametrize("state", ["stopped", "aborted"])
async def test_over(state: str) -> None:
    """When it is stopped or aborted everywhere the player ends, without waiting for what would have come."""
    world = World()
    world.at_minute(7, lambda: world.order(state, ["24"]))
    one, _ = player(world, status("a", "5m"), status("b", "1h"))
    assert await one.run() == "over"
    assert world.at < START + 9 * MINUTE
    assert world.sent() == [("a", 5)]


async def test_the_own_part_alone() -> None:
    """At a kommun's own node its own part is played: neither its neighbour's, nor what is said to the whole län."""
    world = World()
    message = {"name": "alla", "at": "6m", "message": {"to": "24", "text": "hej"}}
    one, _ = player(world, status("u", "5m"), status("s", "5m", "2482-skolan"), message, kommuner=frozenset({"2480"}))
    assert await one.run() == "played"
    assert world.sent() == [("u", 5)]
