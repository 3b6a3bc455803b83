"""What is published of an alert: every change of it once, under one id for as long as it stands."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from acceptance.node import Node
from acceptance.timeline import Timeline, at
from oracle.adapter import received, rules
from oracle.make import POINT, Told, backup, given, instant, order, register, resources, services, staff, status, when
from vardkase.domain.finding import Verdict
from vardkase.domain.texts import text_of
from vardkase_contracts.alert import ALERT
from vardkase_contracts.vocab import ALERT_LEVELS, RULES

LOST, ENDURANCE, STAFF = f"power.lost/{POINT}", f"power.endurance/{POINT}", f"staff.short/{POINT}"
OPEN = (register(at(8)), status(at(8), lifecycle="open"))
MAINS = {"source": "mains"}


def opened(*told: Told) -> Timeline:
    """A point that is open since eight, and what more is told of it."""
    timeline = Timeline()
    timeline.tell(*OPEN, *told)
    return timeline


def withdraw(minute: float, *ids: str) -> Told:
    """Reports were wrong."""
    return Told(minute, "withdraw", {"report_ids": list(ids)})


def ack(minute: float) -> dict[str, Any]:
    """Somebody takes in that there are too few staff."""
    return order("ack", minute, {"key": STAFF, "level": "critical"}, id_=f"ack-{minute}")


# -- raising, changing, clearing ---------------------------------------------------------------------------------------


def test_the_first_publication_says_what_and_why() -> None:
    """A new alert carries its level, since when, its point, area, rules and evidence."""
    timeline = opened(resources(at(10), power={"source": "none"})._replace(id="dark", received=at(10, 5)))
    (alert,) = timeline.alerts(LOST)
    assert alert | {"alert_id": "…", "text": "…"} == {
        "key": LOST,
        "alert_id": "…",
        "reality": "act",
        "rule": "power.lost",
        "rules_version": "default-1",
        "level": "red",
        "status": "firing",
        "cleared_reason": None,
        "raised_at": when(at(10)),
        "changed_at": when(at(10, 5)),
        "point": {"id": POINT, "name": "Umedalens skola"},
        "area": {"level": "kommun", "code": "2480", "name": "Umeå"},
        "evidence": [
            {"aspect": "power", "value": {"source": "none"}, "observed_at": when(at(10)), "report": "dark"},
        ],
        "evidence_lost": False,
        "runs_out_at": None,
        "derived": False,
        "text": "…",
        "acks": [],
        "inhibited_by": None,
        "silences": [],
        "standing": {"since": {"yellow": when(at(10, 5)), "red": when(at(10, 5))}, "quieted": {}},
    }


def test_a_change_of_level_keeps_the_id_and_the_beginning() -> None:
    """Red becomes critical after 30 min within the same alert."""
    red, critical = opened(resources(at(10), power={"source": "none"})).until(at(11)).alerts(LOST)
    assert [red["level"], critical["level"]] == ["red", "critical"]
    assert critical["changed_at"] == when(at(10, 30))
    for name in ("alert_id", "raised_at"):
        assert red[name] == critical[name]


def test_an_alert_of_a_point_that_was_never_registered_goes_by_its_id() -> None:
    """Where no name is known the point's id stands in its place."""
    timeline = Timeline()
    timeline.tell(status(at(8), lifecycle="open"), resources(at(9), power={"source": "none"}))
    (alert,) = timeline.alerts(LOST)
    assert alert["point"] == {"id": POINT, "name": POINT}


CLEARED = {
    "recovered": resources(at(10, 10), power=MAINS),
    "closed": status(at(10, 10), lifecycle="closed"),
    "withdrawn": withdraw(at(10, 10), "dark"),
    "retired": Told(at(10, 10), "retire", {"reason": "riven"}),
}


@pytest.mark.parametrize("reason", CLEARED)
def test_an_alert_is_cleared_with_the_reason(reason: str) -> None:
    """Power back, a point that closes, a report that was wrong and a point that is gone: each is named."""
    timeline = opened(resources(at(10), power={"source": "none"})._replace(id="dark"), CLEARED[reason])
    raised, cleared = timeline.alerts(LOST)
    assert cleared == raised | {
        "status": "cleared",
        "cleared_reason": reason,
        "changed_at": when(at(10, 10)),
        "acks": [],
    }


