"""What follows the alerts: states, then identities, then the acknowledgement, behind the lane and never ahead of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from servers import Eventually
from vardkase.aggregator.identities import Identities, Known
from vardkase.aggregator.settler import Settler
from vardkase.domain.merge import Copy, Identity
from vardkase.runtime.jetstream.delivery import Delivery


def key(report: str) -> Identity:
    return "act", "2480", report


def known(*, withdrawn: bool = False) -> Known:
    return Known(Copy(b"\1" * 32, 7), "2480-a", is_withdraw=False, withdrawn=withdrawn)


def delivery(sequence: int) -> Delivery:
    return Delivery("s", b"", b"", sequence, 0, 0, "reply")


class Shell:
    """A settler between a stream that writes when it is let, and an acknowledgement that is remembered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identities = Identities(path)
        self.written: list[dict[str, Any]] = []
        self.acked: list[int] = []
        self.let = asyncio.Event()
        self.error: Exception | None = None
        self.settler = Settler(self._write, self.identities, self._ack)

    async def _write(self, states: Mapping[str, dict[str, Any]]) -> None:
        self.written.append(dict(states))
        await self.let.wait()
        if self.error is not None:
            raise self.error

    async def _ack(self, _: str, last: Delivery) -> None:
        self.acked.append(last.sequence)

    def batch(self, sequence: int, states: dict[str, dict[str, Any]], *reports: str) -> None:
        self.identities.record({key(report): known() for report in reports})
        self.settler.take(states)
        self.settler.reached({"": delivery(sequence)}, 1)

    def on_disk(self, *reports: str) -> tuple[int, set[str]]:
        """The position and which of the reports are known, as the next start would find them."""
        with Identities(self.path) as found:
            return found.position(), {report for _, _, report in found.look_up(map(key, reports))}


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    made = Shell(tmp_path / "identities.sqlite")
    made.settler.start()
    yield made
    await made.settler.stop()
    made.identities.close()


async def test_nothing_is_noted_or_acknowledged_before_its_states_are_durable(
    shell: Shell, eventually: Eventually
) -> None:
    """What comes while a write is under way waits for the next one: its identities too, but it is known at once."""
    shell.batch(1, {"2480-a": {"n": 1}}, "r1")
    await eventually(lambda: shell.written == [{"2480-a": {"n": 1}}])
    shell.batch(2, {"2480-a": {"n": 2}}, "r2")
    shell.batch(3, {"2480-a": {"n": 3}, "2480-b": {"n": 1}}, "r3")
    assert shell.identities.look_up([key("r1"), key("r3")]) == {key("r1"): known(), key("r3"): known()}
    assert (shell.acked, len(shell.written)) == ([], 1)
    shell.let.set()
    await shell.settler.finish()
    assert shell.written[1:] == [{"2480-a": {"n": 3}, "2480-b": {"n": 1}}]
    assert shell.acked[-1] == 3


async def test_what_is_noted_after_the_batch_is_not_made_durable_with_it(shell: Shell) -> None:
    """A withdraw that is merged while the states before it are written is not on disk before its own states are."""
    shell.let.set()
    shell.batch(1, {"2480-a": {"n": 1}}, "r1")
    shell.identities.record({key("r2"): known(withdrawn=True)})  # merged, not yet judged
    await shell.settler.finish()
    assert shell.identities.look_up([key("r2")]) == {key("r2"): known(withdrawn=True)}
    assert shell.identities.withdrawn_of("act", "2480") == {key("r2"): known(withdrawn=True)}
    shell.identities.close()
    assert shell.on_disk("r1", "r2") == (1, {"r1"})


async def test_the_last_of_a_quiet_night_is_acknowledged_without_another_report(
    shell: Shell, eventually: Eventually
) -> None:
    """What was made durable too soon after the last acknowledgement is acknowledged by the clock."""
    shell.let.set()
    for sequence in range(1, 4):
        shell.batch(sequence, {"2480-a": {"n": sequence}}, f"r{sequence}")
        await eventually(lambda sequence=sequence: shell.written[-1:] == [{"2480-a": {"n": sequence}}])
    await eventually(lambda: shell.acked[-1:] == [3])


async def test_a_lane_waits_while_too_many_states_do(shell: Shell, eventually: Eventually) -> None:
    """Behind a stream that takes nothing, so many states wait and no more."""
    shell.settler.take({"2480-first": {}})
    await eventually(lambda: len(shell.written) == 1)
    shell.settler.take({f"2480-p{number}": {} for number in range(1_999)})
    await shell.settler.room()
    shell.settler.take({"2480-last": {}})
    waiting = asyncio.ensure_future(shell.settler.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    shell.let.set()
    await asyncio.wait_for(waiting, 5)
    assert shell.settler.waiting < 2_000


async def test_a_lane_waits_while_too_many_reports_are_not_acknowledged(shell: Shell) -> None:
    """Reports that change no state are bounded too."""
    shell.settler.take({"2480-a": {}})
    shell.settler.reached({"": delivery(1)}, 15_000)
    waiting = asyncio.ensure_future(shell.settler.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    shell.let.set()
    await asyncio.wait_for(waiting, 5)
    assert shell.acked == [1]


async def test_what_ends_settling_ends_the_lane(shell: Shell) -> None:
    """Another writer's state, or any fault, is raised where the lane waits, and where it turns."""
    shell.error = RuntimeError("somebody else writes")
    shell.batch(1, {"2480-a": {}}, "r1")
    shell.let.set()
    with pytest.raises(RuntimeError, match="somebody else"):
        await shell.settler.finish()
    with pytest.raises(RuntimeError, match="somebody else"):
        await shell.settler.room()
    assert shell.acked == []
    shell.identities.close()
    assert shell.on_disk("r1") == (0, set())


async def test_a_full_disk_is_waited_for_and_told(shell: Shell, eventually: Eventually) -> None:
    """Nothing is acknowledged while the identities cannot be kept; with room again all of them are, and it is."""
    shell.let.set()
    file = shell.identities._db
    file.execute(f"PRAGMA max_page_count = {file.execute('PRAGMA page_count').fetchone()[0]}")
    reports = [f"r{number}" for number in range(500)]
    shell.batch(1, {"2480-a": {}}, *reports)
    await eventually(lambda: "full" in shell.settler.trouble, what="told")
    shell.batch(2, {"2480-a": {}}, "after")
    assert shell.identities.look_up([key("r499"), key("after")]).keys() == {key("r499"), key("after")}
    assert shell.acked == []
    file.execute("PRAGMA max_page_count = 1000000")
    await shell.settler.finish()
    assert (shell.acked[-1], shell.settler.trouble) == (2, "")
    shell.identities.close()
    assert shell.on_disk(*reports, "after") == (2, {*reports, "after"})
