"""A report of an exercise filed again: what was seen, when it was seen, and whence it came; never by itself."""

from datetime import UTC, datetime

import pytest

from vardkase.exercise.refile import KINDS, NotRefiled, refiled
from vardkase_contracts.client import new_report
from vardkase_contracts.client.events import decode_report
from vardkase_contracts.reports import extras
from vardkase_contracts.vocab import ReportKind

SEEN = datetime(2026, 10, 14, 8, 0, tzinfo=UTC)


def test_says_the_same_in_the_real_world() -> None:
    """Another id, the same time and content, relayed, in the person's role, with its origin."""
    power = {"power": {"source": "none"}, "staff": None}
    own = new_report("resources", "2480-skolan", power, reality="exe", observed_at=SEEN, id="abc", seq=7, incident="x")
    again = decode_report(refiled(own, role="krisledning"))
    assert (again.reality, again.kind, again.subject, again.time) == ("act", "resources", "2480-skolan", SEEN)
    assert (again.quality, again.role, again.refiled_from) == ("relayed", "krisledning", "exe.2480.abc")
    assert again.id != own.id
    assert (again.seq, again.incident) == (None, None)
    assert again.data.model_dump(exclude_unset=True) == own.data.model_dump(exclude_unset=True)
    assert extras(again) == 0


def test_twice_is_once() -> None:
    """The same filed again by two people has one identity; two reports have two."""
    one = new_report("status", "2480-skolan", {"lifecycle": "open"}, reality="exe", observed_at=SEEN, id="abc")
    other = new_report("status", "2482-skolan", {"lifecycle": "open"}, reality="exe", observed_at=SEEN, id="abc")
    ids = [decode_report(refiled(each, role=role)).id for each in (one, other) for role in ("tib", "krisledning")]
    assert ids[0] == ids[1] != ids[2] == ids[3]


@pytest.mark.parametrize("kind", ["register", "heartbeat", "confirm", "withdraw", "retire"])
def test_not_what_says_nothing_of_how_things_are(kind: ReportKind) -> None:
    """What a point is, and what says nothing alone, is not filed again."""
    data = {
        "register": {"name": "a", "kind": "trygghetspunkt", "position": {"lon": 20.0, "lat": 63.0}},
        "withdraw": {"report_ids": ["x"], "reason": "fel"},
        "retire": {"reason": "riven"},
    }
    assert kind not in KINDS
    with pytest.raises(NotRefiled):
        refiled(new_report(kind, "2480-skolan", data.get(kind, {}), reality="exe"), role="tib")


@pytest.mark.parametrize("reality", ["act", "tst"])
def test_only_out_of_an_exercise(reality: str) -> None:
    """What is real already, or a test, is not."""
    own = new_report("status", "2480-skolan", {"lifecycle": "open"}, reality=reality)  # type: ignore[arg-type]
    with pytest.raises(NotRefiled):
        refiled(own, role="tib")
