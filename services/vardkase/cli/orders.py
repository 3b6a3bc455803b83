"""What the commands share that give orders: for whom one acts, what was ordered before, and what became of an order.

A node takes orders in the order of its stream: ORDERS_UP, or in a federation ORDERS_DOWN, which reads it. So one that
its aggregator has acknowledged is in force, unless the node has told in REJECTED why it is not.
"""

import asyncio
import base64
import binascii
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

import nats.errors
import typer
from nats.aio.msg import Msg
from pydantic import ValidationError

from vardkase.cli import words
from vardkase.cli.node import Node, client_of, connection_of, parse_area, print_json
from vardkase.federation import topology
from vardkase.federation.landing import get, look
from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.values import Incomplete, scan
from vardkase_contracts import streams, subjects, vocab
from vardkase_contracts.areas import Area
from vardkase_contracts.client import Client, InvalidEvent, new_order
from vardkase_contracts.orders import ORDER, Order
from vardkase_contracts.refusals import REJECTED, RejectedData
from vardkase_contracts.signing import Signer

_AGGREGATOR: Final = "aggregator-orders"
"""The consumer whose acknowledgement says that an order was taken in."""
_POLL_S: Final = 0.05
_MOST_REFUSALS: Final = 1_000
"""So many refusals of others may come between an order and its own."""

AsOption = Annotated[
    str | None,
    typer.Option("--as", metavar="[LEVEL:]CODE", help="For which area: lan:24, or 24. [the node's own]"),
]
RoleOption = Annotated[vocab.Role, typer.Option(help="In what role.")]
NoteOption = Annotated[str | None, typer.Option(help="Why. Restricted; no names of persons.")]
WaitOption = Annotated[
    float, typer.Option(min=0, max=300, metavar="SECONDS", help="How long to wait for the node to take it in.")
]
EndedOption = Annotated[bool, typer.Option("--all", help="Those that have ended too.")]

Status = Literal["taken", "refused", "stored"]
"""`stored`: it is on disk, and the node has not (yet) said that it has taken it in."""


class Outcome(NamedTuple):
    """What became of an order."""

    status: Status
    refusal: RejectedData | None = None


def actor_of(acting_for: str | None, node: Node) -> Area:
    """The area that somebody acts for.

    Raises:
        Refused: it was not given and is not known, or there is none.
    """
    code = acting_for or node.area
    if code is None:
        raise Refused("--as: expected the area that you act for, such as lan:24")
    level, colon, rest = code.rpartition(":")
    area = parse_area(rest)
    if colon and level != area.level:
        raise Refused(f"--as: {rest} is a {area.level}, not a {level}")
    return area


class Desk:
    """A connection to a node over which orders are given and read. Made by `desk_of`."""

    def __init__(self, client: Client, connection: Connection, *, federated: bool) -> None:
        self.client = client
        self.connection = connection
        self.federated = federated
        self._connection = connection
        self._stream = topology.orders_stream(federated=federated)

    async def given(self, reality: vocab.Reality, kind: vocab.OrderKind) -> list[Order]:
        """Every order of a kind that the node holds, oldest first. One that cannot be read is none."""
        found: dict[str, Order] = {}
        async for delivery in scan(self._connection, self._stream, [subjects.orders_of(reality, kind)]):
            try:
                order = ORDER.validate_json(delivery.data)
            except ValidationError:
                continue  # the node has refused it: it is told in REJECTED
            found.setdefault(order.id, order)  # its own come back to a node from the one above
        return list(found.values())

    async def picture(self, area: Area, reality: vocab.Reality) -> bytes | None:
        """An area's picture as it was published last; None: there is none."""
        found = await get(self._connection, streams.PICTURES, last_by_subj=subjects.picture(reality, area))
        return None if found is None else found.data

    async def send(self, order: Order, wait_s: float) -> Outcome:
        """Give an order, and see what becomes of it, for so many seconds at most."""
        refusals: asyncio.Queue[Msg] = asyncio.Queue(_MOST_REFUSALS)

        async def take(message: Msg) -> None:
            if not refusals.full():
                refusals.put_nowait(message)

        area = Area.parse(order.subject)
        _, _, _, _, lan, kommun, kind = subjects.order(order.reality, area, order.kind).split(".")
        listening = await self._connection.subscribe(subjects.rejected(order.reality, lan, kommun, kind), cb=take)
        await self._connection.flush()
        stored = await self.client.order(order)
        deadline = time.monotonic() + wait_s
        place = 0
        while True:
            place = place or await self._place(stored.sequence, order)
            taken = await self._taken() if place else 0
            await self._connection.flush()  # what the node told before it acknowledged is here now
            while not refusals.empty():
                refusal = _refusal(refusals.get_nowait().data, f"/{self._stream}/{place}")
                if refusal is not None:
                    return Outcome("refused", refusal)
            if place and taken >= place:
                await listening.unsubscribe()
                return Outcome("taken")
            if time.monotonic() >= deadline:
                return Outcome("stored")
            await asyncio.sleep(_POLL_S)

    async def _place(self, sequence: int, order: Order) -> int:
        """Where the node reads the order that ORDERS_UP has at a sequence; 0: it is not there yet."""
        if self._stream == streams.ORDERS_UP:
            return sequence
        subject = subjects.order(order.reality, Area.parse(order.subject), order.kind)
        try:
            found = await get(self._connection, self._stream, last_by_subj=subject)
        except (ApiError, NoAnswer):
            return 0
        came = None if found is None else found.came_from
        if found is None or came is None or came[0] != streams.ORDERS_UP or came[1] < sequence:
            return 0
        return found.sequence  # of a later one on the same subject, it may be: that is taken in after ours

    async def _taken(self) -> int:
        """Up to where the node has taken orders in; 0 when it cannot be asked."""
        try:
            info = await call(self._connection, f"CONSUMER.INFO.{self._stream}.{_AGGREGATOR}", within=1.0)
        except (ApiError, NoAnswer):
            return 0
        return info["ack_floor"]["stream_seq"]


