"""`vardkase handover`: what whoever takes over a shift must know, of the node that is live and of its archive."""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import orjson
import typer

from vardkase.archive.handover import DEFAULT, SHIFT, Cutoff, Frame, Now, compose
from vardkase.archive.shift import Past, last_adopted, past
from vardkase.archive.store import opened
from vardkase.cli.archived import DatabaseOption, database, fallback, keyring
from vardkase.cli.changes import in_words, quoted
from vardkase.cli.node import (
    AreaOption,
    CredsOption,
    JsonOption,
    NatsOption,
    Node,
    RealityOption,
    client_of,
    find_node,
    parse_area,
    print_json,
    run,
)
from vardkase.cli.times import STOCKHOLM, clock, day_and_clock, parse_past
from vardkase.cli.watching import node_now
from vardkase.gateway.documents import Held, Point, trimmed
from vardkase.gateway.shift.live import now_of
from vardkase.gateway.shift.printed import LIFECYCLES, WORDS
from vardkase.runtime.database import Away
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts import vocab
from vardkase_contracts.areas import NATION_CODE, Area
from vardkase_contracts.instants import MINUTE, from_datetime, parse, to_datetime

app: Final = typer.Typer(add_completion=False)

_BEGIN_S: Final = 30.0
_DRIVEN: Final = 5 * MINUTE
"""A node whose time is this far from ours runs on a driven clock."""
_SHOWN: Final = 12
"""Rows of each list on a terminal; the page and `--json` have more."""


