"""Which point a row is about: by its id, else by its name, the same at every import."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from vardkase.registry import slugs
from vardkase.registry.candidates import Candidate
from vardkase.registry.fields import ID, LABEL
from vardkase.registry.known import Known
from vardkase.registry.problems import Problem

_SAME_PLACE_KM: Final = 0.1
_MOST_ALIKE: Final = 1_000
"""Points of one name in a kommun that are compared with each other."""


def name_points(
    candidates: Sequence[Candidate], known: Mapping[str, Known]
) -> tuple[list[tuple[str, Candidate]], list[Problem]]:
    """The id of each candidate's point, and what is wrong with those that cannot have one.

    A row without an id is the point whose slug its name makes. Of several rows of one name in a kommun each has a few
    letters of its own at the end, by its address and position, unless a registered point of that name is where it is.
    """
    naming = _Naming(known)
    unnamed: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        if candidate.slug is not None:
            naming.take(f"{candidate.kommun}-{candidate.slug}", candidate)
        elif base := slugs.slug(candidate.name):
            unnamed[candidate.kommun, base].append(candidate)
        elif candidate.name:
            naming.bad(candidate, "id", f"av namnet {candidate.name!r} går inget id att göra; ge ett i en kolumn id")
        else:
            naming.bad(candidate, "id", "raden har varken id eller namn")
    for (kommun, base), rows in unnamed.items():
        for candidate, slug in zip(rows, naming.slugs(kommun, base, rows), strict=True):
            naming.take(f"{kommun}-{slug}", candidate)
    return [(naming.of[each.line], each) for each in candidates if each.line in naming.of], naming.problems


class _Naming:
    """The ids that were given so far."""

    def __init__(self, known: Mapping[str, Known]) -> None:
        self.problems: list[Problem] = []
        #: The id of each line.
        self.of: dict[int, str] = {}
        self._known = known
        self._taken: dict[str, Candidate] = {}
        #: Registered points by kommun and the slug that their name may have made.
        self._named: dict[tuple[str, str], list[Known]] = defaultdict(list)
        for each in known.values():
            if not each.retired and each.position is not None:
                for stem in slugs.stems(each.slug):
                    self._named[each.kommun, stem].append(each)

    def bad(self, candidate: Candidate, code: str, text: str) -> None:
        """A row that can have no id."""
        text = f"{LABEL[ID]}: {text}"
        self.problems.append(Problem(severity="error", code=code, text=text, line=candidate.line, field=ID))

    def take(self, point: str, candidate: Candidate) -> None:
        """Give a row this id, if it is free."""
        if (other := self._taken.get(point)) is not None:
            self.bad(candidate, "twice", f"{point} finns också på rad {other.line}; ge ett eget id")
        elif (held := self._known.get(point)) is not None and held.retired:
            text = f"{point} är en avvecklad punkt, och ett id används aldrig igen; ge ett annat"
            self.bad(candidate, "retired", text)
        else:
            self._taken[point] = candidate
            self.of[candidate.line] = point

    def slugs(self, kommun: str, base: str, rows: Sequence[Candidate]) -> list[str]:
        """The slugs of the rows of one name in one kommun."""
        near = self._registered(kommun, base, rows)
        if len(rows) == 1 and not self._is_anothers(f"{kommun}-{base}", rows[0]):
            return [base if f"{kommun}-{base}" in self._known else near.get(rows[0].line, base)]
        return [near.get(row.line) or slugs.told_apart(base, _by(row)) for row in rows]

    def _is_anothers(self, point: str, row: Candidate) -> bool:
        """Whether this is the id of another point: of a row that gives it, or of one that has another name."""
        held = self._known.get(point)
        if point in self._taken:
            return True
        if held is None or held.retired or held.profile is None:
            return False
        return slugs.slug(held.name) != slugs.slug(row.name)

    def _registered(self, kommun: str, base: str, rows: Sequence[Candidate]) -> dict[int, str]:
        """By line, the slug of the registered point of the same name that is where the row is; each but once."""
        held = [*self._named[kommun, base], *self._named[kommun, slugs.stem_of(base)]]
        pairs = sorted(
            (km, row.line, each.slug)
            for row in rows[:_MOST_ALIKE]
            for each in held[:_MOST_ALIKE]
            if row.position is not None
            and each.position is not None
            and (km := _km(row.position, each.position)) <= _SAME_PLACE_KM
        )
        found: dict[int, str] = {}
        given: set[str] = set()
        for _, line, slug in pairs:
            if line not in found and slug not in given:
                found[line] = slug
                given.add(slug)
        return found


def _by(row: Candidate) -> str:
    """What tells a row from others of its name: to some ten metres, so that a better measurement changes nothing."""
    place = "" if row.position is None else f"{row.position[0]:.4f} {row.position[1]:.4f}"
    return f"{row.said.get('address') or ''}|{place}"


def _km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """How far apart two places close to each other are."""
    north = (one[1] - other[1]) * 111.2
    east = (one[0] - other[0]) * 111.2 * math.cos(math.radians(one[1]))
    return math.hypot(north, east)
