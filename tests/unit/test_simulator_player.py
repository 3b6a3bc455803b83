import asyncio
import time

import pytest

from vardkase.simulator.emission import Emission
from vardkase.simulator.player import Progress, play
from vardkase.simulator.scenario import Scenario
from vardkase.simulator.simulation import Simulation
from vardkase_contracts.instants import SECOND

START = 1_800_000_000 * SECOND


def emissions(count: int, every_s: float = 1.0) -> list[Emission]:
    """Reports at even distances."""
    return [Emission(at=START + round(n * every_s * SECOND), subject=f"s.{n}", event={"n": n}) for n in range(count)]


class Taker:
    """Takes what is published and keeps it."""

    def __init__(self, *, takes_s: float = 0.0) -> None:
        self.batches: list[list[tuple[str, bytes]]] = []
        self.busy = False
        self._takes_s = takes_s

    @property
    def subjects(self) -> list[str]:
        """The subjects of all that was taken, in order."""
        return [subject for batch in self.batches for subject, _ in batch]

    async def __call__(self, messages: list[tuple[str, bytes]]) -> None:
        """Take a batch."""
        assert not self.busy, "two batches at once"
        self.busy = True
        await asyncio.sleep(self._takes_s)
        self.batches.append(messages)
        self.busy = False


async def test_as_fast_as_possible_publishes_everything_in_order_in_bounded_batches() -> None:
    """Without a speed nothing waits, no batch is too large, and one is out at a time."""
    taker = Taker()
    done = await play(iter(emissions(1050)), taker, start=START, batch=100)
    assert taker.subjects == [f"s.{n}" for n in range(1050)]
    assert max(len(batch) for batch in taker.batches) == 100
    assert done == Progress(sent=1050, at=START + 1049 * SECOND, behind_s=0.0, done=True)


async def test_bytes_are_those_of_the_emission() -> None:
    """A malformed report is sent as it is."""
    taker = Taker()
    broken = Emission(at=START, subject="s", event={}, raw=b"{", fault="not_json")
    await play(iter([broken]), taker, start=START)
    assert taker.batches == [[("s", b"{")]]


async def test_a_pace_is_kept() -> None:
    """At 600 times real time two minutes take a fifth of a second, and nothing is sent before its time."""
    taker = Taker()
    began = time.monotonic()
    sent_at: list[tuple[float, int]] = []

    async def publish(messages: list[tuple[str, bytes]]) -> None:
        sent_at.append((time.monotonic() - began, int(messages[-1][0].removeprefix("s."))))
        await taker(messages)

    await play(iter(emissions(121)), publish, start=START, speed=600)
    assert time.monotonic() - began >= 0.2
    assert all(real * 600 >= simulated - 0.001 for real, simulated in sent_at)
    assert taker.subjects == [f"s.{n}" for n in range(121)]
    assert len(taker.batches) < 121


async def test_until_ends_the_play_before_that_instant() -> None:
    """`until` is not included."""
    taker = Taker()
    done = await play(iter(emissions(10)), taker, start=START, until=START + 5 * SECOND)
    assert taker.subjects == [f"s.{n}" for n in range(5)]
    assert done.sent == 5


async def test_stop_ends_the_play_after_the_batch_that_is_out() -> None:
    """A play can be ended from outside, and tells how far it came."""
    stop = asyncio.Event()
    taker = Taker()

    async def publish(messages: list[tuple[str, bytes]]) -> None:
        await taker(messages)
        if len(taker.batches) == 3:
            stop.set()

    done = await play(iter(emissions(100)), publish, start=START, batch=10, stop=stop)
    assert (done.sent, done.done, len(taker.subjects)) == (30, True, 30)


async def test_stop_is_heard_while_waiting() -> None:
    """A play that waits for the next report ends within a progress period."""
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)
    late = [Emission(at=START + 3600 * SECOND, subject="s", event={})]
    done = await asyncio.wait_for(
        play(iter(late), Taker(), start=START, speed=1.0, progress_every_s=0.05, stop=stop), timeout=2
    )
    assert done.sent == 0


async def test_a_slow_taker_slows_the_play_which_says_how_far_behind_it_is() -> None:
    """Nothing is skipped when it cannot keep up; progress tells it."""
    told: list[Progress] = []
    taker = Taker(takes_s=0.03)
    done = await play(
        iter(emissions(200)), taker, start=START, speed=10_000, batch=20, on_progress=told.append, progress_every_s=0.05
    )
    assert done.sent == 200
    assert any(progress.behind_s > 0.02 for progress in told)
    assert told[-1] == done
    assert [progress.sent for progress in told] == sorted(progress.sent for progress in told)


async def test_simulated_time_goes_on_while_nothing_is_sent() -> None:
    """Progress shows the time even when there is nothing to send for a while."""
    told: list[Progress] = []
    gap = [*emissions(1), Emission(at=START + 200 * SECOND, subject="s", event={})]
    await play(iter(gap), Taker(), start=START, speed=1_000, on_progress=told.append, progress_every_s=0.02)
    assert any(START < progress.at < START + 200 * SECOND for progress in told)


async def test_an_error_of_the_taker_ends_the_play() -> None:
    """What could not be published is not passed over."""

    async def publish(_messages: list[tuple[str, bytes]]) -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        await play(iter(emissions(10)), publish, start=START)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("speed", 0.0), ("speed", float("nan")), ("batch", 0), ("batch", 1001), ("progress_every_s", 0.0)],
)
async def test_wrong_arguments_are_refused_by_name(argument: str, value: float) -> None:
    """An argument out of bounds is named."""
    with pytest.raises(ValueError, match=argument):
        await play(iter(emissions(1)), Taker(), start=START, **{argument: value})


async def test_a_storm_plays_at_the_speed_of_the_demonstration() -> None:
    """A simulation is played through the player unchanged."""
    scenario = Scenario.load("storm-gotaland").changed(points={"total": 1200}, duration_h=0.5)
    taker = Taker()
    simulation = Simulation(scenario, 1)
    done = await play(simulation, taker, start=simulation.start, speed=36_000)
    expected = [(emission.subject, emission.payload) for emission in Simulation(scenario, 1)]
    assert [message for batch in taker.batches for message in batch] == expected
    assert done.sent == len(expected) > 1200
