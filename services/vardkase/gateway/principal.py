"""Who asks, and what that opens: a role, an area and realities. Pure; the table is docs/app-developer.md's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from vardkase_contracts.areas import KOMMUNER, Area, areas_of
from vardkase_contracts.vocab import OrderKind, Reality, ReportKind

GatewayRole = Literal["reader", "reporter", "kommun", "lan", "nation", "admin"]
"""What somebody may do with the gateway. `reader`: look. `reporter`: report, about one point or one kommun, and see it.
`kommun`, `lan`, `nation`: the staff of that level: look, act, and in a kommun report. `admin`: access itself."""
ROLES: Final[tuple[GatewayRole, ...]] = get_args(GatewayRole)

_READS: Final = frozenset({"reader", "kommun", "lan", "nation"})
_REPORTS: Final = frozenset({"reporter", "kommun"})
#: A level never takes over another's responsibility: each gives orders about its own area and those in it.
_ORDERS: Final[Mapping[GatewayRole, frozenset[OrderKind]]] = {
    "kommun": frozenset({"ack", "silence", "note", "adopt", "incident", "rules", "redact"}),
    "lan": frozenset({"ack", "silence", "note", "adopt", "incident", "rules", "redact", "report_request"}),
    "nation": frozenset({"ack", "silence", "note", "adopt", "incident", "rules", "redact", "report_request"}),
}


def within(inner: Area, outer: Area) -> bool:
    """Whether an area is another one, or lies in it."""
    if outer.level == "nation" or inner == outer:
        return True
    if inner.level == "kommun":
        return outer in areas_of(inner.code)
    return set(inner.kommuner()) <= set(outer.kommuner()) and inner.level != "nation"


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Somebody who has shown who they are."""

    id: str
    """The id of the token, or of the issuer's subject: for the audit. Never the secret."""
    role: GatewayRole
    area: Area
    """Nothing outside it is opened."""
    realities: frozenset[Reality]
    """Nothing of another is opened."""
    point: str | None = None
    """The one point that it is bound to; None: all in the area."""
    expires: int | None = None
    """The instant (µs) after which it opens nothing; None: it does not expire."""

    def reads(self, area: Area, reality: Reality) -> bool:
        """Whether pictures, states and alerts of an area may be read."""
        return self.role in _READS and reality in self.realities and within(area, self.area)

    def reads_point(self, point: str, reality: Reality) -> bool:
        """Whether a point's state may be read: who reports about it sees it."""
        kommun = point[:4]
        if kommun not in KOMMUNER or reality not in self.realities:
            return False
        return (self.role in _READS or self.role == "reporter") and self._covers(point)

    def reports(self, point: str, reality: Reality, kind: ReportKind) -> bool:
        """Whether a report about a point (or, `<kommun>-_`, a kommun itself) may be sent.

        Who is bound to one point says how it is; what a point is (register, retire) is its kommun's to say.
        """
        if self.role not in _REPORTS or reality not in self.realities or not self._covers(point):
            return False
        return self.point is None or kind not in {"register", "retire", "withdraw", "activation"}

    def orders(self, kind: OrderKind, area: Area, reality: Reality) -> bool:
        """Whether an order about an area may be given."""
        return kind in _ORDERS.get(self.role, ()) and reality in self.realities and within(area, self.area)

    def manages(self, area: Area) -> bool:
        """Whether tokens for an area may be made and revoked."""
        return self.role == "admin" and within(area, self.area)

    def _covers(self, point: str) -> bool:
        if self.point is not None:
            return point == self.point
        kommun = point[:4]
        return kommun in KOMMUNER and within(Area("kommun", kommun), self.area)