def _refusal(raw: bytes, place: str) -> RejectedData | None:
    """Why the order at a place of the stream was refused, when this is about it."""
    try:
        data = REJECTED.validate_json(raw).data
        base64.b64decode(data.bytes, validate=True)
    except (ValidationError, binascii.Error):
        return None
    return data if data.origin.endswith(place) else None


@asynccontextmanager
async def desk_of(node: Node, *, signer: Signer | None = None) -> AsyncGenerator[Desk]:
    """A desk at a node.

    Args:
        node: which.
        signer: signs the reports that its client sends.

    Raises:
        Failed: it cannot be reached; or what goes wrong with it inside the block, in one line.
    """
    async with client_of(node, signer=signer) as client:
        connection = await connection_of(node)
        try:
            federated = await look(connection, streams.ORDERS_DOWN) is not None
            yield Desk(client, connection, federated=federated)
        except (ApiError, NoAnswer, Incomplete, nats.errors.Error) as error:
            raise Failed(f"the node does not answer: {error}") from None
        finally:
            await connection.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Acting:
    """Who gives an order, and how it is told of."""

    area: Area
    """For which area they act."""
    role: vocab.Role
    reality: vocab.Reality
    note: str | None = None
    wait_s: float = 5.0
    """How long to wait for the node to take the order in."""
    as_json: bool = False

    async def give(
        self,
        desk: Desk,
        kind: vocab.OrderKind,
        about: Area,
        data: Mapping[str, Any],
        *,
        now: datetime,
        done: str,
        order_id: str | None = None,
        **more: Any,
    ) -> None:
        """Give an order, and say what became of it.

        Args:
            desk: at which node.
            kind: of order.
            about: which area.
            data: what it says, but for who says it.
            now: what the time is at the node.
            done: what was done, for a person.
            order_id: the order's; a fresh one unless given.
            more: what is told to a machine beside the order's id and what became of it.

        Raises:
            Refused: it would be refused by every node.
            Failed: the node refused it.
        """
        try:
            order = new_order(
                kind,
                about.code,
                data,
                role=self.role,
                acting_for=self.area.code,
                note=self.note,
                reality=self.reality,
                given_at=now,
                id=order_id,
            )
        except InvalidEvent as error:
            raise Refused(str(error)) from None
        outcome = await desk.send(order, self.wait_s)
        refusal = outcome.refusal
        if self.as_json:
            said = None if refusal is None else refusal.model_dump(include={"reason", "field", "detail"})
            document = {"order": order.id, "status": outcome.status, "refusal": said, **more}
            print_json(json.dumps(document, ensure_ascii=False))
        elif outcome.status == "taken":
            typer.echo(done)
        elif outcome.status == "stored":
            typer.echo(f"{done} (lagrat; noden har inte bekräftat det på {self.wait_s:g} s)")
        if refusal is not None:
            field = "" if refusal.field is None else f" ({refusal.field})"
            raise Failed(f"the node refused it: {words.REFUSED[refusal.reason]}{field}: {refusal.detail}")
