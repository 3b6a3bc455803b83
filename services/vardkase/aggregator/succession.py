"""Which point replaces which: the needs of a retired one move on, over a bounded number of retirements."""

from collections.abc import Iterator

from vardkase.domain.state import PointState

#: Needs move on over so many retirements (ours): a point that was replaced more often than that has been reported anew.
GENERATIONS = 8
#: And to one point from so many (ours): the nearest, then by their ids.
PREDECESSORS = 64


class Succession:
    """The heirs of retired points."""

    def __init__(self) -> None:
        self._heirs: dict[str, str] = {}
        self._before: dict[str, set[str]] = {}

    def follow(self, state: PointState) -> set[str]:
        """Take in what a state says of its heir; the points whose inheritance that may have changed."""
        retire = state.facts.get("retire")
        heir: str | None = retire[1].get("replaced_by") if retire is not None and state.retired else None
        last = self._heirs.get(state.id)
        if heir is None and last is None:
            return set()
        changed = {*self._line(last), *self._line(heir)}
        if last is not None:
            self._before[last].discard(state.id)
        if heir is None:
            self._heirs.pop(state.id, None)
        else:
            self._heirs[state.id] = heir
            self._before.setdefault(heir, set()).add(state.id)
        return changed

    def before(self, point: str) -> list[str]:
        """The points that a point replaces, those that they replaced included: the nearest first."""
        found: dict[str, None] = {}
        coming: set[str] = self._before.get(point, set())
        for _ in range(GENERATIONS):
            nearest = sorted(each for each in coming if each != point and each not in found)
            found |= dict.fromkeys(nearest[: PREDECESSORS - len(found)])
            coming = {each for replaced in nearest for each in self._before.get(replaced, ())}
            if not coming or len(found) == PREDECESSORS:
                break
        return list(found)

    def _line(self, heir: str | None) -> Iterator[str]:
        """An heir, its heir, and so on, as far as needs move; reports can name them in a circle."""
        seen: set[str] = set()
        while heir is not None and heir not in seen and len(seen) < GENERATIONS:
            seen.add(heir)
            yield heir
            heir = self._heirs.get(heir)
