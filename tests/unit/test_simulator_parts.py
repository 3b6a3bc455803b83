import math
from typing import Any

import pytest

from vardkase.simulator import names
from vardkase.simulator.daytime import LocalTime
from vardkase.simulator.draw import Choice, Range, Spread, rounded_up
from vardkase.simulator.emission import Emission
from vardkase.simulator.faults import RECIPES, Faults
from vardkase.simulator.grid import Front
from vardkase.simulator.house import House
from vardkase.simulator.line import Line
from vardkase.simulator.needs import Need, Needs
from vardkase.simulator.refills import Refills
from vardkase.simulator.scenario import Scenario
from vardkase.simulator.sites import make_sites, points_per_kommun
from vardkase.simulator.supply import Supply
from vardkase.simulator.truth import Spell
from vardkase.simulator.world import World
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.ids import is_slug
from vardkase_contracts.instants import DAY, HOUR, MINUTE, parse

START = parse("2026-11-20T12:00:00Z")
EVERY = {"low": 1.0, "high": 1.0}


def world(**changes: Any) -> World:
    """A world of its own, without chance in what a test looks at."""
    scenario = Scenario.load("storm-gotaland").changed(**changes)
    return World(scenario, seed=1, start=START, end=START + 10 * DAY, reality="act")


def certain_power(**changes: Any) -> World:
    """A world in which generators start, burn what they say and do not break."""
    power = {"start_share": 1.0, "burn_error": 0.0, "faults_per_h": 0.0, "level": EVERY} | changes
    return world(power=power, refill={"level": EVERY})


def test_local_time_follows_the_clock_change() -> None:
    """Text and hour of the day are Swedish time on both sides of the change."""
    local = LocalTime("Europe/Stockholm")
    before, after = parse("2026-10-25T00:59:59Z"), parse("2026-10-25T01:00:00Z")
    assert local.local(before) == "2026-10-25T02:59:59+02:00"
    assert local.local(after) == "2026-10-25T02:00:00+01:00"
    assert local.hour(after) == pytest.approx(2.0)
    assert local.utc(before) == "2026-10-25T00:59:59Z"


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "America/New_York", "UTC"])
def test_local_text_tells_the_same_instant(zone: str) -> None:
    """Whatever the zone, the text is the instant, cut to seconds."""
    local = LocalTime(zone)
    for at in range(START, START + 3 * DAY, 7 * HOUR + 13 * MINUTE):
        assert parse(local.local(at)) == parse(local.utc(at)) == at


def test_the_next_hour_is_ahead() -> None:
    """The next seven o'clock is the one to come, today's or tomorrow's."""
    local = LocalTime("Europe/Stockholm")
    assert local.next_hour(parse("2026-11-20T05:30:00Z"), 7) == parse("2026-11-20T06:00:00Z")
    assert local.next_hour(parse("2026-11-20T06:00:00Z"), 7) == parse("2026-11-21T06:00:00Z")


def test_draws_keep_their_bounds() -> None:
    """A spread has its median in the middle and nothing outside its bounds; shares are kept."""
    rng = world().rng
    drawn = sorted(Spread(median=10, sigma=0.5, low=5, high=30).draw(rng) for _ in range(2001))
    assert drawn[1000] == pytest.approx(10, rel=0.1)
    assert 5 == drawn[0] < drawn[-1] <= 30
    assert all(-1 <= Range(low=-1, high=2).draw(rng) <= 2 for _ in range(100))
    picks = [Choice({"a": 0.75, "b": 0.25}).draw(rng) for _ in range(2000)]
    assert picks.count("a") / 2000 == pytest.approx(0.75, abs=0.05)
    assert rounded_up(START + 1, HOUR) == START + HOUR
    assert rounded_up(START, HOUR) == START


def test_the_agenda_keeps_the_order_of_time_and_then_of_entry() -> None:
    """Equal times happen as they were entered; the past and the end are closed."""
    happened: list[str] = []
    one = world()
    one.at(START + 2, lambda _at: happened.append("c"))
    one.at(START + 1, lambda _at: happened.append("a"))
    one.at(START + 1, lambda _at: happened.append("b"))
    one.at(one.end, lambda _at: happened.append("never"))
    assert list(one.run()) == []
    assert happened == ["a", "b", "c"]
    with pytest.raises(ValueError, match="has passed"):
        one.at(START, lambda _at: None)


