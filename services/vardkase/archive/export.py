"""All that an archive has of an area, in open formats: a folder of files and a manifest, whole or not there at all.

Rows go from the database to the files a part at a time. What must not be shown any more (redacted) is left out: of
such a report its envelope alone is told.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from vardkase.domain.merge import Identity
from vardkase.domain.rules import Rules
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import from_datetime, iso, to_datetime
from vardkase_contracts.vocab import Reality

from .formats import Csv, Format, GeoJson, JsonLines, Kind, Parquet, Row, Writer, columns_of
from .hiding import hide
from .history import ENVELOPE, event_of, hidden_of
from .places import inside
from .replay import Question, recreate
from .store import Store

MANIFEST: Final = "manifest.json"
VERSION: Final = 1
"""Of the manifest and of the columns: new ones may come, none goes."""
RESTRICTED: Final = "restricted"
"""What everything but the manifest's own lines is: see docs/domain.md, "Public or restricted"."""
_CHUNK: Final = 1 << 20
Progress = Callable[[str, int], None]
"""Called with the name of what is written and how many rows of it are."""


class What(NamedTuple):
    """What is exported."""

    area: Area
    reality: Reality
    since: int
    """What was stored until then (µs) is left out."""
    until: int
    """What was stored later (µs) is left out; the points are as they were known then."""
    formats: Collection[Format]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A kind of rows."""

    name: str
    about: str
    columns: Mapping[str, Kind]
    query: str
    """$1 the reality, $2 since, $3 until, $4 the kommuner or areas."""
    row: Callable[[Mapping[str, Any], Collection[Identity]], Row]
    """A row of the database as columns, and whole under `document`."""


async def export(
    store: Store, what: What, folder: Path, fallback: Callable[[], Rules], progress: Progress
) -> dict[str, Any]:
    """Write the files of an export into a folder, and its manifest last. Returns the manifest.

    Args:
        store: the archive.
        what: of which area, in what formats.
        folder: where; empty. Whoever calls gives it its name when this returns.
        fallback: gives the table of rules when the archive knows none.
        progress: told now and then.

    Raises:
        Away: the database does not answer.
        Refused: Parquet is asked for and pyarrow is not installed.
        OSError: the files cannot be written.
    """
    hidden = await hidden_of(store, what.reality, what.area.kommuner())
    files: list[dict[str, Any]] = []
    for sheet in SHEETS:
        files += await _sheet(store, what, sheet, hidden, folder, progress)
    if "geojson" in what.formats:
        files.append(await _points(store, what, hidden, folder, fallback, progress))
    manifest = {
        "export": VERSION,
        "area": {"level": what.area.level, "code": what.area.code, "name": what.area.name},
        "reality": what.reality,
        "since": iso(what.since),
        "until": iso(what.until),
        "classification": RESTRICTED,
        "notice": "Begränsad spridning: kan omfattas av sekretess (OSL 18 kap. 13 §). Det som är öppet finns på "
        "/public/v1/points. Sammanställningen kan vara känsligare än sina delar.",
        "redacted": len(hidden),
        "files": files,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return manifest


async def _sheet(
    store: Store, what: What, sheet: Sheet, hidden: Collection[Identity], folder: Path, progress: Progress
) -> list[dict[str, Any]]:
    made = dict(_writers(sheet, what.formats, folder))
    if not made:
        return []
    rows = 0
    with ExitStack() as stack:
        for writer in made.values():
            stack.callback(writer.close)
        async for row in _read(store, what, sheet, hidden):
            for writer in made.values():
                writer.row(row)
            rows += 1
            if rows % 1_000 == 0:
                progress(sheet.name, rows)
    progress(sheet.name, rows)
    return [_file(path, rows, sheet.about, columns_of(sheet.columns)) for path in made]


def _writers(sheet: Sheet, formats: Collection[Format], folder: Path) -> Iterator[tuple[Path, Writer]]:
    if "jsonl" in formats:
        path = folder / f"{sheet.name}.jsonl"
        yield path, JsonLines(path)
    if "csv" in formats:
        path = folder / f"{sheet.name}.csv"
        yield path, Csv(path, sheet.columns)
    if "parquet" in formats:
        path = folder / f"{sheet.name}.parquet"
        yield path, Parquet(path, sheet.columns)


async def _read(store: Store, what: What, sheet: Sheet, hidden: Collection[Identity]) -> AsyncIterator[Row]:
    where = inside(what.area)
    async for row in store.rows(sheet.query, what.reality, to_datetime(what.since), to_datetime(what.until), where):
        yield sheet.row(dict(row), hidden)


async def _points(
    store: Store,
    what: What,
    hidden: Collection[Identity],
    folder: Path,
    fallback: Callable[[], Rules],
    progress: Progress,
) -> dict[str, Any]:
    """The area's points as they were known at the end."""
    then = await recreate(store, Question(what.area, what.reality, what.until, "known"), fallback)
    path, rows = folder / "points.geojson", 0
    head = {"classification": RESTRICTED, "area": what.area.code, "as_of": iso(what.until), "reality": what.reality}
    writer = GeoJson(path, head)
    try:
        for state in then.states():
            document: dict[str, Any] = orjson.loads(orjson.dumps(state))
            if document["id"].endswith("_"):
                continue
            hide(document["facts"], {name for _, kommun, name in hidden if kommun == document["kommun"]})
            writer.row({"feature": _feature(document)})
            rows += 1
    finally:
        writer.close()
    progress("points", rows)
    return _file(path, rows, "The points as they were known at `until`, each with its state.", ())


