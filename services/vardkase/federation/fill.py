"""How full the streams are: an alarm long before one must refuse what is new."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from nats.aio.client import Client

from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings

from .topology import Kept, fill_ratios

log: Final = logging.getLogger(__name__)

_EVERY: Final = 5
"""Ticks between two looks: a stream does not fill in seconds."""


async def watch(nc: Client, kept: Sequence[Kept], settings: Settings, metrics: Metrics) -> None:
    """Measure each stream now and then, for ever; log when one becomes fuller than it should.

    Args:
        nc: a connection to the streams' account.
        kept: which streams.
        settings: how often (`intake.tick`), and from what share on it is an alarm (`intake.fill_alarm`).
        metrics: `vardkase_stream_fill_ratio`.
    """
    alarmed: set[str] = set()
    while True:
        try:
            ratios = await fill_ratios(nc, kept)
        except (ApiError, NoAnswer) as error:
            log.warning("how full the streams are is not known: %s", error)
            ratios = {}
        for stream, ratio in ratios.items():
            metrics.stream_fill_ratio.labels(stream).set(ratio)
            if ratio >= settings.intake.fill_alarm and stream not in alarmed:
                alarmed.add(stream)
                log.error("the stream %s is %.0f %% full: give it room", stream, 100 * ratio)
            elif ratio < settings.intake.fill_alarm:
                alarmed.discard(stream)
        await asyncio.sleep(_EVERY * settings.intake.tick)
