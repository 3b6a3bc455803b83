"""The settings of one part each.

In TOML a group is a table (`[aggregator]`, `tick = "1s"`); in the environment its name is part of the variable's
(`VARDKASE_AGGREGATOR_TICK=1s`).
"""

from typing import Final

from pydantic import BaseModel, ConfigDict

from vardkase.runtime.setting_types import (
    AbsolutePath,
    Count,
    Descriptor,
    Email,
    InboxPrefix,
    ListenAddress,
    NatsUrl,
    Port,
    ReadableFile,
    Realities,
    Seconds,
    SecondsOrNone,
    Share,
    WebAddress,
)

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


class LinksSettings(_Group):
    """The links to other nodes of a federation, and the standing check of what comes over them."""

    listen: ListenAddress | None = None
    """Where children are listened for, host:port, when that is not the port of the address that they dial: behind a
    firewall that forwards. None: that port, on every address; without TLS on loopback alone."""
    tick: Seconds = 1.0
    """How often each link is looked at."""
    answer: Seconds = 2.0
    """How long the other node may take to answer; one that does not is down."""
    stalled: Seconds = 4.0
    """A stream of a node that answers from which nothing was heard for so long, not even a heartbeat (one a second),
    is read anew."""
    stuck: Seconds = 10.0
    """The same when it is heard of, has more, and nothing comes."""
    redial: Seconds = 15.0
    """A link to the parent that has been down for so long though its port answers is dialled anew."""
    tell: Seconds = 10.0
    """How often it is told how the links are; that one is up or down, or stands still, is told at once."""
    count: Seconds = 30.0
    """How often it is counted what children sent that is not theirs to say."""


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
    erase_every: Seconds = 30.0
    """How often it is looked whether what must be gone (`redact`) has come again. What is ordered is erased at once."""


class EscalationSettings(_Group):
    """After how long an alert that nobody acknowledges is told to others; 0: never."""

    red_sideways: SecondsOrNone = 1_800.0
    """A red one, to the deputies and own officers of its area."""
    red_up: SecondsOrNone = 3_600.0
    """A red one, to the län; and after as long again to the nation."""
    critical_sideways: SecondsOrNone = 600.0
    """A critical one, to the deputies and own officers of its area."""
    critical_up: SecondsOrNone = 1_200.0
    """A critical one, to the län; and after as long again to the nation."""


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
    redact_every: Seconds = 30.0
    """How often what must be gone (`redact`) is taken out of the archive."""


class WebSettings(_Group):
    """The gateway: what people and apps ask over HTTP."""

    fd: Descriptor | None = None
    """A listening socket that was inherited, instead of `http_host` and `http_port`. Set by `vardkase up`."""
    node_port: Port | None = None
    """Where the node itself answers on loopback: what `/healthz`, `/readyz` and `/metrics` are asked of. None: the
    gateway answers for itself. Set by `vardkase up`."""
    public_url: NatsUrl | None = None
    """The node's NATS as everyone may read what is public. None: `nats_public_url`. Set by `vardkase up`."""
    connections: Count = 4_000
    """Most connections at once; one more takes the place of an idle one, else it is refused."""
    clients: Count = 2_000
    """Most clients of `/v1/stream` at once; one more is answered 503."""
    clients_each: Count = 500
    """Most of them with one token; one more is answered 503."""
    patience: Seconds = 15.0
    """How long a request may take to arrive, and nothing of an answer to be taken; then the connection is cut. Streams
    have `stalled`."""
    opening: SecondsOrNone = 5.0
    """How long a request waits while the gateway reads what there is, before it is answered 503."""
    keep_alive: Seconds = 20.0
    """How long a connection may be idle between two requests."""
    body: Count = 2 * MEBIBYTE
    """The longest body of a request, in bytes."""
    heartbeat: Seconds = 15.0
    """How often a client of a stream hears something when there is nothing to tell."""
    gather: Seconds = 0.1
    """How long changes are gathered before they are told to the clients of streams."""
    stalled: Seconds = 30.0
    """A client of a stream that takes nothing for so long is cut; it resumes when it comes back."""
    unsent_alerts: Count = 1_000
    """A client of a stream that has more alerts waiting is cut: none is ever left out. It resumes."""
    recent_alerts: Count = 5_000
    """Most changes of alerts held in memory for clients that resume; older ones are read from the stream."""
    resuming: Count = 8
    """Most clients for which the stream of alerts is read at once; others wait for their turn."""
    cleared_alerts: Count = 10_000
    """Most cleared alerts of a reality that are held."""
    cleared_for: Seconds = 86_400.0
    """How long a cleared alert is held and listed."""
    bodies: Count = 64 * MEBIBYTE
    """The bytes of all reports and orders that are being taken in at once; one more is answered 503."""
    body_patience: Seconds = 10.0
    """How long the body of a report or an order may take to arrive; then it is answered 408."""
    waiting: Count = 10_000
    """Most reports that wait to be stored; one more is answered 503."""
    waiting_bytes: Count = 32 * MEBIBYTE
    """Most bytes of them."""
    store_timeout: Seconds = 2.5
    """How long one attempt to store what came may take."""
    store_patience: Seconds = 5.0
    """How long it is tried; then it is answered 503."""
    full_at: Share = 0.95
    """INTAKE or REPORTS is fuller than this share: reports are answered 503 before there is no room at all."""
    fill_check: Seconds = 2.0
    """How often it is looked how full they are."""


