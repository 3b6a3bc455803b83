"""What of a state must not be shown any more: the texts of people in reports that were redacted. Pure."""

from collections.abc import Collection
from typing import Any, Final

_TEXTS: Final = ("message", "note")
"""Facts that are texts of people."""


def hide(facts: dict[str, Any], hidden: Collection[str]) -> None:
    """Leave out the texts of reports that must not be shown any more.

    Args:
        facts: of a state; they are changed.
        hidden: the ids of those reports, of the state's kommun and reality.
    """
    texts = [facts[name] for name in _TEXTS if name in facts]
    for fact in texts:
        if fact["report"] in hidden:
            fact["value"] = None
            fact["redacted"] = True
    for fact in facts.get("needs", {}).values():
        if fact["report"] in hidden and fact["value"] is not None:
            fact["value"].pop("note", None)
            fact["redacted"] = True
