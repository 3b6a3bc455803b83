"""What the public of a reality has been shown, as it should be in PUBLIC."""

from typing import Any

from vardkase.domain.public import kommun_notice, project, tombstone
from vardkase.domain.state import PointState
from vardkase_contracts.areas import KOMMUNER

from .effects import Effects


class Shown:
    """The last document of each point that was ever public, and which kommuner take part."""

    def __init__(self) -> None:
        """Nothing was shown."""
        #: By the point's or the kommun's id.
        self.documents: dict[str, dict[str, Any]] = {}
        #: The points of each kommun that are public now.
        self._points: dict[str, set[str]] = {}

    def __contains__(self, point: str) -> bool:
        return point in self.documents

    def recall(self, document: dict[str, Any]) -> None:
        """What the public was last told of a point or a kommun."""
        point: str = document["id"]
        self.documents[point] = document
        if not point.endswith("-_") and not document.get("gone"):
            self._points.setdefault(point[:4], set()).add(point)

    def tell(self, state: PointState, now: int, effects: Effects) -> int:
        """Tell what the public may know of a point, when that has changed; when it changes by the clock alone, µs."""
        public, due = project(state, now)
        if not state.is_kommun:  # what is told of a kommun follows from its points
            self.show(state.id, public, effects)
        return due

    def show(self, point: str, public: dict[str, Any] | None, effects: Effects) -> None:
        """Tell this of a point, or that it is not public any more; and whether its kommun takes part."""
        last = self.documents.get(point)
        if public is None:
            if last is None or last.get("gone"):
                return
            public = tombstone(point)
        if public == last:
            return
        self.documents[point] = effects.public[point] = public
        kommun = point[:4]
        shown = self._points.setdefault(kommun, set())
        before = bool(shown)
        (shown.discard if public.get("gone") else shown.add)(point)
        notice = f"{kommun}-_"
        if bool(shown) != before or notice not in self.documents:
            told = kommun_notice(kommun, KOMMUNER[kommun].name) if shown else tombstone(notice)
            self.documents[notice] = effects.public[notice] = told
