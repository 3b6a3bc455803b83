"""The scenarios that are no storm, from their reports to the alerts that a node of a län makes of them."""

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from test_simulator_run import digest, judged

from acceptance.node import Node
from vardkase.domain.merge import Received
from vardkase.simulator.emission import Emission
from vardkase.simulator.scenario import Scenario, ScenarioError, shipped_scenarios
from vardkase.simulator.simulation import Simulation
from vardkase.simulator.truth import Spell
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import HOUR, MINUTE, from_datetime, iso, parse
from vardkase_contracts.reports import REPORT, Report

SEED = 1
#: How often the node judges; the clock's own changes are judged when they are due.
STEP = 5 * MINUTE
#: What a kommun is said to have beside all else: a point where nothing is wrong.
EVERYDAY = "en-vanlig-plats"
RANK = {"yellow": 0, "red": 1, "critical": 2}


def item(emission: Emission, report: Report) -> Received:
    """A report as a node takes it in."""
    return Received(report=report, received=emission.at, digest=sha256(emission.payload).digest())


def everyday(kommun: str, start: int, end: int) -> Iterator[Received]:
    """A healthy point that tells all of it every other hour."""
    profile = {"name": "En vanlig plats", "kind": "trygghetspunkt", "position": {"lon": 15.0, "lat": 60.0}}
    promised = {code: {"state": "available"} for code in ("heat", "charging", "emergency_call")}
    told: list[tuple[int, str, dict[str, Any]]] = [
        (start + MINUTE, "register", profile | {"capacity_day": 80, "planned_services": list(promised)})
    ]
    for at in range(start + 2 * MINUTE, end, 2 * HOUR):
        shift = {"at": iso(at + 6 * HOUR), "covered": True}
        lives = {"power": {"source": "mains"}, "staff": {"present": 3, "required": 3}, "next_shift": shift}
        lives |= {"heat": {"indoor_c": 20.5}, "water": {"source": "mains"}, "comms": {"can_call_112": True}}
        told.append((at, "status", {"lifecycle": "open", "occupancy": 20, "services": promised}))
        told.append((at + MINUTE, "resources", lives))
    for number, (at, kind, data) in enumerate(told):
        event = {"specversion": "1.0", "id": f"everyday-{number}", "source": f"urn:tp:kommun:{kommun}:plats"}
        event |= {"type": f"se.trygghetspunkt.{kind}.v1", "subject": f"{kommun}-{EVERYDAY}", "time": iso(at)}
        raw = json.dumps(event | {"reality": "act", "data": data}).encode()
        yield Received(report=REPORT.validate_json(raw), received=at, digest=sha256(raw).digest())


