"""The evaluation: how long it took from an inject to a report, to an alert, to its acknowledgement, per kommun."""

from typing import Any

from exercise_kit import START, made, status
from vardkase.domain.exercises import Exercises
from vardkase.exercise.evaluation import Heard, HeardAck, HeardAlert, HeardReport, evaluate
from vardkase.exercise.plan import inject_id
from vardkase.exercise.telling import KIND, page_of, text_of
from vardkase_contracts.client import new_order
from vardkase_contracts.instants import HOUR, MINUTE, iso, to_datetime
from vardkase_contracts.orders import ExerciseOrder
from vardkase_contracts.vocab import ORDER_KINDS, REPORT_KINDS

EXPECT = [
    {"alert": {"rule": "power.lost", "about": "2480-skolan"}, "within": "2m"},
    {"ack": {"rule": "power.lost", "about": "2480-skolan"}, "within": "10m"},
    {"report": {"from": "2480", "kinds": ["need"]}, "within": "15m"},
]
SCENARIO = made(
    status("stromlost", "5m", expect=EXPECT),
    {
        "name": "ringer",
        "at": "10m",
        "message": {"to": "2482", "text": "Vad öppnar ni?"},
        "expect": [{"report": {"from": "2482-_"}, "within": "15m"}],
    },
)
KEY = "power.lost/2480-skolan"


def minute(number: float) -> int:
    return START + round(number * MINUTE)


def order(state: str, at: float, areas: list[str]) -> ExerciseOrder:
    data = {"id": SCENARIO.id, "name": SCENARIO.name, "areas": areas, "from": iso(START), "state": state}
    who: dict[str, Any] = {"role": "stab", "acting_for": "24", "reality": "exe", "given_at": to_datetime(minute(at))}
    made_ = new_order("exercise", "24", data, **who)
    assert isinstance(made_, ExerciseOrder)
    return made_


def heard(*orders: ExerciseOrder, **more: Any) -> Heard:
    """The log after both injects were sent."""
    exercises = Exercises()
    for each in (order("running", 0, ["2480", "2482"]), *orders):
        exercises.take(each)
    inject = HeardReport(inject_id(SCENARIO.id, "stromlost"), "2480-skolan", "status", minute(5), minute(5))
    given = {inject_id(SCENARIO.id, "ringer"): minute(10)}
    more["reports"] = [inject, *more.get("reports", [])]
    return Heard(exercises=exercises, orders=given, **more)


def results(found: dict[str, Any]) -> list[tuple[str, str, float | None]]:
    return [(each["what"], each["result"], each["took_s"]) for each in found["responses"]]


def test_all_in_time() -> None:
    """What comes in time is met; the ack is measured from the alert, the rest from the inject."""
    found = evaluate(
        SCENARIO,
        START,
        heard(
            alerts=[HeardAlert(KEY, "red", minute(5.5))],
            acks=[HeardAck(KEY, minute(9.5), "2480")],
            reports=[
                HeardReport("p1", "2480-skolan", "need", minute(12), minute(12)),
                HeardReport("p2", "2482-_", "activation", minute(11), minute(20)),
            ],
        ),
        minute(60),
    )
    assert results(found) == [("alert", "met", 30), ("ack", "met", 240), ("report", "met", 420), ("report", "met", 600)]
    umea, skelleftea = found["kommuner"]
    assert (umea["name"], umea["met"], umea["expected"]) == ("Umeå", 3, 3)
    assert umea["to_alert"] == {"expected": 1, "came": 1, "median_s": 30.0, "worst_s": 30.0}
    assert skelleftea["to_report"]["worst_s"] == 600
    assert (umea["reports"], skelleftea["reports"]) == (1, 1), "injects are no reports of players"


def test_late_missing_and_still_awaited() -> None:
    """Too late is late; what has not come is awaited until its time is up, and then missing."""
    some = heard(
        alerts=[HeardAlert(KEY, "red", minute(8))],
        reports=[HeardReport("p1", "2480-skolan", "heartbeat", minute(12), minute(12))],
    )
    early = evaluate(SCENARIO, START, some, minute(17))
    assert [result for _, result, _ in results(early)] == ["late", "pending", "pending", "pending"]
    later = evaluate(SCENARIO, START, some, minute(60))
    assert [result for _, result, _ in results(later)] == ["late", "missing", "missing", "missing"]


