"""What is known of a point, or of a kommun itself: a function of the set of its reports."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .stamps import Entry, Stamp
from .timeline import Timeline

#: How many needs a point keeps, the greatest stamps (CONTRACT §10).
MAX_NEEDS = 64

#: The aspects that rules look at, which have timelines; each service is one too, as `services.<code>`.
TIMELINED = frozenset({"lifecycle", "occupancy", "power", "staff", "water", "heat", "comms"})
SERVICE = "services."

#: The aspects of which two reporters may contradict each other.
CONTESTED = frozenset({"lifecycle", "availability", "occupancy", "power", "staff", "comms"})

#: What must be known, beside the value itself, for a section to count as known (docs/rules.md).
ESSENTIAL = {"power": "source", "staff": "present", "heat": "indoor_c", "comms": "can_call_112"}

#: No reading is taken to last longer than a year, the bound of `endurance_h`: a tiny rate is no promise of centuries.
LONGEST_H = 8760.0


def is_known(aspect: str, value: Any) -> bool:
    """Whether a value says something that rules can rest on; `None` and a section without its essential part do not."""
    if value is None:
        return False
    if aspect == "water":
        return value.get("source") == "mains" or "litres" in value
    essential = ESSENTIAL.get(aspect)
    return essential is None or essential in value


def endurance_h(power: Mapping[str, Any]) -> float | None:
    """Hours a power reading says are left, from the reading on: the least known way to tell for the source in use.

    On backup `endurance_h` and fuel over its rate, on battery `battery_h` and `endurance_h`. A rate of 0 is unknown.
    `None` when it is not known, or the source does not run out.
    """
    source = power.get("source")
    ways: list[float] = []
    if source == "backup":
        rate = power.get("fuel_l_per_h")
        if rate and "fuel_l" in power:
            ways.append(power["fuel_l"] / rate)
    elif source == "battery":
        if "battery_h" in power:
            ways.append(power["battery_h"])
    else:
        return None
    if "endurance_h" in power:
        ways.append(power["endurance_h"])
    return min(*ways, LONGEST_H) if ways else None


@dataclass(slots=True)
class PointState:
    """Everything merged of a point; `slug` `_` is the kommun itself.

    Only `vardkase.domain.merge` changes it. Readers take `newest(aspect)`, `facts`, `timelines`.
    """

    id: str
    reality: str
    #: Aspects without a timeline: the greatest stamp and its value.
    facts: dict[str, Entry] = field(default_factory=dict[str, Entry])
    timelines: dict[str, Timeline] = field(default_factory=dict[str, Timeline])
    #: The greatest stamp whose value is known, by aspect; and `power.endurance`.
    known: dict[str, Entry] = field(default_factory=dict[str, Entry])
    #: The latest by another reporter than the newest one's, of contested aspects and services.
    others: dict[str, Entry] = field(default_factory=dict[str, Entry])
    needs: dict[str, Entry] = field(default_factory=dict[str, Entry])
    #: Maxima, µs: the last content report, the last confirm among them, the last sign of life, the last time reached.
    content: int | None = None
    confirmed: int | None = None
    heartbeat: int | None = None
    reached: int | None = None
    #: The last attempt to reach the point, and its result.
    contact: Entry | None = None
    #: How often anything but the maxima and the contact has changed: what was computed of them holds while it stands.
    revision: int = field(default=0, compare=False, repr=False)
    #: How many needs were left out since somebody asked last: there were too many.
    needs_left_out: int = field(default=0, compare=False, repr=False)
    #: No stamp of a value is later than this, µs.
    latest: int = field(default=0, compare=False, repr=False)
    #: What was computed last of this revision, or an earlier one: by judging, and by writing the document.
    ruled: Any = field(default=None, compare=False, repr=False)
    written: Any = field(default=None, compare=False, repr=False)

    @property
    def kommun(self) -> str:
        """The kommun's code."""
        return self.id[:4]

    @property
    def slug(self) -> str:
        """The point's name in subjects; `_` for the kommun itself."""
        return self.id[5:]

    @property
    def is_kommun(self) -> bool:
        """Whether this is the state of the kommun itself."""
        return self.slug == "_"

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known at all, as when every report was withdrawn."""
        return not (
            self.facts or self.timelines or self.needs or self.content or self.heartbeat or self.contact is not None
        )

    @property
    def profile(self) -> Mapping[str, Any]:
        """The register's entry, empty for a point never registered."""
        entry = self.facts.get("profile")
        return entry[1] if entry is not None else {}

    @property
    def registered(self) -> bool:
        """Whether the point is in the register."""
        return "profile" in self.facts

    @property
    def retired(self) -> bool:
        """Whether the point is gone: retired, and not registered again since."""
        retire, profile = self.facts.get("retire"), self.facts.get("profile")
        return retire is not None and (profile is None or retire[0] > profile[0])

    @property
    def lifecycle(self) -> str | None:
        """The last lifecycle that was known."""
        entry = self.known.get("lifecycle")
        return entry[1] if entry is not None else None

    def newest(self, aspect: str) -> Entry | None:
        """The greatest stamp of an aspect and its value, known or not."""
        timeline = self.timelines.get(aspect)
        return timeline.newest if timeline is not None else self.facts.get(aspect)

    def value(self, aspect: str) -> Any:
        """The newest value of an aspect, `None` when unknown or never said."""
        entry = self.newest(aspect)
        return entry[1] if entry is not None else None

    def services(self) -> Iterator[tuple[str, Entry]]:
        """The newest state of each service that was ever reported."""
        for aspect, timeline in self.timelines.items():
            if aspect.startswith(SERVICE):
                yield aspect[len(SERVICE) :], timeline.newest

    def heard(self) -> int | None:
        """When anything was last heard, µs: content, heartbeat, a contact that reached, or activation."""
        activation = self.facts.get("activation")
        times = (self.content, self.heartbeat, self.reached, activation[0].time if activation is not None else None)
        return max((time for time in times if time is not None), default=None)

    def failed(self) -> int | None:
        """When somebody tried to reach it in vain, µs, where that was the last attempt."""
        return self.contact[0].time if self.contact is not None and self.contact[1] == "failed" else None

    def put_fact(self, aspect: str, stamp: Stamp, value: Any) -> None:
        """Last writer wins, and the runner-up by another reporter is kept where two may contradict each other."""
        self._change(stamp)
        held = self.facts.get(aspect)
        if held is None or stamp > held[0]:
            self.facts[aspect] = (stamp, value)
        if aspect in CONTESTED:
            self._contest(aspect, held, (stamp, value))

    def put_timelined(self, aspect: str, stamp: Stamp, value: Any) -> None:
        """Into the aspect's timeline, and among what was last known."""
        self._change(stamp)
        timeline = self.timelines.get(aspect)
        if timeline is None:
            timeline = self.timelines[aspect] = Timeline()
            held = None
        else:
            held = timeline.newest
        timeline.add(stamp, value)
        if aspect in CONTESTED or aspect.startswith(SERVICE):
            self._contest(aspect, held, (stamp, value))
        if is_known(aspect, value):
            self._put_known(aspect, stamp, value)
            if aspect == "power" and endurance_h(value) is not None:
                self._put_known("power.endurance", stamp, value)

    def put_need(self, need_id: str, stamp: Stamp, value: Any) -> None:
        """A need or a surplus; of too many the greatest stamps stay."""
        self._change(stamp)
        held = self.needs.get(need_id)
        if held is not None and held[0] >= stamp:
            return
        self.needs[need_id] = (stamp, value)
        if len(self.needs) > MAX_NEEDS:
            del self.needs[min(self.needs, key=lambda key: self.needs[key][0])]
            self.needs_left_out += 1

    def _change(self, stamp: Stamp) -> None:
        self.revision += 1
        self.latest = max(self.latest, stamp.time)

    def _put_known(self, aspect: str, stamp: Stamp, value: Any) -> None:
        known = self.known.get(aspect)
        if known is None or stamp > known[0]:
            self.known[aspect] = (stamp, value)

    def _contest(self, aspect: str, held: Entry | None, new: Entry) -> None:
        """Keep the second of the reporters, each by its greatest stamp."""
        if held is None:
            return
        winner, loser = (new, held) if new[0] > held[0] else (held, new)
        if winner[0].source == loser[0].source:
            return
        second = self.others.get(aspect)
        if second is None or second[0].source == winner[0].source or loser[0] > second[0]:
            self.others[aspect] = loser
