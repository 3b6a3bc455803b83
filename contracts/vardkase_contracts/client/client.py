"""The client: everything that an app does with a node, typed."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from vardkase_contracts import signing, streams, subjects, vocab
from vardkase_contracts.alert import ALERT, Alert
from vardkase_contracts.areas import Area
from vardkase_contracts.client.buffer import WhenSlow
from vardkase_contracts.client.connection import Connection
from vardkase_contracts.client.errors import (
    BatchIncomplete,
    ClientError,
    InvalidEvent,
    InvalidValue,
)
from vardkase_contracts.client.events import Encoded, EncodedReport, encode_order, encode_report
from vardkase_contracts.client.feed import Feed, Source, log_invalid
from vardkase_contracts.client.outcome import Outcome, Outcomes
from vardkase_contracts.client.publisher import Publisher
from vardkase_contracts.client.pull import Pace
from vardkase_contracts.orders import OrderBase
from vardkase_contracts.picture import PICTURE, Picture
from vardkase_contracts.public import PUBLIC, Public
from vardkase_contracts.reports import ReportBase
from vardkase_contracts.signing import Signer
from vardkase_contracts.state import STATE, State

ReportLike = ReportBase | Mapping[str, Any] | bytes
"""A report as a model, as a dict of its JSON, or as its bytes (which are sent unchanged)."""
OrderLike = OrderBase | Mapping[str, Any] | bytes
"""An order, likewise."""

T = TypeVar("T")

_WINDOW: Final = 64
"""How many reports of a batch wait for the server at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ack:
    """The server has stored an event: it is on disk, synced."""

    id: str
    """The event's id."""
    sequence: int
    """Its place in the stream that took it (`INTAKE` for a report)."""
    duplicate: bool
    """Whether the same id had been stored a moment before: then it was not stored again."""
    outcome: Outcome | None = None
    """What became of a report, when that was asked for."""