def test_names_make_slugs_that_differ() -> None:
    """Places of a kommun have Swedish names, and slugs that the contract takes."""
    source = names.place_names("Östra Göinge", world().rng)
    found = [next(source)[0] for _ in range(1200)]
    slugs = [names.slug(name) for name in found]
    assert all(is_slug(slug) for slug in slugs)
    assert len(set(found)) == len(found)
    assert names.slug("Församlingshemmet i Åmål") == "forsamlingshemmet-i-amal"


@pytest.mark.parametrize(("total", "low", "high"), [(1160, 4, 4), (3000, 4, 30), (8700, 30, 30), (100_000, 4, 600)])
def test_points_are_dealt_out_within_the_bounds(total: int, low: int, high: int) -> None:
    """All points are dealt out, and no kommun has more or fewer than it may."""
    points = (
        Scenario.load("storm-gotaland")
        .changed(points={"total": total, "per_kommun_min": low, "per_kommun_max": high})
        .points
    )
    counts = points_per_kommun(points, world().rng)
    assert sum(counts.values()) == total
    assert all(low <= count <= high for count in counts.values())


def test_the_front_comes_from_the_west_and_is_hardest_on_its_axis() -> None:
    """Göteborg is struck before Kalmar; Kiruna hardly at all."""
    front = Front(Scenario.load("storm-gotaland").storm)
    goteborg, kalmar, kiruna = (front.strikes(KOMMUNER[code].position) for code in ("1480", "0880", "2584"))
    assert goteborg[0] + 2 < kalmar[0]
    assert goteborg[1] > 0.8
    assert kiruna[1] < 0.001


def test_a_fixed_generator_burns_its_fuel_runs_dry_and_starts_on_new() -> None:
    """Fuel runs down while it runs; the dark begins when it ends and is over soon after fuel has come."""
    one = certain_power()
    changes: list[tuple[int, str]] = []
    supply = Supply(one, "fixed", lambda at: changes.append((at, supply.mode)))
    hours = supply.tank / supply.burn
    one.at(START, supply.engage)
    one.at(START + HOUR, supply.mains_lost)
    one.at(START + 2 * HOUR, lambda at: changes.append((round(supply.fuel(at)), "fuel")))
    dry = START + HOUR + round(hours * HOUR)
    one.at(dry + HOUR, supply.refuel)
    one.at(dry + 3 * HOUR, supply.mains_back)
    assert list(one.run()) == []
    assert [mode for _, mode in changes] == ["mains", "running", "fuel", "empty", "running", "mains"]
    assert changes[2][0] == round(supply.tank - supply.burn)
    assert changes[3][0] == pytest.approx(dry, abs=2 * MINUTE)
    assert 0 < changes[4][0] - (dry + HOUR) < HOUR


def test_fuel_that_comes_in_time_keeps_the_generator_running() -> None:
    """A refill puts off the dry end that was in store."""
    one = certain_power()
    modes: list[str] = []
    supply = Supply(one, "fixed", lambda _at: modes.append(supply.mode))
    half = round(supply.tank / supply.burn / 2 * HOUR)
    one.at(START, supply.mains_lost)
    one.at(START, supply.engage)
    one.at(START + half, supply.refuel)
    one.at(START + 2 * half + HOUR, lambda _at: modes.append(supply.mode))
    one.at(START + 2 * half + 2 * HOUR, supply.mains_back)
    assert list(one.run()) == []
    assert modes == ["running", "running", "mains"]


def test_an_inlet_without_a_unit_is_dark_until_one_comes() -> None:
    """Not connected, then running."""
    one = certain_power(
        inlet={"ready_share": 0, "comes_share": 1, "comes_h": {"median": 3, "sigma": 0, "low": 1, "high": 5}}
    )
    changes: list[tuple[int, str]] = []
    supply = Supply(one, "inlet", lambda at: changes.append((at, supply.mode)))
    one.at(START, supply.engage)
    one.at(START + HOUR, supply.mains_lost)
    one.at(START + 5 * HOUR, supply.mains_back)
    assert list(one.run()) == []
    assert changes == [
        (START, "mains"), (START + HOUR, "not_connected"), (START + 4 * HOUR, "running"), (START + 5 * HOUR, "mains"),
    ]  # fmt: skip


