"""What is counted and measured, under the names that operators rely on.

One `Metrics` per process, on a registry of its own, so that nothing is global and a test has its own. `reality` is a
label where the thing has one. No label ever holds a subject, a point or a message: their number is not bounded.
`labels(…)` is a look-up; a hot loop keeps what it gave.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: what should take milliseconds."""
WIDE: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600, 14400, 43200, 172800)
"""Seconds: milliseconds when all is well, hours or days after an outage."""
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""How many in a batch."""


class Metrics:
    """Every metric of a service.

    Args:
        registry: where they are registered; a new one unless given.
        process: whether to add the process's memory, CPU, open files and garbage collections.
    """

    def __init__(self, registry: CollectorRegistry | None = None, *, process: bool = False) -> None:
        disable_created_metrics()  # a second series for each counter, that nothing here reads
        r = self.registry = registry or CollectorRegistry()
        if process:
            ProcessCollector(registry=r)
            GCCollector(registry=r)

        # What CONTRACT §9 names.
        self.reports = Counter("vardkase_reports", "Reports by outcome", ["reality", "kind", "outcome"], registry=r)
        self.rejected = Counter("vardkase_rejected", "Refused reports by reason", ["reality", "reason"], registry=r)
        self.report_age = Histogram(
            "vardkase_report_age_seconds", "From observed to merged", ["reality"], buckets=WIDE, registry=r
        )
        self.alert_latency = Histogram(
            "vardkase_alert_latency_seconds",
            "From a report's being stored to its alert's being published",
            ["reality"],
            buckets=FAST,
            registry=r,
        )
        self.consumer_lag = Gauge(
            "vardkase_consumer_lag", "Messages of a stream not yet dealt with", ["reality", "stream"], registry=r
        )
        self.points = Gauge("vardkase_points", "Points", ["reality", "lan", "condition", "freshness"], registry=r)
        self.alerts_open = Gauge("vardkase_alerts_open", "Open alerts", ["reality", "rule", "level"], registry=r)
        self.picture_age = Gauge(
            "vardkase_picture_age_seconds", "Age of the oldest picture of a level", ["reality", "level"], registry=r
        )
        self.link_up = Gauge("vardkase_link_up", "Whether the link to a child node is up", ["child"], registry=r)
        self.source_lag = Gauge(
            "vardkase_source_lag", "Reports at a child node that are not here yet", ["child"], registry=r
        )
        self.stream_fill_ratio = Gauge(
            "vardkase_stream_fill_ratio", "Share of a stream's room that is taken", ["stream"], registry=r
        )

        # Merging and judging.
        self.id_conflict = Counter(
            "vardkase_id_conflict", "Reports with the identity of another and other bytes", ["reality"], registry=r
        )
        self.extras_ignored = Counter(
            "vardkase_extra_fields_ignored", "Fields that the contract does not know", ["reality", "kind"], registry=r
        )
        self.signatures = Counter(
            "vardkase_signatures",
            "Reports looked at for proof of their origin, by what was found",
            ["reality", "outcome"],
            registry=r,
        )
        self.signature_seconds = Histogram(
            "vardkase_signature_seconds",
            "Time to verify the signatures of a batch",
            ["reality"],
            buckets=FAST,
            registry=r,
        )
        self.clock_adjusted = Counter(
            "vardkase_clock_adjusted",
            "Reports observed more than 2 min ahead of their receipt",
            ["reality"],
            registry=r,
        )
        self.needs_over_limit = Counter(
            "vardkase_needs_over_limit", "Needs left out: a point has more than 64", ["reality"], registry=r
        )
        self.points_over_limit = Gauge(
            "vardkase_points_over_limit",
            "Points beyond the 500 foreseen of each kommun, all told",
            ["reality"],
            registry=r,
        )
        self.refolds = Counter(
            "vardkase_refolds", "Points folded again from the log", ["reality", "reason"], registry=r
        )
        self.rollup_mismatch = Counter(
            "vardkase_rollup_mismatch",
            "Pictures that differed from one made from the beginning",
            ["reality", "level"],
            registry=r,
        )
        self.judge_seconds = Histogram(
            "vardkase_judge_seconds", "Time to judge what changed in a batch", ["reality"], buckets=FAST, registry=r
        )
        self.alert_changes = Counter(
            "vardkase_alert_changes", "Changes of alerts published", ["reality", "rule", "level"], registry=r
        )

        # Acts of people.
        self.orders_kept = Gauge(
            "vardkase_orders_kept",
            "Of acks: alerts; of silences and incidents: how many; of rules: scopes",
            ["reality", "kind"],
            registry=r,
        )
        self.orders_left_out = Gauge(
            "vardkase_orders_left_out",
            "Orders left out since the start: there were too many",
            ["reality", "kind"],
            registry=r,
        )
        self.rule_tables = Gauge(
            "vardkase_rule_tables", "Different tables of rules that judge", ["reality"], registry=r
        )
        self.alerts_silenced = Gauge("vardkase_alerts_silenced", "Open alerts with a silence", ["reality"], registry=r)

        self.redacted = Counter(
            "vardkase_redacted", "Messages erased since what they hold must be gone", ["stream"], registry=r
        )
        self.redacted_waiting = Gauge(
            "vardkase_redacted_waiting", "Messages that can be erased when another follows them", registry=r
        )

        # Reading and writing streams.
        self.batch_size = Histogram("vardkase_batch_size", "Messages in a batch", ["stream"], buckets=SIZES, registry=r)
        self.batch_seconds = Histogram(
            "vardkase_batch_seconds",
            "Time from a batch's being read to its being acknowledged",
            ["stream"],
            buckets=FAST,
            registry=r,
        )
        self.reader_remade = Counter("vardkase_reader_remade", "Consumers made again", ["stream", "reason"], registry=r)
        self.queue_depth = Gauge("vardkase_queue_depth", "What waits in memory", ["queue"], registry=r)
        self.write_seconds = Histogram(
            "vardkase_write_seconds", "Time for a batch to be stored", ["stream"], buckets=FAST, registry=r
        )
        self.write_retries = Counter(
            "vardkase_write_retries", "Batches written again", ["stream", "reason"], registry=r
        )
        self.too_long = Counter(
            "vardkase_too_long", "Documents left out: longer than the NATS server takes", ["stream"], registry=r
        )
        self.write_conflicts = Counter(
            "vardkase_write_conflicts", "Batches refused since another had written", ["stream"], registry=r
        )

        # The archive.
        self.archived = Counter(
            "vardkase_archived", "Messages archived, by what became of them", ["stream", "outcome"], registry=r
        )
        self.archive_trimmed = Counter(
            "vardkase_archive_trimmed",
            "Archived messages let go of by a stream that was nearly full",
            ["stream"],
            registry=r,
        )
        self.archive_up = Gauge("vardkase_archive_up", "1 while the archive's database can be written", registry=r)

        # The process.
        self.up = Gauge("vardkase_service_up", "1 while the service is started and connected", registry=r)
        self.nats_connected = Gauge("vardkase_nats_connected", "1 while connected", ["account"], registry=r)
        self.nats_reconnects = Counter("vardkase_nats_reconnects", "Times connected again", ["account"], registry=r)
        self.nats_errors = Counter(
            "vardkase_nats_errors", "Errors told by the NATS client, by their class", ["account", "error"], registry=r
        )
        self.loop_lag = Histogram(
            "vardkase_loop_lag_seconds", "How late the event loop runs what is due", buckets=FAST, registry=r
        )
        self.clock_stepped = Gauge(
            "vardkase_clock_stepped_seconds", "How far the computer's clock was moved since the start", registry=r
        )
