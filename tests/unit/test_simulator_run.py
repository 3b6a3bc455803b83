import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from statistics import mean

import pytest
from pydantic import ValidationError

from vardkase.simulator.emission import Emission
from vardkase.simulator.faults import RECIPES
from vardkase.simulator.scenario import Scenario
from vardkase.simulator.simulation import Simulation
from vardkase.simulator.truth import Dark, Spell
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import HOUR, MINUTE, from_datetime, parse
from vardkase_contracts.refusals import explain
from vardkase_contracts.reports import MAX_BYTES, REPORT, Report, extras
from vardkase_contracts.subjects import ReportSubject, SubjectError, parse_report
from vardkase_contracts.vocab import RefusalReason

SEED = 11
HOURS = 14


def small(**changes: dict[str, object] | float) -> Scenario:
    """The storm with fewer points, and more that goes wrong, so that a short run shows all of it."""
    often = {
        "typo_share": 0.03,
        "duplicate_share": 0.02,
        "edited_resend_share": 0.01,
        "malformed_share": 0.02,
        "hostile_text_share": 0.01,
        "fast_clock_share": 0.04,
    }
    return Scenario.load("storm-gotaland").changed(
        **{"points": {"total": 1500}, "duration_h": HOURS, "mistakes": often} | changes
    )


def judged(emission: Emission) -> RefusalReason | Report:
    """The report, or why the contract refuses it."""
    raw = emission.payload
    if len(raw) > MAX_BYTES:
        return "too_large"
    subject = parse_report(emission.subject)
    if isinstance(subject, SubjectError):
        return subject.reason
    try:
        report = REPORT.validate_json(raw)
    except ValidationError as error:
        return explain(raw, error).reason
    return report if belongs(report, subject) else "subject_mismatch"


def belongs(report: Report, subject: ReportSubject) -> bool:
    """Whether a report and its subject tell the same."""
    source = report.source.split(":")[3]
    said = (report.subject, report.reality, report.kind, source)
    return said == (subject.point, subject.reality, subject.kind, subject.kommun)


def digest(emissions: Iterable[Emission]) -> str:
    """What tells two runs apart to the byte."""
    whole = hashlib.sha256()
    for emission in emissions:
        whole.update(b"%d %s %s\n" % (emission.at, emission.subject.encode(), emission.payload))
    return whole.hexdigest()


def first(emissions: Iterator[Emission], count: int) -> list[Emission]:
    """The first so many."""
    return list(islice(emissions, count))


@dataclass
class Run:
    """A run that is over, and what was sent in it."""

    simulation: Simulation
    emissions: list[Emission]
    good: list[tuple[Emission, Report]] = field(default_factory=list)
    wrong: list[tuple[Emission, RefusalReason | Report]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for emission in self.emissions:
            report = judged(emission)
            if isinstance(report, str) or emission.fault is not None:
                self.wrong.append((emission, report))
            else:
                self.good.append((emission, report))

    def of_kind(self, *kinds: str) -> list[tuple[Emission, Report]]:
        """The good reports of some kinds."""
        return [(emission, report) for emission, report in self.good if report.kind in kinds]


@pytest.fixture(scope="module")
def run() -> Run:
    """One run, looked at from many sides."""
    simulation = Simulation(small(), SEED)
    return Run(simulation, list(simulation))


def hours_of(spells: Iterable[Spell], end: int) -> float:
    """How long they last together."""
    return sum((spell.until or end) - spell.since for spell in spells) / HOUR


def test_the_same_seed_gives_the_same_bytes() -> None:
    """A run is decided by scenario, seed and start alone."""
    scenario = small(duration_h=4)
    assert digest(Simulation(scenario, 5)) == digest(Simulation(scenario, 5))


def test_another_seed_start_or_scenario_gives_other_ids() -> None:
    """Two runs in one system are never taken for repeats of each other."""
    scenario = small(duration_h=1)
    start = from_datetime(scenario.starts)
    runs = [
        Simulation(scenario, 5),
        Simulation(scenario, 6),
        Simulation(scenario, 5, start + HOUR),
        Simulation(scenario, 5, reality="exe"),
        Simulation(small(duration_h=2), 5),
    ]
    ids = [{emission.event.get("id") for emission in first(one, 300)} for one in runs]
    assert len(set.union(*ids)) == sum(len(one) for one in ids)


def test_a_run_does_not_depend_on_the_process() -> None:
    """Another interpreter, with another hash seed, makes the same bytes."""
    script = "from test_simulator_run import *; print(digest(first(Simulation(small(), 5), 6000)))"
    other = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]), "PYTHONHASHSEED": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert other.stdout.strip() == digest(first(Simulation(small(), 5), 6000))


