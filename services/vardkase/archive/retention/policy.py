"""How long each class of what is archived is kept, and by whose decision. Unless a file says so, nothing goes. Pure."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

from vardkase.runtime.errors import Refused

Class = Literal["reports", "alerts", "states", "orders", "rejected", "audit"]
CLASSES: Final[tuple[Class, ...]] = get_args(Class)
SHORTEST: Final = 31
"""Days that anything is kept at least: the tools of a shift look so far back."""
LONGEST: Final = 36_500
FILE: Final = "VARDKASE_RETENTION_FILE"
_LARGEST: Final = 64 << 10
_DECISION: Final = 200
_FOR_EVER: Final = "for ever"
_KEYS: Final = frozenset({"keep", "keep_days", "decision"})


class Keep(NamedTuple):
    """How long one class is kept."""

    days: int | None
    """None: for ever."""
    decision: str | None
    """The decision (gallringsbeslut) by which what is older goes."""


Policy = Mapping[Class, Keep]
FOR_EVER: Final = Keep(None, None)


def default() -> Policy:
    """Everything for ever."""
    return dict.fromkeys(CLASSES, FOR_EVER)


def load(path: Path) -> Policy:
    """The policy in a file of TOML: a table for each class that is not kept for ever.

    Raises:
        Refused: it cannot be read, or says something that is not understood: nothing is deleted by guesswork.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except OSError as error:
        raise Refused(f"{FILE}: expected a TOML file that can be read; {path}: {error.strerror}") from None
    if len(text) > _LARGEST:
        raise Refused(f"{FILE}: expected a file of at most {_LARGEST} bytes; {path} is larger")
    try:
        return parse(tomllib.loads(text.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{FILE}: expected TOML in {path}: {' '.join(str(error).split())}") from None
    except ValueError as error:
        raise Refused(f"{FILE}: {path}: {error}") from None


def parse(document: Mapping[str, Any]) -> Policy:
    """The policy that a document says.

    Raises:
        ValueError: something in it is not understood, in one line that names it.
    """
    unknown = sorted(document.keys() - set(CLASSES))
    if unknown:
        raise ValueError(f"{unknown[0]}: no such class; expected some of {', '.join(CLASSES)}")
    return {name: _keep(name, document[name]) if name in document else FOR_EVER for name in CLASSES}


def _keep(name: str, said: Any) -> Keep:
    if not isinstance(said, dict):
        raise ValueError(f"{name}: expected a table with keep_days and decision")  # noqa: TRY004 -- told as the rest
    unknown = sorted(said.keys() - _KEYS)
    if unknown:
        raise ValueError(f"{name}.{unknown[0]}: no such key; expected keep_days and decision, or keep = {_FOR_EVER!r}")
    if "keep" in said:
        if said["keep"] != _FOR_EVER or "keep_days" in said:
            raise ValueError(f"{name}.keep: expected {_FOR_EVER!r} alone, or keep_days")
        return FOR_EVER
    days = said.get("keep_days")
    if type(days) is not int or not SHORTEST <= days <= LONGEST:
        raise ValueError(f"{name}.keep_days: expected a whole number of days from {SHORTEST} to {LONGEST}")
    decision = said.get("decision")
    if not isinstance(decision, str) or not decision.strip() or len(decision) > _DECISION or not decision.isprintable():
        raise ValueError(
            f"{name}.decision: expected the reference of the decision to delete, such as 'KS 2026/123 § 4'"
        )
    return Keep(days, decision.strip())