def test_a_withdrawal_that_leaves_another_reason_clears_nothing() -> None:
    """When one of two reports of no power was wrong, the alert stands, from the other."""
    timeline = opened(
        resources(at(10), power={"source": "none"})._replace(id="one"),
        resources(at(10, 5), power={"source": "none"})._replace(id="two"),
        withdraw(at(10, 10), "one"),
    )
    assert timeline.course(LOST) == ["10:00 red"]
    assert timeline.node.firing()[LOST] == "red"


def test_a_late_recovery_after_a_withdrawal_is_a_recovery() -> None:
    """That reports of a point were withdrawn once does not colour what clears later."""
    timeline = opened(
        resources(at(9), heat={"indoor_c": 3})._replace(id="wrong"),
        resources(at(10), power={"source": "none"}),
        withdraw(at(10, 5), "wrong"),
        resources(at(10, 10), power=MAINS),
    )
    assert timeline.course(LOST) == ["10:00 red", "10:10 cleared recovered"]


def test_a_raise_after_a_clear_is_a_new_alert() -> None:
    """The key stays, the id and the beginning are new."""
    timeline = opened(
        resources(at(10), power={"source": "none"}),
        resources(at(10, 10), power=MAINS),
        resources(at(10, 20), power={"source": "none"}),
    )
    first, cleared, second = timeline.alerts(LOST)
    assert first["alert_id"] == cleared["alert_id"] != second["alert_id"]
    assert second["raised_at"] == when(at(10, 20))


def test_a_raise_at_the_same_instant_as_the_clear_is_a_new_alert() -> None:
    """On a clock that stands still, raised, cleared and raised again are still two alerts."""
    timeline = opened()
    timeline.go_on(timeline.now + 3 * 3_600_000_000)
    for minute, power in ((9, "none"), (10, "mains"), (11, "none")):
        timeline.tell(resources(at(8, minute), power={"source": power})._replace(received=at(11)))
    first, cleared, second = timeline.alerts(LOST)
    assert first["alert_id"] == cleared["alert_id"] != second["alert_id"]


def test_what_shows_only_within_one_batch_is_not_published() -> None:
    """No power and power again, known at the same time, raise nothing."""
    timeline = opened()
    story = resources(at(9), power={"source": "none"}), resources(at(9, 30), power=MAINS)
    both = given(one._replace(id=f"p{n}", received=at(10)) for n, one in enumerate(story))
    timeline.node.receive(map(received, both))
    timeline.node.judge(instant(at(10)))
    assert timeline.alerts(LOST) == []


# -- what else is a change ---------------------------------------------------------------------------------------------


def test_inhibition_is_published_when_it_begins_and_when_it_ends() -> None:
    """A cold point's alert names the lost power that mutes it, for as long as that stands."""
    timeline = Timeline()
    timeline.tell(
        register(at(8), planned_services=["heat"]),
        status(at(8), lifecycle="open"),
        resources(at(9), heat={"indoor_c": 17}),
        resources(at(10), power={"source": "none"}),
        resources(at(11), power=MAINS),
    )
    found = [(each["level"], each["changed_at"], each["inhibited_by"]) for each in timeline.alerts(f"heat.low/{POINT}")]
    assert found == [("red", when(at(9)), None), ("red", when(at(10)), LOST), ("red", when(at(11)), None)]
    assert len({each["alert_id"] for each in timeline.alerts(f"heat.low/{POINT}")}) == 1


@pytest.mark.parametrize(
    ("rule", "story"),
    [
        ("comms.112", [resources(at(9), comms={"can_call_112": False})]),
        ("service.stopped", [services(at(9), heat="stopped")]),
        ("heat.low", [resources(at(9), heat={"indoor_c": 14})]),
    ],
)
def test_lost_power_mutes_what_follows_from_it(rule: str, story: list[Told]) -> None:
    """While the power is lost, cold, no 112 and stopped services stay visible and say that it mutes them."""
    timeline = Timeline()
    timeline.tell(register(at(8), planned_services=["heat"]), status(at(8), lifecycle="open"), *story)
    timeline.tell(resources(at(10), power={"source": "none"}))
    assert timeline.alerts(f"{rule}/{POINT}")[-1]["inhibited_by"] == LOST


def test_evidence_that_is_lost_is_said_once_and_the_level_stays() -> None:
    """When the staff is not known any more the alert stays at its level, and says that it rests on old evidence."""
    timeline = opened(staff(at(9), 1, 4), staff(at(10), None, 4), staff(at(11), None, 4))
    found = [(each["level"], each["changed_at"], each["evidence_lost"]) for each in timeline.alerts(STAFF)]
    assert found == [("red", when(at(9)), False), ("red", when(at(10)), True)]
    timeline.tell(staff(at(12), 1, 4))
    assert timeline.alerts(STAFF)[-1]["evidence_lost"] is False


