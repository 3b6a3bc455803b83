"""All that an archive has of an area, in open formats: a folder of files and a manifest, whole or not there at all.

Rows go from the database to the files a part at a time. A file has its name when it is whole, and the manifest comes
last: what breaks off leaves nothing that could be taken for an export.
"""

import hashlib
import json
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from vardkase.domain.merge import Identity
from vardkase.domain.rules import Rules
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import iso, to_datetime
from vardkase_contracts.vocab import Reality

from .formats import Csv, Format, GeoJson, JsonLines, Parquet, Row, Writer, columns_of
from .hiding import hide
from .history import hidden_of
from .places import inside
from .replay import Question, recreate
from .sheets import SHEETS, Sheet
from .store import Store

MANIFEST: Final = "manifest.json"
VERSION: Final = 1
"""Of the manifest and of the columns: new ones may come, none goes."""
RESTRICTED: Final = "restricted"
"""What everything but the manifest's own lines is: see docs/domain.md, "Public or restricted"."""
UNFINISHED: Final = ".unfinished"
"""What the name of a file ends in until all of it is written and on disk."""
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
    path = folder / MANIFEST
    _unfinished(path).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    _finish(path)
    return manifest


def _unfinished(path: Path) -> Path:
    """Where a file is written before it has its name."""
    return path.with_name(path.name + UNFINISHED)


def _finish(path: Path) -> None:
    """Give a file its name: all of it is on disk first."""
    unfinished = _unfinished(path)
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.rename(path)


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
    for path in made:
        _finish(path)
    progress(sheet.name, rows)
    return [_file(path, rows, sheet.about, columns_of(sheet.columns)) for path in made]


def _writers(sheet: Sheet, formats: Collection[Format], folder: Path) -> Iterator[tuple[Path, Writer]]:
    if "jsonl" in formats:
        path = folder / f"{sheet.name}.jsonl"
        yield path, JsonLines(_unfinished(path))
    if "csv" in formats:
        path = folder / f"{sheet.name}.csv"
        yield path, Csv(_unfinished(path), sheet.columns)
    if "parquet" in formats:
        path = folder / f"{sheet.name}.parquet"
        yield path, Parquet(_unfinished(path), sheet.columns)


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
    writer = GeoJson(_unfinished(path), head)
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
    _finish(path)
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