def test_a_point_without_backup_lives_on_its_battery_once() -> None:
    """A battery ends; the cause of the dark is told."""
    one = certain_power(battery_share=1.0, battery_h={"low": 3, "high": 3})
    changes: list[tuple[int, str]] = []
    supply = Supply(one, "none", lambda at: changes.append((at, supply.mode)))
    one.at(START, supply.engage)
    one.at(START, supply.mains_lost)
    one.at(START + HOUR, lambda at: changes.append((round(supply.battery_h(at)), "hours left")))
    one.at(START + 5 * HOUR, lambda _at: changes.append((0, supply.cause)))
    assert list(one.run()) == []
    assert changes[1:] == [(START, "battery"), (2, "hours left"), (START + 3 * HOUR, "none"), (0, "battery_empty")]


def test_an_outbox_fills_while_cut_off_and_is_emptied_in_order() -> None:
    """What is written without a network is sent when it is back, oldest first; of too much the oldest is lost."""
    one = world(networks={"outbox_max": 3, "trip_share": 0.0}, habits={"sending_s": {"low": 1, "high": 1}})
    offline: list[Spell] = []
    line = Line(one, fixed=False, offline=offline)
    one.at(START, lambda at: line.send(at, "p.status", {"n": 0}))
    one.at(START + MINUTE, lambda at: line.set_mobile(at, works=False))
    for n in range(1, 6):
        one.at(START + n * HOUR, lambda at, n=n: line.send(at, "p.confirm", {"n": n}))
    one.at(START + 6 * HOUR, lambda at: line.set_mobile(at, works=True))
    sent = list(one.run())
    assert [emission.event["n"] for emission in sent] == [0, 3, 4, 5]
    assert sent[0].subject == "p.status"
    assert sent[1].at >= START + 6 * HOUR
    assert (offline[0].since, offline[0].until) == (START + MINUTE, START + 6 * HOUR)


def test_a_fixed_line_works_while_there_is_power_for_it() -> None:
    """Without the mobile network a fixed line carries reports until the place is dark."""
    one = world()
    line = Line(one, fixed=True, offline=[])
    line.set_mobile(START, works=False)
    assert line.online
    line.set_powered(START, powered=False)
    assert not line.online
    line.set_powered(START, powered=True)
    line.set_cut(START, cut=True)
    assert not line.online


def test_a_house_cools_without_heating_and_warms_again() -> None:
    """Warmth is lost slowly, never below the weather, and comes back with the power."""
    one = world(house={"indoor_c": {"low": 21, "high": 21}, "cools_h": {"low": 20, "high": 20}})
    house = House(one, make_sites(one.scenario, one.rng)["2480"][0])
    assert house.indoor(START) == pytest.approx(21, abs=0.4)
    house.heat(START, share=0)
    after = [house.indoor(START + hours * HOUR) for hours in (5, 20, 200)]
    assert 21 > after[0] > after[1] > after[2] > -6
    assert after[1] == pytest.approx(21 / math.e, abs=4)
    house.heat(START + 20 * HOUR, share=1)
    assert house.indoor(START + 32 * HOUR) > 19


def test_visitors_come_in_the_evening_and_drink_the_tank_down() -> None:
    """More at seven in the evening than at four in the morning; the tank is emptied by them."""
    one = world(house={"tank_share": 1.0, "tank_l": {"low": 500, "high": 500}}, visitors={"noise": 0.0})
    sites = [site for own in make_sites(one.scenario, one.rng).values() for site in own if site.capacity_night is None]
    house = House(one, sites[0])
    assert house.visitors(START) == 0
    house.open(START - 5 * HOUR)
    evening, night = house.visitors(parse("2026-11-20T18:00:00Z")), house.visitors(parse("2026-11-21T03:00:00Z"))
    assert evening > 3 * night
    assert house.litres(START + DAY, 50) < 500 - 140


@pytest.mark.parametrize("count", [2 * len(RECIPES)])
def test_a_good_report_is_left_as_it_is_when_its_likeness_is_spoilt(count: int) -> None:
    """Faults are made on copies."""
    one = world()
    event = {"id": "a", "type": "se.trygghetspunkt.status.v1", "subject": "2480-x", "data": {"occupancy": 1}}
    event |= {"specversion": "1.0", "source": "urn:tp:kommun:2480", "time": "2026-11-20T12:00:00Z", "reality": "act"}
    good = Emission(at=START, subject="tp.v1.act.report.24.2480.x.status", event=event)
    before = good.payload
    faults = Faults(one)
    spoilt = [faults.next(good) for _ in range(count)]
    assert good.payload == before
    assert {fault.fault for fault in spoilt} == {reason for reason, _ in RECIPES}
    assert all(fault.payload != before for fault in spoilt)


