"""How a node's links are: seen at each look, and told as metrics and checks."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from vardkase.runtime.exposition import family
from vardkase.runtime.health import Check

To = Literal["child", "parent"]
WHATS: Final = ("restart", "resumed", "parted", "gap", "stalled", "stuck", "lost", "redial")
"""What is mended; `redial` of the link to the parent alone."""


@dataclass(kw_only=True, slots=True)
class LinkHealth:
    """One link, as it was seen last."""

    node: str
    """The node at its other end."""
    area: str
    """The code of its area."""
    to: To
    up: bool = False
    since: float = field(default_factory=time.time)
    """Since when it is up, or down; seconds since the epoch."""
    seen: float | None = None
    """When the other node last answered; None: not since this node started."""
    waiting: int | None = None
    """Messages there that are not here yet; None: not known while it is down."""
    behind_s: float | None = None
    """How much older the last report here is than the last one there, seconds."""
    detail: str = "not yet seen"
    """For people."""
    healed: dict[str, int] = field(default_factory=dict[str, int])
    """How often something was mended, by what."""

    def answered(self, waiting: int, behind_s: float, detail: str) -> None:
        """It answered now."""
        self.seen = time.time()
        if not self.up:
            self.up, self.since = True, self.seen
        self.waiting, self.behind_s = waiting, behind_s
        self.detail = detail or "up"

    def silent(self, why: str) -> None:
        """It did not."""
        if self.up:
            self.up, self.since = False, time.time()
        self.waiting = self.behind_s = None
        self.detail = why

    def mended(self, what: str) -> None:
        """Something was mended."""
        self.healed[what] = self.healed.get(what, 0) + 1

    def check(self) -> Check:
        """As a check of the node, which is ready without it."""
        return Check(name=f"link {self.node}", ok=self.up, detail=self.detail, needed=False)


def exposition(links: Sequence[LinkHealth]) -> str:
    """The links as Prometheus' text."""
    children = [each for each in links if each.to == "child"]
    parents = [each for each in links if each.to == "parent"]

    now = time.time()

    def of(found: Iterable[LinkHealth], name: str, what: str) -> list[tuple[dict[str, str], float]]:
        values = ((each.node, getattr(each, what)) for each in found)
        return [({name: node}, float(value)) for node, value in values if value is not None]

    def age(found: Iterable[LinkHealth], name: str, what: str) -> list[tuple[dict[str, str], float]]:
        return [(labels, max(0.0, now - value)) for labels, value in of(found, name, what)]

    healed = [
        ({each.to: each.node, "what": what}, float(each.healed.get(what, 0)))
        for each in links
        for what in WHATS
        if what != "redial" or each.to == "parent"
    ]
    families = (
        ("vardkase_link_up", "gauge", "1 while the link to a child node answers", of(children, "child", "up")),
        ("vardkase_link_state_seconds", "gauge", "For how long it is up, or down", age(children, "child", "since")),
        ("vardkase_link_silence_seconds", "gauge", "Since a child node last answered", age(children, "child", "seen")),
        ("vardkase_source_lag", "gauge", "Messages at a child that are not here yet", of(children, "child", "waiting")),
        (
            "vardkase_source_behind_seconds",
            "gauge",
            "How much older the last report here is than the last one at the child",
            of(children, "child", "behind_s"),
        ),
        ("vardkase_parent_up", "gauge", "1 while the link to the parent answers", of(parents, "parent", "up")),
        ("vardkase_parent_state_seconds", "gauge", "For how long it is up, or down", age(parents, "parent", "since")),
        ("vardkase_parent_lag", "gauge", "Orders at the parent not here yet", of(parents, "parent", "waiting")),
        ("vardkase_link_healed_total", "counter", "Times that a link's streams were mended", healed),
    )
    return "".join(family(name, kind, text, samples) for name, kind, text, samples in families if samples)
