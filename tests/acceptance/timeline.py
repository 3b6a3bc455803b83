"""A story told by the clock: reports and orders at declared times in, what was published and when out.

Times are those of Swedish clocks on Friday 20 November 2026 (UTC+1), written `at(22, 30)`, and `at(2, day=1)` for two
o'clock the night after.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from acceptance.node import Node
from oracle.adapter import received
from oracle.make import START, Told, given, instant
from vardkase_contracts.instants import MINUTE, parse
from vardkase_contracts.vocab import Reality

#: Minute 0 of `oracle.make` is nine o'clock.
_NINE = 9 * 60


def at(hour: int, minute: float = 0, *, day: int = 0) -> float:
    """A time of the day as a minute of `oracle.make`."""
    return (24 * day + hour) * 60 + minute - _NINE


def clock(us: int) -> str:
    """An instant as a Swedish clock shows it: "22:30", and "02:00+1" for the day after."""
    minutes = (us - START) // MINUTE + _NINE
    day, rest = divmod(minutes, 24 * 60)
    return f"{rest // 60:02}:{rest % 60:02}" + (f"{day:+}" if day else "")


class Timeline:
    """One node's reality, told a story. Whatever the clock alone brings is judged when it is due, and not before."""

    def __init__(self, *, area: str = "24", reality: Reality = "act", node: Node | None = None) -> None:
        self.node = node or Node(area=area, reality=reality)
        self.now = instant(at(0, day=-1))
        self._told = 0

    def tell(self, *told: Told) -> None:
        """Reports, each taken in and judged when it arrives, in the order of arrival."""
        items = [received(one) for one in given(_named(told, self._told))]
        self._told += len(items)
        for item in sorted(items, key=lambda each: each.received):
            self.go_on(item.received)
            self.node.receive([item])
            self.node.judge(self.now)

    def order(self, event: Mapping[str, Any], *, arrives: float | None = None) -> None:
        """An act of a person, taken in when it is given or arrives."""
        self.go_on(parse(event["time"]) if arrives is None else instant(arrives))
        self.node.order(event)
        self.node.judge(self.now)

    def until(self, minute: float) -> "Timeline":
        """Let the clock go on."""
        self.go_on(instant(minute))
        return self

    def go_on(self, us: int) -> None:
        """Let the clock go on to an instant."""
        assert us >= self.now, "a story is told forwards"
        self.node.drive(self.now, us)
        self.now = us

    # -- what came of it ---------------------------------------------------------------------------------------------

    def alerts(self, key: str) -> list[dict[str, Any]]:
        """Every document published of an alert, oldest first."""
        return [each for each in self.node.streams.alerts if each["key"] == key]

    def course(self, key: str) -> list[str]:
        """How an alert went: "22:00 yellow", …, "06:00+1 cleared recovered". What repeats a level is left out."""
        course: list[str] = []
        before = None
        for each in self.alerts(key):
            said = each["level"] if each["status"] == "firing" else f"cleared {each['cleared_reason']}"
            if said != before:
                course.append(f"{clock(parse(each['changed_at']))} {said}")
            before = said
        return course

    def raised(self) -> set[str]:
        """The rules that any alert was ever published of."""
        return {each["rule"] for each in self.node.streams.alerts}

    def state(self, point: str) -> dict[str, Any]:
        """The last document of a state."""
        return next(each for each in reversed(self.node.streams.states) if each["id"] == point)

    def picture(self, code: str) -> dict[str, Any]:
        """An area's picture now."""
        return self.node.picture(code, self.now)


def _named(told: Iterable[Told], begin: int) -> list[Told]:
    """Reports with ids of their own through all of the story."""
    return [one if one.id is not None else one._replace(id=f"r{n:03}") for n, one in enumerate(told, begin)]
