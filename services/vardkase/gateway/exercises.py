"""Exercises as the gateway knows them: where one goes on, where one was aborted, and what the spelledning says.

Read from the node's orders: a länsstyrelse's exercise is known at its kommuner's nodes as soon as the order is there.
Where one was aborted the gateway takes no report of övning: who still sends them believes that it is an exercise.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from nats.aio.client import Client
from pydantic import ValidationError

from vardkase.domain.exercises import ABORT_SHOWN, ABORTED_SV, Aborted, Exercises, Standing
from vardkase.domain.latest import Latest
from vardkase.domain.order_check import refusal_of
from vardkase.domain.rules import Rules
from vardkase.exercise.plan import CALLS, SYSTEM
from vardkase.federation import topology
from vardkase.runtime.clock import Clock
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.follow import Follower
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts import ids, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import from_datetime, iso
from vardkase_contracts.orders import ORDER, ExerciseOrder, NoteOrder
from vardkase_contracts.vocab import Reality

from .metrics import GatewayMetrics
from .problems import Problem

log: Final = logging.getLogger(__name__)

ABORTED: Final = "exercise_aborted"
"""The code of the problem that refuses a report of övning where the exercise was aborted."""
MESSAGES: Final = 500
"""So many messages of the spelledning are held, the latest."""
FEW: Final = 3
"""So many of them stand on a page of the form and the desk."""
SHOWN: Final = 20
"""So many of them are told of an area, the latest."""
WHAT_TO_DO: Final = "Inget tas emot som övning. Rapportera det som är på riktigt i skarpt läge."
"""What whoever is refused so is told."""


class Shown(NamedTuple):
    """What a page about a kommun says of exercises."""

    aborted: Aborted | None
    """The last that was aborted there, while that is to be shown."""
    running: Sequence[str]
    """What those are called that go on there."""
    messages: Sequence[Mapping[str, str]]
    """What the spelledning says: in övning alone."""


class HeldExercises:
    """The orders about exercises, followed.

    Args:
        settings: `federation`, `reader`.
        rules: the node's table: an order that it refuses counts here neither.
        clock: the node's.
        tasks: where the following runs.
        counts: where exercises that are left out are counted.
    """

    def __init__(self, settings: Settings, rules: Rules, clock: Clock, tasks: Tasks, counts: GatewayMetrics) -> None:
        counts.exercises_left_out.set_function(lambda: self._exercises.left_out)
        self._rules = rules
        self._clock = clock
        self._tasks = tasks
        self._exercises = Exercises()
        self._messages: dict[str, NoteOrder] = {}
        self._latest = Latest(MESSAGES)
        stream = topology.orders_stream(federated=settings.federation is not None)
        filters = [subjects.orders_of("exe", kind) for kind in ("exercise", "note")]
        self._follower = Follower(stream, filters, settings, take=self._take, reset=self._forget, every=True)

    def start(self, nc: Client) -> None:
        """Begin to follow."""
        self._tasks.spawn(self._follower.run(nc), name="follow exercises", finite=True)

    def check(self) -> Check:
        """Whether what was ordered is known here. The gateway is ready without: only reports of övning need it."""
        found = self._follower.check()
        return Check(name="exercises", ok=found.ok, detail=found.detail, needed=False)

    def standing(self, kommun: str) -> Standing:
        """How exercises stand in a kommun now."""
        return self._exercises.standing(kommun, self._clock.now())

    def listed(self, area: Area) -> list[Mapping[str, Any]]:
        """The exercises that concern an area, as they are told."""
        return self._exercises.listed(area.kommuner(), self._clock.now())

    def messages(self, area: Area) -> list[dict[str, str]]:
        """What the spelledning says to an area, to what lies in it or to what it lies in; the latest first."""
        own, now = set(area.kommuner()), self._clock.now()
        found = [
            each
            for each in self._messages.values()
            if own & set(Area.parse(each.subject).kommuner()) and from_datetime(each.time) <= now
        ]
        found.sort(key=lambda each: (each.time, each.id), reverse=True)
        return [
            {
                "id": each.id,
                "at": iso(from_datetime(each.time)),
                "to": each.subject,
                "text": each.data.note.removeprefix(CALLS),
            }
            for each in found[:SHOWN]
        ]

    def shown(self, kommun: str, reality: Reality) -> Shown:
        """What a page about a kommun, in one reality, says of exercises."""
        now = self._clock.now()
        found = self._exercises.standing(kommun, now)
        aborted = found.aborted
        if aborted is not None and reality != "exe" and now - aborted.at >= ABORT_SHOWN:
            aborted = None
        return Shown(
            aborted,
            [each.name for each in found.running],
            self.messages(Area("kommun", kommun))[:FEW] if reality == "exe" and found.running else [],
        )

    def see(self, point: str, reality: Reality) -> None:
        """That a report of a point may be taken as övning. One of another reality always may.

        Raises:
            Problem: 409, the exercise was aborted there; 503, it is not known yet whether it was.
        """
        if reality != "exe":
            return
        if not self._follower.whole.is_set():
            raise Problem(503, "starting", "It is not known yet which exercises go on", headers={"retry-after": "1"})
        if self.standing(ids.split_point_id(point).kommun).aborted is not None:
            raise Problem(409, ABORTED, f"{ABORTED_SV}. {WHAT_TO_DO}", field="reality")

    def _take(self, deliveries: Sequence[Delivery]) -> None:
        for each in deliveries:
            try:
                order = ORDER.validate_json(each.data)
            except ValidationError:
                continue  # the node has refused it: it is told in REJECTED
            if refusal_of(order, self._rules) is not None:
                continue
            if isinstance(order, ExerciseOrder):
                self._exercises.take(order)
            elif isinstance(order, NoteOrder) and order.source.endswith(f":{SYSTEM}"):
                self._take_message(order)

    def _take_message(self, order: NoteOrder) -> None:
        name = f"{order.source} {order.id}"
        self._messages[name] = order
        gone = self._latest.put(name, (from_datetime(order.time), order.id))
        if gone is not None:
            del self._messages[gone]

    def _forget(self) -> None:
        self._exercises = Exercises()
        self._messages.clear()
        self._latest = Latest(MESSAGES)
