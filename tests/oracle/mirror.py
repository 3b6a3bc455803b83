"""Our rules as Prometheus' alerting rules, over the same readings as series: for `promtool` to judge.

A reading stands until the next one, as a gauge does. Every aspect is reported every five minutes or less often, on the
grid of the timelines' buckets, so that none is dropped; Prometheus looks every minute.
"""

import random
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Final, NamedTuple

from oracle.make import Told, register, resources, services, staff, status
from oracle.promtool import Rule, Series

#: Minutes between readings.
SLOT: Final = 5
#: How many slots a story has: five hours, less than a timeline remembers.
SLOTS: Final = 60
MINUTES: Final = SLOT * SLOTS
LEVELS: Final = ("yellow", "red", "critical")
#: How long a reading stands, in slots: around every duration in the rules, and shorter.
_RUNS: Final = (1, 1, 1, 2, 2, 3, 4, 6, 7, 11, 12, 13, 15)
VITAL: Final = ("medical_device_charging", "heat", "emergency_call")
#: What power may be, as the series `mode` says it.
MAINS, NONE, RUNNING, DEAD, NOT_CONNECTED, BATTERY = range(6)
_BACKUP: Final = frozenset({RUNNING, DEAD, NOT_CONNECTED})


class Power(NamedTuple):
    """A reading of the power, and the hours it lasts, from when it was read."""

    mode: int
    hours: float = 0.0


class Story(NamedTuple):
    """What a point reports: the value of each aspect, slot by slot."""

    case: str
    lifecycle: str
    aspects: dict[str, list[Any]]

    def told(self) -> list[Told]:
        """The reports: one where anything changed."""
        begin = [
            register(capacity_day=100, planned_services=["heat"], staff_required=4),
            status(-600, lifecycle=self.lifecycle),
        ]
        for slot in range(SLOTS):
            for aspect, values in self.aspects.items():
                if slot == 0 or values[slot] is not values[slot - 1]:
                    begin.append(_SAID[aspect](slot * SLOT, values[slot]))
        return begin

    def series(self) -> Iterator[Series]:
        """The same as series, minute by minute."""
        for aspect, values in self.aspects.items():
            if aspect == "power":
                continue
            labels = {"service": aspect} if aspect in VITAL else {}
            name = "stopped" if aspect in VITAL else aspect
            yield Series(name, self.case, [float(value) for value in values for _ in range(SLOT)], labels)
        modes, outs = [], []
        for _, run in groupby(enumerate(self.aspects["power"]), key=lambda at: id(at[1])):
            held = list(run)
            slot, reading = held[0]
            modes += [float(reading.mode)] * (len(held) * SLOT)
            outs += [slot * SLOT * 60 + reading.hours * 3600] * (len(held) * SLOT)
        yield Series("mode", self.case, modes)
        yield Series("runs_out", self.case, outs)


def _power(minute: float, power: Power) -> Told:
    said: dict[str, Any] = {
        MAINS: {"source": "mains"},
        NONE: {"source": "none"},
        RUNNING: {"source": "backup", "backup_state": "running", "endurance_h": power.hours},
        DEAD: {"source": "backup", "backup_state": "fault"},
        NOT_CONNECTED: {"source": "backup", "backup_state": "not_connected"},
        BATTERY: {"source": "battery", "battery_h": power.hours},
    }[power.mode]
    return resources(minute, power=said)


_SAID: Final[dict[str, Callable[[float, Any], Told]]] = {
    "can_call": lambda minute, value: resources(minute, comms={"can_call_112": bool(value)}),
    "present": lambda minute, value: staff(minute, int(value)),
    "occupancy": lambda minute, value: status(minute, occupancy=int(value)),
    "indoor": lambda minute, value: resources(minute, heat={"indoor_c": value}),
    "litres": lambda minute, value: resources(minute, water={"source": "tank", "litres": value}),
    "power": _power,
    **{
        code: lambda minute, value, code=code: services(minute, **{code: "stopped" if value else "available"})
        for code in VITAL
    },
}


def story(rng: random.Random, case: str, lifecycle: str) -> Story:
    """A story of a point, drawn."""
    drawn: dict[str, Callable[[], Any]] = {
        "can_call": lambda: rng.choice((0.0, 1.0)),
        "present": lambda: rng.choice((0.0, 1.0, 2.0, 3.0, 4.0, 5.0)),
        "occupancy": lambda: rng.choice((0.0, 9.0, 11.0, 79.0, 80.0, 94.0, 95.0, 120.0)),
        "indoor": lambda: rng.choice((14.9, 15.0, 17.9, 18.0, 19.9, 20.0, 21.0)),
        "litres": lambda: rng.choice((0.0, 7.0, 8.0, 29.0, 30.0, 59.0, 60.0, 500.0)),
        "power": lambda: _draw_power(rng),
        **dict.fromkeys(VITAL, lambda: rng.choice((0.0, 0.0, 1.0))),
    }
    aspects = {aspect: _runs(rng, draw) for aspect, draw in drawn.items()}
    if rng.random() < 0.2:  # the longest `for` there is: three hours
        aspects["power"][10:50] = [Power(NOT_CONNECTED)] * 40
    return Story(case, lifecycle, aspects)


