"""Rule overrides as data: a part of the table of rules for a point or an area, and the whole table that comes of it.

What an order says is checked as the table itself is, merged into it. Of several overrides the most specific one wins,
setting by setting. docs/rules.md says how.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from vardkase_contracts.instants import SECOND
from vardkase_contracts.vocab import ALERT_LEVELS, RULES, Rule

from .rules import GREATEST, Duration, LevelSpec, Rules, RuleSpec, fault_of

#: The settings that are durations; in what is hashed they are whole seconds.
_DURATIONS = ("keep", "after_open", "after_heartbeats")
_SETTINGS = (*ALERT_LEVELS, *_DURATIONS, "min_open", "min_red")

#: The settings of some rules that are other than the table's: durations in µs, a level that never holds is `None`.
Override = Mapping[Rule, Mapping[str, Any]]


class BadOverride(ValueError):  # noqa: N818 -- what it is
    """An override that cannot be in force.

    Attributes:
        field: of the order, dotted: `data.override.heat.low.red.limit`.
        detail: one line that does not repeat what the order held.
        out_of_range: whether a value is out of bounds.
    """

    def __init__(self, field: str, detail: str, *, out_of_range: bool = False) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail
        self.out_of_range = out_of_range


def _level(value: Any) -> Any:
    """A number alone is the limit, a duration alone the `for`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"limit": value}
    return {"for": value} if isinstance(value, str) else value


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


class _LevelPart(_Part):
    limit: float | None = Field(default=None, ge=0, le=GREATEST)
    held: Duration = Field(default=0, alias="for", validate_default=False)


_Level = Annotated[_LevelPart | None, BeforeValidator(_level)]


class _RulePart(_Part):
    """Of a rule what is given, and no more."""

    yellow: _Level = None
    red: _Level = None
    critical: _Level = None
    keep: Duration = Field(default=0, validate_default=False)
    after_open: Duration = Field(default=0, validate_default=False)
    after_heartbeats: Duration = Field(default=0, validate_default=False)
    min_open: int = Field(default=0, ge=0, le=GREATEST)
    min_red: int = Field(default=0, ge=0, le=GREATEST)


_FIELDS = frozenset({*RULES, *_SETTINGS, "limit", "for"})
_OUT_OF_RANGE = frozenset({"greater_than_equal", "less_than_equal", "finite_number"})
#: Our words where pydantic's would name a class of ours.
_DETAILS = {
    "extra_forbidden": "there is no such setting",
    "model_type": "should be a limit, a duration, both as {limit, for}, or null: the level never holds",
}


def parse(said: Mapping[str, Any] | None, base: Rules, *, of_point: bool) -> Override:
    """What the `override` of an order says, checked as the table is once it is merged into it.

    Args:
        said: by rule its settings; `None`, a rule that is `None`, or one without settings, says nothing.
        base: the node's own table.
        of_point: whether its scope is a point: a point has no rules about areas.

    Raises:
        BadOverride: it cannot be in force.
    """
    found: dict[Rule, Mapping[str, Any]] = {}
    for name, settings in (said or {}).items():
        if name not in RULES:
            raise BadOverride("data.override", "names a rule that there is not")
        field = f"data.override.{name}"
        if of_point and name.startswith("area."):
            raise BadOverride(field, "is about areas: a point has no such rule")
        part = _parse_rule(field, settings or {})
        fault = fault_of(name, merged(base[name], [part]))
        if fault is not None:
            where = f"{field}.{fault.setting}".rstrip(".")
            raise BadOverride(where, fault.detail, out_of_range=fault.out_of_range)
        if part:
            found[name] = part
    return found


