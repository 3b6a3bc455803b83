"""The evaluation of an exercise: how long it took from an inject to a report, to an alert, to its acknowledgement.

Pure: a scenario, its start and what stands in a node's log give it, the same at any time later.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final, Literal, NamedTuple

from vardkase.domain.exercises import Exercises
from vardkase.domain.finding import RANK
from vardkase.domain.intervals import FOREVER
from vardkase.domain.places import is_point, lies_in
from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.instants import SECOND, iso
from vardkase_contracts.vocab import AlertLevel, ReportKind

from .plan import INJECT, inject_id, kommuner_of
from .scenario import Expected, ExpectedReport, Inject, Scenario

What = Literal["report", "alert", "ack"]
Result = Literal["met", "late", "missing", "pending", "cancelled", "not_sent"]
"""`met` in time, `late`, `missing`: its time is up and nothing came; `pending`: its time is not up; `cancelled`: the
exercise ended there first; `not_sent`: the inject was not sent."""
_UNCOUNTED: Final = frozenset({"heartbeat"})


class HeardReport(NamedTuple):
    """A report of the exercise as it stands in the log."""

    id: str
    point: str
    kind: ReportKind
    observed: int
    received: int
    """When a node took it in first, µs."""


class HeardAlert(NamedTuple):
    """A change of an alert that stands."""

    key: str
    level: AlertLevel
    at: int
    """When it came to be so, µs."""


class HeardAck(NamedTuple):
    """An acknowledgement."""

    key: str
    at: int
    by: str
    """The code of the area that acknowledged."""


@dataclass(kw_only=True, slots=True)
class Heard:
    """What stands in a node's log of an exercise."""

    reports: list[HeardReport] = field(default_factory=list[HeardReport])
    alerts: list[HeardAlert] = field(default_factory=list[HeardAlert])
    acks: list[HeardAck] = field(default_factory=list[HeardAck])
    orders: dict[str, int] = field(default_factory=dict[str, int])
    """Orders by their id: when they were given, µs."""
    exercises: Exercises = field(default_factory=Exercises)


class Response(NamedTuple):
    """One expectation, and what came of it."""

    inject: str
    what: What
    place: str
    kommun: str | None
    """Whose response it is; None: an area's above a kommun."""
    within_s: int
    since: int | None
    """From when on it is measured, µs; None: from nothing that has happened."""
    took_s: float | None
    result: Result
    said: Mapping[str, Any]
    """The expectation, as in the scenario."""


def evaluate(
    scenario: Scenario, start: int, heard: Heard, now: int, kommuner: frozenset[str] | None = None
) -> dict[str, Any]:
    """The evaluation, as JSON.

    Args:
        scenario: what was planned.
        start: when the exercise began, µs.
        heard: what stands in the log.
        now: the instant, µs: what is not there by now is missing once its time is up.
        kommuner: of which the log is here; None: of all that take part.
    """
    log = _Log(scenario, heard, now)
    responses = [
        log.response(inject, sent, expected)
        for inject in scenario.injects
        for sent in [log.sent(inject, start)]
        for expected in inject.expect
        if kommuner is None or kommuner.issuperset(kommuner_of(expected.place))
    ]
    taking_part = {kommun for code in scenario.areas for kommun in Area.parse(code).kommuner()}
    return {
        "id": scenario.id,
        "name": scenario.name,
        "scenario": scenario.digest,
        "start": iso(start),
        "as_of": iso(now),
        "expected": len(responses),
        **_counts(responses),
        "kommuner": [log.of_kommun(kommun, responses) for kommun in sorted(taking_part & (kommuner or taking_part))],
        "responses": [_told(each) for each in responses],
    }