def test_emissions_come_in_order_of_time_within_the_run(run: Run) -> None:
    """What is sent later comes later, and nothing outside the run."""
    times = [emission.at for emission in run.emissions]
    assert times == sorted(times)
    assert run.simulation.start <= times[0] <= times[-1] < run.simulation.end


def test_every_good_emission_is_valid_where_it_is_sent(run: Run) -> None:
    """What is not marked as faulty is accepted by the contract, on its subject, with no unknown field."""
    refused = [(emission, outcome) for emission, outcome in run.wrong if emission.fault is None]
    assert refused == []
    assert all(extras(report) == 0 for _, report in run.good)


def test_every_faulty_emission_is_refused_for_the_reason_it_states(run: Run) -> None:
    """A fault is found, as the fault that it is."""
    assert all(emission.fault == outcome for emission, outcome in run.wrong)


def test_every_way_to_spoil_a_report_is_used_before_any_is_used_again(run: Run) -> None:
    """A run of some hours holds every kind of fault."""
    reasons = Counter(emission.fault for emission in run.emissions if emission.fault is not None)
    assert set(reasons) == {reason for reason, _ in RECIPES}
    assert reasons.total() >= len(RECIPES)


def test_without_malformed_reports_there_are_none() -> None:
    """The share of malformed reports can be nought."""
    scenario = small(duration_h=5, mistakes={"malformed_share": 0})
    assert all(emission.fault is None for emission in Simulation(scenario, 2))


def test_the_handful_of_faults_is_a_handful() -> None:
    """As shipped, faults are rare and there are some."""
    scenario = Scenario.load("storm-gotaland").changed(duration_h=10)
    faults = sum(emission.fault is not None for emission in Simulation(scenario, 3))
    assert 5 <= faults <= 60


def test_all_kommuner_register_all_their_points_before_the_storm(run: Run) -> None:
    """290 kommuner, 4 to 30 points each, their slugs and radio numbers their own; all said within the first hour."""
    sites = run.simulation.sites
    assert set(sites) == set(KOMMUNER)
    assert all(4 <= len(own) <= 30 for own in sites.values())
    assert sum(len(own) for own in sites.values()) == 1500
    for own in sites.values():
        assert len({site.slug for site in own}) == len({site.number for site in own}) == len(own)
    early = [report for emission, report in run.of_kind("register") if emission.at < run.simulation.start + HOUR]
    registered = {site.id for own in sites.values() for site in own if site.registered}
    assert {report.subject for report in early} == registered
    assert 0 < 1500 - len(registered) < 10


def test_points_lie_near_their_kommun(run: Run) -> None:
    """No point is far from its kommun's own point."""
    for code, own in run.simulation.sites.items():
        lon, lat = KOMMUNER[code].position
        for site in own:
            assert abs(site.position[0] - lon) < 0.35
            assert abs(site.position[1] - lat) < 0.15


def test_the_register_mixes_what_may_be_published(run: Run) -> None:
    """Points are hidden, listed and live; unretired and retired; with every kind of backup power."""
    data = [report.data for _, report in run.of_kind("register")]
    assert {one.publish for one in data} == {"hidden", "listed", "live"}
    assert {one.backup_type for one in data} == {"none", "inlet", "mobile", "fixed"}
    assert len(run.of_kind("retire")) == 3


