"""A running commentary: of all alert changes, those worth a line, and not too many of them."""

from collections import OrderedDict
from typing import Final

from rich.text import Text

from vardkase.cli import words
from vardkase.cli.times import day_and_clock
from vardkase_contracts import vocab
from vardkase_contracts.alert import Alert

_REMEMBERED: Final = 50_000


class Commentary:
    """Decides which changes are told. What was told is remembered, within bounds, so that nothing is told twice."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, vocab.AlertLevel] = OrderedDict()
        self._rules: set[str] = set()

    def line(self, alert: Alert) -> Text | None:
        """The line for a change; None when it is not worth one."""
        if alert.status != "firing" or alert.inhibited_by is not None:
            return None
        first = alert.rule not in self._rules
        before = self._told.get(alert.alert_id)
        if before is not None and words.LEVEL_ORDER[alert.level] >= words.LEVEL_ORDER[before]:
            return None
        if not (first or _notable(alert)):
            return None
        self._rules.add(alert.rule)
        self._told[alert.alert_id] = alert.level
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return _line(alert, first=first)


def _notable(alert: Alert) -> bool:
    """Critical ones, dark places, what nobody reported but the clock knew, and whole areas in trouble."""
    return (
        alert.level == "critical"
        or alert.rule == "power.lost"
        or (alert.derived and alert.level == "red")
        or (alert.point is None and alert.level != "yellow")
    )


def _line(alert: Alert, *, first: bool) -> Text:
    line = Text(f"{day_and_clock(alert.changed_at)}  ")
    line.append(f"{words.LEVEL[alert.level]:<8}", style=words.LEVEL_STYLE[alert.level])
    line.append(f"  {words.where(alert)}: {words.saying(alert)}")
    if first:
        line.append(f"  (första larmet om {words.rule(alert.rule)})", style="dim")
    line.no_wrap, line.overflow = True, "ellipsis"
    return line
