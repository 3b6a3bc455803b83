"""What some tests need and that does not come from the lock file, but from Debian or npm: one mark each.

A test marked with one is skipped, with the reason, where the program is missing. Where `CI_PACKAGES` names its package,
as `.ci/run` does with what it installs, the test fails instead: nothing is silently left out there.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ASYNCAPI_PARSER: Final = Path(__file__).parent / "contract" / "parser"
"""Where npm installs the parser of AsyncAPI documents: `npm ci` there."""


class Need(NamedTuple):
    """A program, and where it comes from."""

    program: str
    package: str
    #: Whether it can be used, when it is there.
    works: Callable[[], bool] = lambda: True
    #: Where it comes from.
    source: str = "Debian's package"
    #: Whether it is there.
    there: Callable[[str], bool] = lambda program: shutil.which(program) is not None


def _docker_answers() -> bool:
    done = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    return done.returncode == 0


#: By mark. The marks are registered in pyproject.toml.
NEEDS: Final = {
    "promtool": Need("promtool", "prometheus"),
    "strace": Need("strace", "strace"),
    "alertmanager": Need("prometheus-alertmanager", "prometheus-alertmanager"),
    "chromium": Need("chromium", "chromium"),
    "docker": Need("docker", "docker.io", _docker_answers),
    "asyncapi_parser": Need(
        "the parser of AsyncAPI documents (`npm ci` in tests/contract/parser)",
        "@asyncapi/parser",
        source="npm's package",
        there=lambda _: (ASYNCAPI_PARSER / "node_modules" / "@asyncapi" / "parser").is_dir(),
    ),
}


@cache
def missing(mark: str) -> str | None:
    """Why a mark's program cannot be used here; `None` when it can."""
    need = NEEDS[mark]
    if not need.there(need.program):
        return f"needs {need.program}, of {need.source} {need.package}"
    return None if need.works() else f"needs {need.program}, which is here and does not answer"


def look_for(item: pytest.Item) -> None:
    """Skip a test whose program is missing, or fail it where the package was to be installed."""
    for mark in NEEDS.keys() & {marker.name for marker in item.iter_markers()}:
        reason = missing(mark)
        if reason is None:
            continue
        if NEEDS[mark].package in os.environ.get("CI_PACKAGES", "").split():
            pytest.fail(f"{reason}, which was to be installed", pytrace=False)
        pytest.skip(reason)
