"""Acknowledgements: who has taken an alert in, for how long, and when that ends by itself."""

from typing import Any

from acceptance.timeline import Timeline, at
from oracle.make import POINT, Told, backup, order, register, resources, staff, status, when

LOST, ENDURANCE, STAFF = f"power.lost/{POINT}", f"power.endurance/{POINT}", f"staff.short/{POINT}"
MAINS = {"source": "mains"}


def opened(*told: Told) -> Timeline:
    """A point that is open since eight, and what more is told of it."""
    timeline = Timeline()
    timeline.tell(register(at(8)), status(at(8), lifecycle="open"), *told)
    return timeline


def ack(
    minute: float, key: str = LOST, level: str = "critical", by: tuple[str, str] = ("lan", "24"), **more: Any
) -> Any:
    """Somebody takes an alert in."""
    data = {"key": key, "level": level, **more}
    return order("ack", minute, data, by=by, id_=f"ack-{minute}-{by[1]}")


def acks(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Whose acks stand in a document, from when and until when."""
    return [(each["code"], each["at"], each["until"]) for each in document["acks"]]


def test_an_ack_stands_in_the_alert_for_four_hours() -> None:
    """An ack without an end is published with the alert, lasts 4 h, and its end is published too."""
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(ack(at(10), STAFF, "red", note="personal på väg"))
    timeline.until(at(15))
    found = [(each["changed_at"], acks(each)) for each in timeline.alerts(STAFF)]
    assert found == [
        (when(at(9)), []),
        (when(at(10)), [("24", when(at(10)), when(at(14)))]),
        (when(at(14)), []),
    ]
    assert timeline.alerts(STAFF)[1]["acks"][0] | {"at": "", "until": ""} == {
        "level": "lan",
        "code": "24",
        "role": "tib",
        "at": "",
        "until": "",
        "note": "personal på väg",
    }


def test_an_ack_lasts_as_long_as_it_says() -> None:
    """An end that is given goes before the four hours, sooner or later."""
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(ack(at(10), STAFF, "red", until=when(at(10, 20))))
    timeline.order(ack(at(10), STAFF, "red", by=("kommun", "2480"), until=when(at(20))))
    timeline.until(at(19))
    assert [(each["changed_at"], [code for code, _, _ in acks(each)]) for each in timeline.alerts(STAFF)] == [
        (when(at(9)), []),
        (when(at(10)), ["24"]),
        (when(at(10)), ["2480", "24"]),
        (when(at(10, 20)), ["2480"]),
    ]


def test_an_ack_never_goes_past_the_running_out() -> None:
    """An ack of a generator that runs dry in two hours ends when it does."""
    timeline = opened(backup(at(9), 2))
    timeline.order(ack(at(9, 30), ENDURANCE))
    assert acks(timeline.alerts(ENDURANCE)[-1]) == [("24", when(at(9, 30)), when(at(11)))]
    timeline.until(at(12))
    assert timeline.alerts(ENDURANCE)[-1]["status"] == "cleared"
    assert acks(timeline.alerts(LOST)[-1]) == []


def test_an_ack_given_after_it_ran_out_lasts() -> None:
    """What has run out already does not cut an ack short."""
    timeline = opened(backup(at(9), 2)).until(at(11, 30))
    timeline.order(ack(at(11, 30)))
    assert acks(timeline.alerts(LOST)[-1]) == [("24", when(at(11, 30)), when(at(15, 30)))]


def test_a_worse_level_breaks_an_ack() -> None:
    """Who took in red has not taken in critical."""
    timeline = opened(resources(at(10), power={"source": "none"}))
    timeline.order(ack(at(10, 10), level="red"))
    timeline.until(at(11))
    assert [(each["level"], len(each["acks"])) for each in timeline.alerts(LOST)] == [
        ("red", 0),
        ("red", 1),
        ("critical", 0),
    ]


def test_an_ack_of_a_worse_level_holds_for_a_better_one() -> None:
    """Who took in red need not take in yellow."""
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(ack(at(9, 10), STAFF, "red"))
    timeline.tell(staff(at(9, 20), 3, 4))
    timeline.until(at(9, 40))
    assert [(each["level"], len(each["acks"])) for each in timeline.alerts(STAFF)] == [
        ("red", 0),
        ("red", 1),
        ("yellow", 1),
    ]


def test_an_ack_that_comes_before_the_alert_counts() -> None:
    """An ack by another node's picture, given after the alert began but received before its report, stands at once."""
    timeline = opened()
    timeline.order(ack(at(10, 10)))
    timeline.tell(resources(at(10), power={"source": "none"})._replace(received=at(10, 20)))
    (alert,) = timeline.alerts(LOST)
    assert acks(alert) == [("24", when(at(10, 10)), when(at(14, 10)))]


def test_an_ack_older_than_the_alert_does_not_count() -> None:
    """An ack of an earlier alert says nothing of one that began after it, even when it comes late."""
    timeline = opened(
        resources(at(9), power={"source": "none"}),
        resources(at(9, 20), power=MAINS),
        resources(at(10), power={"source": "none"}),
    )
    timeline.order(ack(at(9, 10)), arrives=at(10, 10))
    assert timeline.until(at(11)).alerts(LOST)[-1]["acks"] == []


def test_an_ack_given_by_a_clock_ahead_of_ours_counts_from_its_time() -> None:
    """An ack whose time has not come yet is published when it has."""
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(ack(at(9, 5), STAFF), arrives=at(9, 4))
    assert timeline.alerts(STAFF)[-1]["acks"] == []
    timeline.until(at(9, 6))
    assert timeline.alerts(STAFF)[-1]["changed_at"] == when(at(9, 5))
    assert acks(timeline.alerts(STAFF)[-1]) == [("24", when(at(9, 5)), when(at(13, 5)))]


def test_an_ack_names_the_level_that_it_quiets() -> None:
    """The kommun's ack and the län's stand beside each other, each for its own."""
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(ack(at(9, 10), STAFF, by=("kommun", "2480")))
    timeline.order(ack(at(9, 20), STAFF, by=("lan", "24")))
    levels = [[each["level"] for each in document["acks"]] for document in timeline.alerts(STAFF)]
    assert levels == [[], ["kommun"], ["kommun", "lan"]]


def test_the_latest_ack_of_an_area_counts() -> None:
    """A second ack by the same area takes the place of the first, whichever comes first."""
    for first, second in ((0, 1), (1, 0)):
        given = [ack(at(9, 10), STAFF, until=when(at(20))), ack(at(9, 20), STAFF, until=when(at(10)))]
        timeline = opened(staff(at(9), 1, 4))
        timeline.order(given[first], arrives=at(9, 30))
        timeline.order(given[second], arrives=at(9, 40))
        assert acks(timeline.alerts(STAFF)[-1]) == [("24", when(at(9, 20)), when(at(10)))]
        assert timeline.until(at(11)).alerts(STAFF)[-1]["acks"] == []


def test_an_ack_of_an_area_that_is_silent_stands_and_ends() -> None:
    """Alerts of areas are acknowledged, and their acks expire, like those of points."""
    timeline = opened(staff(at(9), 4, 4)).until(at(12))
    timeline.order(ack(at(12), "area.silent/2480", "yellow", until=when(at(13))))
    timeline.until(at(14))
    found = [(each["changed_at"], len(each["acks"])) for each in timeline.alerts("area.silent/2480")]
    assert found == [(when(at(11, 30)), 0), (when(at(12)), 1), (when(at(13)), 0)]


def test_a_cleared_alert_has_no_acks() -> None:
    """What is over needs nobody's attention: the acks go with it, and do not come back with the next alert."""
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(ack(at(9, 10), STAFF))
    timeline.tell(staff(at(9, 20), 4, 4), staff(at(9, 40), 1, 4))
    found = [(each["status"], len(each["acks"])) for each in timeline.alerts(STAFF)]
    assert found == [("firing", 0), ("firing", 1), ("cleared", 0), ("firing", 0)]


def test_an_ack_leaves_the_alert_and_its_key_as_they_are() -> None:
    """An ack changes neither level, id nor beginning."""
    timeline = opened(staff(at(9), 1, 4))
    timeline.order(ack(at(9, 10), STAFF))
    before, after = timeline.alerts(STAFF)
    different = {name for name in before if before[name] != after[name]}
    assert different == {"changed_at", "acks"}
