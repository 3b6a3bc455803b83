"""One behaviour each, by hand: the same table is run against the oracle and against the program."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from oracle import adapter
from oracle.make import (
    POINT,
    Told,
    backup,
    given,
    instant,
    register,
    resources,
    services,
    staff,
    status,
    when,
)
from oracle.merge import Given, fold
from oracle.point import Judge

AFTER = 1 / 60_000_000
"""A microsecond, in minutes."""
OPEN = status(0, lifecycle="open")
OPEN_LONG = status(-600, lifecycle="open")

Verdicts = Mapping[str, Any]


def by_oracle(reports: Sequence[Given], point: str, now: int) -> Verdicts:
    """The point's open alerts by the definitions."""
    points = fold(reports)
    return Judge(points[point], now).verdicts if point in points else {}


def by_program(reports: Sequence[Given], point: str, now: int) -> Verdicts:
    """The point's open alerts by the program."""
    states = adapter.states(reports)
    return adapter.judged(states[point], now).verdicts if point in states else {}


IMPLEMENTATIONS = {"oracle": by_oracle, "program": by_program}


@dataclass(frozen=True, kw_only=True)
class Example:
    """A story, and the level of one rule at some minutes; and when it was raised, where that is told."""

    says: str
    rule: str
    story: Sequence[Told]
    levels: Mapping[float, str | None]
    raised: Mapping[float, float] = field(default_factory=dict)
    point: str = POINT


def mains(minute: float) -> Told:
    """Mains power is back."""
    return resources(minute, power={"source": "mains"})


def none(minute: float) -> Told:
    """There is no power."""
    return resources(minute, power={"source": "none"})


def battery(minute: float, hours: float | None = None, **more: Any) -> Told:
    """On battery."""
    return resources(minute, power={"source": "battery", "battery_h": hours} | more)


def need(minute: float, by: float, **more: Any) -> Told:
    """A pressing need."""
    basis = {"need_id": "n1", "kind": "fuel", "priority": "urgent", "needed_by": when(by)}
    return Told(minute, "need", basis | more)


