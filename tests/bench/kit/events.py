"""Single reports, made to measure."""

import json
from typing import Any

from kit.storm import Sent
from vardkase_contracts import subjects
from vardkase_contracts.instants import iso
from vardkase_contracts.vocab import ReportKind


def sent(identity: str, point: str, kind: ReportKind, data: dict[str, Any], at: int) -> Sent:
    """A report about a point, observed and sent at an instant (µs)."""
    event = {
        "specversion": "1.0",
        "id": identity,
        "source": f"urn:tp:kommun:{point[:4]}",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": point,
        "time": iso(at),
        "reality": "act",
        "data": data,
    }
    subject = subjects.report("act", point[:4], point[5:], kind)
    return Sent(at, subject, json.dumps(event).encode(), f"act.{point[:4]}.{identity}")
