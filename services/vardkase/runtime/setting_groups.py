"""The settings of one part each.

In TOML a group is a table (`[aggregator]`, `tick = "1s"`); in the environment its name is part of the variable's
(`VARDKASE_AGGREGATOR_TICK=1s`).
"""

from typing import Final

from pydantic import BaseModel, ConfigDict

from vardkase.runtime.setting_types import Count, InboxPrefix, Seconds, SecondsOrNone, Share

MEBIBYTE: Final = 1 << 20


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


class LinkSettings(_Group):
    """The connections to NATS."""

    connect_timeout: Seconds = 2.0
    """How long one attempt to connect may take."""
    request_timeout: Seconds = 5.0
    """How long one request to JetStream may take."""
    reconnect_wait: Seconds = 0.25
    """Between two attempts. They never end by themselves."""
    ping_interval: Seconds = 5.0
    """How often the server is asked whether it is there; a dead link is noticed after `max_pings` of them."""
    max_pings: Count = 2
    drain_timeout: Seconds = 5.0
    """How long a stopping service waits for what it has sent."""
    give_up: Seconds = 60.0
    """A link that was up and has been down for so long: the process ends, to be started anew. The client's own
    reconnecting can end silently (an authorization error at the wrong moment ends it), and nothing tells."""
    pending_bytes: Count = 8 * MEBIBYTE
    """What may be waiting to be sent, in bytes; a sender beyond it waits."""
    inbox_prefix: InboxPrefix = "_INBOX"
    """Where answers are sent; a restricted user has one of its own."""


class HealthSettings(_Group):
    """The watch over one process."""

    stall: Seconds = 10.0
    """An event loop that has stood still for so long: the stacks are logged and the process ends."""
    beat: Seconds = 0.25
    """How often the loop shows that it moves; its lag is measured at the same time."""
    start_timeout: Seconds = 120.0
    """How long a service may take to start once it is connected."""
    stop_timeout: Seconds = 10.0
    """How long a service may take to finish what it has begun."""
    orphan_grace: Seconds = 3.0
    """The same when its supervisor was killed: NATS is most likely gone too, and the next node is waiting."""


class ReaderSettings(_Group):
    """Reading a stream."""

    batch: Count = 500
    """Most messages in one batch."""
    buffer: Count = 4_000
    """Most messages that wait in memory; more are not asked for."""
    heartbeat: Seconds = 1.0
    """Idle heartbeats of the server; two missed and the request is made again."""
    check: Seconds = 2.0
    """How often it is asked whether the consumer exists and advances."""
    stuck: Seconds = 10.0
    """A consumer with messages waiting that has not advanced for so long is not ready, and is made again."""


class WriterSettings(_Group):
    """Writing to streams."""

    batch: Count = 500
    """Most messages in one atomic batch (the server takes 1,000)."""
    timeout: Seconds = 5.0
    """How long one batch may take."""
    backoff_min: Seconds = 0.05
    """First wait before a batch is sent again."""
    backoff_max: Seconds = 2.0
    """Longest wait between two attempts."""


class IntakeSettings(_Group):
    """The checking of reports where they first arrive."""

    tick: Seconds = 1.0
    """How often sizes and lags are measured."""
    fill_alarm: Share = 0.7
    """A stream that is fuller than this share raises an alarm."""


class AggregatorSettings(_Group):
    """Merging, judging, rolling up."""

    tick: Seconds = 1.0
    """How often what the clock changes is looked at."""
    coalesce: SecondsOrNone = 0.2
    """A picture is published at most once in so long."""
    judge_delay: SecondsOrNone = 1.0
    """In a backlog: what is fresh elsewhere is judged at most so late."""
    republish: Seconds = 60.0
    """An unchanged picture is published again so often, so that its age tells that its node lives."""
    recheck: Seconds = 300.0
    """How often the roll-up is made again from the beginning and compared."""


class ArchiverSettings(_Group):
    """Writing the streams into PostgreSQL."""

    batch: Count = 1_000
    """Most messages in one transaction."""
    buffer: Count = 2_000
    """Most messages of a stream that wait in memory; more are not asked for."""
    linger: SecondsOrNone = 0.2
    """How long a transaction waits for more than what has come: the archive need not be fast, and syncs cost."""
    tick: Seconds = 1.0
    """How often lags are measured."""
    connect_timeout: Seconds = 5.0
    """How long one attempt to connect to PostgreSQL may take."""
    timeout: Seconds = 30.0
    """How long one statement may take. After it the connection is cut."""
    backoff_min: Seconds = 0.2
    """First wait before PostgreSQL is asked again when it is away."""
    backoff_max: Seconds = 5.0
    """Longest such wait."""


class SupervisorSettings(_Group):
    """A whole node in one command."""

    backoff_min: Seconds = 0.2
    """First wait before something that died is started again; doubled each time, with jitter."""
    backoff_max: Seconds = 15.0
    """Longest wait."""
    stable: Seconds = 30.0
    """What has been up for so long starts over with the first wait."""
    poll: Seconds = 0.5
    """How often the services are asked whether they are ready."""
    probe_timeout: Seconds = 1.0
    """How long one such answer, or a service's metrics, may take."""
    hang: Seconds = 30.0
    """A service, or a NATS of the node's own, that has answered nothing at all for so long is killed and started
    again."""
    bus_poll: Seconds = 1.0
    """How often a NATS of the node's own is asked whether it can store."""
    streams_poll: Seconds = 10.0
    """How often it is seen to that the streams are there."""
    stop_grace: Seconds = 15.0
    """How long a service may take to stop before it is killed."""
    lock_wait: SecondsOrNone = 2.0
    """How long to wait for a data directory that another node has."""
    lease_wait: SecondsOrNone = 20.0
    """How long to wait for a data directory whose node was killed, and whose services are still ending."""