EXAMPLES = [
    # -- power.endurance: lead 4 h, so yellow below 12 h, red below 8 h, critical below 4 h
    Example(
        says="endurance runs down by itself, and the bounds are strict",
        rule="power.endurance",
        story=[OPEN, backup(0, 13)],
        levels={
            59: None,
            60: None,
            60 + AFTER: "yellow",
            300: "yellow",
            300 + AFTER: "red",
            540: "red",
            541: "critical",
        },
        raised={61: 60 + AFTER, 541: 60 + AFTER},
    ),
    Example(
        says="while power.lost goes on it is clear, and raised when that ends",
        rule="power.endurance",
        story=[OPEN, resources(0, power={"source": "backup", "backup_state": "fault"}), backup(60, 6)],
        levels={64: None, 65: "red", 66: "red", 100: "red"},
        raised={66: 65, 100: 65},
    ),
    Example(
        says="the least known of endurance and fuel counts",
        rule="power.endurance",
        story=[OPEN, backup(0, 20, fuel_l=60, fuel_l_per_h=12)],
        levels={0: "red", 60: "red", 61: "critical"},
    ),
    Example(
        says="a rate of 0 is unknown",
        rule="power.endurance",
        story=[OPEN, backup(0, None, fuel_l=60, fuel_l_per_h=0)],
        levels={60: None},
    ),
    Example(
        says="backup whose state is not known is taken at its word",
        rule="power.endurance",
        story=[OPEN, backup(0, 5, state=None)],
        levels={0: "red"},
    ),
    Example(
        says="the register's refill lead moves the bounds",
        rule="power.endurance",
        story=[register(refill_lead_h=1), OPEN, backup(0, 4)],
        levels={60: None, 61: "yellow", 121: "red", 181: "critical"},
    ),
    Example(
        says="a reading that does not know lets the last known one run on",
        rule="power.endurance",
        story=[OPEN, backup(0, 9), backup(30, None), resources(40, power=None)],
        levels={59: "yellow", 60: "yellow", 61: "red"},
        raised={61: 0},
    ),
    Example(
        says="mains clears at once",
        rule="power.endurance",
        story=[OPEN, backup(0, 2), mains(30)],
        levels={30 - AFTER: "critical", 30: None},
    ),
    Example(
        says="another source between breaks the anchor",
        rule="power.endurance",
        story=[OPEN, backup(0, 2), mains(30), backup(60, None)],
        levels={29: "critical", 60: None, 70: None},
    ),
    Example(
        says="a refuelling keeps the level for 5 min",
        rule="power.endurance",
        story=[OPEN, backup(0, 2), backup(30, 48)],
        levels={30: "critical", 35 - AFTER: "critical", 35: None},
        raised={34: 0},
    ),
    Example(
        says="a milder level shows when the worse one's keep is over",
        rule="power.endurance",
        story=[OPEN, backup(0, 2), backup(30, 9)],
        levels={34: "critical", 35: "yellow"},
        raised={35: 0},
    ),
    Example(
        says="closing the place ends it at once, and no keep outlives the scope",
        rule="power.endurance",
        story=[OPEN, backup(0, 2), backup(28, 48), status(30, lifecycle="closed")],
        levels={29: "critical", 30: None, 31: None},
    ),
    Example(
        says="it looks at points that are established or closing too",
        rule="power.endurance",
        story=[
            status(0, lifecycle="establishing"),
            backup(0, 2),
            status(10, lifecycle="open"),
            status(20, lifecycle="closing"),
        ],
        levels={0: "critical", 10: "critical", 20: "critical"},
        raised={20: 0},
    ),
    Example(
        says="it does not look at planned points",
        rule="power.endurance",
        story=[status(0, lifecycle="planned"), backup(0, 2)],
        levels={10: None},
    ),
    Example(
        says="a confirmed refill in good time lowers one step, until its eta",
        rule="power.endurance",
        story=[OPEN, backup(0, 3), resources(30, refill={"eta": when(90), "confirmed": True})],
        levels={29: "critical", 34: "critical", 35: "red", 90 - AFTER: "red", 90: "critical"},
        raised={89: 0},
    ),
    Example(
        says="a refill less than an hour before the end does not help",
        rule="power.endurance",
        story=[OPEN, backup(0, 3), resources(30, refill={"eta": when(121), "confirmed": True})],
        levels={60: "critical"},
    ),
    Example(
        says="a refill exactly an hour before the end helps",
        rule="power.endurance",
        story=[OPEN, backup(0, 3), resources(30, refill={"eta": when(120), "confirmed": True})],
        levels={60: "red"},
    ),
    Example(
        says="a refill that nobody has confirmed does not help",
        rule="power.endurance",
        story=[OPEN, backup(0, 3), resources(30, refill={"eta": when(90), "confirmed": False})],
        levels={60: "critical"},
    ),
    Example(
        says="a refill takes yellow to nothing",
        rule="power.endurance",
        story=[OPEN, backup(0, 9), resources(0, refill={"eta": when(60), "confirmed": True})],
        levels={30: None, 60: "yellow"},
        raised={60: 60},
    ),
    Example(
        says="while the power is lost it is clear",
        rule="power.endurance",
        story=[OPEN, backup(0, 1)],
        levels={59: "critical", 60: None, 90: None},
    ),
    Example(
        says="a late report fills in history",
        rule="power.endurance",
        story=[OPEN, backup(60, 30), backup(0, 2)._replace(received=62)],
        levels={61: None, 62: "critical", 65 - AFTER: "critical", 65: None},
    ),
    # -- power.battery
    Example(
        says="the hours of the battery run down",
        rule="power.battery",
        story=[OPEN, battery(0, 5)],
        levels={60: None, 61: "yellow", 181: "red", 241: "critical", 300: None},
    ),
    Example(
        says="the generator starts: clear at once",
        rule="power.battery",
        story=[OPEN, battery(0, 1), backup(20, 40)],
        levels={19: "critical", 20: None},
    ),
    # -- power.lost
    Example(
        says="red at once, critical after 30 min",
        rule="power.lost",
        story=[OPEN, none(0)],
        levels={0: "red", 30 - AFTER: "red", 30: "critical"},
        raised={30: 0},
    ),
    Example(
        says="running out is critical at once, without any report",
        rule="power.lost",
        story=[OPEN, backup(0, 1)],
        levels={60 - AFTER: None, 60: "critical", 600: "critical"},
        raised={600: 60},
    ),
    Example(
        says="a dead generator is lost power",
        rule="power.lost",
        story=[OPEN, backup(0, 9, state="fault")],
        levels={0: "red", 30: "critical"},
    ),
    Example(
        says="nothing promised that needs power: yellow, and no worse",
        rule="power.lost",
        story=[register(planned_services=["information", "rest"]), OPEN, none(0)],
        levels={0: "yellow", 60: "yellow"},
    ),
    Example(
        says="what is given now is promised too",
        rule="power.lost",
        story=[register(planned_services=["information"]), OPEN, services(0, charging="limited"), none(0)],
        levels={0: "red"},
    ),
    Example(
        says="what is stopped is not promised",
        rule="power.lost",
        story=[register(planned_services=["information"]), OPEN, services(0, charging="stopped"), none(0)],
        levels={0: "yellow"},
    ),
    Example(
        says="a register that does not say promises",
        rule="power.lost",
        story=[register(), OPEN, none(0)],
        levels={0: "red"},
    ),
    Example(
        says="mains back clears at once",
        rule="power.lost",
        story=[OPEN, none(0), mains(10)],
        levels={9: "red", 10: None},
    ),
    Example(
        says="the same generator started again clears after keep",
        rule="power.lost",
        story=[OPEN, backup(0, 30, state="off"), backup(10, 30)],
        levels={10: "red", 15 - AFTER: "red", 15: None},
    ),
    Example(
        says="unknown power does not clear it",
        rule="power.lost",
        story=[OPEN, none(0), resources(10, power=None)],
        levels={10: "red", 30: "critical"},
    ),
    Example(
        says="the half hour does not count before the place is in its scope",
        rule="power.lost",
        story=[none(-60), OPEN],
        levels={-1: None, 0: "red", 29: "red", 30: "critical"},
        raised={30: 0},
    ),
    # -- power.not_connected
    Example(
        says="yellow at once, red after 1 h, critical after 3 h",
        rule="power.not_connected",
        story=[OPEN, backup(0, None, state="not_connected")],
        levels={0: "yellow", 59: "yellow", 60: "red", 179: "red", 180: "critical"},
    ),
    Example(
        says="running clears at once",
        rule="power.not_connected",
        story=[OPEN, backup(0, 20, state="not_connected"), backup(70, 20)],
        levels={69: "red", 70: None},
    ),
    # -- report.incomplete
    Example(
        says="open for 60 min without staff ever reported",
        rule="report.incomplete",
        story=[OPEN, mains(0)],
        levels={59: None, 60: "yellow", 300: "yellow"},
        raised={300: 60},
    ),
    Example(
        says="a null is not a report of power",
        rule="report.incomplete",
        story=[OPEN, resources(0, power=None), staff(0, 3)],
        levels={60: "yellow"},
    ),
    Example(
        says="reported, it ends at once",
        rule="report.incomplete",
        story=[OPEN, mains(0), staff(70, 3)],
        levels={69: "yellow", 70: None},
    ),
    Example(
        says="on backup with unknown endurance: yellow after 60 min, red after 4 h",
        rule="report.incomplete",
        story=[OPEN_LONG, staff(0, 3), backup(0), backup(100)],
        levels={59: None, 60: "yellow", 239: "yellow", 240: "red"},
    ),
    # -- staff
    Example(
        says="no staff alert until 30 min after opening",
        rule="staff.short",
        story=[staff(-20, 0, 4), OPEN],
        levels={-1: None, 0: None, 30 - AFTER: None, 30: "critical"},
        raised={40: 30},
    ),
    Example(
        says="yellow below required, red below the least, critical at nobody",
        rule="staff.short",
        story=[OPEN_LONG, staff(0, 3, 4), staff(10, 1, 4), staff(20, 0, 4)],
        levels={0: "yellow", 10: "red", 20: "critical"},
        raised={20: 0},
    ),
    Example(
        says="without a requirement there is no rule",
        rule="staff.short",
        story=[OPEN_LONG, staff(0, 0)],
        levels={0: None},
    ),
    Example(
        says="the register's requirement counts when the reading has none",
        rule="staff.short",
        story=[register(staff_required=4, staff_min=3), OPEN_LONG, staff(0, 3), staff(10, 2), staff(20, 2, 2)],
        levels={0: "yellow", 10: "red", 24: "red", 25: None},
    ),
    Example(
        says="it goes on for 5 min after recovery",
        rule="staff.short",
        story=[OPEN_LONG, staff(0, 1, 4), staff(60, 4, 4)],
        levels={60: "red", 65 - AFTER: "red", 65: None},
    ),
    Example(
        says="a short recovery does not break the alert",
        rule="staff.short",
        story=[OPEN_LONG, staff(0, 1, 4), staff(58, 4, 4), staff(62, 3, 4)],
        levels={62: "red", 63: "yellow", 70: "yellow"},
        raised={70: 0},
    ),
    Example(
        says="closing ends it at once",
        rule="staff.short",
        story=[OPEN_LONG, staff(0, 1, 4), status(60, lifecycle="closing")],
        levels={59: "red", 60: None},
    ),
    Example(
        says="unknown staff neither raises nor clears",
        rule="staff.short",
        story=[OPEN_LONG, staff(0, 1, 4), resources(60, staff=None), staff(70, None, 4)],
        levels={100: "red"},
    ),
    Example(
        says="an uncovered shift: yellow within 12 h, red within 4 h, critical from its beginning",
        rule="staff.next_shift",
        story=[OPEN_LONG, resources(0, next_shift={"at": when(780), "covered": False})],
        levels={60: None, 60 + AFTER: "yellow", 540: "yellow", 541: "red", 780 - AFTER: "red", 780: "critical"},
    ),
    Example(
        says="it ends when covered, without keep",
        rule="staff.next_shift",
        story=[
            OPEN_LONG,
            resources(0, next_shift={"at": when(60), "covered": False}),
            resources(30, next_shift={"at": when(60), "covered": True}),
        ],
        levels={31: None, 70: None},
    ),
    Example(
        says="it ends with a count of the staff after the shift began",
        rule="staff.next_shift",
        story=[OPEN_LONG, staff(0, 4), resources(0, next_shift={"at": when(60), "covered": False}), staff(90, 3)],
        levels={89: "critical", 90: None},
    ),
    # -- the rest
    Example(
        says="80 and 95 per cent, inclusive",
        rule="capacity.high",
        story=[
            register(capacity_day=100),
            OPEN,
            status(10, occupancy=79),
            status(20, occupancy=80),
            status(30, occupancy=95),
        ],
        levels={10: None, 20: "yellow", 30: "red"},
    ),
    Example(
        says="a reported capacity goes before the register's; null gives it back",
        rule="capacity.high",
        story=[register(capacity_day=100), OPEN, status(0, occupancy=60, capacity_day=60)],
        levels={0: "red"},
    ),
    Example(
        says="capacity 0 is unknown",
        rule="capacity.high",
        story=[register(capacity_day=0), OPEN, status(0, occupancy=60)],
        levels={0: None},
    ),
    Example(
        says="the night's capacity from 22 in Stockholm (minute 780)",
        rule="capacity.high",
        story=[register(capacity_day=100, capacity_night=50), OPEN, status(0, occupancy=45)],
        levels={779: None, 780: "yellow"},
    ),
    Example(
        says="litres per ten persons and three litres a day, strict",
        rule="water.low",
        story=[
            OPEN,
            resources(0, water={"source": "tank", "litres": 60}),
            resources(10, water={"source": "tank", "litres": 59.5}),
            resources(20, water={"litres": 29.5}),
            resources(30, water={"litres": 7}),
        ],
        levels={0: None, 10: "yellow", 20: "red", 30: "critical"},
    ),
    Example(
        says="more visitors drink more",
        rule="water.low",
        story=[OPEN, resources(0, water={"source": "tank", "litres": 120}), status(10, occupancy=30)],
        levels={9: None, 10: "yellow"},
    ),
    Example(
        says="mains water does not run out",
        rule="water.low",
        story=[OPEN, resources(0, water={"source": "mains", "litres": 5})],
        levels={0: None},
    ),
    Example(
        says="cold where heat is planned",
        rule="heat.low",
        story=[
            register(planned_services=["heat"]),
            OPEN,
            *(resources(10 * n, heat={"indoor_c": c}) for n, c in enumerate((20, 19.9, 18, 17.9, 15, 14.9))),
        ],
        levels={0: None, 10: "yellow", 20: "yellow", 30: "red", 40: "red", 50: "critical"},
    ),
    Example(
        says="heat that is not planned is nobody's shortage",
        rule="heat.low",
        story=[register(), OPEN, resources(0, heat={"indoor_c": 5})],
        levels={0: None},
    ),
    Example(
        says="112 out of reach for 15 and 60 min",
        rule="comms.112",
        story=[OPEN, resources(0, comms={"can_call_112": False}), resources(30, comms={"mobile": "down"})],
        levels={14: None, 15: "red", 59: "red", 60: "critical"},
        raised={60: 15},
    ),
    Example(
        says="a break starts the quarter of an hour anew",
        rule="comms.112",
        story=[OPEN, *(resources(t, comms={"can_call_112": can}) for t, can in ((0, False), (14, True), (15, False)))],
        levels={15: None, 29: None, 30: "red"},
    ),
    Example(
        says="a stopped service: yellow, and red when the same has been stopped for 60 min",
        rule="service.stopped",
        story=[OPEN, services(0, heat="stopped"), services(50, heat="available", emergency_call="stopped")],
        levels={0: "yellow", 59: "yellow", 60: "yellow", 109: "yellow", 110: "red"},
        raised={110: 0},
    ),
    Example(
        says="a service stopped before the place opened counts from the opening",
        rule="service.stopped",
        story=[services(-90, heat="stopped"), OPEN],
        levels={0: "yellow", 59: "yellow", 60: "red"},
    ),
    Example(
        says="people in a place that closes, then is closed",
        rule="closing.occupied",
        story=[OPEN, status(0, occupancy=3), status(10, lifecycle="closing"), status(40, lifecycle="closed")],
        levels={9: None, 10: "yellow", 69: "yellow", 70: "red"},
    ),
    Example(
        says="an urgent need that nobody has met: yellow from needed_by, red 2 h later",
        rule="need.overdue",
        story=[OPEN, need(0, 60)],
        levels={59: None, 60: "yellow", 179: "yellow", 180: "red"},
        raised={180: 60},
    ),
    Example(
        says="on its way is no longer overdue",
        rule="need.overdue",
        story=[OPEN, need(0, 60, state="assigned"), need(70, 60, state="under_way")],
        levels={71: None},
    ),
    Example(
        says="a surplus is not overdue",
        rule="need.overdue",
        story=[OPEN, need(0, 60, direction="surplus")],
        levels={71: None},
    ),
    Example(
        says="the kommun's own need may be overdue too",
        rule="need.overdue",
        story=[need(0, 60)._replace(point="2480-_")],
        levels={59: None, 60: "yellow", 180: "red"},
        point="2480-_",
    ),
    Example(
        says="more than 4 h without content",
        rule="freshness.stale",
        story=[OPEN, Told(100, "heartbeat", {})],
        levels={240: None, 240 + AFTER: "yellow"},
        raised={300: 240 + AFTER},
    ),
    Example(
        says="unchanged is a report",
        rule="freshness.stale",
        story=[OPEN, Told(100, "confirm", {})],
        levels={241: None, 340: None, 341: "yellow"},
    ),
    # -- retired, withdrawn, ahead
    Example(
        says="a retired point has no alerts",
        rule="power.lost",
        story=[register(), OPEN, none(0), Told(40, "retire", {})],
        levels={50: None},
    ),
    Example(
        says="what is withdrawn was never said",
        rule="power.lost",
        story=[OPEN, none(0)._replace(id="wrong"), Told(20, "withdraw", {"report_ids": ["wrong"]})],
        levels={30: None},
    ),
    Example(
        says="a fast clock counts from its arrival",
        rule="power.lost",
        story=[OPEN, none(120)._replace(received=10), mains(20)],
        levels={9: None, 10: "red", 20: None},
    ),
    Example(
        says="a stamp up to 2 min ahead counts as of now, further ahead not yet",
        rule="power.lost",
        story=[OPEN, none(12)._replace(received=10)],
        levels={10 - AFTER: None, 10: "red"},
        raised={10: 10, 11: 11, 30: 12},
    ),
]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS.values(), ids=IMPLEMENTATIONS)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e.rule}: {e.says}")
def test_an_example_is_judged_as_told(example: Example, implementation: Callable[..., Verdicts]) -> None:
    """Each example's rule has the levels that it tells, and was raised when it tells."""

    def at(minute: float) -> Any:
        now = instant(minute)
        known = [report for report in given(example.story) if report.received <= now]
        return implementation(known, example.point, now).get(example.rule)

    found = {minute: at(minute) for minute in example.levels}
    assert example.levels == {minute: verdict and verdict.level for minute, verdict in found.items()}
    for minute, since in example.raised.items():
        assert instant(since) == at(minute).raised_at
