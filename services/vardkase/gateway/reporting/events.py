"""Drafts as events: an envelope, an id that the same answers always have, and a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from vardkase.gateway.reporting.drafts import Draft
from vardkase_contracts import ids, vocab
from vardkase_contracts.instants import iso
from vardkase_contracts.reports import report_type


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """What all reports of one form share."""

    point: str
    """What they are about: a point, or `<kommun>-_`."""
    reality: vocab.Reality
    sid: str
    """The form's own id."""
    at: int
    """When it was observed, µs."""
    reporter: str
    """Tells one reporter of the kommun from another: never a person's name."""
    role: vocab.Role
    channel: vocab.Channel
    quality: vocab.Quality = "observed"

    def event(self, draft: Draft) -> bytes:
        """A report as a CloudEvent in JSON."""
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": draft.report_id(self.sid, self.point, self.reality),
            "source": ids.kommun_source(self.point[:4], self.reporter),
            "type": report_type(draft.kind),
            "subject": self.point,
            "time": iso(self.at),
            "datacontenttype": "application/json",
            "reality": self.reality,
            "role": self.role,
            "channel": self.channel,
            "data": dict(draft.data),
        }
        if self.quality != "observed" and draft.kind in {"status", "resources", "need"}:
            event["quality"] = self.quality
        return orjson.dumps(event)


_FIELDS: Final[Mapping[str, str]] = {
    "power.source": "power",
    "power.backup_state": "power",
    "water.source": "water",
    "refill.eta": "refill.at",
    "next_shift.at": "shift.at",
    "next_shift.covered": "shift.covered",
    "opens_at": "opens.at",
    "closes_at": "closes.at",
    "needed_by": "need.at",
}


def form_field(field: str | None) -> str | None:
    """The form's input of a field that a report was refused for; None when it is none of them.

    Args:
        field: as a refusal names it: `data.power.fuel_l`.
    """
    if field is None or not field.startswith("data."):
        return None
    name = field.removeprefix("data.")
    return _FIELDS.get(name, name.replace("services.", "service.").removesuffix(".state"))
