"""What a campaign found, as rows of a table."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

_HEAD: Final = (
    "fault",
    "at report",
    "not ready after",
    "ready again after",
    "caught up after",
    "longest false “ready”",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One fault."""

    fault: str
    at: int
    """After how many acknowledged reports it began."""
    unready: float | None
    """Seconds from its beginning until the node said it is not ready; None if it never had to."""
    ready: float | None
    """Seconds from its end until the node was ready, and stayed so."""
    caught_up: float | None
    """Seconds from its end until all that had been accepted by then was dealt with."""
    lie: float
    """The longest, in seconds, that a service said it is ready with work waiting and none done."""


@dataclass(kw_only=True, slots=True)
class Outcome:
    """One campaign: its faults, and what was left when all was over."""

    name: str
    rows: list[Row] = field(default_factory=list[Row])
    sent: int = 0
    """Messages that the stream acknowledged."""
    reports: int = 0
    """How many of them the log has: each copy once."""
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    """States, alerts and pictures other than those made from the log at once."""
    archive: str = ""
    """How the archive was found; empty when there is none."""
    wrong_in_archive: int = 0
    """What the archive lacks or has twice."""
    before: Mapping[str, float] = field(default_factory=dict[str, float])
    """Resident memory of each process before, MiB."""
    after: Mapping[str, float] = field(default_factory=dict[str, float])
    """The same when all was over."""
    fresh: Mapping[str, float] = field(default_factory=dict[str, float])
    """The same of processes just started, with all that the run has left for them to hold."""
    most: Mapping[str, float] = field(default_factory=dict[str, float])
    """The most that each has had."""
    notes: list[str] = field(default_factory=list[str])

    def markdown(self) -> str:
        """The outcome as a section with tables."""
        summary = [
            ("acknowledged by INTAKE", f"{self.sent:,}"),
            ("reports in the log", f"{self.reports:,}"),
            ("lost", str(self.lost)),
            ("doubled", str(self.doubled)),
            ("states, alerts, pictures that differ", str(self.differing)),
        ]
        if self.archive:
            summary.append(("archive", self.archive))
        parts = [f"### {self.name}", _table(("", ""), summary)]
        if self.rows:
            parts.append(
                _table(
                    _HEAD,
                    (
                        (
                            row.fault,
                            f"{row.at:,}",
                            _seconds(row.unready),
                            _seconds(row.ready),
                            _seconds(row.caught_up),
                            _seconds(row.lie),
                        )
                        for row in self.rows
                    ),
                )
            )
        if self.after:
            columns = {"before": self.before, "most": self.most, "after": self.after}
            if self.fresh:
                columns["started anew"] = self.fresh
            sizes = (
                (name, *(f"{column[name]:.0f}" if name in column else "-" for column in columns.values()))
                for name in sorted(self.after)
            )
            parts.append(_table(("memory, MiB", *columns), sizes))
        parts += self.notes
        return "\n\n".join(parts) + "\n"


Record = Callable[[Outcome], None]
"""Puts an outcome into the report of the run."""


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
