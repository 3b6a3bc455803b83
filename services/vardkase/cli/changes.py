"""`vardkase changes`: what has changed in an area since a time, from the archive."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer

from vardkase.archive.changes import MOST, Changes, Mark, Window, changes, names_of
from vardkase.archive.store import opened
from vardkase.cli.archived import DatabaseOption, database, keyring
from vardkase.cli.node import JsonOption, RealityOption, parse_area, print_json, run
from vardkase.cli.times import clock, day_and_clock, parse_past
from vardkase.gateway.shift.printed import ORDER, WORDS
from vardkase.runtime.database import Away
from vardkase.runtime.errors import Failed
from vardkase_contracts.areas import NATION_CODE
from vardkase_contracts.instants import from_datetime, parse, to_datetime

app: Final = typer.Typer(add_completion=False)

_PAGES: Final = 100
"""Most pages of one answer: some hundred thousand changes."""


@app.command(name="changes")
def command(
    *,
    since: Annotated[str, typer.Option(help="RFC 3339, a time of day, or how long ago (12h).")],
    area: Annotated[str, typer.Option(help="2480, 24, norra or SE.")] = NATION_CODE,
    reality: RealityOption = "act",
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tells alerts, points, needs, activation and orders in the order in which they came to this node."""
    where, now = parse_area(area), datetime.now(UTC)
    began = from_datetime(parse_past(since, option="--since", now=now))
    window = Window(where, reality, began, from_datetime(now), most=MOST)
    url = database(database_url)

    async def work() -> None:
        try:
            async with opened(url, "vardkase changes", keyring=keyring()) as store:
                names = {} if as_json else await names_of(store, where)
                count, after = 0, None
                for _ in range(_PAGES):
                    part: Changes = await changes(store, window._replace(after=after))
                    count += len(part.entries)
                    for entry in part.entries:
                        _tell(entry, now, names, as_json=as_json)
                    after: Mark | None = part.last
                    if after is None:
                        break
                else:
                    raise Failed("more has changed than one answer holds: choose a later time or a smaller area")
                if not count and not as_json:
                    sys.stdout.write(f"Inget har ändrats i {where.name} sedan {day_and_clock(to_datetime(began))}.\n")
        except Away as error:
            raise Failed(f"the archive cannot be read: {error}") from None

    run(work())


def _tell(entry: Mapping[str, Any], now: datetime, names: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(json.dumps(entry, ensure_ascii=False))
        return
    moment = to_datetime(parse(entry["at"]))
    at = clock(moment) if now - moment < timedelta(hours=20) else day_and_clock(moment)
    named = {**entry, "name": entry.get("name") or names.get(str(entry.get("point")))}
    sys.stdout.write(f"{at:<13} {WORDS.place(named)}: {in_words(entry)}\n")


def in_words(entry: Mapping[str, Any]) -> str:
    """A change in a line of Swedish."""
    what = str(entry["what"])
    family, _, kind = what.partition(".")
    match family:
        case "alert":
            said = _alert(kind, entry["alert"])
        case "point" if kind in {"registered", "retired"}:
            said = "införd i registret" if kind == "registered" else "avvecklad"
        case "point":
            before, after = entry["lifecycle"]["before"], entry["lifecycle"]["after"]
            said = f"{WORDS.lifecycle(after)} (var {WORDS.lifecycle(before)})"
        case "need" | "surplus":
            asked = WORDS.need(entry["need"]) if "need" in entry else "uppgiften är dold"
            said = f"{'behov' if family == 'need' else 'överskott'}: {asked}, {WORDS.need_state(kind, family)}"
        case "kommun":
            said = WORDS.activation(entry["activation"])
        case "order":
            about = WORDS.about(entry)
            name = ORDER.get(what, "Kvittering" if kind == "ack" else what)
            said = f"{name}{f': {about}' if about else ''} ({WORDS.by(entry['by'])}){quoted(entry['note'])}"
        case _:
            said = what
    return said


def quoted(note: str | None) -> str:
    """What somebody wrote, after what it is about; nothing when they wrote nothing."""
    return f". ”{note}”" if note else ""


def _alert(kind: str, alert: Mapping[str, Any]) -> str:
    said = f"{WORDS.level[alert['level']]}, {WORDS.said(alert['text'])}"
    match kind:
        case "raised":
            return f"larm: {said}"
        case "level":
            return f"larm, ny nivå: {said}"
        case "acked":
            ack = max(alert["acks"], key=lambda each: parse(each["at"]))  # they stand by level, not by time
            return f"kvitterat av {WORDS.by(ack)}: {said}{quoted(ack['note'])}"
        case _:
            return f"larm slut ({WORDS.cleared(alert['cleared_reason'])}): {said}"
