"""A scorecard back to a kommun: how its reports came, from the archive. Nothing in it repeats what a report held.

How late they were (from observed to received), what was refused and which field was at fault, how long open points
were silent, where the same report came in different copies, and points that report and are in no register.
"""

from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import DAY, HOUR, MINUTE, SECOND, from_datetime, iso, to_datetime
from vardkase_contracts.vocab import Reality

from .store import Store

LONGEST: Final = 92 * DAY
"""How long a time a scorecard may be of, µs."""
DEFAULT: Final = 7 * DAY
"""Of how long a time it is unless asked otherwise, µs."""
BANDS: Final = (("1m", MINUTE), ("5m", 5 * MINUTE), ("15m", 15 * MINUTE), ("1h", HOUR), ("4h", 4 * HOUR))
"""Upper bounds of the bands of lateness; what is later stands under `more`."""
AHEAD: Final = 2 * MINUTE
"""A clock that is further ahead is wrong (CONTRACT §3)."""
_MOST: Final = 20
"""Most rows of each list."""
_LOOKED_AT: Final = 500
"""Longest silences that are looked at: whether the point was open then."""
_OPEN: Final = frozenset({"open", "closing", "establishing"})
_GAP: Final = 2 * HOUR
"""A silence that is worth telling of, µs: an open point is asked to report every other hour."""


class Asked(NamedTuple):
    """Of what."""

    kommun: str
    reality: Reality
    since: int
    """µs, in the time of things stored."""
    by: int
    """µs."""


async def scorecard(store: Store, asked: Asked) -> dict[str, Any]:
    """The scorecard.

    Raises:
        Away: the database does not answer.
    """
    return {
        "kommun": asked.kommun,
        "name": KOMMUNER[asked.kommun].name,
        "reality": asked.reality,
        "reports": await _counted(store, asked),
        "lateness": await _lateness(store, asked),
        "rejected": await _rejected(store, asked),
        "gaps": await _gaps(store, asked),
        "copies": await _copies(store, asked),
        "unregistered": await _unregistered(store, asked),
    }


def _values(asked: Asked) -> tuple[Any, ...]:
    return asked.reality, asked.kommun, to_datetime(asked.since), to_datetime(asked.by)


_IN: Final = "reality = $1 AND kommun = $2 AND stored_at > $3 AND stored_at <= $4"


async def _counted(store: Store, asked: Asked) -> dict[str, Any]:
    """How many reports of each kind, of how many points; each copy of a report counts."""
    query = f"SELECT kind, count(*) AS n FROM report WHERE {_IN} GROUP BY kind ORDER BY kind"  # noqa: S608 -- ours
    kinds = {row["kind"]: row["n"] async for row in store.rows(query, *_values(asked))}
    points = f"SELECT count(DISTINCT slug) AS n FROM report WHERE {_IN} AND slug <> '_'"  # noqa: S608
    (reporting,) = [row["n"] async for row in store.rows(points, *_values(asked))]
    return {"total": sum(kinds.values()), "kinds": kinds, "points": reporting}


async def _lateness(store: Store, asked: Asked) -> dict[str, Any]:
    """How long reports took from observed to received. Signs of life tell nothing of it, and are left out."""
    late = "extract(epoch FROM coalesce(received, stored_at) - observed)"
    bands = ", ".join(f"count(*) FILTER (WHERE late <= {bound // SECOND}) AS within_{name}" for name, bound in BANDS)
    query = (
        f"SELECT count(*) AS n, {bands}, count(*) FILTER (WHERE late < -{AHEAD // SECOND}) AS ahead, "  # noqa: S608
        "percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY greatest(late, 0)) AS shares, max(late) AS most "
        f"FROM (SELECT {late}::float8 AS late FROM report WHERE {_IN} AND kind <> 'heartbeat' "
        "AND observed IS NOT NULL) each"
    )
    (row,) = [row async for row in store.rows(query, *_values(asked))]
    told: dict[str, Any] = {"reports": row["n"], "ahead": row["ahead"], "bands": {}}
    before = 0
    for name, _ in BANDS:
        told["bands"][name] = row[f"within_{name}"] - before
        before = row[f"within_{name}"]
    told["bands"]["more"] = row["n"] - before
    shares = row["shares"] or (None, None, None)
    for name, value in zip(("p50_s", "p90_s", "p99_s", "max_s"), (*shares, row["most"]), strict=True):
        told[name] = None if value is None else round(max(0.0, value), 1)
    return told


