"""A state as the document that is published to STATE, and back; and its version."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from vardkase_contracts import instants
from vardkase_contracts.instants import parse

from .stamps import Entry, Stamp
from .state import SERVICE, PointState, endurance_h, is_known
from .timeline import Timeline

#: The same few instants are written over and over: in every fact that a report brought, and whenever its point changes.
iso = lru_cache(maxsize=20_000)(instants.iso)
_CANONICAL = orjson.OPT_SORT_KEYS
#: The parts of a document that its version covers.
VERSIONED = ("facts", "last", "timelines", "others")


def canonical(document: Any) -> bytes:
    """Canonical JSON: sorted keys, no white space, UTF-8."""
    return orjson.dumps(document, option=_CANONICAL)


def version_of(document: Any) -> str:
    """SHA-256, in hex, of the canonical JSON."""
    return hashlib.sha256(canonical(document)).hexdigest()


def fact(entry: Entry) -> dict[str, Any]:
    """A value with where it comes from, as it stands in documents."""
    stamp, value = entry
    result: dict[str, Any] = {
        "value": value,
        "observed_at": iso(stamp.time),
        "seq": stamp.seq,
        "report": stamp.report,
        "source": stamp.source,
    }
    if stamp.quality != "observed":
        result["quality"] = stamp.quality
    if stamp.adjusted:
        result["clock_adjusted"] = True
    return result


def _entry(document: Mapping[str, Any]) -> Entry:
    stamp = Stamp(
        parse(document["observed_at"]),
        document["seq"],
        document["report"],
        document["source"],
        document.get("quality", "observed"),
        document.get("clock_adjusted", False),
    )
    return stamp, document["value"]


def _instant(time: int | None) -> str | None:
    return None if time is None else iso(time)


def merged_document(state: PointState) -> dict[str, Any]:
    """What is merged, and the version that covers it: equal wherever the same set of reports was merged."""
    merged = {
        "facts": _facts(state),
        "last": _last_heard(state),
        "timelines": _timelines(state),
        "others": _others(state),
    }
    return merged | {"version": version_of(merged)}


class _Written(NamedTuple):
    """What of a state's canonical JSON stays as it is while its revision stands: all but `last`."""

    revision: int
    facts: bytes
    others: bytes
    timelines: bytes


def merged_json(state: PointState) -> dict[str, Any]:
    """The same as `merged_document`, as JSON to be put into another document; cheap for signs of life.

    Its parts are `orjson.Fragment`s of canonical JSON, which `orjson.dumps` copies.
    """
    written: _Written | None = state.written
    if written is None or written.revision != state.revision:
        # Copies: what orjson returns keeps the whole buffer that it was written into, some 8 KB.
        written = state.written = _Written(
            state.revision,
            *(bytes(memoryview(canonical(part))) for part in (_facts(state), _others(state), _timelines(state))),
        )
    last = canonical(_last_heard(state))
    whole = b'{"facts":%b,"last":%b,"others":%b,"timelines":%b}' % (
        written.facts,
        last,
        written.others,
        written.timelines,
    )
    return {
        "facts": orjson.Fragment(written.facts),
        "last": orjson.Fragment(last),
        "timelines": orjson.Fragment(written.timelines),
        "others": orjson.Fragment(written.others),
        "version": hashlib.sha256(whole).hexdigest(),
    }


def _facts(state: PointState) -> dict[str, Any]:
    facts: dict[str, Any] = {aspect: fact(entry) for aspect, entry in state.facts.items()}
    services: dict[str, Any] = {}
    for aspect, timeline in state.timelines.items():
        if aspect.startswith(SERVICE):
            services[aspect[len(SERVICE) :]] = fact(timeline.newest)
        else:
            facts[aspect] = fact(timeline.newest)
    if services:
        facts["services"] = services
    if state.needs:
        facts["needs"] = {need_id: fact(entry) for need_id, entry in state.needs.items()}
    return facts


def _last_heard(state: PointState) -> dict[str, Any]:
    return {
        "content": _instant(state.content),
        "confirmed": _instant(state.confirmed),
        "heartbeat": _instant(state.heartbeat),
        "reached": _instant(state.reached),
        "contact": None if state.contact is None else fact(state.contact),
    }


def _others(state: PointState) -> dict[str, Any]:
    return {aspect: fact(entry) for aspect, entry in state.others.items()}


def _timelines(state: PointState) -> dict[str, Any]:
    """Timelines by reference to a table of the reports that they rest on: one report has a stamp in many of them."""
    # What was last known stands in a timeline of its own aspect as a rule; only what has left it is told apart.
    known = {
        aspect: entry
        for aspect, entry in state.known.items()
        if not _holds(state.timelines[aspect.removesuffix(".endurance")], entry)
    }
    stamps = {stamp for timeline in state.timelines.values() for stamp, _ in timeline}
    stamps.update(stamp for stamp, _ in known.values())
    reports = sorted(stamps)
    index = {stamp: at for at, stamp in enumerate(reports)}
    return {
        "reports": [[iso(stamp.time), *stamp[1:]] for stamp in reports],
        "aspects": {
            aspect: [[index[stamp], value] for stamp, value in timeline] for aspect, timeline in state.timelines.items()
        },
        "known": {aspect: [index[stamp], value] for aspect, (stamp, value) in known.items()},
    }


def _holds(timeline: Timeline, entry: Entry) -> bool:
    for stamp, _ in reversed(timeline.entries):
        if stamp <= entry[0]:
            return stamp == entry[0]
    return False


def load(document: Mapping[str, Any]) -> PointState:
    """The state that a document was made of.

    Raises:
        KeyError, ValueError, TypeError: when it is no such document.
    """
    state = PointState(document["id"], document["reality"])
    table = document["timelines"]
    stamps = [Stamp.of_row(row) for row in table["reports"]]
    for aspect, rows in table["aspects"].items():
        state.timelines[aspect] = Timeline([(stamps[at], value) for at, value in rows])
        _recall(state, aspect)
    for aspect, (at, value) in table["known"].items():
        state.known[aspect] = (stamps[at], value)
    for aspect, entry in document["facts"].items():
        if aspect == "needs":
            state.needs = {need_id: _entry(need) for need_id, need in entry.items()}
        elif aspect != "services" and aspect not in state.timelines:
            state.facts[aspect] = _entry(entry)
    state.others = {aspect: _entry(entry) for aspect, entry in document["others"].items()}
    entries = (*state.facts.values(), *state.needs.values(), *state.known.values(), *state.others.values())
    state.latest = max(
        (stamp.time for stamp, _ in (*entries, *(timeline.newest for timeline in state.timelines.values()))), default=0
    )
    last = document["last"]
    state.content, state.confirmed, state.heartbeat, state.reached = (
        None if last[name] is None else parse(last[name]) for name in ("content", "confirmed", "heartbeat", "reached")
    )
    state.contact = None if last["contact"] is None else _entry(last["contact"])
    return state


def _recall(state: PointState, aspect: str) -> None:
    """What is last known of an aspect, as far as its timeline tells."""
    known = _last(entry for entry in state.timelines[aspect] if is_known(aspect, entry[1]))
    if known is not None:
        state.known[aspect] = known
    if aspect == "power":
        endurance = _last(e for e in state.timelines[aspect] if e[1] is not None and endurance_h(e[1]) is not None)
        if endurance is not None:
            state.known["power.endurance"] = endurance


def _last(entries: Iterable[Entry]) -> Entry | None:
    last = None
    for last in entries:  # noqa: B007 - the last one is what is asked for
        pass
    return last
