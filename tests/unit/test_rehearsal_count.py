"""What a rehearsal counts: what came, what did not, what came twice; and what of an outcome is no pass."""

from dataclasses import replace
from typing import Any

import pytest

from vardkase.rehearsal.ledger import Ledger, origin, parse_origin
from vardkase.rehearsal.program import Fault
from vardkase.rehearsal.values import Healed, Judged, Merged, Orders, Outcome
from vardkase.rehearsal.verdict import twins


def test_an_origin_is_read_as_it_is_told() -> None:
    """Kommun and number; what is none is none."""
    assert parse_origin(origin("kommun-2480", 17)) == ("2480", 17)
    for text in ("", "kommun-2480", "kommun-2480/", "kommun-2480/0", "kommun-9999/1", "lan-24/1", "kommun-2480/x"):
        assert parse_origin(text) is None


def test_a_ledger_counts_what_is_missing_and_what_is_doubled() -> None:
    """At each hub, of the kommuner below it."""
    ledger = Ledger({"SE": ["2480", "0180"], "lan-24": ["2480"]})
    ledger.sent("2480", 3)
    ledger.sent("0180", 1)
    marks = ledger.marks()
    assert (ledger.missing("SE", marks), ledger.missing("lan-24", marks)) == (4, 3)
    for number in (1, 2, 2):
        ledger.came("SE", "2480", number)
    ledger.came("lan-24", "0180", 1)  # not below it
    ledger.sent("2480", 4)
    assert (ledger.missing("SE", marks), ledger.missing("lan-24", marks)) == (2, 3)
    assert (ledger.level("SE").merged, ledger.level("SE").missing, ledger.level("SE").doubled) == (2, 3, 1)
    assert ledger.total == 5


def _alert(key: str, status: str, alert_id: str, changed_at: int, level: str = "red") -> tuple[str, dict[str, Any]]:
    document = {"key": key, "status": status, "alert_id": alert_id, "changed_at": changed_at, "level": level}
    return f"alert.{key}", document


def test_an_alert_that_is_told_or_raised_twice_is_a_twin() -> None:
    """Not so one that changes, or is raised again after it was cleared."""
    well = [
        _alert("a", "firing", "1", 1),
        _alert("a", "firing", "1", 2, "critical"),
        _alert("a", "cleared", "1", 3),
        _alert("a", "firing", "2", 4),
        _alert("b", "firing", "3", 1),
    ]
    assert twins(well) == []
    assert twins([*well, _alert("b", "firing", "3", 2)]) == ["b: told twice"]
    assert twins([*well, _alert("b", "firing", "4", 2, "yellow")]) == ["b: raised twice"]


FAULT = Fault(kind="hole", nodes=("lan-24",), at=1.0, lasts=2.0)
HEALED = Healed(fault=FAULT, began=1.0, lasted=2.0, restarted=None, waiting=5, converged=0.5)
MERGED = Merged(hub="SE", sent=9, merged=9, lost=0, doubled=0, strange=0)
JUDGED = Judged(node="SE", states=3, differing=0, alerts=1, missed=0, false=0, doubled=0)


def _outcome(**changes: Any) -> Outcome:
    well: dict[str, Any] = {"sent": 9, "faults": [HEALED], "merged": [MERGED], "judged": [JUDGED]}
    return Outcome(seed=1, minutes=5, kommuner=1, lan=1, **(well | changes))


def test_a_rehearsal_that_found_nothing_wrong_is_passed() -> None:
    """And says so to machines."""
    outcome = _outcome(orders=Orders(given=2, expected=5, lost=0))
    assert outcome.passed
    told = outcome.as_json()
    assert (told["passed"], told["lost"], told["doubled"]) == (True, 0, 0)
    assert told["faults"][0]["fault"]["kind"] == "hole"


@pytest.mark.parametrize(
    "changes",
    [
        {"sent": 0},
        {"unsent": 1},
        {"merged": []},
        {"merged": [replace(MERGED, lost=1)]},
        {"merged": [replace(MERGED, doubled=1)]},
        {"merged": [replace(MERGED, strange=1)]},
        {"judged": []},
        {"judged": [replace(JUDGED, differing=1)]},
        {"judged": [replace(JUDGED, missed=1)]},
        {"judged": [replace(JUDGED, false=1)]},
        {"judged": [replace(JUDGED, doubled=1)]},
        {"faults": [replace(HEALED, converged=None)]},
        {"orders": Orders(given=2, expected=5, lost=1)},
        {"troubles": ["something"]},
    ],
    ids=str,
)
def test_one_thing_wrong_is_no_pass(changes: dict[str, Any]) -> None:
    """Whatever it is."""
    assert not _outcome(**changes).passed
