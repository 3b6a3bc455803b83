"""Prometheus as an oracle: where our semantics are its own (`for`, `keep_firing_for`), it must say the same.

What is compared: at every whole minute, whether a level holds. Conditions change on whole minutes, so that what
Prometheus samples and what we know without a break are the same; there, "at least so long" and "until so long after"
mean the same instants in both.

What is not, and why (docs/rules.md, "Prometheus"):

- A condition that comes back while its level is still kept. Prometheus goes on with the alert, without a new `for`;
  our `keep` looks at what held in the last minutes, so the level ends and the condition has to hold anew. Both are
  compared up to there, and the difference itself is pinned below. It needs a `for` and a `keep`.
- The ends of scopes (a closed point, another source of power), which clear at once: Prometheus knows none, so its
  answer is cut at them.
- What rules have beside: `after_open`, unknown values, refill, inhibition, `raised_at`.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from oracle.adapter import judged, received
from oracle.make import given, instant
from oracle.mirror import LEVELS, MINUTES, MIRRORS, Mirror, Story, story
from oracle.promtool import MOST, Rule, Series, firing
from vardkase.domain.finding import Finding, open_in, settle
from vardkase.domain.intervals import FOREVER, Intervals, containing, held_for, kept, normal
from vardkase.domain.merge import merge
from vardkase.domain.state import PointState
from vardkase_contracts.instants import MINUTE

pytestmark = pytest.mark.promtool

#: Courses of one condition, and stories of a whole point; `PROMTOOL_CASES` multiplies both.
EFFORT = int(os.environ.get("PROMTOOL_CASES", "1"))
COURSES, STORIES = 2_000 * EFFORT, 15 * EFFORT
#: Minutes of `for` and of `keep`.
HELD, KEEP = (0, 1, 3, 15, 30), (0, 1, 5)
LENGTH = 90
ALWAYS: Intervals = [(-FOREVER, FOREVER)]


class Course(NamedTuple):
    """A condition, minute by minute, and the rule that it is judged by."""

    case: str
    held: int
    keep: int
    holds: list[bool]

    @property
    def alert(self) -> str:
        return f"for {self.held} keep {self.keep}"

    @property
    def condition(self) -> Intervals:
        """When it holds, in minutes. After its end it holds no more."""
        return normal((minute, minute + 1) for minute, each in enumerate(self.holds) if each)


def course(rng: random.Random, case: str) -> Course:
    """A condition that comes and goes, around the durations of its rule."""
    held, keep = rng.choice(HELD), rng.choice(KEEP)
    lengths = [1, 2, 7, *(max(1, each + by) for each in (held, keep) for by in (-1, 0, 1))]
    holds: list[bool] = []
    value = rng.random() < 0.5
    while len(holds) < LENGTH:
        holds += [value] * rng.choice(lengths)
        value = not value
    return Course(case, held, keep, holds[:LENGTH])


def rules_of(courses: Iterable[Course]) -> list[Rule]:
    """The rules of some courses: each looks at its own."""
    return [
        Rule(f"for {held} keep {keep}", f'condition{{rule="{held} {keep}"}} == 1', held, keep)
        for held, keep in sorted({(each.held, each.keep) for each in courses})
    ]


def series_of(each: Course) -> Series:
    """A course as Prometheus is told it."""
    return Series("condition", each.case, [float(holds) for holds in each.holds], {"rule": f"{each.held} {each.keep}"})


def by_us(each: Course) -> frozenset[int]:
    """The minutes at which the domain says that the level holds, by both its ways: at an instant, and for all."""
    condition = [(start * MINUTE, end * MINUTE) for start, end in each.condition]
    finding = Finding(scope=ALWAYS, red=held_for(condition, each.held * MINUTE))
    stretches = open_in(finding, each.keep * MINUTE)
    firing_at = frozenset(at for at in range(len(each.holds)) if containing(stretches, at * MINUTE))
    for at in range(0, len(each.holds), 7):
        settled = settle("comms.112", finding, each.keep * MINUTE, at * MINUTE)
        assert (settled.verdict is not None) == (at in firing_at)
    return firing_at


def first_return(condition: Intervals, held: int, keep: int) -> int | None:
    """When the condition first comes back while its level is kept, where that matters: minute, or `None`."""
    if not held or not keep:
        return None
    for (start, end), (again, _) in pairwise(condition):
        if end - start > held and again <= end + keep:
            return again
    return None


def test_for_and_keep_are_those_of_prometheus(tmp_path: Path) -> None:
    """Thousands of conditions that come and go, around the durations of their rules: Prometheus says the same."""
    rng = random.Random(2026)
    courses = [course(rng, str(number)) for number in range(COURSES)]
    rules = rules_of(courses)
    theirs = firing(tmp_path, rules, [series_of(each) for each in courses], at_once=MOST // 2 * len(rules))
    told_apart = 0
    for each in courses:
        expected = theirs.get((each.alert, each.case), frozenset())
        actual = by_us(each)
        until = first_return(each.condition, each.held, each.keep)
        if until is None:
            assert expected == actual, each
        else:
            told_apart += 1
            assert {at for at in expected if at < until} == {at for at in actual if at < until}, each
            assert expected >= actual, each
    assert told_apart < len(courses) / 3, "most are compared to their end"


def test_what_comes_back_while_it_is_kept(tmp_path: Path) -> None:
    """The difference: a condition is gone for a minute in its `keep`. Prometheus goes on, we ask for `for` anew."""
    each = Course("1", 3, 2, [True] * 5 + [False] + [True] * 6 + [False] * 6)
    theirs = firing(tmp_path, rules_of([each]), [series_of(each)])
    assert frozenset(range(3, 14)) == theirs[each.alert, "1"]
    assert frozenset({3, 4, 5, 6, 9, 10, 11, 12, 13}) == by_us(each)


@pytest.mark.parametrize("lifecycle", ["open", "closing"])
def test_whole_rules(tmp_path: Path, lifecycle: str) -> None:
    """Stories of points with everything that can run short: each rule has the level that Prometheus gives it."""
    rng = random.Random(lifecycle)
    stories = [story(rng, str(number), lifecycle) for number in range(STORIES)]
    mirrors = [mirror for mirror in MIRRORS if lifecycle == mirror.lifecycle or mirror.rule.startswith("power.")]
    rules = [rule for mirror in mirrors for rule in mirror.rules()]
    fired = firing(tmp_path, rules, [series for each in stories for series in each.series()])
    seen: set[tuple[str, str]] = set()
    for each in stories:
        expected, until = by_prometheus(each, mirrors, fired)
        actual = by_program(each)
        for rule in expected.keys() | {rule for levels in actual for rule in levels}:
            for minute in range(until.get(rule, MINUTES)):
                level = expected.get(rule, [None] * MINUTES)[minute]
                assert level == actual[minute].get(rule), (rule, minute, each)
                if level is not None:
                    seen.add((rule, level))
    assert {(mirror.rule, mirror.level) for mirror in mirrors} == seen


Fired = dict[tuple[str, str], frozenset[int]]


def by_prometheus(
    told: Story, mirrors: Iterable[Mirror], fired: Fired
) -> tuple[dict[str, list[str | None]], dict[str, int]]:
    """The level of each rule at each minute, and the minute up to which it can be compared."""
    modes = [power.mode for power in told.aspects["power"] for _ in range(MINUTES // len(told.aspects["power"]))]
    levels: dict[str, list[str | None]] = {}
    until: dict[str, int] = {}
    for mirror in mirrors:
        found = levels.setdefault(mirror.rule, [None] * MINUTES)
        for minute in fired.get((mirror.alert, told.case), ()):
            if mirror.modes is None or modes[minute] in mirror.modes:
                found[minute] = max(found[minute] or "", mirror.level, key=("", *LEVELS).index)
        holds = normal((minute, minute + 1) for minute in fired.get((mirror.condition, told.case), ()))
        apart = first_return(holds, mirror.held, mirror.keep)
        if apart is not None:
            until[mirror.rule] = min(apart, until.get(mirror.rule, MINUTES))
    for rule in ("power.endurance", "power.battery", "power.not_connected"):
        # One power alert at a time: while power is lost, the others are clear.
        levels[rule] = [None if lost else level for level, lost in zip(levels[rule], levels["power.lost"], strict=True)]
        until[rule] = until.get("power.lost", MINUTES)
    return levels, until


def by_program(told: Story) -> list[dict[str, str]]:
    """The open alerts at each minute, each judged when what was reported until then is merged."""
    reports = sorted((received(one) for one in given(told.told())), key=lambda item: item.received)
    state = PointState("2480-umedalen", "act")
    found: list[dict[str, str]] = []
    for minute in range(MINUTES):
        while reports and reports[0].received <= instant(minute):
            merge(state, reports.pop(0))
        verdicts = judged(state, instant(minute)).verdicts
        found.append({rule: verdict.level for rule, verdict in verdicts.items() if rule not in _BESIDE})
    return found


#: What rests on how long ago anything was reported: no reading, so no series.
_BESIDE = frozenset({"freshness.stale", "report.incomplete"})


def test_promtool_is_asked_rightly(tmp_path: Path) -> None:
    """What is asked of promtool comes back minute by minute, over the bounds of what fits in one number."""
    holds = [minute % 7 in {1, 2} for minute in range(137)]
    each = Course("x", 0, 0, holds)
    assert {at for at, held in enumerate(holds) if held} == firing(tmp_path, rules_of([each]), [series_of(each)])[
        each.alert, "x"
    ]
    assert kept(held_for(each.condition, 0), 0, ALWAYS) == each.condition


def test_what_an_operator_loads_is_valid(tmp_path: Path) -> None:
    """The configuration and the alert rules for Prometheus that are shipped can be loaded."""
    shipped = Path(__file__).parents[2] / "infra" / "prometheus"
    shutil.copytree(shipped, tmp_path, dirs_exist_ok=True)
    token = tmp_path / "operator.token"
    token.write_text("a token")
    config = tmp_path / "prometheus.yml"
    config.write_text(config.read_text().replace("/var/lib/vardkase/operator.token", str(token)))
    done = subprocess.run(["promtool", "check", "config", config], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
