"""What an examination found."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["ok", "warning", "error", "skipped"]
"""`warning`: it works, and somebody ought to look. `error`: something is wrong now. `skipped`: it could not be seen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One check, what was seen, and what to do."""

    group: str
    """What the check belongs to: `settings`, `data`, `services`, `nats`, `streams`, `consumers`, `clocks`, `reports`,
    `links`, `public`, `archive`."""
    check: str
    """What was looked at: `stream REPORTS`, `free space`. The same at every run, for a program."""
    status: Status
    seen: str
    """What was seen, in Swedish, one line."""
    do: str = ""
    """What to do about it, in Swedish, one line; empty when it is well."""

    def told(self) -> dict[str, Any]:
        """The finding as JSON."""
        return asdict(self)


class Findings:
    """What one group of checks has found so far: kept also when the rest of it does not come to an end."""

    def __init__(self, group: str, tell: Callable[[Finding], None]) -> None:
        self._group = group
        self._tell = tell

    def ok(self, check: str, seen: str) -> None:
        """It is well."""
        self._tell(Finding(group=self._group, check=check, status="ok", seen=_line(seen)))

    def warning(self, check: str, seen: str, do: str) -> None:
        """It works, and somebody ought to look."""
        self._tell(Finding(group=self._group, check=check, status="warning", seen=_line(seen), do=do))

    def error(self, check: str, seen: str, do: str) -> None:
        """It is wrong now."""
        self._tell(Finding(group=self._group, check=check, status="error", seen=_line(seen), do=do))

    def skipped(self, check: str, seen: str, do: str = "") -> None:
        """It could not be seen."""
        self._tell(Finding(group=self._group, check=check, status="skipped", seen=_line(seen), do=do))


def _line(text: str) -> str:
    return " ".join(text.split())[:500]
