"""Reports by chance, the same for the same seed: many points of many kommuner, everything that a report can do."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from oracle.make import Told, when
from vardkase_contracts.vocab import (
    ACTIVATION_STATES,
    AVAILABILITIES,
    BACKUP_STATES,
    LIFECYCLES,
    NEED_KINDS,
    NEED_STATES,
    POWER_SOURCES,
    SERVICE_CODES,
    SERVICE_STATES,
)

#: Kommuner of four län in three civilområden; two of them are neighbours in one län.
KOMMUNER = ("2480", "2482", "2580", "0180", "0184", "1480")


class Chance(random.Random):
    """Makes reports. Values are often missing, often null, and often at the bounds that rules look at."""

    def points(self, each: int, kommuner: Sequence[str] = KOMMUNER) -> list[str]:
        """The ids of so many points in each kommun, and of the kommuner themselves."""
        return [f"{kommun}-p{n}" for kommun in kommuner for n in range(each)] + [f"{kommun}-_" for kommun in kommuner]

    def report(self, number: int, minute: float, points: Sequence[str]) -> Told:
        """A report with that number, received at that minute about any of the points."""
        point = self.choice(points)
        observed = minute - self.choice((0, 0, 0, 0, 0, 1, 3, 20, 90, -1, -5))
        kinds = self._of_kommun if point.endswith("-_") else self._of_point
        kind, data = self.choice(kinds)(number, observed, points)
        reporter = self.choice((None, None, "a", "b"))
        return Told(observed, kind, data, received=minute, point=point, id=f"r{number}", reporter=reporter)

    @property
    def _of_kommun(self) -> Sequence[Callable[..., tuple[str, dict[str, Any]]]]:
        return (self._need, self._heartbeat, self._contact, self._activation)

    @property
    def _of_point(self) -> Sequence[Callable[..., tuple[str, dict[str, Any]]]]:
        often = (self._status, self._resources, self._resources)
        return (*often * 4, self._need, self._register, self._register, self._confirm, self._heartbeat, *self._rarely)

    @property
    def _rarely(self) -> Sequence[Callable[..., tuple[str, dict[str, Any]]]]:
        return (self._withdraw, self._retire) if self.random() < 0.3 else (self._contact,)

    def some(self, **fields: Any) -> dict[str, Any]:
        """Any of the fields: most given, some null, some left out."""
        return {name: None if self.random() < 0.1 else value for name, value in fields.items() if self.random() < 0.7}

    def _register(self, _number: int, _observed: float, _points: Sequence[str]) -> tuple[str, dict[str, Any]]:
        return "register", {
            "name": self.choice(("Skolan", "Brandstationen", "Hallen")),
            "kind": self.choice(("trygghetspunkt", "varmestuga")),
            "position": {"lon": 20.25, "lat": 63.8},
            "publish": self.choice(("hidden", "listed", "live", "live")),
            **self.some(
                planned_services=self.sample(SERVICE_CODES, 4),
                capacity_day=self.choice((0, 20, 50)),
                capacity_night=self.choice((10, 30)),
                staff_required=self.choice((0, 2, 4)),
                refill_lead_h=self.choice((1, 4)),
            ),
        }

    def _status(self, _number: int, _observed: float, _points: Sequence[str]) -> tuple[str, dict[str, Any]]:
        lifecycle = self.choice((*LIFECYCLES, *("open",) * 12))
        services = {code: {"state": self.choice((*SERVICE_STATES, None))} for code in self.sample(SERVICE_CODES, 2)}
        return "status", self.some(
            lifecycle=lifecycle,
            availability=self.choice(AVAILABILITIES),
            occupancy=self.choice((0, 5, 19, 20, 48, 60)),
            capacity_day=self.choice((0, 20, 60)),
            services=services,
        )

    def _resources(self, _number: int, observed: float, _points: Sequence[str]) -> tuple[str, dict[str, Any]]:
        later = when(observed + self.choice((-30, 20, 240, 800)))
        return "resources", self.some(
            power=self.some(
                source=self.choice((*POWER_SOURCES, "backup", "backup")),
                backup_state=self.choice((*BACKUP_STATES, "running", "running")),
                endurance_h=self.choice((0, 1, 5, 9, 20)),
                fuel_l=self.choice((0, 30, 90)),
                fuel_l_per_h=self.choice((0, 6)),
                battery_h=self.choice((1, 3, 5)),
            ),
            staff=self.some(present=self.randrange(5), required=self.choice((0, 2, 4))),
            water=self.some(source=self.choice(("tank", "mains")), litres=self.choice((0, 30, 500))),
            heat=self.some(indoor_c=self.choice((14.5, 17, 21))),
            comms=self.some(can_call_112=self.random() < 0.5),
            refill=self.some(eta=later, confirmed=True),
            next_shift=self.some(at=later, covered=False),
        )

    def _need(self, _number: int, observed: float, _points: Sequence[str]) -> tuple[str, dict[str, Any]]:
        return "need", {
            "need_id": self.choice("abc"),
            **self.some(
                direction=self.choice(("need", "surplus")),
                kind=self.choice(NEED_KINDS),
                quantity=self.choice((1, 2.5, 0.1, 40)),
                unit=self.choice(("l", "st", "kW/h")),
                priority=self.choice(("urgent", "high", "low")),
                needed_by=when(observed + self.choice((-100, 0, 60, 200))),
                state=self.choice(NEED_STATES),
            ),
        }

    def _withdraw(self, number: int, _observed: float, _points: Sequence[str]) -> tuple[str, dict[str, Any]]:
        return "withdraw", {"report_ids": [f"r{n}" for n in sorted({self.randrange(number + 3) for _ in range(5)})]}

    def _retire(self, _number: int, _observed: float, points: Sequence[str]) -> tuple[str, dict[str, Any]]:
        heirs = [point for point in points if not point.endswith("-_")]
        return "retire", self.some(replaced_by=self.choice(heirs), reason="riven")

    def _confirm(self, *_: Any) -> tuple[str, dict[str, Any]]:
        return "confirm", {}

    def _heartbeat(self, *_: Any) -> tuple[str, dict[str, Any]]:
        return "heartbeat", {"outbox_depth": self.randrange(3)}

    def _contact(self, *_: Any) -> tuple[str, dict[str, Any]]:
        return "contact", {"result": self.choice(("reached", "failed"))}

    def _activation(self, *_: Any) -> tuple[str, dict[str, Any]]:
        return "activation", {"state": self.choice((*ACTIVATION_STATES, None))}
