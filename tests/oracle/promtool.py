"""Prometheus' own answers: at which minutes an alerting rule fires, by `promtool test rules`.

Thousands of cases go into one run, each a series with a label of its own. What fires comes back as numbers: the minutes
at which an alert fires, as bits of a sum over time, fifty at a time since a float holds 53 exactly.
"""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

_BLOCK: Final = 50
#: For how many cases one rule may fire in one test of promtool's: a query of its loads at most 10,000 samples.
MOST: Final = 180
_SAMPLE: Final = re.compile(r'\{alertname="([^"]+)", case="([^"]+)"\} ([0-9.E+]+)')
#: Bits of the minutes of a block at which an alert fires. The range begins between two minutes, so that it does not
#: matter whether its ends are in it.
_FIRING: Final = (
    'sum by (alertname, case) (sum_over_time((ALERTS{{alertstate="firing", alertname="{alert}"}}'
    " * on () group_left () (2 ^ (time() / 60 - {begin})))[{range}s:1m]))"
)


class Rule(NamedTuple):
    """An alerting rule; its expression gives one series a case."""

    alert: str
    expr: str
    #: `for`, and `keep_firing_for`, in minutes.
    held: int = 0
    keep: int = 0


class Series(NamedTuple):
    """What is known of a case, minute by minute."""

    name: str
    case: str
    values: Sequence[float]
    labels: Mapping[str, str] = {}


def firing(
    folder: Path, rules: Iterable[Rule], series: Sequence[Series], *, at_once: int = MOST
) -> dict[tuple[str, str], frozenset[int]]:
    """The minutes at which alerts fire, by alert and case; what never fires is not there.

    Rules are evaluated every minute from minute 0 to the last one of the series.

    Args:
        folder: an empty one, for promtool's files.
        rules: the rules.
        series: all of one length.
        at_once: cases in one test of promtool's; more than `MOST` where each rule is of some of them only.

    Raises:
        AssertionError: promtool says anything else than what it was asked.
    """
    minutes = len(series[0].values)
    assert all(len(each.values) == minutes for each in series), "series of different lengths"
    every = list(rules)
    _write(folder / "rules.json", {"groups": [{"name": "all", "rules": [_rule(rule) for rule in every]}]})
    blocks = [(begin, min(begin + _BLOCK, minutes)) for begin in range(0, minutes, _BLOCK)]
    asked = [
        {
            "expr": _FIRING.format(alert=rule.alert, begin=begin, range=(end - begin) * 60 - 1),
            "eval_time": f"{end - 1}m",
            "exp_samples": [],  # so that it says what it got
        }
        for rule in every
        for begin, end in blocks
    ]
    tests = [
        {"interval": "1m", "input_series": [_series(each) for each in some], "promql_expr_test": asked}
        for some in _parts(series, at_once)
    ]
    _write(folder / "test.json", {"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": tests})
    done = subprocess.run(
        ["promtool", "test", "rules", "test.json"], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    return _read(done.stdout + done.stderr, blocks)


def _parts(series: Sequence[Series], at_once: int) -> Iterable[list[Series]]:
    """The series of so many cases at a time."""
    cases = sorted({each.case for each in series})
    for begin in range(0, len(cases), at_once):
        some = set(cases[begin : begin + at_once])
        yield [each for each in series if each.case in some]


def _read(said: str, blocks: Sequence[tuple[int, int]]) -> dict[tuple[str, str], frozenset[int]]:
    assert " err: " not in said, said[:2000]
    answers = re.findall(r"time: (\w+),\s+exp: nil\s+got: (.*)", said)
    assert answers or "SUCCESS" in said, said[:2000]
    begins = {_duration(end - 1): begin for begin, end in blocks}
    found: dict[tuple[str, str], set[int]] = {}
    for time, got in answers:
        for alert, case, bits in _SAMPLE.findall(got):
            fired = found.setdefault((alert, case), set())
            fired |= {begins[time] + bit for bit in range(_BLOCK) if int(float(bits)) >> bit & 1}
    return {key: frozenset(minutes) for key, minutes in found.items()}


def _rule(rule: Rule) -> dict[str, str]:
    made = {"alert": rule.alert, "expr": rule.expr, "for": f"{rule.held}m"}
    return made | ({"keep_firing_for": f"{rule.keep}m"} if rule.keep else {})


def _series(series: Series) -> dict[str, str]:
    labels = {"case": series.case, **series.labels}
    inner = ",".join(f'{name}="{value}"' for name, value in labels.items())
    runs = [(value, len(list(run))) for value, run in groupby(series.values)]
    # "a+0xn" is a, n + 1 times.
    return {
        "series": f"{series.name}{{{inner}}}",
        "values": " ".join(f"{value}+0x{length - 1}" for value, length in runs),
    }


def _duration(minutes: int) -> str:
    """A duration as Prometheus writes it: "1h30m"."""
    hours, rest = divmod(minutes, 60)
    return (f"{hours}h" if hours else "") + (f"{rest}m" if rest or not hours else "") if minutes else "0s"


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")