@dataclass
class Story:
    """A run of a scenario, and the alerts that a node of one of its län made of what it was sent."""

    simulation: Simulation
    lan: str
    kommun: str
    good: list[tuple[Emission, Report]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for emission in self.simulation:
            report = judged(emission)
            if isinstance(report, str):
                assert report == emission.fault
            else:
                assert emission.fault is None
                self.good.append((emission, report))
        own = [item(emission, report) for emission, report in self.good if report.kommun[:2] == self.lan]
        own += everyday(self.kommun, self.simulation.start, self.simulation.end)
        self.alerts = self._judge(sorted(own, key=lambda each: each.received))

    def _judge(self, items: list[Received]) -> list[dict[str, Any]]:
        node = Node(area=self.lan)
        now, done = self.simulation.start, 0
        while now < self.simulation.end:
            node.drive(now, now + STEP)
            now += STEP
            upto = done
            while upto < len(items) and items[upto].received <= now:
                upto += 1
            if upto > done:
                node.receive(items[done:upto])
                node.judge(now)
                done = upto
        return node.streams.alerts

    def worst(self) -> dict[str, Counter[str]]:
        """Of each rule, how many alerts reached which level at worst."""
        levels: dict[tuple[str, str], str] = {}
        for alert in self.alerts:
            if alert["status"] == "firing":
                key = alert["rule"], alert["key"]
                levels[key] = max(levels.get(key, "yellow"), alert["level"], key=RANK.__getitem__)
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for (rule, _), level in levels.items():
            found[rule][level] += 1
        return found

    def told_before(self, rule: str, point: str, at: int) -> int | None:
        """When the alert stood up that stands at an instant, if one does."""
        since = None
        for alert in self.alerts:
            if alert["key"] == f"{rule}/{point}" and parse(alert["changed_at"]) <= at:
                firing = alert["status"] == "firing"
                since = (since if since is not None else parse(alert["changed_at"])) if firing else None
        return since

    def leads(self, rule: str, spells: str) -> list[float | None]:
        """How many hours before something was really so at a point the alert stood; None: it did not."""
        found: list[float | None] = []
        for id_, truth in self.simulation.truth.items():
            if id_[:2] == self.lan:
                for spell in getattr(truth, spells):
                    told = self.told_before(rule, id_, spell.since)
                    found.append(None if told is None else (spell.since - told) / HOUR)
        return found

    def sections(self, name: str) -> dict[str, list[tuple[int, Any]]]:
        """What site leads told of one thing, by point, in the order it was seen."""
        found: dict[str, list[tuple[int, Any]]] = defaultdict(list)
        for _, report in self.good:
            section = getattr(report.data, name, None) if report.kind == "resources" else None
            if section is not None and report.role == "site_lead":
                found[report.subject].append((from_datetime(report.time), section))
        return {point: sorted(readings, key=lambda each: each[0]) for point, readings in found.items()}

    def withdrawn(self) -> set[str]:
        """The reports that were taken back."""
        return {id_ for _, report in self.good if report.kind == "withdraw" for id_ in report.data.report_ids}


def crisis(name: str, **changes: Any) -> Scenario:
    """A scenario with fewer heartbeats, which are most of what is sent."""
    return Scenario.load(name).changed(**{"habits": {"app_share": 0.1}} | changes)


@pytest.fixture(scope="module")
def cyber() -> Story:
    return Story(Simulation(crisis("cyber-ostergotland"), SEED), "05", "0580")


@pytest.fixture(scope="module")
def cold() -> Story:
    return Story(Simulation(crisis("cold-norr"), SEED), "25", "2580")


@pytest.fixture(params=["cyber", "cold"])
def story(request: pytest.FixtureRequest) -> Story:
    return request.getfixturevalue(request.param)


def active(spells: list[Spell], at: int) -> bool:
    return any(spell.since <= at and (spell.until is None or at < spell.until) for spell in spells)


# -- both --------------------------------------------------------------------------------------------------------------


def test_the_shipped_scenarios_are_a_storm_an_attack_and_the_cold() -> None:
    """Each is of one kind and shipped under its name."""
    kinds = {
        name: [kind for kind in ("storm", "cyber", "cold") if getattr(Scenario.load(name), kind) is not None]
        for name in shipped_scenarios()
    }
    assert kinds == {"cold-norr": ["cold"], "cyber-ostergotland": ["cyber"], "storm-gotaland": ["storm"]}


@pytest.mark.parametrize("name", ["cyber-ostergotland", "cold-norr"])
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    """A run is decided by scenario, seed and start alone; another seed is another run."""
    short = crisis(name, duration_h=14, points={"total": 1160})
    assert digest(Simulation(short, 5)) == digest(Simulation(short, 5)) != digest(Simulation(short, 6))


def test_only_what_is_struck_opens_and_only_that_raises_alerts(story: Story) -> None:
    """Points open in the struck län alone; every alert is about them, their kommuner or their län."""
    scenario = story.simulation.scenario
    hit = (scenario.cyber or scenario.cold).lan
    opened = {id_ for id_, truth in story.simulation.truth.items() if truth.open}
    assert {id_[:2] for id_ in opened} == set(hit)
    about = {alert["key"].partition("/")[2] for alert in story.alerts}
    assert {point for point in about if "-" in point} <= {*opened, *(f"{kommun}-_" for kommun in KOMMUNER)}
    assert all(each[:2] == story.lan for each in about)


def test_an_everyday_point_in_the_middle_of_it_raises_none(story: Story) -> None:
    """A point where nothing is wrong has no alert in all the time."""
    assert not [alert for alert in story.alerts if alert["key"].endswith(f"-{EVERYDAY}")]


def test_no_report_is_of_what_was_not_seen_yet(story: Story) -> None:
    """But for phones ten minutes fast, nothing is told before it is observed."""
    ahead = [from_datetime(report.time) - emission.at for emission, report in story.good]
    assert max(ahead) <= 10 * MINUTE
    assert sum(each > 0 for each in ahead) < 0.05 * len(ahead)


def test_no_more_people_than_a_place_holds(story: Story) -> None:
    """What was not taken back, or noticed by nobody, is at most a little over the capacity."""
    wrong = story.withdrawn()
    capacity = {site.id: site.capacity_day for own in story.simulation.sites.values() for site in own}
    counts = [
        report.data.occupancy / capacity[report.subject]
        for _, report in story.good
        if report.kind == "status" and report.data.occupancy and report.id not in wrong and report.role == "site_lead"
    ]
    assert sum(count > 1.15 for count in counts) <= 0.01 * len(counts)
    assert max(sorted(counts)[: int(len(counts) * 0.99)]) > 0.6


def test_a_tank_is_emptied_by_people_and_filled_by_deliveries(story: Story) -> None:
    """Litres fall from reading to reading, unless water was delivered between."""
    delivered = defaultdict(list)
    for _, report in story.good:
        if report.kind == "need" and report.data.kind == "water" and report.data.state == "delivered":
            delivered[report.subject].append(from_datetime(report.time))
    readings = story.sections("water")
    assert len(readings) > 5
    for point, told in readings.items():
        for (before, water), (after, later) in pairwise(told):
            if later.litres > water.litres + 1:
                assert any(before <= at <= after for at in delivered[point])


def test_one_who_cannot_call_112_has_nothing_to_call_by(story: Story) -> None:
    """112 is out of reach exactly where mobile, fixed and Rakel all are."""
    for told in story.sections("comms").values():
        for _, comms in told:
            voices = {comms.mobile, comms.fixed, comms.rakel}
            assert comms.can_call_112 == ("up" in voices)


def test_what_opened_closes_when_it_is_over(story: Story) -> None:
    """Most points that opened have closed by the end, none was ever open before it began."""
    truths = [truth for truth in story.simulation.truth.values() if truth.open]
    scenario = story.simulation.scenario
    begins = story.simulation.start + round((scenario.cyber or scenario.cold).begins_h * HOUR)
    assert all(truth.open[0].since > begins for truth in truths)
    assert sum(truth.open[-1].until is not None for truth in truths) > 0.5 * len(truths)


# -- the attack --------------------------------------------------------------------------------------------------------


def test_the_attack_raises_what_it_is_about(cyber: Story) -> None:
    """112, staff, crowds, water and help that does not come: each many times; of power and heat but a few."""
    worst = cyber.worst()
    assert worst["comms.112"]["critical"] > 10
    assert worst["staff.next_shift"].total() > 20
    assert worst["staff.short"].total() > 15
    assert worst["capacity.high"].total() > 5
    assert worst["need.overdue"]["red"] > 15
    assert worst["water.low"].total() > 3
    opened = sum(bool(truth.open) for truth in cyber.simulation.truth.values())
    assert sum(worst[rule].total() for rule in ("power.lost", "power.not_connected", "heat.low")) < 0.3 * opened


def test_electricity_and_warmth_are_there(cyber: Story) -> None:
    """Nearly all points live on the mains and are warm; where there is no power it was disconnected."""
    power = {point: {section.source for _, section in told} for point, told in cyber.sections("power").items()}
    assert sum(sources == {"mains"} for sources in power.values()) > 0.75 * len(power)
    on_mains = {point for point, sources in power.items() if sources == {"mains"}}
    for point, told in cyber.sections("heat").items():
        if point in on_mains and not cyber.simulation.truth[point].dark:
            assert all(heat.indoor_c > 18.5 for _, heat in told)


def test_data_gets_out_where_no_call_does(cyber: Story) -> None:
    """Some tell over the internet that nobody can call from there, while it is so."""
    told = [
        (report.subject, from_datetime(report.time))
        for emission, report in cyber.good
        if report.kind == "resources"
        and report.role == "site_lead"
        and report.data.comms is not None
        and report.data.comms.internet == "up"
        and report.data.comms.can_call_112 is False
        and emission.at - from_datetime(report.time) < 5 * MINUTE
    ]
    assert len({point for point, _ in told}) > 10
    slack = 11 * MINUTE  # of a fast phone
    for point, at in told:
        spells = cyber.simulation.truth[point].no_112
        assert active(spells, at) or active(spells, at - slack)


def test_112_is_critical_within_the_hour_and_not_for_ever(cyber: Story) -> None:
    """Red comes before critical; when calls get through again it clears."""
    course = defaultdict(list)
    for alert in cyber.alerts:
        if alert["rule"] == "comms.112":
            course[alert["key"]].append(alert["level"] if alert["status"] == "firing" else "cleared")
    assert sum("red" in levels and levels.index("red") < len(levels) - 1 for levels in course.values()) > 10
    assert sum(levels[-1] == "cleared" for levels in course.values()) > 0.8 * len(course)


def test_that_nobody_comes_is_told_before_nobody_is_there(cyber: Story) -> None:
    """Where a point was left without staff, the missing shift had been an alert for hours, at most of them."""
    leads = cyber.leads("staff.next_shift", "unstaffed")
    told = [lead for lead in leads if lead is not None]
    assert len(leads) >= 3
    assert len(told) >= 0.5 * len(leads)
    assert statistics.median(told) > 2


def test_fuel_is_promised_and_does_not_come(cyber: Story) -> None:
    """Pumps take no payment: fewer of the things that must be paid for are delivered in time than in a storm."""
    in_time = Counter[bool]()
    for _, report in cyber.good:
        if report.kind == "need" and report.data.kind in ("fuel", "food", "transport", "medical"):
            data = report.data
            if data.state == "delivered" and data.needed_by is not None:
                in_time[report.time <= data.needed_by] += 1
    assert in_time[False] > in_time[True]


# -- the cold ----------------------------------------------------------------------------------------------------------


def test_the_cold_raises_what_it_is_about(cold: Story) -> None:
    """Rooms that are not warm, fuel that is late, water, staff, crowds at night; and nothing of power."""
    worst = cold.worst()
    assert worst["heat.low"]["red"] + worst["heat.low"]["critical"] > 15
    assert worst["heat.low"]["critical"] > 5
    assert worst["need.overdue"].total() > 5
    assert worst["water.low"].total() > 0
    assert worst["staff.short"].total() > 5
    assert worst["capacity.high"].total() > 3
    assert not [rule for rule in worst if rule.startswith("power.")]


def test_the_cold_is_told_hours_before_it_is_dangerous(cold: Story) -> None:
    """Where it really falls below 15 °C in use, `heat.low` had stood for hours at nearly all."""
    leads = cold.leads("heat.low", "cold")
    told = [lead for lead in leads if lead is not None]
    assert len(leads) > 5
    assert len(told) >= 0.7 * len(leads)
    assert statistics.median(told) > 5


def test_electricity_is_all_there(cold: Story) -> None:
    """Whatever is told of power, it is the mains."""
    assert {section.source for told in cold.sections("power").values() for _, section in told} == {"mains"}


def test_no_room_is_colder_than_the_weather_nor_cools_faster_than_a_house_can(cold: Story) -> None:
    """Between two readings a room loses at most what an unheated house loses, and never more than is outside."""
    scenario = cold.simulation.scenario
    weather, house = scenario.house.outdoor_c, scenario.house
    rate = (house.indoor_c.high - weather.low) / house.cools_h.low
    readings = cold.sections("heat")
    assert len(readings) > 50
    for told in readings.values():
        for (before, one), (after, two) in pairwise(told):
            assert weather.high < two.indoor_c < 23
            # A reading is right to 0.3 degrees.
            assert one.indoor_c - two.indoor_c <= rate * (after - before) / HOUR + 0.7


def test_who_has_a_boiler_of_his_own_stays_warm(cold: Story) -> None:
    """Some points are as warm as ever all the time, and some get colder and colder."""
    lows = [min(heat.indoor_c for _, heat in told) for told in cold.sections("heat").values()]
    assert sum(low > 19.5 for low in lows) > 0.15 * len(lows)
    assert sum(low < 17 for low in lows) > 0.15 * len(lows)


def test_points_open_one_after_the_other(cold: Story) -> None:
    """In no six hours more than four in ten of all openings; over more than a day."""
    opened = sorted(spell.since for truth in cold.simulation.truth.values() for spell in truth.open)
    assert opened[-1] - opened[0] > 24 * HOUR
    for at in opened:
        assert sum(at <= other < at + 6 * HOUR for other in opened) < 0.4 * len(opened)


def test_heaters_ask_for_fuel_and_get_it_or_not(cold: Story) -> None:
    """Fuel for heaters is asked for in litres, is delivered to some, and is late for others."""
    states = Counter(
        report.data.state for _, report in cold.good if report.kind == "need" and report.data.kind == "fuel"
    )
    assert states["requested"] > 20
    assert 0 < states["delivered"] < states["requested"]


# -- the file ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"based_on: storm-gotaland\nstorm: null\n", "(file)"),
        (b"based_on: storm-gotaland\ncold: {}\n", "cold.lan"),
        (b"based_on: storm-norrland\n", "based_on"),
        (b"based_on: cold-norr\n", "based_on"),
        (b"based_on: [1]\n", "based_on"),
        (b"based_on: cyber-ostergotland\ncyber: {lan: ['02']}\n", "based_on"),
        (b"based_on: storm-gotaland\nstaff: {shift_h: {low: 9, high: 1}}\n", "staff.shift_h"),
    ],
)
def test_what_a_scenario_is_based_on_is_checked_as_a_whole(text: bytes, field: str) -> None:
    """It names a shipped one that stands for itself; what strikes is exactly one thing; errors name the field."""
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(text, name="x")
    assert field in [name for name, _ in caught.value.problems]


def test_a_scenario_takes_the_rest_from_what_it_is_based_on() -> None:
    """A value that is given counts, the others of its section are the base's."""
    base = Scenario.load("storm-gotaland")
    mine = Scenario.parse(b"based_on: storm-gotaland\nname: mine\nstaff: {covered_share: 0.1}\n", name="mine")
    assert mine == base.changed(name="mine", staff={"covered_share": 0.1})


def test_an_unknown_lan_is_named() -> None:
    """A län that is not there is an error of its field."""
    with pytest.raises(ScenarioError, match="no such län: 02"):
        Scenario.load("cold-norr").changed(cold={"lan": ["02", "24"]})