class HistorySettings(_Group):
    """The gateway's history: what the archive is asked for, in processes of its own."""

    workers: Count = 1
    """Questions that are answered at once, each in a process of its own."""
    waiting: Count = 16
    """Most questions that wait for one; one more is answered 503."""
    each: Count = 4
    """Most questions of one token under way; one more is answered 429."""
    timeout: Seconds = 60.0
    """How long an answer may take; then its process is ended, and the question answered 503."""
    patience: Seconds = 30.0
    """How long a question may wait for a process."""
    connect_timeout: Seconds = 3.0
    """How long connecting to PostgreSQL may take."""
    settle: SecondsOrNone = 0.5
    """What was stored in the last so long is not asked about yet: it may not all be told of."""
    caught_up: SecondsOrNone = 3.0
    """How long a question waits for the archive to have all that it asks about."""
    memory: Count = 2048 * MEBIBYTE
    """Bytes of memory that one process may take."""
    idle: Seconds = 120.0
    """A process that was asked nothing for so long ends, and its memory is free again."""
    kept: Count = 32 * MEBIBYTE
    """Bytes of answers that are kept, to be given again."""


class PublicSettings(_Group):
    """The gateway's public side: what anyone may see."""

    gather: Seconds = 1.0
    """How long changes are gathered before they are told to the clients of the public stream."""
    fresh: Seconds = 1.0
    """An answer is made anew at most so often, whatever changes and however many ask."""
    max_age: Seconds = 15.0
    """How long a cache may give an answer again without asking."""
    clients: Count = 1_000
    """Most clients of the public stream at once; one more is answered 503."""
    clients_address: Count = 250
    """Most of them from one address (an IPv6 /64): a phone network may stand behind one."""
    licence: WebAddress = "https://creativecommons.org/publicdomain/zero/1.0/"
    """The licence that what is public is given under."""
    publisher: str | None = None
    """Who answers for what is public: the organisation's name. None: no catalogue (DCAT) is given."""
    publisher_uri: WebAddress | None = None
    """The organisation's own URI, where it has one."""
    contact: str | None = None
    """What the contact is called: a function, never a person. None: as the publisher."""
    email: Email | None = None
    """The contact's e-mail. None: no catalogue is given."""


class NotifySettings(_Group):
    """The notifier: who is told of alerts."""

    webhooks: ReadableFile | None = None
    """A TOML file of webhooks, each with its secret and what it wants to hear of. Nobody else may read it."""
    secret: AbsolutePath | None = None
    """A file with the secret that notifications to `webhooks` (URLs) are signed with. None: one is made in the data
    directory."""
    realities: Realities = ("act",)
    """Of which realities Alertmanager is told."""
    board: WebAddress | None = None
    """Where people reach the operations board, for links to it. None: there are none."""
    resend: Seconds = 15.0
    """How often an Alertmanager is told again of all that stands."""
    hold: Seconds = 14_400.0
    """An Alertmanager that hears nothing more takes an alert for over after so long."""
    gather: SecondsOrNone = 0.0
    """How long news is gathered before it is told. What comes while a request is under way goes with the next."""
    timeout: Seconds = 5.0
    """How long one request may take."""
    backoff_min: Seconds = 0.5
    """First wait before a receiver that does not answer is asked again; doubled each time, with jitter."""
    backoff_max: Seconds = 60.0
    """Longest such wait. Of an Alertmanager: `resend`."""
    attempts: Count = 10
    """How often one notification to a webhook is tried while others get through."""
    patience: Seconds = 86_400.0
    """How long it waits for a webhook that takes nothing. Then, or after `attempts`, it is a dead letter."""
    at_once: Count = 4
    """Most requests to one webhook at once."""
    waiting: Count = 10_000
    """Most notices that wait for one webhook; the one that has waited longest becomes a dead letter."""
    lease: Seconds = 5.0
    """Of several notifiers of a node one tells; after so long without a sign of it, another. Whole seconds from 2."""


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
    slow_start: Seconds = 120.0
    """The same for a service that was started and has not answered yet, if it is longer than `hang`."""
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
