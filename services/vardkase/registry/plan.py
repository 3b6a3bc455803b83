"""The difference between a file and what the node knows: what is new, what changes, what is not in the file."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import ValidationError

from vardkase.registry import checks
from vardkase.registry.candidates import Candidate, explained
from vardkase.registry.coordinates import to_metres
from vardkase.registry.fields import LABEL, POSITION
from vardkase.registry.known import Known
from vardkase.registry.naming import name_points
from vardkase.registry.problems import Problem
from vardkase_contracts.report_data import RegisterData

Change = Literal["new", "changed", "unchanged"]

ASSUMED_KIND: Final = "trygghetspunkt"
"""What a new point is, when neither the file nor the command says."""
_SAME_M: Final = 1.0
"""Metres within which a position is the same: rounding, and from one system to another."""
_SETS: Final = frozenset({"planned_services", "accessibility", "serves"})


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldChange:
    """A field that changes."""

    field: str
    old: Any
    """None: unknown, or not there."""
    new: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What becomes of one row."""

    point: str
    """The point's id."""
    line: int
    """The row's place in the file."""
    change: Change
    profile: Mapping[str, Any]
    """The whole register that would be reported, what is unknown left out."""
    fields: tuple[FieldChange, ...]
    """What changes; of a new point nothing."""
    known: Known | None
    """What the node knows of it; None when it does not."""

    def report_id(self, reality: str) -> str:
        """The id of the report that says so: of what it says and of what it replaces.

        So the same import, broken off and run again, sends the same reports under the same ids; and a register that
        goes back to what it once was is a report of its own.
        """
        replaced = None if self.known is None else self.known.report
        said = json.dumps([reality, self.point, replaced, dict(self.profile)], sort_keys=True, ensure_ascii=False)
        return f"import-{hashlib.sha256(said.encode()).hexdigest()[:32]}"

    @property
    def publish(self) -> tuple[str, str]:
        """What the public sees of it before and after: `hidden`, `listed` or `live`."""
        before = "hidden" if self.known is None or self.known.profile is None else self.known.profile.get("publish")
        return before or "hidden", self.profile.get("publish") or "hidden"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an import would do."""

    steps: tuple[Step, ...]
    """In the order of the file; rows with errors are not among them."""
    missing: tuple[Known, ...]
    """Registered points of the file's kommuner that are not in the file. Nothing is done with them."""
    problems: tuple[Problem, ...]
    """By their lines."""

    def of(self, change: Change) -> list[Step]:
        """The steps of one kind."""
        return [step for step in self.steps if step.change == change]

    @property
    def to_send(self) -> list[Step]:
        """Those that say something the node does not know."""
        return [step for step in self.steps if step.change != "unchanged"]

    @property
    def errors(self) -> list[Problem]:
        """What keeps rows from being sent."""
        return [each for each in self.problems if each.severity == "error"]


def plan(
    candidates: Sequence[Candidate], problems: Sequence[Problem], known: Mapping[str, Known], *, taken: frozenset[str]
) -> Plan:
    """The difference between a file and what the node knows.

    A column that the file does not have leaves its field as the node knows it; an empty cell makes it unknown.

    Args:
        candidates: what the file says.
        problems: what was wrong with it so far.
        known: the points that the node knows, by id; those of all kommuner of the candidates.
        taken: the codes of the kommuner that the node takes reports of.
    """
    found = list(problems)
    found += checks.foreign([each for each in candidates if each.kommun not in taken])
    named, unnamed = name_points([each for each in candidates if each.kommun in taken], known)
    found += unnamed
    steps: list[Step] = []
    assumed = 0
    for point, candidate in named:
        step = _step(point, candidate, known.get(point))
        if isinstance(step, Step):
            steps.append(step)
            assumed += step.change == "new" and "kind" not in candidate.said
        else:
            found += step
    if assumed:
        found.append(checks.assumed(ASSUMED_KIND, assumed))
    in_file = {point for point, _ in named}
    kommuner = {each.kommun for each in candidates}
    present = [each for each in known.values() if not each.retired and each.profile is not None]
    missing = sorted(
        (each for each in present if each.id not in in_file and each.kommun in kommuner), key=lambda each: each.id
    )
    placed = [
        checks.Placed(point=step.point, name=step.profile["name"], line=step.line, position=_lon_lat(step.profile))
        for step in steps
    ]
    beside = [
        checks.Placed(point=each.id, name=each.name, line=None, position=each.position)
        for each in missing
        if each.position is not None
    ]
    found += checks.outside(placed)
    found += checks.near(placed, beside)
    found += checks.too_many(Counter(point[:4] for point in in_file | {each.id for each in present}))
    found.sort(key=lambda each: (each.line is not None, each.line or 0, each.severity))
    return Plan(steps=tuple(steps), missing=tuple(missing), problems=tuple(found))


def _step(point: str, candidate: Candidate, known: Known | None) -> Step | list[Problem]:
    profile = {} if known is None or known.profile is None else known.profile
    before = {name: value for name, value in profile.items() if name in RegisterData.model_fields}
    wanted: dict[str, Any] = before | dict(candidate.said)
    if not before:
        wanted.setdefault("kind", ASSUMED_KIND)
    if candidate.position is not None:
        wanted["position"] = {"lon": candidate.position[0], "lat": candidate.position[1]}
    try:
        data = RegisterData.model_validate_json(json.dumps({k: v for k, v in wanted.items() if v is not None}))
    except ValidationError as error:
        return [_wrong(point, candidate.line, field, why) for field, why in explained(error)]
    after = {name: value for name, value in data.model_dump(mode="json").items() if value is not None}
    after = {name: before[name] if _same(name, before.get(name), value) else value for name, value in after.items()}
    changes = tuple(
        FieldChange(field=name, old=before.get(name), new=after.get(name))
        for name in RegisterData.model_fields
        if before and before.get(name) != after.get(name)
    )
    change: Change = "new" if not before else "changed" if changes else "unchanged"
    return Step(point=point, line=candidate.line, change=change, profile=after, fields=changes, known=known)


def _wrong(point: str, line: int, field: str, why: str) -> Problem:
    known = field if field in LABEL else None
    return Problem(
        severity="error", code="value", text=f"{LABEL.get(field, field)}: {why}", line=line, field=known, point=point
    )


def _same(field: str, old: Any, new: Any) -> bool:
    """Whether two values say the same, though they are not written alike."""
    if old is None:
        return False
    if field in _SETS:
        return set(old) == set(new)
    if field == POSITION:
        (one, other) = to_metres([(old["lon"], old["lat"]), (new["lon"], new["lat"])])
        return math.dist(one, other) < _SAME_M
    return bool(old == new)


def _lon_lat(profile: Mapping[str, Any]) -> tuple[float, float]:
    return profile["position"]["lon"], profile["position"]["lat"]