@pytest.mark.parametrize(("moved", "times"), [(14.9, 1), (15, 2), (-14.9, 1), (-15, 2)])
def test_running_out_that_moves_a_quarter_of_an_hour_is_published(moved: float, times: int) -> None:
    """A new reading that moves the running out by 15 min or more publishes the alert again, by less does not."""
    timeline = opened(backup(at(9), 10), backup(at(9, 30), 9.5 + moved / 60))
    assert len(timeline.alerts(ENDURANCE)) == times


def test_small_moves_add_up() -> None:
    """What has moved is counted from what was last published, so that many small moves cannot hide a great one."""
    timeline = opened(*(backup(at(9, 10 * n), 10 - n / 6 - n / 10) for n in range(6)))
    published = [each["runs_out_at"] for each in timeline.alerts(ENDURANCE)]
    assert published == [when(at(19)), when(at(18, 42))]


def test_a_level_that_the_clock_brings_says_that_it_is_derived() -> None:
    """Yellow by the reading itself, then red by the clock alone: the document says so, and says when it runs out."""
    yellow, red = opened(backup(at(9), 10)).until(at(11, 1)).alerts(ENDURANCE)
    assert (yellow["level"], yellow["derived"]) == ("yellow", False)
    assert (red["level"], red["derived"]) == ("red", True)
    assert red["runs_out_at"] == when(at(19))


def test_nothing_is_published_twice() -> None:
    """Reports that say the same again, confirmations, heartbeats and the clock publish no alert anew."""
    timeline = opened(resources(at(9), power=MAINS), staff(at(9), 1, 4))
    for hour in range(10, 20):
        timeline.tell(
            staff(at(hour), 1, 4),
            Told(at(hour, 20), "confirm", {}),
            Told(at(hour, 40), "heartbeat", {}),
            resources(at(hour, 50), power=MAINS, heat={"indoor_c": 21}),
        )
    assert timeline.course(STAFF) == ["09:00 red"]
    assert len(timeline.alerts(STAFF)) == 1


def test_a_restart_publishes_nothing(tmp_path: Path) -> None:
    """A node that recalls what was last published, and judges again at the same instant, has nothing to say."""
    timeline = Timeline(node=Node(directory=tmp_path))
    timeline.tell(*OPEN, staff(at(9), 1, 4), backup(at(9), 3), services(at(9), heat="stopped"))
    timeline.order(ack(at(10)))
    timeline.until(at(13))
    timeline.node.crash()
    effects = Node(timeline.node.streams, tmp_path).judge(timeline.now)
    assert (effects.alerts, effects.public, effects.states) == ({}, {}, {})


# -- texts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("derived", [False, True])
def test_every_rule_has_one_line_in_swedish_and_english(rule: str, derived: bool) -> None:  # noqa: FBT001
    """Each rule and level says its level, the name and what runs short, differently in each language."""
    lines: set[str] = set()
    for level in ALERT_LEVELS:
        verdict = Verdict(rule, level, 0, derived, (), False, None, None)
        text = text_of(verdict, "Umedalens skola")
        assert text.keys() == {"sv", "en"}
        assert all("Umedalens skola" in line and "\n" not in line for line in text.values())
        lines.update(text.values())
    assert len(lines) == 2 * len(ALERT_LEVELS)


def test_the_text_of_an_alert_is_in_swedish_and_english() -> None:
    """An alert that is published says what is wrong in both languages."""
    (alert,) = opened(resources(at(10), power={"source": "none"})).alerts(LOST)
    assert alert["text"] == {"sv": "Röd: Umedalens skola: ingen el", "en": "Red: Umedalens skola: no power"}


def test_every_document_keeps_to_the_contract() -> None:
    """Through raising, muting, acknowledging and clearing each document is what the contract's model takes."""
    timeline = opened(staff(at(9), 1, 4), backup(at(9), 3), services(at(9), heat="stopped")).until(at(13))
    timeline.order(ack(at(13)))
    timeline.tell(resources(at(14), power=MAINS), status(at(15), lifecycle="closed"))
    assert {each["rule"] for each in timeline.node.streams.alerts} >= {"power.lost", "service.stopped", "staff.short"}
    for document in timeline.node.streams.alerts:
        ALERT.validate_json(orjson.dumps(document))
    assert {each["rules_version"] for each in timeline.node.streams.alerts} == {rules().version}
