"""Exercise is not reality: the same ids, points and hours, and nothing crosses but the register."""

from typing import Any

import pytest

from acceptance.node import Node, Streams
from acceptance.timeline import at
from oracle.adapter import received
from oracle.make import POINT, Told, backup, given, instant, order, register, resources, staff, status, when
from vardkase_contracts.instants import MINUTE

MAINS, NONE = {"source": "mains"}, {"source": "none"}


class Realities:
    """The worlds of one node: act and exe, each with its own streams but one log."""

    def __init__(self, area: str = "24") -> None:
        self.act = Node(area=area)
        self.exe = Node(Streams(log=self.act.streams.log), area=area, reality="exe", registers=self.act)

    def tell(self, minute: float, *told: Told) -> None:
        """Reports come in one batch, and both worlds judge."""
        self.act.streams.log += map(received, given(one._replace(received=minute) for one in told))
        for node in (self.act, self.exe):
            node.take(len(node.streams.log))
            node.judge(instant(minute))

    def until(self, minute: float) -> None:
        """Let the clock go on in both."""
        for node in (self.act, self.exe):
            node.drive(node.world.next_due(), instant(minute))


def exe(*told: Told) -> list[Told]:
    """The same as an exercise."""
    return [one._replace(reality="exe") for one in told]


def numbered(*told: Told) -> list[Told]:
    """With ids that are the same in every reality."""
    return [one._replace(id=f"same{n}") for n, one in enumerate(told)]


REAL = numbered(register(at(8)), status(at(8), lifecycle="open"), resources(at(9), power=NONE), staff(at(9), 1, 4))
PLAYED = numbered(register(at(8)), status(at(8), lifecycle="open"), resources(at(9), power=MAINS), staff(at(9), 4, 4))


@pytest.mark.parametrize("played_first", [False, True])
def test_equal_ids_of_an_exercise_suppress_nothing(played_first: bool) -> None:  # noqa: FBT001
    """An exercise that says that all is well, under the ids of the real reports, hides nothing of them."""
    worlds = Realities()
    batches = [exe(*PLAYED), REAL] if played_first else [REAL, exe(*PLAYED)]
    for n, batch in enumerate(batches):
        worlds.tell(at(9, 10 + n), *batch)
    assert worlds.act.firing() == {f"power.lost/{POINT}": "red", f"staff.short/{POINT}": "red"}
    assert worlds.exe.firing() == {}


def test_an_exercise_is_no_repetition_of_the_real_report() -> None:
    """Reports with one id in two realities are two reports, and no conflict."""
    worlds = Realities()
    worlds.act.streams.log += [received(one) for one in given([*REAL, *exe(*PLAYED)])]
    admissions = [node.take(len(node.streams.log)) for node in (worlds.act, worlds.exe)]
    assert [(each.conflicts, each.repeats, len(each.merge)) for each in admissions] == [(0, 0, 4), (0, 0, 4)]


def test_a_withdrawal_in_an_exercise_withdraws_nothing_real() -> None:
    """Who withdraws a report in the exercise leaves the real one of the same id as it is."""
    worlds = Realities()
    worlds.tell(at(9, 10), *REAL, *exe(*PLAYED))
    wrong = Told(at(9, 20), "withdraw", {"report_ids": [REAL[2].id]}, point="2480-_", id="w")
    worlds.tell(at(9, 20), *exe(wrong))
    assert worlds.act.firing()[f"power.lost/{POINT}"] == "red"
    facts = next(each for each in reversed(worlds.exe.streams.states) if each["id"] == POINT)["facts"]
    assert facts.keys() >= {"profile", "lifecycle", "staff"}
    assert "power" not in facts


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_point_of_which_nothing_is_left_in_the_exercise_is_none_of_its_points(batches: int) -> None:
    """What was played and withdrawn leaves nothing but the real register, in whatever batches it came."""
    other = "2480-alidhem"
    story = [
        register(at(8))._replace(id="real"),
        *exe(status(at(9), lifecycle="open")._replace(id="wrong")),
        *exe(Told(at(9, 10), "withdraw", {"report_ids": ["wrong"]}, point=other, id="w")),
    ]
    worlds = Realities()
    size = 4 - batches
    for n in range(0, len(story), size):
        worlds.tell(at(9, 20), *story[n : n + size])
    now = instant(at(10))
    assert worlds.exe.picture("2480", now)["version"] == Realities().exe.picture("2480", now)["version"]
    assert {point for point, state in worlds.exe.world.states.items() if not state.is_empty} == set()


def test_alerts_and_pictures_are_kept_apart() -> None:
    """A blackout that is played raises alerts in the exercise alone, and no real picture counts it."""
    worlds = Realities()
    worlds.tell(at(9, 10), register(at(8))._replace(id="r"))
    worlds.tell(at(9, 11), *exe(*REAL[1:]))
    worlds.until(at(12))
    assert worlds.act.streams.alerts == []
    assert {each["reality"] for each in worlds.exe.streams.alerts} == {"exe"}
    now = instant(at(12))
    assert worlds.act.picture("24", now)["forecast"]["dark"] == 0
    assert worlds.exe.picture("24", now)["forecast"]["dark"] == 1
    assert worlds.exe.picture("24", now)["reality"] == "exe"


