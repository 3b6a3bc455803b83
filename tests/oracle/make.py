"""Reports and orders for tests, on minutes of a day: minute 0 is 08:00 UTC (09:00 in Stockholm), 20 November 2026."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from oracle.merge import Given
from oracle.table import MINUTE

START = int(datetime(2026, 11, 20, 8, tzinfo=UTC).timestamp()) * 1_000_000
"""Minute 0."""
POINT = "2480-umedalen"
"""The point that a report is about when nothing else is said."""


def instant(minute: float) -> int:
    """The instant of a minute of the day."""
    return START + round(minute * MINUTE)


def text(at: int) -> str:
    """An instant on the wire."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def when(minute: float) -> str:
    """A minute of the day on the wire."""
    return text(instant(minute))


class Told(NamedTuple):
    """A report in a story: the minute it was observed at, its kind and its data."""

    minute: float
    kind: str
    data: Mapping[str, Any]
    received: float | None = None
    """The minute it was received; as observed when None."""
    point: str = POINT
    id: str | None = None
    seq: int | None = None
    reporter: str | None = None
    reality: str = "act"


def status(minute: float, **data: Any) -> Told:
    """A status report."""
    return Told(minute, "status", data)


def resources(minute: float, **data: Any) -> Told:
    """A resources report."""
    return Told(minute, "resources", data)


def backup(minute: float, hours: float | None = None, state: str | None = "running", **more: Any) -> Told:
    """A reading of the power: on backup, with an endurance in hours or none known."""
    return resources(minute, power={"source": "backup", "backup_state": state, "endurance_h": hours} | more)


def staff(minute: float, present: int | None, required: int | None = None) -> Told:
    """A count of the staff."""
    return resources(minute, staff={"present": present, "required": required})


def services(minute: float, **states: str | None) -> Told:
    """The states of services."""
    return status(minute, services={code: {"state": state} for code, state in states.items()})


def register(minute: float = -600, **profile: Any) -> Told:
    """A register report; what is not given of the profile is left out."""
    basis = {"name": "Umedalens skola", "kind": "trygghetspunkt", "position": {"lon": 20.2, "lat": 63.8}}
    return Told(minute, "register", basis | profile)


def given(told: Iterable[Told]) -> list[Given]:
    """The reports of a story, with ids in the order of telling."""
    return [_given(one, f"r{n:03}" if one.id is None else one.id) for n, one in enumerate(told)]


def _given(told: Told, report_id: str) -> Given:
    source = f"urn:tp:kommun:{told.point[:4]}"
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": report_id,
        "source": source if told.reporter is None else f"{source}:{told.reporter}",
        "type": f"se.trygghetspunkt.{told.kind}.v1",
        "subject": told.point,
        "time": when(told.minute),
        "reality": told.reality,
        "data": told.data,
    }
    if told.seq is not None:
        event["seq"] = told.seq
    return Given(event=event, received=instant(told.minute if told.received is None else told.received))


def order(kind: str, minute: float, data: Mapping[str, Any], *, by: tuple[str, str] = ("lan", "24"), id_: str) -> dict:
    """An order of a level and code, as a CloudEvent."""
    level, code = by
    return {
        "specversion": "1.0",
        "id": id_,
        "source": f"urn:tp:{level}:{code}:tib",
        "type": f"se.trygghetspunkt.order.{kind}.v1",
        "subject": code,
        "time": when(minute),
        "reality": "act",
        "data": {"by": {"role": "tib", "level": level, "code": code}, **data},
    }
