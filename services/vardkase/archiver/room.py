"""The archive takes no room from the streams: on a disk that both are on, it leaves what was promised to them.

A log that cannot grow stops reports; an archive that waits stops nothing.
"""

import shutil
import time
from typing import Final

from nats.aio.client import Client

from vardkase.federation import topology
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.settings import Settings

_SPARE: Final = 1 << 30
"""Bytes that are left free beside what is promised, or `_SPARE_SHARE` of the disk when that is less."""
_SPARE_SHARE: Final = 0.05
_ASKED_EVERY: Final = 15.0
"""Seconds between two looks at how much the streams may still take."""


class Room:
    """Whether there is room for the archive in a PostgreSQL of the node's own.

    Args:
        settings: `data_dir`.
        nc: a connection.
    """

    def __init__(self, settings: Settings, nc: Client) -> None:
        self._directory = settings.data_dir
        self._nc = nc
        self._promised = 0
        self._asked = -_ASKED_EVERY

    async def lacking(self) -> str:
        """Why nothing more may be written, in one line; empty when there is room, or the database is another's."""
        if not (self._directory / "postgres" / "cluster").is_dir():
            return ""
        if (self._directory / "nats" / "store").is_dir() and time.monotonic() - self._asked >= _ASKED_EVERY:
            await self._ask()
        disk = shutil.disk_usage(self._directory)
        least = self._promised + min(_SPARE, round(_SPARE_SHARE * disk.total))
        if disk.free >= least:
            return ""
        return f"less than {least >> 20} MiB are free on the disk: they are kept for the streams"

    async def _ask(self) -> None:
        """How much the streams may still take. While NATS does not answer, what it last said holds."""
        promised = 0
        try:
            for kept in topology.OWN:
                info = await call(self._nc, f"STREAM.INFO.{kept.name}", within=1.0)
                promised += max(0, info["config"]["max_bytes"] - info["state"]["bytes"])
        except (ApiError, NoAnswer):
            return
        self._promised, self._asked = promised, time.monotonic()
