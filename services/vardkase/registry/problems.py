"""What is wrong with a file, or odd in it: for a person in Swedish, for a program by a code."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
"""With an error a row cannot be sent; with a warning somebody ought to look at it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong, or odd."""

    severity: Severity
    """Whether the row can be sent."""
    code: str
    """What it is, for a program: `number`, `outside_kommun`."""
    text: str
    """What it is, and what was expected, in one line of Swedish."""
    line: int | None = None
    """The line of a CSV file, or the number of a GeoJSON feature, from 1; None of what is about the file."""
    field: str | None = None
    """The field: one of `fields.FIELDS`; None of what is about more than one."""
    point: str | None = None
    """The point's id, where it is known."""


class BadFile(Exception):  # noqa: N818 -- what is the matter
    """The file as a whole cannot be used: one line in Swedish that says why, and what would help."""