class _Log:
    """What was heard, asked for what an expectation asks."""

    def __init__(self, scenario: Scenario, heard: Heard, now: int) -> None:
        self._scenario = scenario
        self._now = now
        self._heard = heard
        played = sorted(heard.reports, key=lambda each: (each.received, each.id))
        self._played: dict[str, int] = dict(heard.orders)
        for each in reversed(played):
            self._played[each.id] = each.received
        self._reports = [each for each in _first_of_each(played) if not each.id.startswith(INJECT)]
        self._alerts = sorted(heard.alerts, key=lambda each: each.at)
        self._acks = sorted(heard.acks, key=lambda each: each.at)

    def sent(self, inject: Inject, start: int) -> int | None:
        """When an inject was sent, µs; None: it was not."""
        if inject.silence is not None:
            return start + inject.at if start + inject.at <= self._now else None
        return self._played.get(inject_id(self._scenario.id, inject.name))

    def response(self, inject: Inject, sent: int | None, expected: Expected) -> Response:
        """What came of an expectation."""
        what: What = "report" if expected.report is not None else "alert" if expected.alert is not None else "ack"
        place = expected.place
        kommun = place[:4] if place[:4] in KOMMUNER else None
        since, at = self._found(expected, sent)
        deadline = None if since is None else since + expected.within
        return Response(
            inject=inject.name,
            what=what,
            place=place,
            kommun=kommun,
            within_s=expected.within // SECOND,
            since=since,
            took_s=None if at is None or since is None else (at - since) / SECOND,
            result=self._result(place, sent, deadline, at),
            said=expected.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"within"}),
        )

    def _found(self, expected: Expected, sent: int | None) -> tuple[int | None, int | None]:
        """From when on it is measured, and when it came."""
        if sent is None:
            return None, None
        if expected.report is not None:
            return sent, self._report(expected.report, sent)
        alert = expected.alert or expected.ack
        if alert is None:
            return None, None
        least = None if alert.level is None else RANK[alert.level]
        raised = next(
            (
                max(each.at, sent) if expected.ack is None else each.at
                for each in self._alerts
                if each.key == alert.key and each.at >= sent and (least is None or RANK[each.level] >= least)
            ),
            None,
        )
        if expected.alert is not None:
            return sent, raised
        if raised is None:
            return None, None
        return raised, next((each.at for each in self._acks if each.key == alert.key and each.at >= raised), None)

    def _report(self, wanted: ExpectedReport, sent: int) -> int | None:
        for each in self._reports:
            fits = each.kind in wanted.kinds if wanted.kinds else each.kind not in _UNCOUNTED
            if (
                not fits
                or each.received < sent
                or each.observed < sent - _SLACK
                or not _is_at(each.point, wanted.from_)
            ):
                continue
            if not self._after_abort(each):
                return each.received
        return None

    def _after_abort(self, report: HeardReport) -> bool:
        """Whether a report came when the exercise had been aborted at its kommun: it is counted apart."""
        aborted = self._heard.exercises.aborted_at(self._scenario.id, report.point[:4], self._now)
        return aborted is not None and report.received >= aborted

    def _result(self, place: str, sent: int | None, deadline: int | None, at: int | None) -> Result:
        if at is not None and deadline is not None:
            return "met" if at <= deadline else "late"
        if sent is None:
            return "not_sent"
        ended = self._ended(place)
        if ended is not None and (deadline is None or ended < deadline):
            return "cancelled"
        if deadline is None:  # an alert that is to be acknowledged has not been raised
            return "missing" if ended is not None or self._over else "pending"
        return "missing" if self._now >= deadline else "pending"

    @property
    def _over(self) -> bool:
        return all(self._ended(area) is not None for area in self._scenario.areas)

    def _ended(self, place: str) -> int | None:
        """When the exercise ended at a place, by now; None: it goes on in a part of it."""
        ends = [self._heard.exercises.ended(self._scenario.id, kommun, self._now) for kommun in kommuner_of(place)]
        known = [each for each in ends if each is not None]
        return max(known) if known and len(known) == len(ends) else None

    def of_kommun(self, kommun: str, responses: Sequence[Response]) -> dict[str, Any]:
        """How one kommun did."""
        own = [each for each in responses if each.kommun == kommun]
        aborted = self._heard.exercises.aborted_at(self._scenario.id, kommun, self._now)
        reports = [each for each in self._reports if each.point[:4] == kommun and each.kind not in _UNCOUNTED]
        return {
            "code": kommun,
            "name": KOMMUNER[kommun].name,
            "expected": len(own),
            **_counts(own),
            **{
                f"to_{what}": _times([each for each in own if each.what == what]) for what in ("report", "alert", "ack")
            },
            "reports": len(reports),
            "aborted_at": None if aborted is None else iso(aborted),
            "after_abort": sum(map(self._after_abort, reports)),
        }


_SLACK: Final = 120 * SECOND
"""A clock may be so far behind that what was seen after an inject seems to have been seen before it."""


def _first_of_each(reports: Iterable[HeardReport]) -> list[HeardReport]:
    """Each report once, by its first arrival."""
    found: dict[tuple[str, str], HeardReport] = {}
    for each in reports:
        found.setdefault((each.point[:4], each.id), each)
    return list(found.values())


def _is_at(point: str, place: str) -> bool:
    return point == place if is_point(place) else lies_in(point, place)


def _counts(responses: Sequence[Response]) -> dict[str, int]:
    results: tuple[Result, ...] = ("met", "late", "missing", "pending", "cancelled", "not_sent")
    return {result: sum(each.result == result for each in responses) for result in results}


def _times(responses: Sequence[Response]) -> dict[str, Any]:
    took = [each.took_s for each in responses if each.took_s is not None]
    return {
        "expected": len(responses),
        "came": len(took),
        "median_s": round(median(took), 1) if took else None,
        "worst_s": round(max(took), 1) if took else None,
    }


def _told(response: Response) -> dict[str, Any]:
    told = response._asdict()
    told["since"] = None if response.since is None or response.since == FOREVER else iso(response.since)
    told["took_s"] = None if response.took_s is None else round(response.took_s, 1)
    return told
