"""What the notifier counts. The label `receiver` has as many values as there are receivers set."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from vardkase.runtime.metrics import WIDE

_SECONDS: Final = (0.001, 0.0025, *WIDE)


class NotifierMetrics:
    """The notifier's own metrics.

    Args:
        registry: the process's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sent: Final = Counter(
            "vardkase_notifications",
            "Notices told to a receiver, by outcome: sent, failed (an attempt; it is tried again), dead (given up)",
            ["receiver", "outcome"],
            registry=registry,
        )
        self.seconds: Final = Histogram(
            "vardkase_notify_seconds",
            "From an alert's being published to the receiver's having taken it",
            ["receiver"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.up: Final = Gauge(
            "vardkase_notify_up", "1 while the receiver takes what it is told", ["receiver"], registry=registry
        )
        self.waiting: Final = Gauge(
            "vardkase_notify_waiting", "Notices that a receiver has not taken yet", ["receiver"], registry=registry
        )
        self.standing: Final = Gauge(
            "vardkase_notify_standing", "Notices that stand at a receiver", ["receiver"], registry=registry
        )
        self.silences: Final = Gauge(
            "vardkase_notify_silences", "Silences kept in an Alertmanager", ["receiver"], registry=registry
        )
        self.dead: Final = Gauge(
            "vardkase_notify_dead_letters", "Notifications given up, which people can send again", registry=registry
        )
        self.leading: Final = Gauge(
            "vardkase_notify_leading", "1 while this process tells; another one waits", registry=registry
        )
        self.skipped: Final = Counter(
            "vardkase_notify_skipped", "Alerts, and requests in pictures, that could not be read", registry=registry
        )
