"""A node as an exercise sees it: what time it is there, what was played, what was ordered, and where to send."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import orjson

from vardkase.aggregator.rules_file import load_rules
from vardkase.cli.orders import Desk
from vardkase.cli.watching import node_now
from vardkase.domain.exercises import Exercises
from vardkase.domain.places import lies_in
from vardkase.exercise import log
from vardkase.exercise.evaluation import Heard
from vardkase.exercise.plan import Step
from vardkase.exercise.scenario import Scenario, ScenarioError
from vardkase.federation.landing import get
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts import ids, instants, streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import ExerciseOrder
from vardkase_contracts.reports import ReportBase

_DRIVEN: Final = timedelta(minutes=5)
_NAMED: Final = 5


class Begun(NamedTuple):
    """An exercise as it was ordered to begin."""

    id: str
    name: str
    start: int
    until: int | None
    areas: tuple[str, ...]
    subject: str
    scenario: str | None
    """SHA-256 of the scenario's file."""


class NodePost:
    """A node that is played against.

    Args:
        desk: at the node.
        area: whose log is looked at.
    """

    def __init__(self, desk: Desk, area: Area) -> None:
        self._desk = desk
        self._area = area
        self._rules = load_rules(None)
        self._driven: bool | None = None

    async def driven(self) -> bool:
        """Whether the node's clock is another than ours."""
        if self._driven is None:
            found = await node_now(self._desk.client, self._area, "act")
            self._driven = abs(found - datetime.now(UTC)) >= _DRIVEN
        return self._driven

    async def now(self) -> int:
        """What the time is there, µs."""
        if await self.driven():
            return instants.from_datetime(await node_now(self._desk.client, self._area, "act"))
        return instants.from_datetime(datetime.now(UTC))

    async def known(self) -> set[str]:
        """The ids of what stands in its log of övning."""
        connection, federated = self._desk.connection, self._desk.federated
        found = {order.id for order in await log.orders(connection, self._rules, federated=federated)}
        async for report, _ in log.each_report(connection, self._area):
            found.add(report.id)
        return found

    async def given(self) -> list[ExerciseOrder]:
        """The orders about exercises that it has been told of, oldest first."""
        found = await log.orders(
            self._desk.connection, self._rules, federated=self._desk.federated, kinds=("exercise",)
        )
        return [each for each in found if isinstance(each, ExerciseOrder)]

    async def exercises(self) -> Exercises:
        """The exercises that it has been told of."""
        return log.exercises_of(await self.given())

    async def send(self, step: Step) -> None:
        """Send something; it is on disk when this returns."""
        if isinstance(step.event, ReportBase):
            await self._desk.client.report(step.event)
        else:
            await self._desk.client.order(step.event)

    async def heard(self, areas: Sequence[str]) -> Heard:
        """All that an evaluation looks at."""
        connection = self._desk.connection
        own = [Area.parse(code) for code in areas]
        driven = await self.driven()
        return await log.heard(connection, self._rules, own, federated=self._desk.federated, driven=driven)

    async def unregistered(self, points: Iterable[str]) -> list[str]:
        """Those points that do not stand in the register of skarpt läge here."""
        missing: list[str] = []
        for point in sorted(set(points)):
            kommun, slug = ids.split_point_id(point)
            if slug == ids.KOMMUN_ITSELF:
                continue
            found = await get(self._desk.connection, streams.STATE, last_by_subj=subjects.state("act", kommun, slug))
            if found is None or not orjson.loads(found.data).get("registered"):
                missing.append(point)
        return missing


def begun(orders: Iterable[ExerciseOrder], name: str) -> Begun | None:
    """How an exercise was ordered to begin, by the latest order that says so; None: it was not."""
    told = [each for each in orders if each.data.id == name and each.data.state != "aborted"]
    if not told:
        return None
    latest = max(told, key=lambda each: (each.time, each.id))
    plan = next((each.data.plan for each in reversed(told) if each.data.plan is not None), None)
    until = latest.data.until
    return Begun(
        id=name,
        name=latest.data.name,
        start=instants.from_datetime(latest.data.from_),
        until=None if until is None else instants.from_datetime(until),
        areas=latest.data.areas,
        subject=latest.subject,
        scenario=None if plan is None else plan.scenario,
    )


def load(file: str) -> Scenario:
    """A scenario.

    Raises:
        Refused: it cannot be read or is not right: one line that names the field.
    """
    try:
        return Scenario.load(file)
    except ScenarioError as error:
        raise Refused(str(error)) from None


def same(scenario: Scenario, found: Begun) -> None:
    """That an exercise was begun with this scenario.

    Raises:
        Refused: it was another.
    """
    if found.scenario not in {None, scenario.digest}:
        raise Refused(f"{scenario.id} was begun with another file than this one: its injects would not be the same")


def own_areas(areas: Iterable[str], own: Area) -> list[str]:
    """The parts of some areas that lie in one's own, or that one's own is; none: it takes no part."""
    within = [code for code in areas if lies_in(code, own.code)]
    return within or ([own.code] if any(lies_in(own.code, code) for code in areas) else [])


def own_kommuner(areas: Iterable[str], own: Area) -> frozenset[str]:
    """The kommuner of some areas that lie in one's own."""
    return frozenset(kommun for code in own_areas(areas, own) for kommun in Area.parse(code).kommuner())


def all_registered(missing: Sequence[str]) -> None:
    """That no point is missing.

    Raises:
        Failed: some are.
    """
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise Failed(
            f"not in the register of skarpt läge here: {', '.join(missing[:_NAMED])}{more}; "
            "put the kommun's own points into the scenario, or give --unregistered"
        )
