"""The archive's tables, each with what a message of its stream becomes in it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vardkase.runtime.jetstream.batches import MESSAGE_ID
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase_contracts import streams
from vardkase_contracts.instants import to_datetime
from vardkase_contracts.signing import HEADER
from vardkase_contracts.subjects import ABSENT, ROOT

from .columns import digest, document, moment, part, text, truth

Row = tuple[Any, ...]


class Unfit(Exception):  # noqa: N818 -- what it is
    """A message that has no place in its table: its subject is not of the stream's form. Its text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table, and the way of a message into it."""

    name: str
    columns: tuple[str, ...]
    """Of a row, in order. A partitioned table's first is `stored_at`."""
    row: Callable[[Delivery, str], Row]
    """A message of a stream as a row.

    Raises:
        Unfit: it is none.
    """
    partitioned: bool = True
    """By month, on `stored_at`."""
    keyed: bool = False
    """Rows have a key before their columns, and are there once by it: see `report_key`."""

    @property
    def staged(self) -> tuple[str, ...]:
        """The columns of a row, with its key if it has one."""
        return ("key", *self.columns) if self.keyed else self.columns

    def staging(self) -> str:
        """Makes the table that a transaction copies its rows into."""
        key = "'\\x'::bytea AS key, " if self.keyed else ""
        columns = ", ".join(self.columns)
        return (
            f"CREATE TEMP TABLE staged_{self.name} ON COMMIT DELETE ROWS AS "  # noqa: S608 -- names of ours alone
            f"SELECT {key}{columns} FROM {self.name} WITH NO DATA"
        )

    def insert(self) -> str:
        """Moves from there what is not archived yet."""
        columns = ", ".join(self.columns)
        if not self.keyed:
            return (
                f"INSERT INTO {self.name} ({columns}) SELECT {columns} FROM staged_{self.name} "  # noqa: S608 -- ours
                "ON CONFLICT DO NOTHING"
            )
        # In the order of their keys: two writers that wait for each other's keys would wait for ever otherwise.
        return (
            f"WITH new AS (INSERT INTO {self.name}_key (key, stored_at) "  # noqa: S608 -- ours
            f"SELECT key, stored_at FROM staged_{self.name} ORDER BY key ON CONFLICT DO NOTHING RETURNING key) "
            f"INSERT INTO {self.name} ({columns}) SELECT {columns} FROM staged_{self.name} JOIN new USING (key)"
        )


def _tokens(delivery: Delivery, family: str, least: int) -> list[str]:
    """What stands in a subject after the family, the reality first."""
    tokens = delivery.subject.split(".")
    if len(tokens) < least + 4 or f"{tokens[0]}.{tokens[1]}" != ROOT or tokens[3] != family:
        raise Unfit(f"its subject is not that of {family}")
    if not all(text(token) for token in tokens):
        raise Unfit("its subject cannot be told")
    return [tokens[2], *tokens[4:]]


def _report(delivery: Delivery, _: str) -> Row:
    reality, _lan, kommun, slug, kind = _tokens(delivery, "accepted", 4)[:5]
    said = document(delivery.data)
    whole = hashlib.sha256(delivery.data).digest()
    headers = delivery.headers
    signature = text(headers.get(HEADER))
    key = delivery.subject.encode() + b"\0" + whole + (b"" if signature is None else b"\0" + signature.encode())
    name = headers.get(MESSAGE_ID, "").split(".")  # <reality>.<kommun>.<id>[.<part of the digest>]
    identity = name[2] if len(name) in {3, 4} and name[0] == reality and name[1] == kommun else said.get("id")
    return (
        hashlib.sha256(key).digest()[:16],
        to_datetime(delivery.stored_at),
        delivery.sequence,
        reality,
        kommun,
        slug,
        kind,
        text(identity),
        whole,
        moment(headers.get("Tp-Received")),
        text(headers.get("Tp-Origin")),
        moment(said.get("time")),
        text(said.get("source")),
        delivery.data,
        signature,
    )


def _alert(delivery: Delivery, _: str) -> Row:
    reality = _tokens(delivery, "alert", 4)[0]
    said = document(delivery.data)
    area = part(said, "area")
    return (
        to_datetime(delivery.stored_at),
        delivery.sequence,
        reality,
        text(said.get("key")),
        text(said.get("alert_id")),
        text(said.get("rule")),
        text(said.get("rules_version")),
        text(said.get("level")),
        text(said.get("status")),
        text(said.get("cleared_reason")),
        moment(said.get("raised_at")),
        moment(said.get("changed_at")),
        text(part(said, "point").get("id")),
        text(area.get("level")),
        text(area.get("code")),
        delivery.data,
    )