def _feature(state: dict[str, Any]) -> dict[str, Any]:
    for name in ("timelines", "others"):
        state.pop(name, None)
    position = ((state["facts"].get("profile") or {}).get("value") or {}).get("position")
    geometry = None if not position else {"type": "Point", "coordinates": [position["lon"], position["lat"]]}
    return {"type": "Feature", "id": state["id"], "geometry": geometry, "properties": state}


def _file(path: Path, rows: int, about: str, columns: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": path.name,
        "about": about,
        "classification": RESTRICTED,
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": digest_of(path),
    }
    return {**told, "columns": list(columns)} if path.suffix != ".jsonl" and columns else told


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    made = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            made.update(part)
    return made.hexdigest()


# -- what is in them ---------------------------------------------------------------------------------------------------


def _event(data: bytes) -> dict[str, Any]:
    """A message as JSON that every format takes; of one that is none, its bytes."""
    try:
        event = event_of(data)
        orjson.dumps(event)
    except (ValueError, TypeError, RecursionError):
        return {"undecodable_base64": base64.b64encode(data).decode()}
    return event if type(event) is dict else {}


def _report(row: Mapping[str, Any], hidden: Collection[Identity]) -> Row:
    event = _event(row["data"])
    redacted = (row["reality"], row["kommun"], row["id"]) in hidden
    if redacted:
        event = {name: event[name] for name in ENVELOPE if name in event}
    place = {"stored_at": _iso(row["stored_at"]), "received": _iso(row["received"]), "origin": row["origin"]}
    document = {**place, "sha256": row["digest"].hex(), "event": event, **({"redacted": True} if redacted else {})}
    return {
        **{
            name: row[name]
            for name in ("stored_at", "received", "observed", "reality", "kommun", "kind", "id", "source")
        },
        "point": f"{row['kommun']}-{row['slug']}",
        "sha256": row["digest"].hex(),
        "origin": row["origin"],
        **{name: _text(event.get(name)) for name in ("role", "channel", "quality", "incident")},
        "data": None if redacted else json.dumps(event.get("data"), ensure_ascii=False),
        "redacted": "yes" if redacted else None,
        "document": document,
    }


def _alert(row: Mapping[str, Any], _: Collection[Identity]) -> Row:
    alert = _event(row["data"])
    names = ("stored_at", "reality", "key", "alert_id", "rule", "rules_version", "level", "status", "cleared_reason")
    return {
        **{name: row[name] for name in (*names, "raised_at", "changed_at", "point", "area_level", "area_code")},
        "text": _text((alert.get("text") or {}).get("sv")),
        "acks": json.dumps(alert.get("acks"), ensure_ascii=False),
        "document": {"stored_at": _iso(row["stored_at"]), "alert": alert},
    }


def _order(row: Mapping[str, Any], _: Collection[Identity]) -> Row:
    event = _event(row["data"])
    names = (
        "stored_at",
        "stream",
        "reality",
        "kind",
        "id",
        "source",
        "area",
        "given_at",
        "role",
        "by_level",
        "by_code",
    )
    return {
        **{name: row[name] for name in names},
        "data": json.dumps(event.get("data"), ensure_ascii=False),
        "document": {"stored_at": _iso(row["stored_at"]), "stream": row["stream"], "event": event},
    }