def _parse_rule(field: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        given = _RulePart.model_validate(settings)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        path = [field]
        for part in fault["loc"]:
            if part not in _FIELDS:
                break
            path.append(str(part))
        detail = _DETAILS.get(fault["type"], fault["msg"])
        raise BadOverride(
            ".".join(path), detail.removeprefix("Value error, "), out_of_range=fault["type"] in _OUT_OF_RANGE
        ) from None
    return {name: _plain(getattr(given, name)) for name in _SETTINGS if name in given.model_fields_set}


def _plain(value: Any) -> Any:
    """A level as a mapping of what is given of it; another setting as it is."""
    if not isinstance(value, _LevelPart):
        return value
    found: dict[str, Any] = {}
    if "limit" in value.model_fields_set:
        found["limit"] = None if value.limit is None else value.limit + 0.0  # -0.0 is 0.0
    if "held" in value.model_fields_set:
        found["for"] = value.held
    return found


def merged(base: RuleSpec, parts: Sequence[Mapping[str, Any]]) -> RuleSpec:
    """A rule with settings of its own put over it, one part after the other; it is not checked."""
    settings = settings_of(base)
    for part in parts:
        for name, value in part.items():
            if name in ALERT_LEVELS and value is not None:
                settings[name] = (settings[name] or {"limit": None, "for": 0}) | value
            else:
                settings[name] = value
    levels = {
        name: None if level is None else LevelSpec.model_construct(limit=level["limit"], held=level["for"])
        for name, level in settings.items()
        if name in ALERT_LEVELS
    }
    return RuleSpec.model_construct(None, **(settings | levels))


def settings_of(spec: RuleSpec) -> dict[str, Any]:
    """Every setting of a rule, a level as `{"limit", "for"}` or `None`, durations in µs."""
    levels = {
        name: None if (level := spec.level(name)) is None else {"limit": level.limit, "for": level.held}
        for name in ALERT_LEVELS
    }
    return {name: levels[name] if name in levels else getattr(spec, name) for name in _SETTINGS}


class Resolved(NamedTuple):
    """The settings of one rule that overrides have changed, and whose they are."""

    spec: RuleSpec
    #: The scope of each setting that is not the table's: `keep`, `yellow.limit`; `yellow` of one that never holds.
    origins: Mapping[str, str]
    #: Scopes whose override of this rule is set aside: with a more specific one it would make no table.
    aside: tuple[str, ...]


def resolve(base: Rules, chain: Sequence[tuple[str, Override]]) -> dict[Rule, Resolved]:
    """The rules that overrides change, by rule.

    Where all of them together make no table that could be judged by, the least specific are set aside, one after the
    other: the most specific alone was checked when it was given.

    Args:
        base: the node's own table.
        chain: the scopes that have an override, the least specific first.
    """
    found: dict[Rule, Resolved] = {}
    for rule in RULES:
        parts = [(scope, override[rule]) for scope, override in chain if rule in override]
        aside: list[str] = []
        while parts:
            spec = merged(base[rule], [part for _, part in parts])
            if fault_of(rule, spec) is None:
                found[rule] = Resolved(spec, _origins(parts), tuple(aside))
                break
            aside.append(parts.pop(0)[0])
    return found


def _origins(parts: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    origins: dict[str, str] = {}
    for scope, part in parts:
        for name, value in part.items():
            if isinstance(value, Mapping):
                origins.pop(name, None)
                origins |= {f"{name}.{inner}": scope for inner in cast("Mapping[str, Any]", value)}
            else:
                origins = {path: of for path, of in origins.items() if path.partition(".")[0] != name}
                origins[name] = scope
    return origins


def canonical(base: Rules, changed: Mapping[Rule, RuleSpec]) -> str:
    """What a table has other than the node's own, as the JSON that its version is made of; empty when nothing.

    By rule the settings that differ: a level whole, as `{"for", "limit"}` or `null`; durations in whole seconds; limits
    as decimal numbers. Keys sorted, no blanks.
    """
    different = {rule: found for rule, spec in changed.items() if (found := dict(_different(base[rule], spec)))}
    return json.dumps(different, sort_keys=True, separators=(",", ":")) if different else ""


def _different(base: RuleSpec, spec: RuleSpec) -> Iterator[tuple[str, Any]]:
    before, after = settings_of(base), settings_of(spec)
    for name, value in after.items():
        if value == before[name]:
            continue
        if isinstance(value, dict):
            level = cast("dict[str, Any]", value)
            limit = level["limit"]
            yield name, {"for": level["for"] // SECOND, "limit": None if limit is None else float(limit)}
        else:
            yield name, value // SECOND if name in _DURATIONS else value


def with_overrides(base: Rules, changed: Mapping[Rule, RuleSpec]) -> Rules:
    """The table with some rules in the place of its own, and a version that says exactly which."""
    said = canonical(base, changed)
    if not said:
        return base
    version = f"{base.version}+{hashlib.sha256(said.encode()).hexdigest()[:12]}"
    return Rules.model_construct(version=version, rules={**base.rules, **changed})
