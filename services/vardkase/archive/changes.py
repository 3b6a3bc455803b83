"""What has changed in an area since a time, from the archive: a digest, in the order in which it was stored here.

Alerts (raised, another level, acknowledged, cleared), points (opened, closed, another lifecycle, registered, retired),
needs and surplus by their states, kommuner's activation, and the orders that concern the area.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Final, NamedTuple

import asyncpg
import orjson
from pydantic import ValidationError

from vardkase.domain.fold import withdrawn_by
from vardkase.domain.merge import Identity, Received, identity, plain
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import from_datetime, iso, to_datetime
from vardkase_contracts.orders import ORDER
from vardkase_contracts.reports import (
    ActivationReport,
    NeedReport,
    RegisterReport,
    RetireReport,
    WithdrawReport,
)
from vardkase_contracts.vocab import Reality

from .history import hidden_of
from .places import concerning, inside
from .store import Span, Store, report_of

MOST: Final = 1_000
"""Most changes that are told at once."""
_OPEN: Final = frozenset({"open", "closing"})
"""Lifecycles in which a point takes people in."""
_KINDS: Final = ("need", "register", "retire", "activation")
"""Reports that are told of one by one; what status reports change, the states tell."""
_NAMING: Final = ("incident", "report_request")
"""Orders that name the areas that they concern."""


class Mark(NamedTuple):
    """The place of a change in the digest."""

    stored_at: int
    """µs."""
    source: int
    """Of two at the same instant: alerts, states, reports, acts."""
    sequence: int
    """In its stream."""


class Window(NamedTuple):
    """Which changes are asked for."""

    area: Area
    reality: Reality
    since: int
    """What was stored until then (µs) is not told."""
    by: int
    """What was stored later (µs) is not told."""
    after: Mark | None = None
    """Goes on after this one."""
    most: int = MOST


class Changes(NamedTuple):
    """A part of a digest."""

    entries: list[dict[str, Any]]
    last: Mark | None
    """Where the next part goes on; None: this is all."""


async def changes(store: Store, window: Window) -> Changes:
    """A part of the digest, the earliest first.

    A part may hold fewer than `most`, and others follow: what tells nothing new (an alert whose evidence alone
    changed) is left out.

    Raises:
        Away: the database does not answer.
    """
    found: list[tuple[Mark, dict[str, Any] | None]] = []
    full = False
    for source in (_alerts(store, window), _states(store, window), _reports(store, window), _acts(store, window)):
        count = 0
        async for each in source:
            found.append(each)
            count += 1
        full = full or count > window.most
    found.sort(key=lambda each: each[0])
    more = full or len(found) > window.most
    told = found[: window.most]
    last = told[-1][0] if more and told else None
    return Changes([entry for _, entry in told if entry is not None], last)


class _Query:
    """A window as SQL: its values, and the condition of a source in it."""

    def __init__(self, window: Window, source: int, *values: Any) -> None:
        after = window.after or Mark(window.since, 9, 1 << 62)
        limits = (to_datetime(after.stored_at), after.source, after.sequence, to_datetime(window.by), window.most + 1)
        self.values = (*values, *limits)
        at, place, sequence, by, most = (f"${len(values) + number}" for number in range(1, 6))
        self.where = (
            f"stored_at >= {at} AND stored_at <= {by} "
            f"AND (stored_at, {source}::bigint, sequence) > ({at}, {place}::bigint, {sequence}::bigint)"
        )
        self.order = f"ORDER BY stored_at, sequence LIMIT {most}"


# -- alerts ------------------------------------------------------------------------------------------------------------


async def _alerts(store: Store, window: Window) -> AsyncIterator[tuple[Mark, dict[str, Any] | None]]:
    asked = _Query(window, 0, window.reality, inside(window.area))
    query = (
        "SELECT a.stored_at, a.sequence, a.data, before.data AS before FROM ("  # noqa: S608 -- of ours alone
        f"SELECT * FROM alert_change WHERE reality = $1 AND area_code = ANY($2) AND {asked.where} {asked.order}) a "
        "LEFT JOIN LATERAL (SELECT data FROM alert_change b WHERE b.key = a.key AND b.reality = $1 "
        "AND (b.stored_at, b.sequence) < (a.stored_at, a.sequence) "
        "ORDER BY b.stored_at DESC, b.sequence DESC LIMIT 1) before ON true ORDER BY a.stored_at, a.sequence"
    )
    async for row in store.rows(query, *asked.values):
        told = orjson.loads(row["data"])
        before = None if row["before"] is None else orjson.loads(row["before"])
        yield _mark(row, 0), alert_entry(told, before, from_datetime(row["stored_at"]))


def alert_entry(told: Mapping[str, Any], before: Mapping[str, Any] | None, stored_at: int) -> dict[str, Any] | None:
    """What a change of an alert tells; None: nothing that is new.

    Args:
        told: the alert as it was published.
        before: as it was published before; None: never.
        stored_at: when it was stored, µs.
    """
    what = _alert_what(told, before)
    if what is None:
        return None
    kept = ("key", "alert_id", "rule", "level", "status", "cleared_reason", "raised_at", "runs_out_at", "text", "acks")
    return {
        "what": what,
        "at": told["changed_at"],
        "stored_at": iso(stored_at),
        "area": told["area"]["code"],
        "point": None if told["point"] is None else told["point"]["id"],
        "name": told["area"]["name"] if told["point"] is None else told["point"]["name"],
        "alert": {name: told[name] for name in kept},
    }


def _alert_what(told: Mapping[str, Any], before: Mapping[str, Any] | None) -> str | None:
    standing = before is not None and before["status"] == "firing" and before["alert_id"] == told["alert_id"]
    if told["status"] == "cleared":
        return "alert.cleared" if standing or before is None else None
    if not standing:
        return "alert.raised"
    if told["level"] != (before or {})["level"]:
        return "alert.level"
    return "alert.acked" if _more_acks(told["acks"], (before or {})["acks"]) else None


def _more_acks(now: Collection[Any], before: Collection[Any]) -> bool:
    return any(ack not in before for ack in now)


# -- points ------------------------------------------------------------------------------------------------------------


async def _states(store: Store, window: Window) -> AsyncIterator[tuple[Mark, dict[str, Any] | None]]:
    asked = _Query(window, 1, window.reality, list(window.area.kommuner()), to_datetime(window.since))
    query = (
        "WITH new AS (SELECT stored_at, sequence, kommun, slug, lifecycle, as_of FROM state_change "  # noqa: S608 -- ours
        "WHERE reality = $1 AND kommun = ANY($2) AND slug <> '_' AND stored_at > $3), "
        "old AS (SELECT before.* FROM (SELECT DISTINCT kommun, slug FROM new) point CROSS JOIN LATERAL ("
        "SELECT stored_at, sequence, kommun, slug, lifecycle, as_of FROM state_change b WHERE b.kommun = point.kommun "
        "AND b.slug = point.slug AND b.reality = $1 AND b.stored_at <= $3 "
        "ORDER BY stored_at DESC, sequence DESC LIMIT 1) before), "
        "seen AS (SELECT *, lag(lifecycle) OVER (PARTITION BY kommun, slug ORDER BY stored_at, sequence) AS before "
        "FROM (SELECT * FROM new UNION ALL SELECT * FROM old) every) "
        f"SELECT * FROM seen WHERE lifecycle IS DISTINCT FROM before AND stored_at > $3 AND {asked.where} {asked.order}"
    )
    async for row in store.rows(query, *asked.values):
        before, now = row["before"], row["lifecycle"]
        what = "point.lifecycle"
        if now in _OPEN and before not in _OPEN:
            what = "point.opened"
        elif now == "closed" or (before in _OPEN and now not in _OPEN):
            what = "point.closed"
        at = row["as_of"] or row["stored_at"]
        yield (
            _mark(row, 1),
            {
                "what": what,
                "at": iso(from_datetime(at)),
                "stored_at": iso(from_datetime(row["stored_at"])),
                "area": row["kommun"],
                "point": f"{row['kommun']}-{row['slug']}",
                "lifecycle": {"before": before, "after": now},
            },
        )


# -- reports -----------------------------------------------------------------------------------------------------------


async def _reports(store: Store, window: Window) -> AsyncIterator[tuple[Mark, dict[str, Any] | None]]:
    kommuner = list(window.area.kommuner())
    gone = await withdrawn(store, window.reality, kommuner, window.by)
    hidden = await hidden_of(store, window.reality, kommuner)
    asked = _Query(window, 2, window.reality, kommuner, list(_KINDS))
    query = (
        "SELECT * FROM report WHERE reality = $1 AND kommun = ANY($2) AND kind = ANY($3) "  # noqa: S608 -- of ours alone
        f"AND {asked.where} {asked.order}"
    )
    async for row in store.rows(query, *asked.values):
        item = store.read(report_of(row))
        entry: dict[str, Any] | None = None
        if isinstance(item, Received) and identity(item.report) not in gone:
            entry = _report_entry(item, from_datetime(row["stored_at"]), hidden)
        yield _mark(row, 2), entry


def _report_entry(item: Received, stored_at: int, hidden: Collection[Identity]) -> dict[str, Any] | None:
    report = item.report
    entry: dict[str, Any] = {
        "what": "",
        "at": iso(item.stamp.time),
        "stored_at": iso(stored_at),
        "area": report.kommun,
        "point": report.subject,
        "report": report.id,
    }
    match report:
        case NeedReport():
            need = plain(report.data)
            need.pop("note", None)
            entry |= {"what": f"{need['direction']}.{need['state']}", "need": need}
        case RegisterReport():
            entry |= {"what": "point.registered", "name": report.data.name}
        case RetireReport():
            entry |= {"what": "point.retired"}
        case ActivationReport():
            entry |= {"what": "kommun.activation", "activation": report.data.state}
        case _:
            return None
    if identity(report) in hidden:
        entry.pop("name", None)
        entry.pop("need", None)
        entry["redacted"] = True
    return entry


async def withdrawn(store: Store, reality: Reality, kommuner: Collection[str], by: int) -> set[Identity]:
    """The reports of kommuner that were withdrawn by an instant (µs).

    Raises:
        Away: the database does not answer.
    """
    gone: set[Identity] = set()
    span = Span(reality, list(kommuner), by, "known", by)
    async for delivery in store.reports(span, kinds=("withdraw",)):
        item = store.read(delivery)
        if isinstance(item, Received) and isinstance(item.report, WithdrawReport):
            gone.update(withdrawn_by(item.report))
    return gone


# -- acts --------------------------------------------------------------------------------------------------------------


async def _acts(store: Store, window: Window) -> AsyncIterator[tuple[Mark, dict[str, Any] | None]]:
    area = window.area
    asked = _Query(window, 3, window.reality, inside(area), list(_NAMING), concerning(area))
    # An act that came by two streams is told once, where it came first.
    query = (
        "SELECT stored_at, sequence, data FROM act WHERE reality = $1 "  # noqa: S608 -- of ours alone
        "AND (area = ANY($2) OR (kind = ANY($3) AND area = ANY($4) AND document(data) -> 'data' -> 'areas' ?| $4)) "
        f"AND {asked.where} AND NOT EXISTS (SELECT FROM act b WHERE b.reality = act.reality AND b.kind = act.kind "
        "AND b.source IS NOT DISTINCT FROM act.source AND b.id = act.id "
        "AND (b.stored_at, b.stream) < (act.stored_at, act.stream)) "
        f"{asked.order}"
    )
    async for row in store.rows(query, *asked.values):
        yield _mark(row, 3), act_entry(row["data"], from_datetime(row["stored_at"]))


def act_entry(data: bytes, stored_at: int) -> dict[str, Any] | None:
    """What an order tells; None: it is none.

    Args:
        data: the order's event.
        stored_at: when it was stored, µs.
    """
    try:
        order = ORDER.validate_json(data)
    except ValidationError:
        return None
    said: dict[str, Any] = order.data.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        "what": f"order.{order.kind}",
        "at": iso(from_datetime(order.time)),
        "stored_at": iso(stored_at),
        "area": order.subject,
        "point": None,
        "by": said.pop("by"),
        "note": said.pop("note", None),
        "order": {"id": order.id, **said},
    }


def _mark(row: asyncpg.Record, source: int) -> Mark:
    return Mark(from_datetime(row["stored_at"]), source, row["sequence"])


# -- names -------------------------------------------------------------------------------------------------------------


async def names_of(store: Store, area: Area) -> dict[str, str]:
    """What an area's points are called, by the last register of each in skarpt läge that may be shown.

    Raises:
        Away: the database does not answer.
    """
    kommuner = list(area.kommuner())
    hidden = await hidden_of(store, "act", kommuner)
    query = (
        "SELECT kommun, slug, id, document(data) -> 'data' ->> 'name' AS name FROM report "
        "WHERE reality = 'act' AND kommun = ANY($1) AND kind = 'register' ORDER BY observed, stored_at"
    )
    found: dict[str, str] = {}
    async for row in store.rows(query, kommuner):
        if row["name"] is not None and ("act", row["kommun"], row["id"]) not in hidden:
            found[f"{row['kommun']}-{row['slug']}"] = row["name"]
    return found
