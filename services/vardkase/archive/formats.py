"""Files of rows in open formats, written a row at a time: JSON Lines, CSV, Parquet, GeoJSON. Nothing is held in memory.

A cell of a CSV that a spreadsheet would take for a formula has an apostrophe before it.
"""

import csv
import importlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import orjson

from vardkase.runtime.errors import Refused

Format = Literal["jsonl", "csv", "geojson", "parquet"]
FORMATS: Final[tuple[Format, ...]] = ("jsonl", "csv", "geojson", "parquet")
Kind = Literal["text", "time", "number"]
Row = Mapping[str, Any]

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 -- the wide ones too
"""What a spreadsheet takes for the beginning of a formula, or lets one begin after."""
_GROUP: Final = 5_000
"""Rows of a group of a Parquet file: what it holds in memory."""


class Writer(Protocol):
    """A file that is being written."""

    def row(self, row: Row) -> None:
        """Write a row."""
        ...

    def close(self) -> None:
        """Write the end of the file."""
        ...


def safe(text: str) -> str:
    """A text as a cell of a CSV: one that a spreadsheet would run is made into one that it shows."""
    return f"'{text}" if text.startswith(FORMULA) else text


class JsonLines:
    """One JSON document a line.

    Args:
        path: of the file; there is none yet.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")

    def row(self, row: Row) -> None:
        """Write a row: its `document`, whole."""
        self._file.write(orjson.dumps(row["document"]) + b"\n")

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


class Csv:
    """Comma-separated, UTF-8 with a mark of byte order so that spreadsheets read å, ä and ö; the first line has names.

    Args:
        path: of the file; there is none yet.
        columns: names and kinds.
    """

    def __init__(self, path: Path, columns: Mapping[str, Kind]) -> None:
        self._file = path.open("x", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._columns = columns
        self._writer.writerow(columns)

    def row(self, row: Row) -> None:
        """Write a row's columns."""
        self._writer.writerow([_cell(row[name]) for name in self._columns])

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


class Parquet:
    """Parquet, compressed with zstd.

    Args:
        path: of the file.
        columns: names and kinds.

    Raises:
        Refused: pyarrow is not installed.
    """

    def __init__(self, path: Path, columns: Mapping[str, Kind]) -> None:
        self._arrow, parquet = pyarrow()
        types = {
            "text": self._arrow.string(),
            "time": self._arrow.timestamp("us", tz="UTC"),
            "number": self._arrow.float64(),
        }
        self._schema = self._arrow.schema([(name, types[kind]) for name, kind in columns.items()])
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._columns = columns
        self._held: list[list[Any]] = []

    def row(self, row: Row) -> None:
        """Take a row; a whole group is written."""
        self._held.append([row[name] for name in self._columns])
        if len(self._held) >= _GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if not self._held:
            return
        columns = [list(column) for column in zip(*self._held, strict=True)]
        arrays = [
            self._arrow.array(column, type=field.type) for column, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._held = []


class GeoJson:
    """A collection of features (RFC 7946).

    Args:
        path: of the file; there is none yet.
        head: members of the collection beside its features.
    """

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        self._file = path.open("xb")
        self._file.write(b'%s,"features":[' % orjson.dumps({"type": "FeatureCollection", **head})[:-1])
        self._first = True

    def row(self, row: Row) -> None:
        """Write a feature."""
        self._file.write((b"\n" if self._first else b",\n") + orjson.dumps(row["feature"]))
        self._first = False

    def close(self) -> None:
        """Write the end of the file."""
        self._file.write(b"\n]}\n")
        self._file.close()


def pyarrow() -> tuple[Any, Any]:
    """The library pyarrow and its Parquet, when they are installed.

    Raises:
        Refused: they are not; the line says how to have them.
    """
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise Refused(
            "Parquet needs the extra `export`: install it (uv sync --extra export, or pip install 'vardkase[export]'), "
            "or leave parquet out of --formats"
        ) from None


def columns_of(columns: Mapping[str, Kind]) -> Sequence[Mapping[str, str]]:
    """Columns as a manifest tells them."""
    return [{"name": name, "kind": kind} for name, kind in columns.items()]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return safe(value) if isinstance(value, str) else str(value)
