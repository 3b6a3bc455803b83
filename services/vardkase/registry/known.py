"""What a node knows of a point's register, as a state (CONTRACT §5) tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vardkase_contracts import ids, instants


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A point that a node knows."""

    id: str
    """The point's id."""
    profile: Mapping[str, Any] | None
    """The data of its register, what is unknown left out; None when it was never registered."""
    report: str | None
    """The id of the report that it came with."""
    observed_at: int | None
    """When that was (µs since the epoch)."""
    retired: bool
    """Whether the point is gone. Its id is never used again."""

    @property
    def kommun(self) -> str:
        """The code of its kommun."""
        return self.id[:4]

    @property
    def slug(self) -> str:
        """Its own part of the id."""
        return self.id[5:]

    @property
    def name(self) -> str:
        """What it is called; its id when that is not known."""
        return self.id if self.profile is None else str(self.profile["name"])

    @property
    def position(self) -> tuple[float, float] | None:
        """Longitude and latitude."""
        found = None if self.profile is None else self.profile["position"]
        return None if found is None else (found["lon"], found["lat"])


def known(document: Mapping[str, Any]) -> Known | None:
    """The point of a state; None of a kommun itself.

    Raises:
        LookupError, TypeError, ValueError: it is no state.
    """
    if document["id"].endswith(f"-{ids.KOMMUN_ITSELF}"):
        return None
    fact = document["facts"].get("profile")
    return Known(
        id=document["id"],
        profile=None if fact is None else {name: value for name, value in fact["value"].items() if value is not None},
        report=None if fact is None else fact["report"],
        observed_at=None if fact is None else instants.parse(fact["observed_at"]),
        retired=document["retired"],
    )