def _draw_power(rng: random.Random) -> Power:
    mode = rng.choice((MAINS, NONE, RUNNING, RUNNING, DEAD, DEAD, NOT_CONNECTED, BATTERY))
    hours = {RUNNING: (0.25, 3, 4.5, 8.5, 12.25, 30), BATTERY: (0.25, 0.5, 1.25, 2.5, 4.25, 6)}.get(mode, (0,))
    return Power(mode, rng.choice(hours))


def _runs(rng: random.Random, draw: Callable[[], Any]) -> list[Any]:
    values: list[Any] = []
    while len(values) < SLOTS:
        value = draw()
        values += [value] * rng.choice(_RUNS)
    return values[:SLOTS]


class Mirror(NamedTuple):
    """One way to a level of a rule of ours, as an alerting rule of Prometheus'."""

    rule: str
    level: str
    expr: str
    held: int = 0
    keep: int = 5
    #: The modes of power outside which the level ends at once: what Prometheus has no word for.
    modes: frozenset[int] | None = None
    lifecycle: str = "open"
    #: More than one way leads to the level.
    way: str = ""

    @property
    def alert(self) -> str:
        """The name of the alert."""
        return f"{self.rule} {self.level} {self.way}".strip()

    @property
    def condition(self) -> str:
        """The name of the alert that fires while the condition holds."""
        return f"{self.alert} holds"

    def rules(self) -> list[Rule]:
        """The rule, and the one of its condition alone where both `for` and `keep` matter."""
        rule = Rule(self.alert, self.expr, self.held, self.keep)
        return [rule, Rule(self.condition, self.expr)] if self.held and self.keep else [rule]


def _left(mode: int, hours: float) -> str:
    return f"runs_out - time() < {hours} * 3600 and on (case) mode == {mode}"


def _out(mode: int) -> str:
    return f"(runs_out - time() <= 0 and on (case) mode == {mode})"


def _levels(rule: str, expr: str, *limits: float, **more: Any) -> list[Mirror]:
    return [Mirror(rule, level, expr.format(limit), **more) for level, limit in zip(LEVELS, limits, strict=False)]


_GONE: Final = {
    "none": (f"mode == {NONE}", frozenset({NONE})),
    "backup": (f"mode == {DEAD} or {_out(RUNNING)}", _BACKUP),
    "battery": (_out(BATTERY), frozenset({BATTERY})),
}
#: The rules that are compared, as docs/rules.md tells them.
MIRRORS: Final[tuple[Mirror, ...]] = (
    Mirror("comms.112", "red", "can_call == 0", 15),
    Mirror("comms.112", "critical", "can_call == 0", 60),
    *(Mirror("service.stopped", "yellow", f'stopped{{service="{code}"}} == 1', way=code) for code in VITAL),
    *(Mirror("service.stopped", "red", f'stopped{{service="{code}"}} == 1', 60, way=code) for code in VITAL),
    Mirror("staff.short", "yellow", "present < 4"),
    Mirror("staff.short", "red", "present < 2"),
    Mirror("staff.short", "critical", "present == 0"),
    Mirror("capacity.high", "yellow", "occupancy / 100 >= 0.8"),
    Mirror("capacity.high", "red", "occupancy / 100 >= 0.95"),
    *_levels("heat.low", "indoor < {}", 20, 18, 15),
    *_levels("water.low", "litres < {} * 3 * clamp_min(occupancy, 10)", 2, 1, 0.25),
    Mirror("closing.occupied", "yellow", "occupancy > 0", lifecycle="closing"),
    Mirror("closing.occupied", "red", "occupancy > 0", 60, lifecycle="closing"),
    *(Mirror("power.lost", "red", expr, modes=modes, way=way) for way, (expr, modes) in _GONE.items()),
    *(Mirror("power.lost", "critical", expr, 30, modes=modes, way=way) for way, (expr, modes) in _GONE.items()),
    Mirror("power.lost", "critical", _out(RUNNING), modes=_BACKUP, way="backup ran out"),
    Mirror("power.lost", "critical", _out(BATTERY), modes=frozenset({BATTERY}), way="battery ran out"),
    *(
        Mirror("power.endurance", level, _left(RUNNING, hours), modes=frozenset({RUNNING}))
        for level, hours in zip(LEVELS, (12, 8, 4), strict=True)
    ),
    *(
        Mirror("power.battery", level, _left(BATTERY, hours), modes=frozenset({BATTERY}))
        for level, hours in zip(LEVELS, (4, 2, 1), strict=True)
    ),
    *(
        Mirror("power.not_connected", level, f"mode == {NOT_CONNECTED}", held, modes=frozenset({NOT_CONNECTED}))
        for level, held in zip(LEVELS, (0, 60, 180), strict=True)
    ),
)
