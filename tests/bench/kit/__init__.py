"""What the benches share: a node whose processes are measured, reports of a storm, and tables.

A bench is a program of its own, run from the checkout: `uv run --no-sync python tests/bench/table.py`.
"""

import sys
from pathlib import Path

_TESTS = str(Path(__file__).parents[2])
if _TESTS not in sys.path:  # for the tests' own node
    sys.path.append(_TESTS)
