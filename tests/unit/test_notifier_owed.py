"""What a webhook is owed follows from what it was told and from what is so now: nothing twice, nothing left open."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from notices import LEVELS, notice
from vardkase.notifier.hooks import Hook
from vardkase.notifier.notice import Quiet
from vardkase.notifier.owed import Told, owed

QUIET = Quiet(why="ack", until=9, comment="c")


def hook(**more: Any) -> Hook:
    return Hook(**({"name": "h", "url": SecretStr("http://a/b"), "secret_file": "s"} | more))


step = st.tuples(st.sampled_from(["one", "two"]), st.sampled_from(LEVELS), st.booleans(), st.booleans())


@settings(max_examples=300, deadline=None)
@given(st.lists(step, max_size=20), st.sets(st.sampled_from(LEVELS), min_size=1))
def test_it_is_told_once_of_each_change_and_to_the_end(steps: list[Any], levels: set[str]) -> None:
    """Asked again at once it is owed nothing; what ended does not stand there, and nothing unwanted begins there."""
    of = hook(levels=tuple(sorted(levels)))
    told: Told | None = None
    for event, level, ended, quiet in steps:
        now = notice(level=level, ended=ended, event=event, quiet=QUIET if quiet else None)
        while (due := owed(told, now, of)) is not None:
            assert told is None or due.then.times == told.times + 1
            if due.what == "raised":
                assert level in levels
                assert not quiet
            told = due.then
        assert owed(told, now, of) is None
        if ended:
            assert told is None or not told.stands
        elif told is not None and told.stands:
            assert told.event == event
            assert told.level == level or quiet


def test_the_course_of_an_alert() -> None:
    """Raised, changed, cleared; raised again as another event."""
    told, course = None, []
    for now in (
        notice(level="yellow", event="one"),
        notice(level="red", event="one"),
        notice(level="red", event="one", annotations={"more": "evidence"}),
        notice(level="red", event="one", ended=True),
        notice(level="red", event="one", ended=True),
        notice(level="red", event="two"),
    ):
        due = owed(told, now, hook())
        if due is not None:
            told = due.then
            course.append((due.what, told.level, told.times))
    assert course == [("raised", "yellow", 1), ("changed", "red", 2), ("cleared", "red", 3), ("raised", "red", 4)]


@pytest.mark.parametrize(
    ("wants", "about", "expected"),
    [
        ({}, {}, True),
        ({"levels": ("critical",)}, {}, False),
        ({"rules": ("power.*",)}, {}, True),
        ({"rules": ("staff.*",)}, {}, False),
        ({"areas": ("2480",)}, {"areas": ("2480-x", "2480", "24", "SE")}, True),
        ({"areas": ("2482",)}, {"areas": ("2480-x", "2480", "24", "SE")}, False),
        ({}, {"reality": "exe"}, False),
        ({"realities": ("act", "exe")}, {"reality": "exe"}, True),
        ({}, {"quiet": QUIET}, False),
        ({"quiet": True}, {"quiet": QUIET}, True),
    ],
)
def test_what_a_webhook_wants(wants: dict[str, Any], about: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    """Levels, rules, areas, realities, and what people have taken in already."""
    assert hook(**wants).wants(notice(**about)) is expected


def test_who_was_told_hears_the_end_though_he_would_not_be_told_now() -> None:
    """A milder level than he asked for is told, and so is the end, acknowledged or not."""
    of = hook(levels=("red",))
    due = owed(None, notice(level="red"), of)
    assert due is not None
    milder = owed(due.then, notice(level="yellow"), of)
    assert milder is not None
    assert milder.what == "changed"
    ended = owed(milder.then, notice(level="yellow", ended=True, quiet=QUIET), of)
    assert ended is not None
    assert ended.what == "cleared"
