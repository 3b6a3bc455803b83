"""What people say of a picture: annotations, and that it is adopted (fastställd). Functions of the set of orders."""

from bisect import insort
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from vardkase_contracts.instants import DAY, from_datetime, iso
from vardkase_contracts.orders import AdoptOrder, NoteOrder
from vardkase_contracts.vocab import Role

from .latest import Rank

#: A picture shows so many annotations, of so long back, and of so much text in all, UTF-8, but always the newest
#: (ours): a picture that is adopted must fit in an order.
NOTES_SHOWN = 10
NOTES_BYTES = 6_000
NOTES_LAST = 7 * DAY
#: Of one area so many annotations are kept, the latest (ours): some may be dated ahead by a wrong clock.
NOTES_KEPT = 3 * NOTES_SHOWN
#: Of one area so many adoptions are kept, the latest (ours), for the same reason.
ADOPTED_KEPT = 8


class Note(NamedTuple):
    """An annotation. Ordered by the order's time and id; two of those by what they say."""

    rank: Rank
    level: str
    code: str
    role: Role
    note: str
    request: str


class Adoption(NamedTuple):
    """A picture was adopted. Ordered by the order's time and id; two of those by what they say."""

    rank: Rank
    level: str
    code: str
    role: Role
    version: str
    sha256: str
    note: str


class Notes:
    """The annotations of one reality, by area."""

    def __init__(self) -> None:
        self._of: dict[str, list[Note]] = {}

    def areas(self) -> Iterator[str]:
        """The codes of the areas that have any."""
        yield from self._of

    def take(self, order: NoteOrder) -> None:
        """Fold an order in."""
        data = order.data
        rank = (from_datetime(order.time), order.id)
        note = Note(rank, data.by.level, data.by.code, data.by.role, data.note, data.request or "")
        notes = self._of.setdefault(order.subject, [])
        if note not in notes:
            insort(notes, note)
            del notes[:-NOTES_KEPT]

    def forget(self, now: int) -> None:
        """Drop what no picture shows any more, whatever comes late (`now` in µs)."""
        for code, notes in list(self._of.items()):
            notes[:] = [each for each in notes if each.rank[0] > now - NOTES_LAST]
            if not notes:
                del self._of[code]

    def of(self, code: str, now: int) -> list[Note]:
        """Those of an area that its picture shows at an instant (µs), newest first."""
        found: list[Note] = []
        room = NOTES_BYTES
        for each in reversed(self._of.get(code, ())):
            if now - NOTES_LAST < each.rank[0] <= now:
                room -= len(each.note.encode())
                if found and (room < 0 or len(found) == NOTES_SHOWN):
                    break
                found.append(each)
        return found

    def boundaries(self, now: int) -> Iterator[int]:
        """The instants ahead at which one begins to count, or is shown no more, µs."""
        for notes in self._of.values():
            for each in notes:
                yield from (at for at in (each.rank[0], each.rank[0] + NOTES_LAST) if at > now)


class Adoptions:
    """The adopted pictures of one reality, by area."""

    def __init__(self) -> None:
        self._of: dict[str, list[Adoption]] = {}

    def areas(self) -> Iterator[str]:
        """The codes of the areas that have any."""
        yield from self._of

    def take(self, order: AdoptOrder) -> None:
        """Fold an order in. One without a picture is of before there were any: it adopts nothing."""
        data, by = order.data, order.data.by
        if data.sha256 is None:
            return
        rank = (from_datetime(order.time), order.id)
        adoption = Adoption(rank, by.level, by.code, by.role, data.version, data.sha256, data.note or "")
        adoptions = self._of.setdefault(order.subject, [])
        if adoption not in adoptions:
            insort(adoptions, adoption)
            del adoptions[:-ADOPTED_KEPT]

    def of(self, code: str, now: int) -> Adoption | None:
        """The last of an area by an instant (µs)."""
        return next((each for each in reversed(self._of.get(code, ())) if each.rank[0] <= now), None)

    def boundaries(self, now: int) -> Iterator[int]:
        """The instants ahead at which one begins to count, µs."""
        for adoptions in self._of.values():
            yield from (each.rank[0] for each in adoptions if each.rank[0] > now)


def note_document(note: Note) -> Mapping[str, Any]:
    """An annotation as it stands in a picture."""
    at, order = note.rank
    document = {"id": order, "at": iso(at), "by": _by(note), "note": note.note}
    return document | ({"request": note.request} if note.request else {})


def adoption_document(adoption: Adoption) -> Mapping[str, Any]:
    """An adoption as it stands in a picture."""
    return {
        "at": iso(adoption.rank[0]),
        "by": _by(adoption),
        "version": adoption.version,
        "note": adoption.note or None,
        "sha256": adoption.sha256,
    }


def _by(said: Note | Adoption) -> Mapping[str, str]:
    return {"role": said.role, "level": said.level, "code": said.code}