async def _rejected(store: Store, asked: Asked) -> dict[str, Any]:
    """What was refused, by why and which field, the most first; what the field held is not told."""
    query = (
        "SELECT reason, field, count(*) AS n, max(stored_at) AS last, "  # noqa: S608 -- of ours alone
        "(array_agg(document(data) -> 'data' ->> 'detail' ORDER BY stored_at DESC, sequence DESC))[1] AS detail, "
        "(array_agg(slug ORDER BY stored_at DESC, sequence DESC) FILTER (WHERE slug IS NOT NULL))[1] AS slug "
        f"FROM rejected WHERE {_IN} GROUP BY reason, field ORDER BY n DESC, reason, field"
    )
    rows = [row async for row in store.rows(query, *_values(asked))]
    told = [
        {
            "reason": row["reason"],
            "field": row["field"],
            "count": row["n"],
            "detail": row["detail"],
            "last": iso(from_datetime(row["last"])),
            "point": None if row["slug"] is None else f"{asked.kommun}-{row['slug']}",
        }
        for row in rows[:_MOST]
    ]
    return {"total": sum(row["n"] for row in rows), "reasons": told}


async def _gaps(store: Store, asked: Asked) -> list[dict[str, Any]]:
    """The longest silences of points that were open when they began; the last of each lasts until the end."""
    query = (
        "SELECT * FROM (SELECT slug, stored_at, lead(stored_at, 1, $4) OVER "  # noqa: S608 -- of ours alone
        "(PARTITION BY slug ORDER BY stored_at, sequence) AS heard_again, "
        "lead(stored_at) OVER (PARTITION BY slug ORDER BY stored_at, sequence) IS NULL AS lasts "
        f"FROM report WHERE {_IN} AND slug <> '_') gap WHERE heard_again - stored_at >= interval '{_GAP} microseconds' "
        f"ORDER BY heard_again - stored_at DESC, slug, stored_at LIMIT {_LOOKED_AT}"
    )
    with_state = (
        f"SELECT gap.*, state.lifecycle FROM ({query}) gap LEFT JOIN LATERAL ("  # noqa: S608
        "SELECT lifecycle FROM state_change s WHERE s.kommun = $2 AND s.slug = gap.slug AND s.reality = $1 "
        "AND s.stored_at < gap.heard_again ORDER BY s.stored_at DESC, s.sequence DESC LIMIT 1) state ON true "
        "ORDER BY heard_again - gap.stored_at DESC, slug, gap.stored_at"
    )
    found: list[dict[str, Any]] = []
    async for row in store.rows(with_state, *_values(asked)):
        if row["lifecycle"] not in _OPEN:
            continue
        since, until = from_datetime(row["stored_at"]), from_datetime(row["heard_again"])
        found.append(
            {
                "point": f"{asked.kommun}-{row['slug']}",
                "since": iso(since),
                "until": None if row["lasts"] else iso(until),
                "seconds": (until - since) // SECOND,
            }
        )
        if len(found) == _MOST:
            break
    return found


async def _copies(store: Store, asked: Asked) -> dict[str, Any]:
    """Reports under one id that differ: of them one counts, and the others do not."""
    query = (
        "SELECT id, min(slug) AS slug, count(*) AS n FROM (SELECT DISTINCT id, slug, digest FROM report "  # noqa: S608
        f"WHERE {_IN} AND id IS NOT NULL) each GROUP BY id HAVING count(*) > 1 ORDER BY n DESC, id"
    )
    rows = [row async for row in store.rows(query, *_values(asked))]
    examples = [{"id": row["id"], "point": f"{asked.kommun}-{row['slug']}", "copies": row["n"]} for row in rows[:_MOST]]
    return {"total": len(rows), "examples": examples}


async def _unregistered(store: Store, asked: Asked) -> list[str]:
    """Points that reported and are in no register: they are not among those that are expected."""
    query = (
        f"SELECT DISTINCT slug FROM report WHERE {_IN} AND slug <> '_' AND slug NOT IN ("  # noqa: S608 -- of ours alone
        "SELECT slug FROM report WHERE kommun = $2 AND kind = 'register' AND reality IN ('act', $1)) ORDER BY slug"
    )
    return [f"{asked.kommun}-{row['slug']}" async for row in _first(store.rows(query, *_values(asked)))]


async def _first(rows: AsyncIterator[Any]) -> AsyncIterator[Any]:
    count = 0
    async for row in rows:
        if count == _LOOKED_AT:
            return
        count += 1
        yield row