def test_the_north_says_that_nothing_is_needed(run: Run) -> None:
    """Most kommuner far from the storm report `none_needed`, and open nothing."""
    said = defaultdict(set)
    for _, report in run.of_kind("activation"):
        said[report.kommun].add(report.data.state)
    north = [code for code, kommun in KOMMUNER.items() if kommun.lan in {"22", "23", "24", "25"}]
    assert all(said[code] <= {"none_needed"} for code in north)
    answers = sum(bool(said[code]) for code in north)
    assert 0.6 * len(north) < answers < len(north)
    assert {"assessing", "activating", "active", "none_needed"} <= set.union(*said.values())


def test_the_storm_goes_from_west_to_east(run: Run) -> None:
    """Halland and Bohuslän open before Kalmar and Gotland."""
    opened = defaultdict(list)
    for point, truth in run.simulation.truth.items():
        if truth.open:
            opened[KOMMUNER[point[:4]].lan].append(truth.open[0].since)
    west, east = opened["13"] + opened["14"], opened["08"] + opened["09"]
    assert len(west) > 50
    assert len(east) > 10
    assert mean(east) - mean(west) > 1.5 * HOUR


def test_hundreds_of_points_open_and_some_stay_closed(run: Run) -> None:
    """In the storm's way a good part of the points opens, not all."""
    ever = sum(bool(truth.open) for truth in run.simulation.truth.values())
    assert 250 < ever < 0.7 * len(run.simulation.truth)


def test_an_open_point_reports_once_or_twice_an_hour(run: Run) -> None:
    """Reports of content by open points are neither rare nor a flood, and the commonest is "unchanged"."""
    told = Counter[str]()
    truth = run.simulation.truth
    for emission, report in run.of_kind("status", "resources", "confirm", "need"):
        spells = truth[report.subject].open if report.subject in truth else []
        if any(spell.since <= emission.at < (spell.until or run.simulation.end) for spell in spells):
            told[report.kind] += 1
    open_h = sum(hours_of(point.open, run.simulation.end) for point in truth.values())
    assert 1 <= told.total() / open_h <= 2
    assert told["confirm"] == max(told.values())


def test_staff_runs_short_within_ten_hours(run: Run) -> None:
    """Fewer present than required, and next shifts that nobody has taken, are reported early."""
    early = [
        report.data for emission, report in run.of_kind("resources") if emission.at < run.simulation.start + 10 * HOUR
    ]
    uncovered = [data for data in early if data.next_shift is not None and data.next_shift.covered is False]
    short = [
        data for data in early if data.staff is not None and data.staff.required and data.staff.present is not None
    ]
    assert len(uncovered) > 15
    assert any(data.staff.present < data.staff.required for data in short)
    assert any(truth.unstaffed for truth in run.simulation.truth.values())


def test_endurance_is_told_as_fuel_as_hours_and_not_at_all(run: Run) -> None:
    """Site leads differ in how they tell how long the backup power lasts."""
    running = [
        report.data.power
        for _, report in run.of_kind("resources")
        if report.data.power is not None and report.data.power.backup_state == "running"
    ]
    styles = Counter(
        "fuel" if power.fuel_l is not None else "hours" if power.endurance_h is not None else "none"
        for power in running
    )
    assert set(styles) == {"fuel", "hours", "none"}
    sources = {report.data.power.source for _, report in run.of_kind("resources") if report.data.power is not None}
    assert sources == {"mains", "backup", "battery", "none"}


