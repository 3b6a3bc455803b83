"""All of an area in open formats, from a real archive: whole or not there, restricted, without what was redacted."""

import asyncio
import csv
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from archived import Filled, filled
from histories import RULES
from shifts import Night, a_night
from vardkase.archive.export import What, export
from vardkase.archive.formats import JsonLines
from vardkase.archive.store import Store, opened
from vardkase.cli.export import _whole
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts.areas import Area

LAN = Area.parse("24")
FORMATS = frozenset(("jsonl", "csv", "geojson"))


@pytest.fixture
async def archive(database: str) -> AsyncIterator[Filled]:
    async with filled(database) as made:
        yield made


async def exported(database: str, folder: Path, area: Area, night: Night, **changes: Any) -> dict[str, Any]:
    """The manifest of an export."""
    given: dict[str, Any] = {"since": 0, "until": night.now, "formats": FORMATS} | changes
    await asyncio.to_thread(folder.mkdir)
    async with opened(SecretStr(database), "test") as store:
        return await export(store, What(area, "act", **given), folder, lambda: RULES, lambda *_: None)


def lines(path: Path) -> list[dict[str, Any]]:
    """A file of JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_all_of_an_area_is_written_and_told_of(archive: Filled, database: str, tmp_path: Path) -> None:
    """Every file's rows, bytes and hash are as the manifest says, all marked as restricted, nobody else's there."""
    night = a_night()
    night.report(50, "status", {"lifecycle": "open", "note": "=cmd|' /C calc'!A0"}, point="2401-a")
    night.rejected(30, "schema", "data")
    await night.put(archive)
    manifest = await exported(database, tmp_path / "lan", LAN, night)
    assert manifest == json.loads((tmp_path / "lan" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["classification"] == "restricted"
    told = {file["name"]: file for file in manifest["files"]}
    assert {path.name for path in (tmp_path / "lan").iterdir()} == {*told, "manifest.json"}
    for name, file in told.items():
        data = (tmp_path / "lan" / name).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert file["classification"] == "restricted"
    reports = lines(tmp_path / "lan" / "reports.jsonl")
    with (tmp_path / "lan" / "reports.csv").open(encoding="utf-8-sig", newline="") as file:
        flat = list(csv.DictReader(file))
    assert len(reports) == len(flat) == told["reports.jsonl"]["rows"] == told["reports.csv"]["rows"] == 9
    assert [row["id"] for row in flat] == [each["event"]["id"] for each in reports]
    assert "aGVtbGlndA" not in (tmp_path / "lan" / "rejected.jsonl").read_text(encoding="utf-8")
    points = json.loads((tmp_path / "lan" / "points.geojson").read_text(encoding="utf-8"))
    assert points["classification"] == "restricted"
    assert [each["id"] for each in points["features"]] == ["2401-a", "2480-a", "2480-b"]
    assert points["features"][1]["geometry"] == {"type": "Point", "coordinates": [20.2, 63.8]}
    kommun = await exported(database, tmp_path / "kommun", Area.parse("2401"), night)
    assert {each["event"]["subject"][:4] for each in lines(tmp_path / "kommun" / "reports.jsonl")} == {"2401"}
    assert [each["alert"]["key"] for each in lines(tmp_path / "kommun" / "alerts.jsonl")] == ["area.silent/2401"]
    assert kommun["area"]["code"] == "2401"


async def test_what_was_redacted_is_told_of_without_its_content(archive: Filled, database: str, tmp_path: Path) -> None:
    """Its envelope alone, in every file; the state of its point without its text."""
    night = Night()
    named = night.report(50, "status", {"lifecycle": "open", "note": "Anna Andersson"})
    night.order(
        40, "redact", {"identity": {"reality": "act", "kommun": "2480", "id": named}, "reason": "namn"}, area="2480"
    )
    await night.put(archive)
    manifest = await exported(database, tmp_path / "out", LAN, night)
    assert manifest["redacted"] == 1
    for path in (tmp_path / "out").iterdir():
        assert b"Anna" not in path.read_bytes(), path.name
    (report,) = lines(tmp_path / "out" / "reports.jsonl")
    assert report["redacted"]
    assert report["event"]["id"] == named
    assert "data" not in report["event"]


async def test_the_same_question_has_the_same_files(archive: Filled, database: str, tmp_path: Path) -> None:
    """Between two instants: what came before or later is in none of them."""
    night = a_night()
    await night.put(archive)
    between = {"since": night.ago(600), "until": night.ago(400)}
    first = await exported(database, tmp_path / "a", LAN, night, **between)
    assert await exported(database, tmp_path / "b", LAN, night, **between) == first
    stored = [each["stored_at"] for each in lines(tmp_path / "a" / "reports.jsonl")]
    assert stored == sorted(stored)
    kinds = [each["event"]["type"].split(".")[3] for each in lines(tmp_path / "a" / "orders.jsonl")]
    assert kinds == ["report_request"]  # the instant itself is of the time before it


async def test_an_export_holds_a_part_of_the_rows_alone(
    archive: Filled, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row is written before the next one is asked for: what is held is a fetch of them."""
    night = Night()
    for number in range(40):
        night.report(100 - number, "confirm", {})
    await night.put(archive)
    asked, written = 0, 0
    rows, row = Store.rows, JsonLines.row

    async def counted(self: Store, query: str, *values: Any) -> AsyncIterator[Any]:
        nonlocal asked
        async for each in rows(self, query, *values):
            if "sequence, digest" in query:
                assert asked == written
                asked += 1
            yield each

    def noted(self: JsonLines, given: Any) -> None:
        nonlocal written
        written += 1
        row(self, given)

    monkeypatch.setattr(Store, "rows", counted)
    monkeypatch.setattr(JsonLines, "row", noted)
    manifest = await exported(database, tmp_path / "out", LAN, night)
    assert manifest["files"][0]["rows"] == 40 == asked == written


