"""What is brought up for real takes minutes, and root: it is left out unless it is asked for."""

from typing import Final

import pytest

LONG: Final = "brings up docker-compose.yml for real: run it as root with -m campaign"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave it out unless it is asked for by its mark."""
    if "campaign" in config.option.markexpr:
        return
    for item in items:
        marker = item.get_closest_marker("campaign")
        if marker is not None and "deploy" in item.nodeid.split("/"):
            item.add_marker(pytest.mark.skip(reason=LONG))
