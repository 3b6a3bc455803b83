"""What the tests of faults share."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.outcome import Outcome, Record


@pytest.fixture
def open_path(tmp_path: Path) -> Iterator[Path]:
    """A directory that other users of the computer may look into, as a PostgreSQL that is not run as root must.

    pytest's own are closed to them. What the node says there is kept in the test's own.
    """
    path = Path(tempfile.mkdtemp(prefix="vardkase-faults-"))
    path.chmod(0o755)
    yield path
    for log in (path / "told", path / "data" / "nats" / "nats-server.log"):
        if log.is_file():
            shutil.copy(log, tmp_path)
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def record(pytestconfig: pytest.Config) -> Record:
    """Puts an outcome into the report: `.pytest_cache/d/faults/report.md`, begun anew by each run."""
    cache = getattr(pytestconfig, "cache", None)
    directory = Path(tempfile.gettempdir()) if cache is None else cache.mkdir("faults")
    report = directory / "report.md"
    report.unlink(missing_ok=True)

    def write(outcome: Outcome) -> None:
        with report.open("a", encoding="utf-8") as file:
            file.write(f"{outcome.markdown()}\n")

    return write
