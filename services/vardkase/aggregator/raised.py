"""The alerts of a reality as they were last published: all the memory there is of them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from vardkase.domain.alerts import Subject, changes
from vardkase.domain.finding import Verdict
from vardkase.domain.intervals import FOREVER
from vardkase.domain.orders import Orders
from vardkase.domain.rollup import RollUp
from vardkase.domain.rules import Rules
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import ClearedReason

from .effects import Effects
from .events import Events


class Raised:
    """The last document of each alert, by what it is about and its rule."""

    def __init__(self, orders: Orders, rollup: RollUp, events: Events) -> None:
        """Nothing was published.

        Args:
            orders: the acknowledgements and silences that stand in alerts.
            rollup: knows the areas around one.
            events: is told of what is raised and cleared.
        """
        self.documents: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._orders = orders
        self._rollup = rollup
        self._events = events

    def recall(self, document: Mapping[str, Any]) -> None:
        """An alert as it was last published."""
        rule, _, about = document["key"].partition("/")
        self.documents.setdefault(about, {})[rule] = document

    def publish(
        self,
        subject: Subject,
        verdicts: Mapping[str, Verdict],
        table: Rules,
        now: int,
        effects: Effects,
        cleared: Callable[[str], ClearedReason],
    ) -> int:
        """Publish what changed of the alerts of a point or an area; when an act that concerns them counts next, µs."""
        published = self.documents.get(subject.code, {})
        if not verdicts and not published:
            return FOREVER
        found, acts_due = changes(subject, verdicts, published, self._orders, table.version, now, cleared)
        for change in found:
            rule: str = change.document["rule"]
            self._events.alert(change.document, published.get(rule), subject, self._around(subject.area))
            published = self.documents.setdefault(subject.code, {})
            published[rule] = change.document
            effects.alerts[change.key] = change.document
        return acts_due

    def _around(self, area: Area) -> Iterable[Area]:
        return self._rollup.areas(area.kommuner()[0]) if area.level == "kommun" else (area,)

    def open_levels(self) -> dict[str, str]:
        """The level of every open alert, by key: what two nodes that hold the same reports agree on."""
        return {
            document["key"]: document["level"]
            for rules in self.documents.values()
            for document in rules.values()
            if document["status"] == "firing"
        }
