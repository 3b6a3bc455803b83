"""What a node says beside what follows from the same reports, folded and judged from the beginning. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vardkase.aggregator.log import decode
from vardkase.aggregator.world import World
from vardkase.domain.codec import merged_document
from vardkase.domain.fold import fold
from vardkase.domain.merge import Received
from vardkase.domain.picture import Pictures
from vardkase.domain.rules import Rules
from vardkase.rehearsal.values import Judged
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import parse
from vardkase_contracts.orders import Order
from vardkase_contracts.vocab import Reality

_REALITY: Final[Reality] = "act"
_EXAMPLES: Final = 5


class Undisturbed:
    """What follows from a log, made without any stream, link or service.

    Args:
        log: the messages of a log.
    """

    def __init__(self, log: Iterable[Delivery]) -> None:
        received = [item for each in log if isinstance(item := decode(each), Received)]
        self._states = {point: state for (of, point), state in fold(received).items() if of == _REALITY}

    def world(self, area: Area, rules: Rules, orders: Iterable[Order]) -> World:
        """The world of an area, not judged yet.

        Args:
            area: whose.
            rules: the node's table.
            orders: acts of people.
        """
        world = World(_REALITY, area, rules)
        for state in self._states.values():
            if area.covers(state.kommun):
                world.put(state)
        for order in orders:
            if order.reality == _REALITY:
                world.take_order(order)
        return world


def compare(node: str, world: World, told: Mapping[str, Mapping[str, Any]], doubled: Sequence[str], now: int) -> Judged:
    """What is wrong with what a node says. A picture is compared at its own `as_of`, which is a little before.

    Args:
        node: its name.
        world: what follows; it is judged here.
        told: the last document on each subject of its STATE, ALERTS and PICTURES.
        doubled: alerts that were told twice: see `twins`.
        now: the instant to judge at, µs since the epoch; no earlier than that of the time before.
    """
    world.judge(now)
    mine = [each for each in told.values() if each["reality"] == _REALITY]
    states = {each["id"]: each["version"] for each in mine if "facts" in each and says_anything(each)}
    alerts = {each["key"]: each["level"] for each in mine if each.get("status") == "firing"}
    pictures = {each["code"]: each for each in mine if "coverage" in each}
    expected = {point: merged_document(each)["version"] for point, each in world.states.items() if not each.is_empty}
    made, around = Pictures(world.rollup, _REALITY), world.surroundings()
    shown = {code: each["version"] for code, each in pictures.items()}
    moments = {code: parse(each["as_of"]) for code, each in pictures.items()}
    drawn = {area.code: made.of(area, around, moments.get(area.code, now))["version"] for area in world.rollup.sums}
    open_alerts = world.open_alerts()
    differing = [*unlike("state", states, expected), *unlike("picture", shown, drawn)]
    missed = [key for key, level in sorted(open_alerts.items()) if alerts.get(key) != level]
    false = sorted(alerts.keys() - open_alerts.keys())
    words = [f"{key}: says {alerts.get(key)}, should say {open_alerts[key]}" for key in missed]
    words += [f"{key}: says {alerts[key]}, should say nothing" for key in false]
    return Judged(
        node=node,
        states=len(expected),
        differing=len(differing),
        alerts=len(open_alerts),
        missed=len(missed),
        false=len(false),
        doubled=len(doubled),
        examples=(*differing[:_EXAMPLES], *words[:_EXAMPLES], *doubled[:_EXAMPLES]),
    )


def twins(alerts: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Alerts that were told twice: the same again, or raised anew without having been cleared.

    Args:
        alerts: subject and document of every change, oldest first.
    """
    found: list[str] = []
    last: dict[str, Mapping[str, Any]] = {}
    for subject, document in alerts:
        before = last.get(subject)
        last[subject] = document
        if before is None:
            continue
        if {**before, "changed_at": 0} == {**document, "changed_at": 0}:
            found.append(f"{document['key']}: told twice")
        if before["status"] == "firing" and before["alert_id"] != document["alert_id"]:
            found.append(f"{document['key']}: raised twice")
    return found


def says_anything(state: Mapping[str, Any]) -> bool:
    """Whether a state document holds anything that was reported: one that all was withdrawn from does not."""
    return bool(state["facts"]) or any(state["last"].values())


def unlike(what: str, told: Mapping[str, str], made: Mapping[str, str]) -> list[str]:
    """What differs between two tables of versions or levels, one line each."""
    names = sorted(told.keys() | made.keys())
    return [
        f"{what} {name}: says {told.get(name)}, should say {made.get(name)}"
        for name in names
        if told.get(name) != made.get(name)
    ]
