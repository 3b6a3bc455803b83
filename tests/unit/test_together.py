"""Several services in one process: begun in order, stopped in the opposite one, and one's end is the end of all."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.tasks import Tasks
from vardkase.runtime.together import Together

NC = cast("Connection", object())


class Noted:
    """A service that notes what is done to it."""

    def __init__(self, name: str, notes: list[str], *, fails: str = "") -> None:
        self.name = name
        self.tasks = Tasks()
        self._notes = notes
        self._fails = fails

    async def start(self, nc: Connection) -> None:
        """Notes it."""
        assert nc is NC
        self._note("start")

    async def stop(self) -> None:
        """Notes it."""
        self._note("stop")

    def checks(self) -> Sequence[Check]:
        """One."""
        return [Check(name="lane", ok=True, detail="")]

    def _note(self, what: str) -> None:
        self._notes.append(f"{what} {self.name}")
        if self._fails == what:
            raise RuntimeError(f"{self.name} cannot {what}")


class NotedEarly(Noted):
    """One that has something to do before there is a connection."""

    async def early(self, nc: Connection) -> None:
        """Notes it."""
        assert nc is NC
        self._note("early")


async def test_each_is_started_in_order_and_stopped_in_the_opposite_one() -> None:
    """What can be done before there is a connection is done first."""
    notes: list[str] = []
    all_of_them = Together([Noted("a", notes), Noted("b", notes), NotedEarly("c", notes)])
    await all_of_them.early(NC)
    await all_of_them.start(NC)
    assert [check.name for check in all_of_them.checks()] == ["a: lane", "b: lane", "c: lane"]
    await all_of_them.stop()
    assert notes == ["early c", "start a", "start b", "start c", "stop c", "stop b", "stop a"]


async def test_what_was_not_begun_is_not_stopped() -> None:
    """One that cannot start ends the start; those before it are stopped, and so is it."""
    notes: list[str] = []
    all_of_them = Together([Noted("a", notes), Noted("b", notes, fails="start"), Noted("c", notes)])
    with pytest.raises(RuntimeError, match="b cannot start"):
        await all_of_them.start(NC)
    await all_of_them.stop()
    assert notes == ["start a", "start b", "stop b", "stop a"]


async def test_one_that_cannot_stop_in_order_keeps_no_other_from_it() -> None:
    """Its error is told when all have been stopped."""
    notes: list[str] = []
    all_of_them = Together([Noted("a", notes), Noted("b", notes, fails="stop")])
    await all_of_them.start(NC)
    with pytest.raises(ExceptionGroup, match="could not stop in order"):
        await all_of_them.stop()
    assert notes[-2:] == ["stop b", "stop a"]


async def test_a_task_that_ends_is_told_of_whose_ever_it_is(eventually: Any) -> None:
    """As a task of a service alone would be."""
    notes: list[str] = []
    one = Noted("a", notes)
    all_of_them = Together([one, Noted("b", notes)])
    died: list[str] = []
    all_of_them.tasks.on_death = lambda name, _: died.append(name)

    async def ends() -> None:
        pass

    one.tasks.spawn(ends(), name="lane")
    await eventually(lambda: died == ["lane"], what="told of the task")
