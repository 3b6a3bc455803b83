"""`vardkase scorecard`: how a kommun's reports came, from the archive, and what would help."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from vardkase.archive.advice import advice, reason, span
from vardkase.archive.scorecard import LONGEST, Asked, scorecard
from vardkase.archive.store import opened
from vardkase.cli.archived import DatabaseOption, database
from vardkase.cli.node import JsonOption, RealityOption, parse_area, print_json, run
from vardkase.cli.times import day_and_clock, parse_past
from vardkase.runtime.database import Away
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts.instants import DAY, from_datetime, iso, parse, to_datetime

app: Final = typer.Typer(add_completion=False)


@app.command(name="scorecard")
def command(
    kommun: Annotated[str, typer.Argument(help="The kommun's code: 2480.")],
    *,
    since: Annotated[str, typer.Option(help="RFC 3339, a time of day, or how long ago (7d).")] = "7d",
    reality: RealityOption = "act",
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tells lateness, what was refused, silences of open points, copies, points in no register; no content."""
    area, now = parse_area(kommun), datetime.now(UTC)
    if area.level != "kommun":
        raise Refused(f"KOMMUN: expected the code of a kommun; got {kommun!r}")
    until = from_datetime(now)
    began = from_datetime(parse_past(since, option="--since", now=now))
    if began < until - LONGEST:
        raise Refused(f"--since: expected a time of the last {LONGEST // DAY} days")
    url = database(database_url)

    async def work() -> dict[str, Any]:
        try:
            async with opened(url, "vardkase scorecard") as store:
                return await scorecard(store, Asked(area.code, reality, began, until))
        except Away as error:
            raise Failed(f"the archive cannot be read: {error}") from None

    card = run(work()) | {"since": iso(began), "until": iso(until)}
    words = advice(card)
    if as_json:
        print_json(json.dumps({**card, "advice": [word._asdict() for word in words]}, ensure_ascii=False))
        return
    sys.stdout.write(f"Återkoppling till {card['name']} sedan {day_and_clock(to_datetime(began))}\n")
    for line in (*_lines(card), *(f"→ {word.what} {word.do}" for word in words)):
        sys.stdout.write(f"{line}\n")


def _lines(card: Mapping[str, Any]) -> list[str]:
    late, reports = card["lateness"], card["reports"]
    lines = [f"{reports['total']} rapporter från {reports['points']} punkter"]
    if late["p50_s"] is not None:
        shares = (int(late[name]) for name in ("p50_s", "p90_s", "max_s"))
        lines.append("Framme: hälften inom {}, nio av tio inom {}, den senaste {}".format(*map(span, shares)))
    lines += [
        f"Togs inte emot: {each['count']} med fel i {each['field'] or 'hela meddelandet'} ({each['detail']}). "
        f"{reason(each['reason'])}"
        for each in card["rejected"]["reasons"]
    ]
    lines += [
        f"Tyst {span(each['seconds'])}: {each['point']} från {day_and_clock(to_datetime(parse(each['since'])))}"
        for each in card["gaps"][:5]
    ]
    return lines
