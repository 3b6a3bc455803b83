"""What a rehearsal tells of itself while it goes on, and when it is over. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from vardkase.rehearsal.program import Fault

Phase = Literal["setting up", "starting", "linking", "storm", "settling", "comparing", "stopping"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkSeen:
    """A link, as the parent sees it."""

    up: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Healed:
    """One fault, and what came of it."""

    fault: Fault
    began: float
    """Seconds after the storm's beginning."""
    lasted: float
    """Seconds from its first cut to the last."""
    restarted: float | None
    """Seconds until all servers that were killed were back and ready; None: none was."""
    waiting: int
    """Reports that were at their kommun and not at the nation when it had healed."""
    converged: float | None
    """Seconds from then until every hub had all that had been sent by then; None: not in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """What a hub's log has when all is over, by report id."""

    hub: str
    sent: int
    """Below it."""
    merged: int
    """Of them, there."""
    lost: int
    doubled: int
    strange: int
    """There, and never sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What a whole node says when all is over, beside what follows from the same reports folded from the beginning."""

    node: str
    states: int
    """Points and kommuner of which something is known."""
    differing: int
    """States and pictures with another version."""
    alerts: int
    """That follow."""
    missed: int
    """That should be open and are not, or at another level."""
    false: int
    """Open that should not be."""
    doubled: int
    """Told twice, or raised again without having been cleared."""
    examples: Sequence[str] = ()
    """The first few, in words."""

    @property
    def wrong(self) -> bool:
        """Whether anything is."""
        return bool(self.differing or self.missed or self.false or self.doubled)


@dataclass(frozen=True, kw_only=True, slots=True)
class Orders:
    """Acts of people given in the middle of faults, and where they came."""

    given: int
    expected: int
    """Places that they concern."""
    lost: int
    """Places that they did not come to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What it took."""

    servers: int
    memory_mib: int
    """Resident, of the servers, the whole nodes and the rehearsal itself, at the end of the storm."""
    rehearsal_mib: int
    """Of it, the rehearsal's own process."""
    starting_s: float
    """Until every link was up."""
    cpu_s: float
    """Processor seconds of all of them, from the start to the end of the storm."""


@dataclass(kw_only=True, slots=True)
class Outcome:
    """A rehearsal that is over."""

    seed: int
    minutes: float
    kommuner: int
    lan: int
    emitted: int = 0
    """Reports of the storm that were for this cast."""
    refused: int = 0
    """Of these, by the check at their kommun: the storm makes mistakes on purpose."""
    repeated: int = 0
    """Of these, the same again: known at their kommun."""
    unsent: int = 0
    """That never came onto their own kommun's disk."""
    sent: int = 0
    """On their kommun's disk: what must be everywhere above."""
    faults: list[Healed] = field(default_factory=list[Healed])
    merged: list[Merged] = field(default_factory=list[Merged])
    judged: list[Judged] = field(default_factory=list[Judged])
    orders: Orders | None = None
    costs: Costs | None = None
    mended: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often links mended something, by what; of the nodes without services."""
    troubles: list[str] = field(default_factory=list[str])
    """What went wrong in the rehearsal itself, in words."""

    @property
    def lost(self) -> int:
        """At all hubs together."""
        return sum(each.lost for each in self.merged)

    @property
    def doubled(self) -> int:
        """At all hubs together."""
        return sum(each.doubled for each in self.merged)

    @property
    def passed(self) -> bool:
        """Whether all is as it must be."""
        return (
            bool(self.merged and self.judged and self.sent)
            and not self.troubles
            and not (self.unsent or self.lost or self.doubled or any(each.strange for each in self.merged))
            and all(each.converged is not None for each in self.faults)
            and not any(each.wrong for each in self.judged)
            and not (self.orders is not None and self.orders.lost)
        )

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"passed": self.passed, "lost": self.lost, "doubled": self.doubled, **asdict(self)}
