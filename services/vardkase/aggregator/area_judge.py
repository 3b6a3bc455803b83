"""The areas of one reality, judged: which kommuner are silent, and where too large a share is red."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from vardkase.domain.alerts import Subject
from vardkase.domain.area import red_share, silence
from vardkase.domain.due import DueTimes
from vardkase.domain.finding import Verdict
from vardkase.domain.intervals import FOREVER
from vardkase.domain.rollup import RollUp
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import parse
from vardkase_contracts.vocab import ClearedReason, Reality

from .acts import Acts
from .effects import Effects
from .raised import Raised


class AreaJudge:
    """What is to be judged of areas, and what was found of them last.

    Args:
        reality: whose.
        rollup: the sums that are judged.
        acts: incidents, and the tables of rules in force.
        raised: the alerts as they were last published.
        due: is told when an area has to be looked at again, by its code.
    """

    def __init__(self, reality: Reality, rollup: RollUp, acts: Acts, raised: Raised, due: DueTimes) -> None:
        self._reality: Reality = reality
        self._rollup = rollup
        self._orders, self._tables = acts.orders, acts.tables
        self._raised = raised
        self._due = due
        self._waiting: set[Area] = set()
        self.silent: set[str] = set()
        """Kommuner with an open `area.silent`."""
        self.unheard: set[str] = set()
        """Kommuner that were not heard since their incident began."""

    def recall(self, about: str, rule: str) -> None:
        """An open alert of an area, as it was last published: looked at with the next `judge`."""
        self._waiting.add(Area.parse(about))
        if rule == "area.silent":
            self.silent.add(about)

    def look_at(self, kommuner: Iterable[str]) -> None:
        """Look at kommuner with the next `judge`, as far as they are ours; and at their län."""
        self._waiting.update(Area("kommun", code) for code in kommuner if code in self._rollup.kommuner)

    def look_at_area(self, code: str) -> None:
        """Look at an area with the next `judge`."""
        self._waiting.add(Area.parse(code))

    def silences(self, kommun: str) -> str | None:
        """The key of the open `area.silent` of a kommun, which mutes what its points' silence says."""
        return f"area.silent/{kommun}" if kommun in self.silent else None

    def judge(
        self, now: int, effects: Effects, turned: Callable[[str], None], held: AbstractSet[str] = frozenset()
    ) -> None:
        """Judge what is to be judged.

        Args:
            now: the instant, µs.
            effects: what changes is added to it.
            turned: called with a kommun that fell silent, or is silent no more: its points are judged by that.
            held: kommuner that are not judged now; they go on waiting.
        """
        areas = self._waiting
        self._waiting = {each for each in areas if each.code in held} if held else set()
        areas -= self._waiting
        lan: set[Area] = {each for each in areas if each.level == "lan"}
        for area in sorted(areas):  # what happens at one instant is told of in one order
            if area.level == "kommun":
                self._judge_kommun(area, now, effects, turned)
                lan.update(each for each in self._rollup.areas(area.code) if each.level == "lan")
        for area in sorted(lan):
            self._judge_share(area, {}, now, effects)

    def _judge_kommun(self, area: Area, now: int, effects: Effects, turned: Callable[[str], None]) -> None:
        code = area.code
        last = self._rollup.kommuner[code].last
        incident = self._orders.incident_since(code, now)
        settled = silence(last, self._rollup.count(area, "open"), incident, self._tables.of_area(area), now)
        unheard = incident is not None and (last.anything is None or last.anything < incident)
        if unheard != (code in self.unheard):
            (self.unheard.add if unheard else self.unheard.discard)(code)
            self._rollup.touch(code)
        verdicts = {} if settled.verdict is None else {"area.silent": settled.verdict}
        if (code in self.silent) != bool(verdicts):
            (self.silent.add if verdicts else self.silent.discard)(code)
            self._rollup.touch(code)
            turned(code)
            self._waiting.discard(area)
        acks_end = self._judge_share(area, verdicts, now, effects)
        self._due.set(code, min(settled.due, acks_end))

    def _judge_share(self, area: Area, verdicts: dict[str, Verdict], now: int, effects: Effects) -> int:
        last = self._raised.documents.get(area.code, {}).get("area.red_share")
        since = parse(last["raised_at"]) if last is not None and last["status"] == "firing" else None
        table = self._tables.of_area(area)
        counts = self._rollup.count(area, "open"), self._rollup.count(area, "grave")
        share = red_share(*counts, table["area.red_share"], now, since)
        if share is not None:
            verdicts["area.red_share"] = share
        if not verdicts and area.code not in self._raised.documents:
            return FOREVER
        self._rollup.put_own(area, {f"alerts/{rule}/{verdict.level}": 1 for rule, verdict in verdicts.items()})
        subject = Subject(self._reality, area.code, area.name, area, point=False)
        acks_end = self._raised.publish(
            subject, verdicts, table, now, effects, lambda rule: self._cleared(rule, area, now)
        )
        if area.level == "lan":
            self._due.set(area.code, acks_end)
        return acks_end

    def _cleared(self, rule: str, area: Area, now: int) -> ClearedReason:
        asked = self._rollup.count(area, "open") or self._orders.incident_since(area.code, now) is not None
        return "closed" if rule == "area.silent" and not asked else "recovered"
