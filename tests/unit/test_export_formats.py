"""Files in open formats: what is written is what was given, and no spreadsheet runs any of it."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vardkase.archive import formats
from vardkase.archive.formats import FORMULA, Csv, GeoJson, JsonLines, Parquet, safe
from vardkase.runtime.errors import Refused

COLUMNS: dict[str, Any] = {"at": "time", "text": "text", "n": "number"}
AT = datetime(2026, 11, 20, 2, 40, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.one_of(TEXTS, st.sampled_from(["=1+1", "@SUM(A1)", "-2", "\t=x", "'=x", "a\r\n=x"])), max_size=8))
def test_no_cell_is_a_formula_and_each_reads_back(tmp_path: Path, texts: list[str]) -> None:
    """A cell that would be run has an apostrophe before it; without that it is what was given."""
    path = tmp_path / "a.csv"
    path.unlink(missing_ok=True)
    writer = Csv(path, COLUMNS)
    for text in texts:
        writer.row({"at": AT, "text": text, "n": -1.5})
    writer.close()
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0] == list(COLUMNS)
    for text, row in zip(texts, rows[1:], strict=True):
        assert row[0] == "2026-11-20T02:40:00Z"
        assert row[2] == "-1.5"
        assert not row[1].startswith(FORMULA)
        assert row[1] == safe(text)
        assert (row[1][1:] if text.startswith(FORMULA) else row[1]) == text


def test_json_lines_and_geojson_are_json(tmp_path: Path) -> None:
    """A document a line whatever is in it; a collection that any reader takes, also an empty one."""
    writer = JsonLines(tmp_path / "a.jsonl")
    documents = [{"a": "rad\n ett"}, {"b": None}]
    for document in documents:
        writer.row({"document": document})
    writer.close()
    lines = (tmp_path / "a.jsonl").read_text(encoding="utf-8").split("\n")
    assert [json.loads(line) for line in lines if line] == documents
    for count in (0, 1, 3):
        path = tmp_path / f"{count}.geojson"
        points = GeoJson(path, {"classification": "restricted"})
        for number in range(count):
            points.row({"feature": {"type": "Feature", "id": str(number), "geometry": None, "properties": {}}})
        points.close()
        made = json.loads(path.read_text(encoding="utf-8"))
        assert (made["type"], len(made["features"]), made["classification"]) == (
            "FeatureCollection",
            count,
            "restricted",
        )


def test_parquet_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows in groups, times with their zone; nothing of an empty file is missing but the rows."""
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(formats, "_GROUP", 2)
    rows = [{"at": AT, "text": "=å", "n": 1.0}, {"at": None, "text": None, "n": None}, {"at": AT, "text": "", "n": -2}]
    for name, some in (("a", rows), ("empty", [])):
        writer = Parquet(tmp_path / name, COLUMNS)
        for row in some:
            writer.row(row)
        writer.close()
        table = parquet.read_table(tmp_path / name)
        assert table.column_names == list(COLUMNS)
        assert table.to_pylist() == some


def test_parquet_that_cannot_be_written_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the line names the extra, and the way without."""

    def gone(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(formats.importlib, "import_module", gone)
    with pytest.raises(Refused, match="extra `export`"):
        formats.pyarrow()
