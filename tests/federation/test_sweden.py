"""A rehearsal with a few kommuner, by its command: the same servers, links, faults and count as with all of Sweden."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.campaign
@pytest.mark.timeout(240)
def test_a_small_sweden(tmp_path: Path) -> None:
    """Faults heal, nothing is lost or doubled, and the whole nodes say what follows from what was sent."""
    options = ["--minutes", "0.4", "--lan", "24", "--kommuner", "2", "--points", "1200", "--json"]
    command = [sys.executable, "-m", "vardkase.cli.main", "sweden", *options, "--data-dir", str(tmp_path / "sweden")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=220, check=False)
    assert done.returncode == 0, done.stdout.decode()[-4000:] + done.stderr.decode()[-2000:]
    *progress, last = [json.loads(line) for line in done.stdout.splitlines()]
    report = last["report"]
    assert report["passed"]
    assert report["sent"] > 100
    assert {each["hub"]: each["merged"] for each in report["merged"]} == dict.fromkeys(
        ("SE", "lan-24", "kommuner"), report["sent"]
    )
    assert len(report["faults"]) >= 2
    assert sum("healed" in each for each in progress) == len(report["faults"])
    assert {each["node"] for each in report["judged"]} == {"SE", "lan-24"}
    assert report["orders"]["lost"] == 0
    assert any(each.get("links_up") == 3 for each in progress)
