"""Three levels that run."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from federation.kit import Federation, Level
from servers import Eventually


@pytest.fixture
async def federation(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Federation]:
    """A federation without nodes."""
    made = Federation(tmp_path, eventually)
    yield made
    await made.stop()


class Three:
    """The nation, a län, a kommun, with their links up."""

    def __init__(self, federation: Federation, nation: Level, lan: Level, kommun: Level) -> None:
        self.federation, self.nation, self.lan, self.kommun = federation, nation, lan, kommun


@pytest.fixture
async def three(federation: Federation) -> Three:
    """Three levels with their links up."""
    nation = await federation.begin()
    lan = await federation.join("24", parent=True)
    kommun = await federation.join("2480")
    await federation.until_up()
    return Three(federation, nation, lan, kommun)