class Client:
    """A connection to one node. Made by `connect`."""

    def __init__(self, connection: Connection, *, pace: Pace | None = None, signer: Signer | None = None) -> None:
        self._connection = connection
        self._signer = signer
        self._publisher = Publisher(connection)
        self._pace = pace
        self._feeds: list[Feed[Any]] = []

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self._connection.connected

    @property
    def trouble(self) -> str | None:
        """Why there is no connection; None when there is."""
        return self._connection.trouble

    def pictures(
        self,
        area: str | Area,
        *,
        reality: vocab.Reality = "act",
        only: bool = False,
        when_slow: WhenSlow = "coalesce",
        on_invalid: Callable[[InvalidValue], None] = log_invalid,
    ) -> Feed[Picture]:
        """Pictures of an area and of those in it.

        Args:
            area: `2480`, `24`, `norra` or `SE`; within the node's own area.
            reality: `act` (skarpt läge), `exe` (övning) or `tst` (prov).
            only: leave out the areas in it.
            when_slow: `coalesce`: whoever iterates too slowly gets the latest picture of each area, never an old one.
            on_invalid: called with each value that this version of the contracts cannot read.

        Raises:
            ValueError: there is no such area.
        """
        where = _area(area)
        found = (subjects.picture(reality, where),) if only else subjects.family_filters("picture", reality, where)
        return self._feed(streams.PICTURES, found, PICTURE.validate_json, when_slow, on_invalid)

    def states(
        self,
        area: str | Area,
        *,
        reality: vocab.Reality = "act",
        when_slow: WhenSlow = "coalesce",
        on_invalid: Callable[[InvalidValue], None] = log_invalid,
    ) -> Feed[State]:
        """States of the points in an area (and of its kommuner themselves, `<kommun>-_`).

        Args and Raises: as `pictures`.
        """
        found = subjects.family_filters("state", reality, _area(area))
        return self._feed(streams.STATE, found, STATE.validate_json, when_slow, on_invalid)

    def alerts(
        self,
        area: str | Area,
        *,
        reality: vocab.Reality = "act",
        when_slow: WhenSlow = "wait",
        on_invalid: Callable[[InvalidValue], None] = log_invalid,
    ) -> Feed[Alert]:
        """Alerts of an area: the last change of each one (cleared ones too), then every change, in order.

        Args:
            area: as of `pictures`.
            reality: as of `pictures`.
            when_slow: `wait`: no change is ever left out; what there is no room for waits at the server.
            on_invalid: as of `pictures`.

        Raises:
            ValueError: there is no such area.
        """
        found = subjects.family_filters("alert", reality, _area(area))
        return self._feed(streams.ALERTS, found, ALERT.validate_json, when_slow, on_invalid)

    def public_points(
        self,
        area: str | Area,
        *,
        when_slow: WhenSlow = "coalesce",
        on_invalid: Callable[[InvalidValue], None] = log_invalid,
    ) -> Feed[Public]:
        """What the public may see of the points in an area; a `PublicTombstone` for one that is gone.

        For a connection in the public account. There is only `act`.

        Args and Raises: as `pictures`.
        """
        found = subjects.family_filters("public", "act", _area(area))
        return self._feed(streams.PUBLIC, found, PUBLIC.validate_json, when_slow, on_invalid)

    async def report(self, event: ReportLike, *, timeout_s: float = 10.0, outcome_s: float | None = None) -> Ack:
        """Send a report, and wait until the node has stored it.

        Args:
            event: the report; `new_report` makes one.
            timeout_s: how long to try, through lost connections too, in seconds.
            outcome_s: wait at most so long more to hear whether it was accepted; None does not ask.

        Raises:
            InvalidEvent: it would be refused; nothing was sent.
            PublishRefused: the server did not store it, and why.
            Unconfirmed: no answer in time. It may be stored; it is safe to send it again, unchanged.
            ConnectionGone: the connection is closed for good.
        """
        report = encode_report(event)
        if outcome_s is None:
            return await self._send(report, timeout_s)
        async with Outcomes(self._connection, [report], pace=self._pace) as outcomes:
            await outcomes.ready(timeout_s)
            ack = await self._send(report, timeout_s)
            [outcome] = await outcomes.wait([report], outcome_s)
            return replace(ack, outcome=outcome)

    async def report_batch(
        self, events: Iterable[ReportLike], *, timeout_s: float = 10.0, outcome_s: float | None = None
    ) -> list[Ack]:
        """Send many reports, 64 at a time, and wait until the node has stored each.

        Args:
            events: the reports. All are checked before the first is sent.
            timeout_s: how long to try with each one, in seconds.
            outcome_s: as of `report`, for all of them together.

        Returns:
            The acks, in the order of the events.

        Raises:
            InvalidEvent: one would be refused (its place stands before the field: `[3] data.power`); nothing was sent.
            BatchIncomplete: some were not confirmed; it tells which, why, and holds the acks of the others.
        """
        reports = list(_encoded(events))
        if outcome_s is None:
            return await self._send_all(reports, timeout_s)
        async with Outcomes(self._connection, reports, pace=self._pace) as outcomes:
            await outcomes.ready(timeout_s)
            acks = await self._send_all(reports, timeout_s)
            found = await outcomes.wait(reports, outcome_s)
            return [replace(ack, outcome=outcome) for ack, outcome in zip(acks, found, strict=True)]

    async def order(self, event: OrderLike, *, timeout_s: float = 10.0) -> Ack:
        """Send an order (an ack, a silence, an incident …), and wait until the node has stored it.

        Args:
            event: the order; `new_order` makes one.
            timeout_s: how long to try, in seconds.

        Raises:
            InvalidEvent, PublishRefused, Unconfirmed, ConnectionGone: as `report`.
        """
        return await self._send(encode_order(event), timeout_s)

    async def aclose(self) -> None:
        """Close every feed, then the connection."""
        for feed in self._feeds:
            await feed.aclose()
        await self._connection.close()

    def _feed(
        self,
        stream: str,
        found: Sequence[str],
        decode: Callable[[bytes], T],
        when_slow: WhenSlow,
        on_invalid: Callable[[InvalidValue], None],
    ) -> Feed[T]:
        feed = Feed(
            self._connection,
            [Source(stream, subject) for subject in found],
            decode=decode,
            when_slow=when_slow,
            on_invalid=on_invalid,
            pace=self._pace,
        )
        self._feeds = [open_feed for open_feed in self._feeds if not open_feed.closed]
        self._feeds.append(feed)
        return feed

    async def _send(self, event: Encoded, timeout_s: float) -> Ack:
        headers: dict[str, str] = {}
        if self._signer is not None and isinstance(event, EncodedReport):
            headers[signing.HEADER] = signing.sign(self._signer, event.subject, event.payload)
        stored = await self._publisher.publish(
            event.subject, event.payload, message_id=event.message_id, timeout_s=timeout_s, headers=headers
        )
        return Ack(id=event.id, sequence=stored.sequence, duplicate=stored.duplicate)

    async def _send_all(self, reports: Sequence[EncodedReport], timeout_s: float) -> list[Ack]:
        acks: dict[int, Ack] = {}
        errors: dict[int, ClientError] = {}
        waiting = iter(enumerate(reports))

        async def worker() -> None:
            for place, report in waiting:
                try:
                    acks[place] = await self._send(report, timeout_s)
                except ClientError as error:
                    errors[place] = error

        async with asyncio.TaskGroup() as group:
            for _ in range(min(_WINDOW, len(reports))):
                group.create_task(worker())
        if errors:
            raise BatchIncomplete([acks.get(place) for place in range(len(reports))], errors)
        return [acks[place] for place in range(len(reports))]


