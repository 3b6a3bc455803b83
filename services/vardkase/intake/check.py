"""May this message enter the log? A pure function of its subject and its bytes (CONTRACT §4)."""

from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from vardkase_contracts import subjects
from vardkase_contracts.refusals import Refusal, explain, mismatch
from vardkase_contracts.reports import MAX_BYTES, REPORT, Report
from vardkase_contracts.subjects import ReportSubject, SubjectError

_TOO_LARGE: Final = Refusal("too_large", None, f"A report is at most {MAX_BYTES} bytes")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A report that may enter the log."""

    report: Report
    where: ReportSubject

    @property
    def identity(self) -> str:
        """Its message id in the log: reality, kommun and id."""
        return f"{self.where.reality}.{self.where.kommun}.{self.report.id}"


def check(subject: str, data: bytes) -> Accepted | Refusal:
    """Check a message: its size, its subject, its form, and whether the two say the same."""
    if len(data) > MAX_BYTES:
        return _TOO_LARGE
    where = subjects.parse_report(subject)
    if isinstance(where, SubjectError):
        return Refusal(where.reason, where.field, where.detail)
    try:
        report = REPORT.validate_json(data)
    except ValidationError as error:
        return explain(data, error)
    return mismatch(where, report) or Accepted(report, where)