def test_generators_run_dry_some_of_them_in_silence(run: Run) -> None:
    """Of the points whose fuel or charge ends, some had told when it would, and could tell no more when it did."""
    readings = defaultdict(list)
    for emission, report in run.of_kind("resources"):
        power = report.data.power
        if power is not None and (
            power.fuel_l is not None or power.endurance_h is not None or power.battery_h is not None
        ):
            readings[report.subject].append(emission.at)
    ends: list[tuple[str, Dark]] = [
        (id_, dark) for id_, truth in run.simulation.truth.items() for dark in truth.ran_dry
    ]
    foreseen = [dark for id_, dark in ends if any(at < dark.since for at in readings[id_])]
    assert any(dark.since < run.simulation.start + 10 * HOUR for _, dark in ends)
    assert any(not dark.online for dark in foreseen)
    assert {"ran_dry", "battery_empty"} == {dark.cause for _, dark in ends}


def test_what_is_true_of_a_point_does_not_overlap(run: Run) -> None:
    """Stretches of truth are in order, and only the last may go on."""
    for truth in run.simulation.truth.values():
        for spells in (truth.open, truth.dark, truth.unstaffed, truth.offline):
            for before, after in pairwise(spells):
                assert before.until is not None
                assert before.since <= before.until <= after.since


def test_reports_are_late_where_the_network_died_and_heartbeats_stop(run: Run) -> None:
    """A cut-off point sends nothing; what it wrote meanwhile comes afterwards, many hours old."""
    for emission, report in run.of_kind("heartbeat"):
        offline = run.simulation.truth[report.subject].offline
        assert not any(spell.since < emission.at < (spell.until or run.simulation.end) for spell in offline)
    late = [emission.at - from_datetime(report.time) for emission, report in run.of_kind("status", "confirm")]
    assert sum(delay > HOUR for delay in late) > 20
    assert any(report.data.outbox_depth for _, report in run.of_kind("heartbeat"))


def test_some_kommuner_fall_silent_altogether(run: Run) -> None:
    """From a kommun that is cut off nothing comes for hours, neither from its points nor from its krisledning."""
    cut = {kommun: spells for kommun, spells in run.simulation.cut_off.items() if spells}
    assert 0 < len(cut) < 30
    for emission, report in run.good:
        for spell in cut.get(report.kommun, ()):
            # What was being sent when the line broke still arrives.
            assert not spell.since + MINUTE < emission.at < (spell.until or run.simulation.end) or copied(run, report)


def copied(run: Run, report: Report) -> bool:
    """Whether it was sent twice, or edited: on its way, not from the place."""
    return sum(other.id == report.id for _, other in run.good) > 1


def test_wrong_numbers_are_withdrawn_after_they_were_sent(run: Run) -> None:
    """A withdraw names reports of the same kommun and is written after them."""
    written = {(report.kommun, report.id): report for _, report in run.good}
    withdraws = run.of_kind("withdraw")
    assert withdraws
    for _, report in withdraws:
        for wrong in report.data.report_ids:
            named = written.get((report.kommun, wrong))
            assert named is None or named.time < report.time
    assert any((report.kommun, report.data.report_ids[0]) in written for _, report in withdraws)


def test_duplicates_are_the_same_to_the_byte_and_edits_are_not(run: Run) -> None:
    """Some reports come twice; a few come again with other bytes under the same id."""
    copies = defaultdict(list)
    for emission, report in run.good:
        copies[report.kommun, report.id].append(emission.payload)
    repeated = [payloads for payloads in copies.values() if len(payloads) > 1]
    assert any(len(set(payloads)) == 1 for payloads in repeated)
    assert any(len(set(payloads)) > 1 for payloads in repeated)


def test_a_few_phones_run_ten_minutes_fast(run: Run) -> None:
    """Some reports are from the future, by ten minutes at the most."""
    ahead = [from_datetime(report.time) - emission.at for emission, report in run.good]
    assert 2 * MINUTE < max(ahead) <= 10 * MINUTE
    assert sum(fast > 2 * MINUTE for fast in ahead) < 0.1 * len(ahead)


