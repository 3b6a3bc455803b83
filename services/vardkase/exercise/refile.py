"""A report of an exercise that was real after all, filed again in skarpt läge: by a person, and never by itself.

The report of the exercise stays as it is. The new one has an id of its own that follows from the old one's identity, so
that the same refiled twice counts once; the time it was seen is kept, and its quality is `relayed`.
"""

import hashlib
from typing import Any, Final

import orjson

from vardkase_contracts.reports import Report
from vardkase_contracts.vocab import ReportKind, Role

KINDS: Final[frozenset[ReportKind]] = frozenset({"status", "resources", "need", "contact", "activation"})
"""Kinds that say how something is. What a point is stands in the register of skarpt läge already; a `confirm` says
nothing without what it confirms, and a heartbeat nothing at all."""
REPORTER: Final = "ovning"
"""What the new report's source ends with: it came out of an exercise."""


class NotRefiled(ValueError):  # noqa: N818 -- what happened
    """This report cannot be filed again as a real one; `field` says what of it stands in the way."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.detail = detail


def origin_of(report: Report) -> str:
    """The identity of a report of an exercise, as the new one names it."""
    return f"{report.reality}.{report.kommun}.{report.id}"


def refiled_id(origin: str) -> str:
    """The id of what a report of an exercise is filed again as."""
    return f"refiled-{hashlib.sha256(origin.encode()).hexdigest()[:32]}"


def refiled(report: Report, *, role: Role) -> bytes:
    """The event in skarpt läge that says the same.

    Args:
        report: of an exercise.
        role: of the person who files it again.

    Raises:
        NotRefiled: it is none, or of a kind that says nothing of how things are.
    """
    if report.reality != "exe":
        raise NotRefiled("reality", "only a report of an exercise (exe) is filed again")
    if report.kind not in KINDS:
        raise NotRefiled("kind", f"a report of kind {report.kind} is not filed again: only {', '.join(sorted(KINDS))}")
    said: dict[str, Any] = orjson.loads(report.model_dump_json(exclude_unset=True))
    event = {
        "specversion": "1.0",
        "id": refiled_id(origin_of(report)),
        "source": f"urn:tp:kommun:{report.kommun}:{REPORTER}",
        "type": said["type"],
        "subject": report.subject,
        "time": said["time"],
        "datacontenttype": "application/json",
        "reality": "act",
        "quality": "relayed",
        "role": role,
        "refiled_from": origin_of(report),
        "data": said["data"],
    }
    return orjson.dumps(event)