async def test_what_breaks_off_has_no_file_that_looks_whole(
    archive: Filled, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not written to its end has another name, and there is no manifest; so too when it ends by itself."""
    night = a_night()
    await night.put(archive)
    rows = Store.rows

    async def breaks(self: Store, query: str, *values: Any) -> AsyncIterator[Any]:
        async for each in rows(self, query, *values):
            yield each
            if "alert_change" in query:
                raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "rows", breaks)
    with pytest.raises(OSError, match="No space"):
        await exported(database, tmp_path / "out", LAN, night)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["alerts.csv.unfinished", "alerts.jsonl.unfinished", "reports.csv", "reports.jsonl"]


def test_a_folder_that_cannot_have_its_name_is_told_of(tmp_path: Path) -> None:
    """One line that names it, and nothing is left; a folder of somebody's files is not emptied of folders."""
    to = tmp_path / "out"

    def taken() -> None:
        with _whole(to) as folder:
            (folder / "a").write_text("x", encoding="utf-8")
            (to / "theirs").mkdir(parents=True)

    with pytest.raises(Failed, match=r"out cannot be written: Directory not empty"):
        taken()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    (tmp_path / ".other.partial" / "theirs").mkdir(parents=True)
    with pytest.raises(Refused, match="cannot be emptied"), _whole(tmp_path / "other"):
        pass
    (tmp_path / ".linked.partial").symlink_to(to)
    with pytest.raises(Refused, match="cannot be made"), _whole(tmp_path / "linked"):
        pass
    assert [path.name for path in to.iterdir()] == ["theirs"]


def test_a_folder_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    """What fails leaves nothing; what a killed run left is taken away; a folder that is there is not touched."""
    to = tmp_path / "out"

    def fails() -> None:
        with _whole(to) as folder:
            (folder / "a").write_text("x", encoding="utf-8")
            assert oct(folder.stat().st_mode)[-3:] == "700"
            assert oct((folder / "a").stat().st_mode)[-3:] == "600"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "old").write_text("x", encoding="utf-8")
    with _whole(to) as folder:
        assert list(folder.iterdir()) == []
        (folder / "b").write_text("x", encoding="utf-8")
        assert not to.exists()
        with pytest.raises(Refused, match="another export"), _whole(to):
            pass
        assert (folder / "b").exists()
    assert [path.name for path in to.iterdir()] == ["b"]
    with pytest.raises(Refused, match="there already"), _whole(to):
        pass
