"""`vardkase register import`, used wrongly: refused before any node is asked."""

import sys

import pytest

from registers import FIXTURES
from vardkase.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["local_zone.csv"], "--crs"),
        (["nowhere.csv"], "nowhere.csv"),
        (["spreadsheet.xlsx"], "Excel"),
        (["wgs84.csv", "--map", "x=y"], "--map"),
        (["wgs84.csv", "--map", "x"], "--map"),
        (["wgs84.csv", "--set", "nope=1"], "--set"),
        (["wgs84.csv", "--crs", "EPSG:1"], "--crs"),
        (["wgs84.csv", "--kommun", "9999"], "--kommun"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(
    arguments: list[str], named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that cannot be used and an option that means nothing are refused, by name."""
    file, *options = arguments
    monkeypatch.setattr(sys, "argv", ["vardkase", "register", "import", str(FIXTURES / file), *options])
    monkeypatch.setenv("VARDKASE_NATS_URL", "nats://127.0.0.1:1")
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert (ended.value.code, out, len(err.splitlines())) == (2, "", 1)
    assert named in err
