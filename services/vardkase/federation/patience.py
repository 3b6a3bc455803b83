"""After how long a node escalates what nobody acknowledges, told by the node itself as one document in a bucket of it.

So whoever asks a node, from whatever computer, is told by the node's settings and not by their own.
"""

import asyncio
import json
import logging
import math
from typing import Final

from nats.aio.client import Client

from vardkase.domain.escalation import Policy
from vardkase.federation.topology import NODE
from vardkase.runtime.jetstream.bucket import Bucket, BucketAway
from vardkase.runtime.settings import Settings

log: Final = logging.getLogger(__name__)

KEY: Final = "escalation"
"""Where the document stands."""
_AGAIN: Final = 5.0
"""Seconds between two attempts to tell."""


async def tell(nc: Client, settings: Settings) -> None:
    """Tell it, however long it takes until it is stored; what is told already is left as it is.

    Args:
        nc: a connection to the node's account.
        settings: of the node: `escalation`.
    """
    bucket, data = Bucket(nc, NODE), json.dumps(settings.escalation.model_dump(), sort_keys=True).encode()
    while True:
        try:
            entry = await bucket.get(KEY)
            if entry is None or entry.data != data:
                await bucket.put(KEY, data)
        except BucketAway as error:
            log.warning("after how long the node escalates cannot be told yet", extra={"error": str(error)})
            await asyncio.sleep(_AGAIN)
        else:
            return


async def ask(nc: Client) -> Policy | None:
    """What a node told; None: it has not told it, or tells what cannot be read.

    Args:
        nc: a connection to the node's account.

    Raises:
        BucketAway: it cannot be asked, or does not let itself be.
    """
    entry = await Bucket(nc, NODE).get(KEY)
    if entry is None or entry.data is None:
        return None
    try:
        told = {str(name): float(value) for name, value in json.loads(entry.data).items()}
        if not all(math.isfinite(each) and each >= 0 for each in told.values()):
            return None
        return Policy.after(**told)
    except (ValueError, TypeError, AttributeError):
        return None
