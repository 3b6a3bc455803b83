"""Who asks, and what that opens: a role, an area and realities. Pure; the table is docs/access.md's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.vocab import ACCESS_ROLES, ORDER_KINDS, AccessRole, OrderKind, Reality, ReportKind

GatewayRole = AccessRole
"""What somebody may do with the gateway. `reader`: look. `reporter`: report, about one point or one kommun, and see it.
`kommun`, `lan`, `nation`: the staff of that level: look, act, and in a kommun report. `admin`: whoever runs the node:
all of it in the area, and access itself (who can make any token of the area could do all of it with one)."""
ROLES: Final[tuple[GatewayRole, ...]] = ACCESS_ROLES

_READS: Final = frozenset({"reader", "kommun", "lan", "nation", "admin"})
_REPORTS: Final = frozenset({"reporter", "kommun", "admin"})
#: What a point is, and what of it was wrong, is its kommun's to say, not that of whoever is bound to the one point.
_OF_THE_KOMMUN: Final = frozenset({"register", "retire", "withdraw", "activation"})
_ACTS: Final[frozenset[OrderKind]] = frozenset(
    {"ack", "silence", "note", "adopt", "incident", "rules", "redact", "exercise"}
)
#: A level never takes over another's responsibility: each gives orders about its own area and those in it.
_ORDERS: Final[Mapping[GatewayRole, frozenset[OrderKind]]] = {
    "kommun": frozenset({"ack", "silence", "note", "adopt", "incident", "rules", "redact", "exercise"}),
    "lan": frozenset({"ack", "silence", "note", "adopt", "incident", "rules", "redact", "exercise", "report_request"}),
    "nation": frozenset(
        {"ack", "silence", "note", "adopt", "incident", "rules", "redact", "exercise", "report_request"}
    ),
    "admin": frozenset(ORDER_KINDS),
}


def within(inner: Area, outer: Area) -> bool:
    """Whether an area is another one, or lies in it.

    By level, and not by the kommuner alone: Gotland's län has the one kommun, and its picture is the länsstyrelse's.
    """
    if inner == outer:
        return True
    match outer.level:
        case "nation":
            return True
        case "civo":
            return inner.level in {"kommun", "lan"} and set(inner.lan) <= set(outer.lan)
        case "lan":
            return inner.level == "kommun" and inner.lan == (outer.code,)
        case "kommun":
            return False


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
    session: str | None = None
    """The session that it was shown by, by what it is stored under; None: a token or a JWT was shown itself."""

    def reads(self, area: Area, reality: Reality) -> bool:
        """Whether pictures, states and alerts of an area may be read."""
        return self.role in _READS and reality in self.realities and within(area, self.area)

    def reads_point(self, point: str, reality: Reality) -> bool:
        """Whether a point's state may be read: who reports about it sees it."""
        kommun = point[:4]
        if kommun not in KOMMUNER or reality not in self.realities:
            return False
        return (self.role in _READS or self.role == "reporter") and self._covers(point)

    @property
    def may_report(self) -> bool:
        """Whether any report may be sent."""
        return self.role in _REPORTS

    def reports(self, point: str, reality: Reality, kind: ReportKind) -> bool:
        """Whether a report about a point (or, `<kommun>-_`, a kommun itself) may be sent.

        Who is bound to one point says how it is; what a point is (register, retire) is its kommun's to say.
        """
        if self.role not in _REPORTS or reality not in self.realities or not self._covers(point):
            return False
        return self.point is None or kind not in _OF_THE_KOMMUN

    def orders(self, kind: OrderKind, area: Area, reality: Reality) -> bool:
        """Whether an order about an area may be given."""
        return kind in _ORDERS.get(self.role, ()) and reality in self.realities and within(area, self.area)

    def _covers(self, point: str) -> bool:
        if self.point is not None:
            return point == self.point
        kommun = point[:4]
        return kommun in KOMMUNER and within(Area("kommun", kommun), self.area)
