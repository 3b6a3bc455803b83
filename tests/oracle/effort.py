"""How hard the comparisons try: some dozen cases each by default, as many as `ORACLE_EXAMPLES` says otherwise."""

import os

from hypothesis import settings


def examples(usual: int) -> settings:
    """Settings for so many cases, or for the number in the environment."""
    return settings(max_examples=int(os.environ.get("ORACLE_EXAMPLES", usual)), deadline=None, database=None)
