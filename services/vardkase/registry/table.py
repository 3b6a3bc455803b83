"""A file's bytes as rows: CSV as Swedish offices write it, or GeoJSON. What the cells mean is not asked here."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from vardkase.registry.problems import BadFile

MOST_ROWS: Final = 100_000
"""A register of the whole country has some 6,000."""
MOST_COLUMNS: Final = 500
LONGEST_CELL: Final = 20_000
"""Characters; a field holds at most some hundred. More is a quote that was never closed."""
_DELIMITERS: Final = (";", "\t", ",", "|")
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_EXCEL: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

Cell = str | float | tuple[str, ...] | None
"""What stands in a cell: text, a number (GeoJSON), several words; None says that it is empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One point of the file."""

    line: int
    """Where it begins: the line of a CSV file, the number of a GeoJSON feature; from 1."""
    cells: Mapping[str, Cell]
    """By header. A header that is not here was left out for this row (GeoJSON)."""
    coordinates: tuple[float, float] | None = None
    """Of a GeoJSON point: its two coordinates, as they stand there."""
    id: str | None = None
    """A GeoJSON feature's own id."""
    trouble: str | None = None
    """Why the row cannot be read, in Swedish."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """What a file holds."""

    form: Literal["csv", "geojson"]
    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    crs: str | None = None
    """The coordinate system that a GeoJSON file names."""
    about: str = ""
    """How it was read, in Swedish: encoding and separator."""


def read(raw: bytes) -> Table:
    """The rows of a file.

    Raises:
        BadFile: it is neither CSV nor GeoJSON, holds nothing, or more than is taken.
    """
    if raw.startswith(_EXCEL):
        raise BadFile("filen är en Excelfil; spara den som CSV UTF-8 (avgränsad) och importera den filen")
    text, encoding = _decoded(raw)
    if not text.strip():
        raise BadFile("filen är tom")
    table = _geojson(text) if text.lstrip()[:1] in {"{", "["} else _csv(text, encoding)
    if not table.rows:
        raise BadFile("filen har inga rader")
    return table


def _decoded(raw: bytes) -> tuple[str, str]:
    for bom, name in _BOMS:
        if raw.startswith(bom):
            try:
                return raw.decode(name), "UTF-16" if name == "utf-16" else "UTF-8 med BOM"
            except UnicodeDecodeError:
                raise BadFile(f"filen börjar som {name} men är det inte; spara den som UTF-8") from None
    if b"\0" in raw:
        raise BadFile("filen är ingen textfil; spara den som CSV (UTF-8) eller GeoJSON")
    try:
        return raw.decode(), "UTF-8"
    except UnicodeDecodeError:
        # Windows-1252 leaves five bytes without a meaning; as ISO 8859-1 they would be control characters.
        return raw.decode("cp1252", errors="replace"), "Windows-1252"


# -- CSV -------------------------------------------------------------------------------------------------------------


def _csv(text: str, encoding: str) -> Table:
    delimiter, skipped = _delimiter(text)
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    headers: tuple[str, ...] | None = None
    rows: list[Row] = []
    begins = 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if line <= skipped or not any(cell.strip() for cell in cells):
                continue
            if headers is None:
                headers = _headers(cells)
                continue
            if len(rows) >= MOST_ROWS:
                raise BadFile(f"filen har fler än {MOST_ROWS} rader; dela den")
            rows.append(_row(line, headers, cells, delimiter))
    except csv.Error as error:
        raise BadFile(f"rad {begins}: kan inte läsas som CSV ({error}); är ett citattecken inte stängt?") from None
    if headers is None:
        raise BadFile("filen har ingen rad med rubriker")
    name = {"\t": "tabb", ";": "semikolon", ",": "komma"}.get(delimiter, delimiter)
    return Table(form="csv", headers=headers, rows=tuple(rows), about=f"CSV i {encoding} med {name}")


def _delimiter(text: str) -> tuple[str, int]:
    """What separates the cells, and how many lines say so: Excel's `sep=;`, else the commonest in the headers."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == len("sep=;"):
        return first.strip()[-1], 1
    bare = "".join(first.split('"')[::2])  # outside quotes
    counts = {delimiter: bare.count(delimiter) for delimiter in _DELIMITERS}
    return max(_DELIMITERS, key=lambda delimiter: counts[delimiter]), 0


