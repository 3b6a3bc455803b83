"""Digests of what nobody acknowledged, as notices of one node."""

from pathlib import Path
from typing import Any

import pytest

from vardkase.notifier.escalating import Escalating
from vardkase.notifier.notice import Notice
from vardkase.notifier.receiver import Desk
from vardkase.runtime.health import Check
from vardkase.runtime.settings import load
from vardkase_contracts.instants import MINUTE, iso, parse
from vardkase_contracts.schemas import example

START = parse("2026-11-20T08:00:00Z")
PLAN = """
version = 1
[nodes.SE]
area = "SE"
leaf = "tls://se:7422"
[nodes.lan-24]
area = "24"
parent = "SE"
leaf = "tls://lan:7422"
[nodes.kommun-2480]
area = "2480"
parent = "lan-24"
"""


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.instant = START

    def now(self) -> int:
        return self.instant

    def at(self, minutes: float) -> None:
        self.instant = START + round(minutes * MINUTE)


class Ear:
    """A receiver that remembers what it is offered."""

    name = "ear"

    def __init__(self) -> None:
        self.heard: list[Notice] = []

    def offer(self, notice: Notice) -> None:
        self.heard.append(notice)

    def sweep(self) -> None: ...

    async def lead(self) -> None: ...

    def check(self) -> Check:
        return Check(name=self.name, ok=True, detail="")

    async def close(self) -> None: ...


class House:
    """A node's escalation, heard."""

    def __init__(self, area: str = "24", **settings: Any) -> None:
        self.clock, self.ear = Hand(), Ear()
        self.desk = Desk(keep_ended=3600.0, most_ended=1000)
        self.desk.add(self.ear)
        self._settings = load(area=area, **settings)
        self.start()
        self.escalating.look()

    def start(self) -> None:
        """A process of its own: it knows nothing."""
        self.escalating = Escalating(self._settings, self.clock, self.desk)

    def alert(self, point: str, level: str = "red", **more: Any) -> None:
        """An alert of now."""
        since = {each: iso(self.clock.now()) for each in ("yellow", "red", "critical")}
        held = {each: since[each] for each in ("yellow", "red", "critical")[: 2 if level == "red" else 3]}
        document = example("alert") | {
            "key": f"power.lost/{point}",
            "level": level,
            "point": {"id": point, "name": None},
            "area": {"level": "kommun", "code": point[:4], "name": point[:4]},
            "acks": [],
            "silences": [],
            "standing": {"since": held, "quieted": {}},
        }
        self.escalating.take(document | more)

    def look(self, minutes: float) -> list[str]:
        """Look at a minute; what is offered: "24 up red 2", "24 up ended"."""
        self.clock.at(minutes)
        before = len(self.ear.heard)
        self.escalating.look()
        return sorted(map(_line, self.ear.heard[before:]))


def _line(notice: Notice) -> str:
    code = notice.key.rpartition("/")[2]
    step = notice.labels["step"]
    if not notice.stands:
        return f"{code} {step} ended"
    return f"{code} {step} {notice.level} {sum(notice.document['escalation']['counts'].values())}"


def test_a_node_that_is_alone_tells_its_kommuner_and_itself() -> None:
    """Each digest once; told again only when it says something else; ended when nothing is in it."""
    house = House()
    for point in ("2480-a", "2480-b", "2482-c"):
        house.alert(point)
    assert house.look(29) == []
    assert house.look(30) == ["2480 sideways red 2", "2482 sideways red 1"]
    assert house.look(40) == []
    assert house.look(60) == ["24 up red 3"]
    assert house.look(130) == []  # the nation's is not this node's
    house.alert("2482-c", status="cleared", cleared_reason="recovered")
    assert house.look(131) == ["24 up red 2", "2482 sideways ended"]


def test_who_has_a_node_of_its_own_is_told_by_it(tmp_path: Path) -> None:
    """The län's node tells the län and the kommun without a node; the kommun's its own; the nation's the nation."""
    plan = tmp_path / "federation.toml"
    plan.write_text(PLAN)
    told = {}
    for area in ("2480", "24", "SE"):
        house = House(area, federation=plan)
        for point in ("2480-a", "2482-c") if area != "2480" else ("2480-a",):
            house.alert(point)
        told[area] = house.look(125)
    assert list(told.values()) == [
        ["2480 sideways red 1"],
        ["24 up red 2", "2482 sideways red 1"],
        ["SE up red 2"],
    ]


def test_a_new_critical_changes_the_digest_there_is() -> None:
    """The same key, another level: those who are told by level are told again, and nobody twice."""
    house = House()
    house.alert("2480-a")
    assert house.look(30) == ["2480 sideways red 1"]
    house.alert("2480-b", "critical")
    assert house.look(35) == []
    assert house.look(40) == ["2480 sideways critical 2"]
    assert len({notice.key for notice in house.ear.heard}) == 1


def test_one_that_takes_over_goes_on_and_ends_what_is_over() -> None:
    """It offers what stands as the other had; of what is over, it knows the end for who was told of it."""
    house = House()
    for point in ("2480-a", "2482-c"):
        house.alert(point)
    assert house.look(30)
    before = {notice.key: notice for notice in house.desk}
    house.start()
    house.desk.forget()
    house.clock.at(0)
    house.alert("2480-a")
    house.alert("2482-c", status="cleared", cleared_reason="recovered")
    assert house.look(31) == ["2480 sideways red 1"]
    after = {notice.key: notice for notice in house.desk}
    key = "escalation/act/escalation.sideways/2480"
    assert after[key] == before[key]
    assert house.desk.gone(key, "red") is None
    over = house.desk.gone("escalation/act/escalation.sideways/2482", "red")
    assert over is not None
    assert (over.stands, over.level, over.labels["kommun"]) == (False, "red", "2482")
    assert house.desk.gone("alert/act/power.lost/2480-x", "red") is None


def test_an_exercise_says_so() -> None:
    """Its reality routes it, and its first word is ÖVNING."""
    house = House()
    house.alert("2480-a", reality="exe")
    house.look(30)
    (notice,) = (each for each in house.ear.heard if each.stands)
    assert notice.reality == notice.labels["reality"] == "exe"
    assert notice.annotations["summary"].startswith("ÖVNING: Ej kvitterat")


@pytest.mark.parametrize("hours", [0.0, 1.0])
def test_its_times_are_settings(hours: float) -> None:
    """0: never."""
    house = House(escalation={"red_sideways": hours * 3600, "red_up": 0.0})
    house.alert("2480-a")
    assert house.look(59) == []
    assert house.look(600) == (["2480 sideways red 1"] if hours else [])


def test_streams_made_anew_are_read_anew() -> None:
    """What stood in the ones before does not stand any more, and whoever was told hears so."""
    house = House()
    house.alert("2480-a")
    house.look(30)
    house.escalating.forget()
    house.desk.forget()
    assert house.look(31) == ["2480 sideways ended"]