def _state(row: Mapping[str, Any], _: Collection[Identity]) -> Row:
    names = ("stored_at", "reality", "kommun", "lifecycle", "condition", "freshness", "link", "runs_out_at")
    told = {name: row[name] for name in names} | {
        "point": f"{row['kommun']}-{row['slug']}",
        "dark": None if row["dark"] is None else ("yes" if row["dark"] else "no"),
        "open_alerts": row["open_alerts"],
    }
    return {**told, "document": {name: _plain(value) for name, value in told.items()}}


def _rejected(row: Mapping[str, Any], _: Collection[Identity]) -> Row:
    names = ("stored_at", "reality", "kommun", "slug", "reason", "field", "received", "origin")
    told = {name: row[name] for name in names} | {"detail": row["detail"]}
    return {**told, "document": {name: _plain(value) for name, value in told.items()}}


def _iso(moment: Any) -> str | None:
    return None if moment is None else iso(from_datetime(moment))


def _plain(value: Any) -> Any:
    return _iso(value) if hasattr(value, "utcoffset") else value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


_IN: Final = "reality = $1 AND stored_at > $2 AND stored_at <= $3"


def _columns(*names: str, times: Collection[str] = (), numbers: Collection[str] = ()) -> dict[str, Kind]:
    return {name: "time" if name in times else "number" if name in numbers else "text" for name in names}


SHEETS: Final = (
    Sheet(
        name="reports",
        about="Every copy of every report, as it first came to this node; in the JSON Lines each event whole.",
        columns=_columns(
            *("stored_at", "received", "observed", "reality", "kommun", "point", "kind", "id", "source", "role"),
            *("channel", "quality", "incident", "origin", "sha256", "redacted", "data"),
            times=("stored_at", "received", "observed"),
        ),
        query=f"SELECT * FROM report WHERE {_IN} AND kommun = ANY($4) ORDER BY stored_at, sequence, digest",  # noqa: S608
        row=_report,
    ),
    Sheet(
        name="alerts",
        about="Every change of every alert, as it was published.",
        columns=_columns(
            *("stored_at", "reality", "key", "alert_id", "rule", "rules_version", "level", "status", "cleared_reason"),
            *("raised_at", "changed_at", "point", "area_level", "area_code", "text", "acks"),
            times=("stored_at", "raised_at", "changed_at"),
        ),
        query=f"SELECT * FROM alert_change WHERE {_IN} AND area_code = ANY($4) ORDER BY stored_at, sequence",  # noqa: S608
        row=_alert,
    ),
    Sheet(
        name="orders",
        about="Every order about the area or what lies in it; one that came by two streams is there twice.",
        columns=_columns(
            *("stored_at", "stream", "reality", "kind", "id", "source", "area", "given_at", "role", "by_level"),
            *("by_code", "data"),
            times=("stored_at", "given_at"),
        ),
        query=f"SELECT * FROM act WHERE {_IN} AND area = ANY($4) ORDER BY stored_at, stream, sequence",  # noqa: S608
        row=_order,
    ),
    Sheet(
        name="states",
        about="When the state of a point changed, and how it then was in short.",
        columns=_columns(
            *("stored_at", "reality", "kommun", "point", "lifecycle", "condition", "freshness", "link", "dark"),
            *("runs_out_at", "open_alerts"),
            times=("stored_at", "runs_out_at"),
            numbers=("open_alerts",),
        ),
        query=f"SELECT * FROM state_change WHERE {_IN} AND kommun = ANY($4) ORDER BY stored_at, sequence",  # noqa: S608
        row=_state,
    ),
    Sheet(
        name="rejected",
        about="Refused reports: why and which field, without what they held.",
        columns=_columns(
            *("stored_at", "reality", "kommun", "slug", "reason", "field", "detail", "received", "origin"),
            times=("stored_at", "received"),
        ),
        query="SELECT *, document(data) -> 'data' ->> 'detail' AS detail FROM rejected "  # noqa: S608
        f"WHERE {_IN} AND kommun = ANY($4) ORDER BY stored_at, sequence",
        row=_rejected,
    ),
)
"""What an export holds, beside the points."""