@asynccontextmanager
async def connect(
    url: str | Sequence[str],
    *,
    creds: str | None = None,
    nkey_seed: str | None = None,
    user: str | None = None,
    password: str | None = None,
    tls: ssl.SSLContext | None = None,
    inbox_prefix: str = "_INBOX",
    name: str = "vardkase-client",
    domain: str | None = None,
    timeout_s: float = 10.0,
    signer: Signer | None = None,
    pace: Pace | None = None,
) -> AsyncGenerator[Client]:
    """A client of a node, for as long as the block runs; lost connections are made again for as long as it does.

    Args:
        url: `nats://host:port`, `tls://…`, or several of the same cluster. A user's name and password may stand in it.
        creds: the path of a credentials file (operator mode).
        nkey_seed: the seed of an nkey user.
        user: the name of a user.
        password: the user's password.
        tls: for certificates of one's own.
        inbox_prefix: where answers are sent; a restricted user may listen under a prefix of its own only.
        name: what the node's operator sees.
        domain: another node's JetStream domain, to reach it through this one.
        timeout_s: how long to try to connect, in seconds.
        signer: signs every report that is sent, with a key of the kommun's (`client.signer.Ed25519Signer`).
        pace: how feeds read; for tests.

    Raises:
        ConnectFailed: no connection in time, or the credentials are no good.
    """
    connection = await Connection.open(
        url,
        creds=creds,
        nkey_seed=nkey_seed,
        user=user,
        password=password,
        tls=tls,
        inbox_prefix=inbox_prefix,
        name=name,
        domain=domain,
        timeout_s=timeout_s,
    )
    client = Client(connection, pace=pace, signer=signer)
    try:
        yield client
    finally:
        await client.aclose()


def _area(area: str | Area) -> Area:
    return area if isinstance(area, Area) else Area.parse(area)


def _encoded(events: Iterable[ReportLike]) -> Iterator[EncodedReport]:
    for place, event in enumerate(events):
        try:
            yield encode_report(event)
        except InvalidEvent as error:
            raise InvalidEvent(f"[{place}] {error.field}", error.detail) from None
