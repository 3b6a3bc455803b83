"""Answers against the table of rules: what is wrong, in Swedish, at the field. `form/check.js` does the same."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from vardkase.gateway.reporting.rules import (
    NUMBER,
    SAME,
    WHOLE,
    Any_,
    Apart,
    Ask,
    Beside,
    Choice,
    Clock,
    Number,
    Rule,
    Text,
)
from vardkase.gateway.reporting.times import parse_clock
from vardkase.gateway.reporting.words import number as written
from vardkase_contracts.instants import parse
from vardkase_contracts.report_data import LANGUAGE

MOST_FIELDS: Final = 400
"""Inputs of one form; ours have some 120."""
LONGEST: Final = 16_000
"""Characters of one answer; what a field takes is less."""

_TEXTS: Final = TypeAdapter(
    Annotated[
        dict[Annotated[str, Field(pattern=LANGUAGE)], Annotated[str, Field(max_length=500)]], Field(max_length=22)
    ]
)
_CHOOSE: Final = "Välj ett av svaren."
_NUMBER: Final = re.compile(NUMBER)
_WHOLE: Final = re.compile(WHOLE)
_BLANKS: Final = re.compile(r"[\s\u00a0\u202f]")
_CONTROLS: Final = re.compile(r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]")

Answers = Mapping[str, str]
"""What was answered, by input: no blanks around it, never empty."""


def answers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What was answered: the inputs that are not empty. Line ends are one character. The first of two of a name.

    Args:
        pairs: names and values, as they came.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        text = value[: LONGEST + 1].replace("\r\n", "\n").replace("\r", "\n").strip()
        if text and len(found) < MOST_FIELDS:
            found.setdefault(name, text)
    return found


def check(given: Answers, rules: Iterable[Rule]) -> dict[str, str]:
    """What is wrong, by field and in the order of the rules; the first of each field."""
    wrong: dict[str, str] = {}
    for rule in rules:
        if not all(holds(given, any_) for any_ in rule.when):
            continue
        said = _wrong(given, rule)
        if said is not None:
            wrong.setdefault(rule.field, said)
    return wrong


def holds(given: Answers, any_: Any_) -> bool:
    """Whether one of these was answered so."""
    return any(_one(given, token) for token in any_)


def parse_number(text: str) -> float | None:
    """A number as people write it; None of what is none."""
    bare = _BLANKS.sub("", text)
    return float(bare.replace(",", ".").replace("\N{MINUS SIGN}", "-")) if _NUMBER.match(bare) else None


def _one(given: Answers, token: str) -> bool:
    name, equals, value = token.partition("=")
    if equals:
        return given.get(name) == value
    if name.endswith(".*"):
        return any(each.startswith(name[:-1]) for each in given)
    return name in given


def _wrong(given: Answers, rule: Rule) -> str | None:  # noqa: PLR0911 - one case a kind of rule
    match rule:
        case Ask():
            return None if holds(given, rule.answered) else rule.say
        case Apart():
            return rule.say if rule.field in given and rule.other in given else None
        case _:
            pass
    text = given.get(rule.field)
    if text is None:
        return None
    match rule:
        case Number():
            return _wrong_number(text, rule)
        case Text() if len(text) > rule.most:
            return f"Högst {rule.most} tecken. Nu är det {len(text) if len(text) <= LONGEST else 'ännu fler'}."
        case Text() if _CONTROLS.search(text) or (rule.line and "\n" in text):
            return "Texten har tecken som inte går att skicka."
        case Clock() if parse_clock(text) is None:
            return "Skriv ett klockslag, till exempel 21:10."
        case Choice() if text not in rule.of:
            return _CHOOSE
        case Beside() if text not in rule.of and carried(text, rule) is None:
            return _CHOOSE
        case _:
            return None


def texts(json: str) -> dict[str, str]:
    """Texts by language.

    Raises:
        ValueError: they cannot be a message's.
    """
    return _TEXTS.validate_json(json)


def carried(text: str, rule: Beside) -> Any | None:
    """What "samma" is the same as: a number, an instant (µs), texts by language. None of what cannot be that."""
    if rule.carries is None or not text.startswith(SAME):
        return None
    value = text.removeprefix(SAME)
    try:
        match rule.carries:
            case "whole":
                return found if rule.least <= (found := int(value)) <= rule.most else None
            case "number":
                return found if rule.least <= (found := float(value)) <= rule.most else None
            case "moment":
                return parse(value)
            case "texts":
                return texts(value)
    except ValueError:
        return None


def _wrong_number(text: str, rule: Number) -> str | None:
    value = parse_number(text)
    if value is None or (rule.whole and not _WHOLE.match(_BLANKS.sub("", text))):
        return "Skriv ett helt tal, med siffror." if rule.whole else "Skriv ett tal, till exempel 12 eller 12,5."
    if value < rule.least:
        return f"Minst {written(rule.least)}."
    if value > rule.most:
        return f"Högst {written(rule.most)}."
    return None
