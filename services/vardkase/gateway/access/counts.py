"""What access counts of itself. No label holds a token, a person or an address: their number is not bounded."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge


class AccessMetrics:
    """The metrics of access.

    Args:
        registry: the process's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.let_in: Final = Counter(
            "vardkase_access",
            "Requests by how they showed who asks (token, jwt; sessions: staff, form) and what came of it",
            ["by", "outcome"],
            registry=registry,
        )
        self._let_in: dict[tuple[str, str], Counter] = {}
        self.limited: Final = Counter(
            "vardkase_access_limited", "Requests answered with 429, by whose limit it was", ["limit"], registry=registry
        )
        self.held: Final = Gauge("vardkase_access_held", "Tokens and sessions in memory", ["what"], registry=registry)

    def came(self, by: str, outcome: str) -> None:
        """Count a request by how it showed who asks, and what came of it."""
        child = self._let_in.get((by, outcome))
        if child is None:
            child = self._let_in[by, outcome] = self.let_in.labels(by, outcome)
        child.inc()


class AuditMetrics:
    """The metrics of the audit.

    Args:
        registry: the process's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.written: Final = Counter(
            "vardkase_audit_events", "Events written to the audit", ["outcome"], registry=registry
        )
        self.repeated: Final = Counter(
            "vardkase_audit_repeated",
            "Reads and refusals not told of again: the same was told of within the window",
            registry=registry,
        )
        self.lost: Final = Counter(
            "vardkase_audit_lost",
            "Events of reads and refusals left out: the audit could not be written for too long",
            registry=registry,
        )
        self.waiting: Final = Gauge("vardkase_audit_waiting", "Events that wait to be written", registry=registry)
