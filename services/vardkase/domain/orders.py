"""Acts of people, folded: what judging looks at. A function of the set of orders, as states are of reports.

Acknowledgements are folded here; silences, incidents, requests and annotations have rooms of their own. Overrides of
rules are folded into `Tables`, which need the node's own table.
"""

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vardkase_contracts.instants import DAY, HOUR, from_datetime, iso
from vardkase_contracts.orders import (
    AckOrder,
    AdoptOrder,
    IncidentOrder,
    NoteOrder,
    Order,
    ReportRequestOrder,
    SilenceOrder,
)
from vardkase_contracts.vocab import AlertLevel

from .annotations import Adoptions, Notes
from .finding import RANK
from .incidents import Incidents
from .intervals import FOREVER
from .latest import Latest, Rank
from .requests import Requests
from .silences import Silences

#: How long an acknowledgement lasts unless it says otherwise (CONTRACT §5).
ACK_LASTS = 4 * HOUR
#: No acknowledgement lasts longer than this (ours), so that old ones can be forgotten whatever comes late.
ACK_LASTS_AT_MOST = 7 * DAY
#: Of one area and alert, so many are kept: one dated ahead by a wrong clock must not hide those before it.
ACKS_KEPT = 8
#: Of so many alerts about one kommun and its points, or about one other area, acknowledgements are kept (ours): the
#: latest given. An ack can come before its alert, so it is not known which alerts there are.
ACKED_KEPT = 2_000
#: How often what cannot count any more is looked for: looking costs as much as there are orders.
FORGET_EVERY = HOUR


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


@dataclass(slots=True)
class Orders:
    """The orders of one reality."""

    #: The latest acknowledgements, by alert key and the area of the one who gave them, in order.
    acks: dict[str, dict[tuple[str, str], list[Ack]]] = field(
        default_factory=dict[str, dict[tuple[str, str], list[Ack]]]
    )
    #: How many alerts' acknowledgements were left out, since there are too many about their area.
    acks_left_out: int = 0
    #: By kommun or other area, the alerts that were acknowledged.
    _acked: dict[str, Latest] = field(default_factory=dict[str, Latest])
    incidents: Incidents = field(default_factory=Incidents)
    silences: Silences = field(default_factory=Silences)
    requests: Requests = field(default_factory=Requests)
    notes: Notes = field(default_factory=Notes)
    adoptions: Adoptions = field(default_factory=Adoptions)
    _forgot: int = -FOREVER

    def take(self, order: Order) -> bool:
        """Fold an order in; say whether it is of a kind that judging looks at here, and not pictures alone."""
        match order:
            case AckOrder():
                self._take_ack(order)
            case IncidentOrder():
                self.incidents.take(order)
            case SilenceOrder():
                self.silences.take(order)
            case _:
                self._take_said(order)
                return False
        return True

    def _take_said(self, order: Order) -> None:
        match order:
            case ReportRequestOrder():
                self.requests.take(order)
            case NoteOrder():
                self.notes.take(order)
                self.requests.answer(order)
            case AdoptOrder():
                self.adoptions.take(order)
            case _:
                pass

    def _take_ack(self, order: AckOrder) -> None:
        data, rank = order.data, (from_datetime(order.time), order.id)
        until = rank[0] + ACK_LASTS if data.until is None else from_datetime(data.until)
        until = min(until, rank[0] + ACK_LASTS_AT_MOST)
        ack = Ack(rank, data.level, until, data.by.role, data.note)
        given = self.acks.setdefault(data.key, {}).setdefault((data.by.level, data.by.code), [])
        if ack not in given:
            insort(given, ack, key=_in_order)
            del given[:-ACKS_KEPT]
        gone = self._acked.setdefault(_place(data.key), Latest(ACKED_KEPT)).put(data.key, rank)
        if gone is not None:
            del self.acks[gone]
            self.acks_left_out += 1

    def forget(self, now: int, *, at_once: bool = False) -> None:
        """Now and then, drop what neither counts any more, nor keeps an older order that comes late from counting.

        Args:
            now: the instant, µs.
            at_once: now, and not only when it is time again.
        """
        if now - self._forgot < FORGET_EVERY and not at_once:
            return
        self._forgot = now
        self.silences.forget(now)
        self.incidents.forget(now)
        self.requests.forget(now)
        self.notes.forget(now)
        before = now - ACK_LASTS_AT_MOST
        for key in [key for key, given in self.acks.items() if all(acks[-1].at <= before for acks in given.values())]:
            del self.acks[key]
            self._acked[_place(key)].drop(key)

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
        return self.incidents.since(kommun, now)

    def incident_boundaries(self, now: int) -> Iterable[int]:
        """The instants ahead at which an incident begins or ends, µs."""
        return self.incidents.boundaries(now)


def _place(key: str) -> str:
    """The kommun, or the other area, that an alert is about."""
    return key.partition("/")[2].partition("-")[0]


def _in_order(ack: Ack) -> tuple[Rank, int, int, str, str]:
    return ack.rank, RANK[ack.level], ack.until, ack.role, ack.note or ""


def ack_document(where: tuple[str, str], ack: Ack, until: int) -> Mapping[str, Any]:
    """An acknowledgement as it stands in an alert."""
    level, code = where
    return {"level": level, "code": code, "role": ack.role, "at": iso(ack.at), "until": iso(until), "note": ack.note}
