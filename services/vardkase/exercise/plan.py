"""What a scenario sends, and when: a function of the scenario and the start alone, under ids that follow from both.

So a player that was killed goes on by sending what is not in the log yet, and what is sent twice counts once.
"""

import hashlib
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from vardkase.domain.places import is_point, lies_in
from vardkase_contracts import vocab
from vardkase_contracts.areas import Area
from vardkase_contracts.client import InvalidEvent, new_order, new_report
from vardkase_contracts.instants import to_datetime
from vardkase_contracts.orders import Order
from vardkase_contracts.reports import Report, ReportBase

from .lengths import later
from .scenario import MOST_STEPS, Inject, Scenario, ScenarioError

SYSTEM: Final = "spelledning"
"""What orders and messages of the spelledning come from, beside the area."""
INJECT: Final = "ex-"
"""What the ids of all that is injected begin with."""
CALLS: Final = "SPELLEDNING: "
"""What a message to the players begins with."""


class Step(NamedTuple):
    """Something to send."""

    send_at: int
    """When, µs."""
    due: int
    """The time it speaks of, µs: when it was seen or said."""
    number: int
    """Of an inject that is repeated, which; from 0."""
    inject: str
    event: Report | Order
    place: str
    """The point or the area that it is about."""

    @property
    def id(self) -> str:
        """The event's."""
        return self.event.id

    @property
    def what(self) -> Literal["report", "order"]:
        """Which way it is sent."""
        return "report" if isinstance(self.event, ReportBase) else "order"

    @property
    def kommuner(self) -> frozenset[str]:
        """The kommuner that it concerns."""
        return frozenset(kommuner_of(self.place))


def kommuner_of(place: str) -> tuple[str, ...]:
    """The kommuner of a point or an area."""
    return (place[:4],) if is_point(place) else tuple(Area.parse(place).kommuner())


def inject_id(exercise: str, inject: str, number: int | str = 0) -> str:
    """The id of what an inject sends."""
    return f"{INJECT}{hashlib.sha256(f'{exercise}/{inject}/{number}'.encode()).hexdigest()[:24]}"


def steps_of(scenario: Scenario, start: int) -> list[Step]:
    """Everything that a scenario sends, in order.

    Args:
        scenario: the scenario.
        start: when the exercise began, µs.

    Raises:
        ScenarioError: something that it sends would be refused, or there is too much of it.
    """
    found: list[Step] = []
    for place, inject in enumerate(scenario.injects):
        for number, at in enumerate(_times(scenario, inject)):
            step = step_of(scenario, inject, start + at, number, field=f"injects.{place}")
            if step is not None:
                found.append(step)
            if len(found) > MOST_STEPS:
                raise ScenarioError(scenario.id, f"injects.{place}", f"more than {MOST_STEPS} to send")
    return sorted(_held_back(scenario, start, found))


def step_of(scenario: Scenario, inject: Inject, due: int, number: int | str = 0, *, field: str) -> Step | None:
    """What an inject sends at a time; None: nothing by itself.

    Args:
        scenario: the scenario.
        inject: one of its injects, or one made up on the spot.
        due: when it happens, µs.
        number: which repetition; makes its id.
        field: what an error calls it.

    Raises:
        ScenarioError: it would be refused.
    """
    identity = inject_id(scenario.id, inject.name, number)
    try:
        made = _event(scenario, inject, identity, due)
    except InvalidEvent as error:
        where = f"{field}.{inject.what}.{error.field}"
        raise ScenarioError(scenario.id, where, f"{error.detail} (inject {inject.name})") from error
    except ValueError as error:
        raise ScenarioError(scenario.id, f"{field}.{inject.what}", f"{error} (inject {inject.name})") from error
    if made is None:
        return None
    event, place = made
    return Step(due, due, number if isinstance(number, int) else 0, inject.name, event, place)


def _event(scenario: Scenario, inject: Inject, identity: str, due: int) -> tuple[Report | Order, str] | None:
    at = to_datetime(due)
    if (report := inject.report) is not None:
        data = later(report.data, due)
        made = new_report(
            report.kind,
            report.point,
            data,
            reality="exe",
            observed_at=at,
            reporter=report.reporter,
            quality=report.quality,
            role=report.role,
            incident=scenario.id,
            channel=report.channel,
            id=identity,
        )
        return made, report.point
    if (contact := inject.contact) is not None:
        made = new_report(
            "contact",
            contact.point,
            {"result": contact.result},
            reality="exe",
            observed_at=at,
            reporter="ovning",
            role="krisledning",
            incident=scenario.id,
            id=identity,
        )
        return made, contact.point
    if (message := inject.message) is not None:
        return _order(scenario, "note", message.to, {"note": f"{CALLS}{message.text}"}, identity, due), message.to
    if (order := inject.order) is not None:
        return _order(scenario, order.kind, order.area, later(order.data, due), identity, due), order.area
    return None


def _order(
    scenario: Scenario, kind: vocab.OrderKind, area: str, data: dict[str, object], identity: str, due: int
) -> Order:
    return new_order(
        kind,
        area,
        data,
        role=scenario.role,
        acting_for=scenario.area,
        reality="exe",
        given_at=to_datetime(due),
        system=SYSTEM,
        id=identity,
    )


def _times(scenario: Scenario, inject: Inject) -> Iterator[int]:
    yield inject.at
    if inject.every is None:
        return
    last = min(scenario.duration, scenario.duration if inject.until is None else inject.until)
    at = inject.at + inject.every
    while at <= last:
        yield at
        at += inject.every


def _held_back(scenario: Scenario, start: int, steps: list[Step]) -> Iterator[Step]:
    """The steps as they get through: what a line that is down holds back comes when it is up again, or never."""
    down = sorted(
        (start + each.at, start + each.at + each.silence.lasts, each.silence)
        for each in scenario.injects
        if each.silence is not None
    )
    for step in steps:
        send_at, lost = step.send_at, False
        for begins, ends, silence in down if step.what == "report" and step.event.kind != "contact" else ():
            if begins <= send_at < ends and any(
                lies_in(step.place, each) for each in (*silence.areas, *silence.points)
            ):
                send_at, lost = ends, lost or silence.lost
        if not lost:
            yield step._replace(send_at=send_at)
