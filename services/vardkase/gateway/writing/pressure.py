"""Whether the streams that a report goes through have room: who sends is told before one of them is full.

A full INTAKE refuses by itself. Of a full REPORTS who sends would not hear: the report would be stored, and neither
merged nor seen, and be gone when INTAKE's week is over.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

import nats.errors
from nats.aio.client import Client

from vardkase.federation import topology
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.setting_groups import WebSettings
from vardkase_contracts import streams

log: Final = logging.getLogger(__name__)

_WATCHED: Final = tuple(kept for kept in topology.KEPT if kept.name in {streams.INTAKE, streams.REPORTS})


class Pressure:
    """How full the streams are, as last seen.

    Args:
        settings: from what share on nothing more is taken (`full_at`), and how often it is looked (`fill_check`).
    """

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self.over: Mapping[str, float] = {}
        """The streams that are too full, and how full they are."""

    async def run(self, nc: Client) -> None:
        """Look now and then, for ever. While nobody answers, what was last seen holds."""
        while True:
            try:
                self.see(await topology.fill_ratios(nc, _WATCHED))
            except (ApiError, NoAnswer, nats.errors.Error) as error:
                log.debug("how full the streams are is not known: %s", error)
            await asyncio.sleep(self._settings.fill_check)

    def see(self, ratios: Mapping[str, float]) -> None:
        """Take in how full the streams are."""
        over = {stream: ratio for stream, ratio in ratios.items() if ratio >= self._settings.full_at}
        if over.keys() != self.over.keys():
            if over:
                log.error("reports over HTTP are turned away: a stream is nearly full", extra={"streams": dict(over)})
            else:
                log.info("reports over HTTP are taken in again")
        self.over = over