def test_an_exercise_reads_the_real_register() -> None:
    """A point registered in reality has its name, capacity and lead in the exercise, without being registered again."""
    worlds = Realities()
    worlds.tell(at(8), register(at(8), refill_lead_h=1)._replace(id="r"))
    worlds.tell(at(9), *exe(status(at(9), lifecycle="open")._replace(id="o"), backup(at(9), 2.5)._replace(id="b")))
    state = worlds.exe.streams.states[-1]
    assert (state["registered"], state["facts"]["profile"]["value"]["name"]) == (True, "Umedalens skola")
    (alert,) = worlds.exe.streams.alerts
    assert (alert["level"], alert["point"]["name"]) == ("yellow", "Umedalens skola")


def test_a_register_that_comes_after_the_exercise_began_is_read_too() -> None:
    """A point that plays before it is registered takes its profile when it is."""
    worlds = Realities()
    worlds.tell(at(9), *exe(status(at(9), lifecycle="open")._replace(id="o")))
    assert not worlds.exe.streams.states[-1]["registered"]
    worlds.tell(at(10), register(at(10))._replace(id="r"))
    assert worlds.exe.streams.states[-1]["registered"]


def test_a_register_that_was_wrong_is_taken_back_in_the_exercise() -> None:
    """When the real register is withdrawn, the exercise does not go on with it."""
    worlds = Realities()
    worlds.tell(at(8), register(at(8))._replace(id="r"))
    worlds.tell(at(9), *exe(status(at(9), lifecycle="open")._replace(id="o")))
    worlds.tell(at(10), Told(at(10), "withdraw", {"report_ids": ["r"]}, point="2480-_", id="w"))
    assert not worlds.exe.streams.states[-1]["registered"]
    assert worlds.exe.streams.states[-1]["facts"]["lifecycle"]["value"] == "open"


def test_a_real_retirement_moves_the_needs_of_an_exercise() -> None:
    """A point that is gone in reality is gone in the exercise, and its needs there are its successor's."""
    worlds = Realities()
    other = "2480-annan"
    need = {"need_id": "n", "kind": "fuel", "priority": "urgent", "needed_by": when(at(9))}
    for point in (POINT, other):
        worlds.tell(
            at(8),
            register(at(8))._replace(id=f"r{point}", point=point),
            *exe(status(at(8), lifecycle="open")._replace(id=f"o{point}", point=point)),
        )
    worlds.tell(at(9, 10), *exe(Told(at(8, 30), "need", need, id="n")))
    assert worlds.exe.firing()[f"need.overdue/{POINT}"] == "yellow"
    worlds.tell(at(9, 20), Told(at(9, 20), "retire", {"replaced_by": other}, id="gone"))
    assert worlds.exe.firing()[f"need.overdue/{other}"] == "yellow"
    assert f"need.overdue/{POINT}" not in worlds.exe.firing()


def test_what_is_played_never_shows_in_the_real_register() -> None:
    """A point registered in the exercise alone is not expected in reality."""
    worlds = Realities()
    worlds.tell(at(9), *exe(*PLAYED))
    assert worlds.act.world.states == {}
    assert worlds.act.picture("24", instant(at(9)))["coverage"]["expected"] == 0


# -- three levels, one picture -----------------------------------------------------------------------------------------


def story() -> list[Told]:
    """Some points of two kommuner through a day."""
    told: list[Told] = []
    for n, kommun in enumerate(("2480", "2480", "2482")):
        point = f"{kommun}-p{n}"
        told += [
            one._replace(point=point, id=f"{point}-{m}")
            for m, one in enumerate(
                [
                    register(at(7), staff_required=3, planned_services=["heat"]),
                    status(at(8), lifecycle="open", occupancy=10 * n),
                    backup(at(9), 6 + 3 * n),
                    staff(at(10), n),
                    resources(at(11), heat={"indoor_c": 16 + 2 * n}),
                ]
            )
        ]
    return told


def test_kommun_lan_and_nation_judge_alike() -> None:
    """Three nodes that hold the same reports, in batches of their own, have the same alerts and picture versions."""
    items = sorted((received(one) for one in given(story())), key=lambda item: item.received)
    now = instant(at(15)) + MINUTE // 3
    nodes: dict[str, Node] = {}
    for area, batch in (("2480", 1), ("24", 4), ("SE", 100)):
        node = nodes[area] = Node(area=area)
        mine = [item for item in items if node.area.covers(item.report.kommun)]
        for start in range(0, len(mine), batch):
            some = mine[start : start + batch]
            node.receive(some)
            if batch < 100:
                node.judge(some[-1].received)
        node.judge(now)
    act = order("ack", at(12), {"key": "staff.short/2480-p0", "level": "critical"}, id_="ack")
    for node in nodes.values():
        node.order(act)
        node.judge(now)

    def of(area: str, code: str) -> dict[str, Any]:
        return nodes[area].picture(code, now)

    assert of("2480", "2480")["version"] == of("24", "2480")["version"] == of("SE", "2480")["version"]
    assert of("24", "24")["version"] == of("SE", "24")["version"]
    in_2480 = {key: level for key, level in nodes["SE"].firing().items() if key.partition("/")[2].startswith("2480")}
    assert nodes["2480"].firing() == in_2480
    assert nodes["24"].firing() == nodes["SE"].firing()
    acks = [node.world.alerts["2480-p0"]["staff.short"]["acks"] for node in nodes.values()]
    assert acks[0]
    assert acks[0] == acks[1] == acks[2]
