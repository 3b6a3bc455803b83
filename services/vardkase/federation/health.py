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
    looked: bool = False
    """Whether it has been looked at since this node started: before that it is neither up nor down."""
    since: float = field(default_factory=time.time)
    """Since when it is up, or down; seconds since the epoch."""
    seen: float | None = None
    """When the other node last answered; None: not since this node started."""
    waiting: int | None = None
    """Messages there that are not here yet; None: not known while it is down."""
    behind_s: float | None = None
    """How much older the last report here is than the last one there, seconds."""
    ill: str = ""
    """Why nothing comes over it though the other node answers; empty when it does."""
    held: bool = False
    """Whether it waits since the log here is nearly full, and it filled it."""
    foreign: int = 0
    """Messages that landed here and were not the child's to send: they go no further."""
    detail: str = "not yet seen"
    """For people."""
    healed: dict[str, int] = field(default_factory=dict[str, int])
    """How often something was mended, by what."""

    def answered(self, waiting: int, behind_s: float, detail: str, *, ill: str = "") -> None:
        """It answered now.

        Args:
            waiting: messages there that are not here yet.
            behind_s: how much older the last one here is than the last one there, in seconds.
            detail: what is to be said of it; empty: nothing.
            ill: why nothing comes though it answers; empty when it does.
        """
        self.seen, self.looked, self.ill = time.time(), True, ill
        if not self.up:
            self.up, self.since = True, self.seen
        self.waiting, self.behind_s = waiting, behind_s
        self.detail = detail or "up"

    def silent(self, why: str) -> None:
        """It did not.

        What went unseen before this node started is not seen to have gone now: `since` stays what was remembered.
        """
        self.looked, self.ill = True, ""
        if self.up:
            self.up, self.since = False, time.time()
        self.waiting = self.behind_s = None
        self.detail = why

    def mended(self, what: str) -> None:
        """Something was mended."""
        self.healed[what] = self.healed.get(what, 0) + 1

    def check(self) -> Check:
        """As a check of the node, which is ready without it."""
        foreign = f"; {self.foreign} messages that were not its to send" if self.foreign else ""
        detail = f"{self.ill or self.detail}{foreign}"
        return Check(name=f"link {self.node}", ok=self.up and not self.ill, detail=detail, needed=False)


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
        (
            "vardkase_link_stalled",
            "gauge",
            "1 while nothing comes over a link though the node at its other end answers",
            [({"child" if each.to == "child" else "parent": each.node}, float(bool(each.ill))) for each in links],
        ),
        (
            "vardkase_link_held",
            "gauge",
            "1 while a child waits since the log here is nearly full, and it filled it",
            of(children, "child", "held"),
        ),
        (
            "vardkase_link_foreign_total",
            "counter",
            "Messages of a child that were not its to send: they go no further",
            of(children, "child", "foreign"),
        ),
        ("vardkase_parent_up", "gauge", "1 while the link to the parent answers", of(parents, "parent", "up")),
        ("vardkase_parent_state_seconds", "gauge", "For how long it is up, or down", age(parents, "parent", "since")),
        ("vardkase_parent_lag", "gauge", "Orders at the parent not here yet", of(parents, "parent", "waiting")),
        ("vardkase_link_healed_total", "counter", "Times that a link's streams were mended", healed),
    )
    return "".join(family(name, kind, text, samples) for name, kind, text, samples in families if samples)
