"""Whom a request for reports is told to, how urgently, and when that changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vardkase.domain.asking import call_of, named
from vardkase.domain.intervals import FOREVER
from vardkase.notifier.asked_words import description, summary
from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.instants import MINUTE, iso, parse

START = parse("2026-11-20T08:00:00Z")
LAN, KOMMUN = Area.parse("24"), Area.parse("2480")


def request(*, remind: int = 90, deadline: int = 120, missing: tuple[str, ...] = ("2480",), **more: Any) -> Any:
    return {
        "id": "q",
        "by": {"role": "tib", "level": "lan", "code": "24"},
        "at": iso(START),
        "areas": ["2480", "2482"],
        "remind_at": iso(START + remind * MINUTE),
        "deadline": iso(START + deadline * MINUTE),
        "state": "open",
        "missing": list(missing),
        **more,
    }


@pytest.mark.parametrize(
    ("area", "more", "found"),
    [
        ("24", {}, "request.given"),
        ("2480", {}, "request.asked"),
        ("SE", {}, None),
        ("24", {"by": {"role": "tib", "level": "nation", "code": "SE"}}, None),
        ("24", {"by": {"role": "tib", "level": "nation", "code": "SE"}, "areas": ["24"]}, "request.asked"),
        ("2480", {"by": {"role": "tib", "level": "kommun", "code": "2480"}}, "request.given"),
    ],
)
def test_whose_people_are_told(area: str, more: Any, found: str | None) -> None:
    """The one who asks; each kommun that is asked; a wider area only when the request names it."""
    call = call_of(request(**more), Area.parse(area), START)
    assert (None if call is None else call.rule) == found


@pytest.mark.parametrize(
    ("area", "minute", "level", "since", "due"),
    [
        (KOMMUN, 0, "yellow", 0, 90),
        (KOMMUN, 90, "red", 90, 120),
        (KOMMUN, 120, "red", 90, None),
        (LAN, 90, "yellow", 0, 120),
        (LAN, 120, "red", 120, None),
    ],
)
def test_when_it_is_urgent(area: Area, minute: int, level: str, since: int, due: int | None) -> None:
    """For those asked from the reminder on, for the asker from the deadline on."""
    call = call_of(request(), area, START + minute * MINUTE)
    assert call is not None
    assert (call.level, call.since, call.late) == (level, START + since * MINUTE, minute >= 120)
    assert call.due == (FOREVER if due is None else START + due * MINUTE)


@pytest.mark.parametrize(
    ("more", "over"),
    [({"missing": ()}, "answered"), ({"state": "withdrawn"}, "withdrawn"), ({}, None)],
)
def test_nobody_waits_for_what_is_answered_or_withdrawn(more: Any, over: str | None) -> None:
    """Nor does the clock change anything of it."""
    call = call_of(request(**more), KOMMUN, START)
    assert call is not None
    assert call.over == over
    assert (call.due == FOREVER) == (over is not None)


@given(
    st.sampled_from((LAN, KOMMUN)),
    st.integers(0, 300),
    st.integers(0, 300),
    st.lists(st.integers(0, 400), min_size=1, max_size=20),
)
def test_nothing_changes_but_when_it_is_due(area: Area, remind: int, deadline: int, minutes: list[int]) -> None:
    """Until `due` a request says what it said, and then something else; it never gets less urgent by the clock."""
    asked = request(remind=min(remind, deadline), deadline=deadline)
    levels: list[str] = []
    for minute in sorted(minutes):
        now = START + minute * MINUTE
        call = call_of(asked, area, now)
        assert call is not None
        levels.append(call.level)
        assert call.since <= max(now, START)
        if call.due == FOREVER:
            assert call_of(asked, area, now + 10_000 * MINUTE) == call
        else:
            assert call.due > now
            assert call_of(asked, area, call.due - 1) == call
            assert call_of(asked, area, call.due) != call
    assert levels == sorted(levels, reverse=True), "yellow, then red"


def test_a_notice_names_so_many() -> None:
    """In its line a few, below it as many as any län has; the rest is counted."""
    kommuner = sorted(KOMMUNER)[:70]
    asked = request(missing=tuple(kommuner), note=None, questions=["Bränsle?"], answered=0, asked=70)
    call = call_of(asked, LAN, START + 121 * MINUTE)
    assert call is not None
    line, _ = summary(call, asked, "act")
    assert line.endswith("… och 65 till")
    assert line.count(",") == 4
    assert description(line, call, asked).endswith("… och 10 till")


def test_a_key_tells_its_parts() -> None:
    """Whoever only knows the key of what was told can end it."""
    call = call_of(request(), KOMMUN, START)
    assert call is not None
    assert named(call.key) == ("request.asked", KOMMUN, "24.q")