def _headers(cells: list[str]) -> tuple[str, ...]:
    headers = [cell.strip() for cell in cells]
    while headers and not headers[-1]:
        headers.pop()  # a separator at the end of each line
    if len(headers) < 2:
        raise BadFile(f"rubrikraden har bara en kolumn ({cells[0].strip()[:60]!r}); avgränsare kan vara ; , eller tabb")
    if len(headers) > MOST_COLUMNS:
        raise BadFile(f"filen har {len(headers)} kolumner; högst {MOST_COLUMNS} tas emot")
    named = [header for header in headers if header]
    if twice := sorted({header for header in named if named.count(header) > 1}):
        raise BadFile(f"rubriken {twice[0]!r} finns två gånger; döp om den ena")
    return tuple(headers)


def _row(line: int, headers: tuple[str, ...], cells: list[str], delimiter: str) -> Row:
    more = [cell for cell in cells[len(headers) :] if cell.strip()]
    trouble = None
    if more:
        comma = " (decimalkomma i en kommaavgränsad fil?)" if delimiter == "," else ""
        trouble = f"raden har {len(cells)} celler, rubrikerna är {len(headers)}{comma}"
    elif len(cells) < len(headers):
        trouble = f"raden har {len(cells)} celler, rubrikerna är {len(headers)}; ett citattecken som inte stängs?"
    found: dict[str, Cell] = {}
    for header, cell in zip(headers, cells, strict=False):
        if header:
            found[header] = cell.strip() or None
    return Row(line=line, cells=found, trouble=trouble)


# -- GeoJSON ---------------------------------------------------------------------------------------------------------


def _geojson(text: str) -> Table:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"filen ser ut som JSON men kan inte läsas: {' '.join(str(error).split())}") from None
    features = _features(document)
    if len(features) > MOST_ROWS:
        raise BadFile(f"filen har fler än {MOST_ROWS} objekt; dela den")
    rows = [_feature(number, feature) for number, feature in enumerate(features, 1)]
    headers = tuple(dict.fromkeys(header for row in rows for header in row.cells))
    if len(headers) > MOST_COLUMNS:
        raise BadFile(f"filens objekt har {len(headers)} olika egenskaper; högst {MOST_COLUMNS} tas emot")
    return Table(form="geojson", headers=headers, rows=tuple(rows), crs=_crs(document), about="GeoJSON")


def _features(document: Any) -> list[Any]:
    if isinstance(document, dict):
        if document.get("type") == "FeatureCollection" and isinstance(document.get("features"), list):
            return document["features"]
        if document.get("type") == "Feature":
            return [document]
    raise BadFile("filen är JSON men inte GeoJSON: en FeatureCollection med punkter väntades")


def _feature(number: int, feature: Any) -> Row:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        return Row(line=number, cells={}, trouble="är inget GeoJSON-objekt av typen Feature")
    properties = feature.get("properties")
    cells = _cells(properties.items()) if isinstance(properties, dict) else {}
    identity = feature.get("id")
    own_id = identity if isinstance(identity, str) else None
    geometry = feature.get("geometry")
    if geometry is None:
        return Row(line=number, cells=cells, id=own_id)
    point = _point(geometry)
    if point is None:
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        return Row(line=number, cells=cells, id=own_id, trouble=f"geometrin är {kind or 'okänd'}; en Point väntades")
    return Row(line=number, cells=cells, id=own_id, coordinates=point)


def _point(geometry: Any) -> tuple[float, float] | None:
    if not isinstance(geometry, dict):
        return None
    coordinates = geometry.get("coordinates")
    if geometry.get("type") == "MultiPoint" and isinstance(coordinates, list) and len(coordinates) == 1:
        coordinates = coordinates[0]
    elif geometry.get("type") != "Point":
        return None
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return None
    first, second = coordinates[:2]
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in (first, second)):
        return None
    return float(first), float(second)


def _cells(properties: Iterable[tuple[str, Any]]) -> dict[str, Cell]:
    return {name: _cell(value) for name, value in properties}


def _cell(value: Any) -> Cell:
    match value:
        case None:
            return None
        case bool():
            return "ja" if value else "nej"
        case int() | float():
            return float(value) if abs(value) < 1e15 else str(value)
        case str():
            return value.strip() or None
        case list():
            return tuple(str(each).strip() for each in value if each is not None) or None
        case _:
            return json.dumps(value, ensure_ascii=False)[:LONGEST_CELL]


def _crs(document: Any) -> str | None:
    """The name in the `crs` member (GeoJSON of 2008, which GIS programs still write)."""
    crs = document.get("crs")
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") or properties.get("code") if isinstance(properties, dict) else None
    return None if name is None else str(name)