class Desk:
    """Writes down what is told of needs and refills."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.refills: list[tuple[int, bool]] = []

    def need(self, at: int, need: Need, *, by_krisledning: bool) -> None:  # noqa: ARG002 - a teller's signature
        """A need as it stands."""
        self.states.append(need.state)

    def refill(self, at: int, eta: int, *, confirmed: bool) -> None:
        """A promise."""
        self.refills.append((eta - at, confirmed))


def running_low(**outcome: float) -> tuple[World, Supply, Refills, Desk]:
    """A generator that runs, whose site lead asks for fuel at START + 1 h; what becomes of it is certain."""
    certain = {"asked_share": 1, "asked_below_leads": 1000, "told_share": 1, "confirmed_share": 1, "level": EVERY}
    eta = {"eta_h": {"median": 2, "sigma": 0, "low": 1, "high": 5}}
    one = world(
        power={"start_share": 1, "burn_error": 0, "faults_per_h": 0, "level": EVERY}, refill=certain | eta | outcome
    )
    site = next(site for own in make_sites(one.scenario, one.rng).values() for site in own if site.backup == "fixed")
    desk = Desk()
    supply = Supply(one, "fixed", lambda _at: None)
    refills = Refills(one, site, supply, Needs(one, desk), desk)
    one.at(START, supply.mains_lost)
    one.at(START, supply.engage)
    one.at(START + HOUR, refills.look)
    return one, supply, refills, desk


def test_fuel_that_is_promised_comes() -> None:
    """Asked for, assigned with a time, under way, delivered: and the tank is full again."""
    one, supply, _, desk = running_low(on_time_share=1, late_share=0)
    before: list[float] = []
    after: list[float] = []
    one.at(START + HOUR, lambda at: before.append(supply.fuel(at)))
    one.at(START + 4 * HOUR, lambda at: after.append(supply.fuel(at)))
    one.at(START + 4 * HOUR, supply.mains_back)
    assert list(one.run()) == []
    assert desk.states == ["requested", "assigned", "under_way", "delivered"]
    assert desk.refills[0][1]
    assert after[0] > supply.tank - 2 * supply.burn
    assert after[0] > before[0] - supply.burn


def test_fuel_that_does_not_come_is_promised_anew_and_the_tank_runs_dry() -> None:
    """A promise that is not kept is made again; nothing is delivered."""
    one, supply, _, desk = running_low(on_time_share=0, late_share=0)
    assert list(one.run()) == []
    assert supply.mode == "empty"
    assert desk.states.count("assigned") > 5
    assert "delivered" not in desk.states


def test_no_fuel_comes_to_a_point_that_has_closed() -> None:
    """What is on its way goes elsewhere."""
    one, _, refills, desk = running_low(on_time_share=1, late_share=0)
    one.at(START + HOUR + 1, lambda _at: refills.stop())
    assert list(one.run()) == []
    assert desk.states == ["requested"]


@pytest.mark.parametrize(
    ("answered", "states", "came"),
    [(1.0, ["requested", "assigned", "under_way", "delivered"], 1), (0.0, ["requested"], 0)],
)
def test_a_need_is_met_or_nobody_answers(answered: float, states: list[str], came: int) -> None:
    """What is asked for comes at the end of its life, and only then; asking twice changes nothing."""
    one = world(needs={"answered_share": answered})
    desk, arrived = Desk(), list[int]()
    needs = Needs(one, desk)
    for at in (START, START + MINUTE):
        one.at(at, lambda when: needs.ask(when, "water", 500, "l", "high", arrives=arrived.append))
    assert list(one.run()) == []
    assert desk.states == states
    assert len(arrived) == came


def test_open_needs_are_cancelled_when_the_point_closes() -> None:
    """Nothing comes to a closed point."""
    one = world(needs={"answered_share": 1.0})
    desk, arrived = Desk(), list[int]()
    needs = Needs(one, desk)
    one.at(START, lambda when: needs.ask(when, "water", 500, "l", "high", arrives=arrived.append))
    one.at(START + 1, needs.end_all)
    assert list(one.run()) == []
    assert (desk.states, arrived) == (["requested", "cancelled"], [])