def _state(delivery: Delivery, _: str) -> Row:
    reality, _lan, kommun, slug = _tokens(delivery, "state", 3)[:4]
    said = document(delivery.data)
    alerts = said.get("alerts")
    return (
        to_datetime(delivery.stored_at),
        delivery.sequence,
        reality,
        kommun,
        slug,
        digest(said.get("version")),
        moment(said.get("as_of")),
        text(part(part(said, "facts"), "lifecycle").get("value")),
        text(said.get("condition")),
        text(said.get("freshness")),
        text(said.get("link")),
        truth(said.get("dark")),
        moment(said.get("runs_out_at")),
        len(alerts) if type(alerts) is list else None,
    )


def _act(delivery: Delivery, stream: str) -> Row:
    reality, lan, kommun, kind = _tokens(delivery, "order", 3)[:4]
    said = document(delivery.data)
    by = part(part(said, "data"), "by")
    return (
        stream,
        to_datetime(delivery.stored_at),
        delivery.sequence,
        reality,
        kind,
        f"{lan}.{kommun}",
        text(said.get("id")),
        text(said.get("source")),
        text(said.get("subject")),
        moment(said.get("time")),
        text(by.get("role")),
        text(by.get("level")),
        text(by.get("code")),
        delivery.data,
    )


def _audit(delivery: Delivery, _: str) -> Row:
    reality = _tokens(delivery, "audit", 2)[0]
    said = document(delivery.data)
    did = part(said, "data")
    who = part(did, "who")
    return (
        to_datetime(delivery.stored_at),
        delivery.sequence,
        reality,
        text(said.get("subject")),
        text(said.get("id")),
        moment(said.get("time")),
        text(who.get("id")),
        text(who.get("role")),
        text(did.get("what")),
        text(did.get("on")),
        text(did.get("outcome")),
        delivery.data,
    )


def _rejected(delivery: Delivery, _: str) -> Row:
    reality, *where = (None if each == ABSENT else each for each in _tokens(delivery, "rejected", 2))
    lan, kommun, slug = [*where, None, None, None][:3]
    why = part(document(delivery.data), "data")
    return (
        to_datetime(delivery.stored_at),
        delivery.sequence,
        reality,
        lan,
        kommun,
        slug,
        text(why.get("reason")),
        text(why.get("field")),
        moment(why.get("received")),
        text(why.get("origin")),
        delivery.data,
    )


_PLACE: Final = ("stored_at", "sequence", "reality")

_ACT: Final = Table(
    name="act",
    columns=(
        *("stream", *_PLACE, "kind", "place", "id", "source", "area", "given_at"),
        *("role", "by_level", "by_code", "data"),
    ),
    row=_act,
    partitioned=False,
)

TABLES: Final[Mapping[str, Table]] = {
    streams.REPORTS: Table(
        name="report",
        columns=(
            *(*_PLACE, "kommun", "slug", "kind", "id", "digest"),
            *("received", "origin", "observed", "source", "data", "signature"),
        ),
        row=_report,
        keyed=True,
    ),
    streams.ALERTS: Table(
        name="alert_change",
        columns=(
            *(*_PLACE, "key", "alert_id", "rule", "rules_version", "level", "status", "cleared_reason"),
            *("raised_at", "changed_at", "point", "area_level", "area_code", "data"),
        ),
        row=_alert,
    ),
    streams.STATE: Table(
        name="state_change",
        columns=(
            *(*_PLACE, "kommun", "slug", "version", "as_of", "lifecycle", "condition", "freshness"),
            *("link", "dark", "runs_out_at", "open_alerts"),
        ),
        row=_state,
    ),
    streams.ORDERS_UP: _ACT,
    streams.ORDERS_DOWN: _ACT,
    streams.AUDIT: Table(
        name="audit",
        columns=(*_PLACE, "area", "id", "at", "who", "role", "what", "subject", "outcome", "data"),
        row=_audit,
    ),
    streams.REJECTED: Table(
        name="rejected",
        columns=(*_PLACE, "lan", "kommun", "slug", "reason", "field", "received", "origin", "data"),
        row=_rejected,
    ),
}
"""By stream: where its messages are archived."""