def test_what_was_before_is_no_response() -> None:
    """A report, an alert and an ack from before the inject answer nothing."""
    found = evaluate(
        SCENARIO,
        START,
        heard(
            alerts=[HeardAlert(KEY, "red", minute(2))],
            acks=[HeardAck(KEY, minute(3), "2480")],
            reports=[HeardReport("p1", "2480-skolan", "need", minute(1), minute(6))],
        ),
        minute(60),
    )
    assert [result for _, result, _ in results(found)][:3] == ["missing", "pending", "missing"]


def test_an_inject_that_was_not_sent() -> None:
    """Nobody is blamed for what never came to them."""
    found = evaluate(SCENARIO, START, Heard(), minute(60))
    assert {result for _, result, _ in results(found)} == {"not_sent"}


def test_an_abort_ends_what_is_expected() -> None:
    """What was not due yet when the kommun aborted is cancelled there; reports after it are counted apart."""
    found = evaluate(
        SCENARIO,
        START,
        heard(
            order("aborted", 12, ["2480"]),
            alerts=[HeardAlert(KEY, "red", minute(6))],
            reports=[
                HeardReport("p1", "2480-skolan", "status", minute(14), minute(14)),
                HeardReport("p2", "2480-skolan", "need", minute(14), minute(14)),
            ],
        ),
        minute(60),
    )
    assert results(found) == [
        ("alert", "met", 60),
        ("ack", "cancelled", None),
        ("report", "cancelled", None),
        ("report", "missing", None),
    ]
    umea = found["kommuner"][0]
    assert (umea["aborted_at"], umea["after_abort"]) == (iso(minute(12)), 2), "they answer nothing"


def test_a_kommuns_own_part() -> None:
    """At a kommun's node only its own part is told: the rest of the log is not there."""
    found = evaluate(SCENARIO, START, heard(), START + HOUR, frozenset({"2482"}))
    assert [each["code"] for each in found["kommuner"]] == ["2482"]
    assert [each["kommun"] for each in found["responses"]] == ["2482"]


def test_copies_and_order_change_nothing() -> None:
    """The same log in another order, and with copies that came another way, gives the same."""
    reports = [
        HeardReport("p1", "2480-skolan", "need", minute(12), minute(14)),
        HeardReport("p1", "2480-skolan", "need", minute(12), minute(12)),
        HeardReport("p2", "2482-_", "activation", minute(11), minute(20)),
    ]
    one = evaluate(SCENARIO, START, heard(reports=reports), minute(60))
    assert one == evaluate(SCENARIO, START, heard(reports=[*reversed(reports), *reports]), minute(60))
    assert one["responses"][2]["took_s"] == 420


def test_told_in_swedish() -> None:
    """People read it as lines and as a page that stands by itself; what somebody wrote is text there."""
    lost = {"ack": {"rule": "power.lost", "about": "2480-skolan"}, "within": "5m"}
    asked = {"report": {"from": "2480", "kinds": ["need", "status"]}, "within": "5m"}
    injects = [
        status("a", "5m", expect=[{"report": {"from": "2480"}, "within": "15m"}]),
        status("b", "6m", expect=[lost, asked]),
    ]
    scenario = made(*injects, name="<b>Övning</b>")
    assert set(KIND) == {*REPORT_KINDS, *ORDER_KINDS}
    found = evaluate(scenario, START, Heard(), minute(60))
    text, page = text_of(found), page_of(found)
    assert "a: rapport från 2480 inom 15 min: inspelet gick inte ut" in text
    assert "b: kvittens av ”ingen el” för 2480-skolan inom 5 min: inspelet gick inte ut" in text
    assert "b: rapport från 2480 (behov eller läge) inom 5 min: inspelet gick inte ut" in text
    assert "2480 Umeå: 0 av 3 i tid" in text
    assert "&lt;b&gt;Övning&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "<script" not in page
    assert 'lang="sv"' in page
