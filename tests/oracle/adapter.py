"""What the program answers to the same questions, in the oracle's words. Only here is `vardkase` imported."""

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import yaml
from vardkase.domain.fold import fold
from vardkase.domain.judge import Judgement, judge_point
from vardkase.domain.merge import Received
from vardkase.domain.rules import Rules
from vardkase.domain.state import PointState
from vardkase_contracts.reports import REPORT

from oracle.merge import Given


@cache
def rules() -> Rules:
    """The program's default table."""
    return Rules.model_validate(yaml.safe_load(files("vardkase.domain").joinpath("default-1.yaml").read_text()))


def received(one: Given) -> Received:
    """A report as the program takes it."""
    return Received(report=REPORT.validate_json(one.raw), received=one.received, digest=sha256(one.raw).digest())


def states(given: Iterable[Given], reality: str = "act") -> dict[str, PointState]:
    """The program's states of one reality, by the point's id."""
    return {point: state for (of, point), state in fold(map(received, given)).items() if of == reality}


def judged(state: PointState, now: int, **more: Any) -> Judgement:
    """A state judged by the default table."""
    return judge_point(state, rules(), now, **more)
