"""Acts of people as they come into a world: folded, and what has to be judged again for them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from vardkase.domain.intervals import FOREVER
from vardkase.domain.orders import Orders
from vardkase.domain.places import is_point, lies_in
from vardkase.domain.rules import Rules
from vardkase.domain.silences import Key
from vardkase.domain.tables import Tables
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import AckOrder, IncidentOrder, Order, RulesOrder, SilenceOrder

#: The last document of each alert, by what it is about and its rule.
Published = Mapping[str, Mapping[str, Mapping[str, Any]]]


class Concerned(NamedTuple):
    """What has to be judged again."""

    #: Points and areas by id and code.
    about: frozenset[str] = frozenset()
    #: Kommuner that have to be looked at, without their points.
    kommuner: frozenset[str] = frozenset()
    #: Kommuner with all their points.
    whole: frozenset[str] = frozenset()


class Acts:
    """The orders of one reality, and the tables of rules that they make."""

    def __init__(self, rules: Rules) -> None:
        """Begin without orders, by the node's own table."""
        self.orders = Orders()
        self.tables = Tables(rules)
        #: When `advance` has something to say next, µs.
        self.due = FOREVER

    def take(self, order: Order, published: Published) -> Concerned:
        """Fold an order in, and say what it concerns at once; of overrides and incidents, `advance` says it.

        Args:
            order: checked (`refusal_of`).
            published: the world's alerts.

        Raises:
            BadOverride: the override was not checked.
        """
        match order:
            case AckOrder():
                self.orders.take(order)
                return Concerned(about=frozenset({order.data.key.partition("/")[2]}))
            case SilenceOrder():
                return Concerned(about=frozenset(_firing_at(self.orders.silences.take(order), published)))
            case IncidentOrder():
                self.due = -FOREVER
                return Concerned(kommuner=self.orders.incidents.take(order))
            case RulesOrder():
                self.tables.take(order)
                self.due = -FOREVER
            case _:
                self.orders.take(order)
        return Concerned()

    def advance(self, now: int) -> Concerned:
        """What overrides and incidents concern now (µs): those ordered by now, or that begin and end by the clock."""
        if now < self.due:
            return Concerned()
        scopes = self.tables.advance(now)
        points = frozenset(filter(is_point, scopes))
        whole = frozenset(each for scope in scopes if scope not in points for each in Area.parse(scope).kommuner())
        incidents = self.orders.incidents
        self.due = min(self.tables.due, *incidents.boundaries(now), FOREVER)
        return Concerned(about=points, kommuner=frozenset(incidents.kommuner()), whole=whole)


def _firing_at(keys: Iterable[Key], published: Published) -> Iterator[str]:
    """What has an open alert of the rule and in the place of any of the keys."""
    for rule, place in keys:
        for about, documents in published.items():
            firing = (each["rule"] for each in documents.values() if each["status"] == "firing")
            if lies_in(about, place) and any(rule in {None, each} for each in firing):
                yield about