@app.command(name="handover")
def command(
    *,
    area: AreaOption = None,
    since: Annotated[
        str | None,
        typer.Option(help="RFC 3339, a time of day, or how long ago (12h). [default: the last adopted picture]"),
    ] = None,
    hours: Annotated[int, typer.Option(min=1, max=48, help="Of the next shift.")] = SHIFT,
    reality: RealityOption = "act",
    nats: NatsOption = None,
    creds: CredsOption = None,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tells what has happened since the last cut-off, how it is, what runs out, and what is being done."""
    node = find_node(nats, creds)
    where = parse_area(area or node.area or NATION_CODE)
    given = None
    if since is not None:
        given = from_datetime(parse_past(since, option="--since", now=datetime.now(UTC)))
    report = run(_report(node, where, reality, given, hours, database_url or node.database))
    if as_json:
        print_json(json.dumps(report, ensure_ascii=False))
        return
    for line in lines(report):
        sys.stdout.write(f"{line}\n")


async def _report(
    node: Node, area: Area, reality: vocab.Reality, given: int | None, hours: int, database_url: str | None
) -> dict[str, Any]:
    live, now = await _live(node, area, reality)
    ours = from_datetime(datetime.now(UTC))
    cutoff = Cutoff(now - DEFAULT, "default") if given is None else Cutoff(given, "given")
    if abs(ours - now) > _DRIVEN:  # what is stored carries another time than what is judged: the gateway knows both
        why = "noden går på en egen klocka, läs rapporten på /overlamning"
        return compose(Frame(area, reality, now, cutoff, hours), live, None, why)
    found: dict[str, Any] | None = None
    why = None
    try:
        async with opened(database(database_url), "vardkase handover", keyring=keyring()) as store:
            if given is None and (adopted := await last_adopted(store, area, reality, ours)) is not None:
                cutoff = Cutoff(parse(adopted["at"]), "adopted", adopted)
            asked = Past(area, reality, cutoff.at, cutoff.at, now, ours)
            found = await past(store, asked, fallback)
    except (Away, Refused) as error:
        why = f"arkivet går inte att läsa ({error})"
    return compose(Frame(area, reality, now, cutoff, hours), live, found, why)


async def _live(node: Node, area: Area, reality: vocab.Reality) -> tuple[Now, int]:
    """The live part, and the node's time (µs).

    Raises:
        Failed: the node gives nothing.
    """
    async with (
        client_of(node) as client,
        client.pictures(area, reality=reality, only=True) as pictures,
        client.alerts(area, reality=reality) as alerts,
        client.states(area, reality=reality) as states,
    ):
        try:
            async with asyncio.timeout(_BEGIN_S):
                now = from_datetime(await node_now(client, area, reality))
                shown = await pictures.current()
                standing = await alerts.current()
                points = await states.current()
        except TimeoutError:
            raise Failed(f"the node at {node.nats} gives nothing: nothing came in {_BEGIN_S:g} s") from None
    held: list[Point] = []
    for state in points:
        document: dict[str, Any] = orjson.loads(state.model_dump_json(by_alias=True, exclude_unset=True))
        held.append(Point(document, Held(0, 0, trimmed(document), "")))
    picture = orjson.loads(shown[0].model_dump_json(by_alias=True)) if shown else None
    documents = [orjson.loads(alert.model_dump_json(by_alias=True)) for alert in standing]
    return now_of(picture, documents, held, now), now


# -- in words ----------------------------------------------------------------------------------------------------------


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The report as lines of Swedish."""
    if report["reality"] != "act":
        yield "ÖVNING ÖVNING ÖVNING" if report["reality"] == "exe" else "PROV"
    yield f"ÖVERLÄMNING: {report['name']}, {_at(report['as_of'])}"
    yield f"Ändrat sedan {_at(report['since'])} ({WORDS.since[report['since_from']]})"
    archive = report["sources"]["archive"]
    if not archive["there"]:
        yield f"BARA LÄGET NU, inget ur arkivet: {archive['why']}."
    if archive["truncated"]:
        yield f"Bara de första {archive['changes']} ändringarna är med: välj en senare tid."
    yield from _events(report)
    yield from _condition(report)
    yield from _forecast(report)
    yield from _resources(report)
    yield from _measures(report)
    yield ""
    yield f"Gjord av systemet, inte fastställd av någon. SHA-256 {report['sha256']}"


def _events(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _heading("1. Händelseutveckling")
    events = report["events"]
    if events is None:
        yield "Okänd: arkivet är borta."
        return
    titles = {
        "raised": "Nya larm",
        "worse": "Ändrad nivå",
        "cleared": "Avslutade larm",
        "opened": "Öppnade punkter",
        "closed": "Stängda punkter",
        "activation": "Aktivering",
    }
    for name, title in titles.items():
        yield from _list(title, events[name], lambda each: f"{_at(each['at'])} {WORDS.place(each)}: {in_words(each)}")


def _condition(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _heading("2. Tillstånd")
    now, then = report["condition"]["now"], report["condition"]["then"]
    if now is None:
        yield "Det finns ingen bild av området än."
        return
    said = ", ".join(f"{n} {LIFECYCLES[name]}" for name, n in now["lifecycle"].items() if n and name in LIFECYCLES)
    yield f"Punkter: {said or 'inga'}"
    for title, of in (("Nu", now), ("Då", then)):
        if of is not None:
            cover = of["coverage"]
            yield (
                f"{title}: {cover['on_time']} av {cover['expected']} rapporterar i tid, {cover['stale']} inaktuella, "
                f"{cover['silent']} tysta; {of['condition']['critical']} kritiska, {of['condition']['red']} röda"
            )


def _forecast(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _heading("3. Förväntad utveckling")
    found = report["forecast"]
    yield from _list("Utan el nu", found["dark"], WORDS.place)
    yield from _list(
        "Tar slut i nästa pass",
        found["runs_out"],
        lambda each: f"{_at(each['runs_out_at'])} {WORDS.place(each)}",
        empty="ingen punkt vars uthållighet är känd",
    )
    if found["unknown"]:
        yield f"Okänd uthållighet: {found['unknown']}"
    yield from _list("Behövs senast", found["needed"], lambda each: f"{_at(each['needed_by'])} {_need(each)}")
    yield from _list(
        "Kvitteringar som går ut", found["acks"], lambda each: f"{_at(each['until'])} {each['text']['sv']}"
    )
    if found["silences"] is not None:
        yield from _list(
            "Tystade larm som börjar höras igen",
            found["silences"],
            lambda each: f"{_at(each['until'])} {WORDS.matcher(each['matcher'])} i {WORDS.area(each['area'])}",
        )


def _resources(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _heading("4. Tillgängliga resurser")
    found = report["resources"]
    if found is None:
        yield "Okända: det finns ingen bild av området än."
    else:
        free, staff = found["free_capacity"], found["staff"]
        yield f"Lediga platser: {free['sum']} (känt om {free['points']} av {free['of']})"
        yield f"Personal: {staff['present']} på plats, {staff['short']} saknas"
    yield from _list("Överskott", report["measures"]["surplus"], _need)


def _measures(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _heading("5. Vidtagna och planerade åtgärder")
    found = report["measures"]
    yield from _list("Larm som ingen har kvitterat", found["unacked"], _alert, empty="inga")
    yield from _list("Larm som någon arbetar med", found["acked"], _acked)
    yield from _list("Öppna behov", found["needs"], _need, empty="inga")
    since = found["since"]
    if since is None:
        yield "Order och levererade behov är okända: arkivet är borta."
        return
    for name, title in {"orders": "Order", "needs_opened": "Nya behov", "needs_delivered": "Levererat"}.items():
        yield from _list(title, since[name], lambda each: f"{_at(each['at'])} {WORDS.place(each)}: {in_words(each)}")


def _heading(text: str) -> Iterator[str]:
    yield ""
    yield text


def _list(title: str, listed: Mapping[str, Any], said: Any, *, empty: str | None = None) -> Iterator[str]:
    if not listed["count"]:
        if empty is not None:
            yield f"{title}: {empty}"
        return
    yield f"{title}: {listed['count']}"
    for each in listed["items"][:_SHOWN]:
        yield f"  {said(each)}"
    if listed["count"] > _SHOWN:
        yield f"  … och {listed['count'] - _SHOWN} till"


def _at(text: str) -> str:
    moment = to_datetime(parse(text))
    today = datetime.now(STOCKHOLM).date() == moment.astimezone(STOCKHOLM).date()
    return clock(moment) if today else day_and_clock(moment)


def _alert(alert: Mapping[str, Any]) -> str:
    return f"{WORDS.level[alert['level']]} {WORDS.alert_place(alert)}: {WORDS.said(alert['text'])}"


def _acked(alert: Mapping[str, Any]) -> str:
    acks = "; ".join(f"{WORDS.by(ack)}{quoted(ack['note'])}" for ack in alert["acks"])
    return f"{_alert(alert)} ({acks})"


def _need(need: Mapping[str, Any]) -> str:
    return f"{WORDS.place(need)}: {WORDS.need(need)} ({WORDS.need_state(need['state'], need.get('direction'))})"