def test_two_reporters_differ_about_a_point(run: Run) -> None:
    """Within 15 minutes somebody else tells another number of visitors."""
    told = defaultdict(list)
    for _, report in run.of_kind("status"):
        if report.data.occupancy is not None:
            told[report.subject].append((from_datetime(report.time), report.source, report.data.occupancy))
    conflicts = 0
    for entries in told.values():
        entries.sort()
        conflicts += sum(b[0] - a[0] <= 15 * MINUTE and a[1] != b[1] and a[2] != b[2] for a, b in pairwise(entries))
    assert conflicts > 5


def test_reports_are_of_every_quality_and_channel(run: Run) -> None:
    """Seen, judged, provisional and passed on; by app, form, phone, Rakel and sensor."""
    assert {report.quality for _, report in run.good} == {"observed", "estimated", "provisional", "relayed"}
    assert {"app", "form", "phone", "rakel", "sensor"} <= {report.channel for _, report in run.good}
    assert {report.data.result for _, report in run.of_kind("contact")} == {"reached", "failed"}


def test_needs_are_met_and_overdue(run: Run) -> None:
    """Needs go through their life; some pass their time with nobody on the way; something is to spare."""
    states = Counter(report.data.state for _, report in run.of_kind("need"))
    assert set(states) >= {"requested", "assigned", "under_way", "delivered"}
    assert {"fuel", "staff", "water"} <= {report.data.kind for _, report in run.of_kind("need")}
    assert "surplus" in {report.data.direction for _, report in run.of_kind("need")}
    latest = {}
    for _, report in run.of_kind("need"):
        latest[report.subject, report.data.need_id] = report.data
    assert any(
        data.state == "requested" and data.needed_by is not None and from_datetime(data.needed_by) < run.simulation.end
        for data in latest.values()
    )


def test_a_point_cools_where_its_heating_is_lost(run: Run) -> None:
    """Some rooms fall below 18 °C, none below the weather."""
    indoor = [report.data.heat.indoor_c for _, report in run.of_kind("resources") if report.data.heat is not None]
    assert -5 < min(indoor) < 18
    assert max(indoor) < 24


def test_seq_rises_per_source(run: Run) -> None:
    """A reporter numbers what it writes in the order it writes it."""
    seen: dict[tuple[str, int], str] = {}
    for _, report in run.good:
        if report.seq is not None:
            assert seen.setdefault((report.source, report.seq), report.id) == report.id


def test_an_exercise_keeps_to_its_own_world_but_for_the_registers() -> None:
    """In `exe` all but registers is `exe`; registers stand in `act`, where exercises read them."""
    worlds = defaultdict(set)
    for emission in Simulation(small(duration_h=6), 4, reality="exe"):
        if emission.fault is None:
            worlds[emission.event["reality"]].add(emission.subject.rsplit(".", 1)[1])
            assert emission.subject.split(".")[2] == emission.event["reality"]
    assert worlds["act"] == {"register", "retire"}
    assert worlds.keys() == {"act", "exe"}
    assert not worlds["exe"] & worlds["act"]


def test_a_run_can_begin_at_any_instant() -> None:
    """The start moves everything with it."""
    start = parse("2027-07-01T00:00:00Z")
    simulation = Simulation(small(duration_h=1), 1, start)
    assert (simulation.start, simulation.end) == (start, start + HOUR)
    assert all(start <= emission.at < start + HOUR for emission in simulation)


def test_what_is_to_come_stays_bounded_by_the_number_of_points() -> None:
    """The agenda does not grow with the length of a run, and is empty when it is over."""
    simulation = Simulation(small(duration_h=48), 1)
    longest = max(len(simulation._world._agenda) for _ in simulation)
    assert longest < 8 * 1500
    assert simulation._world._agenda == []


def test_after_the_repairs_points_close() -> None:
    """Two days on most of the points that opened have closed, and say so."""
    simulation = Simulation(small(duration_h=48), 1)
    closed = set()
    for emission in simulation:
        if emission.fault is None and emission.event["data"].get("lifecycle") == "closed":
            closed.add(emission.event["subject"])
    opened = {id_ for id_, truth in simulation.truth.items() if truth.open}
    assert len(closed & opened) > 0.7 * len(opened)
