"""Who takes part in a rehearsal, what is cut when, and what the storm is: all decided before anything starts."""

from itertools import takewhile
from pathlib import Path

import pytest

from vardkase.rehearsal.cast import NATION, cast
from vardkase.rehearsal.program import program, proxied
from vardkase.rehearsal.script import Script, over
from vardkase.runtime.errors import Refused
from vardkase.simulator.scenario import Scenario
from vardkase.simulator.simulation import Simulation
from vardkase_contracts.areas import KOMMUNER, LAN
from vardkase_contracts.instants import HOUR, SECOND

ALL = cast(["24", "03"], None)


def test_all_of_sweden_takes_part() -> None:
    """Every kommun, every län and the nation have a node; the nation's and the chosen län's are whole."""
    assert len(ALL.areas) == len(KOMMUNER) + len(LAN) + 1 == 312
    assert ALL.whole == ("SE", "lan-03", "lan-24")
    assert set(ALL.below(NATION)) == set(KOMMUNER)
    assert sum(len(ALL.below(hub)) for hub in ALL.hubs) == 2 * len(KOMMUNER)
    assert [ALL.parent(node) for node in ("SE", "lan-24", "kommun-2480")] == [None, "SE", "lan-24"]


def test_a_small_cast() -> None:
    """Some kommuner of the chosen län, and nobody else."""
    few = cast(["24"], 2)
    assert few.lan == ("24",)
    assert len(few.kommuner) == 2
    assert {KOMMUNER[each].lan for each in few.kommuner} == {"24"}


@pytest.mark.parametrize(("lan", "kommuner", "told"), [(["99"], None, "--lan"), ([], 2, "--kommuner")])
def test_a_cast_that_there_is_not(lan: list[str], kommuner: int | None, told: str) -> None:
    """It is refused by the option that is wrong."""
    with pytest.raises(Refused, match=told):
        cast(lan, kommuner)


def test_a_program_is_decided_by_its_seed() -> None:
    """The same seed, the same faults; another, others."""
    assert program(ALL, seed=1, length=300) == program(ALL, seed=1, length=300)
    assert program(ALL, seed=1, length=300) != program(ALL, seed=2, length=300)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("length", [20.0, 60.0, 300.0, 1500.0])
def test_a_program_fits_its_time(length: float, seed: int) -> None:
    """One fault after the other, none before the storm or after it, and all kinds where there is time."""
    faults = program(ALL, seed=seed, length=length)
    ends = 0.0
    for each in faults:
        assert each.at >= ends
        ends = each.at + each.lasts
        assert set(each.nodes) <= set(ALL.areas)
        assert each.nodes
    assert ends < length
    if length >= 300:
        assert len({each.kind for each in faults}) == 9
        assert max(each.lasts for each in faults) == 30.0
        assert len(faults) == 9 * (length // 300)


def test_links_are_cut_where_a_proxy_is() -> None:
    """A hub is dialled through one if its links are ever cut; a whole one is among them."""
    faults = program(ALL, seed=3, length=300)
    hubs = proxied(faults)
    assert NATION in hubs
    assert hubs & {"lan-03", "lan-24"}
    assert hubs < set(ALL.hubs)


def test_the_time_meets_real_time_at_the_storms_end() -> None:
    """It begins as far back as the storm is longer than the rehearsal."""
    script = Script(
        cast=ALL, scenario=Scenario.load("storm-gotaland"), seed=1, length=300, hours=12, directory=Path("/none")
    )
    anchor = 1_790_000_000_000_000
    time = script.time(anchor)
    assert time.speed == 144
    assert time.start == anchor - 12 * HOUR + 300 * SECOND
    assert time.meets == anchor + 300 * SECOND


def test_a_storm_is_moved_over_a_small_cast() -> None:
    """Its points report: those of a län in the north too, which the storm as it is written never reaches."""
    few = cast(["24"], 2)
    storm = over(Scenario.load("storm-gotaland"), few)
    simulation = Simulation(storm, 1, 1_790_000_000_000_000)
    ends = simulation.start + 6 * HOUR
    sent = takewhile(lambda each: each.at < ends, simulation)
    assert sum(each.subject.split(".")[5] in few.kommuner for each in sent) > 200
