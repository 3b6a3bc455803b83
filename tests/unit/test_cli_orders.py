"""`vardkase silence`, `rules` and `incident`: what cannot work is refused before a node is asked."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vardkase.cli.main import main

POINT = "2480-umedalen"
Refusal = Callable[..., str]


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refusal:
    """The one line by which a command is refused, with the exit code for wrong use."""
    monkeypatch.setenv("VARDKASE_NATS_URL", "nats://127.0.0.1:1")

    def refuse(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["vardkase", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert (ended.value.code, out, len(err.splitlines())) == (2, "", 1)
        return err

    return refuse


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("silence", "add", "--as", "24"), "at least one of --rule, --point and --area"),
        (("silence", "add", "--rule", "heat.lo", "--as", "24"), "--rule: there is no rule"),
        (("silence", "add", "--point", "2480", "--as", "24"), "--point:"),
        (("silence", "add", "--point", POINT, "--area", "2482", "--as", "24"), "does not lie in 2482"),
        (("silence", "add", "--rule", "heat.low"), "--as: expected"),
        (("rules", "show", "99"), "AREA: expected"),
        (("rules", "show", "2480-Umeå"), "PLACE:"),
        (("rules", "set", POINT, "/no/such/file", "--as", "24"), "FILE: /no/such/file"),
        (("incident", "declare", "i", "Storm", "99", "--as", "24"), "AREA: expected"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_line_and_2(refusal: Refusal, arguments: tuple[str, ...], says: str) -> None:
    """What cannot work is refused before a node is asked, in one line that names what is wrong."""
    assert says in refusal(*arguments)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("heat.low: {yellow: 17}", "FILE: heat.low: a graver level"),
        ("heat.low: {yelow: 21}", "FILE: heat.low: there is no such setting"),
        ("[", "is not YAML"),
        ("21", "expected rules"),
        ("{}", "says nothing"),
    ],
)
def test_a_bad_file_of_overrides_is_refused_before_it_is_sent(
    refusal: Refusal, content: str, says: str, tmp_path: Path
) -> None:
    """The same checks as the node's, with the setting at fault."""
    file = tmp_path / "o.yaml"
    file.write_text(content)
    assert says in refusal("rules", "set", POINT, str(file), "--as", "24")
