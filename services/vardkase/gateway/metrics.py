"""What the gateway counts of itself. No label holds a token, an address, a point or a path: they are not bounded."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from vardkase.runtime.metrics import FAST


class GatewayMetrics:
    """The gateway's own metrics; a part with others registers them itself.

    Args:
        registry: the process's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.request_seconds: Final = Histogram(
            "vardkase_http_request_seconds",
            "From a request's head to its answer's end, streams left out; `route` is the path as documented",
            ["method", "route", "status"],
            buckets=FAST,
            registry=registry,
        )
        self.connections: Final = Gauge("vardkase_http_connections", "Connections that are open", registry=registry)
        self.cut: Final = Counter(
            "vardkase_http_connections_cut", "Connections that were cut", ["reason"], registry=registry
        )
        self.held: Final = Gauge("vardkase_gateway_held", "Documents in memory", ["reality", "kind"], registry=registry)
        self.heard: Final = Gauge(
            "vardkase_gateway_bus_heard_seconds", "Seconds since the bus was last heard", registry=registry
        )
        self.skipped: Final = Gauge(
            "vardkase_gateway_skipped", "Documents that could not be read since the start", registry=registry
        )
        self.exercises_left_out: Final = Gauge(
            "vardkase_exercises_left_out", "Exercises left out since there are too many", registry=registry
        )
        self.clients: Final = Gauge("vardkase_sse_clients", "Clients of the stream", ["reality"], registry=registry)
        self.groups: Final = Gauge(
            "vardkase_sse_groups", "Different questions that clients of the stream have", registry=registry
        )
        self.queued: Final = Gauge(
            "vardkase_sse_queued", "What waits for clients that are slow", ["kind"], registry=registry
        )
        self.sent: Final = Counter(
            "vardkase_sse_events", "Events that were handed to clients", ["kind"], registry=registry
        )
        self.coalesced: Final = Counter(
            "vardkase_sse_coalesced", "Events that a slow client got only the newer one of", ["kind"], registry=registry
        )
        self.ended: Final = Counter("vardkase_sse_ended", "Streams that ended, and why", ["reason"], registry=registry)
        self.began: Final = Counter(
            "vardkase_sse_began",
            "Streams that began: anew, resumed from memory or from the log, or reset",
            ["how"],
            registry=registry,
        )
        self.flush_seconds: Final = Histogram(
            "vardkase_sse_flush_seconds", "Time to tell all clients what was gathered", buckets=FAST, registry=registry
        )
