"""Merge: one report into the state of the point it is about.

A state is a function of the *set* of reports merged into it (CONTRACT §4): last writer wins per aspect by stamp, and
timelines are bounded by buckets of time, not by arrival.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel

from vardkase_contracts.instants import from_datetime, iso
from vardkase_contracts.reports import (
    ActivationReport,
    ConfirmReport,
    ContactReport,
    HeartbeatReport,
    NeedReport,
    RegisterReport,
    Report,
    ResourcesReport,
    RetireReport,
    StatusReport,
    WithdrawReport,
)

from .stamps import Stamp, effective_time
from .state import SERVICE, TIMELINED, PointState


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A report as it stands in the log."""

    report: Report
    #: `Tp-Received`, µs.
    received: int
    #: SHA-256 of the bytes.
    digest: bytes
    #: The place of its values in the order of all.
    stamp: Stamp = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        report = self.report
        observed = from_datetime(report.time)
        time = effective_time(observed, self.received)
        stamp = Stamp(time, report.seq or 0, report.id, report.source, report.quality, time != observed)
        object.__setattr__(self, "stamp", stamp)


class Copy(NamedTuple):
    """What decides between copies of one identity: the lowest is the one that counts (CONTRACT §3)."""

    digest: bytes
    received: int


#: Who a report is: reality, kommun, id.
Identity = tuple[str, str, str]


def identity(report: Report) -> Identity:
    """The identity under which copies of a report meet."""
    return report.reality, report.kommun, report.id


def plain(model: BaseModel) -> dict[str, Any]:
    """A section as JSON: its own fields that are not null, instants in UTC. What a newer version added stays out."""
    result: dict[str, Any] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if value is not None:
            result[name] = plain_value(value)
    return result


def plain_value(value: Any) -> Any:
    """One value as JSON."""
    if isinstance(value, BaseModel):
        return plain(value)
    if hasattr(value, "utcoffset"):
        return iso(from_datetime(value))
    if isinstance(value, tuple | list):
        return [plain_value(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def merge(state: PointState, item: Received) -> None:  # noqa: C901, PLR0912 - one case a kind of report
    """Take a report into the state. Merging a report twice, or in any order, gives the same state.

    A withdraw changes no state by itself: who folds leaves out what it names (`vardkase.domain.fold`).
    """
    report = item.report
    stamp = item.stamp
    match report:
        case HeartbeatReport():
            state.heartbeat = _later(state.heartbeat, stamp.time)
        case ConfirmReport():
            state.confirmed = _later(state.confirmed, stamp.time)
        case RegisterReport():
            state.put_fact("profile", stamp, plain(report.data))
        case StatusReport():
            _merge_status(state, stamp, report)
        case ResourcesReport():
            for aspect in report.data.model_fields_set:
                section = getattr(report.data, aspect)
                if isinstance(section, BaseModel) or section is None:
                    _put(state, aspect, stamp, None if section is None else plain(section))
        case NeedReport():
            state.put_need(report.data.need_id, stamp, plain(report.data))
        case RetireReport():
            state.put_fact("retire", stamp, plain(report.data))
        case ActivationReport():
            state.put_fact("activation", stamp, report.data.state)
        case ContactReport():
            if state.contact is None or stamp > state.contact[0]:
                state.contact = (stamp, report.data.result)
            if report.data.result == "reached":
                state.reached = _later(state.reached, stamp.time)
        case WithdrawReport():
            return
    if not isinstance(report, HeartbeatReport | ContactReport | ActivationReport):
        state.content = _later(state.content, stamp.time)


_RESOURCES = ("power", "refill", "staff", "next_shift", "water", "heat", "comms")
_STATUS = (
    "lifecycle",
    "availability",
    "occupancy",
    "capacity_day",
    "capacity_night",
    "message",
    "note",
    "opens_at",
    "closes_at",
)


def _merge_status(state: PointState, stamp: Stamp, report: StatusReport) -> None:
    given = report.data.model_fields_set
    for aspect in _STATUS:
        if aspect in given:
            _put(state, aspect, stamp, plain_value(getattr(report.data, aspect)))
    if "services" in given:
        for code, said in report.data.service_states().items():
            state.put_timelined(SERVICE + code, stamp, said)


def _put(state: PointState, aspect: str, stamp: Stamp, value: Any) -> None:
    if aspect in TIMELINED:
        state.put_timelined(aspect, stamp, value)
    elif aspect in _RESOURCES or aspect in _STATUS:
        state.put_fact(aspect, stamp, value)


def _later(held: int | None, time: int) -> int:
    return time if held is None or time > held else held
