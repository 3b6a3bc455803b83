"""Acts of people, folded: acknowledgements and incidents. A function of the set of orders, as states are of reports."""

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vardkase_contracts.areas import Area
from vardkase_contracts.instants import DAY, HOUR, from_datetime, iso
from vardkase_contracts.orders import AckOrder, IncidentOrder, Order
from vardkase_contracts.vocab import AlertLevel

from .finding import RANK
from .intervals import FOREVER

#: How long an acknowledgement lasts unless it says otherwise (CONTRACT §5).
ACK_LASTS = 4 * HOUR
#: No acknowledgement lasts longer than this (ours), so that old ones can be forgotten whatever comes late.
ACK_LASTS_AT_MOST = 7 * DAY
#: Of one area and alert, so many are kept: one dated ahead by a wrong clock must not hide those before it.
ACKS_KEPT = 8
#: An order is ordered by its time, then its id.
Rank = tuple[int, str]


class Ack(NamedTuple):
    """Somebody has seen an alert, and quiets it for their own level."""

    rank: Rank
    level: AlertLevel
    until: int
    role: str
    note: str | None

    @property
    def at(self) -> int:
        """When it was given, µs."""
        return self.rank[0]


class Incident(NamedTuple):
    """A declared incident: its kommuner are expected to report while it lasts."""

    rank: Rank
    name: str
    kommuner: frozenset[str]
    since: int
    until: int


@dataclass(slots=True)
class Orders:
    """The orders of one reality."""

    #: The latest acknowledgements, by alert key and the area of the one who gave them, in order.
    acks: dict[str, dict[tuple[str, str], list[Ack]]] = field(
        default_factory=dict[str, dict[tuple[str, str], list[Ack]]]
    )
    incidents: dict[str, tuple[Rank, Incident]] = field(default_factory=dict[str, tuple[Rank, Incident]])

    def take(self, order: Order) -> bool:
        """Fold an order in; say whether it is of a kind that judging looks at."""
        rank = (from_datetime(order.time), order.id)
        if isinstance(order, AckOrder):
            data = order.data
            until = rank[0] + ACK_LASTS if data.until is None else from_datetime(data.until)
            until = min(until, rank[0] + ACK_LASTS_AT_MOST)
            ack = Ack(rank, data.level, until, data.by.role, data.note)
            given = self.acks.setdefault(data.key, {}).setdefault((data.by.level, data.by.code), [])
            if ack not in given:
                insort(given, ack, key=_in_order)
                del given[:-ACKS_KEPT]
            return True
        if isinstance(order, IncidentOrder):
            data = order.data
            kommuner = frozenset(kommun for code in data.areas for kommun in Area.parse(code).kommuner())
            since = from_datetime(data.from_)
            until = FOREVER if data.until is None else from_datetime(data.until)
            held = self.incidents.get(data.id)
            if held is None or rank > held[0]:
                self.incidents[data.id] = (rank, Incident(rank, data.name, kommuner, since, until))
            return True
        return False

    def forget(self, now: int) -> None:
        """Drop acknowledgements that neither count any more, nor keep an older one that comes late from counting."""
        before = now - ACK_LASTS_AT_MOST
        for key in [key for key, given in self.acks.items() if all(acks[-1].at <= before for acks in given.values())]:
            del self.acks[key]

    def next_ack(self, key: str, now: int) -> int:
        """When the next acknowledgement begins to count, that another node's clock gave a time ahead of ours, µs."""
        return min(
            (ack.at for acks in self.acks.get(key, {}).values() for ack in acks if ack.at > now), default=FOREVER
        )

    def acks_of(
        self, key: str, level: AlertLevel, raised_at: int, runs_out_at: int | None, now: int
    ) -> list[tuple[tuple[str, str], Ack, int]]:
        """The acknowledgements that count for an alert now, each with the instant it ends, µs.

        Not older than the alert, not for a better level than it has now, and never past the running out.
        """
        found: list[tuple[tuple[str, str], Ack, int]] = []
        for where, acks in sorted(self.acks.get(key, {}).items()):
            ack = next((each for each in reversed(acks) if each.at <= now), None)
            if ack is None:
                continue
            until = ack.until if runs_out_at is None or runs_out_at <= ack.at else min(ack.until, runs_out_at)
            if raised_at <= ack.at and now < until and RANK[ack.level] >= RANK[level]:
                found.append((where, ack, until))
        return found

    def incident_since(self, kommun: str, now: int) -> int | None:
        """Since when the kommun has been in an incident that is in force, µs; `None` when it is in none."""
        return min(
            (
                each.since
                for _, each in self.incidents.values()
                if kommun in each.kommuner and each.since <= now < each.until
            ),
            default=None,
        )

    def incident_boundaries(self, now: int) -> Iterable[int]:
        """The instants ahead at which an incident begins or ends, µs."""
        for _, each in self.incidents.values():
            for boundary in (each.since, each.until):
                if now < boundary < FOREVER:
                    yield boundary


def _in_order(ack: Ack) -> tuple[Rank, int, int, str, str]:
    return ack.rank, RANK[ack.level], ack.until, ack.role, ack.note or ""


def ack_document(where: tuple[str, str], ack: Ack, until: int) -> Mapping[str, Any]:
    """An acknowledgement as it stands in an alert."""
    level, code = where
    return {"level": level, "code": code, "role": ack.role, "at": iso(ack.at), "until": iso(until), "note": ack.note}
