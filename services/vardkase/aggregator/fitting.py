"""Whether a document is short enough for the server that is to take it."""

import logging
from typing import Final

from nats.aio.client import Client

from vardkase.runtime.metrics import Metrics

log: Final = logging.getLogger(__name__)

HEADERS: Final = 1024
"""Room for the headers of a message, in bytes."""


def fits(nc: Client, metrics: Metrics, stream: str, subject: str, data: bytes) -> bool:
    """Whether the server takes it; what it does not take is counted and told of.

    Args:
        nc: a connection to the server.
        metrics: where it is counted.
        stream: where it is to go.
        subject: what it is about, for whoever reads the log.
        data: the document.
    """
    if len(data) + HEADERS <= nc.max_payload:
        return True
    metrics.too_long.labels(stream).inc()
    log.error(
        "a document is longer than the NATS server takes: raise its max_payload to 2 MiB",
        extra={"stream": stream, "subject": subject, "bytes": len(data), "max_payload": nc.max_payload},
    )
    return False
