"""What an export holds of an archive, a sheet for each kind of rows: its columns, where they come from, what is told.

A sheet's columns are those of its table by their names, but for those that are worked out. What must not be shown any
more (redacted) is left out: of such a report its envelope alone is told.
"""

import base64
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from vardkase.domain.merge import Identity
from vardkase_contracts.instants import from_datetime, iso

from .formats import Kind, Row
from .history import ENVELOPE, event_of

Worked = Callable[[Mapping[str, Any], Collection[Identity]], Mapping[str, Any]]
"""Of a row of the database the columns that are worked out, and `document`, the row whole; of none, its columns are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A kind of rows."""

    name: str
    about: str
    columns: Mapping[str, Kind]
    query: str
    """$1 the reality, $2 since, $3 until, $4 the kommuner or areas."""
    worked: Worked

    def row(self, row: Mapping[str, Any], hidden: Collection[Identity]) -> Row:
        """A row of the database as columns, and whole under `document`.

        Args:
            row: of `query`.
            hidden: the reports that must not be shown.
        """
        worked = self.worked(row, hidden)
        told = {name: worked[name] if name in worked else row[name] for name in self.columns}
        return {**told, "document": worked.get("document") or {name: _plain(value) for name, value in told.items()}}


def _report(row: Mapping[str, Any], hidden: Collection[Identity]) -> Mapping[str, Any]:
    event = _event(row["data"])
    redacted = (row["reality"], row["kommun"], row["id"]) in hidden
    if redacted:
        event = {name: event[name] for name in ENVELOPE if name in event}
    sha256 = row["digest"].hex()
    place = {"stored_at": _plain(row["stored_at"]), "received": _plain(row["received"]), "origin": row["origin"]}
    return {
        "point": f"{row['kommun']}-{row['slug']}",
        "sha256": sha256,
        **{name: _text(event.get(name)) for name in ("role", "channel", "quality", "incident")},
        "data": None if redacted else _json(event.get("data")),
        "redacted": "yes" if redacted else None,
        "document": {**place, "sha256": sha256, "event": event, **({"redacted": True} if redacted else {})},
    }


def _alert(row: Mapping[str, Any], _: Collection[Identity]) -> Mapping[str, Any]:
    alert = _event(row["data"])
    return {
        "text": _text((alert.get("text") or {}).get("sv")),
        "acks": _json(alert.get("acks")),
        "document": {"stored_at": _plain(row["stored_at"]), "alert": alert},
    }


def _order(row: Mapping[str, Any], _: Collection[Identity]) -> Mapping[str, Any]:
    event = _event(row["data"])
    return {
        "data": _json(event.get("data")),
        "document": {"stored_at": _plain(row["stored_at"]), "stream": row["stream"], "event": event},
    }


def _state(row: Mapping[str, Any], _: Collection[Identity]) -> Mapping[str, Any]:
    return {
        "point": f"{row['kommun']}-{row['slug']}",
        "dark": None if row["dark"] is None else ("yes" if row["dark"] else "no"),
    }


def _as_it_is(_row: Mapping[str, Any], _: Collection[Identity]) -> Mapping[str, Any]:
    return {}


def _event(data: bytes) -> dict[str, Any]:
    """A message as JSON that every format takes; of one that is none, its bytes."""
    try:
        event = event_of(data)
        orjson.dumps(event)
    except (ValueError, TypeError, RecursionError):
        return {"undecodable_base64": base64.b64encode(data).decode()}
    return event if type(event) is dict else {}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return iso(from_datetime(value)) if hasattr(value, "utcoffset") else value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _sheet(
    name: str, about: str, table: str, columns: str, *, of: str, order: str, worked: Worked, more: str = ""
) -> Sheet:
    """A sheet of a table.

    Args:
        name: its own.
        about: one line on it.
        table: which.
        columns: with blanks between; a time ends in `@`, a number in `#`.
        of: the column that has to be one of the kommuner or areas.
        order: of the rows, among those stored at one instant.
        worked: see `Worked`.
        more: what is selected beside the columns of the table.
    """
    kinds: dict[str, Kind] = {"@": "time", "#": "number"}
    return Sheet(
        name=name,
        about=about,
        columns={each.rstrip("@#"): kinds.get(each[-1], "text") for each in columns.split()},
        query=f"SELECT *{more} FROM {table} WHERE reality = $1 AND stored_at > $2 AND stored_at <= $3 "  # noqa: S608
        f"AND {of} = ANY($4) ORDER BY stored_at, {order}",
        worked=worked,
    )


SHEETS: Final = (
    _sheet(
        "reports",
        "Every copy of every report, as it first came to this node; in the JSON Lines each event whole.",
        "report",
        "stored_at@ received@ observed@ reality kommun point kind id source role channel quality incident origin "
        "sha256 redacted data",
        of="kommun",
        order="sequence, digest",
        worked=_report,
    ),
    _sheet(
        "alerts",
        "Every change of every alert, as it was published.",
        "alert_change",
        "stored_at@ reality key alert_id rule rules_version level status cleared_reason raised_at@ changed_at@ point "
        "area_level area_code text acks",
        of="area_code",
        order="sequence",
        worked=_alert,
    ),
    _sheet(
        "orders",
        "Every order about the area or what lies in it; one that came by two streams is there twice.",
        "act",
        "stored_at@ stream reality kind id source area given_at@ role by_level by_code data",
        of="area",
        order="stream, sequence",
        worked=_order,
    ),
    _sheet(
        "states",
        "When the state of a point changed, and how it then was in short.",
        "state_change",
        "stored_at@ reality kommun point lifecycle condition freshness link dark runs_out_at@ open_alerts#",
        of="kommun",
        order="sequence",
        worked=_state,
    ),
    _sheet(
        "rejected",
        "Refused reports: why and which field, without what they held.",
        "rejected",
        "stored_at@ reality kommun slug reason field detail received@ origin",
        of="kommun",
        order="sequence",
        worked=_as_it_is,
        more=", document(data) -> 'data' ->> 'detail' AS detail",
    ),
)
"""What an export holds, beside the points."""
